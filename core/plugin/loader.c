/* The loader. First the file is looked at from outside (so that the usual accidents get a plain answer and
   not the dynamic linker's), then it is loaded, then its one symbol is checked from the magic on, and at
   last each plugin is copied into structures of the host's sizes and its declarations are checked. */
#include "plugin/loader.h"

#include "base/file.h"
#include "base/guard.h"
#include "base/memory.h"
#include "plugin/announced.h"
#include "plugin/kinds.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ABI 1.0's sizes. */
#define END_OF(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))
static const size_t min_file_size = END_OF(tsr_plugin_file, plugins);
static const size_t min_plugin_size = END_OF(tsr_plugin, fini);
static const size_t min_key_size = END_OF(tsr_key, group_list_default);

/* More than any file will hold; a list without its end is noticed here. */
enum { MAX_PLUGINS = 256, MAX_PARAMS = 1024, MAX_GROUP_DEPTH = 8 };

#define REBUILD "rebuild it against this version's headers"

/* The file from outside. */

/* This library's own ELF header, which the linker puts here: what a plugin's must agree with. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static const char *machine_name(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } known[] = { { EM_X86_64, "x86-64" },  { EM_386, "32-bit x86" }, { EM_AARCH64, "64-bit ARM" },
                  { EM_ARM, "32-bit ARM" }, { EM_RISCV, "RISC-V" },   { EM_PPC64, "64-bit POWER" },
                  { EM_S390, "S/390" } };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (known[i].machine == machine)
            return known[i].name;
    return "another processor";
}

/* The end of what the dynamic linker would map; a page behind the file's end kills the process. */
static bool is_whole(int fd, const ElfW(Ehdr) * header, uint64_t size)
{
    if (header->e_phentsize != sizeof(ElfW(Phdr)))
        return false;
    for (size_t i = 0; i < header->e_phnum; i++) {
        ElfW(Phdr) segment;
        off_t at = (off_t)(header->e_phoff + i * sizeof(segment));
        if (pread(fd, &segment, sizeof(segment), at) != (ssize_t)sizeof(segment))
            return false;
        uint64_t end;
        if (segment.p_type == PT_LOAD &&
            (__builtin_add_overflow((uint64_t)segment.p_offset, (uint64_t)segment.p_filesz, &end) ||
             end > size))
            return false;
    }
    return header->e_shoff == 0 || header->e_shoff + (uint64_t)header->e_shnum * header->e_shentsize <= size;
}

static bool is_for_this_machine(const ElfW(Ehdr) * header)
{
    return header->e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
           header->e_ident[EI_DATA] == __ehdr_start.e_ident[EI_DATA] &&
           header->e_machine == __ehdr_start.e_machine;
}

static tsr_status *other_machine(const char *file, const ElfW(Ehdr) * header)
{
    bool same = header->e_machine == __ehdr_start.e_machine;
    return tsr_fail(TSR_REFUSED,
                    "%s: is built for %s%s and this program for %s; build the plugin on this machine", file,
                    machine_name(header->e_machine), same ? " of another word size or byte order" : "",
                    machine_name(__ehdr_start.e_machine));
}

