/* Datasets of files that the tests write: a folder, files in it, and what becomes of them. */
#ifndef TSR_TESTS_FILES_CHECK_H
#define TSR_TESTS_FILES_CHECK_H

#include "data/samples.h"
#include "support.h"

/* A fixture: the folder of the test that runs, empty at its start. */
extern char *files_folder;
void files_make_folder(void);
void files_remove_folder(void);

/* Writes a file of the folder; `name` may lie in folders of it, which are made. */
void files_write(const char *name, const void *bytes, size_t length);
void files_write_text(const char *name, const char *text);

typedef struct files_data {
    tsr_instance *instance;
    tsr_data *data;
} files_data;

/* Opens the plugin with these settings, in which each "@" stands for the folder. */
files_data files_open(const char *plugin, const char *settings);
void files_close(files_data *opened);

/* Fails the test unless opening is refused with `text`, in which "@" is the folder, in the message. */
void files_refused(const char *plugin, const char *settings, const char *text);

/* Fails the test unless sample `index` of the split has these inputs, to the last bit, and this label. */
void files_sample_is(const files_data *opened, tsr_split split, size_t index, size_t n, const float *inputs,
                     int32_t label);

/* Fails the test unless `tessera test dataset/PLUGIN` passes with these arguments, "@" again the folder. */
void files_pass_the_kit(const char *plugin, const char *arguments);

/* Reads a config of configs/paper with these settings more, and fails the test unless its data, which the
   settings put in the folder ("dataset.path=@"), have this shape and so many classes. */
void files_config_has(const char *config, size_t n, const char *const *settings, tsr_shape shape,
                      int classes);

#endif
