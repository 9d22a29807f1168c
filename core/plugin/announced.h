/* The metrics that probes announce: checking the list. */
#ifndef TSR_PLUGIN_ANNOUNCED_H
#define TSR_PLUGIN_ANNOUNCED_H

#include <tessera/probe.h>

/* Words of lower case, digits and _, with dots between them. */
bool tsr_metric_name_valid(const char *name);

/* Checks a list that a plugin brings (NULL: none); `where` names the plugin in messages. */
TSR_MUST_CHECK tsr_status *tsr_announced_check(const tsr_metric_info *metrics, const char *where);

#endif
