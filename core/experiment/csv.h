/* Fields of CSV files. */
#ifndef TSR_EXPERIMENT_CSV_H
#define TSR_EXPERIMENT_CSV_H

#include "base/text.h"

#include <jansson.h>

/* Appends a value as a field: text is quoted where it needs to be, NULL and null are empty, reals read back
   as the same double. */
void tsr_csv_add(tsr_text *csv, const json_t *value);

#endif
