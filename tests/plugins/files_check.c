/* See files_check.h. */
#include "files_check.h"

#include "base/file.h"
#include "base/text.h"
#include "experiment/experiment.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *files_folder;

void files_make_folder(void)
{
    files_folder = test_folder();
}

void files_remove_folder(void)
{
    test_folder_remove(files_folder);
    files_folder = NULL;
}

void files_write(const char *name, const void *bytes, size_t length)
{
    char *path = tsr_path_join(files_folder, name);
    for (char *slash = strchr(path + strlen(files_folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    ck_succeeds(tsr_write_file(path, bytes, length));
    free(path);
}

void files_write_text(const char *name, const char *text)
{
    files_write(name, text, strlen(text));
}

/* The folder in place of each @. */
static char *with_folder(const char *text)
{
    tsr_text out = { 0 };
    for (; *text; text++)
        if (*text == '@')
            tsr_text_add(&out, "%s", files_folder);
        else
            tsr_text_add(&out, "%c", *text);
    ck_assert(!out.failed);
    return out.chars ? out.chars : strdup("");
}

static tsr_status *try_open(const char *plugin, const char *settings, files_data *out)
{
    char *whole = with_folder(settings), *text = tsr_format("plugin = \"%s\"; %s", plugin, whole);
    *out = (files_data){ .instance = test_instance(TSR_DATASET, text) };
    free(text);
    free(whole);
    return tsr_data_open(out->instance, &out->data);
}

files_data files_open(const char *plugin, const char *settings)
{
    files_data opened;
    ck_succeeds(try_open(plugin, settings, &opened));
    return opened;
}

void files_close(files_data *opened)
{
    tsr_data_close(opened->data);
    tsr_instance_free(opened->instance);
    *opened = (files_data){ 0 };
}

void files_refused(const char *plugin, const char *settings, const char *text)
{
    files_data opened;
    char *whole = with_folder(text);
    ck_fails(try_open(plugin, settings, &opened), TSR_REFUSED, whole);
    free(whole);
    tsr_instance_free(opened.instance);
}

void files_sample_is(const files_data *opened, tsr_split split, size_t index, size_t n, const float *inputs,
                     int32_t label)
{
    const tsr_data *data = opened->data;
    ck_assert_uint_eq(tsr_shape_size(data->info.shape), n);
    ck_assert_uint_lt(index, data->info.n[split]);
    float *got = calloc(n, sizeof(*got));
    int32_t got_label;
    ck_assert_ptr_nonnull(got);
    data->ops->read(data->self, split, 1, &index, got, &got_label);
    for (size_t j = 0; j < n; j++)
        ck_assert_msg(memcmp(&got[j], &inputs[j], sizeof(float)) == 0,
                      "input %zu of sample %zu is %.9g, not %.9g", j, index, got[j], inputs[j]);
    ck_assert_int_eq(got_label, label);
    free(got);
}

#define MAX_SETTINGS 8

void files_config_has(const char *config, size_t n, const char *const *settings, tsr_shape shape, int classes)
{
    char *path = tsr_format("%s/configs/paper/%s", test_source(), config);
    char *whole[MAX_SETTINGS];
    tsr_experiment *experiment;
    ck_assert_uint_le(n, MAX_SETTINGS);
    for (size_t i = 0; i < n; i++)
        whole[i] = with_folder(settings[i]);
    ck_succeeds(tsr_experiment_read(path, n, (const char *const *)whole, &experiment));
    const tsr_dataset_info *info = &experiment->runs[0].data->info;
    ck_assert(tsr_shape_equal(info->shape, shape));
    ck_assert_int_eq(info->classes, classes);
    tsr_experiment_free(experiment);
    for (size_t i = 0; i < n; i++)
        free(whole[i]);
    free(path);
}

void files_pass_the_kit(const char *plugin, const char *arguments)
{
    char *whole = with_folder(arguments);
    char *line = tsr_format("said=$('%s/tessera' test dataset/%s %s 2>&1) || { echo \"$said\"; exit 1; }",
                            test_build(), plugin, whole);
    ck_assert_msg(system(line) == 0, "%s", line);
    free(line);
    free(whole);
}
