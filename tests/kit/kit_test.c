/* The kit for plugin authors: the bundled plugins pass, and a plugin that breaks a claim fails that claim,
   with a message that says what is wrong. */
#include "cli/command.h"
#include "support.h"

#include "base/text.h"
#include "plugin/kinds.h"

#include <stdlib.h>
#include <string.h>

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

#define PATIENCE                                                                                             \
    "600" /* seconds of a check, where none hangs: the sanitizers and busy machines slow down                \
           */

/* Where plugins of a kind lie. */
static const char *folder_of(const char *kind)
{
    return tsr_kind_get(tsr_kind_named(kind))->folder;
}

/* The kit's answer on a faulty plugin; free with command_free. */
static command_result test_faulty(const char *kind, const char *fault)
{
    return command(folder, "test '%s/tests/kit/faulty/%s/.libs/faulty.so' --limit " PATIENCE " -s fault=%s",
                   test_build(), folder_of(kind), fault);
}

/* All claims hold in spite of what the fault is called. */
static void is_sound(const char *kind, const char *fault)
{
    command_result result = test_faulty(kind, fault);
    ck_assert_msg(result.status == 0 && !strstr(result.out, "not ok"), "%s %s: status %d\n%s%s", kind, fault,
                  result.status, result.out, result.err);
    command_free(&result);
}

static void passes(const char *arguments, const char *label)
{
    command_result result = command(folder, "test %s --limit " PATIENCE, arguments);
    char *first =
        tsr_format("TAP version 13\nok 1 - %s: loads, and its declarations are well formed\n", label);
    ck_assert_msg(result.status == 0 && strstr(result.out, first) == result.out &&
                      !strstr(result.out, "not ok"),
                  "%s: status %d\n%s%s", label, result.status, result.out, result.err);
    free(first);
    command_free(&result);
}

/* Every one but those that read files: they are given some below and in tests/plugins. Large models are made
   narrow. */
static const struct {
    const char *kind, *name, *settings;
} bundled[] = {
    { "activation", "relu", "" },
    { "activation", "leaky_relu", "" },
    { "activation", "prelu", "" },
    { "dataset", "digits", "" },
    { "dataset", "synthetic", "" },
    { "executor", "local", "" },
    { "model", "mlp", "" },
    { "model", "resnet", "-s width_multiplier=0.25 --shape 3x8x8" },
    { "model", "sequential",
      "-s 'layers=({op=\"dense\";width=9;},{op=\"batch_norm\";},{op=\"activation\";},{op=\"dense\";})'" },
    { "model", "vgg", "-s width_multiplier=0.125 --shape 3x32x32" },
    { "optimizer", "sgd", "" },
    { "optimizer", "adam", "" },
    { "probe", "redundancy", "" },
    { "probe", "kmeans", "" },
    { "probe", "knn", "" },
    { "probe", "code_statistics", "" },
    { "probe", "logistic_regression", "" },
    { "regularizer", "l1", "" },
    { "regularizer", "l2", "" },
    { "loss", "softmax_cross_entropy", "" },
    { "loss", "mean_squared_error", "" },
    { "schedule", "constant", "" },
    { "schedule", "step", "" },
    { "schedule", "cosine", "" },
    { "schedule", "warm_up", "" },
    { "augmentation", "rotate", "" },
    { "augmentation", "shift", "" },
    { "augmentation", "flip", "" },
};

START_TEST(bundled_plugins_pass)
{
    char *arguments = tsr_format("'%s/plugins/%s/.libs/%s.so' %s", test_build(), folder_of(bundled[_i].kind),
                                 bundled[_i].name, bundled[_i].settings);
    char *label = tsr_format("%s %s", bundled[_i].kind, bundled[_i].name);
    passes(arguments, label);
    free(arguments);
    free(label);
}
END_TEST

START_TEST(bundled_datasets_of_folders_pass)
{
    char *line =
        tsr_format("cd '%s' && for i in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 "
                   "test_batch; do head -c 6146 /dev/zero >$i.bin; done",
                   folder);
    ck_assert_int_eq(system(line), 0);
    free(line);
    char *arguments = tsr_format("dataset/idx -s path='%s/tests/cli/fixtures/pytorch'", test_source());
    passes(arguments, "dataset idx");
    free(arguments);
    passes("dataset/cifar -s path=$PWD", "dataset cifar");
}
END_TEST

