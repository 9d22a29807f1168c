/* Configured plugins: nested ones, common keys, init that fails, what memory running out does. */
#include "support.h"

#include "base/text.h"
#include "config/json.h"
#include "fixtures.h"
#include "plugin/kinds.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tsr_registry *registry;

static void open_registry(void)
{
    char *folder = tsr_format("%s/tests/plugin/fixtures", test_build());
    ck_succeeds(tsr_registry_new(1, (const char *const[]){ folder }, &registry));
    free(folder);
}

static void close_registry(void)
{
    tsr_registry_free(registry);
    registry = NULL;
}

/* The plugin that `text`, "key = value;", configures. */
static tsr_status *make(tsr_kind kind, const char *text, const char *key, tsr_instance **out,
                        tsr_value **resolved)
{
    tsr_value *config = test_config(text);
    tsr_settings settings = { .registry = registry, .folder = "/" };
    tsr_status *status =
        tsr_settings_plugin(&settings, kind, tsr_value_member(config, key), key, NULL, out, resolved);
    tsr_value_free(config);
    return status;
}

/* What it is resolved to, as text. */
static void resolves(tsr_kind kind, const char *text, const char *key, const char *expected)
{
    tsr_instance *instance;
    tsr_value *resolved;
    ck_succeeds(make(kind, text, key, &instance, &resolved));
    char *json = tsr_value_json_text(resolved, 0);
    ck_assert_str_eq(json, expected);
    free(json);
    tsr_value_free(resolved);
    tsr_instance_free(instance);
}

static void refuses(tsr_kind kind, const char *text, const char *key, const char *message)
{
    tsr_instance *instance;
    tsr_value *resolved;
    ck_fails(make(kind, text, key, &instance, &resolved), TSR_REFUSED, message);
    ck_assert_ptr_null(instance);
    ck_assert_ptr_null(resolved);
}

START_TEST(a_group_makes_an_instance_with_its_common_keys)
{
    tsr_instance *probe;
    tsr_value *resolved;
    ck_succeeds(make(TSR_PROBE, "p = { plugin = \"sample\"; k = 3; label = \"near\"; layers = [ 1 ]; };", "p",
                     &probe, &resolved));
    const sample *s = tsr_instance_self(probe);
    const tsr_probe_common *common = tsr_instance_common(probe);
    const tsr_probe_ops *ops = tsr_instance_ops(probe);
    ck_assert_str_eq(tsr_instance_name(probe), "sample");
    ck_assert_int_eq(s->k, 3);
    ck_assert_ptr_nonnull(s->buffers[0]);
    ck_assert_str_eq(common->label, "near");
    ck_assert_uint_eq(common->layers.n, 1);
    ck_assert_ptr_nonnull(ops->run);
    ck_assert_str_eq(tsr_instance_loaded(probe)->plugin.version, "1.2.3");
    ck_assert_str_eq(tsr_value_text(tsr_value_member(resolved, "label")), "near");
    tsr_value_free(resolved);
    tsr_instance_free(probe);
}
END_TEST

START_TEST(a_nested_plugin_is_its_default_unless_given)
{
    resolves(TSR_MODEL, "m = { plugin = \"holder\"; };", "m",
             "{\"plugin\":\"holder\",\"activation\":{\"plugin\":\"gentle\",\"slope\":0.5,\"fail\":false},"
             "\"extra\":null,\"weights\":\"\"}");
    resolves(TSR_MODEL, "m = { plugin = \"holder\"; activation = { slope = 1; }; };", "m",
             "{\"plugin\":\"holder\",\"activation\":{\"plugin\":\"gentle\",\"slope\":1.0,\"fail\":false},"
             "\"extra\":null,\"weights\":\"\"}");
    resolves(TSR_MODEL, "m = { plugin = \"holder\"; extra = { plugin = \"gentle\"; slope = 0.25; }; };", "m",
             "{\"plugin\":\"holder\",\"activation\":{\"plugin\":\"gentle\",\"slope\":0.5,\"fail\":false},"
             "\"extra\":{\"plugin\":\"gentle\",\"slope\":0.25,\"fail\":false},\"weights\":\"\"}");
}
END_TEST

