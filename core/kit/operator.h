/* The operators of a network one by one, each on fenced arrays of its own. */
#ifndef TSR_KIT_OPERATOR_H
#define TSR_KIT_OPERATOR_H

#include "nn/network.h"

/* An operator of the network, ready to be called. */
typedef struct tsr_kit_operator tsr_kit_operator;

typedef tsr_status *tsr_kit_operator_check(tsr_kit_operator *op);

/* Takes n samples of random inputs through the network, operator by operator, and has `check` look at each.
   A failure says which operator and what it was given. */
TSR_MUST_CHECK tsr_status *tsr_kit_each_operator(tsr_network *network, size_t n,
                                                 tsr_kit_operator_check *check);

/* The checks. */

/* Outputs and gradients are finite. */
tsr_kit_operator_check tsr_kit_operator_finite;
/* Nothing is written outside of what the operator is given, and only what is not const. */
tsr_kit_operator_check tsr_kit_operator_within;
/* Every gradient of every small array, and some of larger ones, is what differences show; all of one array
   together along their own direction. */
tsr_kit_operator_check tsr_kit_operator_slopes;
/* How many differences it has compared in this process, and how many passed over since the function is smooth
   over none of the distances. */
void tsr_kit_operator_count(size_t *compared, size_t *passed_over);
/* Its course along lines begins with its outputs, and it is affine where its flags say so. */
tsr_kit_operator_check tsr_kit_operator_lines;
/* No call leaves memory allocated. */
tsr_kit_operator_check tsr_kit_operator_memory;
/* Threads and the order of tasks change no bit, over and over. */
tsr_kit_operator_check tsr_kit_operator_threads;

#endif
