/* Every reader takes or refuses its whole corpus, every beginning of each file, and each file with single
   bytes changed, and neither crashes nor hangs. */
#include "fuzz.h"

#include "base/file.h"
#include "base/machine.h"
#include "base/memory.h"
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT (1u << 20) /* bytes of a seed */
#define DAMAGES 60       /* beginnings and changes tried of each seed */

#ifdef __SANITIZE_ADDRESS__
/* libconfig leaves the text of a string behind that stands before a syntax error. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}
#endif

/* Warnings are no fault. Gives where stderr was. */
static int be_silent(void)
{
    int before = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    ck_assert(before >= 0 && nowhere >= 0);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
    tsr_set_threads(1);
    return before;
}

static void read_damaged(const fuzz_target *target, uint8_t *bytes, size_t length)
{
    size_t step = length / DAMAGES + 1;
    for (size_t i = 0; i < length; i += step) {
        target->read(bytes, i);
        uint8_t was = bytes[i];
        bytes[i] = (uint8_t)(was ^ (1u << i % 8));
        target->read(bytes, length);
        bytes[i] = 0xff;
        target->read(bytes, length);
        bytes[i] = was;
    }
}

START_TEST(a_reader_survives_its_corpus_whole_and_damaged)
{
    const fuzz_target *target = &fuzz_targets[_i];
    char *corpus = tsr_path_join(test_source(), "tests/fuzz/corpus"),
         *folder = tsr_path_join(corpus, target->name);
    DIR *seeds = opendir(folder);
    ck_assert_msg(seeds != NULL, "no corpus %s", folder);
    int before = be_silent();
    size_t n = 0;
    for (struct dirent *entry; (entry = readdir(seeds));) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = tsr_path_join(folder, entry->d_name), *bytes;
        size_t length;
        ck_succeeds(tsr_read_file(path, LIMIT, &bytes, &length));
        target->read((const uint8_t *)bytes, length);
        read_damaged(target, (uint8_t *)bytes, length);
        free(bytes);
        free(path);
        n++;
    }
    closedir(seeds);
    dup2(before, STDERR_FILENO);
    close(before);
    ck_assert_msg(n > 0, "%s is empty", folder);
    free(folder);
    free(corpus);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("readers");
    TCase *readers = tcase_create("replay");
    suite_add_tcase(suite, readers);
    tcase_add_loop_test(readers, a_reader_survives_its_corpus_whole_and_damaged, 0, (int)fuzz_n_targets);
    return test_main(suite);
}
