#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OLDEST_OPSET 7
#define NEWEST_OPSET 22

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

static tsr_status *open_file(const char *path, int *fd, size_t *size)
{
    struct stat about;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* which does not wait for who writes to a pipe */
    if (*fd < 0)
        return tsr_fail(TSR_REFUSED, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(*fd, &about) == 0 && S_ISREG(about.st_mode)) {
        *size = (size_t)about.st_size;
        return NULL;
    }
    close(*fd);
    return tsr_fail(TSR_REFUSED, "%s: is no file", path);
}

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

tsr_status *onnx_file_beside(const onnx_file *file, const char *name, size_t offset, size_t length,
                             unsigned char **out)
{
    *out = NULL;
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
    tsr_status *status = open_file(path, &fd, &size);
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

static void *allocate(void *failed, size_t size)
{
    void *memory = malloc(size ? size : 1);
    *(bool *)failed = *(bool *)failed || !memory;
    return memory;
}

static void release(void *failed, void *memory)
{
    (void)failed;
    free(memory);
}

static tsr_status *unpack(onnx_file *file, size_t length, const unsigned char *bytes)
{
    bool no_memory = false;
    ProtobufCAllocator allocator = { allocate, release, &no_memory };
    file->model = onnx__model__unpack(&allocator, length, bytes);
    if (file->model)
        return NULL;
    if (no_memory)
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
    TSR_TRY(open_file(file->path, &fd, &size));
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
    free(bytes);
    return status;
}

static bool is_onnx_domain(const char *domain)
{
    return !*onnx_text(domain) || strcmp(domain, "ai.onnx") == 0;
}

static tsr_status *check_model(onnx_file *file)
{
    const Onnx__Model *model = file->model;
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (is_onnx_domain(model->opset_import[i]->domain))
            file->opset = model->opset_import[i]->version;
    if (!model->graph)
        return tsr_fail(TSR_REFUSED, "%s: has no graph, expected a network in ONNX format", file->path);
    if (file->opset < OLDEST_OPSET || file->opset > NEWEST_OPSET)
        return tsr_fail(TSR_REFUSED, "%s: is of operator set %lld, expected %d to %d", file->path,
                        (long long)file->opset, OLDEST_OPSET, NEWEST_OPSET);
    if (model->graph->n_sparse_initializer)
        return tsr_fail(TSR_REFUSED, "%s: has sparse initializers, expected dense ones", file->path);
    return NULL;
}

tsr_status *onnx_file_read(const char *path, onnx_file *out)
{
    *out = (onnx_file){ .path = path };
    TSR_TRY(read_model(out));
    tsr_status *status = check_model(out);
    if (status)
        onnx_file_clear(out);
    return status;
}

void onnx_file_clear(onnx_file *file)
{
    onnx__model__free_unpacked(file->model, NULL);
    file->model = NULL;
}

const Onnx__Tensor *onnx_file_initializer(const onnx_file *file, const char *name)
{
    const Onnx__Graph *graph = file->model->graph;
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (strcmp(onnx_text(graph->initializer[i]->name), name) == 0)
            return graph->initializer[i];
    return NULL;
}

/* Files of older versions list initializers among the inputs. */
tsr_status *onnx_file_input(const onnx_file *file, const Onnx__ValueInfo **out)
{
    const Onnx__Graph *graph = file->model->graph;
    *out = NULL;
    for (size_t i = 0; i < graph->n_input; i++) {
        if (onnx_file_initializer(file, onnx_text(graph->input[i]->name)))
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
