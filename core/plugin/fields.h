/* The fields of a structure that was filled by declarations. */
#ifndef TSR_PLUGIN_FIELDS_H
#define TSR_PLUGIN_FIELDS_H

#include <tessera/key.h>
#include <tessera/status.h>

/* Frees what the fields point to, nested instances too, and zeroes them. */
void tsr_fields_clear(const tsr_key *keys, void *target);

/* Calls `visit` for each instance that the fields hold, in lists and in groups of lists too, in order. Stops
   at the first failure, which it returns. */
TSR_MUST_CHECK tsr_status *tsr_fields_visit_nested(const tsr_key *keys, const void *fields,
                                                   tsr_status *(*visit)(void *context,
                                                                        const tsr_instance *nested),
                                                   void *context);

#endif
