/* The kinds of plugin: the table that the loader, the settings and the commands read. */
#include "plugin/kinds.h"

#include <string.h>
#include <tessera/tessera.h>

/* A structure's size where `field` is its last: ABI 1.0's size, whatever later minors add behind. */
#define END_OF(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))

#define OP(type, operation)                                                                                  \
    {                                                                                                        \
#operation, offsetof(type, operation)                                                                \
    }

static const tsr_key no_keys[] = { TSR_KEY_END };

/* clang-format off */

static const tsr_key model_common[] = {
    TSR_KEY_PATH(tsr_model_common, weights, "",
                   "safetensors file that the network begins with; empty: its parameters are drawn"),
    TSR_KEY_END
};

static const tsr_key dataset_common[] = {
    TSR_KEY_INT(tsr_dataset_common, class_count, 0, 0, INT32_MAX,
                  "keep so many classes, evenly spread: of C classes the first of those that C / class_count "
                  "divides; 0: all", .unit = "classes"),
    TSR_KEY_INT_LIST(tsr_dataset_common, only_classes, NULL, 0, 0, INT32_MAX,
                       "keep these classes, counted from 0, which are then 0, 1, ... in this order; empty: all"),
    TSR_KEY_END
};

static const tsr_key probe_common[] = {
    TSR_KEY_STRING(tsr_probe_common, label, "", "what its metrics are called; empty: the plugin's name"),
    TSR_KEY_INT_LIST(tsr_probe_common, layers, NULL, 0, 0, INT32_MAX,
                       "layers whose bits it sees, counted from 0; empty: all"),
    TSR_KEY_INT(tsr_probe_common, projection, 0, 0, 1 << 30,
                  "of these bits see so many, drawn by the seed, and name the metrics projected_...; 0: all",
                  .unit = "bits"),
    TSR_KEY_END
};

/* In the order of the TSR_ON_ constants. */
static const char *const regularized[] = { "weights", "hidden_weights", "biases", "all", NULL };

static const tsr_key executor_common[] = {
    TSR_KEY_INT(tsr_executor_common, jobs, 0, 0, 65536,
                  "runs at a time; 0: as many as the executor finds good", .unit = "runs"),
    TSR_KEY_END
};

static const tsr_key regularizer_common[] = {
    TSR_KEY_ENUM(tsr_regularizer_common, on, "weights", regularized, "which parameters it is applied to"),
    TSR_KEY_END
};

