/* One declared key and the field of a structure that it fills. */
#ifndef TSR_CONFIG_FIELD_H
#define TSR_CONFIG_FIELD_H

#include "config/settings.h"

/* Fills `field` by the declaration from `value` (NULL: the default). `group` is the place of failures that
   are not of a value. What the field says then, paths absolute and plugins as groups, goes to *resolved, the
   caller's; a list's or string's memory belongs to the field also where this fails. */
TSR_MUST_CHECK tsr_status *tsr_field_read(const tsr_settings *settings, const tsr_key *key,
                                          const tsr_value *group, const tsr_value *value, void *field,
                                          tsr_value **resolved);

#endif