START_TEST(a_name_alone_is_a_plugin_with_its_defaults)
{
    resolves(TSR_MODEL, "m = \"holder\";", "m",
             "{\"plugin\":\"holder\",\"activation\":{\"plugin\":\"gentle\",\"slope\":0.5,\"fail\":false},"
             "\"extra\":null,\"weights\":\"\"}");
    resolves(TSR_MODEL, "m = { plugin = \"holder\"; extra = \"gentle\"; };", "m",
             "{\"plugin\":\"holder\",\"activation\":{\"plugin\":\"gentle\",\"slope\":0.5,\"fail\":false},"
             "\"extra\":{\"plugin\":\"gentle\",\"slope\":0.5,\"fail\":false},\"weights\":\"\"}");
}
END_TEST

START_TEST(nested_instances_are_found_by_kind)
{
    tsr_instance *model;
    tsr_value *resolved;
    ck_succeeds(make(TSR_MODEL, "m = \"holder\";", "m", &model, &resolved));
    const holder *h = tsr_instance_self(model);
    ck_assert_ptr_eq(tsr_instance_nested(model, TSR_ACTIVATION), h->activation);
    ck_assert_ptr_null(tsr_instance_nested(model, TSR_PROBE));
    ck_assert_ptr_null(h->extra);
    ck_assert_ptr_null(tsr_instance_common(h->activation));
    tsr_value_free(resolved);
    tsr_instance_free(model);
}
END_TEST

#define GENTLE "{\"plugin\":\"gentle\",\"slope\":0.5,\"fail\":false}"
#define COMMON ",\"label\":\"\",\"layers\":[],\"unit_share\":1.0,\"projection\":0}"

START_TEST(lists_have_their_defaults_unless_given)
{
    resolves(TSR_PROBE, "p = \"lists\";", "p",
             "{\"plugin\":\"lists\",\"stages\":["
             "{\"width\":8,\"rate\":0.25,\"norm\":false,\"mode\":\"fancy\",\"title\":\"in\",\"sizes\":[3,4],"
             "\"activation\":" GENTLE "},"
             "{\"width\":4,\"rate\":1.0,\"norm\":true,\"mode\":\"plain\",\"title\":null,\"sizes\":[],"
             "\"activation\":" GENTLE "}],"
             "\"words\":[\"one\",\"two\"],\"activations\":[" GENTLE "],\"lambda\":0.5" COMMON);
    resolves(TSR_PROBE,
             "p = { plugin = \"lists\"; stages = ( { width = 7; activation = { slope = 1; }; } ); words = [ "
             "\"x\" ]; "
             "activations = ( \"gentle\", { plugin = \"gentle\"; slope = 1; } ); lambda = 1; };",
             "p",
             "{\"plugin\":\"lists\",\"stages\":["
             "{\"width\":7,\"rate\":0.5,\"norm\":true,\"mode\":\"plain\",\"title\":null,\"sizes\":[],"
             "\"activation\":{\"plugin\":\"gentle\",\"slope\":1.0,\"fail\":false}}],"
             "\"words\":[\"x\"],\"activations\":[" GENTLE
             ",{\"plugin\":\"gentle\",\"slope\":1.0,\"fail\":false}],\"lambda\":1.0" COMMON);
}
END_TEST

