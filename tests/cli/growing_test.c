/* A study grows in its folder: the runs that it has are taken as they are, and in the end all is as if one
   command had done it. */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <stdlib.h>

#define PATIENCE 180 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
    write_small_study(folder, "epochs = 2; samples = 300;",
                      "probes = ( \"redundancy\", { plugin = \"kmeans\"; k = 5; restarts = 1; } );\n");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

START_TEST(a_second_key_values_and_replicates_take_up_what_is_done)
{
    do_study(folder, "out", "-s 'sweep=({key=\"model.width\";values=[3,6];})'");
    shell_gives(folder, 0, NULL, NULL,
                "cat out/runs/*/run.json | grep -c '\"total\"' | grep -x 2 && "
                "for r in out/runs/*; do grep '\"total\"' $r/run.json >$(basename $r).then; done");
    const char *more = "-s replicates=2 -s 'sweep=({key=\"training.batch\";values=[16,64];},"
                       "{key=\"model.width\";values=[3,4,6];})'";
    do_study(folder, "out", more);
    do_study(folder, "whole", more);
    same_tables(folder, "out", "whole");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/run.json"), 12);
    /* those that were there have the seconds that they had */
    shell_gives(
        folder, 0, NULL, NULL,
        "for f in *.then; do grep '\"total\"' out/runs/${f%%.then}/run.json | cmp - $f || exit 1; done");
}
END_TEST

START_TEST(new_points_of_a_sweep_are_no_training_again)
{
    do_study(folder, "out",
             "-s 'sweep=({key=\"probes.1.k\";values=[3];},{key=\"training.epochs\";values=[1];})'");
    shell_gives(folder, 0, NULL, NULL,
                "\"$TESSERA\" run study.cfg -o out -s 'sweep=({key=\"probes.1.k\";values=[3,4];},"
                "{key=\"training.epochs\";values=[1,2];})' 2>told && ! grep again told");
}
END_TEST

START_TEST(a_folder_is_continued)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out --shard 1/2 -s replicates=3");
    command_gives(folder, 0, "results in out", NULL, "run out");
    do_study(folder, "whole", "-s replicates=3");
    same_tables(folder, "out", "whole");
    command_gives(folder, 0, NULL, "all runs are done already", "run out");
    command_gives(folder, 2, NULL, "expected a config or a results folder", "run .");
}
END_TEST

START_TEST(one_run_is_repeated_by_its_record)
{
    do_study(folder, "out",
             "-s seed=7 -s 'sweep=({key=\"model.activation\";values=(\"relu\",{plugin=\"leaky_relu\";slope="
             "0.1;});})'");
    shell_gives(
        folder, 0, NULL, NULL,
        "for r in out/runs/*; do \"$TESSERA\" run $r/run.json -q -o again || exit 1; id=$(basename $r)\n"
        "for f in $r again/runs/$id; do grep -E '\"(redundancy|kmeans|model)[.].*: [0-9]' $f/run.json "
        ">$f.told; "
        "done\n"
        "grep -q redundancy $r.told && cmp $r.told again/runs/$id.told && rm -r again $r.told || exit 1; "
        "done");
    shell_gives(folder, 0, "results in results/study-", NULL,
                "\"$TESSERA\" run $(ls out/runs/*/run.json | head -1)");
    shell_gives(folder, 0, NULL, " is run ",
                "\"$TESSERA\" run $(ls out/runs/*/run.json | head -1) -o other -s model.width=4");
    write_text(folder, "no.json", "{}");
    command_gives(folder, 2, NULL, "no.json: expected a run's record", "run no.json");
    write_text(folder, "no.json", "{");
    command_gives(folder, 2, NULL, "no.json:1: not a whole run.json", "run no.json");
}
END_TEST

#define SWEEP "-s 'sweep=({key=\"model.width\";values=[3,6];})' "
#define MODEL "-s output.save_model=true "
#define STATE "-s output.save_state=true "
#define DRIFT "\"redundancy\",{plugin=\"kmeans\";k=5;restarts=1;},\"drift\""
#define KNN "\"redundancy\",{plugin=\"kmeans\";k=5;restarts=1;},{plugin=\"knn\";k=3;predictions=true;}"

/* The study grows by what `more` says, without training, and is as one that was so from the start. */
static void grows(const char *first, const char *more, const char *said)
{
    do_study(folder, "out", first);
    command_gives(folder, 0, NULL, said, "run study.cfg -o out %s", more);
    do_study(folder, "whole", more);
    same_tables(folder, "out", "whole");
    command_gives(folder, 0, NULL, "all runs are done already", "run study.cfg -o out %s", more);
}

