/* Points of real coordinates and what is asked of them: nearest points, and k-means (Lloyd 1982). A query
   meets 16 points together; the results do not depend on the number of threads. */
#ifndef TESSERA_CHANNEL_SUMS_EUCLID_H
#define TESSERA_CHANNEL_SUMS_EUCLID_H

#include <tessera/rng.h>
#include <tessera/status.h>

typedef struct points {
    size_t n, d;
    float *x; /* n x d */
} points;

/* The k nearest points of `base`, at most as many as it has, for each of `queries`: by distance, then by
   index. index and distance are queries->n x k; distances are not squared, and must not overflow when they
   are. */
tsr_status *nearest_points(const points *base, const points *queries, size_t k, uint32_t *index,
                           float *distance);

typedef struct kmeans_options {
    size_t k;
    int restarts, max_iterations;
} kmeans_options;

/* The clusters of the best of some restarts, each from centres of k-means++ (Arthur and Vassilvitskii 2007),
   until no label changes; *inertia is the sum of squared distances to the centres. A cluster that becomes
   empty takes the point that is furthest from its centre. */
tsr_status *kmeans_points(const points *p, const kmeans_options *options, tsr_rng *rng, uint32_t *labels,
                          double *inertia);

#endif
