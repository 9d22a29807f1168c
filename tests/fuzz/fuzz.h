/* Readers of what strangers write, each as a function of bytes. libFuzzer feeds them (fuzzer.c), and so does
   a test of make check that replays the corpus and damages it (replay_test.c). A reader may refuse or take
   what it is given; a crash, a hang, a leak, or memory out of proportion is a fault. */
#ifndef TSR_TESTS_FUZZ_H
#define TSR_TESTS_FUZZ_H

#include "config/read.h"
#include "config/settings.h"

#include <tessera/host.h>

typedef struct fuzz_target {
    const char *name; /* of its folder in corpus/ too */
    void (*read)(const uint8_t *bytes, size_t length);
} fuzz_target;

extern const fuzz_target fuzz_targets[];
extern const size_t fuzz_n_targets;

/* NULL where there is none of the name. */
const fuzz_target *fuzz_find(const char *name);

/* Targets that need a library which this build lacks read nothing. */
void fuzz_config(const uint8_t *bytes, size_t length);
void fuzz_experiment(const uint8_t *bytes, size_t length);
void fuzz_setting(const uint8_t *bytes, size_t length);
void fuzz_cifar(const uint8_t *bytes, size_t length);
void fuzz_idx(const uint8_t *bytes, size_t length);
void fuzz_images(const uint8_t *bytes, size_t length);
void fuzz_matlab(const uint8_t *bytes, size_t length);
void fuzz_npy(const uint8_t *bytes, size_t length);
void fuzz_npz(const uint8_t *bytes, size_t length);
void fuzz_svmlight(const uint8_t *bytes, size_t length);
void fuzz_table(const uint8_t *bytes, size_t length);
void fuzz_onnx(const uint8_t *bytes, size_t length);
void fuzz_safetensors(const uint8_t *bytes, size_t length);
void fuzz_record(const uint8_t *bytes, size_t length);
void fuzz_results(const uint8_t *bytes, size_t length);
void fuzz_archive(const uint8_t *bytes, size_t length);
void fuzz_saved_codes(const uint8_t *bytes, size_t length);
void fuzz_codes(const uint8_t *bytes, size_t length);
void fuzz_libraries(const uint8_t *bytes, size_t length);
void fuzz_answer(const uint8_t *bytes, size_t length);

/* --- what the targets use --- */

/* A folder of this process, removed when it ends. */
const char *fuzz_folder(void);

/* The path of a file in it, which fuzz_put has written; lives until the same name is put again. */
const char *fuzz_put(const char *name, const uint8_t *bytes, size_t length);

/* One input that stands for several files: they are separated by "\n--next file--\n". The parts point into
   `bytes`; where there are fewer than n, the others are empty. */
typedef struct fuzz_part {
    const uint8_t *bytes;
    size_t length;
} fuzz_part;
void fuzz_split(const uint8_t *bytes, size_t length, size_t n, fuzz_part *parts);

/* Puts part i as names[i]. */
void fuzz_put_parts(const uint8_t *bytes, size_t length, size_t n, const char *const *names);

/* The registry of the build tree's plugins. */
tsr_registry *fuzz_registry(void);

/* A plugin with the settings of a group, in which each "@" stands for the folder; its init runs in this
   process. NULL where it refuses, or where this build has no such plugin. */
tsr_instance *fuzz_instance(tsr_kind kind, const char *settings);

/* Frees a status; NULL is allowed. Its message must be printable UTF-8 in one line. True where there was
   none: the call succeeded. */
bool fuzz_succeeds(tsr_status *status);

#endif
