/* The value tree: what is put in is found, dotted keys lead to it, text and JSON read back the same,
   differences are named, equal values have one hash. */
#include "support.h"

#include "config/carry.h"
#include "config/compare.h"
#include "config/json.h"
#include "config/print.h"

#include <stdlib.h>
#include <string.h>

static tsr_value *from_json(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_ptr_nonnull(json);
    tsr_value *value = tsr_value_from_json(json);
    ck_assert_ptr_nonnull(value);
    json_decref(json);
    return value;
}

static tsr_value *experiment(void)
{
    return from_json(
        "{ \"name\": \"a\", \"model\": { \"plugin\": \"net\", \"width\": 100, \"activation\": \"act\" },"
        " \"probes\": [ \"first\", { \"plugin\": \"second\", \"k\": 9 } ] }");
}

START_TEST(a_member_put_twice_keeps_its_place_and_has_the_last_value)
{
    tsr_value *group = tsr_value_group();
    ck_succeeds(tsr_value_put(group, "a", tsr_value_int(1)));
    ck_succeeds(tsr_value_put(group, "b", tsr_value_int(2)));
    ck_succeeds(tsr_value_put(group, "a", tsr_value_string("x")));
    ck_assert_uint_eq(tsr_value_length(group), 2);
    ck_assert_str_eq(group->items[0]->key, "a");
    ck_assert_str_eq(tsr_value_text(tsr_value_member(group, "a")), "x");
    tsr_value_remove(group, "a");
    ck_assert_ptr_null(tsr_value_member(group, "a"));
    ck_assert_int_eq(tsr_value_member(group, "b")->integer, 2);
    tsr_value_free(group);
}
END_TEST

START_TEST(a_value_that_there_was_no_memory_for_is_a_failure_where_it_is_put)
{
    tsr_value *group = tsr_value_group(), *list = tsr_value_list();
    ck_fails(tsr_value_put(group, "a", NULL), TSR_NO_MEMORY, "a");
    ck_fails(tsr_value_append(list, NULL), TSR_NO_MEMORY, "list");
    ck_fails(tsr_value_set(group, "a.b", NULL), TSR_NO_MEMORY, "a.b");
    ck_assert_uint_eq(tsr_value_length(group) + tsr_value_length(list), 0);
    tsr_value_free(group);
    tsr_value_free(list);
}
END_TEST

START_TEST(dotted_keys_lead_through_groups_and_lists_and_back)
{
    tsr_value *root = experiment();
    const tsr_value *k = tsr_value_at(root, "probes.1.k");
    ck_assert_int_eq(k->integer, 9);
    ck_assert_ptr_eq(tsr_value_at(root, "probes.[1].k"), k);
    char *dotted = tsr_value_dotted(k), *top = tsr_value_dotted(root);
    ck_assert_str_eq(dotted, "probes.1.k");
    ck_assert_str_eq(top, "config");
    static const char *const nowhere[] = { "probes.2", "probes.k", "model.width.x", "",
                                           "model.",   ".model",   "probes.-1",     "probes.9999999999" };
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++)
        ck_assert_msg(!tsr_value_at(root, nowhere[i]), "%s", nowhere[i]);
    tsr_value_remove_at(root, "model.width");
    ck_assert_ptr_null(tsr_value_at(root, "model.width"));
    free(dotted);
    free(top);
    tsr_value_free(root);
}
END_TEST

START_TEST(a_short_form_on_the_way_becomes_a_group_in_a_group_and_in_a_list)
{
    tsr_value *root = experiment();
    ck_succeeds(tsr_value_set(root, "model.activation.slope", tsr_value_real(0.5)));
    ck_assert_str_eq(tsr_value_text(tsr_value_at(root, "model.activation.plugin")), "act");
    ck_assert(tsr_value_at(root, "model.activation.slope")->real == 0.5);
    ck_succeeds(tsr_value_set(root, "probes.0.label", tsr_value_string("one")));
    ck_assert_str_eq(tsr_value_text(tsr_value_at(root, "probes.0.plugin")), "first");
    ck_assert_str_eq(tsr_value_text(tsr_value_at(root, "probes.0.label")), "one");
    tsr_value_free(root);
}
END_TEST

START_TEST(setting_replaces_makes_groups_and_takes_whole_elements)
{
    tsr_value *root = experiment();
    ck_succeeds(tsr_value_set(root, "model.width", tsr_value_int(3)));
    ck_succeeds(tsr_value_set(root, "training.optimizer.rate", tsr_value_real(0.1)));
    ck_succeeds(tsr_value_set(root, "probes.1", tsr_value_string("third")));
    ck_assert_int_eq(tsr_value_at(root, "model.width")->integer, 3);
    ck_assert(tsr_value_at(root, "training.optimizer.rate")->real == 0.1);
    ck_assert_str_eq(tsr_value_text(tsr_value_at(root, "probes.1")), "third");
    tsr_value_free(root);
}
END_TEST

