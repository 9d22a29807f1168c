/* A config as a tree of values, each with its origin: what a file, the command line, the defaults and the
   sweep give, and what is printed, compared, hashed and kept in records. A group holds members by key, a list
   holds elements by index; a dotted key leads from a value to one below it: "model.activation.slope",
   "probes.0.k".

   A tree belongs to one thread at a time. Functions that take a tsr_value * to put it somewhere take it over,
   also where they fail; handed NULL, which is what the makers give without memory, they fail with
   TSR_NO_MEMORY, so that calls can be nested. */
#ifndef TSR_CONFIG_VALUE_H
#define TSR_CONFIG_VALUE_H

#include "config/origin.h"

typedef enum tsr_value_type {
    TSR_VALUE_NULL, /* nothing was given and there is no default: the same as a missing member */
    TSR_VALUE_BOOL,
    TSR_VALUE_INT,
    TSR_VALUE_REAL,
    TSR_VALUE_STRING,
    TSR_VALUE_LIST,
    TSR_VALUE_GROUP,
} tsr_value_type;

typedef struct tsr_value tsr_value;
struct tsr_value {
    tsr_value_type type;
    tsr_value *parent;  /* NULL: this is the root */
    char *key;          /* a member's; NULL: an element's or the root's */
    tsr_origin *origin; /* NULL: that of the parent, see tsr_value_origin */
    union {             /* by type */
        bool boolean;
        int64_t integer;
        double real;
        char *string;          /* NUL-terminated */
        struct {               /* of a list or a group */
            tsr_value **items; /* elements, or members in the order in which they were put in */
            size_t n, capacity;
        };
    };
};

/* Makers: a value without an origin; NULL without memory. A NULL string makes a TSR_VALUE_NULL. */
tsr_value *tsr_value_null(void);
tsr_value *tsr_value_bool(bool boolean);
tsr_value *tsr_value_int(int64_t integer);
tsr_value *tsr_value_real(double real);
tsr_value *tsr_value_string(const char *string);
tsr_value *tsr_value_list(void);
tsr_value *tsr_value_group(void);

/* A copy of the value and all below it, with their origins, and no parent. NULL without memory, or for NULL.
 */
tsr_value *tsr_value_copy(const tsr_value *value);

/* Frees a root, with all below it; NULL is allowed. */
void tsr_value_free(tsr_value *root);

/* Gives the value, and all below it that has none of its own, an origin; shared, not taken over. */
void tsr_value_set_origin(tsr_value *value, tsr_origin *origin);

/* Gives the value and all below it this one origin, whatever they had. */
void tsr_value_give_origin(tsr_value *value, tsr_origin *origin);

/* The value's origin, or that of the nearest above it that has one; NULL: none. */
const tsr_origin *tsr_value_origin(const tsr_value *value);

/* What is asked for, or NULL where it is not there or `value` (which may be NULL) is of another type. */
const tsr_value *tsr_value_member(const tsr_value *group, const char *key);
tsr_value *tsr_value_own(tsr_value *group, const char *key); /* a member of a tree of the caller's own */
const tsr_value *tsr_value_element(const tsr_value *list, size_t index);
const char *tsr_value_text(const tsr_value *value); /* of a string */
bool tsr_value_is(const tsr_value *value, tsr_value_type type);

bool tsr_value_is_number(const tsr_value *value); /* an integer or a real */
double tsr_value_number(const tsr_value *value);  /* of one; 0 for what is none */

/* Gives a string another text, which is copied. */
TSR_MUST_CHECK tsr_status *tsr_value_set_text(tsr_value *value, const char *text);

/* Members or elements; 0 for what has none. */
size_t tsr_value_length(const tsr_value *value);

/* Puts a member in place of one with the same key, or behind the others. */
TSR_MUST_CHECK tsr_status *tsr_value_put(tsr_value *group, const char *key, tsr_value *member);

/* Puts an element behind the others. */
TSR_MUST_CHECK tsr_status *tsr_value_append(tsr_value *list, tsr_value *element);

/* Takes a member away and frees it, where there is one. */
void tsr_value_remove(tsr_value *group, const char *key);

/* The value that a dotted key leads to; NULL where there is none. "probes.[0]" is the same as "probes.0". */
const tsr_value *tsr_value_at(const tsr_value *root, const char *dotted);

/* Takes the value at a dotted key away, where there is one. An element is not taken out of its list. */
void tsr_value_remove_at(tsr_value *root, const char *dotted);

/* Puts `value` at a dotted key, in place of what is there. Groups on the way are made where they are missing,
   and a string on the way, in a group or a list, is the short form of { plugin = "..."; } and becomes it.
   What is made on the way has the value's origin. Failures begin with that origin. */
TSR_MUST_CHECK tsr_status *tsr_value_set(tsr_value *root, const char *dotted, tsr_value *value);

/* The value's own dotted key from the root, "probes.1.k"; "config" for the root. free() it; NULL without
 * memory.
 */
char *tsr_value_dotted(const tsr_value *value);

/* A failure at a value: "FILE:LINE: message"; for NULL, or where no origin is known, the message alone. */
TSR_MUST_CHECK tsr_status *tsr_value_fail(const tsr_value *value, const char *format, ...) TSR_PRINTF(2, 3);

/* Puts the value's origin before a failure; NULL, of either, changes nothing. */
TSR_MUST_CHECK tsr_status *tsr_value_context(const tsr_value *value, tsr_status *status);

/* "FILE:LINE: model.width = "ten": expected EXPECTED". */
TSR_MUST_CHECK tsr_status *tsr_value_mismatch(const tsr_value *value, const char *expected);

#endif
