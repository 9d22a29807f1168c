/* Linear regions around examples (Hanin and Rolnick 2019; Raghu et al. 2017; Novak et al. 2018; Humayun et
   al. 2024): how long they are along directions, exactly and by codes at steps; how many a segment between
   two examples crosses; how far the first layer's boundaries are; how many units change sign in a
   neighbourhood. Of training, test and random inputs. Work is cut into blocks of examples, each of which has
   its own random numbers. */
#include "regions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 256 /* examples that are read together */
#define MAX_EXAMPLES (1 << 24)
#define LEAST 1e-6 /* distance that is told from none */

/* --- what the measures share --- */

size_t regions_partner(const sample *s, tsr_rng rng, size_t i, bool same)
{
    size_t from = i, to = i + 1; /* what is left out, or with `same` drawn from, of the examples by class */
    if (s->labels) {
        from = s->first[s->labels[i]];
        to = s->first[s->labels[i] + 1];
    }
    if (s->labels && same) {
        if (to - from < 2)
            return SIZE_MAX;
        size_t drawn = from + (size_t)tsr_rng_below(&rng, to - from - 1);
        return s->order[drawn + (drawn >= s->place[i])];
    }
    if (s->n == to - from)
        return SIZE_MAX;
    size_t drawn = (size_t)tsr_rng_below(&rng, s->n - (to - from));
    drawn += drawn >= from ? to - from : 0;
    return s->labels ? s->order[drawn] : drawn;
}

tsr_status *regions_give(const tsr_probing *probing, const sample *s, const char *name, double value,
                         const char *reason)
{
    return tsr_metric_unless(probing, s->n ? reason : "there are no examples", value, "%s.%s", name, s->part);
}

typedef struct sharing {
    regions_task *task;
    void *context;
    tsr_status **statuses;
} sharing;

static void share_one(void *context, size_t i)
{
    const sharing *s = context;
    s->statuses[i] = s->task(s->context, i);
}

tsr_status *regions_share(size_t n, size_t floats, regions_task *task, void *context)
{
    tsr_status *first = NULL;
    sharing s = { task, context, calloc(n + 1, sizeof(tsr_status *)) };
    if (!s.statuses)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu tasks", n);
    tsr_parallel_for(n, floats, share_one, &s);
    for (size_t i = 0; i < n; i++)
        if (first)
            tsr_status_free(s.statuses[i]);
        else
            first = s.statuses[i];
    free(s.statuses);
    return first;
}

/* --- the examples --- */

static void sample_clear(sample *s)
{
    free(s->x);
    free(s->labels);
    free(s->order);
    free(s->first);
    free(s->place);
    free(s->centre);
}

static tsr_status *sample_make(sample *s, size_t n, bool labelled)
{
    s->n = n;
    s->x = n <= SIZE_MAX / sizeof(float) / s->size ? malloc(n * s->size * sizeof(float) + 1) : NULL;
    s->labels = labelled ? malloc(n * sizeof(int32_t) + 1) : NULL;
    s->centre = calloc(s->size, sizeof(double));
    if (!s->x || !s->centre || (labelled && !s->labels))
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu examples of %zu values", n, s->size);
    return NULL;
}

/* The mean of all examples of a part. */
static tsr_status *find_centre(const tsr_probing *probing, tsr_part part, sample *s)
{
    size_t all = tsr_probing_examples(probing, part), index[AT_ONCE];
    float *x =
        s->size <= SIZE_MAX / sizeof(float) / AT_ONCE ? malloc(AT_ONCE * s->size * sizeof(float)) : NULL;
    tsr_status *status = x ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for %d examples", AT_ONCE);
    for (size_t first = 0; !status && first < all; first += AT_ONCE) {
        size_t n = all - first < AT_ONCE ? all - first : AT_ONCE;
        for (size_t i = 0; i < n; i++)
            index[i] = first + i;
        status = tsr_probing_read(probing, part, TSR_INPUT_CLEAN, n, index, x, NULL);
        for (size_t i = 0; !status && i < n; i++)
            for (size_t j = 0; j < s->size; j++)
                s->centre[j] += (double)x[i * s->size + j];
    }
    for (size_t j = 0; j < s->size; j++)
        s->centre[j] /= (double)(all ? all : 1);
    free(x);
    return status;
}

