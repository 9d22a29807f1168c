/* Which values a key takes, and what its field holds. */
#include "plugin/keys.h"

#include <float.h>
#include <math.h>
#include <string.h>

bool tsr_key_is_list(const tsr_key *key)
{
    switch (key->type) {
    case TSR_TYPE_INT_LIST:
    case TSR_TYPE_REAL_LIST:
    case TSR_TYPE_STRING_LIST:
    case TSR_TYPE_PLUGIN_LIST:
    case TSR_TYPE_GROUP_LIST:
        return true;
    default:
        return false;
    }
}

/* Whether an integer field can hold the value. A field's sign is not known: one of 4 bytes is taken as
   unsigned where its range has no negative number. */
bool tsr_field_holds_int(const tsr_key *key, int64_t value)
{
    if (key->field_size == 8 || key->type != TSR_TYPE_INT)
        return true;
    return value >= INT32_MIN && value <= (key->int_min >= 0 ? (int64_t)UINT32_MAX : INT32_MAX);
}

static bool fits_real_field(const tsr_key *key, double value)
{
    return key->type != TSR_TYPE_REAL || key->field_size != sizeof(float) || fabs(value) <= (double)FLT_MAX;
}

bool tsr_key_takes_int(const tsr_key *key, int64_t value)
{
    return value >= key->int_min && value <= key->int_max && tsr_field_holds_int(key, value);
}

bool tsr_key_takes_real(const tsr_key *key, double value)
{
    return isfinite(value) && value >= key->real_min && value <= key->real_max && fits_real_field(key, value);
}

int tsr_key_choice(const tsr_key *key, const char *word)
{
    for (int i = 0; key->choices[i]; i++) {
        if (strcmp(key->choices[i], word) == 0)
            return i;
    }
    return -1;
}

int64_t tsr_field_int(const tsr_key *key, const void *field)
{
    int64_t wide;
    uint32_t narrow;
    if (key->field_size == sizeof(wide)) {
        memcpy(&wide, field, sizeof(wide));
        return wide;
    }
    memcpy(&narrow, field, sizeof(narrow));
    return key->int_min >= 0 ? (int64_t)narrow : (int64_t)(int32_t)narrow;
}

double tsr_field_real(const tsr_key *key, const void *field)
{
    double wide;
    float narrow;
    if (key->field_size == sizeof(wide)) {
        memcpy(&wide, field, sizeof(wide));
        return wide;
    }
    memcpy(&narrow, field, sizeof(narrow));
    return (double)narrow;
}
