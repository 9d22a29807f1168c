/* Running a probe by hand on a network and inputs: a probing as a run makes it, over arrays. */
#include "plugins/probed_network.h"

#include "base/file.h"
#include "base/memory.h"
#include "experiment/probing.h"

#include <stdlib.h>
#include <string.h>

static void read_part(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                      int32_t *labels)
{
    const probed_network *given = self;
    const probed_part *part = &given->parts[split];
    size_t size = tsr_shape_size(tsr_network_input(given->network));
    for (size_t i = 0; i < n; i++) {
        if (inputs)
            memcpy(inputs + i * size, part->inputs + index[i] * size, size * sizeof(float));
        if (labels)
            labels[i] = given->classes ? part->labels[index[i]] : 0;
    }
}

static const tsr_dataset_ops read_ops = { .read = read_part };

static tsr_status *run(const tsr_instance *instance, tsr_probing *probing, tsr_metrics **out)
{
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    ck_succeeds(tsr_metrics_new("label", out));
    probing->metrics = *out;
    tsr_status *status = ops->run(tsr_instance_self(instance), probing);
    if (status) {
        tsr_metrics_free(*out);
        *out = NULL;
    }
    return status;
}

tsr_status *probe_network_try(const char *settings, const probed_network *given, tsr_metrics **out)
{
    tsr_instance *instance = test_instance(TSR_PROBE, settings);
    tsr_data data = { .instance = instance,
                      .ops = &read_ops,
                      .self = given,
                      .info = { .n = { given->parts[0].n, given->parts[1].n },
                                .shape = tsr_network_input(given->network),
                                .classes = given->classes } };
    tsr_samples samples[2];
    tsr_codes *codes[2], *seen[2];
    for (int split = 0; split < 2; split++) {
        const probed_part *part = &given->parts[split];
        samples[split] = (tsr_samples){ .data = &data, .split = (tsr_split)split, .n = part->n };
        ck_succeeds(tsr_network_encode(given->network, part->n, part->inputs, &codes[split]));
        size_t first = tsr_network_layer(given->network, given->first_layer).first;
        ck_succeeds(tsr_codes_slice(codes[split], first, codes[split]->bits - first, &seen[split]));
    }
    char *folder = given->folder ? NULL : test_folder();
    const tsr_probing_host host = { .parts = { &samples[0], NULL, &samples[1] } };
    tsr_probing probing = { .train = seen[0],
                            .test = seen[1],
                            .train_labels = given->classes ? given->parts[0].labels : NULL,
                            .test_labels = given->classes ? given->parts[1].labels : NULL,
                            .classes = given->classes,
                            .rng = tsr_rng_stream(1, TSR_FOR_PROBE, 0),
                            .folder = given->folder ? given->folder : folder,
                            .network = given->network,
                            .whole_bits = codes[0]->bits,
                            .whole_train = codes[0],
                            .whole_test = codes[1],
                            .host = &host };
    tsr_status *status = run(instance, &probing, out);
    if (folder)
        test_folder_remove(folder);
    for (int split = 0; split < 2; split++) {
        tsr_codes_free(codes[split]);
        tsr_codes_free(seen[split]);
    }
    tsr_instance_free(instance);
    return status;
}

tsr_metrics *probe_network(const char *settings, const probed_network *given)
{
    tsr_metrics *metrics = NULL;
    ck_succeeds(probe_network_try(settings, given, &metrics));
    return metrics;
}

double *saved_array(const char *folder, const char *name, size_t *n)
{
    tsr_array *array;
    char *path = tsr_path_join(folder, name);
    ck_succeeds(tsr_npy_open(path, &array));
    *n = tsr_array_size(array);
    double *values = malloc((*n + 1) * sizeof(*values));
    tsr_array_doubles(array, 0, *n, values);
    tsr_array_free(array);
    free(path);
    return values;
}
