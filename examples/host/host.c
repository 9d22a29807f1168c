/* Tessera from a program: a trained network encodes a dataset, and a probe tells how well the codes hash.

       tessera run digits.cfg -o digits         (output.save_model = true)
       ./host digits/runs/<id>

   prints the metrics that the run has in its results. */
#include <stdio.h>
#include <stdlib.h>
#include <tessera/host.h>

typedef struct part {
    size_t n;
    float *inputs;
    int32_t *labels;
    tsr_codes *codes;
} part;

/* All samples of a part of the data, and their codes. */
static tsr_status *encode(tsr_encoder *encoder, const tsr_data *data, tsr_split split, part *out)
{
    const tsr_dataset_info *info = tsr_data_info(data);
    size_t n = out->n = info->n[split], *index = calloc(n, sizeof(*index));
    out->inputs = calloc(n, tsr_shape_size(info->shape) * sizeof(float));
    out->labels = calloc(n, sizeof(*out->labels));
    if (!index || !out->inputs || !out->labels)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu samples", n);
    for (size_t i = 0; i < n; i++)
        index[i] = i;
    tsr_status *status = tsr_data_read(data, split, n, index, out->inputs, out->labels);
    free(index);
    return status ? status : tsr_encoder_encode(encoder, n, out->inputs, &out->codes);
}

static tsr_status *measure(tsr_host *host, const part parts[2])
{
    tsr_instance *knn;
    tsr_metrics *metrics;
    const tsr_probe_input input = { .train = parts[0].codes,
                                    .test = parts[1].codes,
                                    .train_labels = parts[0].labels,
                                    .test_labels = parts[1].labels,
                                    .seed = 1 };
    TSR_TRY(tsr_host_plugin(host, TSR_PROBE, "knn", "k = 9;", &knn));
    tsr_status *status = tsr_host_probe(knn, &input, &metrics);
    for (size_t i = 0; !status && i < tsr_metrics_count(metrics); i++)
        printf("%s.%s = %.6f\n", tsr_metrics_label(metrics), tsr_metrics_get(metrics, i).name,
               tsr_metrics_get(metrics, i).value);
    if (!status)
        tsr_metrics_free(metrics);
    tsr_instance_free(knn);
    return status;
}

static tsr_status *work(tsr_host *host, const char *path)
{
    tsr_instance *digits;
    tsr_data *data = NULL;
    tsr_encoder *encoder = NULL;
    part parts[2] = { { 0 }, { 0 } };
    TSR_TRY(tsr_host_plugin(host, TSR_DATASET, "digits", NULL, &digits));
    tsr_status *status = tsr_data_open(digits, &data);
    if (!status)
        status = tsr_encoder_open(host, path, NULL, &encoder);
    for (int split = 0; split < 2 && !status; split++)
        status = encode(encoder, data, (tsr_split)split, &parts[split]);
    if (!status)
        status = measure(host, parts);
    for (int split = 0; split < 2; split++) {
        free(parts[split].inputs);
        free(parts[split].labels);
        tsr_codes_free(parts[split].codes);
    }
    tsr_encoder_free(encoder);
    tsr_data_close(data);
    tsr_instance_free(digits);
    return status;
}

int main(int argc, char **argv)
{
    tsr_host *host = NULL;
    tsr_status *status = argc == 2 ? tsr_host_new(NULL, &host)
                                   : tsr_fail(TSR_USAGE, "expected one argument, the folder of a run");
    if (!status)
        status = work(host, argv[1]);
    if (status)
        fprintf(stderr, "%s\n", tsr_status_message(status));
    tsr_host_free(host);
    int failed = status != NULL;
    tsr_status_free(status);
    return failed;
}
