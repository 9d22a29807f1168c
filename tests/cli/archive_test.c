/* tessera archive puts a study into one file and takes it out again, bit for bit, or refuses. */
#include "command.h"

#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#define PATIENCE 180 /* seconds; the sanitizers slow everything down */

static char *folder;

/* A study `a` of two runs with networks and codes. */
static void setup(void)
{
    folder = test_folder();
    write_small_study(folder, "epochs = 1; snapshots = [ 0 ];",
                      "sweep = ( { key = \"model.width\"; values = [ 3, 5 ]; } );\n"
                      "output = { save_model = true; save_codes = true; };\n"
                      "probes = ( \"redundancy\" );\n");
    do_study(folder, "a", "");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static const char *const endings[] = { ".tar.zst", ".tar.gz", ".tar" };
enum { N_ENDINGS = sizeof(endings) / sizeof(*endings) };

/* Python, with its own library alone; without it hostile archives cannot be made. */
static bool has_python(void)
{
    command_result result = command(folder, "--version && \"${PYTHON:-python3}\" -c 'import tarfile'");
    bool found = result.status == 0;
    if (!found)
        printf("left out: there is no Python to damage archives with\n");
    command_free(&result);
    return found;
}

START_TEST(a_study_comes_back_as_it_was_and_goes_on)
{
    const char *ending = endings[_i];
    command_gives(folder, 0, "20 files", NULL, "archive a -o a%s", ending);
    command_gives(folder, 0, "20 files", NULL, "archive --check a%s", ending);
    command_gives(folder, 0, "new/b: 20 files", NULL, "archive --extract a%s -o new/b", ending);
    shell_gives(folder, 0, NULL, NULL, "diff -r -x '.lock*' a new/b && [ -z \"$(ls -A new | grep -vx b)\" ]");
    command_gives(folder, 0, "2 runs: 2 done", NULL, "status new/b");
    command_gives(folder, 0, NULL, "all runs are done already", "run new/b");
    same_files(folder, "a/results.csv", "new/b/results.csv");
    shell_gives(folder, 0, NULL, NULL, "rm new/b/summary.csv");
    command_gives(folder, 0, NULL, NULL, "report new/b");
    same_files(folder, "a/summary.csv", "new/b/summary.csv");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o new/b -s replicates=2");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o a -s replicates=2");
    same_files(folder, "a/results.csv", "new/b/results.csv");
}
END_TEST

START_TEST(the_same_folder_gives_the_same_bytes)
{
    const char *ending = endings[_i];
    command_gives(folder, 0, NULL, NULL, "archive a -o a%s", ending);
    shell_gives(
        folder, 0, NULL, NULL,
        "mkdir new && cp -R a new/b && chmod 600 new/b/config.cfg && sleep 1.1 && touch new/b/*.csv && "
        "(umask 077; TZ=Asia/Tokyo LC_ALL=C.UTF-8 \"$TESSERA\" archive new/b -o b%s)",
        ending);
    shell_gives(folder, 0, NULL, NULL, "cmp a%s b%s", ending, ending);
}
END_TEST

START_TEST(other_programs_read_it_and_the_digests_are_right)
{
    command_gives(folder, 0, NULL, NULL, "archive a -o a.tar.gz");
    shell_gives(
        folder, 0, NULL, NULL,
        "mkdir b && tar -xzf a.tar.gz -C b && [ \"$(tar -tzf a.tar.gz | head -n 1)\" = MANIFEST ] && cd b && "
        "awk '{ print $1 \"  \" $3 }' MANIFEST | sha256sum -c --quiet && "
        "awk '{ print $2, $3 }' MANIFEST >sizes && xargs stat -c '%%s %%n' <<EOF | cmp - sizes\n"
        "$(awk '{ print $3 }' MANIFEST)\nEOF\n");
    shell_gives(folder, 0, NULL, NULL, "rm b/MANIFEST b/sizes && diff -r -x '.lock*' a b");
}
END_TEST

START_TEST(what_is_none_of_ours_is_left_out_and_links_are_refused)
{
    shell_gives(folder, 0, NULL, NULL,
                "echo mine >secret && cp -R a b && ln -s ../secret b/notes && echo mine >b/mine && "
                "cp b/results.csv b/results.csv.Ab12Cd && touch b/.progress && cd b/runs/* && "
                "cp run.json run.json.Ab12Cd; true");
    command_gives(folder, 0, "20 files", "2 files are none of tessera's and left out", "archive b -o b.tar");
    command_gives(folder, 0, NULL, NULL, "archive a -o a.tar");
    same_files(folder, "a.tar", "b.tar");
    shell_gives(folder, 0, NULL, NULL,
                "rm *.tar && cd b/runs && set -- * && mv $1/model.safetensors ../.. && "
                "ln -s ../../../model.safetensors $1");
    command_gives(folder, 2, NULL, "model.safetensors: is a link, which an archive does not follow",
                  "archive b -o b.tar");
    shell_gives(folder, 0, NULL, NULL,
                "rm b/report.html && ln -s ../secret b/report.html && rm b/runs/*/model*");
    command_gives(folder, 2, NULL, "report.html: cannot be read", "archive b -o b.tar");
    shell_gives(folder, 0, NULL, NULL,
                "rm b/report.html && mv b/runs elsewhere && ln -s ../elsewhere b/runs");
    command_gives(folder, 2, NULL, "b", "archive b -o b.tar");
    ck_assert_uint_eq(count_files(folder, "b.tar*"), 0);
}
END_TEST

