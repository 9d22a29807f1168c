/* Resolved configs: JSON objects in which every key stands, defaults too. As text they are configs again. */
#ifndef TSR_EXPERIMENT_RESOLVED_H
#define TSR_EXPERIMENT_RESOLVED_H

#include "base/text.h"

#include <jansson.h>
#include <libconfig.h>

/* Appends the object's members as a libconfig file. Reading it gives the same object. */
void tsr_resolved_write(const json_t *object, tsr_text *out);

/* A value on one line, as it would stand behind "=". */
void tsr_resolved_write_value(const json_t *value, tsr_text *out);

/* A value for people, as short as it can be: "name", "name(slope=0.1)", "name(weight=0.001) + other",
 * "none". */
void tsr_resolved_write_label(const json_t *value, tsr_text *out);

/* A setting of a config, as it stands; a new reference. */
json_t *tsr_resolved_from_setting(const config_setting_t *setting);

/* Reads back what tsr_resolved_write wrote, from a file. */
TSR_MUST_CHECK tsr_status *tsr_resolved_read(const char *path, json_t **out);

/* The value that a dotted key leads to ("probes.0.k"), borrowed; NULL where there is none. */
json_t *tsr_resolved_at(const json_t *object, const char *key);

/* Removes it, where there is one. */
void tsr_resolved_remove(json_t *object, const char *key);

/* `written`, a value of a config, with every path in it replaced by the absolute one that it was resolved to;
   a new reference. It means the same wherever it is read. */
json_t *tsr_resolved_paths(const json_t *written, const json_t *resolved);

/* The first difference of two objects, as a sentence ("model.width is 100 there and 50 here"); keys named in
   `ignored` (NULL-terminated) at the top are passed over. A member that is null is a missing one, and 1
   is 1.0. False where there is none. */
bool tsr_resolved_differs(const json_t *there, const json_t *here, const char *const *ignored, tsr_text *out);

/* 16 hexadecimal digits of the object's XXH3 hash, and a NUL. */
void tsr_resolved_id(const json_t *object, char id[17]);

#endif
