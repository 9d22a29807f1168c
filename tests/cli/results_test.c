/* tessera results prints a study's table, for papers and for programs. */
#include "command.h"

#include "support.h"

#include <stdlib.h>
#include <string.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
    command_gives(folder, 0, NULL, NULL,
                  "run '%s/configs/digits.cfg' -q -o out -s replicates=2 -s training.epochs=1 "
                  "-s 'training.snapshots=[0]' -s 'probes=(\"redundancy\",{plugin=\"knn\";k=3;})' "
                  "-s 'sweep=({key=\"model.width\";values=[3,5];},{key=\"model.activation\";"
                  "values=(\"relu\",{plugin=\"leaky_relu\";slope=0.1;});})'",
                  test_source());
}

static void teardown(void)
{
    test_folder_remove(folder);
}

START_TEST(a_table_has_a_row_for_each_configuration_with_interval_and_n)
{
    command_gives(folder, 0, "\n| 3 | relu | 1 | 2 | 0.", NULL, "results out --metric 'knn.*'");
    command_gives(folder, 0, " ± ", NULL, "results out");
    shell_gives(folder, 0, NULL, NULL, "\"$TESSERA\" results out | grep -c '^| [35] ' | grep -x 4");
    shell_gives(folder, 0, NULL, NULL,
                "\"$TESSERA\" results out --all-epochs | grep -c '^| [35] ' | grep -x 8");
}
END_TEST

START_TEST(csv_has_the_numbers_of_the_summary_with_all_their_digits)
{
    shell_gives(
        folder, 0, NULL, NULL,
        "column() { awk -F, -v c=\"$2\" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) n = i; next } "
        "{ print $n }' \"$1\"; }\n"
        "\"$TESSERA\" results out --all-epochs --format csv >all.csv || exit 9\n"
        "for c in knn.test.mean knn.test.sd knn.test.ci95 model.width epoch n; do\n"
        "    column all.csv $c >a; column out/summary.csv $c >b; [ -s a ] && cmp a b || exit 8\n"
        "done");
    command_gives(folder, 0, "knn.test.n\n", NULL, "results out --metric knn.test --format csv");
}
END_TEST

/* Records are read by their lines where they have them as they were written, and else by every character. */
START_TEST(records_of_any_layout_give_the_same)
{
    shell_gives(folder, 0, NULL, NULL, "\"$TESSERA\" results out --all-epochs --format csv >before");
    shell_gives(folder, 0, NULL, NULL,
                "for r in out/runs/*/run.json; do tr -d '\\n' <$r >one && cp one $r; done\n"
                "\"$TESSERA\" results out --all-epochs --format csv >after && cmp before after");
    shell_gives(folder, 0, NULL, NULL,
                "for r in out/runs/*/run.json; do sed 's/^ *//' $r >one && cp one $r; done\n"
                "\"$TESSERA\" results out --all-epochs --format csv >after && cmp before after");
}
END_TEST

START_TEST(a_record_whose_numbers_are_none_is_left_out_and_says_so)
{
    static const char *const numbers[] = { "1e999", "01", "1.", "nan", "+1", "\"1\"" };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        shell_gives(folder, 0, NULL, NULL,
                    "cd out/runs && set -- * && cp $1/run.json ../kept &&\n"
                    "sed 's/\"knn.test\": [0-9].*/\"knn.test\": %s/' ../kept >$1/run.json",
                    numbers[i]);
        command_gives(folder, 0, NULL, "run.json", "results out --where epoch=0");
        command_gives(folder, 0, NULL, "it is left out", "results out");
        shell_gives(folder, 0, NULL, NULL, "cd out/runs && set -- * && cp ../kept $1/run.json");
    }
}
END_TEST

/* Whether numbers are counts is told by the runs that the table has. */
START_TEST(a_record_that_is_left_out_changes_no_column)
{
    shell_gives(folder, 0, NULL, NULL, "$TESSERA results out --metric code.bits >before");
    shell_gives(
        folder, 0, NULL, NULL,
        "cd out/runs && set -- * && cp -r $1 00000000000000ab && cd 00000000000000ab && sed -i \"s/$1/"
        "00000000000000ab/; s/\\(\\\"replicate\\\": \\)[0-9]*/\\199/; s/\\(\\\"code.bits\\\": "
        "[0-9]*\\)/\\1.5/\" run.json && grep -q '99' run.json && grep -q 'bits\": [0-9]*.5' run.json");
    shell_gives(folder, 0, NULL, NULL, "$TESSERA results out --metric code.bits >after");
    same_files(folder, "before", "after");
}
END_TEST

