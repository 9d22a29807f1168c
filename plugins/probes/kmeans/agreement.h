/* How well clusters and classes agree, whatever stands for what. */
#ifndef TSR_KMEANS_AGREEMENT_H
#define TSR_KMEANS_AGREEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NaN is undefined: homogeneity with one class, completeness with one cluster, the others with one class and one
   cluster, and the Rand index also where every example has a cluster and a class of its own. */
typedef struct agreement {
    double nmi;          /* mutual information over the mean of both entropies */
    double ari;          /* adjusted Rand index (Hubert, Arabie 1985) */
    double homogeneity;  /* 1 - H(class given cluster) / H(class) (Rosenberg, Hirschberg 2007) */
    double completeness; /* 1 - H(cluster given class) / H(cluster) */
} agreement;

/* counts[c * classes + j] examples are in cluster c and of class j. */
agreement measure_agreement(size_t clusters, size_t classes, const int64_t *counts);

#endif
