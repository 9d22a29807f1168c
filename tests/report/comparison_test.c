/* tessera report A B: several studies, done by the real program, side by side. */
#include "command.h"

#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 180 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
    write_small_study(folder, "epochs = 2; samples = 100;",
                      "replicates = 3;\nprobes = ( \"redundancy\" );\n");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* The numbers of a line of differences.csv, behind the words it begins with, up to 8: means, difference, low,
   high, excludes_0, n and n. */
static size_t numbers_of(const char *csv, const char *begins, double out[9])
{
    const char *at = strstr(csv, begins);
    size_t n = 0;
    ck_assert_msg(at, "no line begins with %s in:\n%s", begins, csv);
    for (at += strlen(begins); n < 9; n++) {
        char *end;
        out[n] = strtod(at, &end);
        at = end + 1;
        if (*end != ',')
            return n + 1;
    }
    return n;
}

/* Of results.csv: the last column NAME of each run. */
static size_t column_of(const char *csv, const char *name, double out[8])
{
    size_t column = 0, n = 0;
    const char *end = strchr(csv, '\n'), *at = strstr(csv, name);
    ck_assert(at && at < end);
    for (const char *c = csv; c < at; c++)
        column += *c == ',';
    for (const char *line = end + 1; *line && n < 8; line = strchr(line, '\n') + 1) {
        const char *field = line;
        for (size_t i = 0; i < column; i++)
            field = strchr(field, ',') + 1;
        out[n++] = strtod(field, NULL);
    }
    return n;
}

START_TEST(common_seeds_are_paired_and_the_numbers_are_those_of_both_tables)
{
    do_study(folder, "s/a", "");
    do_study(folder, "s/b", "-s model.width=12");
    command_gives(folder, 0, "comparison in comparison.html", NULL, "report s/a s/b");
    command_gives(folder, 0, "model.width: 6 | 12", NULL, "report s/a s/b");
    command_gives(folder, 0, "3 p", NULL, "report s/a s/b");
    command_gives(folder, 0, NULL, NULL, "report s/a s/b --figures f --format svg");
    char *csv = read_text(folder, "f/differences.csv"), *a = read_text(folder, "s/a/results.csv"),
         *b = read_text(folder, "s/b/results.csv");
    double numbers[9], left[8], right[8];
    ck_assert_uint_eq(numbers_of(csv, "a,b,model.loss.train,", numbers), 9);
    ck_assert_uint_eq(column_of(a, "model.loss.train", left), 3);
    ck_assert_uint_eq(column_of(b, "model.loss.train", right), 3);
    double mean = 0, squares = 0;
    for (int i = 0; i < 3; i++)
        mean += (right[i] - left[i]) / 3;
    for (int i = 0; i < 3; i++)
        squares += (right[i] - left[i] - mean) * (right[i] - left[i] - mean);
    double half = 4.302652729911275 * sqrt(squares / 2 / 3);
    ck_assert_double_eq_tol(numbers[0], (left[0] + left[1] + left[2]) / 3, 1e-12);
    ck_assert_double_eq_tol(numbers[1], (right[0] + right[1] + right[2]) / 3, 1e-12);
    ck_assert_double_eq_tol(numbers[2], mean, 1e-12);
    ck_assert_double_eq_tol(numbers[3], mean - half, 1e-9);
    ck_assert_double_eq_tol(numbers[4], mean + half, 1e-9);
    ck_assert_double_eq(numbers[5], fabs(mean) > half);
    ck_assert_double_eq(numbers[6], 3);
    ck_assert_double_eq(numbers[8], 1);
    free(csv);
    free(a);
    free(b);
    ck_assert_uint_eq(count_files(folder, "s/a/comparison.html"), 0);
}
END_TEST

START_TEST(other_seeds_are_not_paired)
{
    do_study(folder, "a", "");
    do_study(folder, "b", "-s seed=100 -s replicates=4 -s model.width=12");
    command_gives(folder, 0, "3+4", NULL, "report a b");
    command_gives(folder, 0, NULL, NULL, "report a b --figures f --format svg");
    char *csv = read_text(folder, "f/differences.csv");
    double numbers[9];
    ck_assert_uint_eq(numbers_of(csv, "a,b,model.loss.train,", numbers), 9);
    ck_assert_double_eq(numbers[6], 3);
    ck_assert_double_eq(numbers[7], 4);
    ck_assert_double_eq(numbers[8], 0);
    free(csv);
}
END_TEST