static tsr_status *check_elf(int fd, const char *file, uint64_t size)
{
    ElfW(Ehdr) header;
    memset(&header, 0, sizeof(header));
    ssize_t got = pread(fd, &header, sizeof(header), 0);
    if (got < 0)
        return tsr_fail(tsr_error_of(errno), "%s: cannot be read: %s", file, strerror(errno));
    if (got < SELFMAG || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return tsr_fail(TSR_REFUSED,
                        "%s: is not a shared object; build the plugin and name the .so that comes out", file);
    bool cut = (size_t)got < sizeof(header);
    if (!cut && !is_for_this_machine(&header))
        return other_machine(file, &header);
    if (!cut && header.e_type != ET_DYN)
        return tsr_fail(TSR_REFUSED,
                        "%s: is an object or a program, not a shared object; link it with -shared", file);
    errno = 0;
    bool whole = !cut && is_whole(fd, &header, size);
    if (!whole && !cut && errno)
        return tsr_fail(tsr_error_of(errno), "%s: cannot be read: %s", file, strerror(errno));
    if (!whole)
        return tsr_fail(TSR_REFUSED, "%s: is truncated (%llu bytes); build or copy it again", file,
                        (unsigned long long)size);
    return NULL;
}

static tsr_status *check_outside(const char *file)
{
    struct stat info;
    if (stat(file, &info) != 0)
        return errno == ENOENT
                   ? tsr_fail(TSR_REFUSED, "%s: no such file; build the plugin or correct the path", file)
                   : tsr_fail(TSR_REFUSED, "%s: cannot be read: %s", file, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return tsr_fail(TSR_REFUSED, "%s: is a folder; name the .so file in it", file);
    if (!S_ISREG(info.st_mode))
        return tsr_fail(TSR_REFUSED, "%s: is not a regular file; name a .so file", file);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tsr_fail(tsr_error_of(errno), "%s: cannot be read: %s; check its permissions", file,
                        strerror(errno));
    tsr_status *status = info.st_size == 0
                             ? tsr_fail(TSR_REFUSED, "%s: is empty; build or copy it again", file)
                             : check_elf(fd, file, (uint64_t)info.st_size);
    close(fd);
    return status;
}

/* The file as the dynamic linker sees it. */

static tsr_status *linker_refused(const char *file)
{
    const char *reason = dlerror();
    if (!reason)
        reason = "the dynamic linker gave no reason";
    size_t length = strlen(file);
    bool itself = strncmp(reason, file, length) == 0 && reason[length] == ':' && reason[length + 1] == ' ';
    if (itself)
        reason += length + 2; /* the path is said already */
    /* Without memory it says so, or only what it was at, or that it finds no file where there is one. */
    if (strcasestr(reason, "cannot allocate memory") || strstr(reason, "out of memory") ||
        strncmp(reason, "cannot create ", strlen("cannot create ")) == 0 ||
        (itself && strstr(reason, "No such file or directory") && access(file, R_OK) == 0))
        return tsr_no_memory(file);
    const char *next = "look at it with 'readelf -d' and 'ldd'";
    if (strstr(reason, "undefined symbol"))
        next = "link the library that has it; linking with -Wl,-z,defs shows this at build time";
    else if (strstr(reason, "musl"))
        next = "it was built with musl; build it with the C library that this program has";
    else if (strstr(reason, "failed to map segment"))
        next = "its file system may be mounted noexec; copy the file to one that is not";
    else if (strstr(reason, "cannot open shared object file"))
        next = "install that library, or put its folder on the library path";
    return tsr_fail(TSR_REFUSED, "%s: cannot be loaded: %s; %s", file, reason, next);
}

/* dlsym looks in a file's dependencies too: the symbol must be of the file itself. */
static bool is_own(void *handle, const void *symbol)
{
    struct link_map *map = NULL;
    Dl_info info;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || dladdr(symbol, &info) == 0 || !info.dli_fname)
        return false;
    return strcmp(info.dli_fname, map->l_name) == 0;
}

static tsr_status *open_file(const char *file, const tsr_plugin_file **out)
{
    tsr_guarded guarded = tsr_guard_enter(tsr_call_of(tsr_guard_plugin(file, NULL, NULL), TSR_CALL_LOAD));
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    tsr_guard_leave(guarded);
    if (!handle)
        return linker_refused(file);
    const void *symbol = dlsym(handle, "tessera_plugin");
    if (!symbol || !is_own(handle, symbol))
        return tsr_fail(
            TSR_REFUSED,
            "%s: is not a Tessera plugin: it does not export 'tessera_plugin'; end the source with "
            "TSR_PLUGINS(&...)",
            file);
    *out = symbol;
    return NULL;
}

/* The file's own account of itself. */

/* A structure of a plugin: not shorter than ABI 1.0's, and, its minor not being newer, not longer than ours.
 */
static tsr_status *check_size(const char *where, const char *what, size_t size, size_t least, size_t most)
{
    if (size >= least && size <= most)
        return NULL;
    if (least == most)
        return tsr_fail(TSR_REFUSED, "%s: its %s takes %zu bytes, expected %zu; " REBUILD, where, what, size,
                        least);
    return tsr_fail(TSR_REFUSED, "%s: its %s takes %zu bytes, expected %zu to %zu; " REBUILD, where, what,
                    size, least, most);
}

static tsr_status *check_entry(const char *file, const tsr_plugin_file *entry)
{
    if (entry->magic != TSR_PLUGIN_MAGIC)
        return tsr_fail(
            TSR_REFUSED,
            "%s: is not a Tessera plugin: its 'tessera_plugin' begins with 0x%016llx, not with the magic "
            "number 0x%016llx; end the source with TSR_PLUGINS(&...)",
            file, (unsigned long long)entry->magic, (unsigned long long)TSR_PLUGIN_MAGIC);
    if (entry->abi_major != TSR_ABI_MAJOR || entry->abi_minor > TSR_ABI_MINOR)
        return tsr_fail(TSR_REFUSED, "%s: was built for ABI %u.%u and this program has %d.%d; " REBUILD, file,
                        entry->abi_major, entry->abi_minor, TSR_ABI_MAJOR, TSR_ABI_MINOR);
    TSR_TRY(check_size(file, "tsr_plugin_file", entry->file_size, min_file_size, sizeof(tsr_plugin_file)));
    TSR_TRY(check_size(file, "tsr_plugin", entry->plugin_size, min_plugin_size, sizeof(tsr_plugin)));
    TSR_TRY(check_size(file, "tsr_key", entry->key_size, min_key_size, sizeof(tsr_key)));
    if (!entry->plugins || !entry->plugins[0])
        return tsr_fail(TSR_REFUSED,
                        "%s: its list of plugins is empty; end the source with TSR_PLUGINS(&...)", file);
    return NULL;
}

/* One plugin. */

/* A type that is none ends the walk too: what lies behind it is no declaration. It is copied, for
   tsr_keys_check to refuse. */
static tsr_status *copy_keys(const tsr_plugin_file *entry, const tsr_key *theirs, const char *where,
                             int depth, const tsr_key **out)
{
    if (depth > MAX_GROUP_DEPTH)
        return tsr_fail(TSR_REFUSED,
                        "%s: its groups are nested deeper than %d; does a list of keys hold itself?", where,
                        MAX_GROUP_DEPTH);
    const char *bytes = (const char *)theirs;
    size_t stride = entry->key_size, n = 0;
    for (unsigned type = TSR_TYPE_INT; theirs && n <= MAX_PARAMS && type <= TSR_TYPE_GROUP_LIST; n++) {
        memcpy(&type, bytes + n * stride, sizeof(type));
        if (type == TSR_TYPE_END)
            break;
    }
    if (n > MAX_PARAMS)
        return tsr_fail(TSR_REFUSED, "%s: declares more than %d keys; is TSR_KEY_END missing?", where,
                        MAX_PARAMS);
    tsr_key *copy = tsr_alloc(n + 1, sizeof(*copy));
    if (!copy)
        return tsr_no_memory("a plugin's keys");
    for (size_t i = 0; i < n; i++)
        memcpy(&copy[i], bytes + i * stride, stride);
    *out = copy;
    for (size_t i = 0; i < n; i++)
        copy[i].group_keys = NULL; /* theirs; until each is copied */
    for (size_t i = 0; i < n; i++) {
        tsr_key their_key = { 0 };
        memcpy(&their_key, bytes + i * stride, stride);
        if (their_key.type == TSR_TYPE_GROUP_LIST && their_key.group_keys)
            TSR_TRY(copy_keys(entry, their_key.group_keys, where, depth + 1, &copy[i].group_keys));
    }
    return NULL;
}

static void free_keys(const tsr_key *keys)
{
    for (const tsr_key *key = keys; key && key->type != TSR_TYPE_END; key++)
        free_keys(key->group_keys);
    free((void *)(uintptr_t)keys);
}

static tsr_status *copy_ops(const tsr_plugin *theirs, const tsr_kind_row *row, const char *where,
                            const void **out)
{
    if (!theirs->ops)
        return tsr_fail(TSR_REFUSED, "%s: has no operations; give it TSR_..._PLUGIN(&ops)", where);
    TSR_TRY(check_size(where, "table of operations", theirs->ops_size, row->ops_minimum, row->ops_size));
    char *copy = tsr_alloc(1, row->ops_size);
    if (!copy)
        return tsr_no_memory("a plugin's operations");
    memcpy(copy, theirs->ops, theirs->ops_size);
    for (const tsr_required_op *op = row->required; op->name; op++) {
        void *function;
        memcpy(&function, copy + op->offset, sizeof(function));
        if (function)
            continue;
        free(copy);
        return tsr_fail(TSR_REFUSED, "%s: lacks the operation '%s', which every %s must have", where,
                        op->name, row->name);
    }
    *out = copy;
    return NULL;
}

/* What copy_ops has made, and the metrics and curves in it. */
static void free_ops(const tsr_plugin *plugin)
{
    if (plugin->kind == TSR_PROBE && plugin->ops) {
        const tsr_probe_ops *ops = plugin->ops;
        free((void *)(uintptr_t)ops->metrics);
        free((void *)(uintptr_t)ops->curves);
    }
    free((void *)(uintptr_t)plugin->ops);
}

static tsr_status *check_texts(const tsr_plugin *plugin, const char *where)
{
    const struct {
        const char *name, *text;
    } texts[] = { { "version", plugin->version },
                  { "summary", plugin->summary },
                  { "licence", plugin->licence } };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        if (!tsr_line_valid(texts[i].text))
            return tsr_fail(TSR_REFUSED, "%s: its %s is missing or not one line; give one", where,
                            texts[i].name);
    }
    return NULL;
}

