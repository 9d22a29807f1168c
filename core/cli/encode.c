/* tessera encode: what a trained network makes of a dataset, as .npy files. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/output.h"
#include "config/read.h"
#include "host/encoding.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct options {
    tsr_encoding_options encoding;
    const char *config, *output;
    const char **sets;
    size_t n_sets;
} options;

static tsr_status *parse(int argc, char **argv, options *out)
{
    static const struct option longs[] = { { "logits", no_argument, NULL, 'l' },
                                           { "values", no_argument, NULL, 'v' },
                                           { "set", required_argument, NULL, 's' },
                                           { "output", required_argument, NULL, 'o' },
                                           { NULL, 0, NULL, 0 } };
    *out = (options){ .sets = tsr_alloc((size_t)argc, sizeof(char *)) };
    if (!out->sets)
        return tsr_no_memory("the command line");
    int option;
    while ((option = getopt_long(argc, argv, "s:o:", longs, NULL)) != -1) {
        if (option == 'l')
            out->encoding.logits = true;
        else if (option == 'v')
            out->encoding.values = true;
        else if (option == 's')
            out->sets[out->n_sets++] = optarg;
        else if (option == 'o')
            out->output = optarg;
        else
            return tsr_fail(TSR_USAGE, "see tessera encode --help");
    }
    if (argc - optind != 2)
        return tsr_fail(TSR_USAGE,
                        "tessera encode: expected MODEL and CONFIG, not %d words; see tessera encode --help",
                        argc - optind);
    if (!out->output || !*out->output)
        return tsr_fail(TSR_USAGE, "tessera encode: expected a folder behind -o; see tessera encode --help");
    out->encoding.model = argv[optind];
    out->config = argv[optind + 1];
    return NULL;
}

static tsr_status *encode(const options *given)
{
    tsr_value *config = NULL;
    char *folder = NULL;
    tsr_set_threads(tsr_cores());
    tsr_status *status = tsr_path_real(given->output, &folder);
    if (!status)
        status = tsr_config_read(given->config, given->n_sets, given->sets, &config);
    tsr_output_divert(); /* what plugins print */
    if (!status)
        status = tsr_encoding_write(config, &given->encoding, folder, given->output);
    tsr_output_restore();
    if (!status)
        printf("codes in %s\n", given->output);
    tsr_value_free(config);
    free(folder);
    return status;
}

int tsr_cli_encode(int argc, char **argv)
{
    options given;
    tsr_status *status = parse(argc, argv, &given);
    if (!status)
        status = encode(&given);
    free(given.sets);
    return tsr_cli_report(status);
}
