/* More probes for a finished study: their metrics are those that the runs would have had with them, what was
   there stays as it was, and what cannot be done is refused before anything is. */
#include "command.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define OLD "\"redundancy\",{plugin=\"kmeans\";k=5;}"
#define NEW "{plugin=\"kmeans\";k=4;label=\"four\";},{plugin=\"knn\";k=3;predictions=true;}"

static char *folder;

static void setup(void)
{
    folder = test_folder();
    write_text(folder, "study.cfg",
               "dataset = { plugin = \"digits\"; };\n"
               "model = { plugin = \"mlp\"; width = 20; };\n"
               "training = { epochs = 2; snapshots = [ 0 ]; subtract_mean = true; };\n"
               "sweep = ( { key = \"model.width\"; values = [ 6, 20 ]; } );\n"
               "output = { save_model = true; };\n");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* results.csv without its first column, the runs' ids. */
static char *results_without_ids(const char *name)
{
    char *text = read_text(folder, name), *out = calloc(strlen(text) + 1, 1), *line, *rest = text;
    while ((line = strsep(&rest, "\n")))
        if (strchr(line, ','))
            strcat(strcat(out, strchr(line, ',')), "\n");
    free(text);
    return out;
}

/* The last snapshot's rows, which are every second one. */
static void same_last_rows(char *a, char *b)
{
    char *line, *other;
    for (size_t i = 0; (line = strsep(&a, "\n")) && (other = strsep(&b, "\n")); i++)
        if (i % 2 == 0)
            ck_assert_str_eq(line, other);
}

START_TEST(added_probes_give_what_the_runs_would_have_given)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out -s 'probes=(" OLD ")'");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o all -s 'probes=(" OLD "," NEW ")'");
    command_gives(folder, 0, "four", NULL, "probe out -s 'probes=(" NEW ")'");
    char *added = results_without_ids("out/results.csv"), *together = results_without_ids("all/results.csv");
    same_last_rows(added, together);
    free(added);
    free(together);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/probes/knn/epoch-2/knn_predictions.npy"), 2);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/probing.unfinished"), 0);
    shell_gives(folder, 0, NULL, NULL, "grep -l '/knn.so' out/runs/*/run.json | wc -l | grep -x 2");
    shell_gives(folder, 0, NULL, NULL, "cp out/results.csv before.csv");
    command_gives(folder, 0, NULL, NULL, "probe out -s 'probes=(" NEW ")'"); /* all there */
    same_files(folder, "before.csv", "out/results.csv");
    command_gives(folder, 0, NULL, "all runs are done already", "run study.cfg -o out -s 'probes=(" OLD ")'");
    same_files(folder, "before.csv", "out/results.csv");
}
END_TEST

/* Metrics by layer and of constant bits among them. */
START_TEST(saved_codes_serve_where_no_network_was_saved)
{
    static const char codes[] = "-s output.save_model=false -s output.save_codes=true";
    static const char more[] = NEW ",\"units\",\"information\",\"redundancy\"";
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out %s -s 'probes=({plugin=\"kmeans\";k=5;})'",
                  codes);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o all -s 'probes=({plugin=\"kmeans\";k=5;},%s)'",
                  more);
    command_gives(folder, 0, "units", NULL, "probe out -s 'probes=(%s)'", more);
    char *added = results_without_ids("out/results.csv"), *together = results_without_ids("all/results.csv");
    same_last_rows(added, together);
    free(added);
    free(together);
    command_gives(folder, 2, NULL, "needs the network, and run", "probe out -s 'probes=(\"regions\")'");
    shell_gives(folder, 0, NULL, NULL,
                "for f in out/runs/*/codes/constant.npy; do cp $f $f.good; printf '\\377' | dd of=$f bs=1 "
                "conv=notrunc "
                "seek=128; done");
    command_gives(folder, 3, NULL, "constant.npy: has the bit of column 0, which is kept",
                  "probe out -s 'probes=({plugin=\"knn\";label=\"cut\";})'");
    shell_gives(folder, 0, NULL, NULL, "for f in out/runs/*/codes/constant.npy; do mv $f.good $f; done");
    shell_gives(folder, 0, NULL, NULL, "for f in out/runs/*/codes/kept.npy; do mv $f $f.away; done");
    command_gives(folder, 2, NULL, "has saved its codes without codes/kept.npy",
                  "probe out -s 'probes=({plugin=\"knn\";label=\"cut\";})'");
    shell_gives(folder, 0, NULL, NULL, "for f in out/runs/*/codes/kept.npy.away; do mv $f ${f%%.away}; done");
    shell_gives(folder, 0, NULL, NULL, "for f in out/runs/*/codes/kept.npy; do truncate -s -4 $f; done");
    command_gives(folder, 3, NULL, "kept.npy", "probe out -s 'probes=({plugin=\"knn\";label=\"cut\";})'");
}
END_TEST

