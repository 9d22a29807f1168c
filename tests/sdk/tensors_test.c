/* Optimizers that look at tensors, written against the SDK: the guide's LARS and a Muon (muon.c), each beside
   plain loops in double, and both training a network. They are built as authors build them. */
#include "cli/command.h"
#include "support.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 20
#define MAX_SLOTS 8
#define PADDING 5 /* floats behind each tensor that are in none */

static char *folder;

static void setup(void)
{
    folder = test_folder();
    shell_gives(
        folder, 0, NULL, NULL,
        "umask 022\n"
        "awk '/^```/ { inside = 0 } inside { print } "
        "/^```c$/ { getline; if (/^\\/\\* lars\\.c: /) { inside = 1; print } }' "
        "\"$TSR_SOURCE\"/docs/plugins.md >lars.c\n"
        "cp \"$TSR_SOURCE\"/tests/sdk/muon.c .\n"
        "for name in lars muon; do\n"
        "    $CC -std=gnu17 -O2 -Wall -Wextra -Werror -fvisibility=hidden -I\"$TSR_SOURCE\"/include -fPIC "
        "-shared -o $name.so $name.c -L\"$TSR_BUILD\"/.libs -ltessera -lm || exit\n"
        "done");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static tsr_instance *optimizer(const char *name, const char *settings)
{
    char *text = tsr_format("plugin = \"%s/%s.so\"; %s", folder, name, settings);
    tsr_instance *instance = test_instance(TSR_OPTIMIZER, text);
    free(text);
    return instance;
}

/* --- the tensors --- */

static const tsr_update_tensor shapes[] = {
    { .name = "wide.weight", .role = TSR_ROLE_WEIGHT, .n_dims = 2, .dims = { 6, 17 }, .n = 102 },
    { .name = "wide.bias", .role = TSR_ROLE_BIAS, .n_dims = 1, .dims = { 6 }, .n = 6 },
    { .name = "conv.weight", .role = TSR_ROLE_WEIGHT, .n_dims = 4, .dims = { 5, 3, 2, 2 }, .n = 60 },
    { .name = "norm.scale", .role = TSR_ROLE_SCALE, .n_dims = 1, .dims = { 5 }, .n = 5 },
    { .name = "tall.weight", .role = TSR_ROLE_WEIGHT, .n_dims = 2, .dims = { 19, 4 }, .n = 76 },
    { .name = "activation.slope", .role = TSR_ROLE_SLOPE, .n_dims = 2, .dims = { 2, 2 }, .n = 4 },
};
enum { N_TENSORS = sizeof(shapes) / sizeof(*shapes) };

/* An update with its arrays, laid out as the host does it, and what a reference makes of the same. */
typedef struct trial {
    tsr_update update;
    tsr_update_tensor tensors[N_TENSORS];
    float *values, *gradients, *slots[MAX_SLOTS];
    double *expected, *memory;
} trial;

static void begin(trial *t, const tsr_instance *instance, tsr_rng *rng)
{
    const tsr_optimizer_ops *ops = tsr_instance_ops(instance);
    size_t n = 0, n_slots = ops->slots(tsr_instance_self(instance));
    ck_assert(!ops->elementwise);
    ck_assert_uint_le(n_slots, MAX_SLOTS);
    for (size_t i = 0; i < N_TENSORS; i++) {
        t->tensors[i] = shapes[i];
        t->tensors[i].first = n;
        n += shapes[i].n + PADDING;
    }
    t->values = tsr_alloc(n, sizeof(float));
    t->gradients = tsr_alloc(n, sizeof(float));
    t->expected = tsr_alloc(n, sizeof(double));
    t->memory = tsr_alloc(n, sizeof(double));
    for (size_t i = 0; i < n_slots; i++)
        t->slots[i] = tsr_alloc(n, sizeof(float));
    for (size_t i = 0; i < N_TENSORS; i++)
        for (size_t j = t->tensors[i].first; j < t->tensors[i].first + shapes[i].n; j++)
            t->expected[j] = (double)(t->values[j] = (float)tsr_rng_normal(rng));
    t->update = (tsr_update){ .n = n,
                              .values = t->values,
                              .gradients = t->gradients,
                              .slots = t->slots,
                              .n_tensors = N_TENSORS,
                              .tensors = t->tensors };
}

static void end(trial *t)
{
    free(t->values);
    free(t->gradients);
    free(t->expected);
    free(t->memory);
    for (size_t i = 0; i < MAX_SLOTS; i++)
        free(t->slots[i]);
}

/* One tensor's step: w and what is kept from step to step, in double. */
typedef void reference(const tsr_update_tensor *tensor, double factor, const float *g, double *w,
                       double *kept);

static void check(const trial *t, unsigned step)
{
    size_t in_tensors = 0;
    for (size_t i = 0; i < N_TENSORS; i++) {
        const tsr_update_tensor *tensor = &t->tensors[i];
        for (size_t j = tensor->first; j < tensor->first + tensor->n; j++, in_tensors++)
            ck_assert_msg(fabs((double)t->values[j] - t->expected[j]) < 2e-5 * (1 + fabs(t->expected[j])),
                          "step %u: value %zu of %s is %.7g, expected %.7g", step, j - tensor->first,
                          tensor->name, (double)t->values[j], t->expected[j]);
        for (size_t j = tensor->first + tensor->n; j < tensor->first + tensor->n + PADDING; j++, in_tensors++)
            ck_assert_msg(t->values[j] == 0, "step %u: padding behind %s was moved", step, tensor->name);
    }
    ck_assert_uint_eq(in_tensors, t->update.n);
}

static void follows(const tsr_instance *instance, reference *formula)
{
    const tsr_optimizer_ops *ops = tsr_instance_ops(instance);
    tsr_rng rng = tsr_rng_stream(5, TSR_FOR_DATA, 0);
    trial t = { 0 };
    begin(&t, instance, &rng);
    for (unsigned step = 1; step <= STEPS; step++) {
        t.update.step = step;
        t.update.rate_factor = step > STEPS / 2 ? 0.1 : 1;
        for (size_t i = 0; i < N_TENSORS; i++) {
            const tsr_update_tensor *tensor = &t.tensors[i];
            for (size_t j = tensor->first; j < tensor->first + tensor->n; j++)
                t.gradients[j] = (float)(tsr_rng_normal(&rng) * pow(10, (double)i - 3));
            formula(tensor, t.update.rate_factor, t.gradients + tensor->first, t.expected + tensor->first,
                    t.memory + tensor->first);
        }
        ops->update(tsr_instance_self(instance), &t.update);
        check(&t, step);
    }
    end(&t);
}

/* --- LARS --- */

static double norm_of(size_t n, const double *w, const float *g)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += g ? (double)g[i] * (double)g[i] : w[i] * w[i];
    return sqrt(sum);
}

