#include "experiment/model_digest.h"

#include "base/file.h"
#include "base/memory.h"
#include "plugin/fields.h"
#include "plugin/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

typedef struct digest {
    XXH3_state_t *state;
    bool any; /* something was added */
} digest;

/* A folder, or what is not there, is not for reading: what the model makes of it is its own matter. */
static tsr_status *add_file(digest *d, const char *path)
{
    struct stat about;
    char *bytes;
    size_t length;
    if (!path || !*path || stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return NULL;
    TSR_TRY(tsr_read_given_file(path, "model's file", PTRDIFF_MAX, &bytes, &length));
    XXH3_128bits_update(d->state, &length, sizeof(length));
    XXH3_128bits_update(d->state, bytes, length);
    d->any = true;
    free(bytes);
    return NULL;
}

static tsr_status *add_files(void *context, const tsr_instance *instance)
{
    const tsr_key *keys = tsr_instance_loaded(instance)->plugin.keys;
    const char *self = tsr_instance_self(instance);
    for (const tsr_key *key = keys; key && key->type != TSR_TYPE_END; key++)
        if (key->type == TSR_TYPE_PATH)
            TSR_TRY(add_file(context, *(const char *const *)(self + key->offset)));
    return keys ? tsr_fields_visit_nested(keys, self, add_files, context) : NULL;
}

static void add_values(void *context, const char *name, size_t n, const float *values)
{
    digest *d = context;
    XXH3_128bits_update(d->state, name, strlen(name) + 1);
    XXH3_128bits_update(d->state, values, n * sizeof(*values));
    d->any = true;
}

tsr_status *tsr_model_digest_add(tsr_run *run, const tsr_network *network)
{
    digest d = { .state = XXH3_createState() };
    if (!d.state)
        return tsr_no_memory("the digest of a model");
    XXH3_128bits_reset(d.state);
    tsr_status *status = add_files(&d, run->model);
    tsr_network_given(network, add_values, &d);
    XXH128_hash_t hash = XXH3_128bits_digest(d.state);
    XXH3_freeState(d.state);
    if (status || !d.any)
        return status;
    char digits[33];
    snprintf(digits, sizeof(digits), "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
    return tsr_value_put(run->config, "model_hash", tsr_value_string(digits));
}
