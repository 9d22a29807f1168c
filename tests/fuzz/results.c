/* Results folders: records of runs, the folder's config with them, and saved codes. */
#include "fuzz.h"

#include "experiment/record.h"
#include "experiment/saved_codes.h"
#include "experiment/skim.h"
#include "report/results.h"

#include "base/file.h"

#include <stdlib.h>

#define ID "0123456789abcdef"

void fuzz_record(const uint8_t *bytes, size_t length)
{
    const char *path = fuzz_put("run.json", bytes, length);
    json_t *record = NULL;
    if (fuzz_succeeds(tsr_record_read(path, ID, &record)) && record)
        fuzz_succeeds(tsr_record_check(record, ID));
    json_decref(record);
    tsr_skim skim = { .skipped = tsr_skim_for_tables };
    record = NULL;
    if (fuzz_succeeds(tsr_record_skim(&skim, path, ID, &record)))
        json_decref(record);
    tsr_skim_clear(&skim);
}

/* The folder's config and the record of its one run, from which tables are made. */
void fuzz_results(const uint8_t *bytes, size_t length)
{
    static const char *const names[] = { "study/config.cfg", "study/runs/" ID "/run.json" };
    static char *runs;
    if (!runs) {
        runs = tsr_path_join(fuzz_folder(), "study/runs/" ID);
        if (!runs || !fuzz_succeeds(tsr_make_folder(runs)))
            abort();
    }
    fuzz_put_parts(bytes, length, 2, names);
    char *folder = tsr_path_join(fuzz_folder(), "study");
    tsr_results *results = NULL;
    if (folder && fuzz_succeeds(tsr_results_read(folder, 0, NULL, &results))) {
        tsr_text text = { 0 };
        tsr_results_write_csv(results, &text);
        free(text.chars);
        tsr_results_free(results);
    }
    free(folder);
}

/* The network whose codes they claim to be: made once, for the life of the process. */
static tsr_network *network(void)
{
    static tsr_encoder *encoder;
    if (!encoder) {
        tsr_instance *model = fuzz_instance(TSR_MODEL, "plugin = { plugin = \"mlp\"; widths = [5, 70]; }");
        if (!model || !fuzz_succeeds(tsr_encoder_new(model, TSR_SHAPE(4), 3, 1, &encoder)))
            abort();
    }
    return tsr_encoder_network(encoder);
}

void fuzz_saved_codes(const uint8_t *bytes, size_t length)
{
    static const char *const names[] = { "train.npy", "test.npy", "kept.npy", "constant.npy" };
    const size_t n[2] = { 3, 2 };
    tsr_codes *codes[2];
    fuzz_put_parts(bytes, length, 4, names);
    fuzz_succeeds(tsr_saved_codes_read(fuzz_folder(), network(), n, NULL, codes));
    tsr_codes_free(codes[0]);
    tsr_codes_free(codes[1]);
}
