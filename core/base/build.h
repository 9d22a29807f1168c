/* What this library was built from and with. */
#ifndef TSR_BASE_BUILD_H
#define TSR_BASE_BUILD_H

#include <stdint.h>

/* As `git describe` names the sources, with "-dirty" where the library's differ from it; that of the archive
   that they came in; or "unknown". */
const char *tsr_build_revision(void);
/* "gcc 14.2.0" and its CFLAGS. */
const char *tsr_build_compiler(void);
const char *tsr_build_flags(void);

/* XXH3 of this library's code as it lies in memory; of the program's, where that has the library in it. 0
   where it cannot be found. */
uint64_t tsr_build_digest(void);

#endif