START_TEST(what_cannot_be_set_names_its_origin_and_what_there_is)
{
    tsr_value *root = experiment(), *value = tsr_value_int(1);
    tsr_origin *origin = tsr_origin_new(TSR_ORIGIN_COMMAND_LINE, "-s probes.7.k=1", 0, "/");
    tsr_value_set_origin(value, origin);
    tsr_origin_release(origin);
    ck_fails(tsr_value_set(root, "probes.7.k", value), TSR_REFUSED,
             "-s probes.7.k=1: probes.7.k: there is no element '7': expected one from 0 to 1");
    ck_fails(tsr_value_set(root, "probes.x", tsr_value_int(1)), TSR_REFUSED, "there is no element 'x'");
    ck_fails(tsr_value_set(root, "model.width.x", tsr_value_int(1)), TSR_REFUSED,
             "'width' is neither a group nor a list");
    tsr_value_free(root);
}
END_TEST

START_TEST(a_value_has_the_origin_of_the_nearest_above_it)
{
    tsr_value *root = experiment();
    tsr_origin *file = tsr_origin_new(TSR_ORIGIN_FILE, "x.cfg", 7, "/folder");
    tsr_value_set_origin(root, file);
    tsr_origin *sweep = tsr_origin_of_sweep(file, "model.width");
    ck_assert_str_eq(sweep->text, "x.cfg:7 (sweep of model.width)");
    ck_assert_str_eq(sweep->folder, "/folder");
    tsr_value *copy = tsr_value_copy(root);
    tsr_value_free(root);
    ck_assert_ptr_eq(tsr_value_origin(tsr_value_at(copy, "probes.1.k")), file);
    ck_fails(tsr_value_mismatch(tsr_value_at(copy, "probes.1.k"), "a name"), TSR_REFUSED,
             "x.cfg:7: probes.1.k = 9: expected a name");
    tsr_origin_release(sweep);
    tsr_origin_release(file);
    tsr_value_free(copy);
}
END_TEST