/* Nothing of the folder changes where it is refused; with --retrain it is done. */
static void asks(const char *first, const char *more, const char *said)
{
    do_study(folder, "out", first);
    shell_gives(folder, 0, NULL, NULL, "cp -a out before");
    command_gives(folder, 2, NULL, said, "run study.cfg -o out %s", more);
    command_gives(folder, 2, NULL, "allow that with --retrain", "run study.cfg -o out %s", more);
    shell_gives(folder, 0, NULL, NULL, "diff -r before out");
    command_gives(folder, 0, NULL, "trained again", "run study.cfg -o out --retrain %s", more);
    do_study(folder, "whole", more);
    same_tables(folder, "out", "whole");
}

START_TEST(other_probes_are_done_on_saved_networks)
{
    grows(SWEEP MODEL, SWEEP MODEL "-s 'probes=(" KNN ")'",
          "2 runs are taken over from finished ones without training");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/probes/knn/epoch-2/knn_predictions.npy"), 2);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/model.safetensors"), 4);
    shell_gives(folder, 0, NULL, NULL,
                "for f in $(ls whole/runs); do grep -q taken_over out/runs/$f/run.json &&\n"
                "cmp out/runs/$f/model.safetensors whole/runs/$f/model.safetensors || exit 1; done");
}
END_TEST

START_TEST(other_probes_are_done_on_saved_codes_unless_they_need_the_network)
{
    grows("-s output.save_codes=true", "-s output.save_codes=true -s 'probes=(" KNN ",\"units\")'",
          "1 run is taken over from finished ones without training");
    shell_gives(folder, 0, NULL, NULL, "diff -r -x run.json $(ls -d whole/runs/*) out/runs/$(ls whole/runs)");
    command_gives(folder, 2, NULL, "(output.save_model), which probe regions needs",
                  "run study.cfg -o out -s 'probes=(\"redundancy\",\"regions\")'");
}
END_TEST

START_TEST(without_them_training_again_is_asked_for)
{
    asks("", "-s 'probes=(" KNN ")'",
         "has saved neither its network nor its codes, which probe knn is done on");
}
END_TEST

START_TEST(fewer_probes_and_snapshots_are_had_of_records)
{
    grows("-s training.snapshots=[0,1] -s 'probes=(" KNN ")'", "-s training.snapshots=[1]",
          "1 run is taken over from finished ones without training");
    command_gives(folder, 0, NULL, "1 run is taken over",
                  "run study.cfg -o out -s training.snapshots=[1] -s training.epochs=1");
    do_study(folder, "short", "-s training.snapshots=[1] -s training.epochs=1");
    same_tables(folder, "out", "short");
}
END_TEST

START_TEST(a_probe_at_another_place_has_other_random_numbers)
{
    const char *turned = MODEL "-s 'probes=({plugin=\"kmeans\";k=5;restarts=1;},\"redundancy\")'";
    grows(MODEL, turned, "1 run is taken over");
}
END_TEST

START_TEST(more_snapshots_need_training)
{
    asks(MODEL, MODEL "-s training.snapshots=[0,1]", "has no snapshot after epoch 0");
}
END_TEST

START_TEST(what_compares_with_the_snapshot_before_needs_the_same_one)
{
    grows(MODEL "-s training.snapshots=[0,1] -s 'probes=(" DRIFT ",\"units\")'",
          MODEL "-s training.snapshots=[0,1] -s 'probes=(" DRIFT ")'", "1 run is taken over");
    command_gives(folder, 2, NULL, "has not kept the codes of epoch 0, which a probe compares with",
                  "run study.cfg -o out " MODEL "-s training.snapshots=[0] -s 'probes=(" DRIFT ")'");
}
END_TEST

START_TEST(probes_are_done_on_the_networks_of_all_snapshots_that_are_kept)
{
    static const char first[] = "-s output.save_snapshots=true -s training.snapshots=[0,1] ";
    const char *more =
        "-s output.save_snapshots=true -s training.snapshots=[0,1] -s 'probes=(" DRIFT ",\"regions\")'";
    grows(first, more, "1 run is taken over from finished ones without training");
    shell_gives(folder, 0, NULL, NULL,
                "r=$(ls whole/runs) && diff -r out/runs/$r/snapshots whole/runs/$r/snapshots");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/snapshots/epoch-[012].safetensors"), 6);
    command_gives(folder, 0, NULL, "1 run is taken over",
                  "run study.cfg -o out %s -s 'probes=(\"redundancy\")'", first);
    command_gives(folder, 0, "1 the same, 0 differ", NULL, "verify out --sample 1");
    command_gives(folder, 0, "9 models", NULL, "clean out --models");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/snapshots"), 0);
    command_gives(folder, 0, NULL, "all runs are done already", "run out");
}
END_TEST