static const tsr_kind_row rows[TSR_N_KINDS] = {
    [TSR_MODEL] = {
        .name = "model", .phrase = "a model", .folder = "models",
        .doc = "arranges operators into a network",
        .ops_size = sizeof(tsr_model_ops), .ops_minimum = END_OF(tsr_model_ops, build),
        .required = (const tsr_required_op[]){ OP(tsr_model_ops, build), { NULL, 0 } },
        .common = model_common, .common_size = sizeof(tsr_model_common),
        .config_before = "model = ", .config_after = ";",
    },
    [TSR_DATASET] = {
        .name = "dataset", .phrase = "a dataset", .folder = "datasets",
        .doc = "gives samples, a training and a test part",
        .ops_size = sizeof(tsr_dataset_ops), .ops_minimum = END_OF(tsr_dataset_ops, close),
        .required = (const tsr_required_op[]){ OP(tsr_dataset_ops, open), OP(tsr_dataset_ops, read),
                                               { NULL, 0 } },
        .common = dataset_common, .common_size = sizeof(tsr_dataset_common),
        .config_before = "dataset = ", .config_after = ";",
    },
    [TSR_ACTIVATION] = {
        .name = "activation", .phrase = "an activation", .folder = "activations",
        .doc = "is applied to every unit; its pieces give the code's bits",
        .ops_size = sizeof(tsr_activation_ops), .ops_minimum = END_OF(tsr_activation_ops, breakpoints),
        .required = (const tsr_required_op[]){ OP(tsr_activation_ops, forward),
                                               OP(tsr_activation_ops, backward), { NULL, 0 } },
        .common = no_keys,
        .config_before = "model = { activation = ", .config_after = "; };",
    },
    [TSR_REGULARIZER] = {
        .name = "regularizer", .phrase = "a regularizer", .folder = "regularizers",
        .doc = "adds a penalty on parameters to the loss",
        .ops_size = sizeof(tsr_regularizer_ops), .ops_minimum = END_OF(tsr_regularizer_ops, elementwise),
        .required = (const tsr_required_op[]){ OP(tsr_regularizer_ops, penalty), { NULL, 0 } },
        .common = regularizer_common, .common_size = sizeof(tsr_regularizer_common),
        .config_before = "regularizers = ( ", .config_after = " );",
    },
    [TSR_OPTIMIZER] = {
        .name = "optimizer", .phrase = "an optimizer", .folder = "optimizers",
        .doc = "updates the parameters by their gradients",
        .ops_size = sizeof(tsr_optimizer_ops), .ops_minimum = END_OF(tsr_optimizer_ops, elementwise),
        .required = (const tsr_required_op[]){ OP(tsr_optimizer_ops, update), { NULL, 0 } },
        .common = no_keys,
        .config_before = "training = { optimizer = ", .config_after = "; };",
    },
    [TSR_PROBE] = {
        .name = "probe", .phrase = "a probe", .folder = "probes",
        .doc = "measures codes",
        .ops_size = sizeof(tsr_probe_ops), .ops_minimum = END_OF(tsr_probe_ops, metrics),
        .required = (const tsr_required_op[]){ OP(tsr_probe_ops, run), { NULL, 0 } },
        .common = probe_common, .common_size = sizeof(tsr_probe_common),
        .config_before = "probes = ( ", .config_after = " );",
    },
    [TSR_EXECUTOR] = {
        .name = "executor", .phrase = "an executor", .folder = "executors",
        .doc = "does the runs of an experiment",
        .ops_size = sizeof(tsr_executor_ops), .ops_minimum = END_OF(tsr_executor_ops, share),
        .required = (const tsr_required_op[]){ OP(tsr_executor_ops, execute), { NULL, 0 } },
        .common = executor_common, .common_size = sizeof(tsr_executor_common),
        .config_before = "executor = ", .config_after = ";",
    },
    [TSR_LOSS] = {
        .name = "loss", .phrase = "a loss", .folder = "losses",
        .doc = "is what training makes small",
        .ops_size = sizeof(tsr_loss_ops), .ops_minimum = END_OF(tsr_loss_ops, outputs),
        .required = (const tsr_required_op[]){ OP(tsr_loss_ops, evaluate), { NULL, 0 } },
        .common = no_keys,
        .config_before = "training = { loss = ", .config_after = "; };",
    },
    [TSR_SCHEDULE] = {
        .name = "schedule", .phrase = "a schedule", .folder = "schedules",
        .doc = "multiplies the learning rate as training goes on",
        .ops_size = sizeof(tsr_schedule_ops), .ops_minimum = END_OF(tsr_schedule_ops, factor),
        .required = (const tsr_required_op[]){ OP(tsr_schedule_ops, factor), { NULL, 0 } },
        .common = no_keys, .name_key = "kind",
        .config_before = "training = { schedule = ", .config_after = "; };",
    },
    [TSR_AUGMENTATION] = {
        .name = "augmentation", .phrase = "an augmentation", .folder = "augmentations",
        .doc = "changes training examples at random",
        .ops_size = sizeof(tsr_augmentation_ops), .ops_minimum = END_OF(tsr_augmentation_ops, is_idle),
        .required = (const tsr_required_op[]){ { NULL, 0 } },
        .common = no_keys,
        .config_before = "training = { augment = ( ", .config_after = " ); };",
    },
};

/* clang-format on */

const tsr_kind_row *tsr_kind_get(tsr_kind kind)
{
    return kind > TSR_NO_KIND && kind < TSR_N_KINDS ? &rows[kind] : NULL;
}

tsr_kind tsr_kind_named(const char *name)
{
    for (int kind = TSR_NO_KIND + 1; kind < TSR_N_KINDS; kind++) {
        if (strcmp(rows[kind].name, name) == 0)
            return (tsr_kind)kind;
    }
    return TSR_NO_KIND;
}

const char *tsr_kind_names(void)
{
    return "model, dataset, activation, regularizer, optimizer, loss, schedule, augmentation, probe, "
           "executor";
}