START_TEST(what_one_study_alone_has_is_named)
{
    do_study(folder, "a", "-s replicates=2 -s 'sweep=({key=\"model.width\";values=[3,5];})'");
    do_study(folder, "b", "-s replicates=2 -s model.width=5 -s 'probes=(\"redundancy\",\"kmeans\")'");
    command_gives(folder, 0, "model.width: swept: 3, 5 | 5", NULL, "report a b");
    command_gives(folder, 0, "metrics that not all have: – | kmeans", NULL, "report a b");
    command_gives(folder, 0, "without a difference: 1 of a, 0 of b", NULL, "report a b -o p.html");
    shell_gives(folder, 0, NULL, NULL,
                "grep -q 'id=\"differences\"' p.html && grep -q 'id=\"contrast\"' p.html");
    do_study(folder, "c", "-s replicates=2 -s 'sweep=({key=\"model.width\";values=[5,7];})'");
    command_gives(folder, 0, "a and c share 2 runs, by their ids", NULL, "report a c");
    command_gives(folder, 0, "without a difference: 1 of a, 1 of c", NULL, "report a c");
    do_study(folder, "d", "-s replicates=2 -s model.width=7");
    command_gives(folder, 0, "without a difference: 2 of a, 1 of d", NULL, "report a d");
    shell_gives(folder, 0, NULL, NULL, "grep -q 'no setting in common' comparison.html");
}
END_TEST

START_TEST(a_plugin_that_one_study_sweeps_and_another_names_is_one_setting)
{
    do_study(folder, "a",
             "-s replicates=2 -s 'sweep=({key=\"model.activation\";values=(\"relu\",\"prelu\");})'");
    do_study(folder, "b", "-s replicates=2 -s model.activation=prelu -s training.batch=16");
    command_gives(folder, 0, "model.activation prelu(initial=0.25)\nmodel.loss.train", NULL, "report a b");
    command_gives(folder, 0, "without a difference: 1 of a, 0 of b", NULL, "report a b");
}
END_TEST

START_TEST(a_folder_that_is_none_or_is_given_twice_is_refused_by_name)
{
    do_study(folder, "a", "");
    command_gives(folder, 2, NULL, "nowhere/config.cfg", "report a nowhere");
    command_gives(folder, 2, NULL, "a and ./a are one folder", "report a ./a");
    command_gives(folder, 1, NULL, "expected DIR", "report");
    ck_assert_uint_eq(count_files(folder, "comparison.html"), 0);
}
END_TEST

START_TEST(runs_are_linked_in_the_folders_that_have_them)
{
    do_study(folder, "a", "-s replicates=1");
    do_study(folder, "b", "-s replicates=1 -s model.width=12");
    do_study(folder, "c", "-s replicates=1 -s model.width=24");
    command_gives(folder, 0, NULL, NULL, "report a b c");
    shell_gives(folder, 0, NULL, NULL,
                "for s in a b c; do grep -q \"href=\\\"$s/runs/$(ls $s/runs | head -1)/\" comparison.html || "
                "exit 1; done");
    shell_gives(folder, 0, NULL, NULL, "$TESSERA report a b -o /dev/stdout | tail -1 | grep -qx '</html>'");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("comparison");
    TCase *tests = tcase_create("comparison");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_test(tests, common_seeds_are_paired_and_the_numbers_are_those_of_both_tables);
    tcase_add_test(tests, other_seeds_are_not_paired);
    tcase_add_test(tests, what_one_study_alone_has_is_named);
    tcase_add_test(tests, a_plugin_that_one_study_sweeps_and_another_names_is_one_setting);
    tcase_add_test(tests, a_folder_that_is_none_or_is_given_twice_is_refused_by_name);
    tcase_add_test(tests, runs_are_linked_in_the_folders_that_have_them);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
