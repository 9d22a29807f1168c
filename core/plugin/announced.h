/* The metrics that probes announce: checking the list, and saying it as JSON, for `tessera describe` and for
   results, which are read without the plugins. */
#ifndef TSR_PLUGIN_ANNOUNCED_H
#define TSR_PLUGIN_ANNOUNCED_H

#include <jansson.h>
#include <tessera/probe.h>

/* Words of lower case, digits and _, with dots between them. */
bool tsr_metric_name_valid(const char *name);

/* Checks a list that a plugin brings (NULL: none); `where` names the plugin in messages. */
TSR_MUST_CHECK tsr_status *tsr_announced_check(const tsr_metric_info *metrics, const char *where);

/* Adds each metric to the object, under `prefix` and its name: { role, part, doc } in words. */
void tsr_announced_json(const tsr_metric_info *metrics, const char *prefix, json_t *object);

/* Reads one back; a word that is none is the first of its kind, a doc that is missing NULL. The doc lives as
   long as the object. */
void tsr_announced_read(const json_t *object, tsr_metric_info *out);

#endif
