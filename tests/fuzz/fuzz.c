/* The table of readers, and what they share: files of one input, plugins that run in this process. */
#include "fuzz.h"

#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TARGET(name)                                                                                         \
    {                                                                                                        \
#name, fuzz_##name                                                                                   \
    }

const fuzz_target fuzz_targets[] = {
    TARGET(config),      TARGET(experiment), TARGET(setting),     TARGET(cifar),  TARGET(idx),
    TARGET(images),      TARGET(matlab),     TARGET(npy),         TARGET(npz),    TARGET(svmlight),
    TARGET(table),       TARGET(onnx),       TARGET(safetensors), TARGET(record), TARGET(results),
    TARGET(saved_codes), TARGET(codes),      TARGET(libraries),   TARGET(answer), TARGET(archive),
};
const size_t fuzz_n_targets = sizeof(fuzz_targets) / sizeof(*fuzz_targets);

const fuzz_target *fuzz_find(const char *name)
{
    for (size_t i = 0; i < fuzz_n_targets; i++)
        if (strcmp(fuzz_targets[i].name, name) == 0)
            return &fuzz_targets[i];
    return NULL;
}

static void give_up(const char *what)
{
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

/* --- files --- */

static char folder[] = "/dev/shm/tessera-fuzz-XXXXXX";
static pid_t owner;

/* A child process that ends by exit leaves its parent's folder alone. */
static void remove_folder(void)
{
    if (getpid() == owner)
        tsr_status_free(tsr_remove_tree(folder));
}

const char *fuzz_folder(void)
{
    if (!owner) {
        if (!mkdtemp(folder))
            give_up("cannot make a folder in /dev/shm");
        owner = getpid();
        atexit(remove_folder);
    }
    return folder;
}

const char *fuzz_put(const char *name, const uint8_t *bytes, size_t length)
{
    static char *path;
    free(path);
    path = tsr_path_join(fuzz_folder(), name);
    FILE *file = path ? fopen(path, "wb") : NULL;
    if (!file || fwrite(bytes, 1, length, file) != length || fclose(file))
        give_up("cannot write a file");
    return path;
}

static const char separator[] = "\n--next file--\n";

void fuzz_split(const uint8_t *bytes, size_t length, size_t n, fuzz_part *parts)
{
    const size_t gap = sizeof(separator) - 1;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *end = i + 1 < n ? memmem(bytes, length, separator, gap) : NULL;
        size_t own = end ? (size_t)(end - bytes) : length, taken = end ? own + gap : own;
        parts[i] = (fuzz_part){ bytes, own };
        bytes += taken;
        length -= taken;
    }
}

void fuzz_put_parts(const uint8_t *bytes, size_t length, size_t n, const char *const *names)
{
    for (size_t i = 0; i < n; i++) {
        fuzz_part part[2];
        fuzz_split(bytes, length, i + 1 < n ? 2 : 1, part);
        fuzz_put(names[i], part[0].bytes, part[0].length);
        if (i + 1 < n) {
            bytes = part[1].bytes;
            length = part[1].length;
        }
    }
}

/* --- plugins --- */

tsr_registry *fuzz_registry(void)
{
    static tsr_registry *registry;
    if (!registry && !fuzz_succeeds(tsr_registry_new(0, NULL, &registry)))
        give_up("no registry; is TESSERA_PLUGIN_PATH set?");
    return registry;
}

static char *with_folder(const char *settings)
{
    tsr_text text = { 0 };
    for (; *settings; settings++) {
        if (*settings == '@')
            tsr_text_add(&text, "%s", fuzz_folder());
        else
            tsr_text_add(&text, "%c", *settings);
    }
    if (!text.chars)
        give_up("no settings");
    return text.chars;
}

tsr_instance *fuzz_instance(tsr_kind kind, const char *settings)
{
    char *text = with_folder(settings);
    const char *sets[] = { text };
    tsr_value *config = NULL, *resolved = NULL;
    tsr_instance *instance = NULL;
    if (!fuzz_succeeds(tsr_config_make(1, sets, &config)))
        give_up("the settings of a target are wrong");
    tsr_settings with = { .registry = fuzz_registry(), .folder = "/", .expendable = true };
    if (!fuzz_succeeds(tsr_settings_plugin(&with, kind, tsr_value_member(config, "plugin"), "plugin", NULL,
                                           &instance, &resolved)))
        instance = NULL;
    tsr_value_free(resolved);
    tsr_value_free(config);
    free(text);
    return instance;
}

bool fuzz_succeeds(tsr_status *status)
{
    if (!status)
        return true;
    const char *message = tsr_status_message(status);
    if (!*message)
        give_up("a refusal without a message");
    for (const char *at = message; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            give_up("a control character in a message");
    if (!tsr_is_utf8(message))
        give_up("a message that is not UTF-8");
    tsr_status_free(status);
    return false;
}