static tsr_status *check_common_keys(const tsr_key *keys, const tsr_kind_row *row, const char *where)
{
    for (; keys->type != TSR_TYPE_END; keys++) {
        if (tsr_keys_find(row->common, keys->name))
            return tsr_fail(TSR_REFUSED, "%s: key '%s': every %s has this key already; call it otherwise",
                            where, keys->name, row->name);
        if (row->name_key && strcmp(keys->name, row->name_key) == 0)
            return tsr_fail(TSR_REFUSED, "%s: key '%s': this key names the plugin itself; call it otherwise",
                            where, keys->name);
    }
    return NULL;
}

static tsr_status *take_contents(const tsr_plugin_file *entry, const tsr_plugin *theirs, tsr_loaded *loaded)
{
    tsr_plugin *plugin = &loaded->plugin;
    const tsr_kind_row *row = tsr_kind_get(plugin->kind);
    char *where = tsr_format("%s: %s %s", loaded->file, row->name, plugin->name);
    if (!where)
        return tsr_no_memory("a plugin's name");
    tsr_status *status = check_texts(plugin, where);
    if (!status)
        status = copy_ops(theirs, row, where, &plugin->ops);
    if (!status && plugin->kind == TSR_PROBE)
        status = tsr_announced_take(theirs->announced_size, (tsr_probe_ops *)(uintptr_t)plugin->ops, where);
    if (!status)
        status = copy_keys(entry, theirs->keys, where, 0, &plugin->keys);
    if (!status)
        status = tsr_keys_check(plugin->keys, plugin->instance_size, where);
    if (!status)
        status = check_common_keys(plugin->keys, row, where);
    free(where);
    return status;
}

