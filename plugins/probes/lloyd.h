/* k-means on codes as points with coordinates 0 and 1 (Lloyd 1982), from several sets of first centres at
   once: a block of codes is expanded to floats once and multiplied with the centres of all restarts. Rows are
   distinct codes with weights. */
#ifndef TESSERA_PROBES_LLOYD_H
#define TESSERA_PROBES_LLOYD_H

#include <tessera/codes.h>
#include <tessera/rng.h>

/* One run of Lloyd's algorithm. */
typedef struct lloyd {
    uint32_t *label;  /* by row; k: none yet */
    uint32_t *next;   /* by row: the nearest centre */
    uint32_t *ones;   /* k x d: examples of the cluster that have the bit */
    uint64_t *weight; /* by cluster: its examples */
    float *centers;   /* k x d */
    double *far;      /* by row: squared distance to its centre, where a cluster was left empty */
    int iterations;
    bool last, done;
    double inertia;
} lloyd;

/* The clustering of one set of codes. */
typedef struct clustering {
    const tsr_codes *codes; /* distinct rows */
    const uint32_t *weight; /* by row */
    size_t n, d, k;         /* rows, bits, clusters */
    uint64_t examples;      /* the sum of weights */
    int max_iterations;
    double tolerance; /* centres that move by less stop, squared, relative to the mean variance of a bit */
    size_t n_restarts;
    lloyd *restarts;
    float *centers; /* those of all active restarts, one below the other */
    float *norms;   /* their squared lengths */
    float *points;  /* by thread: ROWS x COLUMNS */
    float *dots;    /* by thread: ROWS x centres */
} clustering;

/* Makes the restarts of a clustering whose fields down to n_restarts are set. Their `centers` are the
   caller's to fill. Cleared with clustering_clear, also after a failure. */
tsr_status *clustering_start(clustering *job);
void clustering_clear(clustering *job);

/* Iterates every restart to its end: labels, centres, inertia. */
tsr_status *clustering_run(const clustering *job);

/* First centres for every restart by k-means++ (seeding.c). */
tsr_status *clustering_seed(const clustering *job, tsr_rng *rng);

/* For parts of the same work: the failure of an allocation; a x b x c zeroed elements, at least one. */
tsr_status *clustering_no_memory(const clustering *job);
void *clustering_array(size_t a, size_t b, size_t c, size_t size);

#endif
