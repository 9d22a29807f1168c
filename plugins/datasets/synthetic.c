/* Samples without data: Gaussian clusters, uniform noise that no network can learn, or patterns in the plane
   to look at. A sample is drawn from its own random stream whenever it is read, so nothing is stored but the
   clusters' centres, and sample i is the same in every run, order and thread. */
#include <tessera/dataset.h>
#include <tessera/rng.h>

#include <math.h>
#include <stdlib.h>

enum { CLUSTERS, UNIFORM, MOONS, CIRCLES, SPIRALS, BLOBS };
static const char *const kinds[] = { [CLUSTERS] = "clusters",
                                     [UNIFORM] = "uniform",
                                     [MOONS] = "moons",
                                     [CIRCLES] = "circles",
                                     [SPIRALS] = "spirals",
                                     [BLOBS] = "blobs",
                                     NULL };
static const int default_classes[] = { 10, 10, 2, 2, 3, 3 };

typedef struct synthetic {
    int kind;
    size_t train, test, dimension;
    int classes;
    double spread, separation, noise;
    int64_t seed;

    int n_classes;   /* `classes`, or the kind's own */
    size_t features; /* `dimension`, or 2 */
    double *centres; /* classes x dimension; NULL where there are no clusters */
} synthetic;

#define MAX_SAMPLES (1 << 30)
#define MAX_FEATURES (1 << 24)
#define MAX_CLASSES (1 << 20)
#define MAX_COORDINATES ((size_t)1 << 28) /* of all centres: 2 GiB */

/* Of the numbers of TSR_FOR_DATA's streams, each of these has 2^48. */
enum { STREAMS_TRAIN, STREAMS_TEST, STREAMS_CENTRES };

static tsr_rng stream(const synthetic *data, unsigned family, size_t index)
{
    return tsr_rng_stream((uint64_t)data->seed, TSR_FOR_DATA, (uint64_t)family << 48 | index);
}

static tsr_status *make_centres(synthetic *data)
{
    /* The declared ranges keep the product from overflowing. */
    size_t coordinates = (size_t)data->n_classes * data->dimension;
    if (coordinates > MAX_COORDINATES)
        return tsr_fail(TSR_REFUSED, "%d classes of dimension %zu have %zu coordinates, expected at most %zu",
                        data->n_classes, data->dimension, coordinates, MAX_COORDINATES);
    data->centres = calloc(coordinates, sizeof(*data->centres));
    if (!data->centres)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %d centres of dimension %zu", data->n_classes,
                        data->dimension);
    for (int c = 0; c < data->n_classes; c++) {
        tsr_rng rng = stream(data, STREAMS_CENTRES, (size_t)c);
        for (size_t j = 0; j < data->dimension; j++)
            data->centres[(size_t)c * data->dimension + j] = data->separation * tsr_rng_normal(&rng);
    }
    return NULL;
}

static tsr_status *open_synthetic(void *self, tsr_dataset_info *info)
{
    synthetic *data = self;
    data->n_classes = data->classes ? data->classes : default_classes[data->kind];
    data->features = data->kind > UNIFORM ? 2 : data->dimension;
    if (data->n_classes < 2)
        return tsr_fail(TSR_REFUSED, "classes is %d, expected at least 2, or 0 for the kind's own",
                        data->n_classes);
    if (data->kind == MOONS && data->n_classes != 2)
        return tsr_fail(TSR_REFUSED, "there are two moons, and classes is %d: expected 2 or 0",
                        data->n_classes);
    *info = (tsr_dataset_info){
        .n = { [TSR_TRAIN] = data->train, [TSR_TEST] = data->test },
        .shape = TSR_SHAPE(data->features),
        .classes = data->n_classes,
    };
    return data->kind == CLUSTERS ? make_centres(data) : NULL;
}

static void close_synthetic(void *self)
{
    synthetic *data = self;
    free(data->centres);
    data->centres = NULL;
}

