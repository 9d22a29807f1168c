/* Fields of CSV files. */
#include "experiment/csv.h"

#include "config/print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void tsr_csv_text(tsr_text *csv, const char *text)
{
    if (!strpbrk(text, ",\"\n\r")) {
        tsr_text_add(csv, "%s", text);
        return;
    }
    tsr_text_add(csv, "\"");
    for (const char *c = text; *c; c++)
        tsr_text_add(csv, *c == '"' ? "\"\"" : "%c", *c);
    tsr_text_add(csv, "\"");
}

void tsr_csv_real(tsr_text *csv, double real)
{
    char digits[32];
    if (!isfinite(real))
        return;
    tsr_format_real(real, digits, sizeof(digits));
    tsr_text_add(csv, "%s", digits);
}

void tsr_csv_value(tsr_text *csv, const tsr_value *value)
{
    if (!value || value->type == TSR_VALUE_NULL)
        return;
    if (value->type == TSR_VALUE_REAL) {
        tsr_csv_real(csv, value->real);
        return;
    }
    tsr_text text = { 0 };
    tsr_print_label(value, &text);
    csv->failed = csv->failed || text.failed;
    if (text.chars)
        tsr_csv_text(csv, text.chars);
    free(text.chars);
}

void tsr_csv_number(tsr_text *csv, const json_t *number)
{
    if (json_is_integer(number))
        tsr_text_add(csv, "%" JSON_INTEGER_FORMAT, json_integer_value(number));
    else if (json_is_real(number))
        tsr_csv_real(csv, json_real_value(number));
}
