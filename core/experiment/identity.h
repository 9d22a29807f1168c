/* What makes a result this one and no other: the run's config, as far as it decides what the run gives, the
   data as they are read, and the plugins' files. The first names the run; the others are recorded and
   compared. */
#ifndef TSR_EXPERIMENT_IDENTITY_H
#define TSR_EXPERIMENT_IDENTITY_H

#include "base/text.h"
#include "experiment/experiment.h"

#include <jansson.h>

/* The id of a run with this resolved config: 16 hexadecimal digits and a NUL. What is written, where codes
   are kept and when checkpoints are made, `output`, `codes.memory` and `training.checkpoint_every`, is no
   part of it, nor what tsr_identity_forget_defaults removes. */
TSR_MUST_CHECK tsr_status *tsr_identity_of(const tsr_value *config, char id[17]);

/* The text that the ids of a point's replicates are hashes of, from behind their seeds, which begin it: in
   all else their configs are one. free() it. */
TSR_MUST_CHECK tsr_status *tsr_identity_without_seed(const tsr_value *config, char **rest);
TSR_MUST_CHECK tsr_status *tsr_identity_of_seed(const char *rest, uint64_t seed, char id[17]);

/* The same of its training alone, without what may change while runs are reused: probes, snapshots and the
   number of epochs. Runs with one such id are trained alike as far as they go, but where the schedule goes by
   the number of epochs. */
TSR_MUST_CHECK tsr_status *tsr_identity_of_training(const tsr_value *config, char id[17]);

/* Makes names of files out of the paths of data, models and plugins: what is read there has digests of its
   own, which say whether it is the same. */
void tsr_identity_shorten_paths(tsr_value *config);

/* Keys that a study may change in its folder, dotted, NULL at the end: those that are no part of that id. */
extern const char *const tsr_identity_growing[];

/* Removes the keys that came after the first results where they have their defaults and `other` (NULL: no
   config) lacks them: a run that such a key says nothing new of has the id that it had without it. */
void tsr_identity_forget_defaults(tsr_value *config, const tsr_value *other);

/* Such a key's default, which stands for a missing one; NULL: the key is none of them. free it with
 * tsr_value_free. */
tsr_value *tsr_identity_default(const char *dotted);

/* Whether two configs are of one experiment: they differ in nothing but what two commands that share a folder
   may differ in, in the n `apart`, dotted keys, and, unless `paths`, in where files lie. Else the first
   difference is added to `out`, the sentence that tsr_values_differ makes. */
TSR_MUST_CHECK tsr_status *tsr_identity_same_experiment(const tsr_value *there, const tsr_value *here,
                                                        size_t n, const char *const *apart, bool paths,
                                                        tsr_text *out);

/* What config.cfg's sweep is known by in the records of its runs: the same for the experiment that wrote it
   and for who reads it back. */
TSR_MUST_CHECK tsr_status *tsr_identity_of_sweep(const tsr_value *resolved, char id[17]);

/* The digest of the run's data as they are read: 16 hexadecimal digits and a NUL. Taken once for each
 * dataset. */
TSR_MUST_CHECK tsr_status *tsr_identity_of_data(const tsr_run *run, char digits[17]);

/* Adds to `out` what is not as it was when the run left its record, as a sentence: the file of a plugin that
   takes part in the run, or the data. Nothing is added where all is the same. */
TSR_MUST_CHECK tsr_status *tsr_identity_compare(const tsr_run *run, const json_t *record, tsr_text *out);
/* The same of all but the probes, and of one of these; true where it is another. */
TSR_MUST_CHECK tsr_status *tsr_identity_compare_training(const tsr_run *run, const json_t *record,
                                                         tsr_text *out);
bool tsr_identity_probe_changed(const tsr_run *run, size_t probe, const json_t *record, tsr_text *out);

#endif
