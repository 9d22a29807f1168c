/* Running a probe by hand. */
#include "plugins/probe_support.h"

#include "experiment/probed.h"

#include "base/machine.h"
#include "nn/network.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static tsr_codes *scatter(tsr_rng *rng, const tsr_codes *prototypes, size_t n, double noise, int32_t *labels)
{
    tsr_codes *codes;
    ck_succeeds(tsr_codes_new(n, prototypes->bits, &codes));
    for (size_t i = 0; i < n; i++) {
        labels[i] = (int32_t)(i % prototypes->n);
        for (size_t j = 0; j < codes->bits; j++)
            set_bit(codes, i, j, get_bit(prototypes, (size_t)labels[i], j) != (tsr_rng_uniform(rng) < noise));
    }
    return codes;
}

labelled blobs(uint64_t seed, size_t n_train, size_t n_test, int classes, size_t bits, double noise)
{
    labelled data = { .classes = classes };
    tsr_codes *prototypes = random_codes(seed, (size_t)classes, bits, 0.5);
    tsr_rng rng = tsr_rng_stream(seed, TSR_FOR_DATA, 1);
    data.train_labels = calloc(n_train + 1, sizeof(int32_t));
    data.test_labels = calloc(n_test + 1, sizeof(int32_t));
    data.train = scatter(&rng, prototypes, n_train, noise, data.train_labels);
    data.test = scatter(&rng, prototypes, n_test, noise, data.test_labels);
    tsr_codes_free(prototypes);
    return data;
}

void labelled_clear(labelled *data)
{
    tsr_codes_free(data->train);
    tsr_codes_free(data->test);
    free(data->train_labels);
    free(data->test_labels);
}

tsr_metrics *probe_into(const char *settings, const labelled *data, const char *folder)
{
    tsr_instance *instance = test_instance(TSR_PROBE, settings);
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    tsr_metrics *metrics;
    ck_succeeds(tsr_metrics_new("label", &metrics));
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_PROBE, 0);
    tsr_probed_codes seen;
    ck_succeeds(tsr_choose_probed_codes(tsr_instance_common(instance), data->train, data->test, NULL, NULL,
                                        NULL, &rng, metrics, &seen));
    tsr_probing probing = { .train = seen.train,
                            .test = seen.test,
                            .train_labels = data->train_labels,
                            .test_labels = data->test_labels,
                            .classes = data->classes,
                            .rng = rng,
                            .folder = folder,
                            .metrics = metrics };
    ck_succeeds(ops->run(tsr_instance_self(instance), &probing));
    tsr_probed_codes_clear(&seen);
    tsr_instance_free(instance);
    return metrics;
}

tsr_metrics *probe(const char *settings, const labelled *data)
{
    return probe_into(settings, data, NULL);
}

void set_two_layers(labelled *data, size_t first)
{
    const tsr_code_layer layers[] = { { "a", 0, first }, { "b", first, data->train->bits - first } };
    ck_succeeds(tsr_codes_set_layers(data->train, 2, layers));
    ck_succeeds(tsr_codes_set_layers(data->test, 2, layers));
}

const char *reason_of(const tsr_metrics *metrics, const char *name)
{
    for (size_t i = 0; i < tsr_metrics_count(metrics); i++) {
        tsr_metric_value value = tsr_metrics_get(metrics, i);
        if (strcmp(value.name, name) == 0) {
            ck_assert_msg(isnan(value.value) && value.reason, "%s is %g", name, value.value);
            return value.reason;
        }
    }
    ck_abort_msg("no metric '%s'", name);
    return NULL;
}

void ck_undefined_say_why(const tsr_metrics *metrics)
{
    for (size_t i = 0; i < tsr_metrics_count(metrics); i++) {
        tsr_metric_value value = tsr_metrics_get(metrics, i);
        ck_assert_msg(isnan(value.value) == (value.reason != NULL), "%s is %g, for the reason %s", value.name,
                      value.value, value.reason ? value.reason : "none");
    }
}

