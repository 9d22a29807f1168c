/* The metrics that probes announce: checking the list. */
#ifndef TSR_PLUGIN_ANNOUNCED_H
#define TSR_PLUGIN_ANNOUNCED_H

#include <tessera/probe.h>

/* Words of lower case, digits and _, with dots between them. */
bool tsr_metric_name_valid(const char *name);

/* Whether a metric's name is the one that was announced, in which # stands for a number. */
bool tsr_metric_is_announced(const char *announced, const char *name);

/* What was announced of a metric, in a list ended by a NULL name (NULL: none); NULL: nothing. */
const tsr_metric_info *tsr_announced_find(const tsr_metric_info *metrics, const char *name);

/* Whether a value is one that the metric can have. */
bool tsr_announced_allows(const tsr_metric_info *metric, double value);

/* Puts checked copies of the lists of metrics and curves in place of the plugin's; `size` is that of its
   metrics. free() both also after a failure. `where` names the plugin in messages. */
TSR_MUST_CHECK tsr_status *tsr_announced_take(size_t size, tsr_probe_ops *ops, const char *where);

/* The part of it for curves: `list` is the plugin's, whose elements are of ops->curve_size. */
TSR_MUST_CHECK tsr_status *tsr_announced_take_curves(const tsr_curve_info *list, tsr_probe_ops *ops,
                                                     const char *where);

/* What was announced of a curve; NULL: nothing. */
const tsr_curve_info *tsr_announced_find_curve(const tsr_curve_info *curves, const char *name);

/* Whether values from `low` to `high` are within a range of which both ends 0 say nothing. */
bool tsr_announced_range_allows(double minimum, double maximum, double low, double high);

/* Checks a list that a plugin brings (NULL: none); `where` names the plugin in messages. */
TSR_MUST_CHECK tsr_status *tsr_announced_check(const tsr_metric_info *metrics, const char *where);

#endif
