/* A summary seen as a study. */
#include "report/study.h"

#include "base/memory.h"
#include "experiment/outcome.h"

#include <stdlib.h>
#include <string.h>

/* The epochs of all points' snapshots, once each. A point with none but its last says nothing of time: where
   its training stopped is its own affair. */
static tsr_status *list_epochs(tsr_study *study)
{
    const tsr_summary *summary = study->summary;
    size_t room = 0, n = 0;
    for (size_t p = 0; p < summary->n_points; p++)
        room += summary->points[p].n_epochs;
    double *all = tsr_alloc(room, sizeof(*all));
    study->epoch_list = json_array();
    if (!all || !study->epoch_list) {
        free(all);
        return tsr_no_memory("the study");
    }
    for (size_t p = 0; p < summary->n_points; p++)
        for (size_t e = 0; summary->points[p].n_epochs > 1 && e < summary->points[p].n_epochs; e++)
            all[n++] = summary->points[p].epochs[e];
    tsr_sort_reals(all, n);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || all[i] != all[i - 1])
            json_array_append_new(study->epoch_list, json_integer((json_int_t)all[i]));
    free(all);
    return tsr_axis_new("epoch", study->epoch_list, &study->epochs);
}

static tsr_status *make_training_axis(tsr_study *study)
{
    const tsr_results *results = study->summary->results;
    size_t most = 0;
    for (size_t i = 0; i < results->n_runs; i++) {
        size_t n = json_array_size(json_object_get(results->runs[i].outcome, "epochs"));
        if (tsr_outcome_is_done(results->runs[i].outcome) && n > most)
            most = n;
    }
    json_t *ends = most ? json_pack("[i, I]", 1, (json_int_t)most) : json_array();
    tsr_status *status = tsr_axis_new("epoch", ends, &study->training);
    json_decref(ends);
    return status;
}

tsr_status *tsr_study_new(const tsr_summary *summary, tsr_study *out)
{
    const tsr_results *results = summary->results;
    *out = (tsr_study){ .summary = summary, .keys = tsr_alloc(results->n_keys, sizeof(tsr_axis)) };
    tsr_status *status = out->keys ? list_epochs(out) : tsr_no_memory("the study");
    if (!status)
        status = make_training_axis(out);
    for (size_t k = 0; !status && k < results->n_keys; k++) {
        json_t *values = json_array();
        for (size_t i = 0; i < results->keys[k].n; i++)
            json_array_append(values, (json_t *)(uintptr_t)results->keys[k].values[i]);
        status = tsr_axis_new(results->keys[k].name, values, &out->keys[k]);
        json_decref(values);
    }
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
    json_decref(study->epoch_list);
    *study = (tsr_study){ 0 };
}

size_t tsr_study_epoch(const tsr_study *study, double epoch)
{
    size_t i = 0;
    while (i + 1 < study->epochs.n && json_number_value(json_array_get(study->epoch_list, i)) < epoch)
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

void tsr_study_say(const tsr_study *study, size_t point, const bool *left_out, tsr_text *out)
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
