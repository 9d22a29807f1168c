/* What a probe gave: whether it is what it announces, and whether it is the same again. */
#ifndef TSR_KIT_PROBE_GIVEN_H
#define TSR_KIT_PROBE_GIVEN_H

#include <tessera/host.h>
#include <tessera/probe.h>

/* Of names and numbers of all metrics and curves. */
uint64_t tsr_kit_digest_of_given(const tsr_metrics *metrics);

/* Some of the metrics that it announces are there, and all that are stay within what was announced. */
TSR_MUST_CHECK tsr_status *tsr_kit_check_metrics(const tsr_probe_ops *ops, const tsr_metrics *metrics);

/* The same of curves, whose shape is also the announced one. A probe that gives curves announces some. */
TSR_MUST_CHECK tsr_status *tsr_kit_check_curves(const tsr_probe_ops *ops, const tsr_metrics *metrics);

#endif
