/* The kinds of plugin: one row each with what the host must know of the kind and of no plugin. */
#ifndef TSR_PLUGIN_KINDS_H
#define TSR_PLUGIN_KINDS_H

#include <tessera/plugin.h>

/* Keys that every plugin of a kind understands, because the host acts on them. */
typedef struct tsr_model_common {
    const char *weights; /* "": parameters are drawn */
} tsr_model_common;

typedef struct tsr_dataset_common {
    int class_count;           /* so many classes, evenly spread over all; 0: all */
    tsr_int_list only_classes; /* these classes; none: all */
} tsr_dataset_common;

typedef struct tsr_probe_common {
    const char *label;   /* "": the plugin's name */
    tsr_int_list layers; /* which layers' bits to see, from 0; none: all */
    int projection;      /* of these, how many bits, drawn by the seed; 0: all */
} tsr_probe_common;

/* Which parameters a regularizer is applied to. */
enum {
    TSR_ON_WEIGHTS,        /* every weight */
    TSR_ON_HIDDEN_WEIGHTS, /* the weights below an activation: all but the output layer's */
    TSR_ON_BIASES,
    TSR_ON_ALL, /* whatever is trained */
};

typedef struct tsr_executor_common {
    int jobs; /* runs at a time that the user wants; 0: the executor's choice */
} tsr_executor_common;

typedef struct tsr_regularizer_common {
    int on;
} tsr_regularizer_common;

/* An operation that may not be NULL. */
typedef struct tsr_required_op {
    const char *name; /* NULL ends the list */
    size_t offset;    /* in the kind's operations */
} tsr_required_op;

typedef struct tsr_kind_row {
    const char *name;   /* "probe" */
    const char *phrase; /* "a probe" */
    const char *folder; /* "probes" */
    const char *doc;    /* one line */
    size_t ops_size;    /* of the host's operations struct */
    size_t ops_minimum; /* of ABI 1.0's: a plugin's may not be smaller */
    const tsr_required_op *required;
    const tsr_key *common; /* never NULL */
    size_t common_size;    /* 0: the kind has no common keys */
    const char *name_key;  /* by which a group may name its plugin too, beside "plugin"; NULL: none */
    /* How a config names one: what stands before and after its group. */
    const char *config_before, *config_after;
} tsr_kind_row;

/* What a probe needs, with what the probes need that it runs. */
unsigned tsr_probe_needs(const tsr_instance *probe);

/* NULL where `kind` is none. */
const tsr_kind_row *tsr_kind_get(tsr_kind kind);

/* TSR_NO_KIND where no kind is called so. */
tsr_kind tsr_kind_named(const char *name);

/* "model, dataset, ...": for messages. */
const char *tsr_kind_names(void);

#endif
