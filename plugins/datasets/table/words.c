/* A hash table of texts. */
#include "words.h"

#include "../text_file.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64

/* FNV-1a, 64 bits. */
static uint64_t hash(const char *chars, size_t length)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        value = (value ^ (unsigned char)chars[i]) * UINT64_C(0x100000001b3);
    return value ^ value >> 32;
}

/* Where the text is, or where it belongs. */
static uint32_t *find_slot(const words *set, const char *chars, size_t length)
{
    for (size_t i = hash(chars, length);; i++) {
        uint32_t *slot = &set->slots[i & (set->n_slots - 1)];
        if (*slot == 0)
            return slot;
        const char *text = set->texts[*slot - 1];
        if (strncmp(text, chars, length) == 0 && text[length] == '\0')
            return slot;
    }
}

static bool grow_slots(words *set)
{
    words larger = { .n_slots = set->n_slots ? 2 * set->n_slots : FIRST_SLOTS, .texts = set->texts };
    larger.slots = calloc(larger.n_slots, sizeof(*larger.slots));
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < set->n; i++)
        *find_slot(&larger, set->texts[i], strlen(set->texts[i])) = (uint32_t)i + 1;
    free(set->slots);
    set->slots = larger.slots;
    set->n_slots = larger.n_slots;
    return true;
}

static bool grow_texts(words *set)
{
    size_t capacity = set->capacity ? 2 * set->capacity : FIRST_SLOTS;
    char **grown = realloc(set->texts, capacity * sizeof(*grown));
    if (!grown)
        return false;
    set->texts = grown;
    set->capacity = capacity;
    return true;
}

words_result words_number(words *set, const char *chars, size_t length, uint16_t *out)
{
    if (2 * (set->n + 1) > set->n_slots && !grow_slots(set))
        return WORDS_NO_MEMORY;
    uint32_t *slot = find_slot(set, chars, length);
    if (*slot == 0) {
        if (set->n == MAX_WORDS)
            return WORDS_FULL;
        if (set->n == set->capacity && !grow_texts(set))
            return WORDS_NO_MEMORY;
        char *text = strndup(chars, length);
        if (!text)
            return WORDS_NO_MEMORY;
        set->texts[set->n++] = text;
        *slot = (uint32_t)set->n;
    }
    *out = (uint16_t)(*slot - 1);
    return WORDS_FOUND;
}

typedef struct sorted_word {
    char *text;
    double value; /* 0 for all where they are no numbers */
    size_t number;
} sorted_word;

static int compare(const void *a, const void *b)
{
    const sorted_word *first = a, *second = b;
    if (first->value != second->value)
        return first->value < second->value ? -1 : 1;
    return strcmp(first->text, second->text);
}

tsr_status *words_sort(words *set, bool as_numbers, uint16_t *new_number)
{
    sorted_word *sorted = calloc(set->n + 1, sizeof(*sorted));
    if (!sorted)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu texts", set->n);
    for (size_t i = 0; i < set->n; i++) {
        sorted[i] = (sorted_word){ .text = set->texts[i], .number = i };
        if (as_numbers)
            text_number(set->texts[i], strlen(set->texts[i]), &sorted[i].value);
    }
    qsort(sorted, set->n, sizeof(*sorted), compare);
    size_t kept = 0;
    for (size_t i = 0; i < set->n; i++) {
        bool same = as_numbers && i > 0 && sorted[i].value == sorted[i - 1].value;
        if (same)
            free(sorted[i].text);
        else
            set->texts[kept++] = sorted[i].text;
        new_number[sorted[i].number] = (uint16_t)(kept - 1);
    }
    set->n = kept;
    free(set->slots); /* no text is looked up after */
    set->slots = NULL;
    set->n_slots = 0;
    free(sorted);
    return NULL;
}

void words_clear(words *set)
{
    for (size_t i = 0; i < set->n; i++)
        free(set->texts[i]);
    free(set->texts);
    free(set->slots);
    *set = (words){ 0 };
}
