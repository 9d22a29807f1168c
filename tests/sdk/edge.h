/* A copy of a structure right before memory that nobody may touch: what reads or writes beyond its size, as a
   host does that takes it for its own longer one, crashes. Never freed. */
#ifndef TSR_TESTS_EDGE_H
#define TSR_TESTS_EDGE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *at_edge(const void *bytes, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0)
        abort();
    return memcpy(pages + page - size, bytes, size);
}

/* AT_EDGE(type, .field = value, ...): a pointer to such a copy. */
#define AT_EDGE(type, ...) ((type *)at_edge(&(type){ __VA_ARGS__ }, sizeof(type)))

#endif
