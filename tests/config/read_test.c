/* Config files: places of settings, settings from the command line, files that are none. */
#include "support.h"

#include "base/file.h"
#include "config/compare.h"
#include "config/json.h"
#include "config/print.h"
#include "config/read.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *folder, *path;

static void setup(void)
{
    folder = test_folder();
    path = tsr_path_join(folder, "x.cfg");
}

static void teardown(void)
{
    free(path);
    test_folder_remove(folder);
}

static void put(const char *text)
{
    ck_succeeds(tsr_write_file(path, text, strlen(text)));
}

static const char basic[] = "model = { plugin = \"a\"; width = 10;\n activation = \"b\"; };\n"
                            "probes = ( { plugin = \"p\"; k = 3; } );\n";

START_TEST(a_setting_of_the_command_line_replaces_the_files)
{
    put(basic);
    const char *sets[] = { "model.width=25",        "model.activation.plugin=c",    "probes.0.k=5",
                           "probes.[0].label=near", "training.optimizer.rate=1e-3", "list=[1, 2]" };
    tsr_value *config;
    ck_succeeds(tsr_config_read(path, 6, sets, &config));
    ck_assert_int_eq(tsr_value_at(config, "model.width")->integer, 25);
    ck_assert_str_eq(tsr_value_text(tsr_value_at(config, "model.activation.plugin")), "c");
    ck_assert_int_eq(tsr_value_at(config, "probes.[0].k")->integer, 5);
    ck_assert_str_eq(tsr_value_text(tsr_value_at(config, "probes.[0].label")), "near");
    ck_assert(tsr_value_at(config, "training.optimizer.rate")->real == 1e-3);
    ck_assert_int_eq(tsr_value_length(tsr_value_member(config, "list")), 2);
    tsr_status *status = tsr_value_fail(tsr_value_at(config, "model.width"), "no");
    ck_assert_str_eq(tsr_status_message(status), "-s model.width=25: no");
    tsr_status_free(status);
    tsr_value_free(config);
}
END_TEST

START_TEST(settings_keep_their_place_in_the_file)
{
    put(basic);
    tsr_value *config;
    ck_succeeds(tsr_config_read(path, 0, NULL, &config));
    char *expected = malloc(strlen(path) + 16);
    sprintf(expected, "%s:3: no", path);
    tsr_status *status = tsr_value_fail(tsr_value_at(config, "probes.[0].k"), "no");
    ck_assert_str_eq(tsr_status_message(status), expected);
    tsr_status_free(status);
    free(expected);
    tsr_value_free(config);
}
END_TEST

START_TEST(a_setting_may_have_blanks_around_its_equals_sign)
{
    put(basic);
    tsr_value *config;
    const char *spaced = "model.width = 7";
    ck_succeeds(tsr_config_read(path, 1, &spaced, &config));
    ck_assert_int_eq(tsr_value_at(config, "model.width")->integer, 7);
    tsr_value_free(config);
}
END_TEST

