/* All problems of a fit are minimised in step. A class's examples are passed once for all models that they
   take part in: a model is a lane (tsr_codes_dot), so a row's bits are looked up once for 16 models. In
   one-vs-one the models of class a's pass are those of its pairs, lane b holding (a, b); else they are those
   of all classes. Passes are cut into tasks by the examples alone and their sums are added in the tasks'
   order, so the number of threads cannot show; nor can which problems run in step, as lanes do not mix. The
   weights of long codes are passed some columns at a time, so that what is spread into lanes stays small. */
#include "fit.h"

#include "losses.h"
#include "minimiser.h"

#include <limits.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 2048 /* of a task at most */
#define NO_MODEL SIZE_MAX

/* Entries first .. first + n - 1, all of one class, and what one evaluation gives for them. */
typedef struct pass_task {
    size_t of_class, first, n;
    tsr_lanes *gradient;  /* blocks x wide: of the columns at hand */
    tsr_lanes *intercept; /* blocks: of its gradient */
    tsr_lanes *dots;      /* blocks x ROWS; NULL: the thread's */
    double *loss;         /* by lane; multinomial: the first is all */
} pass_task;

typedef struct fitting {
    const logistic_options *options;
    const logistic_set *set;
    size_t each;   /* weights of a model: bits and the intercept */
    size_t blocks; /* of lanes for all classes */
    minimiser *problems;
    size_t first_model, n_models; /* that are in step */
    size_t per_problem;           /* models */
    size_t n_tasks;
    pass_task *tasks;
    bool *active;             /* by class: its pass is still needed */
    size_t wide;              /* columns at hand at most */
    size_t column, n_columns; /* at hand */
    tsr_lanes *weights;       /* classes (or 1) x blocks x wide */
    tsr_lanes *intercepts;    /* classes (or 1) x blocks */
    tsr_lanes *dots;          /* by thread, or by task: blocks x ROWS */
    tsr_lanes *gradients;     /* by task: blocks x wide, then blocks */
    double *losses;
} fitting;

/* The model in step that lane `other` holds in the pass of `class`. */
static size_t model_of(const fitting *f, size_t c, size_t other)
{
    size_t n = f->set->n_classes, model = other;
    if (other >= n || (f->options->scheme == ONE_VS_ONE && c == other))
        return NO_MODEL;
    if (f->options->scheme == ONE_VS_ONE) {
        size_t a = c < other ? c : other, b = c < other ? other : c;
        model = a * (2 * n - a - 1) / 2 + b - a - 1;
    }
    return model - f->first_model < f->n_models ? model : NO_MODEL;
}

/* The lane that holds the model in the pass of `class`, if any. */
static size_t lane_of(const fitting *f, size_t model, size_t c)
{
    if (f->options->scheme != ONE_VS_ONE)
        return model;
    size_t a, b;
    logistic_pair(model, f->set->n_classes, &a, &b);
    return c == a ? b : c == b ? a : NO_MODEL;
}

/* +1 where the class is the model's positive one, -1 where it is not, 0 without a model. */
static float sign_of(const fitting *f, size_t c, size_t other)
{
    if (model_of(f, c, other) == NO_MODEL)
        return 0;
    if (f->options->scheme == ONE_VS_ONE)
        return c > other ? 1 : -1;
    return c == other ? 1 : -1;
}

static const minimiser *problem_of(const fitting *f, size_t model)
{
    return &f->problems[(model - f->first_model) / f->per_problem];
}

static size_t offset_of(const fitting *f, size_t model)
{
    return (model - f->first_model) % f->per_problem * f->each;
}

/* Whose weights the pass of a class works with. Only one-vs-one has other lanes in each. */
static size_t weights_of(const fitting *f, size_t c)
{
    return f->options->scheme == ONE_VS_ONE ? c * f->blocks : 0;
}

/* A lane without a model has no weights; in the multinomial model it must not draw probability either. */
static void set_lane(const fitting *f, size_t c, size_t other)
{
    size_t block = weights_of(f, c) + other / TSR_LANES, model = model_of(f, c, other);
    float *at = (float *)(f->weights + block * f->wide) + other % TSR_LANES;
    float *intercept = (float *)(f->intercepts + block) + other % TSR_LANES;
    if (model == NO_MODEL) {
        *intercept = f->options->scheme == MULTINOMIAL ? -1e30f : 0;
        return;
    }
    const minimiser *problem = problem_of(f, model);
    const float *x = problem->x + offset_of(f, model);
    for (size_t j = 0; j < f->n_columns; j++)
        at[j * TSR_LANES] = x[f->column + j];
    *intercept = x[f->each - 1];
    f->active[c] |= !problem->done;
}