static const struct {
    const char *kind, *fault, *claim, *message;
} faults[] = {
    { "activation", "leaks", "leaves nothing allocated after fini", "bytes are left behind" },
    { "activation", "shares", "gives the same again", "keep nothing between calls" },
    { "activation", "crashes", "gives a unit's value", "crashed in forward of activation faulty (" },
    { "activation", "refuses", "takes its settings", "the moon is not full" },
    { "activation", "gradient", "has the derivative that differences", "and the function's is about" },
    { "activation", "learned", "has the derivative by what it learns", "channel 0: backward's derivative" },
    { "activation", "aliases", "computes backward in place", "read dy[i] before dx[i] is written" },
    { "activation", "hides", "lets NaN through", "f(nan) is 0" },
    { "activation", "pieces", "has the straight pieces", " says " },
    { "activation", "descends", "has ascending breakpoints", "breakpoint 1 is -1" },
    { "activation", "neighbours", "gives a unit's value wherever", "and alone it is" },
    { "activation", "nan", "gives numbers", "forward gives NaN: value 0 of its output" },
    { "activation", "before", "writes within the units", "backward writes before the beginning of dx" },
    { "activation", "behind", "writes within the units", "forward writes behind the end of its output" },
    { "activation", "sign", "has the derivative that differences", "and the function's is about" },
    { "activation", "keeps", "keeps no more memory", "forward of activation faulty (" },
    { "regularizer", "sign", "adds the gradient that differences show", "value 0: 1." },
    { "regularizer", "nan", "gives numbers", "penalty gives NaN" },
    { "regularizer", "behind", "writes within the gradient",
      "penalty writes behind the end of the gradient" },
    { "regularizer", "leaks", "leaves nothing allocated after fini", "bytes are left behind" },
    { "regularizer", "shares", "gives the same again", "keep nothing between calls" },
    { "regularizer", "gradient", "adds the gradient that differences show", "is added to the gradient" },
    { "regularizer", "replaces", "adds the gradient that differences show", "do not replace it" },
    { "regularizer", "needs", "where no gradient is wanted", "without a gradient" },
    { "regularizer", "parts", "can be taken in parts", "the penalties of its parts sum to" },
    { "optimizer", "shares", "gives the same again", "keep nothing between calls" },
    { "optimizer", "nan", "gives numbers", "update gives NaN: value 0 of the values" },
    { "optimizer", "behind", "writes within the values", "update writes behind the end of a slot" },
    { "optimizer", "before", "writes within the values", "update writes before the beginning of the values" },
    { "optimizer", "keeps", "keeps no more memory", "bytes more at each call" },
    { "optimizer", "ascends", "lowers a loss", "lead from a loss of" },
    { "optimizer", "ignores", "multiplies its rate", "with a rate_factor of 0 values move" },
    { "optimizer", "divides", "stays finite", "is something divided by it" },
    { "optimizer", "writes", "only reads the gradients", "it writes to the gradients" },
    { "optimizer", "whole", "can be taken in parts", "the values become others" },
    { "optimizer", "slots", "lowers a loss", "slots gives 17, expected 0 to 16" },
    { "model", "shares", "gives the same again", "keep nothing between calls" },
    { "model", "gradient", "has the gradients", "scaled0.factor: its gradient says" },
    { "model", "gradient", "has operators whose gradients", "of the gradient of its factor is" },
    { "model", "sign", "has operators whose gradients",
      "inputs of 40: operator scaled of 'scaled0', on 3 samples: element 7 of the gradient of its factor "
      "is" },
    { "model", "percent", "has operators whose gradients", "of the gradient of its factor is" },
    { "model", "percent", "has the gradients", "scaled0.factor: its gradient says" },
    { "model", "later", "has operators whose gradients",
      "inputs of 8 x 12: operator scaled of 'scaled0', on 3 samples: element 1 of the gradient" },
    { "model", "input", "has operators whose gradients",
      "operator scaled of 'scaled1', on 3 samples: element 7 of the gradient of input 0 is" },
    { "model", "before", "write within their arrays", "forward writes before the beginning of its output" },
    { "model", "behind", "write within their arrays", "forward writes behind the end of its output" },
    { "model", "saves", "write within their arrays", "forward writes behind the end of what it saves" },
    { "model", "scratches", "write within their arrays",
      "forward writes before the beginning of its scratch" },
    { "model", "spoils", "write within their arrays", "writes behind the end of the gradient of its factor" },
    { "model", "races", "whose threads do not meet", "depend on the number of threads" },
    { "model", "tasks", "whose threads do not meet", "depend on the order of the tasks" },
    { "model", "forward_nan", "gives numbers",
      "operator scaled of 'scaled0', on 5 samples: forward gives NaN: value 3 of its output" },
    { "model", "forward_keeps", "keeps no more memory", "bytes are left behind by each use" },
    { "model", "forward_keeps", "has operators that keep no memory",
      "operator scaled of 'scaled0', on 1 samples: forward keeps " },
    { "model", "forward_rounds", "leaves the process", "forward of model faulty (" },
    { "model", "bent", "course along lines",
      "operator scaled of 'scaled0', on 3 samples: its flag TSR_OP_AFFINE says that forward is affine, and "
      "half way" },
    { "model", "ends_piece", "course along lines", "says that no piece ends, and line ends one at " },
    { "model", "line_off", "course along lines", "line gives " },
    { "model", "part", "write all they should", "scaled0.factor: gradient 0 is nan" },
    { "model", "peeks", "write all they should", "reads what nothing has written" },
    { "model", "alternates", "builds the same graph", "it is two graphs" },
    { "model", "threads", "whatever the number of threads", "depend on the number of threads" },
    { "dataset", "shares", "gives the same again", "keep nothing between calls" },
    { "dataset", "behind", "writes within the samples", "read writes behind the end of the inputs" },
    { "dataset", "opens", "keeps no more memory", "bytes are left behind by each use" },
    { "dataset", "empty", "opens, and its counts", "no training samples" },
    { "dataset", "label", "opens, and its counts", "sample 30 has label 4" },
    { "dataset", "part", "fills every value", "value 5 is nan; read must fill every value" },
    { "dataset", "draws", "gives the same sample twice", "has other values when it is read again" },
    { "dataset", "order", "in any order", "has other values when it is read alone" },
    { "dataset", "targets", "fills every value of the targets", "value 1 of its target is nan" },
    { "dataset", "target", "fills every value of the targets", "has another target when it is read alone" },
    { "dataset", "needs", "opens, and its counts", "has label -1" },
    { "probe", "shares", "gives the same again", "keep nothing between calls" },
    { "probe", "nan", "gives numbers", "run gives NaN: the metric 'set'" },
    { "probe", "layers", "measures codes that have layers", "crashed in run of probe faulty (" },
#ifdef __SANITIZE_ADDRESS__ /* which ends the process itself */
    { "probe", "labels", "measures codes that have no labels",
      "ended the process with status 1 in run of probe faulty (" },
#else
    { "probe", "labels", "measures codes that have no labels", "crashed in run of probe faulty (" },
#endif
    { "probe", "mute", "measures codes that have no labels", "it gives no metric without labels" },
    { "probe", "races", "whatever the number of threads", "metrics depend on the number of threads" },
    { "probe", "tasks", "whatever the number of threads", "metrics depend on the order of the tasks" },
    { "probe", "keeps", "keeps no more memory", "run of probe faulty (" },
    { "probe", "locale", "leaves the process", ") changes the locale" },
    { "probe", "rounding", "leaves the process", ") changes the rounding mode" },
    { "probe", "signals", "leaves the process", ") changes the signal mask" },
    { "probe", "folder", "leaves the process", ") changes the working folder" },
    { "probe", "umask", "leaves the process", ") changes the umask" },
    { "probe", "traps", "leaves the process", ") changes the floating-point exceptions that trap" },
    { "probe", "streams", "leaves the process", ") changes standard output" },
    { "probe", "ends", "gives metrics", "ended the process with status 0 in run of probe faulty (" },
    { "probe", "quits", "gives metrics", "ended the process with status 0 in run of probe faulty (" },
    { "probe", "becomes", "gives metrics", "ended the process with status 0 in run of probe faulty (" },
    { "probe", "leaves", "gives metrics that it announces", "is -1, and announced to be 0 to inf" },
    { "probe", "silent", "gives metrics", "it gives no metric; call tsr_metric" },
    { "probe", "threads", "whatever the number of threads", "metrics depend on the number of threads" },
    { "probe", "changes", "leaves codes and labels alone", "it changes the codes or labels" },
    { "probe", "divides", "every size that its check lets pass", "50 training and 20 test codes of 0 bits" },
    { "probe", "shape", "gives the curves that it announces",
      "the curve 'line' is given by tsr_save_histogram, and announced as one that tsr_save_curve gives" },
    { "probe", "beyond", "gives the curves that it announces",
      "has y from 0 to 7, and announced are 0 to 1" },
    { "probe", "undrawn", "gives the curves that it announces", "none of the curves that it announces" },
    { "probe", "falls", "gives metrics", "x number 2 is 0.5, after 1; expected them to ascend" },
    { "probe", "wavers", "whatever the number of threads", "metrics depend on the number of threads" },
    { "probe", "promises", "gives metrics that it announces", "are the names spelt alike" },
    { "loss", "shares", "gives the same again", "keep nothing between calls" },
    { "loss", "gradient", "has the gradient that differences show", "the loss's derivative times the scale" },
    { "loss", "beyond", "has the gradient that differences show", "beyond the gradient's end" },
    { "loss", "needs", "where no gradient is wanted", "without a gradient" },
    { "loss", "mean", "is a sum over examples", "give the sum, not the mean" },
    { "loss", "wide", "is a sum over examples", "outputs gives 0 for 2" },
    { "loss", "miscounts", "counts right answers", "it counts 0 of 6 examples" },
    { "schedule", "shares", "gives the same again", "keep nothing between calls" },
    { "schedule", "negative", "finite and not negative", "in epoch 11 at step 1 of 7 the factor is -0.09" },
    { "schedule", "endless", "finite and not negative", "the factor is inf" },
    { "schedule", "still", "not 0", "nothing is learned" },
    { "schedule", "counts", "depends on the time alone", "depends on its arguments alone" },
    { "augmentation", "shares", "gives the same again", "keep nothing between calls" },
    { "augmentation", "part", "writes every value", "is nan, expected each to be written" },
    { "augmentation", "beyond", "writes every value", "beyond the example's end" },
    { "augmentation", "writes", "writes every value", "it writes to the example" },
    { "augmentation", "draws", "depends on its random numbers alone", "draw from `rng` alone" },
    { "augmentation", "leaves", "changes some example", "leaves an example as it is" },
    { "augmentation", "picky", "writes every value", "no shape is right" },
    { "executor", "shares", "gives the same again", "keep nothing between calls" },
    { "executor", "twice", "does each run once", "is done 2 times" },
    { "executor", "beyond", "does each run once", "it does a run that there is not" },
    { "executor", "threads", "does each run once", "gets 0 threads" },
    { "executor", "deaf", "returns when the user stops it",
      "took more than 5 seconds in execute of executor faulty (" },
};

