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

/* Where plugins of a kind lie. */
static const char *folder_of(const char *kind)
{
    return tsr_kind_get(tsr_kind_named(kind))->folder;
}

/* The kit's answer on a faulty plugin; free with command_free. */
static command_result test_faulty(const char *kind, const char *fault)
{
    return command(folder, "test '%s/tests/kit/faulty/%s/.libs/faulty.so' -s fault=%s", test_build(),
                   folder_of(kind), fault);
}

static void passes(const char *arguments, const char *label)
{
    command_result result = command(folder, "test %s", arguments);
    char *first =
        tsr_format("TAP version 13\nok 1 - %s: loads, and its declarations are well formed\n", label);
    ck_assert_msg(result.status == 0 && strstr(result.out, first) == result.out &&
                      !strstr(result.out, "not ok"),
                  "%s: status %d\n%s%s", label, result.status, result.out, result.err);
    free(first);
    command_free(&result);
}

START_TEST(bundled_plugins_pass)
{
    static const char *const plugins[][2] = {
        { "activation", "relu" },
        { "activation", "leaky_relu" },
        { "activation", "prelu" },
        { "dataset", "digits" },
        { "dataset", "synthetic" },
        { "executor", "local" },
        { "model", "mlp" },
        { "optimizer", "sgd" },
        { "optimizer", "adam" },
        { "probe", "redundancy" },
        { "probe", "kmeans" },
        { "probe", "knn" },
        { "probe", "code_statistics" },
        { "regularizer", "l1" },
        { "regularizer", "l2" },
        { "loss", "softmax_cross_entropy" },
        { "loss", "mean_squared_error" },
        { "schedule", "constant" },
        { "schedule", "step" },
        { "schedule", "cosine" },
        { "schedule", "warm_up" },
        { "augmentation", "rotate" },
        { "augmentation", "shift" },
        { "augmentation", "flip" },
    };
    for (size_t i = 0; i < sizeof(plugins) / sizeof(*plugins); i++) {
        char *file =
            tsr_format("'%s/plugins/%s/.libs/%s.so'", test_build(), folder_of(plugins[i][0]), plugins[i][1]);
        char *label = tsr_format("%s %s", plugins[i][0], plugins[i][1]);
        passes(file, label);
        free(file);
        free(label);
    }
}
END_TEST

