/* What an experiment's config may say beside its plugins: the keys of the file itself and of the groups
   training, codes, output and report, as structures, and how they are read. */
#ifndef TSR_EXPERIMENT_SCHEMA_H
#define TSR_EXPERIMENT_SCHEMA_H

#include "config/settings.h"

#define TSR_MAX_RUNS 1000000

/* The file's own keys. */
typedef struct tsr_general_settings {
    const char *name;
    int64_t seed, replicates;
    bool allow_unsafe_plugins;
} tsr_general_settings;

/* The group `training`; each field is documented where it is declared, in schema.c. */
typedef struct tsr_training_settings {
    int64_t epochs, batch, samples, early_stop;
    double holdout, label_noise, input_noise, instance_noise, checkpoint_every;
    int samples_at, label_noise_kind; /* TSR_SAMPLES_FIRST ..., TSR_LABELS_REDRAWN ... */
    bool constant_steps, subtract_mean;
    tsr_int_list snapshots; /* as given; the last epoch is probed besides */
} tsr_training_settings;
enum { TSR_SAMPLES_FIRST, TSR_SAMPLES_SPREAD };
enum { TSR_LABELS_REDRAWN, TSR_LABELS_PERMUTED };

/* The plugins that the group names. */
typedef struct tsr_training_plugins {
    tsr_instance *optimizer, *loss, *schedule;
    size_t n_augmentations;
    tsr_instance **augmentations;
} tsr_training_plugins;

/* The group `codes`. */
typedef struct tsr_codes_settings {
    size_t n_layers; /* 0: all */
    char **layers;   /* names of activation nodes */
    int pool;        /* whether a unit's bit tells of one position (TSR_POOL_NONE) or of a channel's sum */
    double memory;   /* gigabytes (10^9 bytes) of codes in memory; others are kept in files */
} tsr_codes_settings;
enum { TSR_POOL_NONE, TSR_POOL_CHANNEL };

/* The group `output`. */
typedef struct tsr_output_settings {
    bool save_model, save_codes, save_state, save_snapshots;
} tsr_output_settings;

/* The group `report`: where the regimes of the activation hash phase chart end, and when the page is made. It
 * changes no run. */
typedef struct tsr_report_settings {
    double under_expressive, sufficiently_expressive, accuracy_within;
    int live; /* seconds from page to page while runs are done; 0: there is none */
} tsr_report_settings;

/* A member that must be a group or a list, or is missing: *out is NULL. `group` may be NULL. */
TSR_MUST_CHECK tsr_status *tsr_config_group(const tsr_value *group, const char *key, const tsr_value **out);
TSR_MUST_CHECK tsr_status *tsr_config_list(const tsr_value *group, const char *key, const tsr_value **out);

/* Each reads its settings from a config's root, and adds what they say, defaults too, to the group
   `resolved`: the general ones as members of it, the others as a group of their name. The first three are
   cleared by the functions below, also where they are but zeroed. */
TSR_MUST_CHECK tsr_status *tsr_general_settings_read(const tsr_settings *settings, const tsr_value *root,
                                                     tsr_general_settings *out, tsr_value *resolved);
TSR_MUST_CHECK tsr_status *tsr_training_settings_read(const tsr_settings *settings, const tsr_value *root,
                                                      tsr_training_settings *out,
                                                      tsr_training_plugins *plugins, tsr_value *resolved);
TSR_MUST_CHECK tsr_status *tsr_codes_settings_read(const tsr_settings *settings, const tsr_value *root,
                                                   tsr_codes_settings *out, tsr_value *resolved);
TSR_MUST_CHECK tsr_status *tsr_output_settings_read(const tsr_settings *settings, const tsr_value *root,
                                                    tsr_output_settings *out, tsr_value *resolved);
TSR_MUST_CHECK tsr_status *tsr_report_settings_read(const tsr_value *root, tsr_report_settings *out,
                                                    tsr_value *resolved);

void tsr_general_settings_clear(tsr_general_settings *settings);
void tsr_training_settings_clear(tsr_training_settings *settings);
void tsr_training_plugins_clear(tsr_training_plugins *plugins);
void tsr_codes_settings_clear(tsr_codes_settings *settings);

#endif
