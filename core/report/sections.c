/* The sections of figures: each metric, or each group of metrics of one meaning, against everything that
   varies. */
#include "report/curves.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static size_t label_length(const char *name)
{
    return strcspn(name, ".");
}

static bool belong_together(const tsr_measure *a, const tsr_measure *b)
{
    size_t length = label_length(a->name);
    return a->info.doc && b->info.doc && a->detail == b->detail && length == label_length(b->name) &&
           strncmp(a->name, b->name, length) == 0 && strcmp(a->info.doc, b->info.doc) == 0;
}

/* Whether no measure before this one belongs to its group, and its group is asked for. */
static bool leads_group(const tsr_summary *summary, size_t m, bool headline)
{
    bool leads = !summary->results->measures[m].detail &&
                 tsr_measure_is_headline(&summary->results->measures[m]) == headline;
    for (size_t i = 0; i < m; i++)
        leads = leads && !belong_together(&summary->results->measures[m], &summary->results->measures[i]);
    return leads;
}

/* What it is, its unit, and which way is better. */
static char *title_of(const tsr_measure *measure)
{
    static const char *const better[TSR_N_METRIC_BETTER] = { "", " (larger is better)",
                                                             " (smaller is better)" };
    const tsr_metric_info *info = &measure->info;
    if (!info->doc)
        return strdup(measure->name);
    return tsr_format("%.*s: %s%s%s%s", (int)label_length(measure->name), measure->name, info->doc,
                      info->unit ? ", in " : "", info->unit ? info->unit : "", better[info->better]);
}

static void add_group_figure(const tsr_study *study, tsr_album *album, size_t leader, tsr_abscissa along,
                             size_t x)
{
    static const unsigned dash_of_part[TSR_N_METRIC_PARTS] = {
        [TSR_METRIC_OF_ANY] = 2, [TSR_METRIC_OF_TRAIN] = 1, [TSR_METRIC_OF_TEST] = 0
    };
    const tsr_summary *summary = study->summary;
    const tsr_measure *first = &summary->results->measures[leader];
    size_t measures[TSR_MAX_CURVES] = { leader }, n = 1;
    const char *names[TSR_MAX_CURVES] = { first->name };
    unsigned dashes[TSR_MAX_CURVES] = { dash_of_part[first->info.part] };
    for (size_t m = leader + 1; m < summary->results->n_measures && n < TSR_MAX_CURVES; m++)
        if (belong_together(first, &summary->results->measures[m])) {
            names[n] = summary->results->measures[m].name;
            dashes[n] = dash_of_part[summary->results->measures[m].info.part];
            measures[n++] = m;
        }
    char *title = title_of(first);
    tsr_curve_group of = { NULL, title, n, measures, names, dashes };
    if (title)
        tsr_study_add_figure(study, album, &of, along, x);
    album->failed = album->failed || !title;
    free(title);
}

static void add_groups(const tsr_study *study, tsr_album *album, bool headline, tsr_abscissa along, size_t x)
{
    for (size_t m = 0; m < study->summary->results->n_measures; m++)
        if (leads_group(study->summary, m, headline))
            add_group_figure(study, album, m, along, x);
}

/* Everything that varies, one section each. */
static void add_sections(const tsr_study *study, tsr_album *album, bool headline)
{
    for (size_t k = 0; k <= study->summary->results->n_keys; k++) {
        bool is_key = k < study->summary->results->n_keys;
        if (is_key ? study->keys[k].n < 2 : study->epochs.n < TSR_SNAPSHOTS_OF_A_STUDY)
            continue;
        char *title = tsr_format("%s %s", headline ? "Against" : "More metrics against",
                                 is_key ? study->keys[k].title : "training time");
        const char *bands =
            is_key && !study->keys[k].numeric
                ? "Points are means over the replicates, after the last epoch; bars their 95 % "
                  "confidence intervals."
            : is_key ? "Curves are means over the replicates, after the last epoch; bands their "
                       "95 % confidence intervals."
                     : "Curves are means over the replicates, after each snapshot's epoch; bands "
                       "their 95 % confidence intervals.";
        tsr_album_section(album, title ? title : "", bands, !headline);
        album->failed = album->failed || !title;
        free(title);
        add_groups(study, album, headline, is_key ? TSR_ALONG_KEY : TSR_ALONG_SNAPSHOTS,
                   is_key ? k : TSR_NO_KEY);
    }
}

static void add_training_section(const tsr_study *study, tsr_album *album)
{
    static const char *const names[] = { "loss", "accuracy" };
    static const char *const titles[] = { "Loss while training", "Accuracy while training" };
    if (!(study->training.high > 1))
        return;
    tsr_album_section(
        album, "Training",
        "Loss and accuracy of the training examples as they went by, mean over the replicates that "
        "still trained; bands are 95 % confidence intervals.",
        false);
    for (size_t i = 0; i < 2; i++) {
        tsr_curve_group of = { names[i], titles[i], 1, &i, &titles[i], NULL };
        tsr_study_add_figure(study, album, &of, TSR_ALONG_TRAINING, TSR_NO_KEY);
    }
}

void tsr_study_curves(const tsr_study *study, tsr_album *album)
{
    add_sections(study, album, true);
    add_training_section(study, album);
    tsr_study_given(study, album);
    add_sections(study, album, false);
}