static const struct {
    const char *kind, *fault, *claim, *message;
} faults[] = {
    { "activation", "leaks", "leaves nothing allocated after fini", "bytes are left behind" },
    { "activation", "shares", "gives the same again", "keep nothing between calls" },
    { "activation", "crashes", "gives a unit's value", "crashed in this check (signal 6" },
    { "activation", "refuses", "takes its settings", "the moon is not full" },
    { "activation", "gradient", "has the derivative that differences", "and the function's is about" },
    { "activation", "learned", "has the derivative by what it learns", "channel 0: backward's derivative" },
    { "activation", "aliases", "computes backward in place", "read dy[i] before dx[i] is written" },
    { "activation", "hides", "lets NaN through", "f(nan) is 0" },
    { "activation", "descends", "has ascending breakpoints", "breakpoint 1 is -1" },
    { "activation", "neighbours", "gives a unit's value wherever", "and alone it is" },
    { "regularizer", "leaks", "leaves nothing allocated after fini", "bytes are left behind" },
    { "regularizer", "shares", "gives the same again", "keep nothing between calls" },
    { "regularizer", "gradient", "adds the gradient that differences show", "is added to the gradient" },
    { "regularizer", "replaces", "adds the gradient that differences show", "do not replace it" },
    { "regularizer", "needs", "where no gradient is wanted", "without a gradient" },
    { "regularizer", "parts", "can be taken in parts", "the penalties of its parts sum to" },
    { "optimizer", "shares", "gives the same again", "keep nothing between calls" },
    { "optimizer", "ascends", "lowers a loss", "lead from a loss of" },
    { "optimizer", "ignores", "multiplies its rate", "with a rate_factor of 0 values move" },
    { "optimizer", "divides", "stays finite", "is something divided by it" },
    { "optimizer", "writes", "only reads the gradients", "it writes to the gradients" },
    { "optimizer", "whole", "can be taken in parts", "the values become others" },
    { "optimizer", "slots", "lowers a loss", "slots gives 17, expected 0 to 16" },
    { "model", "shares", "gives the same again", "keep nothing between calls" },
    { "model", "gradient", "has the gradients", "scaled0.factor: its gradient says" },
    { "model", "part", "write all they should", "scaled0.factor: gradient 0 is nan" },
    { "model", "peeks", "write all they should", "reads what nothing has written" },
    { "model", "alternates", "builds the same graph", "it is two graphs" },
    { "model", "threads", "whatever the number of threads", "depend on the number of threads" },
    { "dataset", "shares", "gives the same again", "keep nothing between calls" },
    { "dataset", "empty", "opens, and its counts", "no training samples" },
    { "dataset", "label", "opens, and its counts", "sample 30 has label 4" },
    { "dataset", "part", "fills every value", "value 5 is nan; read must fill every value" },
    { "dataset", "draws", "gives the same sample twice", "has other values when it is read again" },
    { "dataset", "order", "in any order", "has other values when it is read alone" },
    { "dataset", "targets", "fills every value of the targets", "value 1 of its target is nan" },
    { "dataset", "target", "fills every value of the targets", "has another target when it is read alone" },
    { "dataset", "needs", "opens, and its counts", "has label -1" },
    { "probe", "shares", "gives the same again", "keep nothing between calls" },
    { "probe", "silent", "gives metrics", "it gives no metric; call tsr_metric" },
    { "probe", "threads", "whatever the number of threads", "metrics depend on the number of threads" },
    { "probe", "changes", "leaves codes and labels alone", "it changes the codes or labels" },
    { "probe", "divides", "every size that its check lets pass", "50 training and 20 test codes of 0 bits" },
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
    { "executor", "deaf", "returns when the user stops it", "took more than 5 seconds in this check" },
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
    ck_assert_msg(result.status == 1 && fails_the_claim(result.out, faults[_i].claim, faults[_i].message),
                  "%s %s: status %d\n%s%s", faults[_i].kind, faults[_i].fault, result.status, result.out,
                  result.err);
    command_free(&result);
}
END_TEST

START_TEST(without_a_fault_all_claims_hold)
{
    static const char *const kinds[] = {
        "activation", "regularizer", "optimizer", "model",    "dataset",
        "probe",      "executor",    "loss",      "schedule", "augmentation"
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        command_result result = test_faulty(kinds[i], "none");
        ck_assert_msg(result.status == 0 && !strstr(result.out, "not ok"), "%s: status %d\n%s%s", kinds[i],
                      result.status, result.out, result.err);
        command_free(&result);
    }
}
END_TEST

START_TEST(a_dataset_without_labels_is_sound)
{
    command_result result = test_faulty("dataset", "plain");
    ck_assert_msg(result.status == 0 && !strstr(result.out, "not ok"), "status %d\n%s%s", result.status,
                  result.out, result.err);
    command_free(&result);
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
    command_gives(folder, 1, NULL, "'b.so' is too many", "test a.so b.so");
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
    tcase_add_test(tests, bundled_plugins_pass);
    tcase_add_loop_test(tests, each_fault_fails_its_claim, 0, sizeof(faults) / sizeof(*faults));
    tcase_add_test(tests, without_a_fault_all_claims_hold);
    tcase_add_test(tests, a_dataset_without_labels_is_sound);
    tcase_add_test(tests, a_file_that_cannot_be_loaded_fails_with_its_reason);
    tcase_add_test(tests, wrong_usage_is_told);
    tcase_add_test(tests, settings_reach_the_plugin);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
