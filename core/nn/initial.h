/* Initial values of parameters. */
#ifndef TSR_NN_INITIAL_H
#define TSR_NN_INITIAL_H

#include <tessera/op.h>

/* Fills the n values of a parameter as its declaration says, from the stream of its number: the same seed and
   number give the same values. Fails without memory. */
TSR_MUST_CHECK tsr_status *tsr_initial_values(const tsr_parameter_spec *spec, size_t n, uint64_t seed,
                                              size_t number, float *values);

#endif
