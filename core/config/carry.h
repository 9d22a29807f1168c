/* A tree of values, with its origins, as a text that one process hands to another. */
#ifndef TSR_CONFIG_CARRY_H
#define TSR_CONFIG_CARRY_H

#include "base/text.h"
#include "config/value.h"

/* Appends the tree; of origins, which are all of files in one folder, the file and the line. */
void tsr_value_carry(const tsr_value *root, tsr_text *out);

/* Reads such a text; relative paths in it start from `folder` (or NULL). */
TSR_MUST_CHECK tsr_status *tsr_value_from_carried(const char *text, const char *folder, tsr_value **out);

#endif
