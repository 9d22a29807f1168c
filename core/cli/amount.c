/* Amounts as people read and write them. */
#include "cli/amount.h"

#include <stdio.h>

void tsr_cli_print_bytes(double bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    size_t unit = 0;
    for (; bytes >= 999.5 && unit < 4; unit++)
        bytes /= 1000;
    printf(bytes < 10 && unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

const char *tsr_cli_parse_count(const char *text, size_t most, size_t *out)
{
    const char *at = text;
    *out = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        size_t digit = (size_t)(*at - '0');
        if (digit > most || *out > (most - digit) / 10)
            return NULL;
        *out = 10 * *out + digit;
    }
    return at > text ? at : NULL;
}