START_TEST(a_malformed_setting_of_the_command_line_is_wrong_usage)
{
    put(basic);
    tsr_value *config;
    static const char *const bad[] = { "model.width", "=3", ".a=3", "a.=3", "a b=3" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_fails(tsr_config_read(path, 1, &bad[i], &config), TSR_USAGE, "expected KEY=VALUE");
    const char *none = "probes.4.k=1", *scalar = "model.width.x=1";
    ck_fails(tsr_config_read(path, 1, &none, &config), TSR_REFUSED, "there is no element '4'");
    ck_fails(tsr_config_read(path, 1, &scalar, &config), TSR_REFUSED,
             "'width' is neither a group nor a list");
}
END_TEST

START_TEST(a_file_that_is_no_config_is_refused_with_its_place)
{
    tsr_value *config;
    ck_fails(tsr_config_read(path, 0, NULL, &config), TSR_REFUSED,
             "x.cfg: cannot read the config: No such file");
    ck_fails(tsr_config_read(folder, 0, NULL, &config), TSR_REFUSED, "expected a config file, not a folder");
    put("a = 1;\nb = ;\n");
    ck_fails(tsr_config_read(path, 0, NULL, &config), TSR_REFUSED,
             "x.cfg:2: syntax error: expected settings");
    ck_succeeds(tsr_write_file(path, "a = 1;\0b", 8));
    ck_fails(tsr_config_read(path, 0, NULL, &config), TSR_REFUSED, "offset 6 holds a NUL byte");
}
END_TEST

static const struct {
    const char *text, *message;
} bad_includes[] = {
    { "\n@include \"missing.cfg\"", "x.cfg:2: " },
    { "@include \"missing.cfg\"", "missing.cfg: cannot read the config: No such file" },
    { "@include \"\"", "expected a config file, not a folder" },
    { "@include \"../../../../../../../../dev/zero\"", "expected a config file, not a device" },
    { "  @include \"/etc/passwd\"", "x.cfg:1: @include: expected a path from the config's own folder" },
    { "@include \"x.cfg\"", "x.cfg:1: @include: expected at most 256 files, 10 deep" },
    { "/* \n */ # \n@include \"fine.cfg\"\n@include \"bad.cfg\"", "bad.cfg:1: 2147483648: expected an L" },
};

START_TEST(an_include_that_cannot_be_is_refused_with_its_place)
{
    char *fine = tsr_path_join(folder, "fine.cfg"), *bad = tsr_path_join(folder, "bad.cfg");
    ck_succeeds(tsr_write_file(fine, "b = 1;", 6));
    ck_succeeds(tsr_write_file(bad, "a = 2147483648;", 15));
    put(bad_includes[_i].text);
    tsr_value *config;
    ck_fails(tsr_config_read(path, 0, NULL, &config), TSR_REFUSED, bad_includes[_i].message);
    free(fine);
    free(bad);
}
END_TEST

/* libconfig reads 3000000000 as -1294967296 and 4294967297 as 1. */
START_TEST(an_integer_too_large_for_its_type_is_refused)
{
    tsr_value *config;
    put("a = 1; /* \n */\nb = [ 1, 4294967297 ];\n");
    ck_fails(tsr_config_read(path, 0, NULL, &config), TSR_REFUSED,
             "x.cfg:3: 4294967297: expected an L behind an integer of more than 32 bits, 4294967297L");
    put("a = -2147483649;");
    ck_fails(tsr_config_read(path, 0, NULL, &config), TSR_REFUSED, "x.cfg:1: -2147483649: expected an L");
    put("a = 0x100000000;");
    ck_fails(tsr_config_read(path, 0, NULL, &config), TSR_REFUSED, "x.cfg:1: 0x100000000: expected an L");
    put("a = 9223372036854775808L;");
    ck_fails(tsr_config_read(path, 0, NULL, &config), TSR_REFUSED, "expected an integer of at most 64 bits");
    put("a = 1;");
    const char *set = "b=4294967297", *sets[] = { "b=4294967297L", "c=/data/4294967297", "d=4294967297.5" };
    ck_fails(tsr_config_read(path, 1, &set, &config), TSR_REFUSED,
             "-s b=4294967297: 4294967297: expected an L");
    ck_succeeds(tsr_config_read(path, 3, sets, &config));
    tsr_value_free(config);
}
END_TEST

START_TEST(what_only_looks_like_an_include_or_an_integer_is_let_be)
{
    put("# @include \"none\" 4294967297\n// 4294967297\n/*\n@include \"none\"\n4294967297 */\n"
        "a = \"4294967297\\\" 4294967297\n@include \"; b = 4294967297.0; c4294967297 = 2147483647;\n"
        "d = -2147483648; e = 4294967297L; f = 9223372036854775807LL; g = 1e10; h = 0x7fffffff;");
    tsr_value *config;
    ck_succeeds(tsr_config_read(path, 0, NULL, &config));
    ck_assert_int_eq(tsr_value_length(config), 8);
    tsr_value_free(config);
}
END_TEST

static const struct {
    const char *text, *message;
} without_end[] = {
    { "a = 1;\n\n/* the rest\nb = 2;\n", "x.cfg:3: comment without an end: expected */" },
    { "/* a */ b = 2; /*/\n", "x.cfg:1: comment without an end" },
    { "a = 1;\nb = \"x;\n\nc = 2;\n", "x.cfg:2: string without an end" },
    { "a = \"x\\\";\n", "x.cfg:1: string without an end" },
    { "@include \"open.cfg\"\n", "open.cfg:2: comment without an end" },
    { "@include \"fine.cfg\";\n", "x.cfg:1: @include \"fine.cfg\": expected no ';' behind it" },
    { "@include \"marked.cfg\"\n", "marked.cfg: begins with a byte order mark" },
    { "\xff\xfe"
      "a",
      "x.cfg: is UTF-16" },
    { "\xfe\xff"
      "a",
      "x.cfg: is UTF-16" },
};

START_TEST(what_would_be_read_in_part_is_refused_with_its_place)
{
    static const char *const names[] = { "open.cfg", "fine.cfg", "marked.cfg" }, *const texts[] = {
        "b = 1;\n/* open", "c = 1;", "\357\273\277d = 1;"
    };
    for (size_t i = 0; i < 3; i++) {
        char *other = tsr_path_join(folder, names[i]);
        ck_succeeds(tsr_write_file(other, texts[i], strlen(texts[i])));
        free(other);
    }
    put(without_end[_i].text);
    tsr_value *config;
    ck_fails(tsr_config_read(path, 0, NULL, &config), TSR_REFUSED, without_end[_i].message);
}
END_TEST

static const struct {
    const char *set, *message;
} bad_values[] = {
    { "seed=1 /*", "-s seed=1 /*: '/*' begins a comment" },
    { "name=\"x", "-s name=\"x: string without an end" },
    { "seed=1; a=2", "-s seed=1; a=2: expected one value" },
    { "sweep=({key=\"seed\"; values=[1, 3000000000L];})",
      "mismatched element type in array: expected a value" },
    { "sweep=({key=\"seed\"", "syntax error: expected a value as it stands behind =" },
    { "x=[1 2]", "syntax error" },
    { "x={a=1}}", "syntax error" },
};

START_TEST(a_value_of_the_command_line_that_cannot_be_read_says_why)
{
    put("seed = 1;");
    tsr_value *config;
    ck_fails(tsr_config_read(path, 1, &bad_values[_i].set, &config), TSR_REFUSED, bad_values[_i].message);
}
END_TEST

START_TEST(bare_words_stay_words)
{
    static const char *const words[] = { "a=x#y",  "b=http://x", "c=//server/y", "d=../x y",
                                         "e=it's", "f=*",        "g=1 # x",      "h=1 // x" };
    put("seed = 1;");
    tsr_value *config;
    ck_succeeds(tsr_config_read(path, sizeof(words) / sizeof(words[0]), words, &config));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char key[] = { words[i][0], '\0' };
        ck_assert_str_eq(tsr_value_text(tsr_value_member(config, key)), words[i] + 2);
    }
    tsr_value_free(config);
}
END_TEST