START_TEST(json_is_json_and_has_values_as_they_are)
{
    command_gives(folder, 0, "\"model.width\": 5", NULL, "results out --format json --where model.width=5");
    command_gives(folder, 0, "\"slope\": 0.1", NULL, "results out --format json");
    command_gives(folder, 0, "\"experiment\": \"digits\"", NULL, "results out --format json");
}
END_TEST

START_TEST(a_spreadsheet_gets_texts_and_no_formulas)
{
    command_gives(folder, 0, NULL, NULL,
                  "run '%s/configs/digits.cfg' -q -o named -s training.epochs=0 -s 'probes=(\"redundancy\")' "
                  "-s 'sweep=({key=\"probes.0.label\";values=(\"-1-2\",\"a\");})'",
                  test_source());
    command_gives(folder, 0, "\n-1-2,0,1,0,", NULL, "results named --metric code.bits --format csv");
    command_gives(folder, 0, "\n'-1-2,0,1,0,", NULL, "results named --metric code.bits --format spreadsheet");
    command_gives(folder, 0, "\na,0,1,0,", NULL, "results named --metric code.bits --format spreadsheet");
    command_gives(folder, 0, ",'-1-2.train.mean,", NULL, "results named --format spreadsheet");
}
END_TEST

START_TEST(latex_is_escaped)
{
    command_gives(folder, 0, "\\begin{tabular}{llrrr}", NULL, "results out --metric knn.test --format latex");
    command_gives(folder, 0, "leaky\\_relu(slope=0.1) & 1 & 2 & $0.", NULL,
                  "results out --metric knn.test --format latex");
    command_gives(folder, 0, "\\pm", NULL, "results out --metric knn.test --format latex");
}
END_TEST

START_TEST(conditions_choose_rows_any_value_of_a_key_and_every_key)
{
    shell_gives(folder, 0, NULL, NULL,
                "\"$TESSERA\" results out --where model.width=3 --where model.width=5.0 --where "
                "'model.activation=leaky_relu(slope=0.1)' | grep -c '^| [35] ' | grep -x 2");
    shell_gives(folder, 0, NULL, NULL,
                "\"$TESSERA\" results out --where epoch=0 | grep -c '^| [35] | .* | 0 | 2 |' | grep -x 4");
}
END_TEST

START_TEST(what_the_study_has_not_is_refused_with_what_it_has)
{
    command_gives(folder, 2, NULL, "expected one of 3, 5", "results out --where model.width=4");
    command_gives(folder, 2, NULL, "expected KEY=VALUE of model.width, model.activation, epoch",
                  "results out --where model.depth=1");
    command_gives(folder, 2, NULL, "no run has a snapshot of this epoch", "results out --where epoch=7");
    command_gives(folder, 2, NULL, "did you mean 'knn.test'?", "results out --metric knn.tset");
    command_gives(folder, 2, NULL, "expected a results folder", "results nowhere");
    command_gives(folder, 1, NULL, "expected csv, json, latex, md or spreadsheet",
                  "results out --format xml");
    command_gives(folder, 1, NULL, "expected KEY=VALUE", "results out --where width");
    command_gives(folder, 1, NULL, "expected one DIR", "results");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("results");
    TCase *tests = tcase_create("tessera results");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_table_has_a_row_for_each_configuration_with_interval_and_n);
    tcase_add_test(tests, csv_has_the_numbers_of_the_summary_with_all_their_digits);
    tcase_add_test(tests, records_of_any_layout_give_the_same);
    tcase_add_test(tests, a_record_whose_numbers_are_none_is_left_out_and_says_so);
    tcase_add_test(tests, a_record_that_is_left_out_changes_no_column);
    tcase_add_test(tests, json_is_json_and_has_values_as_they_are);
    tcase_add_test(tests, a_spreadsheet_gets_texts_and_no_formulas);
    tcase_add_test(tests, latex_is_escaped);
    tcase_add_test(tests, conditions_choose_rows_any_value_of_a_key_and_every_key);
    tcase_add_test(tests, what_the_study_has_not_is_refused_with_what_it_has);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
