/* A host of a later minor: this program is its plugin runtime, built from headers in which every structure
   that a plugin fills has a field more. The plugins are those of the build tree, which know nothing of it. */
#include "plugin/kinds.h"
#include "config/settings.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/tessera.h>

static tsr_registry *registry;

static void setup(void)
{
    tsr_status *status = tsr_registry_new(0, NULL, &registry);
    ck_assert_msg(!status, "%s", tsr_status_message(status));
}

static void teardown(void)
{
    tsr_registry_free(registry);
}

static tsr_instance *make(tsr_kind kind, const char *name)
{
    tsr_settings settings = { .registry = registry, .folder = "/" };
    tsr_instance *instance;
    tsr_value *resolved;
    tsr_status *status = tsr_settings_plugin(&settings, kind, NULL, "p", name, &instance, &resolved);
    ck_assert_msg(!status, "%s", tsr_status_message(status));
    tsr_value_free(resolved);
    return instance;
}

/* One of each kind that has a default for all its keys. */
static const struct {
    tsr_kind kind;
    const char *name;
    size_t extra; /* where the new field of its operations stands */
} plugins[] = {
    { TSR_MODEL, "mlp", offsetof(tsr_model_ops, test_extra) },
    { TSR_DATASET, "digits", offsetof(tsr_dataset_ops, test_extra) },
    { TSR_ACTIVATION, "leaky_relu", offsetof(tsr_activation_ops, test_extra) },
    { TSR_REGULARIZER, "l2", offsetof(tsr_regularizer_ops, test_extra) },
    { TSR_OPTIMIZER, "sgd", offsetof(tsr_optimizer_ops, test_extra) },
    { TSR_PROBE, "redundancy", offsetof(tsr_probe_ops, test_extra) },
    { TSR_EXECUTOR, "local", offsetof(tsr_executor_ops, test_extra) },
    { TSR_LOSS, "softmax_cross_entropy", offsetof(tsr_loss_ops, test_extra) },
    { TSR_SCHEDULE, "cosine", offsetof(tsr_schedule_ops, test_extra) },
    { TSR_AUGMENTATION, "rotate", offsetof(tsr_augmentation_ops, test_extra) },
};

START_TEST(a_plugin_of_the_minor_before_loads_and_its_new_fields_are_null)
{
    tsr_instance *instance = make(plugins[_i].kind, plugins[_i].name);
    const tsr_plugin *plugin = &tsr_instance_loaded(instance)->plugin;
    const void *extra;
    memcpy(&extra, (const char *)tsr_instance_ops(instance) + plugins[_i].extra, sizeof(extra));
    ck_assert_ptr_null(extra);
    ck_assert_ptr_null(plugin->test_extra);
    for (const tsr_key *key = plugin->keys; key->type != TSR_TYPE_END; key++) {
        ck_assert_ptr_null(key->test_extra);
        ck_assert_uint_gt(strlen(key->doc), 0);
    }
    tsr_instance_free(instance);
}
END_TEST

START_TEST(its_operations_do_what_they_did)
{
    tsr_instance *sgd = make(TSR_OPTIMIZER, "sgd"), *leaky = make(TSR_ACTIVATION, "leaky_relu");
    _Alignas(64) float values[4] = { 1, 2, 3, 4 }, gradients[4] = { 0 }, y[4];
    const tsr_optimizer_ops *optimizer = tsr_instance_ops(sgd);
    gradients[2] = 1;
    _Alignas(64) float state[4] = { 0 };
    float *slots[] = { state, state };
    optimizer->update(
        tsr_instance_self(sgd),
        &(tsr_update){
            .n = 4, .values = values, .gradients = gradients, .slots = slots, .step = 1, .rate_factor = 1 });
    ck_assert_float_eq(values[1], 2);
    ck_assert_float_lt(values[2], 3);
    const tsr_activation_ops *activation = tsr_instance_ops(leaky);
    activation->forward(tsr_instance_self(leaky),
                        &(tsr_units){ .samples = 1, .channels = 4, .positions = 1, .x = values }, y);
    ck_assert_float_eq(y[0], 1);
    tsr_instance_free(leaky);
    tsr_instance_free(sgd);
}
END_TEST

START_TEST(its_announced_metrics_are_read_in_their_size)
{
    tsr_instance *redundancy = make(TSR_PROBE, "redundancy");
    const tsr_probe_ops *ops = tsr_instance_ops(redundancy);
    const tsr_plugin *plugin = &tsr_instance_loaded(redundancy)->plugin;
    ck_assert_uint_eq(plugin->announced_size + sizeof(void *), sizeof(tsr_metric_info));
    ck_assert_str_eq(ops->metrics[0].name, "train");
    ck_assert_str_eq(ops->metrics[1].name, "test");
    ck_assert_str_eq(ops->metrics[2].name, "random");
    ck_assert_ptr_null(ops->metrics[5].name);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(ops->metrics[i].better, TSR_BETTER_SMALLER);
        ck_assert_ptr_null(ops->metrics[i].test_extra);
    }
    tsr_instance_free(redundancy);
}
END_TEST

START_TEST(the_headers_have_grown_indeed)
{
    const tsr_loaded *loaded;
    tsr_status *status = tsr_registry_find(registry, TSR_PROBE, "redundancy", &loaded);
    ck_assert_msg(!status, "%s", tsr_status_message(status));
    ck_assert_uint_eq(tsr_kind_get(TSR_PROBE)->ops_size, loaded->plugin.ops_size + sizeof(void *));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("grown");
    TCase *tests = tcase_create("grown");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_plugin_of_the_minor_before_loads_and_its_new_fields_are_null, 0,
                        sizeof(plugins) / sizeof(*plugins));
    tcase_add_test(tests, its_operations_do_what_they_did);
    tcase_add_test(tests, its_announced_metrics_are_read_in_their_size);
    tcase_add_test(tests, the_headers_have_grown_indeed);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
