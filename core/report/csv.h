/* Fields of CSV: text is quoted where it needs to be, what is not finite is empty, and reals read back as the
   same double, whatever the locale. */
#ifndef TSR_REPORT_CSV_H
#define TSR_REPORT_CSV_H

#include "base/text.h"
#include "config/value.h"

void tsr_csv_add_text(const char *text, tsr_text *csv);
void tsr_csv_add_real(double real, tsr_text *csv);
void tsr_csv_add_value(const tsr_value *value, tsr_text *csv);

#endif
