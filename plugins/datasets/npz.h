/* Arrays in .npz files: zip archives of .npy files, stored or deflated. */
#ifndef TESSERA_DATASETS_NPZ_H
#define TESSERA_DATASETS_NPZ_H

#include <tessera/npy.h>

/* Whether `path` is FILE.npz or FILE.npz:NAME. */
bool npz_is_named(const char *path);

/* The archive's array NAME, or its only one where `path` has no name, in memory: *bytes, which outlive the
   array and are the caller's to free. What would expand to more than `limit` bytes is refused, and so are
   damaged archives and names that are not there, of which the message has those that are. */
TSR_MUST_CHECK tsr_status *npz_open(const char *path, size_t limit, tsr_array **out, unsigned char **bytes);

#endif