START_TEST(what_does_not_fit_into_a_list_is_refused_with_its_place)
{
    static const struct {
        const char *settings, *message;
    } cases[] = {
        { "stages = ( { width = 0; } )", "p.stages.0.width = 0: expected an integer from 1 to 4096" },
        { "stages = ( { }, { rate = 2; } )", "p.stages.1.rate = 2: expected a number from 0.0 to 1.0" },
        { "stages = ( { widht = 3; } )",
          "unknown key 'widht' in a group of 'stages'; did you mean 'width'?" },
        { "stages = ( 3 )", "p.stages.0 = 3: expected a group { KEY = VALUE; ... }" },
        { "stages = { width = 3; }",
          "p.stages = { ... }: expected a list ( { KEY = VALUE; ... }, ... ) of groups" },
        { "stages = ( {}, {}, {}, {} )", "of groups, at most 3" },
        { "stages = ( { activation = \"gentel\"; } )",
          "no activation is called 'gentel'; did you mean 'gentle'?" },
        { "words = [ 1 ]", "p.words.0 = 1: expected a string in quotes" },
        { "words = [ ]", "expected a list [ ... ] of strings, at least 1" },
        { "words = 1", "p.words = 1: expected a list [ ... ] of strings" },
        { "activations = \"gentle\"", "expected a list ( ... ) of activations, each a name or a group" },
        { "activations = ( 1 )", "p.activations.0 = 1: expected the name of an activation or a group" },
        { "activations = ( { slope = 1; } )",
          "p.activations.0 names no activation: expected plugin = \"NAME\"" },
        { "activations = ( { plugin = \"gentle\"; fail = true; } )", "gentle" },
        { "decay = 1", "unknown key 'decay'" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = tsr_format("p = { plugin = \"lists\"; %s; };", cases[i].settings);
        refuses(TSR_PROBE, text, "p", cases[i].message);
        free(text);
    }
}
END_TEST

START_TEST(no_group_is_the_default_plugin)
{
    tsr_settings settings = { .registry = registry, .folder = "/" };
    tsr_instance *instance;
    tsr_value *resolved;
    ck_succeeds(
        tsr_settings_plugin(&settings, TSR_ACTIVATION, NULL, "activation", "gentle", &instance, &resolved));
    ck_assert_str_eq(tsr_instance_name(instance), "gentle");
    tsr_value_free(resolved);
    tsr_instance_free(instance);
    ck_fails(tsr_settings_plugin(&settings, TSR_MODEL, NULL, "model", NULL, &instance, &resolved),
             TSR_REFUSED, "model names no model: expected plugin = \"NAME\"");
}
END_TEST

START_TEST(a_resolved_file_is_an_absolute_path)
{
    char *text = tsr_format("a = { plugin = \".%s/tests/plugin/fixtures/activations/.libs/gentle.so\"; };",
                            test_build());
    char *expected = tsr_format("{\"plugin\":\"%s/tests/plugin/fixtures/activations/.libs/gentle.so\","
                                "\"slope\":0.5,\"fail\":false}",
                                test_build());
    resolves(TSR_ACTIVATION, text, "a", expected);
    free(text);
    free(expected);
}
END_TEST

START_TEST(refusals_name_the_place)
{
    refuses(TSR_PROBE, "\np = { plugin = \"smaple\"; };", "p",
            "config:2: no probe is called 'smaple'; did you mean 'sample'?");
    refuses(TSR_PROBE, "p = { plugin = 3; };", "p",
            "config:1: p.plugin = 3: expected the name of a probe in quotes");
    refuses(TSR_PROBE, "p = 3;", "p",
            "config:1: p = 3: expected the name of a probe or a group { plugin = \"NAME\"; ... }");
    refuses(TSR_PROBE, "p = { k = 3; };", "p", "config:1: p names no probe: expected plugin = \"NAME\"");
    refuses(TSR_PROBE, "p = { plugin = \"sample\"; lable = \"x\"; };", "p",
            "config:1: unknown key 'lable' in probe sample; did you mean 'label'?");
    refuses(TSR_PROBE, "p = { plugin = \"sample\";\n layers = [ -1 ]; };", "p",
            "config:2: p.layers.0 = -1: expected an integer from 0 to 2147483647");
    refuses(TSR_MODEL, "m = { plugin = \"holder\";\n activation = { plugin = \"gentle\";\n slop = 1; }; };",
            "m", "config:3: unknown key 'slop' in activation gentle; did you mean 'slope'?");
    refuses(TSR_MODEL, "m = { plugin = \"holder\"; activation = 1; };", "m",
            "config:1: m.activation = 1: expected the name of an activation or a group");
    refuses(TSR_MODEL, "m = { plugin = \"holder\"; activation = \"sample\"; };", "m",
            "config:1: no activation is called 'sample'");
}
END_TEST

START_TEST(an_init_that_fails_is_told_with_its_place)
{
    refuses(TSR_ACTIVATION, "\na = { plugin = \"gentle\"; fail = true; };", "a",
            "config:2: activation gentle (");
    refuses(TSR_ACTIVATION, "\na = { plugin = \"gentle\"; fail = true; };", "a",
            "/gentle.so): a slope of 0.5 cannot be had");
    refuses(TSR_MODEL,
            "m = { plugin = \"holder\";\n extra = { plugin = \"gentle\"; fail = true; slope = 1; }; };", "m",
            "/gentle.so): a slope of 1 cannot be had");
}
END_TEST

START_TEST(a_plugin_that_nests_itself_ends)
{
    refuses(TSR_ACTIVATION, "a = \"endless\";", "a", "activation endless: plugins are nested deeper than 16");
}
END_TEST

START_TEST(where_no_plugin_may_be_named_none_is_loaded)
{
    tsr_settings settings = { .registry = NULL, .folder = "/" };
    tsr_instance *instance;
    tsr_value *resolved;
    ck_fails(tsr_settings_plugin(&settings, TSR_PROBE, NULL, "p", "sample", &instance, &resolved),
             TSR_REFUSED, "no plugin can be named here");
}
END_TEST

typedef struct counts {
    int inits, finis;
} counts;

/* Of all instances of the probe in this process, from what its check says. */
static counts count(void)
{
    const tsr_loaded *loaded;
    ck_succeeds(tsr_registry_find(registry, TSR_PROBE, "sample", &loaded));
    const tsr_probe_ops *ops = loaded->plugin.ops;
    tsr_status *status = ops->check(NULL, NULL);
    counts now;
    ck_assert_int_eq(sscanf(tsr_status_message(status), "%d inits, %d finis", &now.inits, &now.finis), 2);
    tsr_status_free(status);
    return now;
}

static void counted_since(counts before, int inits, int finis)
{
    counts now = count();
    ck_assert_int_eq(now.inits - before.inits, inits);
    ck_assert_int_eq(now.finis - before.finis, finis);
}

START_TEST(init_and_fini_come_in_pairs_and_instances_are_independent)
{
    counts before = count();
    tsr_instance *one, *two;
    tsr_value *resolved;
    ck_succeeds(make(TSR_PROBE, "p = { plugin = \"sample\"; k = 1; };", "p", &one, &resolved));
    tsr_value_free(resolved);
    ck_succeeds(make(TSR_PROBE, "p = { plugin = \"sample\"; k = 2; };", "p", &two, &resolved));
    tsr_value_free(resolved);
    counted_since(before, 2, 0);
    const sample *first = tsr_instance_self(one), *second = tsr_instance_self(two);
    ck_assert_ptr_ne(first->buffers[0], second->buffers[0]);
    tsr_instance_free(two);
    counted_since(before, 2, 1);
    ck_assert_int_eq(first->k, 1);
    tsr_instance_free(one);
    counted_since(before, 2, 2);
    tsr_instance_free(NULL);
}
END_TEST

START_TEST(an_init_that_fails_half_way_gets_no_fini)
{
    counts before = count();
    tsr_instance *none;
    tsr_value *resolved;
    for (int at = 1; at <= 3; at++) {
        char *text = tsr_format("p = { plugin = \"sample\"; fail_at = %d; };", at);
        char *message = tsr_format("/sample.so): no memory for buffer %d", at - 1);
        ck_fails(make(TSR_PROBE, text, "p", &none, &resolved), TSR_NO_MEMORY, message);
        ck_assert_ptr_null(none);
        free(text);
        free(message);
    }
    counted_since(before, 0, 0);
}
END_TEST

/* Calls of calloc, of the library too, that still succeed; negative: all do. */
static long allocations_left = -1;

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
    static void *(*real)(size_t, size_t);
    static bool looking;
    static char first[4096]; /* what looking the real one up may ask for */
    if (looking)
        return n * size <= sizeof(first) ? first : NULL;
    if (!real) {
        looking = true;
        void *found = dlsym(RTLD_NEXT, "calloc");
        looking = false;
        memcpy(&real, &found, sizeof(real));
    }
    if (allocations_left == 0)
        return NULL;
    allocations_left -= allocations_left > 0;
    return real(n, size);
}

