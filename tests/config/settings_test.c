/* Reading settings by declarations: values of every type, what is refused and how that is said. */
#include "support.h"

#include "base/file.h"
#include "base/text.h"
#include "config/json.h"
#include "config/read.h"
#include "plugin/fixtures.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const modes[] = { "plain", "fancy", NULL };
static const int64_t kept[] = { 0, 2 };

static const tsr_key keys[] = { TSR_KEY_INT(sample, k, 9, 1, 1 << 20, "neighbours that vote"),
                                TSR_KEY_INT(sample, wide, 1, 0, UINT32_MAX, "a large number"),
                                TSR_KEY_INT(sample, big, 5, INT64_MIN, INT64_MAX, "any integer"),
                                TSR_KEY_REAL(sample, radius, 0.5, 0.0, INFINITY, "ignore what is farther"),
                                TSR_KEY_REAL(sample, rate, 0.25, -INFINITY, INFINITY, "a narrow number"),
                                TSR_KEY_BOOL(sample, weighted, true, "vote by nearness"),
                                TSR_KEY_STRING(sample, title, "untitled", "what it is called"),
                                TSR_KEY_PATH(sample, source, NULL, "where it comes from"),
                                TSR_KEY_ENUM(sample, mode, "fancy", modes, "how it looks"),
                                TSR_KEY_INT_LIST(sample, layers_kept, kept, 2, 0, 99, "layers that count",
                                                 .list_max_length = 3),
                                TSR_KEY_REAL_LIST(sample, levels, NULL, 0, 0.0, 1.0, "levels to try"),
                                TSR_KEY_END };

static const char *const others[] = { "plugin", NULL };
static const tsr_settings settings = { .registry = NULL, .folder = "/base" };

/* Reads the text of a group; the group is on line 1, its first line on line 2. */
static tsr_status *read_text(const char *text, sample *out, tsr_value *resolved)
{
    char *whole = tsr_format("probe = {\n%s\n};", text);
    tsr_value *config = test_config(whole);
    free(whole);
    memset(out, 0xff, sizeof(*out)); /* what reading leaves must not depend on what was there */
    tsr_status *status = tsr_settings_read(&settings, keys, tsr_value_member(config, "probe"), "probe sample",
                                           others, out, resolved);
    tsr_value_free(config);
    return status;
}

START_TEST(without_a_group_all_is_default)
{
    sample s;
    tsr_value *resolved = tsr_value_group();
    ck_succeeds(tsr_settings_read(&settings, keys, NULL, "probe sample", others, &s, resolved));
    ck_assert_int_eq(s.k, 9);
    ck_assert_int_eq(s.big, 5);
    ck_assert_double_eq(s.radius, 0.5);
    ck_assert_float_eq(s.rate, 0.25F);
    ck_assert(s.weighted);
    ck_assert_str_eq(s.title, "untitled");
    ck_assert_ptr_null(s.source);
    ck_assert_int_eq(s.mode, 1);
    ck_assert_uint_eq(s.layers_kept.n, 2);
    ck_assert_int_eq(s.layers_kept.values[1], 2);
    ck_assert_uint_eq(s.levels.n, 0);
    char *text = tsr_value_json_text(resolved, 0);
    ck_assert_str_eq(text, "{\"k\":9,\"wide\":1,\"big\":5,\"radius\":0.5,\"rate\":0.25,\"weighted\":true,"
                           "\"title\":\"untitled\",\"source\":null,\"mode\":\"fancy\",\"layers_kept\":[0,2],"
                           "\"levels\":[]}");
    free(text);
    tsr_value_free(resolved);
    tsr_fields_clear(keys, &s);
    ck_assert_ptr_null(s.title);
}
END_TEST