static bool fails_the_claim(const char *out, const char *claim, const char *message)
{
    for (const char *line = strstr(out, "not ok "); line; line = strstr(line + 1, "not ok ")) {
        const char *end = strchr(line, '\n'), *at = strstr(line, claim),
                   *said = end ? strstr(end, message) : NULL;
        const char *next = end ? strstr(end, "\nok ") : NULL;
        if (at && end && at < end && said && (!next || said < next))
            return true;
    }
    return false;
}

START_TEST(each_fault_fails_its_claim)
{
    command_result result = test_faulty(faults[_i].kind, faults[_i].fault);
    bool crashes = strncmp(faults[_i].message, "crashed in ", strlen("crashed in ")) == 0;
    ck_assert_msg(!crashes || strstr(result.out, ", in function "), "%s", result.out);
    ck_assert_msg(result.status == 1 && fails_the_claim(result.out, faults[_i].claim, faults[_i].message),
                  "%s %s: status %d\n%s%s", faults[_i].kind, faults[_i].fault, result.status, result.out,
                  result.err);
    command_free(&result);
}
END_TEST

/* The one that is late is told of, once; the others are not waited for. */
START_TEST(an_infinite_loop_is_told_once)
{
    command_result result = command(folder,
                                    "test '%s/tests/kit/faulty/models/.libs/faulty.so' --limit 2 "
                                    "-s fault=forward_hangs",
                                    test_build());
    const char *first = strstr(result.out, "took more than 2 seconds in forward of model faulty (");
    ck_assert_msg(result.status == 1 && first && !strstr(first + 1, "took more than") &&
                      strstr(first, "# SKIP an earlier check took too long"),
                  "status %d\n%s%s", result.status, result.out, result.err);
    command_free(&result);
}
END_TEST