static tsr_status *take_plugin(const tsr_plugin_file *entry, const tsr_plugin *theirs, const char *file,
                               tsr_loaded *loaded)
{
    tsr_plugin *plugin = &loaded->plugin;
    memcpy(plugin, theirs, entry->plugin_size);
    plugin->ops = NULL;
    plugin->keys = NULL;
    loaded->file = strdup(file);
    if (!loaded->file)
        return tsr_no_memory("a path");
    if (!tsr_name_valid(plugin->name))
        return tsr_fail(TSR_REFUSED,
                        "%s: '%s' is not a valid plugin name: expected lower case letters, digits and _",
                        file, tsr_line_shown(plugin->name));
    if (!tsr_kind_get(plugin->kind))
        return tsr_fail(TSR_REFUSED,
                        "%s: plugin '%s' is of the unknown kind %d; use one of TSR_..._PLUGIN(&ops)", file,
                        plugin->name, (int)plugin->kind);
    return take_contents(entry, theirs, loaded);
}

/* Two plugins of a file may share a name where their kinds differ. */
static tsr_status *check_duplicates(const tsr_module *module)
{
    for (size_t i = 0; i < module->n; i++) {
        const tsr_plugin *plugin = &module->plugins[i].plugin;
        for (size_t j = 0; j < i; j++) {
            const tsr_plugin *other = &module->plugins[j].plugin;
            if (other->kind == plugin->kind && strcmp(other->name, plugin->name) == 0)
                return tsr_fail(TSR_REFUSED, "%s: holds two plugins called %s %s; rename one", module->file,
                                tsr_kind_get(plugin->kind)->name, plugin->name);
        }
    }
    return NULL;
}

static tsr_status *take_plugins(const tsr_plugin_file *entry, tsr_module *module)
{
    size_t n = 0;
    while (n <= MAX_PLUGINS && entry->plugins[n])
        n++;
    if (n > MAX_PLUGINS)
        return tsr_fail(TSR_REFUSED, "%s: lists more than %d plugins; is the NULL at the list's end missing?",
                        module->file, MAX_PLUGINS);
    module->plugins = tsr_alloc(n, sizeof(*module->plugins));
    if (!module->plugins)
        return tsr_no_memory("a list of plugins");
    while (module->n < n) {
        tsr_loaded *loaded = &module->plugins[module->n++];
        TSR_TRY(take_plugin(entry, entry->plugins[module->n - 1], module->file, loaded));
    }
    return check_duplicates(module);
}

tsr_status *tsr_module_load(const char *file, tsr_module **out)
{
    *out = NULL;
    tsr_module *module = calloc(1, sizeof(*module));
    if (!module)
        return tsr_no_memory("a plugin");
    const tsr_plugin_file *entry = NULL;
    tsr_status *status = tsr_path_absolute(file, &module->file);
    if (!status)
        status = check_outside(module->file);
    if (!status)
        status = open_file(module->file, &entry);
    if (!status)
        status = check_entry(module->file, entry);
    if (!status)
        status = take_plugins(entry, module);
    if (status)
        tsr_module_free(module);
    else
        *out = module;
    return status;
}

void tsr_module_free(tsr_module *module)
{
    if (!module)
        return;
    for (size_t i = 0; i < module->n; i++) {
        free_ops(&module->plugins[i].plugin);
        free_keys(module->plugins[i].plugin.keys);
        free(module->plugins[i].file);
        free(module->plugins[i].sha256);
    }
    free(module->plugins);
    free(module->file);
    free(module);
}
