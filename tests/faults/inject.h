/* The parts of the module that is preloaded into the disturbed program. */
#ifndef TSR_TESTS_FAULTS_INJECT_H
#define TSR_TESTS_FAULTS_INJECT_H

#include "map.h"

#include <stdbool.h>

extern faults_map *faults; /* NULL: this program is left alone */

/* Whether this call, number `call` of faults_calls, is to fail; notes where it comes from. `caller` is its
   return address, 0 where the stack tells it. */
bool faults_now(faults_kind kind, unsigned call, uintptr_t caller);

/* Lets the kernel hand this program's system calls to the module. */
void faults_trap(void);

#endif
