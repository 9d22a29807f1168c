/* Curves as probes give them: what is written, and what is refused. */
#include "codes/codes_support.h"

#include "base/file.h"
#include "codes/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/host.h>
#include <tessera/npy.h>
#include <unistd.h>

static char folder[64];
static tsr_probing probing;

static void setup(void)
{
    strcpy(folder, "/tmp/tessera-curves-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    probing = (tsr_probing){ .folder = folder };
    ck_succeeds(tsr_metrics_new("label", &probing.metrics));
}

static void teardown(void)
{
    tsr_metrics_free(probing.metrics);
    ck_succeeds(tsr_remove_tree(folder));
}

/* Fails the test unless the file holds just these. */
static void holds(const char *name, size_t rows, size_t columns, const double *expected)
{
    char path[128];
    double found[64];
    tsr_array *array;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    ck_succeeds(tsr_npy_open(path, &array));
    ck_assert(array->element == TSR_ELEMENT_FLOAT64 && array->n_dims == 2 && array->dims[0] == rows &&
              array->dims[1] == columns);
    tsr_array_doubles(array, 0, rows * columns, found);
    for (size_t i = 0; i < rows * columns; i++)
        ck_assert(found[i] == expected[i]);
    tsr_array_free(array);
}

/* Fails the test unless the status is a failure that says so. */
static void fails(tsr_status *status, const char *words)
{
    ck_assert_ptr_nonnull(status);
    ck_assert_msg(strstr(tsr_status_message(status), words), "%s", tsr_status_message(status));
    tsr_status_free(status);
}

START_TEST(curves_and_histograms_are_arrays_of_their_rows)
{
    const double x[] = { 0, 0.5, 2 }, y[] = { 1, -1, 3 };
    ck_succeeds(tsr_save_curve(&probing, "a.line", 3, x, y));
    holds("label_a.line.npy", 3, 2, (double[]){ 0, 1, 0.5, -1, 2, 3 });
    ck_succeeds(tsr_save_histogram(&probing, "bars", 2, x, (uint64_t[]){ 7, 0 }));
    holds("label_bars.npy", 2, 3, (double[]){ 0, 0.5, 7, 0.5, 2, 0 });
}
END_TEST

START_TEST(names_have_what_is_put_before_metrics)
{
    ck_succeeds(tsr_metrics_add_prefix(probing.metrics, "inner."));
    ck_succeeds(tsr_metrics_add_prefix(probing.metrics, "projected_"));
    ck_succeeds(tsr_save_curve(&probing, "line", 2, (double[]){ 0, 1 }, (double[]){ 2, 3 }));
    holds("label_inner.projected_line.npy", 2, 2, (double[]){ 0, 2, 1, 3 });
}
END_TEST

START_TEST(without_a_folder_a_curve_is_checked_alone)
{
    probing.folder = NULL;
    ck_succeeds(tsr_save_curve(&probing, "line", 2, (double[]){ 0, 1 }, (double[]){ 2, 3 }));
    fails(tsr_save_curve(&probing, "level", 2, (double[]){ 1, 1 }, (double[]){ 2, 3 }),
          "expected them to ascend");
}
END_TEST

START_TEST(what_is_no_curve_is_refused)
{
    static double many[TSR_MOST_CURVE_POINTS + 2];
    static uint64_t counts[TSR_MOST_CURVE_POINTS + 2];
    const double x[] = { 0, 1 }, y[] = { 2, NAN };
    for (int i = 0; i < TSR_MOST_CURVE_POINTS + 2; i++)
        many[i] = i;
    fails(tsr_save_curve(&probing, "one", 1, x, x), "has 1 points, expected 2 to 512");
    fails(tsr_save_curve(&probing, "many", TSR_MOST_CURVE_POINTS + 1, many, many), "has 513 points");
    fails(tsr_save_histogram(&probing, "none", 0, x, counts), "has 0 bins, expected 1 to 512");
    fails(tsr_save_histogram(&probing, "many", TSR_MOST_CURVE_POINTS + 1, many, counts), "has 513 bins");
    ck_succeeds(tsr_save_histogram(&probing, "most", TSR_MOST_CURVE_POINTS, many, counts));
    fails(tsr_save_curve(&probing, "nan", 2, x, y), "y number 1 is nan, expected a finite one");
    fails(tsr_save_curve(&probing, "endless", 2, (double[]){ 0, INFINITY }, x), "x number 1 is inf");
    fails(tsr_save_histogram(&probing, "falls", 2, (double[]){ 0, 2, 1 }, counts),
          "edge number 2 is 1, after 2");
    fails(tsr_save_curve(&probing, "Upper", 2, x, x), "is not made of lower case");
    fails(tsr_save_curve(&probing, "../up", 2, x, x), "is not made of lower case");
    ck_succeeds(tsr_save_curve(&probing, "line", 2, x, x));
    fails(tsr_save_curve(&probing, "line", 2, x, x), "the curve 'line' was given twice");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("curves");
    TCase *tests = tcase_create("curves");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, curves_and_histograms_are_arrays_of_their_rows);
    tcase_add_test(tests, names_have_what_is_put_before_metrics);
    tcase_add_test(tests, without_a_folder_a_curve_is_checked_alone);
    tcase_add_test(tests, what_is_no_curve_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
