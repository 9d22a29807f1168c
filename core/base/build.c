#include "base/build.h"

#include "base/revision.h" /* made by make */

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <xxhash.h>

const char *tsr_build_revision(void)
{
    return TSR_REVISION;
}

const char *tsr_build_compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

const char *tsr_build_flags(void)
{
    return TSR_BUILD_FLAGS;
}

/* The object that an address lies in, which the linker's loops over all of them look for. */
typedef struct code {
    uintptr_t address;
    uint64_t digest;
} code;

static bool holds(const struct dl_phdr_info *object, const ElfW(Phdr) * segment, uintptr_t address)
{
    uintptr_t begin = object->dlpi_addr + segment->p_vaddr;
    return segment->p_type == PT_LOAD && segment->p_flags & PF_X && address >= begin &&
           address - begin < segment->p_memsz;
}

static int add_code(struct dl_phdr_info *object, size_t size, void *context)
{
    code *c = context;
    (void)size;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (holds(object, segment, c->address)) {
            c->digest = XXH3_64bits((const void *)(object->dlpi_addr + segment->p_vaddr), segment->p_filesz);
            return 1;
        }
    }
    return 0;
}

uint64_t tsr_build_digest(void)
{
    code c = { .address = (uintptr_t)add_code };
    dl_iterate_phdr(add_code, &c);
    return c.digest;
}
