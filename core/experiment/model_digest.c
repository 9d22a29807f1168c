#include "experiment/model_digest.h"

#include "base/memory.h"
#include "plugin/fields.h"
#include "plugin/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

typedef struct digest {
    XXH3_state_t *state;
    bool any; /* something was added */
} digest;

#define BLOCK ((size_t)1 << 16)

/* How many bytes it has, and those, block by block: weights of a network may be larger than memory. */
static tsr_status *add_bytes(digest *d, const char *path, int fd, size_t length)
{
    char block[BLOCK];
    size_t left = length;
    ssize_t got = 1;
    XXH3_128bits_update(d->state, &length, sizeof(length));
    while (got > 0 && left > 0) {
        got = read(fd, block, left < BLOCK ? left : BLOCK);
        if (got < 0 && errno == EINTR) {
            got = 1;
            continue;
        }
        if (got > 0) {
            XXH3_128bits_update(d->state, block, (size_t)got);
            left -= (size_t)got;
        }
    }
    if (got < 0)
        return tsr_fail(TSR_REFUSED, "%s: cannot read the model's file: %s", path, strerror(errno));
    return left ? tsr_fail(TSR_REFUSED, "%s: ends %zu bytes before its %zu: it changes while it is read",
                           path, left, length)
                : NULL;
}

/* A folder, or what is not there, is not for reading: what the model makes of it is its own matter. */
static tsr_status *add_file(digest *d, const char *path)
{
    struct stat about;
    if (!path || !*path || stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return tsr_fail(TSR_REFUSED, "%s: cannot read the model's file: %s", path, strerror(errno));
    tsr_status *status = fstat(fd, &about) == 0 && S_ISREG(about.st_mode)
                             ? add_bytes(d, path, fd, (size_t)about.st_size)
                             : NULL;
    close(fd);
    d->any = true;
    return status;
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