START_TEST(a_byte_order_mark_is_left_out)
{
    put("\xef\xbb\xbf"
        "seed = 7;\nname = 3 3;");
    tsr_value *config;
    ck_fails(tsr_config_read(path, 0, NULL, &config), TSR_REFUSED, "x.cfg:2: syntax error");
    put("\xef\xbb\xbf"
        "seed = 7;\n");
    ck_succeeds(tsr_config_read(path, 0, NULL, &config));
    ck_assert_int_eq(tsr_value_at(config, "seed")->integer, 7);
    tsr_value_free(config);
}
END_TEST

START_TEST(short_forms_open_where_they_stand)
{
    static const char *const sets[] = { "probes.0.label=x", "probes.[2].label=y",
                                        "model.activation.slope=0.5", "regularizers.1.weight=0.25" };
    static const char *const keys[] = { "probes.[0].plugin", "probes.[1].plugin",
                                        "probes.[2].plugin", "model.activation.plugin",
                                        "regularizers.[0]",  "regularizers.[1].plugin" },
                             *const texts[] = { "one", "two", "three", "act", "r", "s" };
    put("probes = ( \"one\", { plugin = \"two\"; }, \"three\" );\nmodel = { activation = \"act\"; };\n"
        "regularizers = [ \"r\", \"s\" ];\n");
    tsr_value *config;
    ck_succeeds(tsr_config_read(path, 4, sets, &config));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *text = tsr_value_text(tsr_value_at(config, keys[i]));
        ck_assert_msg(text && strcmp(text, texts[i]) == 0, "%s", keys[i]);
    }
    tsr_status *status = tsr_value_fail(tsr_value_at(config, "probes.[2].plugin"), "no");
    ck_assert_msg(strstr(tsr_status_message(status), "x.cfg:1: no") != NULL, "%s",
                  tsr_status_message(status));
    tsr_status_free(status);
    tsr_value_free(config);
}
END_TEST

