/* In place of archive.c and archive_read.c where there is no libarchive. */
#include "session/archive.h"

static tsr_status *refuse(void)
{
    return tsr_fail(TSR_REFUSED,
                    "this build of tessera has no archives: install libarchive-dev, configure and "
                    "build it anew");
}

tsr_status *tsr_archive_write(const char *folder, const char *shown, const char *file,
                              const tsr_archive_options *options, tsr_archived *out)
{
    (void)folder, (void)shown, (void)file, (void)options;
    *out = (tsr_archived){ 0 };
    return refuse();
}

tsr_status *tsr_archive_read(const char *file, const char *folder, const char *shown,
                             const tsr_archive_options *options, tsr_archived *out)
{
    (void)file, (void)folder, (void)shown, (void)options;
    *out = (tsr_archived){ 0 };
    return refuse();
}