START_TEST(text_has_the_syntax_of_a_config)
{
    static const struct {
        const char *json, *config, *label;
    } cases[] = {
        { "\"a \\\"b\\\" \\\\ \\n\"", "\"a \\\"b\\\" \\\\ \\x0a\"", "a \"b\" \\ \n" },
        { "3000000000", "3000000000L", "3000000000L" },
        { "[1, 3000000000]", "( 1, 3000000000L )", "1 3000000000L" },
        { "[1, 2]", "[ 1, 2 ]", "1 2" },
        { "[true, false]", "[ true, false ]", "true false" },
        { "[1, 2.5]", "( 1, 2.5 )", "1 2.5" },
        { "[]", "[  ]", "none" },
        { "{\"plugin\": \"a\", \"b\": null, \"c\": 0.5}", "{ plugin = \"a\"; c = 0.5; }", "a(c=0.5)" },
        { "[{\"plugin\": \"a\"}, {\"plugin\": \"b\", \"w\": 1}]",
          "( { plugin = \"a\"; }, { plugin = \"b\"; w = 1; } )", "a + b(w=1)" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        tsr_value *value = from_json(cases[i].json);
        tsr_text config = { 0 }, label = { 0 };
        tsr_print_value(value, &config);
        tsr_print_label(value, &label);
        ck_assert_str_eq(config.chars, cases[i].config);
        ck_assert_str_eq(label.chars, cases[i].label);
        free(config.chars);
        free(label.chars);
        tsr_value_free(value);
    }
}
END_TEST

START_TEST(json_reads_back_the_same)
{
    static const char text[] =
        "{\"a\":-3,\"b\":3000000000,\"c\":0.10000000000000001,\"d\":[true,null,\"x\"],\"e\":{}}";
    tsr_value *value = from_json(text);
    char *back = tsr_value_json_text(value, 0);
    ck_assert_str_eq(back, text);
    free(back);
    tsr_value_free(value);
}
END_TEST

START_TEST(what_is_carried_comes_out_the_same_with_its_lines)
{
    tsr_value *value =
        test_config("a = -3;\nb = 3000000000L;\nc = ( 0.1, 1e400, true, \"x: 2,\" );\n\ne = { f = \"\"; };");
    tsr_text carried = { 0 };
    tsr_value_carry(value, &carried);
    ck_assert(!carried.failed);
    tsr_value *back = NULL;
    ck_succeeds(tsr_value_from_carried(carried.chars, "/", &back));
    tsr_text again = { 0 };
    tsr_value_carry(back, &again);
    ck_assert_str_eq(again.chars, carried.chars);
    ck_assert(tsr_values_equal(value, back));
    ck_assert_uint_eq(tsr_value_origin(tsr_value_at(back, "e.f"))->line, 5);
    ck_assert_str_eq(tsr_value_origin(tsr_value_at(back, "e.f"))->folder, "/");
    /* Cut anywhere, it is none. */
    tsr_value_free(back);
    for (size_t length = strlen(again.chars); length-- > 0;) {
        again.chars[length] = '\0';
        ck_fails(tsr_value_from_carried(again.chars, "/", &back), TSR_REFUSED, "another answer than values");
    }
    free(again.chars);
    free(carried.chars);
    tsr_value_free(value);
}
END_TEST

START_TEST(equal_values_are_equal_however_they_are_written)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        { "1", "1.0", true },
        { "0.0", "-0.0", true },
        { "{\"a\":1,\"b\":null}", "{\"a\":1}", true },
        { "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true },
        { "null", "null", true },
        { "[1,2]", "[1,2.0]", true },
        { "9007199254740993", "9007199254740992", false },
        { "[1,2]", "[2,1]", false },
        { "[1]", "[1,2]", false },
        { "{\"a\":1}", "{\"a\":2}", false },
        { "{\"a\":1}", "{\"b\":1}", false },
        { "true", "1", false },
        { "\"1\"", "1", false },
        { "[]", "{}", false },
        { "null", "0", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        tsr_value *a = from_json(cases[i].a), *b = from_json(cases[i].b);
        ck_assert_msg(tsr_values_equal(a, b) == cases[i].equal, "%s and %s", cases[i].a, cases[i].b);
        ck_assert_msg(tsr_values_equal(b, a) == cases[i].equal, "%s and %s", cases[i].b, cases[i].a);
        tsr_value_free(a);
        tsr_value_free(b);
    }
}
END_TEST

START_TEST(the_difference_that_is_named_is_one)
{
    static const char *const ignored[] = { "name", NULL };
    tsr_value *there = experiment(), *here = experiment();
    tsr_text text = { 0 };
    ck_succeeds(tsr_value_set(here, "name", tsr_value_string("b")));
    ck_succeeds(tsr_value_set(here, "model.epsilon", tsr_value_null()));
    ck_succeeds(tsr_value_set(here, "model.width", tsr_value_real(100)));
    ck_assert(!tsr_values_differ(there, here, ignored, &text));
    ck_succeeds(tsr_value_set(here, "probes.1.k", tsr_value_int(3)));
    ck_assert(tsr_values_differ(there, here, ignored, &text));
    ck_assert_str_eq(text.chars, "probes.1.k is 9 there and 3 here");
    free(text.chars);
    text = (tsr_text){ 0 };
    tsr_value_remove_at(here, "model.width");
    ck_assert(tsr_values_differ(there, here, ignored, &text));
    ck_assert(strstr(text.chars, "3 here") ||
              strstr(text.chars, "model.width is 100 there and missing here"));
    free(text.chars);
    tsr_value_free(there);
    tsr_value_free(here);
}
END_TEST

START_TEST(the_hash_tells_values_apart)
{
    tsr_value *a = experiment(), *b = experiment();
    char first[17], second[17];
    ck_succeeds(tsr_value_hash(a, first));
    ck_succeeds(tsr_value_hash(b, second));
    ck_assert_str_eq(first, second);
    ck_assert_uint_eq(strlen(first), 16);
    ck_succeeds(tsr_value_set(b, "probes.1.k", tsr_value_int(10)));
    ck_succeeds(tsr_value_hash(b, second));
    ck_assert_str_ne(first, second);
    tsr_value_free(a);
    tsr_value_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("value");
    TCase *tree = tcase_create("tree"), *text = tcase_create("text"), *compare = tcase_create("compare");
    tcase_add_test(tree, a_member_put_twice_keeps_its_place_and_has_the_last_value);
    tcase_add_test(tree, a_value_that_there_was_no_memory_for_is_a_failure_where_it_is_put);
    tcase_add_test(tree, dotted_keys_lead_through_groups_and_lists_and_back);
    tcase_add_test(tree, a_short_form_on_the_way_becomes_a_group_in_a_group_and_in_a_list);
    tcase_add_test(tree, setting_replaces_makes_groups_and_takes_whole_elements);
    tcase_add_test(tree, what_cannot_be_set_names_its_origin_and_what_there_is);
    tcase_add_test(tree, a_value_has_the_origin_of_the_nearest_above_it);
    tcase_add_test(text, text_has_the_syntax_of_a_config);
    tcase_add_test(text, json_reads_back_the_same);
    tcase_add_test(compare, what_is_carried_comes_out_the_same_with_its_lines);
    tcase_add_test(compare, equal_values_are_equal_however_they_are_written);
    tcase_add_test(compare, the_difference_that_is_named_is_one);
    tcase_add_test(compare, the_hash_tells_values_apart);
    suite_add_tcase(suite, tree);
    suite_add_tcase(suite, text);
    suite_add_tcase(suite, compare);
    return test_main(suite);
}
