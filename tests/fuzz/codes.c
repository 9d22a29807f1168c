/* Codes that another program made, as tessera probe takes them. */
#include "fuzz.h"

#include "base/file.h"
#include "config/parse.h"
#include "host/foreign.h"

#include <stdlib.h>

/* The files of four parts, read in each of the forms that arrays of codes have. */
void fuzz_codes(const uint8_t *bytes, size_t length)
{
    static const char *const names[] = { "codes_train.npy", "labels_train.npy", "codes_test.npy",
                                         "labels_test.npy" };
    static tsr_value *settings;
    if (!settings && !fuzz_succeeds(tsr_parse_config("probes = ( { plugin = \"redundancy\"; } );", "settings",
                                                     "/", &settings)))
        abort();
    fuzz_put_parts(bytes, length, 4, names);
    char *paths[4];
    for (int i = 0; i < 4; i++)
        paths[i] = tsr_path_join(fuzz_folder(), names[i]);
    const tsr_foreign_files forms[] = {
        { .bits = 0 }, { .bits = 13 }, { .bits = 13, .highest_first = true }, { .has_threshold = true }
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        tsr_foreign_files files = forms[i];
        tsr_foreign foreign = { 0 };
        for (int k = 0; k < 2; k++) {
            files.codes[k] = paths[2 * k];
            files.labels[k] = paths[2 * k + 1];
        }
        if (fuzz_succeeds(tsr_foreign_read(&files, settings, &foreign)))
            fuzz_succeeds(tsr_foreign_measure(&foreign, NULL, NULL));
        tsr_foreign_clear(&foreign);
    }
    for (int i = 0; i < 4; i++)
        free(paths[i]);
}
