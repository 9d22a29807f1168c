/* What is known of a plugin, as JSON: the descriptor and its declarations, for `tessera describe`; and the
   metrics that probes announce, for results, which are read without the plugins. */
#ifndef TSR_CONFIG_DESCRIBE_H
#define TSR_CONFIG_DESCRIBE_H

#include "plugin/loader.h"

#include <jansson.h>
#include <tessera/probe.h>

/* An object kind, name, version, summary, licence, file, keys, common, and for a probe the metrics that
   it announces and, where there are any, its curves. NULL without memory. */
json_t *tsr_plugin_json(const tsr_loaded *loaded);

/* The same as text: a tsr_describe_plugin for tsr_registry_describe_with. */
char *tsr_plugin_json_text(const tsr_loaded *loaded);

/* Arrays of objects: key, type, doc, required, and where they apply default, min, max, unit, choices, nested,
   min_length, max_length. NULL without memory. */
json_t *tsr_keys_json(const tsr_key *keys);

/* Adds each metric to the object, under `prefix` and its name, in which # stands for a number: { role, part,
   doc } in words, and where they are said unit, minimum, maximum and better. A side that is open is left out.
   False without memory. */
bool tsr_announced_json(const tsr_metric_info *metrics, const char *prefix, json_t *object);

/* Adds each curve to the object, under `prefix` and its name: { shape, part, doc, x, y } in words, and where
   they are said x_unit, y_unit, the ends of both ranges, x_logarithmic and better. False without memory. */
bool tsr_announced_curves_json(const tsr_curve_info *curves, const char *prefix, json_t *object);

/* Reads one back as tsr_announced_read does, its name aside. False where it is none that can be drawn: its
   doc, x or y is missing, or its shape is another word. */
bool tsr_announced_read_curve(const json_t *object, tsr_curve_info *out);

/* What such an object says of a metric by its name; NULL: nothing. */
const json_t *tsr_announced_of(const json_t *object, const char *name);

/* Reads one back; a word that is none is the first of its kind, a doc or unit that is missing NULL. These
   live as long as the object. */
void tsr_announced_read(const json_t *object, tsr_metric_info *out);

#endif
