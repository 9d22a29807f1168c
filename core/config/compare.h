/* Whether two values are one, what differs, and the hash of a value. */
#ifndef TSR_CONFIG_COMPARE_H
#define TSR_CONFIG_COMPARE_H

#include "base/text.h"
#include "config/value.h"

/* Whether two values are the same: by type and content, members in any order; null is a missing member, and
   NULL is null. Numbers are equal by value, 1 and 1.0, -0.0 and 0.0. Origins do not count. */
bool tsr_values_equal(const tsr_value *a, const tsr_value *b);

/* The first difference of two groups as a sentence, "model.width is 100 there and 50 here"; members of the
   groups themselves whose keys are in `ignored` (NULL-terminated, may be NULL) are passed over. False where
   there is none.
 */
bool tsr_values_differ(const tsr_value *there, const tsr_value *here, const char *const *ignored,
                       tsr_text *out);

/* 16 hexadecimal digits of the XXH3 hash of a text, and a NUL; and of the value's JSON text. */
void tsr_hash_text(const char *text, char digits[17]);
TSR_MUST_CHECK tsr_status *tsr_value_hash(const tsr_value *value, char digits[17]);

#endif
