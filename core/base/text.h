/* Strings: composing, comparing, finding the nearest known word. */
#ifndef TSR_BASE_TEXT_H
#define TSR_BASE_TEXT_H

#include <tessera/status.h>

/* A text that grows; zero it to start. After a failed allocation it stays as it is and `failed` is set. */
typedef struct tsr_text {
    char *chars; /* NUL-terminated, or NULL while empty; free() it */
    size_t length, capacity;
    bool failed;
} tsr_text;

void tsr_text_add(tsr_text *text, const char *format, ...) TSR_PRINTF(2, 3);

/* Appends so many characters as they are. */
void tsr_text_add_span(tsr_text *text, const char *chars, size_t length);

/* printf into new memory; NULL without memory. free() it. */
char *tsr_format(const char *format, ...) TSR_PRINTF(1, 2);

/* Whether the text is UTF-8: no byte out of place, no overlong form, no surrogate. */
bool tsr_is_utf8(const char *text);

/* The text as a terminal may be given it: each control character, direction mark and byte that is no part of
   UTF-8 is written out, as \x1b or \u202e. Takes the text, from malloc, over, and gives it or another one in
   its place, to be freed; NULL without memory, or for NULL. */
char *tsr_shown(char *text);

/* Bytes of the character that a text, which is not empty, begins with, where it is shown as it is. Else 0,
   and `out` is what tsr_shown writes in its place. *taken: its bytes in the text, at least one. */
size_t tsr_plain_length(const char *text, char out[8], size_t *taken);

/* Edit distance with transpositions of neighbours (optimal string alignment). Words of up to 63
   characters; longer ones are as far apart as they are long. */
size_t tsr_edit_distance(const char *a, const char *b);

/* The word of the NULL-terminated list nearest to `word`, if near enough to be meant; else NULL. */
const char *tsr_nearest_word(const char *word, const char *const *words);

/* The shortest decimal text that reads back as the same double, independent of the locale, with a "."
   or an exponent so that it reads as a real: "100.0", "0.0001", "1e-05". `capacity` of 32 is enough. */
void tsr_format_real(double value, char *out, size_t capacity);

/* The number that a text begins with, as strtod reads it but independent of the locale; *end is behind it. */
double tsr_parse_real(const char *text, char **end);

#endif
