#include "file.h"

#include "../../datasets/data_file.h"
#include "../../datasets/text_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OLDEST_OPSET 7
#define NEWEST_OPSET 22
#define MAX_NODES 20000
#define GRAPH 7 /* the number of a model's field */

onnx_shown_text onnx_shown(const char *text)
{
    onnx_shown_text shown;
    size_t n = 0;
    for (text = onnx_text(text); text[n] && n < ONNX_MAX_SHOWN; n++)
        shown.chars[n] = text[n] < ' ' || text[n] > '~' ? '?' : text[n];
    strcpy(shown.chars + n, text[n] ? "..." : "");
    return shown;
}

/* --- bytes --- */

/* Fails also where fewer are there than were asked for. */
static tsr_status *read_bytes(const char *path, int fd, size_t offset, size_t length, unsigned char **out)
{
    *out = malloc(length ? length : 1);
    if (!*out)
        return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory for %zu bytes", path, length);
    size_t have = 0;
    ssize_t got = 1;
    while (have < length && got > 0) {
        got = pread(fd, *out + have, length - have, (off_t)(offset + have));
        if (got > 0)
            have += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    if (have == length)
        return NULL;
    free(*out);
    *out = NULL;
    return got < 0 ? tsr_fail(TSR_IO, "%s: cannot be read: %s", path, strerror(errno))
                   : tsr_fail(TSR_REFUSED, "%s: ends at byte %zu, expected %zu bytes from byte %zu on", path,
                              offset + have, length, offset);
}

/* Whether a name is UTF-8 without control characters, and can stand in a message. */
static bool is_printable(const char *name)
{
    bool printable = text_is_utf8(name, strlen(name));
    for (const unsigned char *c = (const unsigned char *)name; printable && *c; c++)
        printable = *c >= ' ' && *c != 127;
    return printable;
}

tsr_status *onnx_file_beside(const onnx_file *file, const char *name, size_t offset, size_t length,
                             unsigned char **out)
{
    *out = NULL;
    if (!is_printable(name))
        return tsr_fail(TSR_REFUSED, "lies in the file '%s', expected a name in UTF-8",
                        onnx_shown(name).chars);
    if (!*name || *name == '/' || strcmp(name, "..") == 0 || strncmp(name, "../", 3) == 0 ||
        strstr(name, "/../"))
        return tsr_fail(TSR_REFUSED, "lies in the file '%s', expected one in the folder of this one",
                        onnx_shown(name).chars);
    const char *slash = strrchr(file->path, '/');
    int folder = slash ? (int)(slash + 1 - file->path) : 0, fd;
    char *path;
    if (asprintf(&path, "%.*s%s", folder, file->path, name) < 0)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for a path");
    size_t size;
    tsr_status *status = data_file_open(path, "one with weights", &fd, &size);
    if (!status) {
        if (offset > size || length > size - offset)
            status = tsr_fail(TSR_REFUSED, "%s: has %zu bytes, expected %zu from byte %zu on", path, size,
                              length, offset);
        else
            status = read_bytes(path, fd, offset, length, out);
        close(fd);
    }
    free(path);
    return status;
}

/* --- the message --- */

/* What a message may take in memory: a short file cannot name millions of empty parts. */
#define FREELY_ALLOCATED ((size_t)1 << 28)
#define ALLOCATED_FOR_EACH 9 /* byte: a number of 64 bits may take one in the file */

typedef struct allowance {
    size_t left;
    bool exceeded, no_memory;
} allowance;

static void *allocate(void *data, size_t size)
{
    allowance *a = data;
    void *memory = size <= a->left ? malloc(size ? size : 1) : NULL;
    a->exceeded = a->exceeded || size > a->left;
    a->no_memory = a->no_memory || (!memory && !a->exceeded);
    a->left -= memory ? size : 0;
    return memory;
}

static void release(void *data, void *memory)
{
    (void)data;
    free(memory);
}

/* A number of 7 bits a byte; SIZE_MAX: it is cut off. */
static size_t varint(const unsigned char *bytes, size_t length, size_t *at)
{
    size_t value = 0;
    for (unsigned shift = 0; *at < length && shift < 64; shift += 7) {
        unsigned char byte = bytes[(*at)++];
        value |= (size_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    return SIZE_MAX;
}

/* How often a field comes in a message: of several parts with one number the library makes one. */
static size_t count_fields(const unsigned char *bytes, size_t length, size_t number)
{
    size_t n = 0, at = 0;
    while (at < length) {
        size_t tag = varint(bytes, length, &at), skip = 0;
        n += tag >> 3 == number;
        if ((tag & 7) == 0)
            varint(bytes, length, &at);
        else
            skip = (tag & 7) == 1 ? 8 : (tag & 7) == 5 ? 4 : varint(bytes, length, &at);
        at = skip > length - at ? length : at + skip;
    }
    return n;
}

static tsr_status *unpack(onnx_file *file, size_t length, const unsigned char *bytes)
{
    allowance allowed = { .left = FREELY_ALLOCATED + ALLOCATED_FOR_EACH * length };
    ProtobufCAllocator allocator = { allocate, release, &allowed };
    file->model = onnx__model__unpack(&allocator, length, bytes);
    if (file->model)
        return NULL;
    if (allowed.exceeded)
        return tsr_fail(TSR_REFUSED, "%s: has more parts than a network of %zu bytes has", file->path,
                        length);
    if (allowed.no_memory)
        return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory for a network of %zu bytes", file->path,
                        length);
    return tsr_fail(TSR_REFUSED, "%s: is no ONNX file, or is damaged: its %zu bytes are no message of ONNX",
                    file->path, length);
}

static tsr_status *read_model(onnx_file *file)
{
    int fd;
    size_t size;
    unsigned char *bytes = NULL;
    TSR_TRY(data_file_open(file->path, "one in ONNX format", &fd, &size));
    tsr_status *status =
        size == 0 || size > INT_MAX
            ? tsr_fail(TSR_REFUSED,
                       "%s: has %zu bytes, expected 1 to %d: larger networks keep their weights in "
                       "files beside it",
                       file->path, size, INT_MAX)
            : read_bytes(file->path, fd, 0, size, &bytes);
    close(fd);
    if (!status)
        status = unpack(file, size, bytes);
    if (!status && count_fields(bytes, size, GRAPH) > 1)
        status = tsr_fail(TSR_REFUSED, "%s: has several graphs, expected one", file->path);
    free(bytes);
    return status;
}

bool onnx_is_own_domain(const char *domain)
{
    return !*onnx_text(domain) || strcmp(domain, "ai.onnx") == 0;
}

bool onnx_is(const Onnx__Node *node, const char *op)
{
    return onnx_is_own_domain(node->domain) && strcmp(onnx_text(node->op_type), op) == 0;
}

static tsr_status *check_model(onnx_file *file)
{
    const Onnx__Model *model = file->model;
    size_t sets = 0;
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (onnx_is_own_domain(model->opset_import[i]->domain)) {
            file->opset = model->opset_import[i]->version;
            sets++;
        }
    if (!model->graph)
        return tsr_fail(TSR_REFUSED, "%s: has no graph, expected a network in ONNX format", file->path);
    if (sets > 1)
        return tsr_fail(TSR_REFUSED, "%s: is of %zu operator sets, expected one", file->path, sets);
    if (file->opset < OLDEST_OPSET || file->opset > NEWEST_OPSET)
        return tsr_fail(TSR_REFUSED, "%s: is of operator set %lld, expected %d to %d", file->path,
                        (long long)file->opset, OLDEST_OPSET, NEWEST_OPSET);
    if (model->graph->n_sparse_initializer)
        return tsr_fail(TSR_REFUSED, "%s: has sparse initializers, expected dense ones", file->path);
    if (model->graph->n_node > MAX_NODES)
        return tsr_fail(TSR_REFUSED, "%s: has %zu nodes, expected at most %d", file->path,
                        model->graph->n_node, MAX_NODES);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const Onnx__Tensor *const *x = a, *const *y = b;
    return strcmp(onnx_text((*x)->name), onnx_text((*y)->name));
}

static tsr_status *sort_initializers(onnx_file *file)
{
    const Onnx__Graph *graph = file->model->graph;
    if (!graph->n_initializer)
        return NULL;
    file->initializers = calloc(graph->n_initializer, sizeof(*file->initializers));
    if (!file->initializers)
        return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", file->path);
    memcpy(file->initializers, graph->initializer, graph->n_initializer * sizeof(*file->initializers));
    qsort(file->initializers, graph->n_initializer, sizeof(*file->initializers), by_name);
    return NULL;
}

tsr_status *onnx_file_read(const char *path, onnx_file *out)
{
    *out = (onnx_file){ .path = path };
    tsr_status *status = read_model(out);
    if (!status)
        status = check_model(out);
    if (!status)
        status = sort_initializers(out);
    if (status)
        onnx_file_clear(out);
    return status;
}

void onnx_file_clear(onnx_file *file)
{
    onnx__model__free_unpacked(file->model, NULL);
    free(file->initializers);
    *file = (onnx_file){ 0 };
}

static bool is_initializer(const onnx_file *file, char *name)
{
    const Onnx__Tensor wanted = { .name = name }, *key = &wanted;
    size_t n = file->model->graph->n_initializer;
    return n && bsearch(&key, file->initializers, n, sizeof(key), by_name);
}

/* Files of older versions list initializers among the inputs. */
tsr_status *onnx_file_input(const onnx_file *file, const Onnx__ValueInfo **out)
{
    const Onnx__Graph *graph = file->model->graph;
    *out = NULL;
    for (size_t i = 0; i < graph->n_input; i++) {
        if (is_initializer(file, graph->input[i]->name))
            continue;
        if (*out)
            return tsr_fail(TSR_REFUSED, "%s: has the inputs '%s' and '%s', expected one", file->path,
                            onnx_shown((*out)->name).chars, onnx_shown(graph->input[i]->name).chars);
        *out = graph->input[i];
    }
    return *out ? NULL : tsr_fail(TSR_REFUSED, "%s: has no input", file->path);
}

tsr_status *onnx_file_output(const onnx_file *file, const char *name, const Onnx__ValueInfo **out)
{
    const Onnx__Graph *graph = file->model->graph;
    for (size_t i = 0; i < graph->n_output; i++)
        if (!*name || strcmp(onnx_text(graph->output[i]->name), name) == 0) {
            *out = graph->output[i];
            return NULL;
        }
    if (!graph->n_output)
        return tsr_fail(TSR_REFUSED, "%s: has no output", file->path);
    return tsr_fail(TSR_REFUSED, "%s: has no output '%s'; the first is '%s'", file->path, name,
                    onnx_shown(graph->output[0]->name).chars);
}