START_TEST(a_study_that_is_being_run_is_refused)
{
    shell_gives(folder, 0, NULL, "a: another tessera is working in this results folder: wait for it",
                "flock -s a/.lock sh -c '\"$TESSERA\" archive a -o a.tar; [ $? = 2 ]'");
    ck_assert_uint_eq(count_files(folder, "a.tar*"), 0);
    shell_gives(folder, 0, "20 files", NULL, "flock -s a/.lock \"$TESSERA\" archive a -o a.tar --no-lock");
}
END_TEST

START_TEST(an_archive_appears_whole_or_not_at_all)
{
    shell_gives(folder, 0, NULL, NULL,
                "mkdir out && echo before >out/a.tar && set -- a/runs/* && mkdir $1/probes && "
                "head -c 1000000 /dev/zero >$1/probes/file");
    shell_gives(
        folder, 0, NULL, "/probes/file: cannot be written: File too large",
        "(ulimit -f 512; \"$TESSERA\" archive a -o out/a.tar; [ $? = 2 ]) && [ \"$(cat out/a.tar)\" = "
        "before ] "
        "&& [ \"$(ls -A out)\" = a.tar ]");
    command_gives(folder, 0, "21 files", NULL, "archive a -o out/a.tar");
    shell_gives(
        folder, 0, NULL, "cannot be written: File too large",
        "mkdir empty && (ulimit -f 512; \"$TESSERA\" archive --extract out/a.tar -o empty; [ $? = 2 ]) && "
        "[ -d empty ] && [ -z \"$(ls -A empty)\" ] && [ -z \"$(ls -A | grep tessera-archive)\" ]");
    command_gives(folder, 0, "empty/: 21 files", NULL, "archive --extract out/a.tar -o empty/");
    shell_gives(folder, 0, NULL, NULL, "diff -r -x '.lock*' a empty");
}
END_TEST

START_TEST(only_a_new_or_an_empty_folder_is_written_into)
{
    command_gives(folder, 0, NULL, NULL, "archive a -o a.tar");
    shell_gives(folder, 0, NULL, NULL,
                "mkdir full real && echo mine >full/notes && ln -s real link && echo x >file");
    command_gives(folder, 2, NULL, "full: holds 'notes': expected a new or an empty folder",
                  "archive --extract a.tar -o full");
    command_gives(folder, 2, NULL, "a: holds results already", "archive --extract a.tar -o a");
    shell_gives(folder, 0, NULL, NULL, "mkdir locked && touch locked/.lock");
    command_gives(folder, 2, NULL, "locked: holds something: expected a new or an empty folder",
                  "archive --extract a.tar -o locked");
    command_gives(folder, 2, NULL, "file", "archive --extract a.tar -o file");
    command_gives(folder, 2, NULL, "file/b", "archive --extract a.tar -o file/b");
    shell_gives(folder, 0, NULL, NULL, "[ \"$(ls -A full)\" = notes ] && [ \"$(cat file)\" = x ]");
    command_gives(folder, 0, NULL, NULL, "archive --extract a.tar -o link");
    shell_gives(folder, 0, NULL, NULL, "[ -L link ] && diff -r -x '.lock*' a real");
}
END_TEST

START_TEST(wrong_names_and_words_are_refused)
{
    command_gives(folder, 2, NULL,
                  "a.zip: expected the name of an archive, which ends in .tar.zst, .tar.gz or .tar",
                  "archive a -o a.zip");
    command_gives(folder, 2, NULL, "expected the name of an archive", "archive a -o .tar");
    command_gives(folder, 2, NULL, "nowhere: expected a results folder", "archive nowhere -o a.tar");
    command_gives(folder, 1, NULL, "expected -o FILE, the archive", "archive a");
    command_gives(folder, 1, NULL, "expected -o DIR, a new folder", "archive --extract a.tar");
    command_gives(folder, 1, NULL, "expected no -o with --check", "archive --check a.tar -o b");
    command_gives(folder, 1, NULL, "not both", "archive --check --extract a.tar");
    command_gives(folder, 1, NULL, "expected one DIR, not 2", "archive a b -o a.tar");
    command_gives(folder, 2, NULL, "study.cfg: is damaged, or no archive", "archive --check study.cfg");
    command_gives(folder, 2, NULL, "a: expected an archive, not a folder", "archive --check a");
    command_gives(folder, 2, NULL, "nowhere.tar: cannot be read", "archive --check nowhere.tar");
    ck_assert_uint_eq(count_files(folder, "*.tar*"), 0);
}
END_TEST

