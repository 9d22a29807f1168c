/* A program that hands the library every structure of tessera/host.h whose size goes with it; prints what a
 * probe says. */
#include "edge.h"

#include <stdio.h>
#include <tessera/host.h>

enum { N = 40, BITS = 64 };

static tsr_status *measure(tsr_host *host, const tsr_codes *codes, const int32_t *labels)
{
    tsr_instance *knn;
    tsr_metrics *metrics;
    const tsr_probe_input *input =
        AT_EDGE(tsr_probe_input, .train = codes, .test = codes, .train_labels = labels, .test_labels = labels,
                .classes = 4, .seed = 3);
    TSR_TRY(tsr_host_plugin(host, TSR_PROBE, "knn", "k = 3;", &knn));
    tsr_status *status = tsr_host_probe(knn, input, &metrics);
    for (size_t i = 0; !status && i < tsr_metrics_count(metrics); i++)
        printf("%s.%s = %.6f\n", tsr_metrics_label(metrics), tsr_metrics_get(metrics, i).name,
               tsr_metrics_get(metrics, i).value);
    if (!status)
        tsr_metrics_free(metrics);
    tsr_instance_free(knn);
    return status;
}

int main(void)
{
    tsr_host *host = NULL;
    tsr_codes *codes = NULL;
    int32_t labels[N];
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_DATA, 0);
    tsr_status *status = tsr_host_new(AT_EDGE(tsr_host_options, .threads = 1), &host);
    if (!status)
        status = tsr_codes_new(N, BITS, &codes);
    for (size_t i = 0; !status && i < N; i++) {
        labels[i] = (int32_t)i % 4;
        codes->words[i * codes->stride] = tsr_rng_u64(&rng) & ~UINT64_C(0xffff) << 16 * labels[i];
    }
    if (!status)
        status = measure(host, codes, labels);
    if (status)
        fprintf(stderr, "%s\n", tsr_status_message(status));
    int failed = status != NULL;
    tsr_status_free(status);
    tsr_codes_free(codes);
    tsr_host_free(host);
    return failed;
}
