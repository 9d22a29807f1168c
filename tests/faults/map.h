/* What the campaign and the processes that it disturbs share: a file, mapped by all of them. */
#ifndef TSR_TESTS_FAULTS_MAP_H
#define TSR_TESTS_FAULTS_MAP_H

#include <stdatomic.h>
#include <stdint.h>

#define FAULTS_FILE "TSR_FAULTS" /* the environment's variable that names the file */

/* A site is told by so many of our own functions, innermost first: helpers such as tsr_format are called from
   everywhere. */
enum {
    FAULTS_FRAMES = 3,
    FAULTS_MODULES = 64,
    FAULTS_MODULE = 480,
    FAULTS_SITES = 1 << 14,
    FAULTS_CALLS = 256
};

enum { FAULTS_NO_FRAME = 0xffff }; /* for a module's number: there is no such frame */

typedef enum faults_kind { FAULTS_MEMORY, FAULTS_SYSTEM, FAULTS_KINDS } faults_kind;

typedef struct faults_place {
    uint16_t module; /* of `modules`, or FAULTS_NO_FRAME */
    uint32_t offset; /* of the return address in it */
} faults_place;

typedef struct faults_site {
    _Atomic uint64_t key; /* 0: free. Hash of the rest, and the same in every process */
    _Atomic uint32_t ready;
    uint16_t call;       /* of faults_calls (inject.c): what fails */
    faults_place place;  /* where the call stands; of system calls, FAULTS_NO_FRAME */
    faults_place caller; /* whose call that is: ours, or a library's on our behalf, but not the C library's */
    faults_place ours[FAULTS_FRAMES];
} faults_site;

typedef struct faults_map {
    /* What the campaign wants. */
    faults_kind kind;
    uint64_t target; /* 0: sites are listed */
    uint64_t caller; /* the last 12 bits of the target's return address, which no process has otherwise */
    uint32_t sticky; /* after the target's first call, the process and its children have no memory at all */
    char ours[FAULTS_MODULE]; /* what lies below this folder is ours */

    /* What came of it. */
    _Atomic uint32_t hit;     /* the target's call has failed */
    _Atomic uint32_t watched; /* processes that saw the map */
    _Atomic int32_t crashed;  /* the signal that a child crashed by */
    _Atomic uint32_t n_sites, full;
    _Atomic uint32_t lock, n_modules;
    char modules[FAULTS_MODULES][FAULTS_MODULE];
    faults_site sites[FAULTS_SITES];
} faults_map;

#endif
