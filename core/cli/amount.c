/* Amounts as people read them. */
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