START_TEST(the_network_of_the_last_snapshot_is_made_of_the_model_later)
{
    do_study(folder, "out", MODEL);
    command_gives(folder, 0, NULL, "files of 1 finished run are made without training",
                  "run study.cfg -o out " MODEL "-s output.save_snapshots=true");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/snapshots/epoch-2.safetensors"), 1);
    command_gives(folder, 0, NULL, "all runs are done already",
                  "run study.cfg -o out " MODEL "-s output.save_snapshots=true");
}
END_TEST

START_TEST(runs_that_others_were_taken_over_from_can_go)
{
    grows(SWEEP MODEL, SWEEP MODEL "-s 'probes=(" KNN ")'", "2 runs are taken over");
    command_gives(folder, 0, "besides    2 runs", NULL, "status out");
    command_gives(folder, 0, "(2 runs, 2 records, 2 models", NULL, "clean out --outside");
    same_tables(folder, "out", "whole");
    shell_gives(folder, 0, NULL, NULL,
                "[ \"$(ls out/runs)\" = \"$(ls whole/runs)\" ] && for r in $(ls whole/runs); do "
                "cmp out/runs/$r/model.safetensors whole/runs/$r/model.safetensors || exit 1; done");
    command_gives(folder, 0, "freed 0 B (0 runs)", NULL, "clean out --outside");
}
END_TEST

/* Its process ends in the new probe, and again when it is done without it. */
START_TEST(a_probe_that_fails_on_what_was_taken_over_costs_itself_and_is_made_good)
{
    char *more = tsr_format(MODEL "-s 'plugin_path=[\"%s/tests/cli/fixtures\"]' -s 'probes=(\"redundancy\","
                                  "{plugin=\"misbehaves\";},{plugin=\"knn\";k=3;})'",
                            test_build());
    do_study(folder, "out", MODEL);
    shell_gives(folder, 3, NULL, "probe misbehaves: killed by signal 11",
                "TESSERA_MISBEHAVE=segfault \"$TESSERA\" run study.cfg -o out %s", more);
    shell_gives(folder, 0, NULL, NULL, "grep -q knn.test out/results.csv");
    command_gives(folder, 0, NULL, "1 run is taken over", "run study.cfg -o out %s", more);
    do_study(folder, "whole", more);
    same_tables(folder, "out", "whole");
    free(more);
}
END_TEST

START_TEST(a_probe_whose_plugin_has_changed_is_done_again_and_the_others_are_not)
{
    static const char path[] = MODEL "-s 'plugin_path=[\"own\"]' ";
    shell_gives(
        folder, 0, NULL, NULL,
        "mkdir -p own/probes && cp '%s/plugins/probes/.libs/kmeans.so' own/probes && chmod -R go-w own",
        test_build());
    do_study(folder, "out", path);
    shell_gives(
        folder, 0, NULL, NULL,
        "sed -i 's/\"kmeans.test\": [0-9][0-9.]*/\"kmeans.test\": 7.0/; s/\"redundancy.test\": [0-9][0-9.]*/"
        "\"redundancy.test\": 5.0/' out/runs/*/run.json && echo >>own/probes/kmeans.so");
    command_gives(folder, 2, NULL, "probe kmeans has changed", "run study.cfg -o out %s", path);
    command_gives(folder, 0, NULL, "1 run is taken over", "run study.cfg -o out %s -s 'probes=(" KNN ")'",
                  path);
    shell_gives(folder, 0, NULL, NULL, "grep -q ,5.0, out/results.csv && ! grep -q ,7.0, out/results.csv");
}
END_TEST

START_TEST(codes_are_made_of_the_network_later)
{
    do_study(folder, "out", SWEEP MODEL);
    command_gives(folder, 0, NULL, "files of 2 finished runs are made without training",
                  "run study.cfg -o out -s output.save_codes=true " SWEEP MODEL);
    do_study(folder, "whole", SWEEP MODEL "-s output.save_codes=true");
    same_tables(folder, "out", "whole");
    shell_gives(folder, 0, NULL, NULL, "diff -r -x run.json -x model.safetensors out/runs whole/runs");
    command_gives(folder, 0, NULL, "1 the same", "verify out --sample 1 >&2");
}
END_TEST

