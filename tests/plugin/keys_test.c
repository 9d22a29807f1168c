/* Declarations: the checks of keys.c, on tables written here. What whole plugins declare is tried by
   loader_test.c with tests/bad-plugins. */
#include "support.h"

#include "plugin/kinds.h"
#include "plugin/keys.h"

#include <math.h>
#include <stdlib.h>

typedef struct pair {
    int a;
    unsigned b;
    const char *word;
    int mode;
} pair;

typedef struct owner {
    int k;
    float rate;
    int64_t big;
    tsr_real_list levels;
    const char *path;
    tsr_string_list words;
    tsr_instance_list nested;
    TSR_GROUP_LIST(pair) pairs;
} owner;

static tsr_status *check(const tsr_key *keys)
{
    return tsr_keys_check(keys, sizeof(owner), "probe x");
}

START_TEST(common_keys_of_every_kind_are_sound)
{
    for (int kind = TSR_NO_KIND + 1; kind < TSR_N_KINDS; kind++) {
        const tsr_kind_row *row = tsr_kind_get((tsr_kind)kind);
        ck_succeeds(tsr_keys_check(row->common, row->common_size, row->name));
        ck_assert_int_eq(tsr_kind_named(row->name), kind);
        ck_assert_ptr_nonnull(strstr(tsr_kind_names(), row->name));
    }
    ck_assert_ptr_null(tsr_kind_get(TSR_NO_KIND));
    ck_assert_ptr_null(tsr_kind_get(TSR_N_KINDS));
    ck_assert_int_eq(tsr_kind_named("prob"), TSR_NO_KIND);
}
END_TEST

START_TEST(sound_declarations_pass)
{
    static const tsr_key keys[] = { TSR_KEY_INT(owner, k, -1, -5, INT32_MAX, "a number"),
                                    TSR_KEY_REAL(owner, rate, 0.0, -INFINITY, INFINITY, "a rate"),
                                    TSR_KEY_INT(owner, big, 0, INT64_MIN, INT64_MAX, "big"),
                                    TSR_KEY_REAL_LIST(owner, levels, NULL, 0, 0.0, 1.0, "levels"),
                                    TSR_KEY_PATH(owner, path, NULL, "a path"),
                                    TSR_KEY_END };
    ck_succeeds(check(keys));
    ck_assert_uint_eq(tsr_keys_count(keys), 5);
    ck_assert_ptr_eq(tsr_keys_find(keys, "big"), &keys[2]);
    ck_assert_ptr_null(tsr_keys_find(keys, "bi"));
}
END_TEST