static tsr_status *sort_by_class(sample *s, int classes)
{
    s->order = calloc(s->n + 1, sizeof(*s->order));
    s->place = calloc(s->n + 1, sizeof(*s->place));
    s->first = calloc((size_t)classes + 2, sizeof(*s->first));
    if (!s->order || !s->place || !s->first)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu examples by class", s->n);
    for (size_t i = 0; i < s->n; i++)
        s->first[s->labels[i] + 2]++;
    for (int k = 0; k < classes; k++)
        s->first[k + 1] += s->first[k];
    for (size_t i = 0; i < s->n; i++) { /* the start of each class, until it is the end */
        s->place[i] = s->first[s->labels[i] + 1]++;
        s->order[s->place[i]] = i;
    }
    return NULL;
}

/* Examples that lie evenly over the part. */
static tsr_status *read_sample(const tsr_probing *probing, tsr_part part, size_t wanted, sample *s)
{
    const int32_t *labels = part == TSR_PART_TRAIN ? probing->train_labels : probing->test_labels;
    size_t all = tsr_probing_examples(probing, part), n = wanted && wanted < all ? wanted : all;
    TSR_TRY(sample_make(s, n, labels != NULL));
    for (size_t i = 0; i < n; i++) {
        size_t index = (size_t)((double)i * (double)all / (double)n);
        TSR_TRY(tsr_probing_read(probing, part, TSR_INPUT_CLEAN, 1, &index, s->x + i * s->size, NULL));
        if (labels)
            s->labels[i] = labels[index];
    }
    if (labels)
        TSR_TRY(sort_by_class(s, probing->classes));
    return find_centre(probing, part, s);
}

static tsr_status *draw_sample(size_t n, sample *s)
{
    TSR_TRY(sample_make(s, n, false));
    for (size_t i = 0; i < n; i++) {
        tsr_rng rng = regions_stream(s, FOR_INPUT, i);
        tsr_rng_fill_uniform(&rng, s->size, s->x + i * s->size, 0, 1);
        for (size_t j = 0; j < s->size; j++)
            s->centre[j] += (double)s->x[i * s->size + j] / (double)n;
    }
    return NULL;
}

/* --- the probe --- */

static tsr_status *measure(const regions *self, const tsr_probing *probing, const sample *s,
                           const double *gradients)
{
    TSR_TRY(regions_measure_intervals(self, probing, s, gradients));
    TSR_TRY(regions_measure_transitions(self, probing, s));
    return regions_measure_complexity(self, probing, s);
}

static tsr_status *run(const void *context, const tsr_probing *probing)
{
    const regions *self = context;
    tsr_rng rng = probing->rng;
    sample samples[3] = { { .part = "train" }, { .part = "test" }, { .part = "random" } };
    double *gradients;
    tsr_status *status = regions_gradients(probing, &gradients);
    for (size_t i = 0; !status && i < 3; i++) {
        sample *s = &samples[i];
        s->size = tsr_shape_size(tsr_network_input(probing->network));
        s->seed = tsr_rng_u64(&rng);
        if (i == 2 && !self->random)
            continue;
        status = i == 2 ? draw_sample((size_t)self->random, s)
                        : read_sample(probing, i ? TSR_PART_TEST : TSR_PART_TRAIN, (size_t)self->examples, s);
        if (!status)
            status = measure(self, probing, s, gradients);
        sample_clear(s);
    }
    free(gradients);
    return status;
}

static tsr_status *check(const void *self, const tsr_probe_sizes *sizes)
{
    (void)self;
    return tsr_refuse_projection(sizes, "linear regions are");
}

/* clang-format off */
#define OF(name, part_, text, ...) TSR_METRIC(name, TSR_METRIC_OTHER, part_, text, .maximum = INFINITY, ##__VA_ARGS__)
#define LENGTH(name, s, part_, where)                                                                        \
    OF(name s, part_, "length of the linear region towards " where),                                         \
    OF(name "_sampled" s, part_, "length of the linear region towards " where ", by codes at steps")
#define SEGMENT(kind, s, part_, where)                                                                       \
    OF("transitions" kind s, part_, "boundaries of regions that a segment between examples " where "crosses"),         \
    OF("flips" kind s, part_, "bits that flip along a segment between examples " where "in all"),            \
    OF("transitions_per_length" kind s, part_, "boundaries of regions per unit of length between examples " where "in all")
