/* Values as text. Each is one character and what it takes, behind its key and its origin where it has them:
   "k5:model@3,9:study.cfg" and "g2," are a member "model" of line 3 of study.cfg, a group of the two values
   that follow; "k5:width" and "i10," a member "width" of the same line. Counts end with a comma, texts begin
   with their length, reals are their bits. */
#include "config/carry.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void add_text(const char *text, tsr_text *out)
{
    tsr_text_add(out, "%zu:", strlen(text));
    tsr_text_add_span(out, text, strlen(text));
}

void tsr_value_carry(const tsr_value *value, tsr_text *out)
{
    uint64_t bits;
    if (value->key) {
        tsr_text_add(out, "k");
        add_text(value->key, out);
    }
    if (value->origin) {
        tsr_text_add(out, "@%u,", value->origin->line);
        add_text(value->origin->text ? value->origin->text : "", out);
    }
    switch (value->type) {
    case TSR_VALUE_NULL:
        tsr_text_add(out, "n");
        break;
    case TSR_VALUE_BOOL:
        tsr_text_add(out, value->boolean ? "t" : "f");
        break;
    case TSR_VALUE_INT:
        tsr_text_add(out, "i%llu,", (unsigned long long)value->integer);
        break;
    case TSR_VALUE_REAL:
        memcpy(&bits, &value->real, sizeof(bits));
        tsr_text_add(out, "r%llu,", (unsigned long long)bits);
        break;
    case TSR_VALUE_STRING:
        tsr_text_add(out, "s");
        add_text(value->string, out);
        break;
    case TSR_VALUE_LIST:
    case TSR_VALUE_GROUP:
        tsr_text_add(out, "%c%zu,", value->type == TSR_VALUE_LIST ? 'l' : 'g', value->n);
        for (size_t i = 0; i < value->n; i++)
            tsr_value_carry(value->items[i], out);
        break;
    }
}

/* --- reading --- */

typedef struct reader {
    const char *at, *folder;
} reader;

static tsr_status *not_carried(void)
{
    return tsr_fail(TSR_REFUSED, "the process that reads a config gave another answer than values");
}

/* A number that ends with `end`, which is passed over. */
static tsr_status *take_number(reader *r, char end, uint64_t *out)
{
    size_t digits = strspn(r->at, "0123456789");
    *out = strtoull(r->at, NULL, 10);
    if (digits == 0 || r->at[digits] != end)
        return not_carried();
    r->at += digits + 1;
    return NULL;
}

static tsr_status *take_text(reader *r, char **out)
{
    uint64_t length;
    TSR_TRY(take_number(r, ':', &length));
    if (strnlen(r->at, length) < length)
        return not_carried();
    *out = strndup(r->at, length);
    r->at += length;
    return *out ? NULL : tsr_no_memory("a config");
}

static tsr_status *take_origin(reader *r, tsr_origin **out)
{
    uint64_t line;
    char *file = NULL;
    *out = NULL;
    if (*r->at != '@')
        return NULL;
    r->at++;
    TSR_TRY(take_number(r, ',', &line));
    TSR_TRY(take_text(r, &file));
    *out = tsr_origin_new(TSR_ORIGIN_FILE, file, (unsigned)line, r->folder);
    free(file);
    return *out ? NULL : tsr_no_memory("a config");
}

static tsr_status *take_scalar(reader *r, char type, tsr_value **out)
{
    uint64_t bits = 0;
    double real;
    char *text = NULL;
    switch (type) {
    case 'n':
        *out = tsr_value_null();
        break;
    case 't':
    case 'f':
        *out = tsr_value_bool(type == 't');
        break;
    case 'i':
        TSR_TRY(take_number(r, ',', &bits));
        *out = tsr_value_int((int64_t)bits);
        break;
    case 'r':
        TSR_TRY(take_number(r, ',', &bits));
        memcpy(&real, &bits, sizeof(real));
        *out = tsr_value_real(real);
        break;
    case 's':
        TSR_TRY(take_text(r, &text));
        *out = tsr_value_string(text);
        free(text);
        break;
    default:
        return not_carried();
    }
    return *out ? NULL : tsr_no_memory("a config");
}

/* What is on the way into a group has its key first; *out is the caller's also where this fails. */
static tsr_status *take(reader *r, tsr_value *above, tsr_value **out);

static tsr_status *take_items(reader *r, tsr_value *value)
{
    uint64_t n;
    TSR_TRY(take_number(r, ',', &n));
    for (uint64_t i = 0; i < n; i++) {
        tsr_value *item = NULL;
        TSR_TRY(take(r, value, &item));
    }
    return NULL;
}

static tsr_status *take_value(reader *r, tsr_origin *origin, tsr_value *above, const char *key,
                              tsr_value **out)
{
    char type = *r->at ? *r->at++ : '\0';
    bool list = type == 'l', group = type == 'g';
    if (!list && !group)
        TSR_TRY(take_scalar(r, type, out));
    else if (!(*out = list ? tsr_value_list() : tsr_value_group()))
        return tsr_no_memory("a config");
    (*out)->origin = tsr_origin_share(origin);
    if (above)
        TSR_TRY(key ? tsr_value_put(above, key, *out) : tsr_value_append(above, *out));
    return list || group ? take_items(r, *out) : NULL;
}

static tsr_status *take(reader *r, tsr_value *above, tsr_value **out)
{
    char *key = NULL;
    tsr_origin *origin = NULL;
    tsr_status *status = NULL;
    if (*r->at == 'k') {
        r->at++;
        status = take_text(r, &key);
    }
    if (!status && above && !key == (above->type == TSR_VALUE_GROUP))
        status = not_carried();
    if (!status)
        status = take_origin(r, &origin);
    if (!status)
        status = take_value(r, origin, above, key, out);
    tsr_origin_release(origin);
    free(key);
    return status;
}

tsr_status *tsr_value_from_carried(const char *text, const char *folder, tsr_value **out)
{
    reader r = { text, folder };
    tsr_value *root = NULL;
    *out = NULL;
    tsr_status *status = take(&r, NULL, &root);
    if (!status && *r.at)
        status = not_carried();
    if (status)
        tsr_value_free(root);
    else
        *out = root;
    return status;
}
