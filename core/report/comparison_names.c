/* What studies are called that are compared. */
#include "report/comparison.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Where the part of a path behind `at` begins; its end where there is none. */
static size_t next_part(const char *path, size_t at)
{
    while (path[at] && path[at] != '/')
        at++;
    return path[at] ? at + 1 : at;
}

/* How much of the paths' beginnings, in whole parts, all share; each keeps one part at least. */
static size_t shared_head(size_t n, char *const *paths)
{
    size_t head = 0;
    for (;;) {
        size_t next = next_part(paths[0], head);
        for (size_t i = 0; i < n; i++)
            if (strncmp(paths[i], paths[0], next) != 0 || !paths[i][next] || paths[0][next - 1] != '/')
                return head;
        head = next;
    }
}

/* The same of their ends. */
static size_t shared_tail(size_t n, char *const *paths, size_t head)
{
    for (size_t tail = 0;;) {
        const char *first = paths[0] + head;
        size_t length = strlen(first), next = tail;
        while (next < length && first[length - next - 1] != '/')
            next++;
        next++; /* the slash before it */
        for (size_t i = 0; i < n; i++) {
            size_t own = strlen(paths[i] + head);
            if (next >= own || next >= length ||
                strcmp(paths[i] + head + own - next, first + length - next) != 0)
                return tail;
        }
        tail = next;
    }
}

char **tsr_comparison_labels(size_t n, const char *const *folders)
{
    char **labels = tsr_alloc(n, sizeof(*labels));
    bool whole = labels && n;
    for (size_t i = 0; whole && i < n; i++) {
        whole = (labels[i] = strdup(folders[i]));
        size_t length = whole ? strlen(labels[i]) : 0;
        while (length > 1 && labels[i][length - 1] == '/')
            labels[i][--length] = '\0';
    }
    if (!whole) {
        for (size_t i = 0; labels && i < n; i++)
            free(labels[i]);
        free(labels);
        return NULL;
    }
    size_t head = shared_head(n, labels), tail = shared_tail(n, labels, head);
    for (size_t i = 0; n > 1 && i < n; i++) {
        size_t length = strlen(labels[i]) - head - tail;
        memmove(labels[i], labels[i] + head, length);
        labels[i][length] = '\0';
    }
    return labels;
}
