/* Exact against sampled: on trained networks the linear region around an example ends where bisection on
   codes says, and a segment has at least as many pieces as dense sampling finds, and hardly more. Codes are
   those of the network in double precision (tsr_lines_encode of lines that begin at a point), which the
   crossings' arithmetic has no part in.

   By hand, on a network that a run has saved and the test examples of any data, one test of the two:
       CK_RUN_CASE=perceptron TSR_EXACT_MODEL=/.../model.safetensors TSR_EXACT_DATASET=idx \
       TSR_EXACT_SETTINGS='path = "/.../mnist";' tests/plugins/exact_test */
#include "cli/command.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/host.h>
#include <tessera/line.h>

#define PATIENCE 240 /* seconds; the sanitizers slow everything down */

enum { N_LINES = 200, N_SEGMENTS = 100, AT_ONCE = 20 };
#define AGREE 1e-6

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* Networks are trained on the digits, but for what the environment names. */
static const char *named(const char *variable, const char *otherwise)
{
    const char *value = getenv(variable);
    return value ? value : otherwise;
}

/* A trained network, and test examples of its data. */
typedef struct trained {
    tsr_host *host;
    tsr_encoder *encoder;
    tsr_network *network;
    tsr_instance *dataset;
    tsr_data *data;
    size_t size, n;
    float *x; /* N_LINES + 1 test examples */
} trained;

/* The model file of a run. The caller frees. */
static char *train_on_digits(const char *model, int epochs)
{
    char config[1024];
    snprintf(config, sizeof(config),
             "dataset = { plugin = \"digits\"; };\nmodel = { %s };\ntraining = { epochs = %d; };\n"
             "probes = ( \"redundancy\" );\noutput = { save_model = true; };\n",
             model, epochs);
    write_text(folder, "exact.cfg", config);
    command_gives(folder, 0, NULL, NULL, "run exact.cfg -q -o out");
    return only_file(folder, "out/runs/*/model.safetensors");
}

static trained train(const char *model, int epochs)
{
    trained t = { .n = N_LINES + 1 };
    const char *plugins = getenv("TESSERA_PLUGIN_PATH");
    char *model_file =
        getenv("TSR_EXACT_MODEL") ? strdup(getenv("TSR_EXACT_MODEL")) : train_on_digits(model, epochs);
    ck_succeeds(tsr_host_new(&(tsr_host_options){ plugins ? 1 : 0, &plugins, 1, true }, &t.host));
    ck_succeeds(tsr_encoder_open(t.host, model_file, NULL, &t.encoder));
    free(model_file);
    ck_succeeds(tsr_host_plugin(t.host, TSR_DATASET, named("TSR_EXACT_DATASET", "digits"),
                                named("TSR_EXACT_SETTINGS", NULL), &t.dataset));
    ck_succeeds(tsr_data_open(t.dataset, &t.data));
    t.network = tsr_encoder_network(t.encoder);
    t.size = tsr_shape_size(tsr_network_input(t.network));
    t.x = calloc(t.n, t.size * sizeof(float));
    for (size_t i = 0; i < t.n; i++)
        ck_succeeds(tsr_data_read(t.data, TSR_TEST, 1, &i, t.x + i * t.size, NULL));
    return t;
}

static void trained_free(trained *t)
{
    free(t->x);
    tsr_data_close(t->data);
    tsr_instance_free(t->dataset);
    tsr_encoder_free(t->encoder);
    tsr_host_free(t->host);
}

/* Some lines through examples. */
typedef struct rays {
    const trained *of;
    size_t n;
    double *x, *u; /* n x size; u of length 1 */
} rays;

static rays rays_new(const trained *t, size_t first, size_t n)
{
    rays r = { t, n, calloc(n, t->size * sizeof(double)), calloc(n, t->size * sizeof(double)) };
    for (size_t i = 0; i < n; i++) {
        tsr_rng rng = tsr_rng_stream(3, TSR_FOR_DATA, first + i);
        double squares = 0;
        for (size_t j = 0; j < t->size; j++) {
            r.x[i * t->size + j] = (double)t->x[(first + i) * t->size + j];
            r.u[i * t->size + j] = tsr_rng_normal(&rng);
            squares += r.u[i * t->size + j] * r.u[i * t->size + j];
        }
        for (size_t j = 0; j < t->size; j++)
            r.u[i * t->size + j] /= sqrt(squares);
    }
    return r;
}

static void rays_free(rays *r)
{
    free(r->x);
    free(r->u);
}

/* The codes at x + t[i] u of each line. */
static tsr_codes *codes_at(const rays *r, const double *t)
{
    size_t size = r->of->size;
    double *points = calloc(r->n, size * sizeof(double));
    tsr_lines *lines;
    tsr_codes *codes;
    for (size_t i = 0; i < r->n; i++)
        for (size_t j = 0; j < size; j++)
            points[i * size + j] = r->x[i * size + j] + t[i] * r->u[i * size + j];
    ck_succeeds(tsr_lines_new(r->of->network, r->n, points, r->u, &lines));
    ck_succeeds(tsr_lines_encode(lines, &codes));
    tsr_lines_free(lines);
    free(points);
    return codes;
}

static bool same(const tsr_codes *a, const tsr_codes *b, size_t row)
{
    return tsr_hamming(tsr_codes_row(a, row), tsr_codes_row(b, row), tsr_codes_used_words(a)) == 0;
}

/* How far the code of each example goes to one side (1 or -1), up to a reach, to a tenth of what is to agree:
   inputs of one code are convex. */
