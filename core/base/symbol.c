/* Symbol tables, read from the file: what is loaded has only those that are exported. */
#include "base/symbol.h"

#include "base/text.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct image {
    const unsigned char *bytes;
    size_t size;
} image;

/* The bytes from `at` on, `length` of them; NULL where they are not all there. */
static const void *bytes_at(const image *file, uint64_t at, uint64_t length)
{
    return at <= file->size && length <= file->size - at ? file->bytes + at : NULL;
}

static const ElfW(Shdr) * section(const image *file, const ElfW(Ehdr) * header, size_t i)
{
    if (i >= header->e_shnum)
        return NULL;
    return bytes_at(file, header->e_shoff + i * sizeof(ElfW(Shdr)), sizeof(ElfW(Shdr)));
}

static bool holds(const ElfW(Sym) * symbol, uint64_t offset)
{
    return (symbol->st_info & 0xf) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
           offset >= symbol->st_value && offset - symbol->st_value < symbol->st_size;
}

/* Without what compilers add to the parts of a function, as in "step.part.0". */
static char *name_in_source(const char *symbol)
{
    return tsr_is_utf8(symbol) ? strndup(symbol, strcspn(symbol, ".")) : NULL;
}

/* In one table of symbols. */
static char *find_in(const image *file, const ElfW(Ehdr) * header, const ElfW(Shdr) * table, uint64_t offset)
{
    const ElfW(Shdr) *texts = section(file, header, table->sh_link);
    const ElfW(Sym) *symbols = bytes_at(file, table->sh_offset, table->sh_size);
    const char *names = texts ? bytes_at(file, texts->sh_offset, texts->sh_size) : NULL;
    for (size_t i = 0; symbols && names && i < table->sh_size / sizeof(*symbols); i++) {
        uint64_t at = symbols[i].st_name;
        if (holds(&symbols[i], offset) && at < texts->sh_size && names[at] &&
            memchr(names + at, '\0', texts->sh_size - (size_t)at))
            return name_in_source(names + at);
    }
    return NULL;
}

static char *find(const image *file, uint64_t offset)
{
    const ElfW(Ehdr) *header = bytes_at(file, 0, sizeof(*header));
    char *name = NULL;
    if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_shentsize != sizeof(ElfW(Shdr)) || header->e_shoff % _Alignof(ElfW(Shdr)) != 0)
        return NULL;
    for (size_t i = 0; i < header->e_shnum && !name; i++) {
        const ElfW(Shdr) *table = section(file, header, i);
        if (table && (table->sh_type == SHT_SYMTAB || table->sh_type == SHT_DYNSYM) &&
            table->sh_offset % _Alignof(ElfW(Sym)) == 0)
            name = find_in(file, header, table, offset);
    }
    return name;
}

char *tsr_symbol_name(const char *path, uint64_t offset)
{
    struct stat info;
    char *name = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        void *memory = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (memory != MAP_FAILED) {
            name = find(&(image){ memory, (size_t)info.st_size }, offset);
            munmap(memory, (size_t)info.st_size);
        }
    }
    close(fd);
    return name;
}
