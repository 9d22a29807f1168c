/* Amounts as people read and write them. */
#ifndef TSR_CLI_AMOUNT_H
#define TSR_CLI_AMOUNT_H

#include <stddef.h>

/* "0 B", "1.2 MB", on standard output. */
void tsr_cli_print_bytes(double bytes);

/* The count that `text` begins with, digits alone, at most `most`. Gives what follows it; NULL where there is
   no such count. */
const char *tsr_cli_parse_count(const char *text, size_t most, size_t *out);

#endif
