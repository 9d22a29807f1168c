/* The names of nodes in the graph: the file's, made unique. */
#include "translate.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 200
#define MAX_NUMBER 24 /* characters of what is put behind a name */

/* The file's name of the node, or of what it makes: a / between names is a dot, what no name may have is _.
 */
static void name_of(const Onnx__Node *node, char out[MAX_NAME])
{
    const char *from = *onnx_text(node->name) ? node->name : node->n_output ? node->output[0] : "";
    size_t n = 0;
    from += strspn(from, "/");
    for (; *from && n < MAX_NAME - MAX_NUMBER; from++) {
        char c = *from;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        out[n++] = c == '/' || c == '.' ? '.' : plain ? c : '_';
    }
    if (n == 0)
        out[n++] = '_';
    out[n] = '\0';
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static const char *keep(onnx_translation *t, const char *name)
{
    char *kept = strdup(name);
    if (kept && tsearch(kept, &t->names, compare_text))
        return kept;
    free(kept);
    onnx_fail(t, "not enough memory for its name");
    return NULL;
}

/* Whether it is what the graph calls a node without a name: an operator's, and a number. */
static bool is_default(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz_"), digits = strspn(name + n, "0123456789");
    return n && name[n - 1] != '_' && digits && !name[n + digits];
}

/* Whether another node has the name, or may have: what a node of the file called a is made of beside itself
   has names as a.pad0. */
static bool is_taken(const onnx_translation *t, const char *name)
{
    char outer[MAX_NAME];
    const char *dot = strrchr(name, '.');
    if (tfind(name, (void *const *)&t->names, compare_text))
        return true;
    if (!dot || !is_default(dot + 1))
        return false;
    snprintf(outer, sizeof(outer), "%.*s", (int)(dot - name), name);
    return tfind(outer, (void *const *)&t->names, compare_text);
}

const char *onnx_unique_name(onnx_translation *t)
{
    char name[MAX_NAME];
    if (!t->names && (!keep(t, "input") || !keep(t, ONNX_RESHAPED_INPUT)))
        return NULL;
    name_of(t->node, name);
    size_t length = strlen(name);
    for (size_t number = t->number; is_taken(t, name); number++)
        snprintf(name + length, MAX_NUMBER, "_%zu", number);
    return keep(t, name);
}

void onnx_names_clear(onnx_translation *t)
{
    tdestroy(t->names, free);
    t->names = NULL;
}
