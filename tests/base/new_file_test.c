/* Files that appear whole, folders, and links, of which none is followed below what the user names. */
#include "base/file.h"
#include "base/text.h"
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder, *elsewhere;

static void setup(void)
{
    char *real;
    folder = test_folder();
    ck_succeeds(tsr_path_real(folder, &real));
    free(folder);
    folder = real;
    elsewhere = tsr_path_join(folder, "elsewhere");
    ck_assert_int_eq(mkdir(elsewhere, 0777), 0);
    char *link = tsr_path_join(folder, "link");
    ck_assert_int_eq(symlink("elsewhere", link), 0);
    free(link);
}

static void teardown(void)
{
    free(elsewhere);
    test_folder_remove(folder);
}

static char *at(const char *name)
{
    static char place[4096];
    snprintf(place, sizeof(place), "%s/%s", folder, name);
    return place;
}

static bool exists(const char *name)
{
    struct stat info;
    return lstat(at(name), &info) == 0;
}

static void real_is(const char *name, const char *expected)
{
    char *real, *wanted = tsr_format("%s%s", folder, expected);
    ck_succeeds(tsr_path_real(at(name), &real));
    ck_assert_str_eq(real, wanted);
    free(wanted);
    free(real);
}

static void holds(const char *name, const char *expected)
{
    char *text;
    size_t length;
    ck_succeeds(tsr_read_file(at(name), 100, &text, &length));
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(a_real_path_has_no_links_and_may_end_in_what_is_not_there)
{
    real_is("", "");
    real_is("link", "/elsewhere");
    real_is("link/", "/elsewhere");
    real_is("link/new/er///", "/elsewhere/new/er");
    real_is("new", "/new");
    real_is("link/../new", "/new");
    char *real;
    ck_succeeds(tsr_path_real("/", &real));
    ck_assert_str_eq(real, "/");
    free(real);
    ck_succeeds(tsr_path_real("/nowhere-at-all", &real));
    ck_assert_str_eq(real, "/nowhere-at-all");
    free(real);
    ck_assert_int_eq(chdir(folder), 0);
    ck_succeeds(tsr_path_real("link/a", &real));
    ck_assert_str_eq(real, at("elsewhere/a"));
    free(real);
    ck_succeeds(tsr_path_of_new_file("link/link", &real));
    ck_assert_str_eq(real, at("elsewhere/link"));
    free(real);
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(a_link_on_the_way_is_refused_and_nothing_is_written_behind_it)
{
    ck_fails(tsr_write_file(at("link/file"), "x", 1), TSR_IO, "cannot write: a link is on the way");
    ck_fails(tsr_make_folder(at("link/new")), TSR_IO, "cannot make the folder: a link is on the way");
    ck_fails(tsr_make_folder(at("link")), TSR_IO, "a link is on the way");
    ck_fails(tsr_remove_tree(at("link/file")), TSR_IO, "cannot remove: a link is on the way");
    ck_assert(!exists("elsewhere/file") && !exists("elsewhere/new"));
}
END_TEST

START_TEST(a_file_takes_the_place_of_a_link_and_not_of_what_it_leads_to)
{
    ck_succeeds(tsr_write_file(at("elsewhere/file"), "theirs", 6));
    ck_assert_int_eq(symlink("elsewhere/file", at("mine")), 0);
    ck_succeeds(tsr_write_file(at("mine"), "ours", 4));
    holds("elsewhere/file", "theirs");
    holds("mine", "ours");
}
END_TEST

START_TEST(a_file_that_is_dropped_leaves_nothing)
{
    tsr_new_file file;
    ck_succeeds(tsr_new_file_open(at("elsewhere/file"), &file));
    ck_assert(!exists("elsewhere/file"));
    fputs("half", file.stream);
    tsr_new_file_drop(&file);
    ck_assert_int_eq(rmdir(elsewhere), 0);
    ck_fails(tsr_new_file_open(at("elsewhere/file"), &file), TSR_IO, "cannot write: No such file");
}
END_TEST

START_TEST(a_file_has_the_mode_of_the_umask)
{
    struct stat info;
    mode_t before = umask(027);
    ck_succeeds(tsr_write_file(at("file"), "x", 1));
    umask(before);
    ck_assert_int_eq(stat(at("file"), &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0640);
}
END_TEST

START_TEST(a_tree_is_removed_with_its_links_and_not_what_they_lead_to)
{
    ck_succeeds(tsr_make_folder(at("tree/a/b")));
    ck_succeeds(tsr_write_file(at("tree/a/b/file"), "x", 1));
    ck_succeeds(tsr_write_file(at("elsewhere/file"), "x", 1));
    ck_assert_int_eq(symlink("../../elsewhere", at("tree/a/link")), 0);
    ck_succeeds(tsr_remove_tree(at("tree")));
    ck_assert(!exists("tree") && exists("elsewhere/file"));
    ck_succeeds(tsr_remove_tree(at("tree")));
    ck_succeeds(tsr_remove_tree(at("link")));
    ck_assert(!exists("link") && exists("elsewhere/file"));
    ck_succeeds(tsr_remove_tree(at("elsewhere/file")));
    ck_assert(!exists("elsewhere/file"));
    ck_succeeds(tsr_remove_tree(at("not/there")));
}
END_TEST

START_TEST(a_lock_is_a_file)
{
    int error, fd = tsr_open_lock(at(".lock"), &error);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(symlink(".lock", at(".other")), 0);
    ck_assert_int_eq(tsr_open_lock(at(".other"), &error), -1);
    ck_assert_int_eq(error, ELOOP);
    ck_assert_int_eq(mkfifo(at(".fifo"), 0600), 0);
    ck_assert_int_eq(tsr_open_lock(at(".fifo"), &error), -1);
    ck_assert_int_eq(error, ENODEV);
}
END_TEST

START_TEST(a_temporary_folder_is_new_and_the_users_alone)
{
    char *one, *two;
    struct stat info;
    setenv("TMPDIR", at("link"), 1);
    ck_succeeds(tsr_make_temporary("test", &one));
    ck_succeeds(tsr_make_temporary("test", &two));
    ck_assert_str_ne(one, two);
    ck_assert(strncmp(one, at("elsewhere/tessera-test-"), strlen(folder) + 20) == 0);
    ck_assert_int_eq(stat(one, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0700);
    setenv("TMPDIR", at("nowhere"), 1);
    char *none;
    ck_fails(tsr_make_temporary("test", &none), TSR_IO, "cannot make the folder: No such file");
    ck_assert_ptr_null(none);
    unsetenv("TMPDIR");
    free(one);
    free(two);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("new file");
    TCase *tests = tcase_create("new file");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_real_path_has_no_links_and_may_end_in_what_is_not_there);
    tcase_add_test(tests, a_link_on_the_way_is_refused_and_nothing_is_written_behind_it);
    tcase_add_test(tests, a_file_takes_the_place_of_a_link_and_not_of_what_it_leads_to);
    tcase_add_test(tests, a_file_that_is_dropped_leaves_nothing);
    tcase_add_test(tests, a_file_has_the_mode_of_the_umask);
    tcase_add_test(tests, a_tree_is_removed_with_its_links_and_not_what_they_lead_to);
    tcase_add_test(tests, a_lock_is_a_file);
    tcase_add_test(tests, a_temporary_folder_is_new_and_the_users_alone);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