/* Brings the weights of all passes up to date. */
static void set_weights(fitting *f)
{
    size_t n = f->set->n_classes;
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(n * n * f->n_columns / 4))
    for (size_t c = 0; c < n; c++) {
        f->active[c] = false;
        if (c == 0 || f->options->scheme == ONE_VS_ONE)
            for (size_t other = 0; other < f->blocks * TSR_LANES; other++)
                set_lane(f, c, other);
    }
    for (size_t c = 1; c < n && f->options->scheme != ONE_VS_ONE; c++)
        f->active[c] = f->active[0];
}

static void slopes(const fitting *f, const pass_task *task, tsr_lanes *dots)
{
    const uint32_t *weight = f->set->weight + task->first;
    float C = (float)f->options->C;
    memset(task->loss, 0, f->blocks * TSR_LANES * sizeof(double));
    if (f->options->scheme == MULTINOMIAL) {
        memset(task->intercept, 0, f->blocks * sizeof(tsr_lanes));
        logistic_softmax_slopes(task->n, weight, C, task->of_class, f->blocks, ROWS, dots, task->intercept, 1,
                                task->loss);
        return;
    }
    for (size_t b = 0; b < f->blocks; b++) {
        tsr_lanes sign;
        for (size_t l = 0; l < TSR_LANES; l++)
            sign[l] = sign_of(f, task->of_class, b * TSR_LANES + l);
        logistic_two_class_slopes(task->n, weight, C, &sign, dots + b * ROWS, task->intercept + b,
                                  task->loss + b * TSR_LANES);
    }
}

/* The columns at hand of a task's rows. */
static tsr_code_rows columns_of(const fitting *f, const pass_task *task)
{
    tsr_code_rows rows = logistic_entries(f->set, task->first, task->n);
    rows.words += f->column / 64;
    rows.bits = f->n_columns;
    return rows;
}

/* The columns' share of the margins, at the weights of the class's pass; the first brings the intercept. */
static void add_margins(const fitting *f, const pass_task *task, tsr_lanes *dots)
{
    tsr_code_rows rows = columns_of(f, task);
    for (size_t b = 0; b < f->blocks; b++) {
        size_t block = weights_of(f, task->of_class) + b;
        for (size_t i = 0; i < task->n && f->column == 0; i++)
            dots[b * ROWS + i] = f->intercepts[block];
        tsr_codes_dot(&rows, f->weights + block * f->wide, dots + b * ROWS);
    }
}

static void add_gradient(const fitting *f, const pass_task *task, tsr_lanes *dots)
{
    tsr_code_rows rows = columns_of(f, task);
    for (size_t b = 0; b < f->blocks; b++)
        tsr_codes_sum_columns(&rows, dots + b * ROWS, task->gradient + b * f->wide);
}

/* All of it, where all columns are at hand. */
static void pass(const fitting *f, const pass_task *task, tsr_lanes *dots)
{
    add_margins(f, task, dots);
    slopes(f, task, dots);
    add_gradient(f, task, dots);
}

typedef void task_function(const fitting *f, const pass_task *task, tsr_lanes *dots);

/* Does one thing with every task that is still needed. */
static void each_task(const fitting *f, task_function *work)
{
    bool many = tsr_worth_sharing(f->set->start[f->set->n_classes] * (f->n_columns + 1) * f->blocks / 4);
#pragma omp parallel for num_threads(tsr_threads()) schedule(dynamic) if (many)
    for (size_t t = 0; t < f->n_tasks; t++) {
        const pass_task *task = &f->tasks[t];
        if (f->active[task->of_class])
            work(f, task,
                 task->dots ? task->dots : f->dots + (size_t)omp_get_thread_num() * f->blocks * ROWS);
    }
}