START_TEST(more_epochs_go_on_from_a_kept_state)
{
    const char *more = SWEEP STATE MODEL "-s training.epochs=5 -s training.snapshots=[2,4]";
    grows(SWEEP STATE "-s training.snapshots=[2]", more,
          "2 runs go on from where the training of finished ones stood");
    shell_gives(folder, 0, NULL, NULL,
                "for r in $(ls whole/runs); do for f in model state; do\n"
                "cmp out/runs/$r/$f.safetensors whole/runs/$r/$f.safetensors || exit 1; done; done");
    command_gives(folder, 0, NULL, "2 runs go on from", "run study.cfg -o out %s -s training.epochs=6", more);
    do_study(folder, "longer", SWEEP STATE MODEL "-s training.epochs=6 -s training.snapshots=[2,4]");
    same_tables(folder, "out", "longer");
}
END_TEST

START_TEST(a_comparison_goes_on_where_the_last_epoch_was_probed)
{
    const char *probes = "-s training.snapshots=[0,2] -s 'probes=(" DRIFT ")'";
    char *first = tsr_format(STATE "%s", probes), *more = tsr_format(STATE "%s -s training.epochs=4", probes);
    grows(first, more, "1 run goes on from");
    free(first);
    free(more);
    shell_gives(folder, 0, NULL, NULL, "rm -r out whole");
    first = tsr_format(STATE "-s training.epochs=3 %s", probes);
    more = tsr_format(STATE "-s training.epochs=4 %s", probes);
    asks(first, more, "has not kept the codes of epoch 2, which a probe compares with");
    free(first);
    free(more);
}
END_TEST

START_TEST(growing_that_is_killed_is_ended_by_the_same_command)
{
    const char *more =
        SWEEP STATE MODEL "-s training.epochs=400 -s training.snapshots=[1,2,50,200] -s 'probes=(" KNN ")'";
    do_study(folder, "out", SWEEP STATE "-s training.snapshots=[1] -s 'probes=(" KNN ")'");
    shell_gives(folder, 0, NULL, NULL,
                "for after in 0.05 0.1 0.2 0.4 0.8; do timeout -s KILL $after \"$TESSERA\" run study.cfg -q "
                "-o out %s; "
                "done; true",
                more);
    do_study(folder, "out", more);
    do_study(folder, "whole", more);
    same_tables(folder, "out", "whole");
    shell_gives(folder, 0, NULL, NULL,
                "for r in $(ls whole/runs); do for f in model state; do\n"
                "cmp out/runs/$r/$f.safetensors whole/runs/$r/$f.safetensors || exit 1; done; done");
}
END_TEST

START_TEST(an_early_stop_stays_where_it_was)
{
    const char *stop = STATE "-s training.early_stop=1 -s training.optimizer.learning_rate=0.3";
    char *first = tsr_format("%s -s training.epochs=30", stop),
         *more = tsr_format("%s -s training.epochs=50", stop);
    grows(first, more, "1 run is taken over");
    free(first);
    free(more);
}
END_TEST

START_TEST(without_a_state_or_with_a_schedule_by_the_number_of_epochs_it_is_asked)
{
    asks("", "-s training.epochs=4", "has not kept where its training stood (output.save_state)");
    shell_gives(folder, 0, NULL, NULL, "rm -r out before whole");
    asks(STATE "-s training.schedule.kind=cosine",
         STATE "-s training.schedule.kind=cosine -s training.epochs=4",
         "was trained for 2 epochs, and its schedule cosine goes by their number");
}
END_TEST

START_TEST(a_damaged_state_costs_its_run_and_is_named)
{
    do_study(folder, "out", STATE);
    shell_gives(folder, 0, NULL, NULL,
                "truncate -s -4 out/runs/*/state.safetensors; cp out/results.csv before.csv");
    command_gives(folder, 3, NULL, "state.safetensors", "run study.cfg -o out " STATE "-s training.epochs=4");
    shell_gives(folder, 0, NULL, NULL, "rm out/runs/*/state.safetensors");
    command_gives(folder, 0, NULL, NULL, "run out -q"); /* the folder's config is the new one already */
    do_study(folder, "whole", STATE "-s training.epochs=4");
    same_tables(folder, "out", "whole");
}
END_TEST