START_TEST(lists_are_checked_to_their_last_default)
{
    static const char *const words[] = { "a", NULL }, *const modes[] = { "x", "y", NULL };
    static const tsr_key none[] = { TSR_KEY_END };
    static const tsr_key sound[] = { TSR_KEY_INT(pair, a, 0, -9, 9, "a number"),
                                     TSR_KEY_INT(pair, b, 0, 0, UINT32_MAX, "a large number"),
                                     TSR_KEY_STRING(pair, word, NULL, "a word"),
                                     TSR_KEY_ENUM(pair, mode, "x", modes, "a mode"), TSR_KEY_END };
    static const tsr_key wrong[] = { TSR_KEY_INT(pair, a, 10, 0, 9, "a number"), TSR_KEY_END };
    static const pair good[] = { { -1, UINT32_MAX, NULL, 1 }, { 9, 0, "w", 0 } },
                      far[] = { { 0 }, { .a = 10 } }, no_mode[] = { { .mode = 2 } },
                      not_text[] = { { .word = "a\n" } };
    static const struct {
        tsr_key keys[2];
        const char *message; /* NULL: sound */
    } cases[] = {
        { { TSR_KEY_GROUP_LIST(owner, pairs, pair, sound, good, 2, "d"), TSR_KEY_END }, NULL },
        { { TSR_KEY_GROUP_LIST(owner, pairs, pair, sound, NULL, 0, "d"), TSR_KEY_END }, NULL },
        { { TSR_KEY_GROUP_LIST(owner, pairs, pair, none, good, 2, "d"), TSR_KEY_END }, NULL },
        { { TSR_KEY_GROUP_LIST(owner, pairs, pair, sound, far, 2, "d"), TSR_KEY_END },
          "probe x: key 'pairs': group 1 of its default: key 'a': its default 10 is outside its range" },
        { { TSR_KEY_GROUP_LIST(owner, pairs, pair, sound, no_mode, 1, "d"), TSR_KEY_END },
          "key 'mode': its default 2 is outside its range: expected one of \"x\", \"y\"" },
        { { TSR_KEY_GROUP_LIST(owner, pairs, pair, sound, not_text, 1, "d"), TSR_KEY_END },
          "key 'word': its default is not one line of UTF-8" },
        { { TSR_KEY_GROUP_LIST(owner, pairs, pair, sound, NULL, 1, "d"), TSR_KEY_END },
          "key 'pairs': its default of 1 elements is missing" },
        { { TSR_KEY_GROUP_LIST(owner, pairs, pair, NULL, NULL, 0, "d"), TSR_KEY_END },
          "key 'pairs': its groups have no keys" },
        { { TSR_KEY_GROUP_LIST(owner, pairs, pair, wrong, NULL, 0, "d"), TSR_KEY_END },
          "probe x: key 'pairs': key 'a': its default 10 is outside its range" },
        { { TSR_KEY_STRING_LIST(owner, words, words, 1, "d"), TSR_KEY_END }, NULL },
        { { TSR_KEY_STRING_LIST(owner, words, words, 2, "d"), TSR_KEY_END },
          "key 'words': element 1 of its default is not one line of UTF-8" },
        { { TSR_KEY_STRING_LIST(owner, words, words, 1, "d", .list_min_length = 2), TSR_KEY_END },
          "its default has 1 elements, outside its range of lengths" },
        { { TSR_KEY_PLUGIN_LIST(owner, nested, TSR_ACTIVATION, words, 1, "d"), TSR_KEY_END }, NULL },
        { { TSR_KEY_PLUGIN_LIST(owner, nested, TSR_ACTIVATION, words, 2, "d"), TSR_KEY_END },
          "key 'nested': its default '' is not a plugin's name" },
        { { TSR_KEY_PLUGIN_LIST(owner, nested, TSR_NO_KIND, NULL, 0, "d"), TSR_KEY_END },
          "key 'nested': the kind of plugin it takes, 0, is none" },
        { { TSR_KEY_INT_AS(owner, k, "other-name", 0, 0, 9, "d"), TSR_KEY_END },
          "its name 'other-name' is not valid: expected letters, digits and _" },
        { { TSR_KEY_INT_AS(owner, k, "lambda", 0, 0, 9, "d"), TSR_KEY_END }, NULL },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (cases[i].message)
            ck_fails(check(cases[i].keys), TSR_REFUSED, cases[i].message);
        else
            ck_succeeds(check(cases[i].keys));
}
END_TEST

START_TEST(a_required_key_needs_no_sound_default)
{
    static const tsr_key keys[] = { TSR_KEY_INT(owner, k, 0, 1, 9, "a number", .required = true),
                                    TSR_KEY_END };
    ck_succeeds(check(keys));
}
END_TEST

START_TEST(messages_name_the_plugin_the_key_and_the_fault)
{
    static const tsr_key keys[] = { TSR_KEY_INT(owner, k, 10, 1, 9, "a number"), TSR_KEY_END };
    ck_fails(check(keys), TSR_REFUSED,
             "probe x: key 'k': its default 10 is outside its range: expected an integer from 1 to 9");
}
END_TEST

START_TEST(a_constant_of_operators_is_set_by_a_real_number)
{
    static const char message[] = "expected a real number that sets one called by";
    typedef struct settings {
        int whole;
        double real;
    } settings;
    const tsr_key whole[] = { TSR_KEY_INT(settings, whole, 1, 0, 2, "an integer", .constant = "epsilon"),
                              TSR_KEY_END };
    const tsr_key unnamed[] = { TSR_KEY_REAL(settings, real, 1, 0, 2, "a number", .constant = ""),
                                TSR_KEY_END };
    const tsr_key sound[] = { TSR_KEY_REAL(settings, real, 1, 0, 2, "a number", .constant = "epsilon"),
                              TSR_KEY_END };
    ck_fails(tsr_keys_check(whole, sizeof(settings), "test"), TSR_REFUSED, message);
    ck_fails(tsr_keys_check(unnamed, sizeof(settings), "test"), TSR_REFUSED, message);
    ck_succeeds(tsr_keys_check(sound, sizeof(settings), "test"));
}
END_TEST

START_TEST(a_float_field_must_hold_its_range)
{
    static const tsr_key keys[] = { TSR_KEY_REAL(owner, rate, 1e300, 0.0, INFINITY, "a rate"), TSR_KEY_END };
    ck_fails(check(keys), TSR_REFUSED, "key 'rate': its default 1e+300 is outside");
    ck_assert(tsr_key_takes_real(&keys[0], 1e30));
    ck_assert(!tsr_key_takes_real(&keys[0], 1e39));
    ck_assert(!tsr_key_takes_real(&keys[0], NAN));
    ck_assert(!tsr_key_takes_real(&keys[0], INFINITY));
}
END_TEST

START_TEST(an_unsigned_field_holds_four_thousand_million)
{
    static const tsr_key keys[] = { TSR_KEY_INT(owner, k, 1, 0, UINT32_MAX, "a number"), TSR_KEY_END };
    ck_succeeds(check(keys));
    static const tsr_key beyond[] = { TSR_KEY_INT(owner, k, 1, 0, INT64_C(1) << 32, "a number"),
                                      TSR_KEY_END };
    ck_fails(check(beyond), TSR_REFUSED, "field of 4 bytes does not hold the range from 0 to 4294967296");
}
END_TEST

START_TEST(default_of_a_list_must_be_there)
{
    static const tsr_key keys[] = { TSR_KEY_REAL_LIST(owner, levels, NULL, 2, 0.0, 1.0, "levels"),
                                    TSR_KEY_END };
    ck_fails(check(keys), TSR_REFUSED, "its default of 2 elements is missing");
}
END_TEST

START_TEST(expectations_read_as_sentences)
{
    static const char *const words[] = { "a", "b", NULL };
    static const struct {
        tsr_key key;
        bool element;
        const char *expected;
    } rows[] = {
        { { .type = TSR_TYPE_INT, .int_min = 1, .int_max = 9 }, false, "an integer from 1 to 9" },
        { { .type = TSR_TYPE_INT, .int_min = 1, .int_max = INT64_MAX }, false, "an integer of at least 1" },
        { { .type = TSR_TYPE_INT, .int_min = INT64_MIN, .int_max = 9 }, false, "an integer of at most 9" },
        { { .type = TSR_TYPE_INT, .int_min = INT64_MIN, .int_max = INT64_MAX }, false, "an integer" },
        { { .type = TSR_TYPE_REAL, .real_min = 0.0, .real_max = 0.5 }, false, "a number from 0.0 to 0.5" },
        { { .type = TSR_TYPE_REAL, .real_min = 0.0, .real_max = INFINITY },
          false,
          "a number of at least 0.0" },
        { { .type = TSR_TYPE_REAL, .real_min = -INFINITY, .real_max = INFINITY }, false, "a number" },
        { { .type = TSR_TYPE_BOOL }, false, "true or false" },
        { { .type = TSR_TYPE_ENUM, .choices = words }, false, "one of \"a\", \"b\"" },
        { { .type = TSR_TYPE_INT_LIST, .int_max = 9, .list_min_length = 2 },
          false,
          "a list [ ... ] of integers from 0 to 9, at least 2" },
        { { .type = TSR_TYPE_INT_LIST, .int_max = 9 }, true, "an integer from 0 to 9" },
        { { .type = TSR_TYPE_PLUGIN, .nested = TSR_ACTIVATION },
          false,
          "the name of an activation or a group { plugin = \"NAME\"; ... }" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        tsr_text text = { 0 };
        tsr_key_expected(&rows[i].key, rows[i].element, &text);
        ck_assert_str_eq(text.chars, rows[i].expected);
        free(text.chars);
    }
}
END_TEST

START_TEST(a_line_is_utf8_as_the_standard_has_it)
{
    static const char *const good[] = { "\xc3\xa4", "\xe2\x82\xac", "\xed\x9f\xbf", "\xf0\x9f\x98\x80",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = { "\x80",
                                       "\xc3",
                                       "\xc3(",
                                       "\xc0\xaf",
                                       "\xc1\xbf",
                                       "\xe0\x9f\xbf",
                                       "\xe2\x82",
                                       "\xed\xa0\x80",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf0\x9f\x98",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xff" };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        ck_assert_msg(tsr_line_valid(good[i]), "good %zu was refused", i);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ck_assert_msg(!tsr_line_valid(bad[i]), "bad %zu passed", i);
}
END_TEST

START_TEST(names_are_lower_case_words)
{
    ck_assert(tsr_name_valid("knn"));
    ck_assert(tsr_name_valid("k2_x"));
    static const char *const bad[] = { "", "2k", "_k", "K", "k-n", "k.n", "../k", "k/n", "k n", "k\xc3\xa4" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ck_assert_msg(!tsr_name_valid(bad[i]), "'%s' passed", bad[i]);
    ck_assert(!tsr_name_valid(NULL));
    ck_assert(tsr_line_valid("one line, \xc3\xa4"));
    ck_assert(!tsr_line_valid("two\nlines"));
    ck_assert(!tsr_line_valid("no UTF-8: \xe4"));
    ck_assert(!tsr_line_valid(""));
    ck_assert(!tsr_line_valid(NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keys");
    TCase *tests = tcase_create("keys");
    tcase_add_test(tests, common_keys_of_every_kind_are_sound);
    tcase_add_test(tests, sound_declarations_pass);
    tcase_add_test(tests, lists_are_checked_to_their_last_default);
    tcase_add_test(tests, a_required_key_needs_no_sound_default);
    tcase_add_test(tests, messages_name_the_plugin_the_key_and_the_fault);
    tcase_add_test(tests, a_constant_of_operators_is_set_by_a_real_number);
    tcase_add_test(tests, a_float_field_must_hold_its_range);
    tcase_add_test(tests, an_unsigned_field_holds_four_thousand_million);
    tcase_add_test(tests, default_of_a_list_must_be_there);
    tcase_add_test(tests, expectations_read_as_sentences);
    tcase_add_test(tests, a_line_is_utf8_as_the_standard_has_it);
    tcase_add_test(tests, names_are_lower_case_words);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
