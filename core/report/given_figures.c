/* Figures of the curves that probes gave: lines and histograms, one figure each, with a curve for each value
   of the first key that varies, at the last snapshot, or where none does for each snapshot. */
#include "report/given_plan.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PANELS 4      /* combinations of the keys that have no curves */
#define MANY_FIGURES 4    /* of a probe, from where they are folded */
#define MOST_FILES 20000  /* that are read for all figures */
#define MOST_DRAWN 200000 /* points of all figures */

/* --- what is shown --- */

/* The point that a curve of a panel is of; n_points: none. */
static size_t find_point(const tsr_given_plan *p, size_t representative, size_t curve)
{
    const tsr_summary *summary = p->study->summary;
    size_t point = 0;
    if (p->keys.by == TSR_NO_KEY)
        return representative;
    while (point < summary->n_points &&
           !(tsr_study_agree(p->study, point, representative, p->keys.shown) &&
             tsr_summary_place(summary, point, p->keys.by) == tsr_curves_value(&p->keys, curve)))
        point++;
    return point;
}

/* Drops what has no place on a logarithmic axis, and widens the ranges. */
static void look_at(tsr_given_plan *p, tsr_given_mean *mean)
{
    bool zero = tsr_given_is_histogram(p) && mean->n > 0 && mean->x[0] >= 0;
    if (mean->n == 0 || (p->given->info.x_logarithmic && !(mean->x[0] > 0 || zero))) {
        tsr_given_mean_clear(mean);
        return;
    }
    p->left_out += mean->left_out;
    p->apart = p->apart || mean->apart;
    for (size_t i = mean->n; i-- > 0;) /* bins that are empty in all runs are left aside at the low end */
        if (!tsr_given_is_histogram(p) || mean->y[i].mean > 0)
            p->x_low = fmin(p->x_low, tsr_given_place(p, mean, i));
    p->x_high = fmax(p->x_high, tsr_given_place(p, mean, tsr_given_is_histogram(p) ? mean->n : mean->n - 1));
    for (size_t i = 0; i < mean->n; i++) {
        p->y_low = fmin(p->y_low, tsr_given_low(&mean->y[i]));
        p->y_high = fmax(p->y_high, tsr_given_high(&mean->y[i]));
    }
}

/* All means of the figure; *points: how many points they have. */
static tsr_status *gather(tsr_given_plan *p, tsr_given_reading *reading, size_t *points)
{
    tsr_status *status = NULL;
    *points = 0;
    p->x_low = p->y_low = INFINITY;
    p->x_high = p->y_high = -INFINITY;
    for (size_t i = 0; i < p->n_panels * p->n_curves && !status; i++) {
        size_t curve = i % p->n_curves, point = find_point(p, p->representatives[i / p->n_curves], curve);
        if (point == p->study->summary->n_points)
            continue;
        status = tsr_given_mean_of(reading, p->given, point, tsr_given_epoch(p, curve), &p->means[i]);
        look_at(p, &p->means[i]);
        *points += p->means[i].n;
    }
    return status;
}

/* --- the figures --- */

typedef struct figures {
    const tsr_study *study;
    tsr_album *album;
    tsr_given_reading reading;
    size_t drawn; /* points */
} figures;

/* The key that has the curves: the first that varies. */
static size_t find_by(const tsr_study *study)
{
    for (size_t k = 0; k < study->summary->results->n_keys; k++)
        if (study->keys[k].n > 1)
            return k;
    return TSR_NO_KEY;
}

static tsr_status *draw(figures *f, tsr_given_plan *p)
{
    size_t points;
    tsr_status *status = gather(p, &f->reading, &points);
    f->drawn += points;
    if (!status && points)
        tsr_given_draw(p);
    return status;
}

static tsr_status *add_figure(figures *f, const tsr_given_info *given)
{
    const tsr_study *study = f->study;
    static const tsr_curve_group nothing = { .n = 1 };
    size_t n_keys = study->summary->results->n_keys, by = find_by(study);
    tsr_given_plan p = { .study = study,
                         .album = f->album,
                         .given = given,
                         .keys = { .study = study,
                                   .group = &nothing,
                                   .along = TSR_ALONG_SNAPSHOTS,
                                   .by = by,
                                   .shown = tsr_alloc(n_keys, sizeof(bool)) },
                         .by_epoch = by == TSR_NO_KEY && study->epochs.n > 1 };
    p.n_curves = p.by_epoch ? (study->epochs.n < TSR_MAX_CURVES ? study->epochs.n : TSR_MAX_CURVES)
                            : tsr_curves_shown(&p.keys);
    if (p.keys.shown && by != TSR_NO_KEY)
        p.keys.shown[by] = true;
    if (p.keys.shown)
        p.representatives = tsr_study_rest(study, p.keys.shown, MAX_PANELS, &p.n_panels, &p.found);
    if (p.representatives)
        p.means = tsr_alloc(p.n_panels * p.n_curves, sizeof(*p.means));
    tsr_status *status = p.means ? draw(f, &p) : tsr_no_memory("the curves");
    for (size_t i = 0; p.means && i < p.n_panels * p.n_curves; i++)
        tsr_given_mean_clear(&p.means[i]);
    free(p.means);
    free(p.representatives);
    free(p.keys.shown);
    return status;
}

/* The curves of one probe; *n: how many of the list they are. */
static tsr_status *add_section(figures *f, size_t left, const tsr_given_info *list, size_t *n)
{
    char *title = tsr_format("Curves of %.*s", (int)list->label, list->name);
    tsr_status *status = title ? NULL : tsr_no_memory("the curves");
    size_t before = f->reading.damaged, undrawn = 0;
    tsr_album_section(f->album, title ? title : "", "", false);
    free(title);
    for (*n = 0;
         *n < left && list[*n].label == list->label && strncmp(list[*n].name, list->name, list->label) == 0;
         (*n)++) {
        bool bounded = f->reading.left > 0 && f->drawn < MOST_DRAWN;
        undrawn += !bounded;
        if (!status && bounded && !f->album->failed)
            status = add_figure(f, &list[*n]);
    }
    if (f->album->failed || status)
        return status;
    tsr_section *section = &f->album->sections[f->album->n - 1];
    tsr_text words = { 0 };
    tsr_text_add(&words,
                 "What the probe gave as curves, %s: means over the replicates, with their 95 %% confidence "
                 "intervals as bands. The numbers are in the runs' folders, and beside the figures of "
                 "tessera report --figures.",
                 find_by(f->study) == TSR_NO_KEY && f->study->epochs.n > 1 ? "at each snapshot"
                                                                           : "after the last epoch");
    if (undrawn)
        tsr_text_add(&words, " %zu more are not drawn: those above are as many as a page holds.", undrawn);
    if (f->reading.damaged > before)
        tsr_text_add(&words, " %zu files were left out, which are no such curves.",
                     f->reading.damaged - before);
    free(section->introduction);
    section->introduction = words.chars;
    section->folded = section->n > MANY_FIGURES;
    f->album->failed = f->album->failed || words.failed;
    return NULL;
}

void tsr_study_given(const tsr_study *study, tsr_album *album)
{
    figures f = { .study = study,
                  .album = album,
                  .reading = { .summary = study->summary, .left = MOST_FILES } };
    tsr_given_info *list;
    size_t n, taken;
    tsr_status *status = tsr_given_list(study->summary->results, &n, &list);
    for (size_t i = 0; i < n && !status && !album->failed; i += taken)
        status = add_section(&f, n - i, list + i, &taken);
    album->failed = album->failed || status; /* there is no other failure than memory */
    tsr_status_free(status);
    free(list);
}