/* Adds a task's share of the columns at hand to a model's gradient. */
static void collect_task(const fitting *f, const pass_task *task, size_t model, const minimiser *problem)
{
    size_t lane = lane_of(f, model, task->of_class);
    if (lane == NO_MODEL)
        return;
    const float *from = (const float *)(task->gradient + lane / TSR_LANES * f->wide) + lane % TSR_LANES;
    float *gradient = problem->gradient + offset_of(f, model) + f->column;
    for (size_t j = 0; j < f->n_columns; j++)
        gradient[j] += from[j * TSR_LANES];
}

/* Adds a task's share of a model's loss. */
static void collect_loss(const fitting *f, const pass_task *task, size_t model, minimiser *problem)
{
    size_t lane = lane_of(f, model, task->of_class);
    if (lane == NO_MODEL)
        return;
    problem->gradient[offset_of(f, model) + f->each - 1] +=
        task->intercept[lane / TSR_LANES][lane % TSR_LANES];
    if (f->options->scheme != MULTINOMIAL)
        problem->value += f->options->C * task->loss[lane];
    else if (model == f->first_model)
        problem->value += f->options->C * task->loss[0];
}

/* The objective of a problem but for the examples' part of the gradient by its weights. */
static void set_value(const fitting *f, size_t number)
{
    minimiser *problem = &f->problems[number];
    problem->value = 0;
    for (size_t i = 0; i < problem->n; i++) {
        bool free = i % f->each == f->each - 1;
        problem->gradient[i] = free ? 0 : problem->x[i];
        problem->value += free ? 0 : 0.5 * (double)problem->x[i] * (double)problem->x[i];
    }
    for (size_t m = 0; m < f->per_problem; m++)
        for (size_t t = 0; t < f->n_tasks; t++)
            collect_loss(f, &f->tasks[t], f->first_model + number * f->per_problem + m, problem);
}

static void collect_gradient(const fitting *f, size_t number)
{
    for (size_t m = 0; m < f->per_problem; m++)
        for (size_t t = 0; t < f->n_tasks; t++)
            collect_task(f, &f->tasks[t], f->first_model + number * f->per_problem + m, &f->problems[number]);
}

static void step(const fitting *f, size_t number)
{
    minimiser_step(&f->problems[number]);
}

/* After a pass. */
static void advance(const fitting *f, size_t number)
{
    set_value(f, number);
    collect_gradient(f, number);
    step(f, number);
}

/* Does one thing with every problem that is not done; returns whether any is left. */
static bool each_problem(const fitting *f, void (*work)(const fitting *f, size_t number))
{
    size_t n = f->n_models / f->per_problem;
    bool many = tsr_worth_sharing(f->n_models * (f->n_columns + 1) / 4), any = false;
#pragma omp parallel for num_threads(tsr_threads()) schedule(dynamic) if (many)
    for (size_t p = 0; p < n; p++)
        if (!f->problems[p].done)
            work(f, p);
    for (size_t p = 0; p < n; p++)
        any |= !f->problems[p].done;
    return any;
}

/* Takes the next columns at hand; false after the last. */
static bool next_columns(fitting *f, size_t first)
{
    size_t left = first < f->set->bits ? f->set->bits - first : 0;
    f->column = first;
    f->n_columns = left < f->wide ? left : f->wide;
    return f->n_columns > 0;
}

/* Evaluates and moves all problems in step once; returns whether any goes on. */
static bool advance_all(fitting *f)
{
    if (f->wide == f->set->bits) {
        set_weights(f);
        each_task(f, pass);
        return each_problem(f, advance);
    }
    for (size_t first = 0; next_columns(f, first); first += f->wide) {
        set_weights(f);
        each_task(f, add_margins);
    }
    each_task(f, slopes);
    each_problem(f, set_value);
    for (size_t first = 0; next_columns(f, first); first += f->wide) {
        each_task(f, add_gradient);
        each_problem(f, collect_gradient);
    }
    return each_problem(f, step);
}

