/* Defines functions under names of the host and of libraries that the host uses, for all to see. They crash:
   nobody but this plugin may come to call one. */
#include "../bad.h"

#include <stdlib.h>

#define TAKEN __attribute__((visibility("default"))) void

TAKEN json_delete(void *json);
TAKEN config_destroy(void *config);
TAKEN cblas_sgemm(void);
TAKEN tsr_instance_free(tsr_instance *instance);

TAKEN tsr_instance_free(tsr_instance *instance)
{
    (void)instance;
    abort();
}

TAKEN json_delete(void *json)
{
    (void)json;
    abort();
}

TAKEN config_destroy(void *config)
{
    (void)config;
    abort();
}

TAKEN cblas_sgemm(void)
{
    abort();
}

static const tsr_plugin plugin = { BAD_PROBE("takes_names") };
TSR_PLUGINS(&plugin)
