/* Archives of studies: compared with their lists, and taken out into a folder. */
#include "fuzz.h"

#include "base/file.h"
#include "session/archive.h"

#include <stdlib.h>
#include <unistd.h>

void fuzz_archive(const uint8_t *bytes, size_t length)
{
    static const tsr_archive_options options = { 0 };
    const char *file = fuzz_put("study.tar", bytes, length);
    char *folder = tsr_path_join(fuzz_folder(), "taken-out");
    tsr_archived archived;
    if (!folder)
        abort();
    bool whole = fuzz_succeeds(tsr_archive_read(file, NULL, NULL, &options, &archived)),
         taken_out = fuzz_succeeds(tsr_archive_read(file, folder, folder, &options, &archived));
    if ((taken_out && !whole) || taken_out != (access(folder, F_OK) == 0))
        abort();
    tsr_status_free(tsr_remove_tree(folder));
    free(folder);
}