START_TEST(values_of_every_type_arrive)
{
    sample s;
    ck_succeeds(read_text("k = 3; wide = 4294967295L; big = -9223372036854775807L; radius = 2.5; rate = -0.5;"
                          "weighted = false; title = \"a \\\"b\\\"\"; source = \"/abs/x\"; mode = \"plain\";"
                          "layers_kept = [ 7, 8, 9 ]; levels = [ 0.25, 0.75 ]; plugin = \"sample\";",
                          &s, NULL));
    ck_assert_int_eq(s.k, 3);
    ck_assert_uint_eq(s.wide, UINT32_MAX);
    ck_assert_int_eq(s.big, -INT64_MAX);
    ck_assert_double_eq(s.radius, 2.5);
    ck_assert_float_eq(s.rate, -0.5F);
    ck_assert(!s.weighted);
    ck_assert_str_eq(s.title, "a \"b\"");
    ck_assert_str_eq(s.source, "/abs/x");
    ck_assert_int_eq(s.mode, 0);
    ck_assert_uint_eq(s.layers_kept.n, 3);
    ck_assert_int_eq(s.layers_kept.values[2], 9);
    ck_assert_uint_eq(s.levels.n, 2);
    ck_assert_double_eq(s.levels.values[1], 0.75);
    tsr_fields_clear(keys, &s);
}
END_TEST

START_TEST(an_integer_is_a_real_and_mixed_lists_are_lists)
{
    sample s;
    ck_succeeds(
        read_text("radius = 3; rate = 4L; levels = ( 0, 0.5, 1 ); layers_kept = ( 4, 5L );", &s, NULL));
    ck_assert_double_eq(s.radius, 3.0);
    ck_assert_float_eq(s.rate, 4.0F);
    ck_assert_uint_eq(s.levels.n, 3);
    ck_assert_double_eq(s.levels.values[2], 1.0);
    ck_assert_int_eq(s.layers_kept.values[1], 5);
    tsr_fields_clear(keys, &s);
    ck_succeeds(read_text("levels = 0.5; layers_kept = 7;", &s, NULL)); /* one alone is a list of it */
    ck_assert_uint_eq(s.levels.n, 1);
    ck_assert_double_eq(s.levels.values[0], 0.5);
    ck_assert_uint_eq(s.layers_kept.n, 1);
    ck_assert_int_eq(s.layers_kept.values[0], 7);
    tsr_fields_clear(keys, &s);
    ck_succeeds(read_text("levels = (); layers_kept = [];", &s, NULL));
    ck_assert_uint_eq(s.levels.n, 0);
    ck_assert_uint_eq(s.layers_kept.n, 0);
    tsr_fields_clear(keys, &s);
}
END_TEST

