/* The distinct texts of a column, numbered as they come, and then in order. */
#ifndef TESSERA_DATASETS_TABLE_WORDS_H
#define TESSERA_DATASETS_TABLE_WORDS_H

#include <tessera/status.h>

#define MAX_WORDS 65535 /* numbers are uint16_t, with one to spare */

/* Zero it to start. */
typedef struct words {
    size_t n, capacity;
    char **texts;    /* by number; NUL-terminated, owned */
    uint32_t *slots; /* hash table: number + 1, or 0 where empty; 2^k of them */
    size_t n_slots;
} words;

typedef enum words_result { WORDS_FOUND, WORDS_FULL, WORDS_NO_MEMORY } words_result;

/* The text's number in *out; a new one where it is new. */
words_result words_number(words *set, const char *chars, size_t length, uint16_t *out);

/* Sorts the texts, by their numbers where all are numbers, else by their bytes, and gives in new_number (n of
   them, by old number) what they are called from then on. Where all are numbers, different texts of one value
   (1 and 1.0) have one number, of the first in order of bytes; n is then less. */
tsr_status *words_sort(words *set, bool as_numbers, uint16_t *new_number);

void words_clear(words *set);

#endif