seen_codes see_codes(const char *model, size_t n_layers, size_t units, tsr_codes *train, tsr_codes *test)
{
    seen_codes s = { .model = test_instance(TSR_MODEL, model), .whole = { train, test } };
    tsr_code_layer layers[4];
    ck_succeeds(tsr_network_new(s.model, TSR_SHAPE(3), 2, 1, &s.network));
    ck_assert_uint_eq(tsr_network_n_layers(s.network), n_layers);
    for (size_t i = 0; i < n_layers; i++) {
        tsr_layer_info info = tsr_network_layer(s.network, i);
        ck_assert_uint_eq(info.units, units);
        layers[i] = (tsr_code_layer){ info.name, info.first, units };
    }
    for (int part = 0; part < 2; part++) {
        ck_succeeds(tsr_codes_set_layers(s.whole[part], n_layers, layers));
        ck_succeeds(tsr_codes_slice(s.whole[part], 0, s.whole[part]->bits, &s.seen[part]));
        ck_succeeds(tsr_codes_set_layers(s.seen[part], n_layers, layers));
    }
    ck_succeeds(tsr_drop_constant(s.seen[0], s.seen[1], &s.kept));
    tsr_kept_columns_of_units(&s.kept, s.network);
    return s;
}

void seen_codes_clear(seen_codes *s)
{
    for (int part = 0; part < 2; part++) {
        tsr_codes_free(s->whole[part]);
        tsr_codes_free(s->seen[part]);
    }
    tsr_kept_columns_clear(&s->kept);
    tsr_network_free(s->network);
    tsr_instance_free(s->model);
}

tsr_probing probing_of(const seen_codes *s)
{
    return (tsr_probing){ .train = s->seen[0],
                          .test = s->seen[1],
                          .rng = tsr_rng_stream(1, TSR_FOR_PROBE, 0),
                          .network = s->network,
                          .whole_bits = s->kept.whole_bits,
                          .columns = s->kept.columns,
                          .constant = s->kept.constant,
                          .constant_values = s->kept.value,
                          .whole_train = s->whole[0],
                          .whole_test = s->whole[1] };
}

double metric(const tsr_metrics *metrics, const char *name)
{
    double value = 0;
    ck_assert_msg(tsr_metrics_find(metrics, name, &value), "no metric '%s'", name);
    return value;
}

double probe_metric(const char *settings, const labelled *data, const char *name)
{
    tsr_metrics *metrics = probe(settings, data);
    double value = metric(metrics, name);
    tsr_metrics_free(metrics);
    return value;
}

void ck_same_metrics(const tsr_metrics *a, const tsr_metrics *b)
{
    ck_assert_uint_eq(tsr_metrics_count(a), tsr_metrics_count(b));
    ck_assert_uint_gt(tsr_metrics_count(a), 0);
    for (size_t i = 0; i < tsr_metrics_count(a); i++) {
        tsr_metric_value x = tsr_metrics_get(a, i), y = tsr_metrics_get(b, i);
        ck_assert_str_eq(x.name, y.name);
        ck_assert_msg(memcmp(&x.value, &y.value, sizeof(x.value)) == 0, "%s: %.17g and %.17g", x.name,
                      x.value, y.value);
    }
}

void ck_same_with_two_threads(const char *settings, const labelled *data)
{
    tsr_set_threads(1);
    tsr_metrics *one = probe(settings, data);
    tsr_set_threads(2);
    tsr_metrics *two = probe(settings, data);
    tsr_set_threads(1);
    ck_same_metrics(one, two);
    tsr_metrics_free(one);
    tsr_metrics_free(two);
}

void ck_same_when_masked(const char *settings, labelled *data)
{
    tsr_metrics *before = probe(settings, data);
    mask_codes(77, data->train, data->test);
    tsr_metrics *after = probe(settings, data);
    ck_same_metrics(before, after);
    tsr_metrics_free(before);
    tsr_metrics_free(after);
}

tsr_status *probe_check(const char *settings, size_t n_train, size_t n_test, int classes)
{
    tsr_instance *instance = test_instance(TSR_PROBE, settings);
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    tsr_probe_sizes sizes = {
        .n_train = n_train, .n_test = n_test, .classes = classes, .shape = TSR_SHAPE(1)
    };
    tsr_status *status = ops->check(tsr_instance_self(instance), &sizes);
    tsr_instance_free(instance);
    return status;
}
