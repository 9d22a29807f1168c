/* k-means on codes as points with coordinates 0 and 1 (Lloyd 1982), from several sets of first centres at
   once. A row is met by 16 centres together (tsr_codes_dot), and only where it may have a new nearest centre:
   bounds of its distances to its own centre and to all others move with the centres (Hamerly 2010), and while
   they do not meet, what is not computed cannot have changed. Rows are distinct codes with weights. */
#ifndef TESSERA_KMEANS_LLOYD_H
#define TESSERA_KMEANS_LLOYD_H

#include <tessera/codes.h>
#include <tessera/rng.h>

/* One run of Lloyd's algorithm. */
typedef struct lloyd {
    uint32_t *label;    /* by row; k: none yet */
    uint32_t *next;     /* by row: the nearest centre */
    float *upper;       /* by row: not less than the distance to its centre */
    float *lower;       /* by row: not more than the distance to any other */
    uint32_t *ones;     /* k x padded bits: examples of the cluster that have the bit */
    uint64_t *weight;   /* by cluster: its examples */
    float *centers;     /* k x d */
    tsr_lanes *vectors; /* the centres times -2, 16 to a lane block: blocks x d */
    tsr_lanes *norms;   /* their squared lengths, by block */
    float *drift;       /* by cluster: how far its centre moved last */
    float *others;      /* by cluster: how far any other did */
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
    bool all;         /* meet every row with every centre each time: the plain way, for tests */
    size_t n_restarts;
    lloyd *restarts;
    size_t blocks, padded; /* of 16 centres; bits, to whole words */
    uint32_t *set_bits;    /* by row: bits that are set */
    double *far;           /* by thread, by row: squared distance to its centre, where a cluster is empty */
    struct lloyd_scratch *scratch; /* by thread */
} clustering;

/* Makes the restarts of a clustering whose fields down to n_restarts are set. Their `centers` are the
   caller's to fill. Cleared with clustering_clear, also after a failure. */
tsr_status *clustering_start(clustering *job);
void clustering_clear(clustering *job);

/* About how many bytes a restart of n rows of d bits takes. */
size_t clustering_bytes(size_t n, size_t d, size_t k);

/* Iterates every restart to its end: labels, centres, inertia. */
tsr_status *clustering_run(const clustering *job);

/* First centres for every restart by k-means++ (first_centers.c). */
tsr_status *clustering_seed(const clustering *job, tsr_rng *rng);

/* For parts of the same work: the failure of an allocation; a x b x c zeroed elements, at least one. */
tsr_status *clustering_no_memory(const clustering *job);
void *clustering_array(size_t a, size_t b, size_t c, size_t size);

#endif
