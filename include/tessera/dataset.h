/* A dataset gives samples by index, in a training and a test part: inputs with labels, with real-valued
   targets, with both or, for models that learn their input, with neither. */
#ifndef TESSERA_DATASET_H
#define TESSERA_DATASET_H

#include <tessera/plugin.h>

TSR_BEGIN_DECLS

typedef enum tsr_split { TSR_TRAIN = 0, TSR_TEST = 1 } tsr_split;

/* What open tells. Names belong to the plugin and live until close. */
typedef struct tsr_dataset_info {
    size_t n[2];                    /* samples per tsr_split; at least 1 each */
    tsr_shape shape;                /* of one sample */
    int classes;                    /* labels are 0 .. classes-1; at least 2, or 0: there are no labels */
    const char *const *class_names; /* `classes` of them, in UTF-8, or NULL: their numbers */
    tsr_shape target;               /* of one sample's real-valued target; of 0 dimensions: it has none */
} tsr_dataset_info;

typedef struct tsr_dataset_ops {
    /* Finds and checks the data, every length and label, so that read cannot fail. Once per instance.
       A failure's message names the file and, inside it, the offset or line. [one-thread] */
    tsr_status *(*open)(void *self, tsr_dataset_info *info);

    /* Fills `inputs`, n x shape floats, and `labels`, n of them, with the samples that `index` names
       (each below n[split]). Either may be NULL, as labels are where there are no classes. [any-thread] */
    void (*read)(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                 int32_t *labels);

    /* Gives back what open took; called only after an open that succeeded. May be NULL. [one-thread] */
    void (*close)(void *self);

    /* Fills `targets`, n x target floats, of the samples that `index` names, as read does, for losses that
       compare with values (loss.h). NULL: no sample has a target. [any-thread] */
    void (*read_targets)(const void *self, tsr_split split, size_t n, const size_t *index, float *targets);
} tsr_dataset_ops;

#define TSR_DATASET_PLUGIN(table)                                                                            \
    .kind = TSR_DATASET, .ops_size = sizeof(tsr_dataset_ops), .announced_size = 0,                           \
    .ops = (1 ? (table) : (const tsr_dataset_ops *)0)

TSR_END_DECLS
#endif
