/* What the bad plugins share: each is a probe with one fault, which its file's name tells and its source
   shows. The descriptors are written out where the macros of the SDK would not let the fault pass. */
#ifndef TSR_TESTS_BAD_H
#define TSR_TESTS_BAD_H

#include <math.h>
#include <tessera/tessera.h>

typedef struct bad {
    int k;
    double radius;
    int word;
    tsr_int_list list;
    tsr_instance *nested;
} bad;

__attribute__((unused)) static tsr_status *bad_run(const void *self, const tsr_probing *probing)
{
    (void)self;
    (void)probing;
    return NULL;
}

__attribute__((unused)) static const tsr_probe_ops bad_ops = { .run = bad_run };

/* A probe without fault. */
#define BAD_PROBE(called)                                                                                    \
    TSR_PROBE_PLUGIN(&bad_ops), .name = (called), .version = "1.0.0", .summary = "a probe with a fault",     \
                                .licence = "MIT", TSR_INSTANCE(bad)

/* A file whose one probe declares `keys`. */
#define BAD_PARAMS(called)                                                                                   \
    static const tsr_plugin plugin = { BAD_PROBE(called), .keys = keys };                                    \
    TSR_PLUGINS(&plugin)

#endif