START_TEST(an_include_is_found_beside_the_file)
{
    char *other = tsr_path_join(folder, "common.cfg");
    ck_succeeds(tsr_write_file(other, "\nseed = 7;\n", 11));
    put("@include \"common.cfg\"\n");
    tsr_value *config;
    ck_succeeds(tsr_config_read(path, 0, NULL, &config));
    ck_assert_int_eq(tsr_value_at(config, "seed")->integer, 7);
    tsr_status *status = tsr_value_fail(tsr_value_at(config, "seed"), "no");
    ck_assert_msg(strstr(tsr_status_message(status), "common.cfg:2: no") != NULL, "%s",
                  tsr_status_message(status));
    tsr_status_free(status);
    tsr_value_free(config);
    free(other);
}
END_TEST

START_TEST(what_is_printed_reads_back_the_same_and_has_the_same_hash)
{
    json_t *json = json_pack(
        "{s:i, s:I, s:f, s:f, s:b, s:s, s:[i,i], s:[f], s:{s:s, s:[]}, s:[{s:s}, {s:f}], s:[s, {s:i}]}",
        "small", -3, "large", (json_int_t)3000000000, "real", 0.1, "tiny", 1e-300, "yes", 1, "text",
        "a \"quoted\" \\ line\n\ttab", "list", 1, 2, "reals", 2.0, "group", "plugin", "x", "empty", "groups",
        "plugin", "y", "w", 1e-6, "mixed", "z", "k", 1);
    tsr_value *value = tsr_value_from_json(json), *back;
    json_decref(json);
    tsr_text text = { 0 };
    tsr_print_config(value, &text);
    put(text.chars);
    free(text.chars);
    ck_succeeds(tsr_config_read(path, 0, NULL, &back));
    char *left = tsr_value_json_text(value, 0), *right = tsr_value_json_text(back, 0), ids[2][17];
    ck_assert_str_eq(left, right);
    ck_succeeds(tsr_value_hash(value, ids[0]));
    ck_succeeds(tsr_value_hash(back, ids[1]));
    ck_assert_str_eq(ids[0], ids[1]);
    ck_assert_uint_eq(strlen(ids[0]), 16);
    ck_succeeds(tsr_value_put(value, "real", tsr_value_real(0.1 + 1e-17 + 2e-17)));
    ck_succeeds(tsr_value_hash(value, ids[1]));
    ck_assert_str_ne(ids[0], ids[1]);
    free(left);
    free(right);
    tsr_value_free(value);
    tsr_value_free(back);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("read");
    TCase *tests = tcase_create("read");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_setting_of_the_command_line_replaces_the_files);
    tcase_add_test(tests, settings_keep_their_place_in_the_file);
    tcase_add_test(tests, a_setting_may_have_blanks_around_its_equals_sign);
    tcase_add_test(tests, a_malformed_setting_of_the_command_line_is_wrong_usage);
    tcase_add_test(tests, a_file_that_is_no_config_is_refused_with_its_place);
    tcase_add_test(tests, an_include_is_found_beside_the_file);
    tcase_add_loop_test(tests, an_include_that_cannot_be_is_refused_with_its_place, 0,
                        sizeof(bad_includes) / sizeof(bad_includes[0]));
    tcase_add_test(tests, an_integer_too_large_for_its_type_is_refused);
    tcase_add_loop_test(tests, what_would_be_read_in_part_is_refused_with_its_place, 0,
                        sizeof(without_end) / sizeof(without_end[0]));
    tcase_add_loop_test(tests, a_value_of_the_command_line_that_cannot_be_read_says_why, 0,
                        sizeof(bad_values) / sizeof(bad_values[0]));
    tcase_add_test(tests, bare_words_stay_words);
    tcase_add_test(tests, a_byte_order_mark_is_left_out);
    tcase_add_test(tests, short_forms_open_where_they_stand);
    tcase_add_test(tests, what_only_looks_like_an_include_or_an_integer_is_let_be);
    tcase_add_test(tests, what_is_printed_reads_back_the_same_and_has_the_same_hash);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
