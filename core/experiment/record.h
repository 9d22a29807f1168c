/* The record of one run, run.json, once it has been read: whether it is whole, and what it says. */
#ifndef TSR_EXPERIMENT_RECORD_H
#define TSR_EXPERIMENT_RECORD_H

#include <jansson.h>
#include <tessera/status.h>

/* How records are written, as flags of Jansson's. */
#define TSR_RECORD_LAYOUT (JSON_INDENT(1) | JSON_REAL_PRECISION(17))

/* The member that has the settings, by label, of each probe that was added to the run when it was finished.
 */
#define TSR_ADDED_PROBES "added_probes"

/* Where the record of run `id` of a results folder lies, FOLDER/runs/ID/run.json; NULL without memory. free()
 * it. */
char *tsr_record_path(const char *folder, const char *id);

/* Reads the record at `path`, which must be that of run `id`. Where there is no such file *out is NULL. A
   file that cannot be read is TSR_IO; one that can, but holds no whole record of the run, is TSR_REFUSED and
   says what is wrong with it. A new reference. */
TSR_MUST_CHECK tsr_status *tsr_record_read(const char *path, const char *id, json_t **out);

/* The same, with another way from the text, which has a NUL behind it, to a new reference. */
typedef json_t *(*tsr_record_parser)(void *context, const char *text, size_t length, json_error_t *error);
TSR_MUST_CHECK tsr_status *tsr_record_read_by(tsr_record_parser parse, void *context, const char *path,
                                              const char *id, json_t **out);

/* Whether a record that was read is one that the run with this id can have left: its config is that run's,
   and a finished run has every snapshot with the metrics that all have. TSR_REFUSED says what is wrong. */
TSR_MUST_CHECK tsr_status *tsr_record_check(const json_t *record, const char *id);
/* The same of the snapshots alone, where the config is known to be the run's. */
TSR_MUST_CHECK tsr_status *tsr_record_check_snapshots(const json_t *record);

/* Whether the run went to its end and has results. */
bool tsr_record_is_done(const json_t *record);
/* Whether its snapshots are whole, but perhaps for what probes that failed would have added. */
bool tsr_record_is_probed(const json_t *record);

/* Whether doing the run again would give the same: it is done, or it diverged. */
bool tsr_record_is_final(const json_t *record);

#endif
