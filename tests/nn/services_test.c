/* What the host does for the operators of plugins: products of matrices, tasks on threads, warnings. */
#include "support.h"

#include "base/machine.h"
#include "nets.h"
#include "nn/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- products --- */

static void products_agree(int m, int n, int k)
{
    float a[60], b[60], c[60], before[60];
    ck_assert(m * k <= 60 && k * n <= 60 && m * n <= 60);
    fill_random(60, a, 1);
    fill_random(60, b, 2);
    for (int kind = 0; kind < 8; kind++) {
        tsr_matrix_product product = { m, n, k, kind & 1, kind & 2, kind & 4 };
        fill_random(60, c, 3);
        memcpy(before, c, sizeof(c));
        tsr_multiply_matrices(product, a, b, c);
        for (int i = 0; i < m; i++)
            for (int j = 0; j < n; j++) {
                double sum = product.add ? (double)before[i * n + j] : 0;
                for (int l = 0; l < k; l++)
                    sum += (double)(product.transpose_a ? a[l * m + i] : a[i * k + l]) *
                           (double)(product.transpose_b ? b[j * k + l] : b[l * n + j]);
                ck_assert_double_eq_tol((double)c[i * n + j], sum, 1e-5);
            }
        ck_assert_mem_eq(c + m * n, before + m * n, (size_t)(60 - m * n) * sizeof(float));
    }
}

START_TEST(products_are_those_of_plain_loops_however_the_matrices_lie)
{
    products_agree(1, 1, 1);
    products_agree(3, 5, 4);
    products_agree(7, 2, 6);
    products_agree(2, 7, 8);
}
END_TEST

/* --- tasks --- */

typedef struct sums {
    const float *x;
    float *of_rows;
    int *calls;
} sums;

#define ROWS 301
#define COLUMNS 997

static void sum_row(void *context, size_t i)
{
    sums *s = context;
    s->calls[i]++;
    for (size_t k = 0; k < COLUMNS; k++)
        s->of_rows[i] += s->x[i * COLUMNS + k];
}

START_TEST(each_task_is_done_once_and_threads_change_no_bits)
{
    float *x = calloc(ROWS * COLUMNS, sizeof(*x)), expected[ROWS];
    ck_assert_ptr_nonnull(x);
    fill_random(ROWS * COLUMNS, x, 4);
    for (int threads = 1; threads <= 4; threads++) {
        float found[ROWS] = { 0 };
        int calls[ROWS] = { 0 };
        tsr_set_threads(threads);
        tsr_parallel_for(ROWS, ROWS * COLUMNS, sum_row, &(sums){ x, found, calls });
        for (size_t i = 0; i < ROWS; i++)
            ck_assert_int_eq(calls[i], 1);
        if (threads == 1)
            memcpy(expected, found, sizeof(found));
        ck_assert_mem_eq(found, expected, sizeof(found));
    }
    tsr_set_threads(1);
    tsr_parallel_for(0, 0, sum_row, NULL);
    free(x);
}
END_TEST

/* --- warnings --- */

static void warn(void *context, size_t i)
{
    (void)context;
    tsr_warn_once("a sample has %zu values", i % 2);
}

START_TEST(a_warning_is_given_once_from_any_thread)
{
    char text[500] = "";
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    int before = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    tsr_set_threads(4);
    tsr_parallel_for(100, 1 << 20, warn, NULL);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 0);
    fclose(file);
    const char *first = strstr(text, "has 0 values"), *second = strstr(text, "has 1 values");
    ck_assert_msg(first && second, "%s", text);
    ck_assert_msg(!strstr(first + 1, "has 0 values") && !strstr(second + 1, "has 1 values"), "%s", text);
}
END_TEST

typedef struct visits {
    size_t n;
    size_t order[5];
} visits;

static void visit(void *context, size_t i)
{
    visits *v = context;
    v->order[v->n++] = i;
}

START_TEST(tasks_are_run_once_each_in_the_order_that_is_asked_for)
{
    static const size_t backwards[] = { 4, 3, 2, 1, 0 }, interleaved[] = { 0, 2, 4, 1, 3 };
    visits v = { 0 };
    tsr_tasks_run(TSR_TASKS_BACKWARDS);
    tsr_parallel_for(5, 5, visit, &v);
    ck_assert_mem_eq(v.order, backwards, sizeof(backwards));
    v.n = 0;
    tsr_tasks_run(TSR_TASKS_INTERLEAVED);
    tsr_parallel_for(5, 5, visit, &v);
    ck_assert_mem_eq(v.order, interleaved, sizeof(interleaved));
    tsr_tasks_run(TSR_TASKS_SHARED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("services");
    TCase *tests = tcase_create("services");
    tcase_add_test(tests, products_are_those_of_plain_loops_however_the_matrices_lie);
    tcase_add_test(tests, each_task_is_done_once_and_threads_change_no_bits);
    tcase_add_test(tests, a_warning_is_given_once_from_any_thread);
    tcase_add_test(tests, tasks_are_run_once_each_in_the_order_that_is_asked_for);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
