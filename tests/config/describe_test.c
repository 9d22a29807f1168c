/* Descriptions as JSON: of declarations, and of whole plugins as `tessera describe --json` prints them. */
#include "support.h"

#include "base/text.h"
#include "config/describe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct owner {
    float rate;
    int64_t big;
} owner;

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

START_TEST(declarations_tell_limits_only_where_there_are_any)
{
    static const tsr_key keys[] = { TSR_KEY_INT(owner, big, 3, 1, INT64_MAX, "big", .unit = "epochs"),
                                    TSR_KEY_REAL(owner, rate, 0.5, 0.0, INFINITY, "a rate", .required = true),
                                    TSR_KEY_END };
    json_t *expected =
        json_loads("[{\"key\": \"big\", \"type\": \"int\", \"default\": 3, \"required\": false,"
                   "  \"min\": 1, \"unit\": \"epochs\", \"doc\": \"big\"},"
                   " {\"key\": \"rate\", \"type\": \"real\", \"required\": true, \"min\": 0.0,"
                   "  \"doc\": \"a rate\"}]",
                   0, NULL);
    json_t *json = tsr_keys_json(keys);
    ck_assert(json_equal(json, expected));
    json_decref(json);
    json_decref(expected);
}
END_TEST

static tsr_registry *fixtures(void)
{
    tsr_registry *registry;
    char *folder = tsr_format("%s/tests/plugin/fixtures", test_build());
    ck_succeeds(tsr_registry_new(1, (const char *const[]){ folder }, &registry));
    free(folder);
    return registry;
}

START_TEST(a_description_holds_declarations_and_common_keys)
{
    tsr_registry *registry = fixtures();
    tsr_registry_describe_with(registry, tsr_plugin_json_text);
    const tsr_plugin_info *info;
    ck_succeeds(tsr_registry_describe(registry, TSR_PROBE, "sample", &info));
    json_t *plugin = json_loads(info->description, 0, NULL);
    ck_assert_str_eq(text_of(plugin, "summary"), "a probe for tests");
    ck_assert_str_eq(text_of(plugin, "licence"), "MIT");
    ck_assert_str_eq(text_of(json_array_get(json_object_get(plugin, "keys"), 0), "key"), "k");
    ck_assert_str_eq(text_of(json_array_get(json_object_get(plugin, "common"), 0), "key"), "label");
    ck_assert_uint_eq(tsr_registry_n_used(registry), 0); /* describing loads nothing here */
    json_decref(plugin);
    tsr_registry_free(registry);
}
END_TEST

START_TEST(a_child_describes_as_this_process_would)
{
    tsr_registry *registry = fixtures();
    const tsr_plugin_info *info;
    const tsr_loaded *loaded;
    tsr_registry_describe_with(registry, tsr_plugin_json_text);
    ck_succeeds(tsr_registry_describe(registry, TSR_MODEL, "holder", &info));
    ck_succeeds(tsr_registry_find(registry, TSR_MODEL, "holder", &loaded));
    char *here = tsr_plugin_json_text(loaded);
    ck_assert_str_eq(info->description, here);
    free(here);
    tsr_registry_free(registry);
}
END_TEST

START_TEST(announced_metrics_read_back_as_they_were)
{
    static const tsr_metric_info metrics[] = {
        TSR_METRIC("train", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TRAIN, "how many", .maximum = 1,
                   .better = TSR_BETTER_LARGER),
        TSR_METRIC("layer#.length#", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, "how long", .unit = "bits",
                   .minimum = 2, .maximum = INFINITY, .better = TSR_BETTER_SMALLER),
        TSR_METRICS_END,
    };
    json_t *object = json_object();
    tsr_announced_json(metrics, "knn.", object);
    tsr_metric_info read = { 0 };
    tsr_announced_read(tsr_announced_of(object, "knn.train"), &read);
    ck_assert_int_eq(read.role, TSR_METRIC_ACCURACY);
    ck_assert_int_eq(read.part, TSR_METRIC_OF_TRAIN);
    ck_assert_str_eq(read.doc, "how many");
    ck_assert_ptr_null(read.unit);
    ck_assert_double_eq(read.minimum, 0);
    ck_assert_double_eq(read.maximum, 1);
    ck_assert_int_eq(read.better, TSR_BETTER_LARGER);
    tsr_announced_read(tsr_announced_of(object, "knn.layer12.length0"), &read);
    ck_assert_str_eq(read.doc, "how long");
    ck_assert_str_eq(read.unit, "bits");
    ck_assert_double_eq(read.minimum, 2);
    ck_assert(isinf(read.maximum));
    ck_assert_int_eq(read.better, TSR_BETTER_SMALLER);
    ck_assert_ptr_null(tsr_announced_of(object, "knn.layer.length0"));
    ck_assert_ptr_null(tsr_announced_of(object, "knn.layer1.length2.more"));
    tsr_announced_read(tsr_announced_of(object, "knn.other"), &read);
    ck_assert_int_eq(read.role, TSR_METRIC_OTHER);
    ck_assert_ptr_null(read.doc);
    json_decref(object);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("describe");
    TCase *tests = tcase_create("describe");
    tcase_add_test(tests, declarations_tell_limits_only_where_there_are_any);
    tcase_add_test(tests, a_description_holds_declarations_and_common_keys);
    tcase_add_test(tests, a_child_describes_as_this_process_would);
    tcase_add_test(tests, announced_metrics_read_back_as_they_were);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
