/* Tasks are sixteen channels of some samples each, cut by the data alone. */
#include "nn/ops/depthwise.h"

#include "nn/kernels/lanes.h"

#include <string.h>

enum { SAMPLES_OF_TASK = 8 };

static tsr_lanes_axis lanes_axis(const axis *a)
{
    return (tsr_lanes_axis){ a->in, a->out, a->kernel, a->stride, a->padding, a->dilation };
}

static bool lanes_of(const grouped *g, tsr_lanes_conv *out)
{
    *out = (tsr_lanes_conv){ lanes_axis(&g->h), lanes_axis(&g->w) };
    return g->group_in == 1 && g->group_out == 1 && tsr_lanes_fit(out);
}

static size_t channel_blocks(const grouped *g)
{
    return (g->channels_in + TSR_LANES_CHANNELS - 1) / TSR_LANES_CHANNELS;
}

static size_t sample_blocks(size_t n)
{
    return (n + SAMPLES_OF_TASK - 1) / SAMPLES_OF_TASK;
}

/* Task number `task`, and its first channel and sample. */
static tsr_lanes_part part_of(const grouped *g, size_t n, size_t task, size_t *channel, size_t *sample)
{
    *channel = task % channel_blocks(g) * TSR_LANES_CHANNELS;
    *sample = task / channel_blocks(g) * SAMPLES_OF_TASK;
    size_t channels = g->channels_in - *channel, samples = n - *sample;
    return (tsr_lanes_part){ .n = channels < TSR_LANES_CHANNELS ? channels : TSR_LANES_CHANNELS,
                             .samples = samples < SAMPLES_OF_TASK ? samples : SAMPLES_OF_TASK,
                             .channels = g->channels_in };
}

void tsr_depthwise_setup(tsr_setup *setup, const grouped *g)
{
    tsr_lanes_conv conv;
    size_t weights = g->channels_in * g->h.kernel * g->w.kernel;
    if (lanes_of(g, &conv))
        tsr_setup_scratch(setup, (weights + SAMPLES_OF_TASK - 1) / SAMPLES_OF_TASK, weights);
}

bool tsr_depthwise_forward(const tsr_pass *pass, const grouped *g, const float *bias)
{
    tsr_lanes_conv conv;
    if (!lanes_of(g, &conv))
        return false;
    size_t in = g->h.in * g->w.in, out = g->h.out * g->w.out, area = g->h.kernel * g->w.kernel;
    size_t tasks = channel_blocks(g) * sample_blocks(pass->n);
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(pass->n * g->channels_in * in))
    for (size_t task = 0; task < tasks; task++) {
        size_t c, s;
        tsr_lanes_part part = part_of(g, pass->n, task, &c, &s);
        tsr_lanes_forward(&conv, &part, pass->inputs[0] + (s * g->channels_in + c) * in,
                          pass->parameters[0] + c * area, bias ? bias + c : NULL,
                          pass->output + (s * g->channels_in + c) * out);
    }
    return true;
}

/* Each task's weight gradient lies apart, and they are added up in the order of samples. */
bool tsr_depthwise_backward(const tsr_pass *pass, const grouped *g)
{
    tsr_lanes_conv conv;
    if (!lanes_of(g, &conv))
        return false;
    size_t in = g->h.in * g->w.in, out = g->h.out * g->w.out, area = g->h.kernel * g->w.kernel;
    size_t weights = g->channels_in * area, tasks = channel_blocks(g) * sample_blocks(pass->n);
    float *dx = pass->input_gradients[0], *dw = pass->parameter_gradients[0];
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(pass->n * g->channels_in * in))
    for (size_t task = 0; task < tasks; task++) {
        size_t c, s;
        tsr_lanes_part part = part_of(g, pass->n, task, &c, &s);
        tsr_lanes_backward(&conv, &part, pass->inputs[0] + (s * g->channels_in + c) * in,
                           pass->parameters[0] + c * area,
                           pass->output_gradient + (s * g->channels_in + c) * out,
                           pass->scratch + s / SAMPLES_OF_TASK * weights + c * area,
                           dx ? dx + (s * g->channels_in + c) * in : NULL);
    }
    memcpy(dw, pass->scratch, weights * sizeof(float));
    for (size_t block = 1; block < sample_blocks(pass->n); block++)
        for (size_t i = 0; i < weights; i++)
            dw[i] += pass->scratch[block * weights + i];
    return true;
}
