/* What the files of this folder share; private to it. */
#ifndef TSR_HOST_HOST_H
#define TSR_HOST_HOST_H

#include "config/value.h"
#include "plugin/registry.h"

#include <tessera/host.h>

struct tsr_host {
    tsr_registry *registry;
    char *folder; /* that relative paths start from */
};

/* Settings as a caller writes them, as a config's group; NULL is an empty one. *out is the caller's. */
TSR_MUST_CHECK tsr_status *tsr_host_settings(const tsr_host *host, const char *settings, tsr_value **out);

/* The plugin that the group names. The caller frees. */
TSR_MUST_CHECK tsr_status *tsr_host_instance(const tsr_host *host, tsr_kind kind, const tsr_value *group,
                                             tsr_instance **out);

/* tsr_encoder_open with settings as a group, which stays the caller's. What neither they nor the file say is
   taken from `otherwise`, a group of the same keys, or NULL. */
TSR_MUST_CHECK tsr_status *tsr_encoder_open_with(const tsr_host *host, const char *path,
                                                 const tsr_value *settings, const tsr_value *otherwise,
                                                 tsr_encoder **out);

/* tsr_network_see, computed as runs do; *codes (NULL: not wanted) as tsr_encoder_encode gives them. */
TSR_MUST_CHECK tsr_status *tsr_encoder_see(tsr_encoder *encoder, size_t n, const float *inputs,
                                           tsr_layer_function *see, void *context, float *outputs,
                                           tsr_codes **codes);

/* Refuses what tsr_host_probe would refuse before it measures. */
TSR_MUST_CHECK tsr_status *tsr_host_probe_check(const tsr_instance *probe, const tsr_probe_input *input);

#endif
