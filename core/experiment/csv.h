/* Fields of CSV files. */
#ifndef TSR_EXPERIMENT_CSV_H
#define TSR_EXPERIMENT_CSV_H

#include "base/text.h"
#include "config/value.h"

#include <jansson.h>

/* Each appends a field. Text is quoted where it needs to be; NULL and null are empty; reals read back as the
   same double, and those that are not finite are empty. */
void tsr_csv_text(tsr_text *csv, const char *text);
void tsr_csv_real(tsr_text *csv, double real);
void tsr_csv_value(tsr_text *csv, const tsr_value *value);
/* A number of a record, or null. */
void tsr_csv_number(tsr_text *csv, const json_t *number);

#endif
