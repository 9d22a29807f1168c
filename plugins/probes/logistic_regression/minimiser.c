/* A coroutine around lbfgs(): its evaluation callback goes back to the caller and waits there for the answer.
 */
#include "minimiser.h"

#include <lbfgs.h>

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STACK (128 << 10)
#define PAIRS 10      /* of steps and changes of the gradient remembered; SciPy's L-BFGS-B has as many */
#define MAX_TRIALS 20 /* of one line */
#define VECTORS (6 + 2 * PAIRS)

size_t minimiser_bytes(size_t n)
{
    size_t bytes;
    if (n >= INT_MAX || __builtin_mul_overflow(n, VECTORS * sizeof(double), &bytes))
        return 0;
    return bytes + STACK;
}

bool minimiser_start(minimiser *m, size_t n, int max_iterations, double tolerance)
{
    *m = (minimiser){ .n = n, .max_iterations = max_iterations, .tolerance = tolerance };
    m->x = calloc(n, sizeof(*m->x));
    m->gradient = calloc(n, sizeof(*m->gradient));
    m->exact = lbfgs_malloc((int)n);
    m->stack = malloc(STACK);
    if (m->x && m->gradient && m->exact && m->stack)
        return true;
    minimiser_clear(m);
    return false;
}

void minimiser_clear(minimiser *m)
{
    free(m->x);
    free(m->gradient);
    lbfgs_free(m->exact);
    free(m->stack);
    *m = (minimiser){ 0 };
}

static bool is_flat(const minimiser *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (!(fabs((double)m->gradient[i]) <= m->tolerance))
            return false;
    return true;
}

/* The library evaluates first at zeros; the value and gradient there are given before it begins. */
static double evaluate(void *instance, const double *x, double *gradient, int n, double step)
{
    minimiser *m = instance;
    (void)step;
    if (m->entered) {
        for (int i = 0; i < n; i++)
            m->x[i] = (float)x[i];
        swapcontext(&m->library, &m->caller);
    }
    m->entered = true;
    for (int i = 0; i < n; i++)
        gradient[i] = m->gradient[i];
    return m->value;
}

/* After each line search; the library's own criterion is another one, so 1 is returned to stop it here. */
static int progress(void *instance, const double *x, const double *gradient, double value, double x_norm,
                    double gradient_norm, double step, int n, int iteration, int trials)
{
    minimiser *m = instance;
    (void)x, (void)gradient, (void)value, (void)x_norm, (void)gradient_norm, (void)step, (void)n,
        (void)trials;
    m->iterations = iteration;
    return is_flat(m);
}

/* The coroutine: arguments of makecontext are ints, so the pointer comes in halves. Whatever the library
   ends with, but for want of memory, x is then the best that it found. */
static void minimise(unsigned high, unsigned low)
{
    minimiser *m = (minimiser *)(uintptr_t)((uint64_t)high << 32 | low);
    lbfgs_parameter_t parameters;
    lbfgs_parameter_init(&parameters);
    parameters.m = PAIRS;
    parameters.epsilon = 0;
    parameters.max_iterations = m->max_iterations;
    parameters.max_linesearch = MAX_TRIALS;
    int ended = lbfgs((int)m->n, m->exact, NULL, evaluate, progress, m, &parameters);
    m->starved = ended == LBFGSERR_OUTOFMEMORY;
    for (size_t i = 0; i < m->n; i++)
        m->x[i] = (float)m->exact[i];
    m->done = true;
}

static void begin(minimiser *m)
{
    memset(m->exact, 0, m->n * sizeof(*m->exact));
    getcontext(&m->library);
    m->library.uc_stack.ss_sp = m->stack;
    m->library.uc_stack.ss_size = STACK;
    m->library.uc_link = &m->caller;
    uint64_t self = (uintptr_t)m;
    makecontext(&m->library, (void (*)(void))minimise, 2, (unsigned)(self >> 32), (unsigned)self);
}

void minimiser_step(minimiser *m)
{
    if (!m->entered) {
        if (is_flat(m)) {
            m->done = true;
            return;
        }
        begin(m);
    }
    swapcontext(&m->caller, &m->library);
}
