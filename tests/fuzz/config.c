/* Configs, settings of the command line, and whole experiments. */
#include "fuzz.h"

#include "experiment/experiment.h"

#include <stdlib.h>
#include <string.h>

void fuzz_config(const uint8_t *bytes, size_t length)
{
    tsr_value *config = NULL;
    if (fuzz_succeeds(tsr_config_read(fuzz_put("config.cfg", bytes, length), 0, NULL, &config)))
        tsr_value_free(config);
}

void fuzz_experiment(const uint8_t *bytes, size_t length)
{
    tsr_experiment *experiment = NULL;
    if (fuzz_succeeds(tsr_experiment_read(fuzz_put("experiment.cfg", bytes, length), 0, NULL, &experiment)))
        tsr_experiment_free(experiment);
}

/* The first part is what stands behind -s; the second is the config that it changes. */
void fuzz_setting(const uint8_t *bytes, size_t length)
{
    fuzz_part parts[2];
    fuzz_split(bytes, length, 2, parts);
    char *text = strndup((const char *)parts[0].bytes, parts[0].length);
    if (!text)
        return;
    const char *path = fuzz_put("set.cfg", parts[1].bytes, parts[1].length);
    tsr_value *config = NULL;
    if (fuzz_succeeds(tsr_config_read(path, 1, (const char *const[]){ text }, &config)))
        tsr_value_free(config);
    free(text);
}