/* Models first .. first + n - 1 from zero to their end. */
static tsr_status *fit_some(fitting *f, size_t first, size_t n, float *weights)
{
    size_t size = f->per_problem * f->each, started = 0;
    f->first_model = first;
    f->n_models = n;
    memset(f->weights, 0,
           f->blocks * f->wide * sizeof(tsr_lanes) *
               (f->options->scheme == ONE_VS_ONE ? f->set->n_classes : 1));
    while (started < n / f->per_problem &&
           minimiser_start(&f->problems[started], size, f->options->max_iterations, f->options->tolerance))
        started++;
    bool complete = started == n / f->per_problem;
    while (complete && advance_all(f))
        ;
    for (size_t p = 0; p < started; p++) {
        complete = complete && !f->problems[p].starved;
        memcpy(weights + (first * f->each) + p * size, f->problems[p].x, size * sizeof(*weights));
        minimiser_clear(&f->problems[p]);
    }
    return complete ? NULL : logistic_no_memory();
}

/* Cuts the classes' entries into tasks of nearly equal size. */
static void cut_tasks(fitting *f)
{
    f->n_tasks = 0;
    for (size_t c = 0; c < f->set->n_classes; c++) {
        size_t first = f->set->start[c], n = f->set->start[c + 1] - first;
        size_t parts = (n + ROWS - 1) / ROWS;
        for (size_t p = 0; p < parts; p++) {
            size_t from = first + n * p / parts, to = first + n * (p + 1) / parts;
            tsr_lanes *gradient = f->gradients + f->n_tasks * f->blocks * (f->wide + 1);
            f->tasks[f->n_tasks] = (pass_task){
                .of_class = c,
                .first = from,
                .n = to - from,
                .gradient = gradient,
                .intercept = gradient + f->blocks * f->wide,
                .dots = f->wide < f->set->bits ? f->dots + f->n_tasks * f->blocks * ROWS : NULL,
                .loss = f->losses + f->n_tasks * f->blocks * TSR_LANES,
            };
            f->n_tasks++;
        }
    }
}

static tsr_status *allocate(fitting *f)
{
    size_t n = f->set->n_classes, tasks = 0;
    for (size_t c = 0; c < n; c++)
        tasks += (f->set->start[c + 1] - f->set->start[c] + ROWS - 1) / ROWS;
    f->tasks = calloc(tasks, sizeof(*f->tasks));
    f->active = calloc(n, sizeof(*f->active));
    f->losses = calloc(tasks, f->blocks * TSR_LANES * sizeof(double));
    size_t passes = f->options->scheme == ONE_VS_ONE ? n * f->blocks : f->blocks;
    size_t apart = f->wide < f->set->bits ? tasks : (size_t)tsr_threads();
    f->gradients = tsr_lanes_new(tasks * f->blocks, f->wide + 1);
    f->weights = tsr_lanes_new(passes, f->wide);
    f->intercepts = tsr_lanes_new(passes, 1);
    f->dots = tsr_lanes_new(apart * ROWS, f->blocks);
    if (!f->tasks || !f->active || !f->losses || !f->gradients || !f->weights || !f->intercepts || !f->dots)
        return logistic_no_memory();
    cut_tasks(f);
    return NULL;
}

static void clear(fitting *f)
{
    free(f->problems);
    free(f->tasks);
    free(f->active);
    free(f->losses);
    free(f->gradients);
    free(f->weights);
    free(f->intercepts);
    free(f->dots);
}

tsr_status *logistic_fit(const logistic_options *options, const logistic_set *set, float *weights)
{
    size_t models = logistic_models(options->scheme, set->n_classes), size;
    if (models == 0)
        return NULL;
    fitting f = { .options = options,
                  .set = set,
                  .each = set->bits + 1,
                  .wide = set->bits < options->columns ? set->bits : options->columns,
                  .n_columns = set->bits,
                  .blocks = (set->n_classes + TSR_LANES - 1) / TSR_LANES,
                  .per_problem = options->scheme == MULTINOMIAL ? models : 1 };
    if (__builtin_mul_overflow(f.per_problem, f.each, &size) || minimiser_bytes(size) == 0)
        return logistic_no_memory();
    size_t together = options->history / minimiser_bytes(size) + 1;
    together = together < models / f.per_problem ? together : models / f.per_problem;
    tsr_status *status = allocate(&f);
    f.problems = calloc(together, sizeof(*f.problems));
    if (!status && !f.problems)
        status = logistic_no_memory();
    together *= f.per_problem;
    for (size_t first = 0; !status && first < models; first += together)
        status = fit_some(&f, first, models - first < together ? models - first : together, weights);
    clear(&f);
    return status;
}