START_TEST(a_damaged_archive_is_refused_or_holds_what_it_did)
{
    if (!has_python())
        return;
    command_gives(folder, 0, NULL, NULL, "archive a -o a%s", endings[_i]);
    shell_gives(folder, 0, "refused", NULL,
                "\"${PYTHON:-python3}\" '%s/tests/cli/fixtures/archives/damage.py' \"$TESSERA\" a%s a 40",
                test_source(), endings[_i]);
}
END_TEST

START_TEST(a_hostile_archive_is_refused_by_the_name_of_its_entry)
{
    static const char *const faults[][2] = {
        { "absolute.tar", "'/tmp/tessera-hostile': expected a name below the results folder" },
        { "above.tar", "'runs/../../hostile': expected a name without '.', '..'" },
        { "above_run.tar", "/../../../hostile': expected a name without '.', '..'" },
        { "dot.tar", "/./notes': expected a name without '.', '..'" },
        { "unknown.tar", "'hostile.sh': no results folder holds a file of this name" },
        { "lock.tar", "'.lock': no results folder holds a file of this name" },
        { "control.tar", "/a\\x1bb': expected a name without control characters" },
        { "no_run.tar", "'runs/hostile/run.json': no results folder holds" },
        { "duplicate.tar", "'config.cfg': is there twice" },
        { "listed_twice.tar", "'summary.csv': expected names in their order, each once" },
        { "unlisted.tar", "/probes/extra': is not in MANIFEST" },
        { "missing.tar", "'summary.csv': is missing" },
        { "changed.tar", "'config.cfg': has changed: its SHA-256 is " },
        { "longer.tar", "'config.cfg': has 17" },
        { "shorter.tar", "'config.cfg': has 17" },
        { "no_manifest.tar", "begins with 'config.cfg': expected an archive that tessera has written" },
        { "not_a_manifest.tar", "MANIFEST:1: expected a SHA-256, a size in bytes and a name" },
        { "endless_line.tar", "its last line has no end" },
        { "huge_size.tar", "MANIFEST:1: expected a SHA-256, a size in bytes and a name" },
        { "no_config.tar", "MANIFEST: lists no config.cfg" },
        { "symlink.tar", "/probes': expected a regular file, not a link" },
        { "hardlink.tar", "/probes/x': expected a regular file, not a link" },
        { "folder.tar", "': expected a regular file, not a link, a folder" },
        { "device.tar", "/probes/x': expected a regular file" },
        { "pipe.tar", "/probes/x': expected a regular file" },
        { "bomb.tar.gz", "/probes/bomb': has 1048576 bytes, MANIFEST says 10" },
    };
    if (!has_python())
        return;
    command_gives(folder, 0, NULL, NULL, "archive a -o a.tar");
    shell_gives(folder, 0, NULL, NULL,
                "mkdir hostile out && \"${PYTHON:-python3}\" '%s/tests/cli/fixtures/archives/hostile.py' "
                "a.tar hostile",
                test_source());
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        command_gives(folder, 2, NULL, faults[i][1], "archive --check hostile/%s", faults[i][0]);
        command_gives(folder, 2, NULL, faults[i][1], "archive --extract hostile/%s -o out/b", faults[i][0]);
        shell_gives(folder, 0, NULL, NULL, "[ -z \"$(ls -A out)\" ] && [ ! -e /tmp/tessera-hostile ]");
    }
    command_gives(folder, 2, NULL, "its config.cfg is none that tessera has written",
                  "archive --extract hostile/foreign_config.tar -o out/b");
    shell_gives(folder, 0, NULL, NULL, "[ -z \"$(ls -A out)\" ]");
    command_gives(folder, 0, NULL, NULL, "archive --extract hostile/honest.tar -o out/b");
    shell_gives(folder, 0, NULL, NULL, "diff -r -x '.lock*' a out/b");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive");
    TCase *tests = tcase_create("tessera archive");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_study_comes_back_as_it_was_and_goes_on, 0, N_ENDINGS);
    tcase_add_loop_test(tests, the_same_folder_gives_the_same_bytes, 0, N_ENDINGS);
    tcase_add_test(tests, other_programs_read_it_and_the_digests_are_right);
    tcase_add_test(tests, what_is_none_of_ours_is_left_out_and_links_are_refused);
    tcase_add_test(tests, a_study_that_is_being_run_is_refused);
    tcase_add_test(tests, an_archive_appears_whole_or_not_at_all);
    tcase_add_test(tests, only_a_new_or_an_empty_folder_is_written_into);
    tcase_add_test(tests, wrong_names_and_words_are_refused);
    tcase_add_loop_test(tests, a_damaged_archive_is_refused_or_holds_what_it_did, 0, N_ENDINGS);
    tcase_add_test(tests, a_hostile_archive_is_refused_by_the_name_of_its_entry);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
