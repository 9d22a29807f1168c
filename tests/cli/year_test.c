/* A study's year: it is widened, repeated, probed anew, trained for longer, moved, merged with a colleague's,
   and mended. Each step uses what is there, and the end is that of one command with the last config. */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <stdlib.h>

#define PATIENCE 300 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
    write_small_study(folder, "epochs = 2; samples = 200;",
                      "probes = ( \"redundancy\" );\n"
                      "output = { save_model = true; save_state = true; };\n");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* Notes how long each run of a folder took, by which it is known again whether it was done again. */
static void note_seconds(const char *study, const char *file)
{
    shell_gives(
        folder, 0, NULL, NULL,
        "for r in %s/runs/*/run.json; do echo $(dirname $r | xargs basename) $(grep '\"total\":' $r); done "
        "| sort >%s",
        study, file);
}

/* Runs, and counts those that were there before and are as they were. */
static void step(const char *command_line, const char *study, size_t kept, const char *said)
{
    note_seconds(study, "then");
    command_gives(folder, 0, NULL, said, "%s", command_line);
    note_seconds(study, "now");
    shell_gives(folder, 0, NULL, NULL, "[ $(comm -12 then now | wc -l) = %zu ]", kept);
}

#define WIDTHS(values) "{key=\"model.width\";values=[" values "];}"
#define BATCHES "{key=\"training.batch\";values=[64,32];}"
#define PROBES "-s 'probes=(\"redundancy\",{plugin=\"kmeans\";k=4;restarts=1;})'"
#define ALL(values)                                                                                          \
    "-s 'sweep=(" WIDTHS(values) "," BATCHES ")' -s replicates=6 " PROBES " -s training.epochs=4"

START_TEST(a_study_that_grew_for_a_year_is_as_one_that_was_done_at_once)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out -s 'sweep=(" WIDTHS("3,6") ")'");
    /* a second key, five more replicates: two runs stay, then four */
    step("run study.cfg -q -o out -s 'sweep=(" WIDTHS("3,6") "," BATCHES ")'", "out", 2, NULL);
    step("run out -q -s replicates=6", "out", 4, NULL);
    /* a probe without training, twice the epochs from where it stood; what was taken over stays beside */
    step("run out " PROBES, "out", 24, "24 runs are taken over from finished ones without training");
    step("run out -s training.epochs=4", "out", 48,
         "24 runs go on from where the training of finished ones stood");
    shell_gives(folder, 0, NULL, NULL,
                "[ $(grep -l '\"epochs\": 2' $(grep -l taken_over out/runs/*/run.json) | wc -l) -ge 24 ]");
    /* another folder, another home */
    shell_gives(folder, 0, NULL, NULL, "mkdir -p elsewhere home && mv out elsewhere/moved");
    step("run elsewhere/moved", "elsewhere/moved", 72, "all runs are done already");
    /* a colleague's */
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o theirs " ALL("9"));
    command_gives(folder, 0, "36 runs in all\n", NULL, "merge elsewhere/moved theirs -o all");
    /* two runs fail, and are mended */
    shell_gives(
        folder, 0, NULL, NULL,
        "cd all/runs && for r in $(ls | head -2); do sed -i 's/\"status\": \"done\"/\"status\": \"failed\"/' "
        "$r/run.json; done");
    command_gives(folder, 0, "36 runs: 34 done, 2 failed", NULL, "status all");
    step("run all -q", "all", 34, NULL);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o whole " ALL("3,6,9"));
    same_files(folder, "all/results.csv", "whole/results.csv");
    same_files(folder, "all/summary.csv", "whole/summary.csv");
    command_gives(folder, 0, "5 the same, 0 differ", NULL, "verify all --sample 5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("year");
    TCase *tests = tcase_create("a study");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_study_that_grew_for_a_year_is_as_one_that_was_done_at_once);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
