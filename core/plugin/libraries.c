/* Finding libraries as the dynamic linker does (ld.so(8)): what a file needs is searched in its RPATH and in
   that of the files that led to it, or, where it has a RUNPATH, in that alone; "$ORIGIN" is the file's own
   folder. The file is read through a bounded window: nothing in it is taken unchecked. */
#include "plugin/libraries.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files that need each other in a row; more is no plugin's. */
enum { MAX_DEPTH = 64 };

/* --- a file --- */

typedef struct image {
    const unsigned char *bytes;
    size_t size;
} image;

/* The bytes from `at` on, `length` of them; NULL where they are not all there. */
static const void *bytes_at(const image *file, uint64_t at, uint64_t length)
{
    return at <= file->size && length <= file->size - at ? file->bytes + at : NULL;
}

/* *error is errno's where it cannot be mapped. */
static bool map_file(const char *path, image *out, int *error)
{
    struct stat info;
    errno = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    void *memory = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
        memory = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    *error = errno;
    if (fd >= 0)
        close(fd);
    if (memory == MAP_FAILED)
        return false;
    *out = (image){ memory, (size_t)info.st_size };
    return true;
}

/* A structure of the file, which may lie anywhere in it; false where it is not all there. */
static bool copy_from(const image *file, uint64_t at, size_t size, void *out)
{
    const void *bytes = bytes_at(file, at, size);
    if (bytes)
        memcpy(out, bytes, size);
    return bytes;
}

static bool is_elf(const ElfW(Ehdr) * header)
{
    extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
    return memcmp(header->e_ident, __ehdr_start.e_ident, EI_VERSION + 1) == 0 &&
           header->e_machine == __ehdr_start.e_machine && header->e_phentsize == sizeof(ElfW(Phdr));
}

/* The program header of a type, or the segment that is mapped where `address` is; false: none. */
static bool find_segment(const image *file, uint32_t type, ElfW(Addr) address, ElfW(Phdr) * out)
{
    ElfW(Ehdr) header;
    if (!copy_from(file, 0, sizeof(header), &header) || !is_elf(&header) ||
        !bytes_at(file, header.e_phoff, header.e_phnum * sizeof(*out)))
        return false;
    for (size_t i = 0; i < header.e_phnum; i++)
        if (copy_from(file, header.e_phoff + i * sizeof(*out), sizeof(*out), out) && out->p_type == type &&
            (type != PT_LOAD || (address >= out->p_vaddr && address - out->p_vaddr < out->p_filesz)))
            return true;
    return false;
}

/* What a file says of the libraries that it needs. */
typedef struct needs {
    image file;
    uint64_t entries; /* where they begin: n of ElfW(Dyn) */
    size_t n;
    const char *texts; /* that entries give offsets of */
    size_t texts_size;
} needs;

static ElfW(Dyn) entry_of(const needs *n, size_t i)
{
    ElfW(Dyn) entry = { .d_tag = DT_NULL };
    copy_from(&n->file, n->entries + i * sizeof(entry), sizeof(entry), &entry);
    return entry;
}

static void find_texts(needs *n, ElfW(Addr) address)
{
    ElfW(Phdr) load;
    if (!find_segment(&n->file, PT_LOAD, address, &load))
        return;
    uint64_t at = load.p_offset + (address - load.p_vaddr);
    n->texts = bytes_at(&n->file, at, 0);
    n->texts_size = n->texts ? n->file.size - (size_t)at : 0;
}

static bool read_needs(const char *path, needs *out, int *error)
{
    *out = (needs){ 0 };
    if (!map_file(path, &out->file, error))
        return false;
    ElfW(Phdr) dynamic;
    if (!find_segment(&out->file, PT_DYNAMIC, 0, &dynamic) ||
        !bytes_at(&out->file, dynamic.p_offset, dynamic.p_filesz))
        return true;
    out->entries = dynamic.p_offset;
    for (size_t i = 0; i < dynamic.p_filesz / sizeof(ElfW(Dyn)); i++) {
        ElfW(Dyn) entry = entry_of(out, i);
        if (entry.d_tag == DT_NULL)
            break;
        out->n = i + 1;
        if (entry.d_tag == DT_STRTAB)
            find_texts(out, entry.d_un.d_ptr);
    }
    return true;
}

static void free_needs(needs *n)
{
    munmap((void *)(uintptr_t)n->file.bytes, n->file.size);
}

/* The text of entry i; NULL where it lies outside or does not end. */
static const char *text_of(const needs *n, size_t i)
{
    uint64_t at = entry_of(n, i).d_un.d_val;
    if (!n->texts || at >= n->texts_size || !memchr(n->texts + at, '\0', n->texts_size - (size_t)at))
        return NULL;
    return n->texts + at;
}

static const char *find_text(const needs *n, ElfW(Sxword) tag)
{
    for (size_t i = 0; i < n->n; i++)
        if (entry_of(n, i).d_tag == tag)
            return text_of(n, i);
    return NULL;
}

/* --- the search --- */

/* A file on the way from the plugin to a library. */
typedef struct loader {
    const struct loader *by; /* what needs it; NULL: the plugin itself */
    const char *path;
    const char *rpath, *runpath; /* NULL: none */
    int depth;
} loader;

typedef struct search {
    tsr_status *(*visit)(void *context, const char *library);
    void *context;
    size_t n;
    char **seen; /* libraries that were visited */
} search;

static bool is_seen(const search *s, const char *path)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->seen[i], path) == 0)
            return true;
    return false;
}

static tsr_status *note(search *s, const char *path)
{
    char **grown = realloc(s->seen, (s->n + 1) * sizeof(*grown));
    if (grown)
        s->seen = grown;
    if (!grown || !(s->seen[s->n] = strdup(path)))
        return tsr_no_memory("a list of libraries");
    s->n++;
    return NULL;
}

