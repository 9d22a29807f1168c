/* Choosing rows and columns of a summary. */
#include "report/selection.h"

#include "base/memory.h"
#include "config/print.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAMED 12 /* values in a message */

/* Metrics. */

static bool is_chosen(const tsr_selection *s, size_t measure)
{
    for (size_t i = 0; i < s->n_measures; i++)
        if (s->measures[i] == measure)
            return true;
    return false;
}

static tsr_status *refuse_metric(const tsr_results *results, const char *name)
{
    const char **names = tsr_alloc(results->n_measures + 1, sizeof(*names));
    for (size_t m = 0; names && m < results->n_measures; m++)
        names[m] = results->measures[m].name;
    const char *nearest = names ? tsr_nearest_word(name, names) : NULL;
    tsr_status *status =
        nearest ? tsr_fail(TSR_REFUSED, "%s: has no metric '%s'; did you mean '%s'?", results->folder, name,
                           nearest)
                : tsr_fail(TSR_REFUSED,
                           "%s: has no metric '%s': expected a name of results.csv's heading, or a pattern "
                           "such as 'knn.*'",
                           results->folder, name);
    free(names);
    return status;
}

static tsr_status *choose_measures(const tsr_selection_wish *wish, tsr_selection *s)
{
    const tsr_results *results = s->summary->results;
    s->measures = tsr_alloc(results->n_measures, sizeof(*s->measures));
    if (!s->measures)
        return tsr_no_memory("a table");
    for (size_t m = 0; wish->n_metrics == 0 && m < results->n_measures; m++)
        if (!results->measures[m].detail)
            s->measures[s->n_measures++] = m;
    for (size_t i = 0; i < wish->n_metrics; i++) {
        bool found = false;
        for (size_t m = 0; m < results->n_measures; m++)
            if (fnmatch(wish->metrics[i], results->measures[m].name, 0) == 0) {
                found = true;
                if (!is_chosen(s, m))
                    s->measures[s->n_measures++] = m;
            }
        if (!found)
            return refuse_metric(results, wish->metrics[i]);
    }
    return NULL;
}

/* Conditions. */

/* The value behind "KEY="; NULL where the condition is of another key. */
static const char *value_for(const char *condition, const char *key)
{
    size_t length = strlen(key);
    return strncmp(condition, key, length) == 0 && condition[length] == '=' ? condition + length + 1 : NULL;
}

static bool is_number(const char *text, double *number)
{
    char *end;
    *number = tsr_parse_real(text, &end);
    return *text && *end == '\0';
}

/* Whether a value is what the text says: by its number, or as tables show it. */
static bool is_value(const tsr_value *value, const char *text)
{
    double number;
    if (tsr_value_is_number(value))
        return is_number(text, &number) && number == tsr_value_number(value);
    tsr_text label = { 0 };
    tsr_print_label(value, &label);
    bool same = label.chars && strcmp(label.chars, text) == 0;
    free(label.chars);
    return same;
}

/* Whether all conditions on `key` are left open, or one of them names the value. */
static bool meets(const tsr_selection_wish *wish, const char *key, const tsr_value *value)
{
    bool any = false;
    for (size_t i = 0; i < wish->n_conditions; i++) {
        const char *text = value_for(wish->conditions[i], key);
        if (text && is_value(value, text))
            return true;
        any = any || text;
    }
    return !any;
}

static bool point_meets(const tsr_selection_wish *wish, const tsr_summary *summary, size_t point)
{
    for (size_t k = 0; k < summary->results->n_keys; k++)
        if (!meets(wish, summary->results->keys[k].name, tsr_summary_value(summary, point, k)))
            return false;
    return true;
}

static bool asks_epoch(const tsr_selection_wish *wish)
{
    for (size_t i = 0; i < wish->n_conditions; i++)
        if (value_for(wish->conditions[i], "epoch"))
            return true;
    return false;
}

static bool epoch_meets(const tsr_selection_wish *wish, const tsr_point *point, size_t epoch)
{
    double number;
    if (!asks_epoch(wish))
        return wish->all_epochs || epoch + 1 == point->n_epochs;
    for (size_t i = 0; i < wish->n_conditions; i++) {
        const char *text = value_for(wish->conditions[i], "epoch");
        if (text && is_number(text, &number) && number == point->epochs[epoch])
            return true;
    }
    return false;
}