static const struct {
    const char *text, *message;
} refused[] = {
    { "k = 0;", "config:2: probe.k = 0: expected an integer from 1 to 1048576" },
    { "\nk = \"ten\";", "config:3: probe.k = \"ten\": expected an integer from 1 to 1048576" },
    { "k = 2.0;", "config:2: probe.k = 2.0: expected an integer" },
    { "k = 4294967297L;", "config:2: probe.k = 4294967297L: expected an integer from 1 to 1048576" },
    { "wide = -1;", "config:2: probe.wide = -1: expected an integer from 0 to 4294967295" },
    { "big = true;", "config:2: probe.big = true: expected an integer" },
    { "radius = -0.5;", "config:2: probe.radius = -0.5: expected a number of at least 0.0" },
    { "radius = 1e400;", "config:2: probe.radius = inf: expected a number of at least 0.0" },
    { "rate = 1e39;", "config:2: probe.rate = 1e+39: expected a number" },
    { "radius = \"1\";", "config:2: probe.radius = \"1\": expected a number" },
    { "weighted = 1;", "config:2: probe.weighted = 1: expected true or false" },
    { "title = 3;", "config:2: probe.title = 3: expected a string in quotes" },
    { "title = \"\xe4\";", "config:2: 'title' is not valid UTF-8" },
    { "source = { };", "config:2: probe.source = { ... }: expected a path in quotes" },
    { "mode = \"plan\";",
      "config:2: probe.mode = \"plan\": expected one of \"plain\", \"fancy\"; did you mean \"plain\"?" },
    { "mode = 1;", "config:2: probe.mode = 1: expected one of \"plain\", \"fancy\"" },
    { "layers_kept = true;",
      "config:2: probe.layers_kept = true: expected a list [ ... ] of integers from 0 to 99, at most 3" },
    { "layers_kept = 100;", "config:2: probe.layers_kept = 100: expected an integer from 0 to 99" },
    { "layers_kept = [ 1, 2, 3, 4 ];", "config:2: probe.layers_kept = [ ... ]: expected a list" },
    { "layers_kept = ( 1,\n 2.5 );",
      "config:3: probe.layers_kept.1 = 2.5: expected an integer from 0 to 99" },
    { "levels = ( 0.5, 1.5 );", "config:2: probe.levels.1 = 1.5: expected a number from 0.0 to 1.0" },
    { "levels = ( 0.5, \"x\" );", "config:2: probe.levels.1 = \"x\": expected a number" },
    { "wieghted = true;", "config:2: unknown key 'wieghted' in probe sample; did you mean 'weighted'?" },
    { "xyzzy_quux = 1;",
      "config:2: unknown key 'xyzzy_quux' in probe sample; known keys: k, wide, big, radius, rate, "
      "weighted, title, source, mode, layers_kept, levels, plugin" },
};
enum { N_REFUSED = sizeof(refused) / sizeof(*refused) };

START_TEST(what_does_not_fit_is_refused_with_its_place_and_what_was_expected)
{
    sample s;
    ck_fails(read_text(refused[_i].text, &s, NULL), TSR_REFUSED, refused[_i].message);
    ck_assert_ptr_null(s.title); /* cleared: nothing is left to free */
    ck_assert_ptr_null(s.layers_kept.values);
}
END_TEST

START_TEST(a_key_that_must_be_given_is_missed)
{
    static const tsr_key needed[] = {
        TSR_KEY_INT(sample, k, 0, 1, 9, "neighbours that vote", .required = true), TSR_KEY_END
    };
    sample s;
    tsr_value *config = test_config("\nprobe = { };");
    ck_fails(tsr_settings_read(&settings, needed, tsr_value_member(config, "probe"), "probe sample", NULL, &s,
                               NULL),
             TSR_REFUSED, "config:2: probe sample lacks the key 'k', neighbours that vote: expected an integer from ");
    ck_fails(tsr_settings_read(&settings, needed, NULL, "probe sample", NULL, &s, NULL), TSR_REFUSED,
             "probe sample lacks the key 'k'");
    tsr_value_free(config);
}
END_TEST

START_TEST(a_group_is_expected_to_be_one)
{
    sample s;
    tsr_value *config = test_config("training = 3;");
    ck_fails(
        tsr_settings_read(&settings, keys, tsr_value_member(config, "training"), "training", NULL, &s, NULL),
        TSR_REFUSED, "config:1: training = 3: expected a group { KEY = VALUE; ... }");
    tsr_value_free(config);
}
END_TEST

START_TEST(paths_start_from_the_configs_folder)
{
    sample s;
    const char *home = getenv("HOME");
    char *at_home = tsr_format("%s/data", home ? home : "~");
    ck_succeeds(read_text("source = \"data/x\";", &s, NULL));
    ck_assert_str_eq(s.source, "/data/x");
    tsr_fields_clear(keys, &s);
    ck_succeeds(read_text("source = \"~/data\";", &s, NULL));
    ck_assert_str_eq(s.source, at_home);
    tsr_fields_clear(keys, &s);
    ck_succeeds(read_text("source = \"\";", &s, NULL));
    ck_assert_str_eq(s.source, "");
    tsr_fields_clear(keys, &s);
    free(at_home);
}
END_TEST

