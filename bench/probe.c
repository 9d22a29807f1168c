/* Times one probe on codes made for it. SEED is of what the probe draws:

       probe TRAIN TEST BITS codes FOLDER       writes the codes and labels as .npy, for a peer to read
       probe TRAIN TEST BITS SETTINGS [TIMES [SEED]]
                                                runs the probe so often; a line of JSON: its metrics
                                                and the least seconds of all times

   SETTINGS are what a config would say: 'plugin = "knn"; k = 9;'. Codes are made as a network's come about:
   examples scattered around one of their class's centres in a space of few dimensions, and a bit for the side
   of each of many random hyperplanes. The same numbers give the same codes. Threads: OMP_NUM_THREADS, by
   default every core. */
#include "base/file.h"
#include "base/machine.h"
#include "base/text.h"
#include "codes/metrics.h"
#include "codes/npy.h"
#include "experiment/probed.h"
#include "config/parse.h"
#include "config/settings.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/multiversion.h>
#include <time.h>

#define CLASSES 10
#define CENTERS 20 /* the classes take turns */
#define DIMENSIONS 12
#define SPREAD 1.6f /* of the centres, where examples scatter by 1 about theirs */
#define SEED 1

typedef struct labelled {
    tsr_codes *codes;
    int32_t *labels;
} labelled;

static void *allocate(size_t n, size_t size)
{
    void *memory = calloc(n ? n : 1, size);
    if (!memory) {
        fputs("not enough memory\n", stderr);
        exit(1);
    }
    return memory;
}

static void demand(tsr_status *status)
{
    if (!status)
        return;
    fprintf(stderr, "%s\n", tsr_status_message(status));
    exit(1);
}

static float *normals(tsr_rng rng, size_t n, float scale)
{
    float *values = allocate(n, sizeof(*values));
    for (size_t i = 0; i < n; i++)
        values[i] = scale * (float)tsr_rng_normal(&rng);
    return values;
}

/* Heights of a point over every hyperplane; planes is DIMENSIONS x bits. */
TSR_MULTIVERSION(project, (size_t bits, const float *planes, const float *point, float *restrict heights),
                 (bits, planes, point, heights))
{
    memset(heights, 0, bits * sizeof(*heights));
    for (size_t d = 0; d < DIMENSIONS; d++) {
        const float *plane = planes + d * bits;
        float x = point[d];
#pragma omp simd
        for (size_t j = 0; j < bits; j++)
            heights[j] += x * plane[j];
    }
}

/* n examples; `part` tells training from test. */
static labelled make(size_t n, size_t bits, unsigned part)
{
    labelled made = { .labels = allocate(n, sizeof(int32_t)) };
    demand(tsr_codes_new(n, bits, &made.codes));
    float *centers = normals(tsr_rng_stream(SEED, TSR_FOR_DATA, 0), (size_t)CENTERS * DIMENSIONS, SPREAD);
    float *planes = normals(tsr_rng_stream(SEED, TSR_FOR_DATA, 1), bits * DIMENSIONS, 1);
    float *shifts = normals(tsr_rng_stream(SEED, TSR_FOR_DATA, 2), bits, 2);
    float *heights = allocate(bits, sizeof(*heights));
    tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_DATA, 3 + part);
    for (size_t i = 0; i < n; i++) {
        float point[DIMENSIONS];
        uint64_t center = tsr_rng_below(&rng, CENTERS), *row = made.codes->words + i * made.codes->stride;
        made.labels[i] = (int32_t)(center % CLASSES);
        for (size_t d = 0; d < DIMENSIONS; d++)
            point[d] = centers[center * DIMENSIONS + d] + (float)tsr_rng_normal(&rng);
        project(bits, planes, point, heights);
        for (size_t j = 0; j < bits; j++)
            row[j / 64] |= (uint64_t)(heights[j] > shifts[j]) << j % 64;
    }
    free(centers);
    free(planes);
    free(shifts);
    free(heights);
    return made;
}

