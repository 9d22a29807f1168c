/* What is read of a plugin's file before it is loaded, and what the process answers that loaded it first. */
#include "fuzz.h"

#include "plugin/libraries.h"
#include "plugin/trial.h"

#include <stdlib.h>
#include <string.h>

static tsr_status *pass_by(void *context, const char *library)
{
    (void)context, (void)library;
    return NULL;
}

void fuzz_libraries(const uint8_t *bytes, size_t length)
{
    fuzz_succeeds(tsr_libraries_visit(fuzz_put("plugin.so", bytes, length), pass_by, NULL));
}

void fuzz_answer(const uint8_t *bytes, size_t length)
{
    char *answer = strndup((const char *)bytes, length);
    tsr_file_info info = { 0 };
    if (answer && fuzz_succeeds(tsr_file_info_parse("plugin.so", answer, &info)))
        tsr_file_info_clear(&info);
    free(answer);
}