/* You, Gitman and Ginsburg 2017, algorithm 1, of weights; biases and norms have neither a rate of their own
 * nor decay. */
static void lars(const tsr_update_tensor *tensor, double factor, const float *g, double *w, double *kept)
{
    bool is_weight = tensor->role == TSR_ROLE_WEIGHT;
    double local = 1, decay = is_weight ? 0.01 : 0;
    if (is_weight)
        local = 0.02 * norm_of(tensor->n, w, NULL) /
                (norm_of(tensor->n, NULL, g) + decay * norm_of(tensor->n, w, NULL));
    for (size_t i = 0; i < tensor->n; i++) {
        kept[i] = 0.8 * kept[i] + 0.5 * factor * local * ((double)g[i] + decay * w[i]);
        w[i] -= kept[i];
    }
}

START_TEST(the_guides_lars_is_its_formula)
{
    tsr_instance *instance =
        optimizer("lars", "learning_rate = 0.5; momentum = 0.8; weight_decay = 0.01; trust = 0.02;");
    follows(instance, lars);
    tsr_instance_free(instance);
}
END_TEST

/* --- Muon --- */

#define MAX_SIDE 64

/* One round of Newton and Schulz on rows x columns, term by term: x + ... in the order of the formula. */
static void one_round(size_t rows, size_t columns, double *x)
{
    static double gram[MAX_SIDE][MAX_SIDE], square[MAX_SIDE][MAX_SIDE];
    double *next = tsr_alloc(rows * columns, sizeof(double));
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < rows; j++) {
            gram[i][j] = 0;
            for (size_t k = 0; k < columns; k++)
                gram[i][j] += x[i * columns + k] * x[j * columns + k];
        }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < rows; j++) {
            square[i][j] = 0;
            for (size_t k = 0; k < rows; k++)
                square[i][j] += gram[i][k] * gram[k][j];
        }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            next[i * columns + j] = 3.4445 * x[i * columns + j];
            for (size_t k = 0; k < rows; k++)
                next[i * columns + j] += (-4.775 * gram[i][k] + 2.0315 * square[i][k]) * x[k * columns + j];
        }
    memcpy(x, next, rows * columns * sizeof(double));
    free(next);
}

