/* A state machine around one line search after another. */
#include "minimiser.h"

#include <tessera/hot.h>

#include <math.h>
#include <string.h>

#define DECREASE 1e-4  /* of the value that the slope promises; the first Wolfe condition */
#define FLATTEN 0.9    /* of the slope may be left; the second */
#define ROUNDING 1e-6  /* of a value: differences below it say nothing */
#define MOST_TRIALS 20 /* of one line */
#define VECTORS (5 + 2 * MINIMISER_PAIRS)

TSR_HOT static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* y += a x */
TSR_HOT static void add(size_t n, double a, const double *restrict x, double *restrict y)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

size_t minimiser_bytes(size_t n)
{
    size_t bytes;
    return __builtin_mul_overflow(n, VECTORS * sizeof(double), &bytes) ? 0 : bytes;
}

void minimiser_start(minimiser *m, size_t n, int max_iterations, double tolerance, void *memory)
{
    double *at = memory;
    *m = (minimiser){ .n = n, .max_iterations = max_iterations, .tolerance = tolerance };
    memset(memory, 0, n * VECTORS * sizeof(double));
    m->x = at;
    m->gradient = at + n;
    m->from = at + 2 * n;
    m->from_gradient = at + 3 * n;
    m->direction = at + 4 * n;
    m->steps = at + 5 * n;
    m->changes = m->steps + MINIMISER_PAIRS * n;
}

static bool is_flat(const minimiser *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (!(fabs(m->gradient[i]) <= m->tolerance))
            return false;
    return true;
}

static size_t remembered(const minimiser *m)
{
    return m->pairs < MINIMISER_PAIRS ? m->pairs : MINIMISER_PAIRS;
}

/* The p-th pair ever stored. */
static double *pair(double *ring, const minimiser *m, size_t p)
{
    return ring + p % MINIMISER_PAIRS * m->n;
}

/* Keeps the step and the change of the gradient over it, where the function curves upwards. */
static void remember(minimiser *m)
{
    double *step = pair(m->steps, m, m->pairs), *change = pair(m->changes, m, m->pairs);
    for (size_t i = 0; i < m->n; i++) {
        step[i] = m->x[i] - m->from[i];
        change[i] = m->gradient[i] - m->from_gradient[i];
    }
    double curvature = dot(m->n, step, change);
    if (curvature > 1e-12 * dot(m->n, change, change))
        m->curvature[m->pairs++ % MINIMISER_PAIRS] = curvature;
}

/* The inverse curvature of the pairs remembered, applied to the gradient: the two loops. */
static void choose_direction(minimiser *m)
{
    double a[MINIMISER_PAIRS];
    size_t n = m->n, kept = remembered(m);
    for (size_t i = 0; i < n; i++)
        m->direction[i] = -m->gradient[i];
    for (size_t p = m->pairs; p-- > m->pairs - kept;) {
        size_t at = p % MINIMISER_PAIRS;
        a[at] = dot(n, pair(m->steps, m, p), m->direction) / m->curvature[at];
        add(n, -a[at], pair(m->changes, m, p), m->direction);
    }
    if (kept) {
        const double *change = pair(m->changes, m, m->pairs - 1);
        double scale = m->curvature[(m->pairs - 1) % MINIMISER_PAIRS] / dot(n, change, change);
        for (size_t i = 0; i < n; i++)
            m->direction[i] *= scale;
    }
    for (size_t p = m->pairs - kept; p < m->pairs; p++) {
        size_t at = p % MINIMISER_PAIRS;
        double b = dot(n, pair(m->changes, m, p), m->direction) / m->curvature[at];
        add(n, a[at] - b, pair(m->steps, m, p), m->direction);
    }
}

static void try_step(minimiser *m, double step)
{
    m->step = step;
    m->trials++;
    for (size_t i = 0; i < m->n; i++)
        m->x[i] = m->from[i] + step * m->direction[i];
}

/* A new line from x. */
static void begin_line(minimiser *m)
{
    choose_direction(m);
    double slope = dot(m->n, m->direction, m->gradient);
    if (!(slope < 0)) { /* what is remembered misleads */
        m->pairs = 0;
        choose_direction(m);
        slope = dot(m->n, m->direction, m->gradient);
    }
    memcpy(m->from, m->x, m->n * sizeof(double));
    memcpy(m->from_gradient, m->gradient, m->n * sizeof(double));
    m->from_value = m->value;
    m->from_slope = m->low_slope = slope;
    m->low = m->high = 0;
    m->trials = 0;
    try_step(m, m->pairs ? 1 : 1 / sqrt(-slope));
}

static bool decreases(const minimiser *m, double slope)
{
    return m->value <= m->from_value + DECREASE * m->step * m->from_slope ||
           (m->value <= m->from_value + ROUNDING * fabs(m->from_value) &&
            slope <= (2 * DECREASE - 1) * m->from_slope);
}

/* Between the bounds, where the slope would be 0 if it went straight; not too near to either. */
static double between(const minimiser *m)
{
    double part = m->high_slope > 0 ? m->low_slope / (m->low_slope - m->high_slope) : 0.5;
    return m->low + (m->high - m->low) * fmin(fmax(part, 0.1), 0.9);
}

static void narrow(minimiser *m, bool too_long, double slope)
{
    if (m->trials == MOST_TRIALS) { /* no step gains any more */
        memcpy(m->x, m->from, m->n * sizeof(double));
        m->done = true;
        return;
    }
    if (too_long) {
        m->high = m->step;
        m->high_slope = slope;
    } else {
        m->low = m->step;
        m->low_slope = slope;
    }
    try_step(m, m->high > 0 ? between(m) : 2 * m->step);
}

void minimiser_step(minimiser *m)
{
    if (m->trials) {
        double slope = dot(m->n, m->direction, m->gradient);
        bool too_long = !decreases(m, slope);
        if (too_long || slope < FLATTEN * m->from_slope) {
            narrow(m, too_long, slope);
            return;
        }
        remember(m);
        m->iterations++;
    }
    if (is_flat(m) || m->iterations == m->max_iterations)
        m->done = true;
    else
        begin_line(m);
}
