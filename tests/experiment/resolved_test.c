/* Resolved configs: what is written reads back the same, differences are named, ids tell configs apart. */
#include "support.h"

#include "base/file.h"
#include "experiment/resolved.h"

#include <stdlib.h>
#include <string.h>

static json_t *sample(void)
{
    return json_pack("{s:i, s:I, s:f, s:f, s:b, s:s, s:[i,i], s:[f], s:{s:s, s:[]}, s:[{s:s}, {s:f}], s:n}",
                     "small", -3, "large", (json_int_t)3000000000, "real", 0.1, "tiny", 1e-300, "yes", 1,
                     "text", "a \"quoted\" \\ line\n\ttab", "list", 1, 2, "reals", 2.0, "group", "plugin",
                     "x", "empty", "groups", "plugin", "y", "w", 1e-6, "absent");
}

START_TEST(what_is_written_reads_back_the_same)
{
    json_t *object = sample();
    char *folder = test_folder(), *path = tsr_path_join(folder, "x.cfg");
    tsr_text text = { 0 };
    tsr_resolved_write(object, &text);
    ck_assert(!text.failed);
    ck_succeeds(tsr_write_file(path, text.chars, text.length));
    json_t *back = NULL;
    ck_succeeds(tsr_resolved_read(path, &back));
    json_object_del(object, "absent"); /* nothing stands for nothing */
    char *left = json_dumps(object, JSON_REAL_PRECISION(17)),
         *right = json_dumps(back, JSON_REAL_PRECISION(17));
    ck_assert_str_eq(left, right);
    char ids[2][17];
    tsr_resolved_id(object, ids[0]);
    tsr_resolved_id(back, ids[1]);
    ck_assert_str_eq(ids[0], ids[1]);
    free(left);
    free(right);
    free(text.chars);
    json_decref(back);
    json_decref(object);
    free(path);
    test_folder_remove(folder);
}
END_TEST

START_TEST(a_difference_is_named_by_its_path_and_both_values)
{
    json_t *there = json_pack("{s:s, s:{s:i, s:{s:s}}, s:[{s:i}]}", "name", "a", "model", "width", 100,
                              "activation", "plugin", "relu", "probes", "k", 9);
    json_t *here = json_deep_copy(there);
    const char *const ignored[] = { "name", NULL };
    tsr_text text = { 0 };
    json_object_set_new(here, "name", json_string("b"));
    ck_assert(!tsr_resolved_differs(there, here, ignored, &text));
    json_object_set_new(json_array_get(json_object_get(here, "probes"), 0), "k", json_integer(3));
    ck_assert(tsr_resolved_differs(there, here, ignored, &text));
    ck_assert_str_eq(text.chars, "probes.0.k is 9 there and 3 here");
    free(text.chars);
    json_decref(there);
    json_decref(here);
}
END_TEST

START_TEST(a_missing_key_is_a_difference_on_either_side)
{
    json_t *one = json_pack("{s:i}", "a", 1), *two = json_pack("{s:i, s:i}", "a", 1, "b", 2);
    tsr_text text = { 0 };
    ck_assert(tsr_resolved_differs(one, two, NULL, &text));
    ck_assert_str_eq(text.chars, "b is missing there and 2 here");
    free(text.chars);
    text = (tsr_text){ 0 };
    ck_assert(tsr_resolved_differs(two, one, NULL, &text));
    ck_assert_str_eq(text.chars, "b is 2 there and missing here");
    free(text.chars);
    json_decref(one);
    json_decref(two);
}
END_TEST

START_TEST(ids_differ_where_configs_do)
{
    json_t *object = sample();
    char before[17], after[17];
    tsr_resolved_id(object, before);
    json_object_set_new(object, "real", json_real(0.1 + 1e-17 + 2e-17));
    tsr_resolved_id(object, after);
    ck_assert_str_ne(before, after);
    ck_assert_uint_eq(strlen(before), 16);
    json_decref(object);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolved");
    TCase *tests = tcase_create("resolved");
    tcase_add_test(tests, what_is_written_reads_back_the_same);
    tcase_add_test(tests, a_difference_is_named_by_its_path_and_both_values);
    tcase_add_test(tests, a_missing_key_is_a_difference_on_either_side);
    tcase_add_test(tests, ids_differ_where_configs_do);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
