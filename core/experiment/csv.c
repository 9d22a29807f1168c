/* Fields of CSV files. */
#include "experiment/csv.h"

#include "experiment/resolved.h"

#include <stdlib.h>
#include <string.h>

void tsr_csv_add(tsr_text *csv, const json_t *value)
{
    if (json_is_real(value)) {
        char digits[32];
        tsr_format_real(json_real_value(value), digits, sizeof(digits));
        tsr_text_add(csv, "%s", digits);
        return;
    }
    if (!value || json_is_null(value))
        return;
    tsr_text text = { 0 };
    tsr_resolved_write_label(value, &text);
    if (text.chars && !strpbrk(text.chars, ",\"\n\r"))
        tsr_text_add(csv, "%s", text.chars);
    else if (text.chars) {
        tsr_text_add(csv, "\"");
        for (const char *c = text.chars; *c; c++)
            tsr_text_add(csv, *c == '"' ? "\"\"" : "%c", *c);
        tsr_text_add(csv, "\"");
    }
    free(text.chars);
}
