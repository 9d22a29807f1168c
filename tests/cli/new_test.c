/* tessera new: the files of a new plugin, and what is refused. That they build and pass is tested against
   what is installed (tests/sdk/installed). */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

START_TEST(every_kind_has_source_config_and_makefile_without_a_mark_left)
{
    static const char *const kinds[] = { "model", "dataset",  "activation",   "regularizer", "optimizer",
                                         "loss",  "schedule", "augmentation", "probe",       "executor" };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        command_gives(folder, 0, "Makefile", "is ready to build", "new %s own_%s", kinds[i], kinds[i]);
        char *source = tsr_format("own_%s/own_%s.c", kinds[i], kinds[i]);
        char *config = tsr_format("own_%s/own_%s.cfg", kinds[i], kinds[i]);
        char *makefile = tsr_format("own_%s/Makefile", kinds[i]);
        const char *const files[] = { source, config, makefile };
        for (size_t f = 0; f < 3; f++) {
            char *text = read_text(folder, files[f]), *name = tsr_format("own_%s", kinds[i]);
            ck_assert_msg(strstr(text, name) && !strstr(text, "@NAME@") && !strstr(text, "@KIND@") &&
                              !strstr(text, "@FOLDER@") && !strstr(text, "@VERSION@"),
                          "%s", text);
            free(text);
            free(name);
        }
        free(source);
        free(config);
        free(makefile);
    }
}
END_TEST

START_TEST(a_name_that_is_taken_is_told)
{
    command_gives(folder, 2, NULL, "there is a probe called 'knn' already, /", "new probe knn");
    ck_assert_uint_eq(count_files(folder, "knn"), 0);
    command_gives(folder, 0, NULL, "is ready to build", "new model knn"); /* of another kind */
}
END_TEST

START_TEST(another_folder_may_be_named)
{
    command_gives(folder, 0, "some/where/mine.c", NULL, "new probe mine some/where");
    ck_assert_uint_eq(count_files(folder, "some/where/*"), 3);
}
END_TEST

START_TEST(nobody_else_may_write_what_is_made_whatever_the_umask)
{
    shell_gives(
        folder, 0, NULL, NULL,
        "umask 0 && $TESSERA new probe mine own >/dev/null 2>&1 && test -z \"$(find own -perm /022)\" && "
        "grep -q 'umask g-w,o-w && $(CC)' own/Makefile");
}
END_TEST

START_TEST(the_next_command_can_be_pasted_into_a_shell)
{
    command_gives(folder, 0, NULL, "ready to build: cd plain/one && make", "new probe mine plain/one");
    shell_gives(folder, 0, NULL, NULL,
                "next=$($TESSERA new probe mine \"it's a \\$HOME; x\" 2>&1 >/dev/null) && next=${next#*to "
                "build: } && "
                "eval \"${next%%%% && make*}\" && test -f mine.c");
}
END_TEST

START_TEST(a_folder_that_holds_something_is_left_alone)
{
    write_text(folder, "notes", "mine\n");
    command_gives(folder, 2, NULL, ".: is not empty; name another folder", "new probe mine .");
    ck_assert_uint_eq(count_files(folder, "*"), 1);
    command_gives(folder, 2, NULL, "notes: cannot be used", "new probe mine notes");
}
END_TEST

START_TEST(wrong_usage_is_told)
{
    command_gives(folder, 1, NULL, "needs a kind (model, dataset", "new");
    command_gives(folder, 1, NULL, "needs a kind", "new probe");
    command_gives(folder, 1, NULL, "'prob' is not a kind of plugin", "new prob mine");
    command_gives(folder, 1, NULL, "'My-probe' is not a valid plugin name", "new probe My-probe");
    command_gives(folder, 1, NULL, "'../x' is not a valid plugin name", "new probe ../x");
    command_gives(folder, 1, NULL, "unknown option '-f'", "new -f probe mine");
    command_gives(folder, 1, NULL, "'more' is one argument too many", "new probe mine folder more");
    ck_assert_uint_eq(count_files(folder, "*"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("new");
    TCase *tests = tcase_create("new");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, every_kind_has_source_config_and_makefile_without_a_mark_left);
    tcase_add_test(tests, a_name_that_is_taken_is_told);
    tcase_add_test(tests, another_folder_may_be_named);
    tcase_add_test(tests, nobody_else_may_write_what_is_made_whatever_the_umask);
    tcase_add_test(tests, the_next_command_can_be_pasted_into_a_shell);
    tcase_add_test(tests, a_folder_that_holds_something_is_left_alone);
    tcase_add_test(tests, wrong_usage_is_told);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
