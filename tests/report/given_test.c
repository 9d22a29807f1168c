/* The curves that probes give, from a run to the report, by the real program. */
#include "command.h"

#include "base/file.h"
#include "support.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/npy.h>

#define PATIENCE 240 /* seconds; the sanitizers slow everything down */
#define PROBES                                                                                               \
    "probes = ( { plugin = \"retrieval\"; }, { plugin = \"regions\"; examples = 40; segments = 0; sampled "  \
    "= 0; "                                                                                                  \
    "directions = 0; } );"
#define CURVE "probes/retrieval/epoch-1/retrieval_precision_at_recall.npy"
#define HISTOGRAM "probes/regions/epoch-1/regions_centre_lengths.test.npy"

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* A number of `columns` in a row of every file of the runs; *n: files. */
static void read_column(const char *name, size_t columns, size_t row, size_t column, size_t *n,
                        double *values)
{
    char pattern[256];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s/out/runs/*/%s", folder, name);
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    *n = found.gl_pathc;
    for (size_t i = 0; i < *n; i++) {
        tsr_array *array;
        ck_succeeds(tsr_npy_open(found.gl_pathv[i], &array));
        tsr_array_doubles(array, row * columns + column, 1, &values[i]);
        tsr_array_free(array);
    }
    globfree(&found);
}

/* Rows of numbers below the heading of a figure's CSV; the heading is compared. */
static size_t read_csv(const char *name, const char *heading, size_t columns, double *cells, size_t most)
{
    char *text = read_text(folder, name), *at = strchr(text, '\n');
    size_t n = 0;
    ck_assert_msg(at && strncmp(text, heading, strlen(heading)) == 0 && text + strlen(heading) == at, "%s",
                  text);
    for (at++; *at && n < most; n++)
        for (size_t c = 0; c < columns; c++) {
            cells[n * columns + c] = strtod(at, &at);
            ck_assert(*at == (c + 1 < columns ? ',' : '\n'));
            at++;
        }
    free(text);
    return n;
}

static void page_says(const char *words, bool says)
{
    char *page = read_text(folder, "out/report.html");
    ck_assert_msg((strstr(page, words) != NULL) == says, "'%s'", words);
    free(page);
}

static void draw(void)
{
    command_gives(folder, 0, NULL, NULL, "report out");
    command_gives(folder, 0, NULL, NULL, "report out --figures figures --format svg");
}

START_TEST(a_curve_is_drawn_as_its_mean_over_the_replicates)
{
    enum { LEVELS = 21, COLUMNS = 5 };
    double cells[LEVELS * COLUMNS + COLUMNS], values[8];
    write_small_study(folder, "epochs = 1; samples = 300;", PROBES " replicates = 3;");
    do_study(folder, "out", "");
    draw();
    ck_assert_uint_eq(read_csv("figures/retrieval.precision_at_recall.csv", "recall,mean,low,high,n", COLUMNS,
                               cells, LEVELS + 1),
                      LEVELS);
    for (size_t i = 0; i < LEVELS; i++) {
        size_t n;
        read_column(CURVE, 2, i, 1, &n, values);
        ck_assert_uint_eq(n, 3);
        double mean = (values[0] + values[1] + values[2]) / 3, squares = 0;
        for (size_t r = 0; r < 3; r++)
            squares += (values[r] - mean) * (values[r] - mean);
        const double *row = cells + COLUMNS * i;
        ck_assert_double_eq_tol(row[0], (double)i / 20, 1e-9);
        ck_assert_double_eq_tol(row[1], mean, 1e-12);
        ck_assert_double_eq_tol(row[3] - row[1], 4.302653 * sqrt(squares / 2 / 3), 1e-5); /* Student's t */
        ck_assert(row[4] == 3);
    }
    page_says("<h2>Curves of retrieval</h2>", true);
    page_says("Curves of regions (8 figures)</summary>", true); /* many are folded */
}
END_TEST

START_TEST(a_histogram_is_drawn_as_shares_with_the_edges_of_its_bins)
{
    enum { BINS = 25, COLUMNS = 6 };
    double cells[BINS * COLUMNS + COLUMNS], counts[8], sum = 0;
    write_small_study(folder, "epochs = 1; samples = 300;", PROBES);
    do_study(folder, "out", "");
    draw();
    ck_assert_uint_eq(read_csv("figures/regions.centre_lengths.test.csv", "length,to,mean,low,high,n",
                               COLUMNS, cells, BINS + 1),
                      BINS);
    for (size_t i = 0; i < BINS; i++) {
        size_t n;
        read_column(HISTOGRAM, 3, i, 2, &n, counts);
        const double *row = cells + COLUMNS * i;
        ck_assert_double_eq_tol(row[2], counts[0] / 40, 1e-12);
        ck_assert(i == 0 || row[0] == row[1 - COLUMNS]);
        sum += row[2];
    }
    ck_assert_double_eq_tol(sum, 1, 1e-9);
}
END_TEST

START_TEST(curves_are_of_a_swept_keys_values_or_else_of_snapshots)
{
    char *text;
    write_small_study(folder, "epochs = 2; samples = 200; snapshots = [ 0, 1 ];", PROBES);
    do_study(folder, "out", "");
    draw();
    text = read_text(folder, "figures/retrieval.precision_at_recall.csv");
    ck_assert(strncmp(text, "epoch,recall,mean", 17) == 0 && strstr(text, "\n0,0,") &&
              strstr(text, "\n1,0,") && strstr(text, "\n2,0,"));
    free(text);
    do_study(folder, "out", "-s 'sweep = ( { key = \"model.width\"; values = [ 3, 6 ]; } )'");
    draw();
    text = read_text(folder, "figures/retrieval.precision_at_recall.csv");
    ck_assert(strncmp(text, "model.width,recall,mean", 23) == 0 && strstr(text, "\n3,0,") &&
              strstr(text, "\n6,0,"));
    free(text);
}
END_TEST

START_TEST(what_a_file_or_a_record_lies_about_is_left_out_and_said)
{
    double cells[22 * 5];
    write_small_study(folder, "epochs = 1; samples = 200;", PROBES " replicates = 3;");
    do_study(folder, "out", "");
    /* A text, and a histogram in place of a curve. */
    shell_gives(folder, 0, NULL, NULL,
                "set -- out/runs/*; echo no >$1/" CURVE "; cp $2/" HISTOGRAM " $2/" CURVE
                "; rm $3/" HISTOGRAM);
    draw();
    page_says("2 files were left out, which are no such curves", true);
    read_csv("figures/retrieval.precision_at_recall.csv", "recall,mean,low,high,n", 5, cells, 22);
    ck_assert(cells[4] == 1);
    shell_gives(
        folder, 0, NULL, NULL,
        "sed -i 's,\"retrieval.precision_at_recall\",\"../../x.precision_at_recall\",' out/runs/*/run.json");
    command_gives(folder, 0, NULL, NULL, "report out");
    page_says("Curves of retrieval", false);
    page_says("precision_at_recall", false);
    page_says("Curves of regions", true);
}
END_TEST

START_TEST(a_mean_is_over_twenty_replicates_at_most_and_says_so)
{
    double cells[22 * 5];
    write_small_study(folder, "epochs = 1; samples = 60;",
                      "probes = ( { plugin = \"retrieval\"; } ); replicates = 22;");
    do_study(folder, "out", "");
    draw();
    read_csv("figures/retrieval.precision_at_recall.csv", "recall,mean,low,high,n", 5, cells, 22);
    ck_assert(cells[4] == 20);
    page_says("Means leave out 2 runs: they are over 20 replicates at most", true);
}
END_TEST

START_TEST(records_speak_of_curves_only_where_a_probe_does)
{
    write_small_study(folder, "epochs = 1; samples = 200;",
                      "probes = ( { plugin = \"redundancy\"; } ); output = { save_model = true; };");
    do_study(folder, "out", "");
    shell_gives(folder, 1, NULL, NULL, "grep -l curves out/runs/*/run.json");
    command_gives(folder, 0, NULL, NULL, "report out");
    page_says("Curves of", false);
    /* A probe that is added brings its own. */
    command_gives(folder, 0, NULL, NULL, "probe out -s 'probes = ( { plugin = \"retrieval\"; } )'");
    shell_gives(folder, 0, "precision_at_recall", NULL, "grep -h precision_at_recall out/runs/*/run.json");
    command_gives(folder, 0, NULL, NULL, "report out");
    page_says("Curves of retrieval", true);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("given curves");
    TCase *tests = tcase_create("given curves");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_curve_is_drawn_as_its_mean_over_the_replicates);
    tcase_add_test(tests, a_histogram_is_drawn_as_shares_with_the_edges_of_its_bins);
    tcase_add_test(tests, curves_are_of_a_swept_keys_values_or_else_of_snapshots);
    tcase_add_test(tests, what_a_file_or_a_record_lies_about_is_left_out_and_said);
    tcase_add_test(tests, a_mean_is_over_twenty_replicates_at_most_and_says_so);
    tcase_add_test(tests, records_speak_of_curves_only_where_a_probe_does);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