static void save(const char *folder, const char *part, labelled set)
{
    char *codes = tsr_format("%s/%s.npy", folder, part),
         *labels = tsr_format("%s/%s_labels.npy", folder, part);
    demand(tsr_npy_write_codes(codes, set.codes));
    demand(tsr_npy_write_labels(labels, set.codes->n, set.labels));
    free(codes);
    free(labels);
}

static tsr_instance *configure(const char *text)
{
    tsr_registry *registry;
    tsr_instance *instance;
    tsr_value *resolved;
    tsr_value *config;
    char *group = tsr_format("probe = {\n%s\n};", text);
    demand(tsr_parse_config(group, "settings", "/", &config));
    demand(tsr_registry_new(0, NULL, &registry)); /* $TESSERA_PLUGIN_PATH */
    tsr_settings settings = { .registry = registry, .folder = "/" };
    demand(tsr_settings_plugin(&settings, TSR_PROBE, tsr_value_member(config, "probe"), "probe", NULL,
                               &instance, &resolved));
    tsr_value_free(resolved);
    tsr_value_free(config);
    free(group);
    return instance;
}

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

typedef struct tally {
    double seconds, cpu_seconds;
} tally;

/* Not inlined: instructions are counted from its beginning to its end. */
__attribute__((noinline)) static tally measure(const tsr_instance *instance, labelled train, labelled test,
                                               uint64_t seed, bool last)
{
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    tsr_metrics *metrics;
    demand(tsr_metrics_new("probe", &metrics));
    tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_PROBE, seed);
    tsr_probed_codes seen;
    tally timing = { now(CLOCK_MONOTONIC), now(CLOCK_PROCESS_CPUTIME_ID) };
    demand(tsr_choose_probed_codes(tsr_instance_common(instance), train.codes, test.codes, NULL, NULL, NULL,
                                   &rng, metrics, &seen));
    tsr_probing probing = { .train = seen.train,
                            .test = seen.test,
                            .train_labels = train.labels,
                            .test_labels = test.labels,
                            .classes = CLASSES,
                            .rng = rng,
                            .folder = "/",
                            .metrics = metrics };
    demand(ops->run(tsr_instance_self(instance), &probing));
    timing.seconds = now(CLOCK_MONOTONIC) - timing.seconds;
    timing.cpu_seconds = now(CLOCK_PROCESS_CPUTIME_ID) - timing.cpu_seconds;
    for (size_t i = 0; last && i < tsr_metrics_count(metrics); i++)
        if (isfinite(tsr_metrics_get(metrics, i).value)) /* JSON has no NaN */
            printf("\"%s\": %.9g, ", tsr_metrics_get(metrics, i).name, tsr_metrics_get(metrics, i).value);
    tsr_probed_codes_clear(&seen);
    tsr_metrics_free(metrics);
    return timing;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fputs("usage: probe TRAIN TEST BITS codes FOLDER | probe TRAIN TEST BITS SETTINGS [TIMES [SEED]]\n",
              stderr);
        return 1;
    }
    size_t n_train = strtoul(argv[1], NULL, 10), n_test = strtoul(argv[2], NULL, 10);
    size_t bits = strtoul(argv[3], NULL, 10);
    labelled train = make(n_train, bits, 0), test = make(n_test, bits, 1);
    if (argc > 5 && strcmp(argv[4], "codes") == 0) {
        save(argv[5], "train", train);
        save(argv[5], "test", test);
        return 0;
    }
    tsr_set_threads(omp_get_max_threads());
    tsr_flush_subnormals();
    tsr_instance *instance = configure(argv[4]);
    int times = argc > 5 ? atoi(argv[5]) : 1;
    uint64_t seed = argc > 6 ? strtoull(argv[6], NULL, 10) : 0;
    tally least = { INFINITY, INFINITY };
    printf("{ ");
    for (int i = 0; i < times; i++) {
        tally timing = measure(instance, train, test, seed, i + 1 == times);
        least.seconds = fmin(least.seconds, timing.seconds);
        least.cpu_seconds = fmin(least.cpu_seconds, timing.cpu_seconds);
    }
    printf("\"threads\": %d, \"seconds\": %.6f, \"cpu_seconds\": %.6f }\n", tsr_threads(), least.seconds,
           least.cpu_seconds);
    return 0;
}