static void bisect(const rays *r, double side, double reach, double *ends)
{
    double in[AT_ONCE] = { 0 }, out[AT_ONCE], t[AT_ONCE] = { 0 };
    tsr_codes *here = codes_at(r, t);
    for (size_t i = 0; i < r->n; i++)
        out[i] = reach;
    for (int step = 0; step == 0 || ldexp(reach, -step) > AGREE / 10; step++) {
        for (size_t i = 0; i < r->n; i++)
            t[i] = side * (step ? (in[i] + out[i]) / 2 : reach);
        tsr_codes *there = codes_at(r, t);
        for (size_t i = 0; i < r->n; i++)
            *(same(here, there, i) ? &in[i] : &out[i]) = fabs(t[i]);
        tsr_codes_free(there);
    }
    for (size_t i = 0; i < r->n; i++)
        ends[i] = (in[i] + out[i]) / 2;
    tsr_codes_free(here);
}

/* The mean length of the regions; fails the test where one ends elsewhere than bisection says. */
static double check_intervals(const trained *t, size_t n_lines, double reach)
{
    double sum = 0, ends[AT_ONCE], worst = 0;
    size_t inside = 0;
    for (size_t first = 0; first < n_lines; first += AT_ONCE) {
        rays r = rays_new(t, first, AT_ONCE);
        tsr_lines *lines;
        ck_succeeds(tsr_lines_new(t->network, r.n, r.x, r.u, &lines));
        for (int side = 1; side >= -1; side -= 2) {
            bisect(&r, side, reach, ends);
            for (size_t i = 0; i < r.n; i++) {
                double exact = fmin(tsr_lines_next(lines)[i], reach);
                worst = fmax(worst, fabs(exact - ends[i]));
                inside += exact < reach;
                sum += exact;
            }
            ck_succeeds(tsr_lines_turn(lines));
        }
        tsr_lines_free(lines);
        rays_free(&r);
    }
    fprintf(stderr, "%zu lines: mean length %.6g, largest difference from bisection %.3g\n", n_lines,
            sum / (double)n_lines, worst);
    ck_assert_uint_gt(inside, n_lines); /* of two ends each */
    ck_assert_double_le(worst, AGREE);
    return sum / (double)n_lines;
}

/* Boundaries that a ray crosses from 0 to its end, exactly. */
static void count_crossings(const rays *r, double end, size_t *counts)
{
    double t[AT_ONCE] = { 0 };
    bool some = true;
    tsr_lines *lines;
    ck_succeeds(tsr_lines_new(r->of->network, r->n, r->x, r->u, &lines));
    while (some) {
        some = false;
        for (size_t i = 0; i < r->n; i++) {
            double next = tsr_lines_next(lines)[i];
            if (next >= end)
                continue;
            some = true;
            t[i] = next;
            counts[i]++;
        }
        if (some)
            ck_succeeds(tsr_lines_move(lines, t));
    }
    tsr_lines_free(lines);
}

/* The same by codes at steps. */
static void count_changes(const rays *r, double end, size_t steps, size_t *counts)
{
    double t[AT_ONCE] = { 0 };
    tsr_codes *before = codes_at(r, t);
    for (size_t k = 1; k <= steps; k++) {
        for (size_t i = 0; i < r->n; i++)
            t[i] = end * (double)k / (double)steps;
        tsr_codes *after = codes_at(r, t);
        for (size_t i = 0; i < r->n; i++)
            counts[i] += !same(before, after, i);
        tsr_codes_free(before);
        before = after;
    }
    tsr_codes_free(before);
}

static void check_segments(const trained *t, double end, size_t steps)
{
    size_t exact = 0, sampled = 0;
    for (size_t first = 0; first < N_SEGMENTS; first += AT_ONCE) {
        rays r = rays_new(t, first, AT_ONCE);
        size_t crossings[AT_ONCE] = { 0 }, changes[AT_ONCE] = { 0 };
        count_crossings(&r, end, crossings);
        count_changes(&r, end, steps, changes);
        for (size_t i = 0; i < r.n; i++) {
            ck_assert_uint_le(changes[i], crossings[i]);
            exact += crossings[i];
            sampled += changes[i];
        }
        rays_free(&r);
    }
    fprintf(stderr, "%d segments: %zu boundaries, %zu changes of the code in %zu steps each\n", N_SEGMENTS,
            exact, sampled, steps);
    ck_assert_uint_gt(exact, 2 * N_SEGMENTS);
    ck_assert_double_ge((double)sampled, 0.9 * (double)exact);
}

START_TEST(a_trained_perceptron_is_cut_where_its_codes_change)
{
    trained t = train("plugin = \"mlp\"; width = 60;", 10);
    check_intervals(&t, N_LINES, 5);
    check_segments(&t, 3, 1500);
    trained_free(&t);
}
END_TEST

START_TEST(a_trained_residual_network_is_cut_where_its_codes_change)
{
    trained t = train("plugin = \"resnet\"; depth = 20;", 1);
    double length = check_intervals(&t, N_LINES, 0.1);
    check_segments(&t, 1.5 * length, 70);
    trained_free(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exact");
    TCase *perceptron = tcase_create("perceptron"), *residual = tcase_create("residual");
    tcase_set_timeout(perceptron, PATIENCE);
    tcase_set_timeout(residual, PATIENCE);
    tcase_add_checked_fixture(perceptron, setup, teardown);
    tcase_add_checked_fixture(residual, setup, teardown);
    tcase_add_test(perceptron, a_trained_perceptron_is_cut_where_its_codes_change);
    tcase_add_test(residual, a_trained_residual_network_is_cut_where_its_codes_change);
    suite_add_tcase(suite, perceptron);
    suite_add_tcase(suite, residual);
    return test_main(suite);
}
