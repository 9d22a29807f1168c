#include "base/build.h"

#include "base/revision.h" /* made by make */

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
