/* The test kit for plugin authors: what every plugin of a kind must hold, checked on a plugin as the host
   loads it. Each check runs in a process of its own, so that one that crashes or hangs is a check that
   failed, and the process that reports does no numerical work. Results are printed as TAP (version 13). */
#ifndef TSR_KIT_KIT_H
#define TSR_KIT_KIT_H

#include "config/settings.h"

#include <tessera/graph.h>

/* The plugin under test. */
typedef struct tsr_kit {
    tsr_registry *registry;
    tsr_kind kind;
    const char *name;       /* of the plugin */
    const char *what;       /* "probe density", for messages */
    const char *label;      /* "probe density:", before claims */
    const tsr_value *group; /* names it, with the settings to test it with */
    size_t n_shapes;        /* of inputs, that models are to be tested on */
    const tsr_shape *shapes;
    char note[128];      /* what a check that succeeds has to say; "": nothing */
    const char *skipped; /* a check sets it to say why it does not apply, and succeeds */
} tsr_kit;

typedef struct tsr_kit_check {
    const char *claim; /* of the plugin; NULL ends a list */
    tsr_status *(*run)(tsr_kit *kit);
    int limit;        /* milliseconds it may take; 0: what the user says, or half a minute */
    const char *name; /* a word, to run this check alone; NULL: it has none */
} tsr_kit_check;

/* What a kind brings. */
typedef struct tsr_kit_kind {
    const tsr_kit_check *checks;
    /* Puts the instance to use and stirs every result into *digest. */
    tsr_status *(*exercise)(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest);
} tsr_kit_kind;

extern const tsr_kit_kind tsr_kit_model, tsr_kit_dataset, tsr_kit_activation, tsr_kit_regularizer,
    tsr_kit_optimizer, tsr_kit_probe, tsr_kit_executor, tsr_kit_loss, tsr_kit_schedule, tsr_kit_augmentation;

const tsr_kit_kind *tsr_kit_kind_of(tsr_kind kind);

/* Of plugins of every kind. */
extern const tsr_kit_check tsr_kit_common[];

/* A new instance with the settings given. The caller frees. */
TSR_MUST_CHECK tsr_status *tsr_kit_make(const tsr_kit *kit, tsr_instance **out);

/* A model of the kit's own, for what needs a network: dense, rectifier, dense. The caller frees. */
TSR_MUST_CHECK tsr_status *tsr_kit_plain_model(tsr_instance **out);

/* A loss of the kit's own, for what needs gradients: a smooth function of all outputs and the label. The
   caller frees. */
TSR_MUST_CHECK tsr_status *tsr_kit_plain_loss(tsr_instance **out);

/* Stirs n bytes into a digest that began as 0. */
void tsr_kit_stir(uint64_t *digest, const void *bytes, size_t n);

/* Whether two arrays are the same but for rounding. */
bool tsr_kit_alike(size_t n, const float *a, const float *b);

/* Whether the derivative at a point agrees with values of the function at distance h around it: with the
   central difference, or, where the function may bend, with something between the one-sided ones. `scale` is
   what rounding is to be compared with. */
bool tsr_kit_slope_agrees(double derivative, double down, double at, double up, double h, double scale);

/* What is to be tested, and how. */
typedef struct tsr_kit_request {
    const char *plugin; /* FILE.so, FILE.so:NAME or KIND/NAME */
    const char *check;  /* the name of the one to run; NULL: all */
    size_t n_settings;
    const char *const *settings; /* keys of the plugins as "KEY=VALUE" of a config */
    size_t n_shapes;             /* 0: the kit's own */
    const tsr_shape *shapes;
    int limit; /* milliseconds that a check may take; 0: half a minute */
} tsr_kit_request;

/* Tests every plugin that is meant. Prints TAP to stdout; *failed counts the checks that did not hold. Fails
   where nothing can be tested. */
TSR_MUST_CHECK tsr_status *tsr_kit_test(const tsr_kit_request *request, size_t *failed);

/* Prints the name and the claim of each check, of all kinds or of those of the plugins that are meant. */
TSR_MUST_CHECK tsr_status *tsr_kit_list(const char *plugin);

#endif