#define COMMON(s, part_)                                                                                     \
    LENGTH("centre", s, part_, "the mean input"), LENGTH("random", s, part_, "a random direction"),          \
    OF("boundary" s, part_, "distance to the nearest boundary of the first layer"),                          \
    SEGMENT("", s, part_, ""),                                                                               \
    OF("local_complexity_units" s, part_, "units that change sign near an example"),                         \
    OF("layer#.local_complexity_units" s, part_, "units of the layer that change sign near an example"),     \
    TSR_METRIC("local_complexity" s, TSR_METRIC_OTHER, part_, "fraction of units that change sign near an example", .maximum = 1),  \
    TSR_METRIC("layer#.local_complexity" s, TSR_METRIC_OTHER, part_,                                         \
               "fraction of the layer's units that change sign near an example", .maximum = 1)
#define LABELLED(s, part_)                                                                                   \
    COMMON(s, part_), LENGTH("pair_same", s, part_, "an example of the same class"),                         \
    LENGTH("pair_other", s, part_, "an example of another class"),                                           \
    SEGMENT("_within", s, part_, "of one class "), SEGMENT("_across", s, part_, "of two classes ")
/* clang-format on */

static const tsr_metric_info metrics[] = { LABELLED(".train", TSR_METRIC_OF_TRAIN),
                                           LABELLED(".test", TSR_METRIC_OF_TEST),
                                           COMMON(".random", TSR_METRIC_OF_ANY), TSR_METRICS_END };

/* clang-format off */
#define LENGTHS(name, s, part_, where)                                                                       \
    TSR_CURVE(name "_lengths" s, TSR_CURVE_HISTOGRAM, part_, "lengths of the linear regions towards " where, \
              "length", "examples", .x_maximum = INFINITY, .y_maximum = INFINITY, .x_logarithmic = true)
#define ANY_LENGTHS(s, part_)                                                                                \
    LENGTHS("centre", s, part_, "the mean input"), LENGTHS("random", s, part_, "a random direction")
#define ALL_LENGTHS(s, part_)                                                                                \
    ANY_LENGTHS(s, part_), LENGTHS("pair_same", s, part_, "an example of the same class"),                   \
    LENGTHS("pair_other", s, part_, "an example of another class")
/* clang-format on */

static const tsr_curve_info curves[] = { ALL_LENGTHS(".train", TSR_METRIC_OF_TRAIN),
                                         ALL_LENGTHS(".test", TSR_METRIC_OF_TEST),
                                         ANY_LENGTHS(".random", TSR_METRIC_OF_ANY), TSR_CURVES_END };

static const tsr_probe_ops ops = { .check = check,
                                   .run = run,
                                   .metrics = metrics,
                                   .needs = TSR_PROBE_NETWORK,
                                   .without_labels = true,
                                   TSR_CURVES(curves) };

static const tsr_key keys[] = {
    TSR_KEY_INT(regions, examples, 1000, 0, MAX_EXAMPLES,
                "so many examples of each part, evenly spread over it, are measured; 0: all"),
    TSR_KEY_INT(regions, random, 0, 0, MAX_EXAMPLES,
                "so many random inputs, uniform in [0,1), are measured too, as random; 0: none",
                .unit = "inputs"),
    TSR_KEY_REAL(regions, reach, 5.0, LEAST, 1e6, "lengths are cut off at this distance to either side"),
    TSR_KEY_INT(regions, sampled, 100, 0, MAX_EXAMPLES,
                "of so many of the examples, lengths are also found by codes at 200 steps over the reach; 0: "
                "of none"),
    TSR_KEY_INT(regions, segments, 100, 0, MAX_EXAMPLES,
                "so many segments between examples are followed, within classes and across; 0: none"),
    TSR_KEY_INT(
        regions, directions, 5, 0, 1 << 16,
        "local complexity: so many directions at right angles, each to both sides; 0: it is not measured"),
    TSR_KEY_REAL(regions, radius, 1.0, LEAST, 1e6, "local complexity: so far along each"),
    TSR_KEY_END
};

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops),
    .name = "regions",
    .version = "1.0.0",
    .summary = "linear regions: lengths, boundaries along segments, distances, local complexity",
    .licence = "MIT",
    TSR_INSTANCE(regions),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