static void draw_clustered(const synthetic *data, tsr_rng *rng, int32_t label, float *input)
{
    const double *centre = data->centres + (size_t)label * data->dimension;
    for (size_t j = 0; j < data->dimension; j++)
        input[j] = (float)(centre[j] + data->spread * tsr_rng_normal(rng));
}

/* A point of the plane within a circle of radius 2 about the origin, and what noise takes beyond. */
static void draw_in_plane(const synthetic *data, tsr_rng *rng, int32_t label, float *input)
{
    double u = tsr_rng_uniform(rng), angle = 2 * M_PI * u, radius = 1, x = 0, y = 0;
    double part = (double)label / data->n_classes;
    if (data->kind == MOONS) { /* half circles that reach into one another */
        x = label ? 0.5 - cos(M_PI * u) : cos(M_PI * u) - 0.5;
        y = label ? 0.25 - sin(M_PI * u) : sin(M_PI * u) - 0.25;
        radius = 0;
    } else if (data->kind == CIRCLES) {
        radius = 1 - part;
    } else if (data->kind == SPIRALS) { /* a turn each, from near the middle */
        radius = 0.05 + 0.95 * u;
        angle = 2 * M_PI * (radius + part);
    } else {
        angle = 2 * M_PI * part;
    }
    input[0] = (float)(x + radius * cos(angle) + data->noise * tsr_rng_normal(rng));
    input[1] = (float)(y + radius * sin(angle) + data->noise * tsr_rng_normal(rng));
}

static void read_synthetic(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                           int32_t *labels)
{
    const synthetic *data = self;
    for (size_t i = 0; i < n; i++) {
        tsr_rng rng = stream(data, split == TSR_TRAIN ? STREAMS_TRAIN : STREAMS_TEST, index[i]);
        int32_t label = (int32_t)tsr_rng_below(&rng, (uint64_t)data->n_classes);
        if (labels)
            labels[i] = label;
        if (!inputs)
            continue;
        float *input = inputs + i * data->features;
        if (data->kind == CLUSTERS)
            draw_clustered(data, &rng, label, input);
        else if (data->kind > UNIFORM)
            draw_in_plane(data, &rng, label, input);
        else
            tsr_rng_fill_uniform(&rng, data->dimension, input, 0, 1);
    }
}

static const tsr_dataset_ops ops = {
    .open = open_synthetic,
    .read = read_synthetic,
    .close = close_synthetic,
};

static const tsr_key keys[] = {
    TSR_KEY_ENUM(synthetic, kind, "clusters", kinds,
                 "clusters: a Gaussian per class; uniform: inputs uniform in [0, 1) and labels that mean "
                 "nothing; in the "
                 "plane moons, circles, spirals, blobs (Gaussians around a circle)"),
    TSR_KEY_INT(synthetic, train, 1000, 1, MAX_SAMPLES, "training samples"),
    TSR_KEY_INT(synthetic, test, 500, 1, MAX_SAMPLES, "test samples"),
    TSR_KEY_INT(synthetic, dimension, 20, 1, MAX_FEATURES, "features of a sample; in the plane 2"),
    TSR_KEY_INT(synthetic, classes, 0, 0, MAX_CLASSES,
                "classes, equally likely; 0: 10, of moons and circles 2, of spirals and blobs 3"),
    TSR_KEY_REAL(synthetic, spread, 1.0, 0.0, 1e6,
                 "standard deviation of each feature within a cluster; clusters only"),
    TSR_KEY_REAL(synthetic, separation, 1.0, 0.0, 1e6,
                 "standard deviation of the centres' coordinates; clusters only"),
    TSR_KEY_REAL(synthetic, noise, 0.1, 0.0, 1e6,
                 "standard deviation of what is added to each coordinate; in the plane only"),
    TSR_KEY_INT(synthetic, seed, 0, 0, INT64_MAX,
                "names the samples; apart from the experiment's seed, so that replicates share their data"),
    TSR_KEY_END
};

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops),
    .name = "synthetic",
    .version = "1.1.0",
    .summary = "Gaussian clusters, uniform noise or patterns in the plane, made as they are read",
    .licence = "MIT",
    TSR_INSTANCE(synthetic),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
