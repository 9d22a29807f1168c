/* libFuzzer's side: FUZZ_TARGET names the reader. See `make fuzz`. */
#include "fuzz.h"

#include "base/log.h"
#include "base/machine.h"
#include "base/process.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    const char *name = getenv("FUZZ_TARGET");
    target = name ? fuzz_find(name) : NULL;
    if (!target) {
        fprintf(stderr, "FUZZ_TARGET names no reader; there are");
        for (size_t i = 0; i < fuzz_n_targets; i++)
            fprintf(stderr, " %s", fuzz_targets[i].name);
        fprintf(stderr, "\n");
        exit(1);
    }
    if (target->read == fuzz_config || target->read == fuzz_setting)
        tsr_process_set_single(); /* libconfig is looked at too, and not waited for in a child */
    tsr_set_threads(1);
    tsr_log_set_quiet(true);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    target->read(bytes, length);
    return 0;
}
