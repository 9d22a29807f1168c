/* Times a network on random images of CIFAR-10's size: training steps, or batches through the network as it
   is. Prints a line of JSON: the median seconds of one, and the loss.

       network MODEL BATCH TIMES train|inference          MODEL: plugin = "resnet"; depth = 20; */
#include "base/machine.h"
#include "base/text.h"
#include "nn/train.h"
#include "config/parse.h"
#include "config/settings.h"

#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/rng.h>
#include <time.h>

#define SHAPE (TSR_SHAPE(3, 32, 32))
#define CLASSES 10

static tsr_registry *registry;

static void demand(tsr_status *status)
{
    if (!status)
        return;
    fprintf(stderr, "%s\n", tsr_status_message(status));
    exit(1);
}

static tsr_instance *configure(tsr_kind kind, const char *text)
{
    char *group = tsr_format("it = { %s };", text);
    tsr_value *config;
    tsr_value *resolved;
    tsr_instance *instance;
    demand(tsr_parse_config(group, "settings", "/", &config));
    tsr_settings settings = { .registry = registry, .folder = "/" };
    demand(tsr_settings_plugin(&settings, kind, tsr_value_member(config, "it"), "it", NULL, &instance,
                               &resolved));
    tsr_value_free(resolved);
    tsr_value_free(config);
    free(group);
    return instance;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

typedef struct moments {
    size_t batch, n; /* n: moments taken */
    double *at;
} moments;

static double median_step(moments *timing)
{
    size_t n = timing->n - 1;
    for (size_t i = 0; i < n; i++)
        timing->at[i] = timing->at[i + 1] - timing->at[i];
    qsort(timing->at, n, sizeof(double), ascending);
    return timing->at[n / 2];
}

static void fill(size_t n, size_t index, float *inputs)
{
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_DATA, index);
    tsr_rng_fill_uniform(&rng, n * tsr_shape_size(SHAPE), inputs, -1, 1);
}

/* The first batch again and again: the time between two calls is a step's. */
static size_t next(void *context, size_t epoch, size_t step, float *inputs, int32_t *labels, float *targets)
{
    moments *timing = context;
    (void)epoch;
    (void)targets;
    if (step == 0)
        fill(timing->batch, 0, inputs);
    for (size_t i = 0; i < timing->batch; i++)
        labels[i] = (int32_t)(i % CLASSES);
    timing->at[timing->n++] = now();
    return timing->batch;
}

static double train(tsr_network *network, moments *timing, size_t times)
{
    tsr_batches batches = { .context = timing, .steps = times + 1, .next = next };
    tsr_training training = { .epochs = 1,
                              .batch = timing->batch,
                              .optimizer =
                                  configure(TSR_OPTIMIZER, "plugin = \"adam\"; learning_rate = 1e-3;"),
                              .seed = 1 };
    tsr_network_set_loss(network, &(tsr_network_loss_options){
                                      .loss = configure(TSR_LOSS, "plugin = \"softmax_cross_entropy\";"),
                                      .classes = CLASSES });
    tsr_trained trained;
    demand(tsr_train(network, &training, &batches, &trained));
    return trained.loss;
}

static double infer(tsr_network *network, moments *timing, size_t times)
{
    demand(tsr_network_plan(network, timing->batch, false));
    fill(timing->batch, 0, tsr_network_input_values(network));
    for (size_t i = 0; i <= times; i++) {
        timing->at[timing->n++] = now();
        tsr_network_forward(network, timing->batch, NULL, NULL);
    }
    return tsr_network_logits(network)[0];
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fputs("usage: network MODEL BATCH TIMES train|inference\n", stderr);
        return 1;
    }
    size_t times = strtoul(argv[3], NULL, 10);
    moments timing = { .batch = strtoul(argv[2], NULL, 10), .at = calloc(times + 2, sizeof(double)) };
    if (!timing.at || !timing.batch || !times)
        return 1;
    tsr_set_threads(omp_get_max_threads());
    tsr_flush_subnormals();
    demand(tsr_registry_new(0, NULL, &registry)); /* $TESSERA_PLUGIN_PATH */
    tsr_instance *model = configure(TSR_MODEL, argv[1]);
    tsr_network *network;
    demand(tsr_network_new(model, SHAPE, CLASSES, 1, &network));
    bool training = strcmp(argv[4], "train") == 0;
    double value = training ? train(network, &timing, times) : infer(network, &timing, times);
    printf("{ \"threads\": %d, \"seconds\": %.6f, \"%s\": %.9g }\n", tsr_threads(), median_step(&timing),
           training ? "loss" : "logit", value);
    return 0;
}
