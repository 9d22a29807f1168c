/* The module of hooks.h: a plugin of each kind that the engine calls. */
#include "hooks.h"

static tsr_node *build(const void *self, tsr_graph *graph, tsr_node *input, int classes)
{
    const hook_model *hook = self;
    if (!hook->build)
        return tsr_dense(graph, input, classes);
    return hook->build(hook->context, graph, input, classes);
}

static const tsr_model_ops model_ops = { .build = build };
static const tsr_key model_keys[] = {
    TSR_KEY_PLUGIN(hook_model, activation, TSR_ACTIVATION, NULL, "what tsr_activate takes"),
    TSR_KEY_END,
};
static const tsr_plugin model = {
    TSR_MODEL_PLUGIN(&model_ops),
    .name = "hook_model",
    .version = "1.0.0",
    .summary = "what a test says",
    .licence = "MIT",
    TSR_INSTANCE(hook_model),
    .keys = model_keys,
};

static void forward(const void *self, const tsr_units *units, float *y)
{
    (void)self;
    for (size_t i = 0; i < units->samples * units->channels * units->positions; i++) {
        float a = units->learned[i / units->positions % units->channels];
        y[i] = a * units->x[i] + 0.25f * units->x[i] * units->x[i];
    }
}

static void backward(const void *self, const tsr_units *units, const float *dy, float *dx, float *d_learned)
{
    (void)self;
    for (size_t c = 0; c < units->channels; c++)
        d_learned[c] = 0;
    for (size_t i = 0; i < units->samples * units->channels * units->positions; i++) {
        size_t c = i / units->positions % units->channels;
        d_learned[c] += dy[i] * units->x[i];
        dx[i] = dy[i] * (units->learned[c] + 0.5f * units->x[i]);
    }
}

static double learned_initial(const void *self)
{
    (void)self;
    return 0.5;
}

static size_t breakpoints(const void *self, size_t capacity, float *at)
{
    const hook_activation *hook = self;
    static const float two[] = { -1, 1 };
    size_t n = hook->n_breakpoints ? hook->n_breakpoints : 2;
    for (size_t i = 0; i < capacity && i < n && i < 4; i++)
        at[i] = hook->n_breakpoints ? hook->breakpoints[i] : two[i];
    return n;
}

static const tsr_activation_ops activation_ops = { .forward = forward,
                                                   .backward = backward,
                                                   .learned_name = "slope",
                                                   .learned_initial = learned_initial,
                                                   .breakpoints = breakpoints };
static const tsr_plugin activation = {
    TSR_ACTIVATION_PLUGIN(&activation_ops), .name = "hook_activation", .version = "1.0.0",
    .summary = "learned x + x^2 / 4",       .licence = "MIT",          TSR_INSTANCE(hook_activation),
};

static double penalty(const void *self, const tsr_parameter *parameter, float *gradient)
{
    hook_regularizer *hook = (hook_regularizer *)(uintptr_t)self;
    for (size_t i = 0; gradient && i < parameter->n; i++)
        gradient[i] += (float)hook->gradient;
    hook->calls++;
    return hook->value;
}

static const tsr_regularizer_ops regularizer_ops = { .penalty = penalty };
static const tsr_plugin regularizer = {
    TSR_REGULARIZER_PLUGIN(&regularizer_ops),
    .name = "hook_regularizer",
    .version = "1.0.0",
    .summary = "what a test says",
    .licence = "MIT",
    TSR_INSTANCE(hook_regularizer),
};

static size_t slots(const void *self)
{
    return ((const hook_optimizer *)self)->slots;
}

static void update(const void *self, const tsr_update *u)
{
    hook_optimizer *hook = (hook_optimizer *)(uintptr_t)self;
    for (size_t t = 0; t < u->n_tensors; t++)
        for (size_t i = 0; i < u->tensors[t].n; i++)
            u->values[u->tensors[t].first + i] += hook->value;
    hook->last_factor = u->rate_factor;
    hook->last_step = u->step;
    if (hook->see)
        hook->see(hook->context, u);
}

static const tsr_optimizer_ops optimizer_ops = { .slots = slots, .update = update };
static const tsr_plugin optimizer = {
    TSR_OPTIMIZER_PLUGIN(&optimizer_ops), .name = "hook_optimizer", .version = "1.0.0",
    .summary = "what a test says",        .licence = "MIT",         TSR_INSTANCE(hook_optimizer),
};

static double factor(const void *self, const tsr_schedule_time *time)
{
    (void)time;
    return ((const hook_schedule *)self)->factor;
}

static const tsr_schedule_ops schedule_ops = { .factor = factor };
static const tsr_plugin schedule = {
    TSR_SCHEDULE_PLUGIN(&schedule_ops), .name = "hook_schedule", .version = "1.0.0",
    .summary = "what a test says",      .licence = "MIT",        TSR_INSTANCE(hook_schedule),
};

TSR_PLUGINS(&model, &activation, &regularizer, &optimizer, &schedule)