START_TEST(a_setting_of_the_command_line_shows_it_and_starts_from_the_working_folder)
{
    static const char *const bad[] = { "probe.k=0" }, *const good[] = { "probe.source=x" };
    sample s;
    tsr_value *config;
    ck_succeeds(tsr_config_make(1, bad, &config));
    ck_fails(
        tsr_settings_read(&settings, keys, tsr_value_member(config, "probe"), "probe sample", NULL, &s, NULL),
        TSR_REFUSED, "-s probe.k=0: probe.k = 0: expected");
    tsr_value_free(config);
    ck_succeeds(tsr_config_make(1, good, &config));
    const tsr_value *group = tsr_value_member(config, "probe");
    ck_succeeds(tsr_settings_read(&settings, keys, group, "probe sample", NULL, &s, NULL));
    char *here = getcwd(NULL, 0), *expected = tsr_path_join(here, "x");
    ck_assert_str_eq(s.source, expected);
    char *file = tsr_settings_file(&settings, tsr_value_member(group, "source"), "y");
    ck_assert_int_eq(strncmp(file, here, strlen(here)), 0);
    free(file);
    free(here);
    free(expected);
    tsr_fields_clear(keys, &s);
    tsr_value_free(config);
}
END_TEST

START_TEST(places_name_the_file_and_the_line_through_includes)
{
    char *folder = test_folder(), *main_file = tsr_path_join(folder, "main.cfg");
    char *part = tsr_path_join(folder, "part.cfg");
    static const char main_text[] = "a = 1;\n@include \"part.cfg\"\n",
                      part_text[] = "\n\nprobe = { k = 0; };\n";
    ck_succeeds(tsr_write_file(main_file, main_text, strlen(main_text)));
    ck_succeeds(tsr_write_file(part, part_text, strlen(part_text)));
    tsr_value *config;
    ck_succeeds(tsr_config_read(main_file, 0, NULL, &config));
    sample s;
    /* libconfig keeps the name as written */
    ck_fails(
        tsr_settings_read(&settings, keys, tsr_value_member(config, "probe"), "probe sample", NULL, &s, NULL),
        TSR_REFUSED, "part.cfg:3: probe.k = 0");
    char *expected = tsr_format("%s:1: the whole", main_file);
    ck_fails(tsr_value_fail(config, "the whole"), TSR_REFUSED, expected);
    free(expected);
    tsr_value_free(config);
    free(main_file);
    free(part);
    test_folder_remove(folder);
}
END_TEST

START_TEST(a_comma_decimal_locale_changes_nothing)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE" };
    const char *set = NULL;
    for (size_t i = 0; i < 4 && !set; i++)
        set = setlocale(LC_ALL, names[i]); /* where none is installed the claim holds by itself */
    sample s;
    ck_succeeds(read_text("radius = 2.5;", &s, NULL));
    ck_assert_double_eq(s.radius, 2.5);
    tsr_fields_clear(keys, &s);
    ck_fails(read_text("radius = -2.5;", &s, NULL), TSR_REFUSED,
             "probe.radius = -2.5: expected a number of at least 0.0");
    setlocale(LC_ALL, "C");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");
    TCase *tests = tcase_create("settings");
    tcase_add_test(tests, without_a_group_all_is_default);
    tcase_add_test(tests, values_of_every_type_arrive);
    tcase_add_test(tests, an_integer_is_a_real_and_mixed_lists_are_lists);
    tcase_add_loop_test(tests, what_does_not_fit_is_refused_with_its_place_and_what_was_expected, 0,
                        N_REFUSED);
    tcase_add_test(tests, a_key_that_must_be_given_is_missed);
    tcase_add_test(tests, a_group_is_expected_to_be_one);
    tcase_add_test(tests, paths_start_from_the_configs_folder);
    tcase_add_test(tests, a_setting_of_the_command_line_shows_it_and_starts_from_the_working_folder);
    tcase_add_test(tests, places_name_the_file_and_the_line_through_includes);
    tcase_add_test(tests, a_comma_decimal_locale_changes_nothing);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
