/* Opening the files that datasets and models are read from. */
#ifndef TESSERA_DATASETS_DATA_FILE_H
#define TESSERA_DATASETS_DATA_FILE_H

#include <tessera/status.h>

/* Opens `path` for reading: a descriptor, and how many bytes it holds. What is no file is refused, as not
   being `expected` ("one in IDX format"). */
TSR_MUST_CHECK tsr_status *data_file_open(const char *path, const char *expected, int *fd, size_t *size);

/* NULL where there is something at `path`; else the failure, which says who tells where data are to be had.
 */
TSR_MUST_CHECK tsr_status *data_file_exists(const char *path);

#endif