/* Numbers of two kinds in a table. */
static void write_data(const char *name, const char *more)
{
    shell_gives(folder, 0, NULL, NULL,
                "mkdir -p %s && { echo a,b,kind; i=0; while [ $i -lt 60 ]; do echo $((i %% 7)),$((i * i %% "
                "11)),$((i %% "
                "2)); i=$((i+1)); done; %s } >%s/data.csv",
                name, more, name);
}

START_TEST(data_may_lie_elsewhere_and_must_be_the_same)
{
    static const char data[] =
        MODEL "-s 'dataset={plugin=\"table\";train=\"~/data.csv\";label=\"kind\";test_fraction=0.3;}' "
              "-s training.samples=0";
    write_data("home", "");
    write_data("other", "");
    write_data("changed", "echo 3,3,1;");
    shell_gives(folder, 0, NULL, NULL, "HOME=$PWD/home \"$TESSERA\" run study.cfg -q -o out %s", data);
    shell_gives(folder, 2, NULL, "have changed: digest",
                "HOME=$PWD/changed \"$TESSERA\" run study.cfg -o out %s", data);
    shell_gives(folder, 0, NULL, "1 run is taken over from finished ones without training",
                "mv out moved && HOME=$PWD/other \"$TESSERA\" run study.cfg -o moved %s", data);
    shell_gives(folder, 0, NULL, NULL, "HOME=$PWD/other \"$TESSERA\" run study.cfg -q -o whole %s", data);
    same_tables(folder, "moved", "whole");
    /* the record of a run, where its data lie elsewhere, and where they are others */
    shell_gives(folder, 0, NULL, "lie elsewhere here, where it is run ",
                "rm -r home/* && cp $(grep -l home/data.csv moved/runs/*/run.json | head -1) run.json && "
                "\"$TESSERA\" run run.json -o again -s dataset.train=$PWD/other/data.csv && "
                "grep redundancy.test whole/results.csv && tail -1 again/results.csv | cut -d, -f4- >now && "
                "tail -1 whole/results.csv | cut -d, -f4- | cmp - now");
    shell_gives(folder, 0, NULL, "is not what is read now: the data of dataset table",
                "\"$TESSERA\" run run.json -o changed-too -s dataset.train=$PWD/changed/data.csv");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("growing");
    TCase *tests = tcase_create("tessera run");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_second_key_values_and_replicates_take_up_what_is_done);
    tcase_add_test(tests, new_points_of_a_sweep_are_no_training_again);
    tcase_add_test(tests, a_folder_is_continued);
    tcase_add_test(tests, one_run_is_repeated_by_its_record);
    tcase_add_test(tests, other_probes_are_done_on_saved_networks);
    tcase_add_test(tests, other_probes_are_done_on_saved_codes_unless_they_need_the_network);
    tcase_add_test(tests, without_them_training_again_is_asked_for);
    tcase_add_test(tests, fewer_probes_and_snapshots_are_had_of_records);
    tcase_add_test(tests, a_probe_at_another_place_has_other_random_numbers);
    tcase_add_test(tests, more_snapshots_need_training);
    tcase_add_test(tests, what_compares_with_the_snapshot_before_needs_the_same_one);
    tcase_add_test(tests, probes_are_done_on_the_networks_of_all_snapshots_that_are_kept);
    tcase_add_test(tests, the_network_of_the_last_snapshot_is_made_of_the_model_later);
    tcase_add_test(tests, runs_that_others_were_taken_over_from_can_go);
    tcase_add_test(tests, a_probe_that_fails_on_what_was_taken_over_costs_itself_and_is_made_good);
    tcase_add_test(tests, a_probe_whose_plugin_has_changed_is_done_again_and_the_others_are_not);
    tcase_add_test(tests, codes_are_made_of_the_network_later);
    tcase_add_test(tests, more_epochs_go_on_from_a_kept_state);
    tcase_add_test(tests, a_comparison_goes_on_where_the_last_epoch_was_probed);
    tcase_add_test(tests, growing_that_is_killed_is_ended_by_the_same_command);
    tcase_add_test(tests, an_early_stop_stays_where_it_was);
    tcase_add_test(tests, without_a_state_or_with_a_schedule_by_the_number_of_epochs_it_is_asked);
    tcase_add_test(tests, a_damaged_state_costs_its_run_and_is_named);
    tcase_add_test(tests, data_may_lie_elsewhere_and_must_be_the_same);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