/* Every value is one allocation: whichever fails, nothing crashes, leaks or is lost silently. */
START_TEST(memory_that_runs_out_while_resolving_is_a_failure_like_another)
{
    tsr_value *config =
        test_config("m = { plugin = \"holder\"; extra = { plugin = \"gentle\"; slope = 0.25; }; };");
    const tsr_value *group = tsr_value_member(config, "m");
    tsr_settings settings = { .registry = registry, .folder = "/" };
    tsr_instance *instance;
    tsr_value *resolved;
    ck_succeeds(tsr_settings_plugin(&settings, TSR_MODEL, group, "m", NULL, &instance, &resolved));
    char *whole = tsr_value_json_text(resolved, 0);
    tsr_value_free(resolved);
    tsr_instance_free(instance);
    bool succeeded = false;
    long at;
    for (at = 0; at < 200 && !succeeded; at++) {
        allocations_left = at;
        tsr_status *status =
            tsr_settings_plugin(&settings, TSR_MODEL, group, "m", NULL, &instance, &resolved);
        allocations_left = -1;
        succeeded = status == NULL;
        if (succeeded) {
            char *now = tsr_value_json_text(resolved, 0);
            ck_assert_str_eq(now, whole);
            free(now);
        } else {
            ck_assert_int_eq(tsr_status_error(status), TSR_NO_MEMORY);
            ck_assert_ptr_null(instance);
            ck_assert_ptr_null(resolved);
        }
        tsr_status_free(status);
        tsr_value_free(resolved);
        tsr_instance_free(instance);
    }
    ck_assert(succeeded);
    ck_assert_int_gt(at, 10);
    free(whole);
    tsr_value_free(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("instance");
    TCase *tests = tcase_create("instance");
    tcase_add_checked_fixture(tests, open_registry, close_registry);
    tcase_set_timeout(tests, 20);
    tcase_add_test(tests, a_group_makes_an_instance_with_its_common_keys);
    tcase_add_test(tests, a_nested_plugin_is_its_default_unless_given);
    tcase_add_test(tests, a_name_alone_is_a_plugin_with_its_defaults);
    tcase_add_test(tests, nested_instances_are_found_by_kind);
    tcase_add_test(tests, lists_have_their_defaults_unless_given);
    tcase_add_test(tests, what_does_not_fit_into_a_list_is_refused_with_its_place);
    tcase_add_test(tests, no_group_is_the_default_plugin);
    tcase_add_test(tests, a_resolved_file_is_an_absolute_path);
    tcase_add_test(tests, refusals_name_the_place);
    tcase_add_test(tests, an_init_that_fails_is_told_with_its_place);
    tcase_add_test(tests, a_plugin_that_nests_itself_ends);
    tcase_add_test(tests, where_no_plugin_may_be_named_none_is_loaded);
    tcase_add_test(tests, init_and_fini_come_in_pairs_and_instances_are_independent);
    tcase_add_test(tests, an_init_that_fails_half_way_gets_no_fini);
    tcase_add_test(tests, memory_that_runs_out_while_resolving_is_a_failure_like_another);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