START_TEST(a_jump_at_a_declared_breakpoint_is_no_fault)
{
    is_sound("activation", "jumps");
}
END_TEST

START_TEST(each_plugin_of_a_file_is_tested)
{
    char *file = tsr_format("'%s/tests/kit/faulty/probes/.libs/pair.so'", test_build());
    command_result result = command(folder, "test %s", file);
    ck_assert_msg(result.status == 1 && strstr(result.out, " - probe pair: gives metrics\n") &&
                      !strstr(result.out, "# probe pair:") &&
                      strstr(result.out, " - probe failing: gives metrics\n") &&
                      strstr(result.out, "# the moon is not full") &&
                      strstr(result.out, "\n# probe failing: ") && !strstr(result.out, "SKIP an earlier"),
                  "status %d\n%s%s", result.status, result.out, result.err);
    command_free(&result);
    free(file);
    file = tsr_format("%s/tests/kit/faulty/probes/.libs/pair.so", test_build());
    command_gives(folder, 0, "ok 2 - probe pair: takes its settings", NULL, "test '%s:pair'", file);
    command_gives(folder, 1, "# the moon is not full", NULL, "test '%s:failing'", file);
    command_gives(folder, 2, NULL, "holds no plugin 'third'; it holds: pair, failing", "test '%s:third'",
                  file);
    free(file);
}
END_TEST