/* One folder of a search path, with "$ORIGIN" and "${ORIGIN}" in it filled in; absolute. NULL without memory.
   free() it. */
static char *expand(const char *folder, size_t length, const char *file)
{
    static const char *const words[] = { "$ORIGIN", "${ORIGIN}" };
    tsr_text text = { 0 };
    char *origin = tsr_path_folder(file), *whole = NULL;
    for (size_t i = 0; i < length;) {
        size_t word = 0;
        for (size_t k = 0; k < 2; k++)
            if (length - i >= strlen(words[k]) && strncmp(folder + i, words[k], strlen(words[k])) == 0)
                word = strlen(words[k]);
        if (word)
            tsr_text_add(&text, "%s", origin ? origin : "");
        else
            tsr_text_add(&text, "%c", folder[i]);
        i += word ? word : 1;
    }
    /* An empty one is the working folder. */
    if (origin && !text.failed)
        tsr_status_free(tsr_path_absolute(text.chars ? text.chars : ".", &whole));
    free(origin);
    free(text.chars);
    return whole;
}

static tsr_status *visit_needs(search *s, const char *path, const loader *by);

/* A library that is there: it and what it needs. */
static tsr_status *visit_library(search *s, const char *path, const loader *by)
{
    if (is_seen(s, path))
        return NULL;
    TSR_TRY(note(s, path));
    TSR_TRY(s->visit(s->context, path));
    return visit_needs(s, path, by);
}

/* FOLDER/NAME and FOLDER/glibc-hwcaps/LEVEL/NAME, of which the processor decides. *found: there is one. */
static tsr_status *visit_in_folder(search *s, const char *folder, const char *name, const loader *by,
                                   bool *found)
{
    glob_t levels = { 0 };
    char *plain = tsr_path_join(folder, name), *pattern = tsr_format("%s/glibc-hwcaps/*", folder);
    tsr_status *status = plain && pattern ? NULL : tsr_no_memory("a path");
    if (!status && access(plain, F_OK) == 0) {
        *found = true;
        status = visit_library(s, plain, by);
    }
    int globbed = status ? GLOB_NOMATCH : glob(pattern, GLOB_NOSORT, NULL, &levels);
    if (globbed == GLOB_NOSPACE)
        status = tsr_no_memory("a list of libraries");
    if (globbed == 0)
        for (size_t i = 0; i < levels.gl_pathc && !status; i++) {
            char *library = tsr_path_join(levels.gl_pathv[i], name);
            if (!library)
                status = tsr_no_memory("a path");
            else if (access(library, F_OK) == 0) {
                *found = true;
                status = visit_library(s, library, by);
            }
            free(library);
        }
    globfree(&levels);
    free(plain);
    free(pattern);
    return status;
}

/* In the folders of a search path that the file `of` has. */
static tsr_status *visit_on_path(search *s, const char *folders, const char *of, const char *name,
                                 const loader *by, bool *found)
{
    tsr_status *status = NULL;
    for (const char *at = folders; !status && !*found;) {
        size_t length = strcspn(at, ":");
        char *folder = expand(at, length, of);
        status = folder ? visit_in_folder(s, folder, name, by, found) : tsr_no_memory("a path");
        free(folder);
        if (!at[length])
            break;
        at += length + 1;
    }
    return status;
}

/* Whether the process has it already: then the dynamic linker takes that one. */
static bool is_loaded(const char *name)
{
    void *handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
    if (handle)
        dlclose(handle);
    return handle;
}

static tsr_status *visit_needed(search *s, const char *name, const loader *by)
{
    bool found = false;
    if (strchr(name, '/')) {
        char *path = expand(name, strlen(name), by->path);
        tsr_status *status = path ? NULL : tsr_no_memory("a path");
        if (!status && access(path, F_OK) == 0)
            status = visit_library(s, path, by);
        free(path);
        return status;
    }
    if (is_loaded(name))
        return NULL;
    if (by->runpath)
        return visit_on_path(s, by->runpath, by->path, name, by, &found);
    for (const loader *l = by; l && !found; l = l->by)
        if (l->rpath && !l->runpath)
            TSR_TRY(visit_on_path(s, l->rpath, l->path, name, by, &found));
    return NULL;
}

static tsr_status *visit_needs(search *s, const char *path, const loader *by)
{
    needs n;
    int error;
    if (!read_needs(path, &n, &error)) /* what cannot be loaded needs none */
        return tsr_error_of(error) == TSR_REFUSED
                   ? NULL
                   : tsr_fail(tsr_error_of(error), "%s: cannot be looked at: %s", path, strerror(error));
    loader here = { .by = by,
                    .path = path,
                    .rpath = find_text(&n, DT_RPATH),
                    .runpath = find_text(&n, DT_RUNPATH),
                    .depth = by ? by->depth + 1 : 0 };
    tsr_status *status = NULL;
    for (size_t i = 0; i < n.n && !status; i++) {
        ElfW(Sxword) tag = entry_of(&n, i).d_tag;
        const char *name =
            tag == DT_NEEDED || tag == DT_AUXILIARY || tag == DT_FILTER ? text_of(&n, i) : NULL;
        if (name && *name && here.depth < MAX_DEPTH)
            status = visit_needed(s, name, &here);
    }
    free_needs(&n);
    return status;
}

tsr_status *tsr_libraries_visit(const char *file, tsr_status *(*visit)(void *context, const char *library),
                                void *context)
{
    search s = { .visit = visit, .context = context };
    tsr_status *status = visit_needs(&s, file, NULL);
    for (size_t i = 0; i < s.n; i++)
        free(s.seen[i]);
    free(s.seen);
    return status;
}
