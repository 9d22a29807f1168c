/* What the sound plugins of fixtures/ and the tests that read their instances share. */
#ifndef TSR_TESTS_FIXTURES_H
#define TSR_TESTS_FIXTURES_H

#include <tessera/tessera.h>

/* The instance of the probe `sample`: a field of every type. */
typedef struct sample {
    int k;
    unsigned wide; /* up to 4294967295 */
    int64_t big;
    double radius;
    float rate;
    bool weighted;
    const char *title;
    const char *source; /* a path */
    int mode;           /* "plain", "fancy", "none" */
    tsr_int_list layers_kept;
    tsr_real_list levels;
    int fail_at; /* init fails at its n-th allocation; 0: it does not */
    void *buffers[3];
} sample;

/* The instance of the model `holder`. */
typedef struct holder {
    tsr_instance *activation; /* by default the activation `gentle` */
    tsr_instance *extra;      /* by default none */
} holder;

/* The instance of the activation `gentle`. */
typedef struct gentle {
    double slope;
    bool fail; /* init fails */
} gentle;

#endif
