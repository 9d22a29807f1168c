/* What the host does for the operators of plugins. */
#include "base/log.h"
#include "nn/tasks.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <tessera/op.h>

void tsr_multiply_matrices(tsr_matrix_product product, const float *a, const float *b, float *c)
{
    int m = product.rows, n = product.columns, k = product.inner;
    cblas_sgemm(CblasRowMajor, product.transpose_a ? CblasTrans : CblasNoTrans,
                product.transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1.0f, a,
                product.transpose_a ? m : k, b, product.transpose_b ? k : n, product.add ? 1.0f : 0.0f, c, n);
}

static tsr_task_order task_order = TSR_TASKS_SHARED;

void tsr_tasks_run(tsr_task_order order)
{
    task_order = order;
}

/* In the calling thread, in an order that no thread's schedule is needed for. */
static void run_in_order(size_t n, tsr_task *task, void *context)
{
    size_t strides = task_order == TSR_TASKS_BACKWARDS ? 1 : 2;
    for (size_t first = 0; first < strides; first++)
        for (size_t i = first; i < n; i += strides)
            task(context, task_order == TSR_TASKS_BACKWARDS ? n - 1 - i : i);
}

void tsr_parallel_for(size_t n, size_t floats, tsr_task *task, void *context)
{
    if (task_order == TSR_TASKS_BACKWARDS || task_order == TSR_TASKS_INTERLEAVED) {
        run_in_order(n, task, context);
        return;
    }
    bool shared = tsr_worth_sharing(floats) || task_order == TSR_TASKS_ALWAYS_SHARED;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (shared)
    for (size_t i = 0; i < n; i++)
        task(context, i);
}

void tsr_warn_once(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text;
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    tsr_log_warning_once("%s", text ? text : format);
    free(text);
}