START_TEST(one_check_is_run_alone)
{
    char *file = tsr_format("'%s/tests/kit/faulty/models/.libs/faulty.so'", test_build());
    command_gives(folder, 0, "TAP version 13\nok 1 - model faulty: builds the same graph each time\n1..1\n",
                  NULL, "test %s graph", file);
    command_gives(folder, 1, NULL, "no check of it is called 'graphs'; 'tessera test ", "test %s graphs",
                  file);
    command_gives(folder, 0, "  graph        builds the same graph each time\n", NULL, "test %s --list",
                  file);
    command_gives(folder, 0, "probe:\n  metrics      gives metrics\n", NULL, "test --list");
    command_gives(folder, 0, "ok 1 - probe knn: gives metrics\n1..1\n", NULL, "test probe/knn metrics");
    free(file);
}
END_TEST

START_TEST(models_are_tested_on_the_shapes_that_are_given)
{
    char *file = tsr_format("'%s/tests/kit/faulty/models/.libs/faulty.so'", test_build());
    command_gives(folder, 0, NULL, NULL, "test %s operators --shape 40 -s fault=later", file);
    command_gives(folder, 1, "inputs of 2 x 5: operator scaled", NULL,
                  "test %s operators --shape 40 --shape 2x5 -s fault=later", file);
    command_gives(folder, 1, NULL, "--shape 3x: expected 1 to ", "test %s --shape 3x", file);
    command_gives(folder, 1, NULL, "--limit 0: expected seconds", "test %s --limit 0", file);
    free(file);
}
END_TEST

START_TEST(without_a_fault_all_claims_hold)
{
    static const char *const kinds[] = {
        "activation", "regularizer", "optimizer", "model",    "dataset",
        "probe",      "executor",    "loss",      "schedule", "augmentation"
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        is_sound(kinds[i], "none");
}
END_TEST

START_TEST(a_dataset_without_labels_is_sound)
{
    is_sound("dataset", "plain");
}
END_TEST

START_TEST(a_file_that_cannot_be_loaded_fails_with_its_reason)
{
    command_gives(folder, 1, "not ok 1 - ./none.so loads, and its declarations are well formed\n# ", NULL,
                  "test none.so");
    write_text(folder, "text.so", "text\n");
    command_gives(folder, 1, "is not a shared object", NULL, "test ./text.so");
}
END_TEST

START_TEST(wrong_usage_is_told)
{
    command_gives(folder, 1, NULL, "expected a plugin file", "test");
    command_gives(folder, 1, NULL, "-s needs KEY=VALUE", "test a.so -s");
    command_gives(folder, 1, NULL, "unknown option '--all'", "test a.so --all");
    command_gives(folder, 1, NULL, "'c.so' is too many", "test a.so b.so c.so");
    command_gives(folder, 1, NULL, "expected KEY=VALUE", "test a.so -s k");
}
END_TEST

START_TEST(settings_reach_the_plugin)
{
    char *file = tsr_format("'%s/plugins/probes/.libs/knn.so'", test_build());
    command_gives(folder, 1, "-s k=0: k = 0: expected an integer from 1", NULL, "test %s -s k=0", file);
    command_gives(folder, 1, "unknown key 'kk'", NULL, "test %s -s kk=1", file);
    free(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kit");
    TCase *tests = tcase_create("kit");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, bundled_plugins_pass, 0, sizeof(bundled) / sizeof(*bundled));
    tcase_add_test(tests, bundled_datasets_of_folders_pass);
    tcase_add_loop_test(tests, each_fault_fails_its_claim, 0, sizeof(faults) / sizeof(*faults));
    tcase_add_test(tests, an_infinite_loop_is_told_once);
    tcase_add_test(tests, a_jump_at_a_declared_breakpoint_is_no_fault);
    tcase_add_test(tests, each_plugin_of_a_file_is_tested);
    tcase_add_test(tests, one_check_is_run_alone);
    tcase_add_test(tests, models_are_tested_on_the_shapes_that_are_given);
    tcase_add_test(tests, without_a_fault_all_claims_hold);
    tcase_add_test(tests, a_dataset_without_labels_is_sound);
    tcase_add_test(tests, a_file_that_cannot_be_loaded_fails_with_its_reason);
    tcase_add_test(tests, wrong_usage_is_told);
    tcase_add_test(tests, settings_reach_the_plugin);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