/* Always with X X^T, whichever side is longer: the polynomial of either is the same. */
static void muon(const tsr_update_tensor *tensor, double factor, const float *g, double *w, double *kept)
{
    size_t rows = tensor->dims[0], columns = tensor->n / rows;
    bool is_matrix = tensor->role == TSR_ROLE_WEIGHT;
    for (size_t i = 0; !is_matrix && i < tensor->n; i++)
        w[i] -= 0.05 * factor * (double)g[i];
    if (!is_matrix)
        return;
    double *x = tsr_alloc(tensor->n, sizeof(double));
    for (size_t i = 0; i < tensor->n; i++)
        kept[i] = 0.9 * kept[i] + (double)g[i];
    for (size_t i = 0; i < tensor->n; i++)
        x[i] = kept[i] / (norm_of(tensor->n, kept, NULL) + 1e-7);
    for (int round = 0; round < 5; round++)
        one_round(rows, columns, x);
    for (size_t i = 0; i < tensor->n; i++)
        w[i] -= 0.05 * factor * sqrt(fmax(1, (double)rows / (double)columns)) * x[i];
    free(x);
}

START_TEST(muon_is_its_formula_for_matrices_and_plain_descent_for_the_rest)
{
    tsr_instance *instance = optimizer("muon", "learning_rate = 0.05; momentum = 0.9;");
    follows(instance, muon);
    tsr_instance_free(instance);
}
END_TEST

/* A gradient with singular values 1000, 300 and 100 in the directions of the axes: a step moves all three
   alike, within what the iteration leaves, 0.68 to 1.13 (Jordan et al. 2024). */
START_TEST(steps_of_muon_are_as_long_in_every_direction)
{
    tsr_instance *instance = optimizer("muon", "learning_rate = 1.0; momentum = 0.0;");
    const tsr_optimizer_ops *ops = tsr_instance_ops(instance);
    const float sizes[3] = { 1000, 300, 100 };
    _Alignas(64) float values[12] = { 0 }, gradients[12] = { 0 }, slots[MAX_SLOTS][16] = { { 0 } };
    float *of_slots[MAX_SLOTS];
    for (size_t i = 0; i < MAX_SLOTS; i++)
        of_slots[i] = slots[i];
    for (size_t i = 0; i < 3; i++)
        gradients[i * 4 + i] = sizes[i];
    const tsr_update_tensor tensor = { "w", TSR_ROLE_WEIGHT, 2, { 3, 4 }, 0, 12 };
    ops->update(tsr_instance_self(instance), &(tsr_update){ .n = 12,
                                                            .values = values,
                                                            .gradients = gradients,
                                                            .slots = of_slots,
                                                            .step = 1,
                                                            .rate_factor = 1,
                                                            .n_tensors = 1,
                                                            .tensors = &tensor });
    for (size_t i = 0; i < 12; i++)
        if (i % 5 == 0)
            ck_assert_msg(values[i] < -0.68F && values[i] > -1.13F, "value %zu is %g", i, (double)values[i]);
        else
            ck_assert_float_eq_tol(values[i], 0, 1e-6F);
    tsr_instance_free(instance);
}
END_TEST

/* --- at work --- */

static const char *const trained[][2] = {
    { "lars", "learning_rate = 0.1; trust = 0.1;" },
    { "muon", "learning_rate = 0.02;" },
};

START_TEST(they_pass_the_kit_and_train_a_network_with_convolutions)
{
    command_gives(folder, 0, NULL, NULL, "test %s.so", trained[_i][0]);
    shell_gives(
        folder, 0, NULL, NULL,
        "$TESSERA run \"$TSR_SOURCE\"/configs/sequential.cfg -q -o out -s 'probes=()' "
        "-s 'training.optimizer={plugin=\"%s/%s.so\"; %s}' >said 2>&1 || { cat said >&2; exit 1; }\n"
        "awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == \"model.accuracy.train\") column = i }\n"
        "         END { exit !($column > 0.8) }' out/results.csv || { cat out/results.csv >&2; exit 1; }",
        folder, trained[_i][0], trained[_i][1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tensors");
    TCase *tests = tcase_create("tensors");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, the_guides_lars_is_its_formula);
    tcase_add_test(tests, muon_is_its_formula_for_matrices_and_plain_descent_for_the_rest);
    tcase_add_test(tests, steps_of_muon_are_as_long_in_every_direction);
    tcase_add_loop_test(tests, they_pass_the_kit_and_train_a_network_with_convolutions, 0,
                        sizeof(trained) / sizeof(*trained));
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