/* Three bits of each unit, which stay together. */
START_TEST(a_share_of_units_is_the_same_one_of_saved_codes)
{
    static const char model[] =
        "-s 'sweep=()' -s 'model={plugin=\"sequential\";layers=({op=\"dense\";width=20;},"
        "{op=\"tap\";name=\"t\";breakpoints=[-0.5,0.0,0.5];},{op=\"activation\";},{op=\"linear\";});}'";
    static const char share[] = "{plugin=\"units\";unit_share=0.4;}";
    command_gives(folder, 0, NULL, NULL,
                  "run study.cfg -q -o out %s -s output.save_model=false -s output.save_codes=true -s "
                  "'probes=(\"redundancy\")'",
                  model);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o all %s -s 'probes=(\"redundancy\",%s)'", model,
                  share);
    command_gives(folder, 0, "units", NULL, "probe out -s 'probes=(%s)'", share);
    char *added = results_without_ids("out/results.csv"), *together = results_without_ids("all/results.csv");
    same_last_rows(added, together);
    free(added);
    free(together);
}
END_TEST

START_TEST(an_added_probe_may_be_followed_by_another)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out -s 'probes=(" OLD ")'");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o all -s 'probes=(" OLD "," NEW ")'");
    command_gives(folder, 0, NULL, NULL, "probe out -s 'probes=({plugin=\"kmeans\";k=4;label=\"four\";})'");
    command_gives(folder, 0, NULL, NULL, "probe out -s 'probes=({plugin=\"knn\";k=3;predictions=true;})'");
    char *added = results_without_ids("out/results.csv"), *together = results_without_ids("all/results.csv");
    same_last_rows(added, together);
    free(added);
    free(together);
}
END_TEST

START_TEST(what_cannot_be_added_is_refused_before_anything_is)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out -s 'probes=(" OLD ")'");
    command_gives(folder, 0, NULL, NULL,
                  "run study.cfg -q -o bare -s 'probes=(" OLD ")' -s output.save_model=false");
    shell_gives(folder, 0, NULL, NULL, "cat out/runs/*/run.json out/results.csv >before");
    static const struct {
        int status;
        const char *message, *arguments;
    } wrong[] = {
        { 2, "has metrics of a probe kmeans already", "out -s 'probes=({plugin=\"knn\";k=3;},\"kmeans\")'" },
        { 2, "no probe is called 'unheard'", "out -s 'probes=(\"unheard\")'" },
        { 2, "expected an integer", "out -s 'probes=({plugin=\"knn\";k=\"x\";})'" },
        { 2, "there is no layer 7", "out -s 'probes=({plugin=\"knn\";layers=[7];})'" },
        { 2, "has saved neither its network nor its codes", "bare -s 'probes=(\"knn\")'" },
        { 1, "no probes are given", "out -s 'probes=()'" },
        { 1, "expected probes=(...)", "out -s model.width=3" },
        { 1, "takes -s alone", "out -o there -s 'probes=(\"knn\")'" },
        { 1, "takes -s alone", "out --bits 3 -s 'probes=(\"knn\")'" },
        { 1, "'more' is too much", "out more -s 'probes=(\"knn\")'" },
        { 2, "config.cfg: no such file", "none -s 'probes=(\"knn\")'" },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        command_gives(folder, wrong[i].status, NULL, wrong[i].message, "probe %s", wrong[i].arguments);
    shell_gives(folder, 0, NULL, NULL, "cat out/runs/*/run.json out/results.csv | cmp - before");
}
END_TEST

START_TEST(a_run_that_is_not_finished_is_said_and_the_others_get_theirs)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out --shard 1/2 -s 'probes=(" OLD ")'");
    command_gives(folder, 3, "four", "1 of 2 runs are not finished", "probe out -s 'probes=(" NEW ")'");
    command_gives(folder, 0, NULL, NULL, "run out -q");
    command_gives(folder, 0, "four", NULL, "probe out -s 'probes=(" NEW ")'");
}
END_TEST

START_TEST(a_model_that_is_not_the_runs_is_found_out)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out -s 'probes=(" OLD ")' -s 'sweep=()'");
    command_gives(folder, 0, NULL, NULL,
                  "run study.cfg -q -o other -s 'probes=(" OLD
                  ")' -s 'sweep=()' -s training.epochs=0 -s seed=3");
    shell_gives(folder, 0, NULL, NULL,
                "cp other/runs/*/model.safetensors out/runs/*/; cp out/results.csv before.csv");
    command_gives(folder, 3, NULL, "it is not its own", "probe out -s 'probes=(" NEW ")'");
    same_files(folder, "before.csv", "out/results.csv");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("more probes");
    TCase *tests = tcase_create("study");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, added_probes_give_what_the_runs_would_have_given);
    tcase_add_test(tests, saved_codes_serve_where_no_network_was_saved);
    tcase_add_test(tests, a_share_of_units_is_the_same_one_of_saved_codes);
    tcase_add_test(tests, an_added_probe_may_be_followed_by_another);
    tcase_add_test(tests, what_cannot_be_added_is_refused_before_anything_is);
    tcase_add_test(tests, a_run_that_is_not_finished_is_said_and_the_others_get_theirs);
    tcase_add_test(tests, a_model_that_is_not_the_runs_is_found_out);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