/* Refusing a condition that nothing can meet. */

static void add_name(size_t i, const char *name, tsr_text *out)
{
    if (i < MAX_NAMED)
        tsr_text_add(out, "%s%s", i ? ", " : "", name);
    else if (i == MAX_NAMED)
        tsr_text_add(out, ", ...");
}

static tsr_status *refuse_key(const tsr_results *results, const char *condition)
{
    tsr_text keys = { 0 };
    for (size_t k = 0; k < results->n_keys; k++)
        add_name(k, results->keys[k].name, &keys);
    add_name(results->n_keys, "epoch", &keys);
    tsr_status *status = tsr_fail(TSR_REFUSED, "%s: --where %s: is not swept here: expected KEY=VALUE of %s",
                                  results->folder, condition, keys.chars ? keys.chars : "epoch");
    free(keys.chars);
    return status;
}

static tsr_status *check_value(const tsr_results *results, const tsr_swept_key *key, const char *condition,
                               const char *text)
{
    tsr_text there = { 0 };
    bool found = false;
    for (size_t i = 0; i < key->n; i++) {
        tsr_text label = { 0 };
        found = found || is_value(key->values[i], text);
        tsr_print_label(key->values[i], &label);
        add_name(i, label.chars ? label.chars : "?", &there);
        free(label.chars);
    }
    tsr_status *status =
        found ? NULL
              : tsr_fail(TSR_REFUSED, "%s: --where %s: no run has this value: expected one of %s",
                         results->folder, condition, there.chars ? there.chars : "none");
    free(there.chars);
    return status;
}

static tsr_status *check_epoch(const tsr_summary *summary, const char *condition, const char *text)
{
    double number;
    bool readable = is_number(text, &number);
    for (size_t p = 0; readable && p < summary->n_points; p++)
        for (size_t e = 0; e < summary->points[p].n_epochs; e++)
            if (summary->points[p].epochs[e] == number)
                return NULL;
    return tsr_fail(TSR_REFUSED, "%s: --where %s: no run has a snapshot of this epoch",
                    summary->results->folder, condition);
}

static tsr_status *check_condition(const tsr_summary *summary, const char *condition)
{
    const tsr_results *results = summary->results;
    const char *epoch = value_for(condition, "epoch");
    if (epoch)
        return check_epoch(summary, condition, epoch);
    for (size_t k = 0; k < results->n_keys; k++) {
        const char *text = value_for(condition, results->keys[k].name);
        if (text)
            return check_value(results, &results->keys[k], condition, text);
    }
    return refuse_key(results, condition);
}

/* Rows. */

static tsr_status *choose_rows(const tsr_selection_wish *wish, tsr_selection *s)
{
    const tsr_summary *summary = s->summary;
    size_t most = 0;
    for (size_t i = 0; i < wish->n_conditions; i++)
        TSR_TRY(check_condition(summary, wish->conditions[i]));
    for (size_t p = 0; p < summary->n_points; p++)
        most += summary->points[p].n_epochs;
    s->rows = tsr_alloc(most, sizeof(*s->rows));
    if (!s->rows)
        return tsr_no_memory("a table");
    for (size_t p = 0; p < summary->n_points; p++) {
        size_t n = point_meets(wish, summary, p) ? summary->points[p].n_epochs : 0;
        for (size_t e = 0; e < n; e++)
            if (epoch_meets(wish, &summary->points[p], e))
                s->rows[s->n_rows++] = (tsr_selected_row){ p, e };
    }
    return s->n_rows ? NULL
                     : tsr_fail(TSR_REFUSED, "%s: no finished run meets all conditions at once",
                                summary->results->folder);
}

tsr_status *tsr_selection_new(const tsr_summary *summary, const tsr_selection_wish *wish, tsr_selection *out)
{
    *out = (tsr_selection){ .summary = summary };
    tsr_status *status = choose_measures(wish, out);
    if (!status)
        status = choose_rows(wish, out);
    if (status)
        tsr_selection_clear(out);
    return status;
}

void tsr_selection_clear(tsr_selection *selection)
{
    free(selection->rows);
    free(selection->measures);
    *selection = (tsr_selection){ 0 };
}
