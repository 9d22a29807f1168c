/* Amounts as people read them. */
#ifndef TSR_CLI_AMOUNT_H
#define TSR_CLI_AMOUNT_H

#include <stddef.h>

/* "0 B", "1.2 MB", on standard output. */
void tsr_cli_print_bytes(double bytes);

#endif
