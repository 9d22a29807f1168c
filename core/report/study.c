/* A summary seen as a study. */
#include "report/study.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* An axis of whole numbers. */
static tsr_status *count_axis(const char *title, size_t n, const double *counts, tsr_axis *out)
{
    tsr_value **values = tsr_alloc(n, sizeof(*values));
    tsr_status *status = values ? NULL : tsr_no_memory("an axis");
    for (size_t i = 0; i < n && !status; i++)
        if (!(values[i] = tsr_value_int((int64_t)counts[i])))
            status = tsr_no_memory("an axis");
    if (!status)
        status = tsr_axis_new(title, n, (const tsr_value *const *)values, out);
    for (size_t i = 0; values && i < n; i++)
        tsr_value_free(values[i]);
    free(values);
    return status;
}

/* The epochs of all points' snapshots, once each. A point with none but its last says nothing of time: where
   its training stopped is its own affair. */
static tsr_status *list_epochs(tsr_study *study)
{
    const tsr_summary *summary = study->summary;
    size_t most = 0, n = 0, kept = 0;
    for (size_t p = 0; p < summary->n_points; p++)
        most += summary->points[p].n_epochs;
    double *all = study->epoch_list = tsr_alloc(most, sizeof(*all));
    if (!all)
        return tsr_no_memory("the study");
    for (size_t p = 0; p < summary->n_points; p++)
        for (size_t e = 0; summary->points[p].n_epochs > 1 && e < summary->points[p].n_epochs; e++)
            all[n++] = summary->points[p].epochs[e];
    tsr_sort_reals(all, n);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || all[i] != all[i - 1])
            all[kept++] = all[i];
    return count_axis("epoch", kept, all, &study->epochs);
}

static tsr_status *make_training_axis(tsr_study *study)
{
    const tsr_results *results = study->summary->results;
    size_t most = 0;
    for (size_t i = 0; i < results->n_runs; i++) {
        size_t n = results->runs[i].n_trained;
        if (results->runs[i].done && n > most)
            most = n;
    }
    return count_axis("epoch", most ? 2 : 0, (const double[]){ 1, (double)most }, &study->training);
}

tsr_status *tsr_study_new(const tsr_summary *summary, tsr_study *out)
{
    const tsr_results *results = summary->results;
    *out = (tsr_study){ .summary = summary, .keys = tsr_alloc(results->n_keys, sizeof(tsr_axis)) };
    tsr_status *status = out->keys ? list_epochs(out) : tsr_no_memory("the study");
    if (!status)
        status = make_training_axis(out);
    for (size_t k = 0; !status && k < results->n_keys; k++)
        status =
            tsr_axis_new(results->keys[k].name, results->keys[k].n, results->keys[k].values, &out->keys[k]);
    if (status)
        tsr_study_clear(out);
    return status;
}

void tsr_study_clear(tsr_study *study)
{
    for (size_t k = 0; study->keys && k < study->summary->results->n_keys; k++)
        tsr_axis_clear(&study->keys[k]);
    free(study->keys);
    tsr_axis_clear(&study->epochs);
    tsr_axis_clear(&study->training);
    free(study->epoch_list);
    *study = (tsr_study){ 0 };
}

size_t tsr_study_epoch(const tsr_study *study, double epoch)
{
    size_t i = 0;
    while (i + 1 < study->epochs.n && study->epoch_list[i] < epoch)
        i++;
    return i;
}

bool tsr_study_agree(const tsr_study *study, size_t a, size_t b, const bool *left_out)
{
    bool agree = true;
    for (size_t k = 0; k < study->summary->results->n_keys; k++)
        agree = agree && (left_out[k] ||
                          tsr_summary_place(study->summary, a, k) == tsr_summary_place(study->summary, b, k));
    return agree;
}

size_t *tsr_study_rest(const tsr_study *study, const bool *left_out, size_t most, size_t *n, size_t *found)
{
    size_t *first = tsr_alloc(study->summary->n_points, sizeof(*first));
    *n = *found = 0;
    for (size_t p = 0; first && p < study->summary->n_points; p++) {
        bool known = false;
        for (size_t i = 0; i < *found; i++)
            known = known || tsr_study_agree(study, first[i], p, left_out);
        if (!known)
            first[(*found)++] = p;
    }
    *n = *found < most ? *found : most;
    for (size_t i = 0; first && *n > 1 && i < *n; i++)
        first[i] = first[i * (*found - 1) / (*n - 1)];
    return first;
}

void tsr_study_describe_point(const tsr_study *study, size_t point, const bool *left_out, tsr_text *out)
{
    bool any = false;
    for (size_t k = 0; k < study->summary->results->n_keys; k++) {
        if (left_out[k] || study->keys[k].n < 2)
            continue;
        tsr_text_add(out, "%s%s %s", any ? ", " : "", study->keys[k].title,
                     study->keys[k].labels[tsr_summary_place(study->summary, point, k)]);
        any = true;
    }
}
