/* The samples of a run: which examples of a dataset train, which are held out, which test, with what noise.
   A view: the dataset stays where it is. */
#ifndef TSR_DATA_SAMPLES_H
#define TSR_DATA_SAMPLES_H

#include <tessera/host.h>
#include <tessera/rng.h>

/* An opened dataset: see host.h. */
struct tsr_data {
    const tsr_instance *instance;
    const tsr_dataset_ops *ops;
    const void *self;
    tsr_dataset_info info; /* checked, of the classes that are kept: see tsr_data_open, classes.h */
    size_t *kept[2]; /* per split: which of the plugin's samples there are; NULL: all, and as it has them */
    int32_t *renumbered; /* of each of the plugin's classes: what it is here, or -1 */
    const char **names;  /* of the classes that are kept, or NULL */
    bool has_digest;
    uint64_t digest; /* of what read gives, see tsr_data_digest */
};

/* A hash of all that the dataset gives, inputs, labels and targets, training and test, and of its shapes and
   classes: other data under the same name have another one. Read once, with one thread, and kept; not while
   another thread asks for it. */
TSR_MUST_CHECK tsr_status *tsr_data_digest(tsr_data *data, uint64_t *out);

/* Examples that a fraction of n amounts to. Rounding, not truncating: 0.1 * 30 is 3 whatever its last bit. */
size_t tsr_portion(double fraction, size_t n);

/* How the training part is cut and disturbed. */
typedef struct tsr_split_options {
    double
        holdout; /* fraction of the training part, from its end, that does not train; rounded to examples */
    size_t samples;      /* so many train, the first; 0: all that are left */
    bool spread;         /* not the first: evenly over what is left, example i * left / samples for each i */
    double label_noise;  /* fraction of training labels drawn anew, uniformly over the classes; so rounded */
    bool permute_labels; /* not drawn anew: these labels are exchanged among themselves, at random */
    double input_noise; /* standard deviation of Gaussian noise added to training inputs, fixed per example */
    double instance_noise; /* fraction of training inputs replaced by uniform ones, see noise.h; so rounded */
    uint64_t seed;         /* of the noise */
} tsr_split_options;

/* A numbered set of examples of one part. */
typedef struct tsr_samples {
    const tsr_data *data;
    tsr_split split;
    size_t first, n; /* examples first .. first + n - 1 of the split */
    size_t over; /* not 0: n of the `over` examples from `first` on, evenly spread; n * over is no overflow */
    int32_t *noisy;     /* n labels as trained on, or NULL: the true ones */
    double input_noise; /* as above; 0: none */
    uint64_t *replaced; /* a bit for each example of the split up to the last: whether its input is uniform
                           noise; NULL: none is */
    uint64_t seed;
    const float *mean; /* subtracted from every input; NULL: nothing is */
} tsr_samples;

typedef struct tsr_parts {
    tsr_samples train, holdout, test; /* holdout.n may be 0; only train is noisy */
    size_t
        epoch_size; /* training examples before `samples` cut them: an epoch's length with constant steps */
    float *mean;    /* what all three subtract, or NULL */
} tsr_parts;

/* Cuts the dataset. Refuses what leaves no training example, `samples` larger than what there is, and
   fractions outside 0 .. 1. Which labels are noisy, and what they become, depends on the seed and the number
   of training examples, as it does which inputs are replaced; a larger fraction has those of a smaller one,
   and keeps its noisy labels where these are drawn anew. On failure *out is empty. */
TSR_MUST_CHECK tsr_status *tsr_parts_new(const tsr_data *data, const tsr_split_options *options,
                                         tsr_parts *out);
void tsr_parts_clear(tsr_parts *parts);

/* From here on the mean input of the training examples, without their noise, is subtracted from every input.
 */
TSR_MUST_CHECK tsr_status *tsr_parts_subtract_mean(tsr_parts *parts);

/* The same with a mean input that is given, a sample's values from malloc, which the parts take over. */
void tsr_parts_set_mean(tsr_parts *parts, float *mean);

/* The number that example i, below samples->n, has in its split. */
size_t tsr_samples_example(const tsr_samples *samples, size_t i);

/* Whether inputs as trained on differ from the true ones. */
static inline bool tsr_samples_disturbed(const tsr_samples *samples)
{
    return samples->input_noise > 0 || samples->replaced;
}

/* The same samples with their true inputs. */
static inline tsr_samples tsr_samples_undisturbed(const tsr_samples *samples)
{
    tsr_samples plain = *samples;
    plain.input_noise = 0;
    plain.replaced = NULL;
    return plain;
}

/* Inputs and labels of the examples that `index` names (each below samples->n), as trained on: noise
   included. Either output may be NULL; labels are left where there are no classes. scratch: n indices,
   overwritten; it may be `index` itself. Any thread.
 */
void tsr_samples_read(const tsr_samples *samples, size_t n, const size_t *index, size_t *scratch,
                      float *inputs, int32_t *labels);

/* Their targets, where the dataset has such: n x the size of info.target. */
void tsr_samples_read_targets(const tsr_samples *samples, size_t n, const size_t *index, size_t *scratch,
                              float *targets);

/* Inputs and labels without noise, for examples first .. first + n - 1. */
void tsr_samples_read_true(const tsr_samples *samples, size_t first, size_t n, size_t *scratch, float *inputs,
                           int32_t *labels);

#endif
