/* What differs between studies. */
#include "report/comparison.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/compare.h"
#include "config/print.h"
#include "experiment/folder.h"
#include "experiment/record.h"

#include <stdlib.h>
#include <string.h>

#define MOST_NAMES 8 /* of metrics that a study alone has */

/* --- rows --- */

/* A new row, without texts. */
static tsr_contrast_row *add_row(tsr_contrast *contrast, const char *what)
{
    tsr_contrast_row *grown = reallocarray(contrast->rows, contrast->n + 1, sizeof(*grown));
    if (!grown)
        return NULL;
    contrast->rows = grown;
    grown[contrast->n] = (tsr_contrast_row){ strdup(what), tsr_alloc(contrast->n_studies, sizeof(char *)) };
    tsr_contrast_row *row = &grown[contrast->n++];
    return row->what && row->texts ? row : NULL;
}

void tsr_contrast_clear(tsr_contrast *contrast)
{
    for (size_t i = 0; i < contrast->n; i++) {
        for (size_t s = 0; contrast->rows[i].texts && s < contrast->n_studies; s++)
            free(contrast->rows[i].texts[s]);
        free(contrast->rows[i].texts);
        free(contrast->rows[i].what);
    }
    free(contrast->rows);
    *contrast = (tsr_contrast){ 0 };
}

/* A row of texts by study; left out where all are one. */
static tsr_status *add_texts(tsr_contrast *contrast, const char *what, char *const *texts)
{
    bool differ = false;
    for (size_t s = 1; s < contrast->n_studies; s++)
        differ = differ || strcmp(texts[s] ? texts[s] : "", texts[0] ? texts[0] : "") != 0;
    if (!differ)
        return NULL;
    tsr_contrast_row *row = add_row(contrast, what);
    for (size_t s = 0; row && s < contrast->n_studies; s++)
        if (texts[s] && !(row->texts[s] = strdup(texts[s])))
            row = NULL;
    return row ? NULL : tsr_no_memory("what differs");
}

/* --- configs --- */

/* What a study says of a key: a value, or the values that it sweeps. */
static tsr_value *say(const tsr_results *study, const char *dotted)
{
    size_t length = strlen(dotted);
    for (size_t k = 0; k < study->n_keys; k++) {
        const tsr_swept_key *key = &study->keys[k];
        if (strncmp(key->name, dotted, strlen(key->name)) != 0)
            continue;
        if (strlen(key->name) < length) {
            if (dotted[strlen(key->name)] == '.') /* a part of what is swept, which has its own row */
                return NULL;
            continue;
        }
        tsr_value *list = tsr_value_list();
        for (size_t i = 0; list && i < key->n; i++)
            tsr_status_free(tsr_value_append(list, tsr_value_copy(key->values[i])));
        return list;
    }
    const tsr_value *value = tsr_value_at(study->config, dotted);
    return value && !tsr_value_is(value, TSR_VALUE_NULL) ? tsr_value_copy(value) : NULL;
}

static bool sweeps(const tsr_results *study, const char *dotted)
{
    for (size_t k = 0; k < study->n_keys; k++)
        if (strcmp(study->keys[k].name, dotted) == 0)
            return true;
    return false;
}

/* In short, or whole where that does not tell values apart. */
static char *text_of(const tsr_value *value, bool swept, bool whole)
{
    tsr_text text = { 0 };
    if (!value)
        return NULL;
    tsr_text_add(&text, "%s", swept ? "swept: " : "");
    for (size_t i = 0; swept && i < value->n; i++) {
        tsr_text_add(&text, "%s", i ? ", " : "");
        (whole ? tsr_print_value : tsr_print_label)(value->items[i], &text);
    }
    if (!swept)
        (whole ? tsr_print_value : tsr_print_label)(value, &text);
    return text.chars;
}

static tsr_status *add_key(const tsr_results *all, const char *dotted, tsr_contrast *contrast)
{
    size_t n = all->n_studies;
    tsr_value **values = tsr_alloc(n, sizeof(*values));
    char **texts = tsr_alloc(n, sizeof(*texts));
    bool differ = false;
    tsr_status *status = values && texts ? NULL : tsr_no_memory("what differs");
    for (size_t s = 0; !status && s < n; s++) {
        values[s] = say(all->studies[s], dotted);
        differ = differ || !tsr_values_equal(values[s], values[0]) ||
                 sweeps(all->studies[s], dotted) != sweeps(all->studies[0], dotted);
    }
    size_t before = contrast->n;
    for (int whole = 0; differ && !status && whole < 2 && contrast->n == before; whole++) {
        for (size_t s = 0; s < n; s++) {
            free(texts[s]);
            texts[s] = text_of(values[s], sweeps(all->studies[s], dotted), whole);
        }
        status = add_texts(contrast, dotted, texts);
    }
    for (size_t s = 0; s < n; s++) {
        tsr_value_free(values ? values[s] : NULL);
        free(texts ? texts[s] : NULL);
    }
    free(values);
    free(texts);
    return status;
}

/* The keys below a group, each once; lists are values. */
static tsr_status *add_group(const tsr_results *all, const tsr_value *group, json_t *seen,
                             tsr_contrast *contrast)
{
    static const char *const ignored[] = { "output", "sweep", "codes.memory", "training.checkpoint_every", NULL };
    for (size_t i = 0; i < group->n; i++) {
        char *dotted = tsr_value_dotted(group->items[i]);
        if (!dotted)
            return tsr_no_memory("what differs");
        bool skipped = json_object_get(seen, dotted) != NULL;
        for (size_t k = 0; ignored[k]; k++)
            skipped = skipped || strcmp(dotted, ignored[k]) == 0;
        tsr_status *status = NULL;
        if (!skipped && group->items[i]->type == TSR_VALUE_GROUP) {
            status = add_group(all, group->items[i], seen, contrast);
        } else if (!skipped) {
            status = json_object_set_new(seen, dotted, json_true()) ? tsr_no_memory("what differs")
                                                                    : add_key(all, dotted, contrast);
        }
        free(dotted);
        TSR_TRY(status);
    }
    return NULL;
}

static tsr_status *add_configs(const tsr_results *all, tsr_contrast *contrast)
{
    json_t *seen = json_object();
    tsr_status *status = seen ? NULL : tsr_no_memory("what differs");
    for (size_t s = 0; s < all->n_studies; s++)
        for (size_t k = 0; !status && k < all->studies[s]->n_keys; k++) {
            const char *name = all->studies[s]->keys[k].name;
            if (!json_object_get(seen, name))
                status = json_object_set_new(seen, name, json_true()) ? tsr_no_memory("what differs")
                                                                      : add_key(all, name, contrast);
        }
    for (size_t s = 0; !status && s < all->n_studies; s++)
        status = add_group(all, all->studies[s]->config, seen, contrast);
    json_decref(seen);
    return status;
}

/* --- metrics --- */

static bool has_measure(const tsr_results *study, const char *name)
{
    for (size_t m = 0; m < study->n_measures; m++)
        if (strcmp(study->measures[m].name, name) == 0)
            return true;
    return false;
}

/* Names of metrics that the study has and another has not. */
static char *own_measures(const tsr_results *all, size_t s)
{
    tsr_text names = { 0 };
    size_t n = 0;
    for (size_t m = 0; m < all->n_measures; m++) {
        bool everywhere = true;
        for (size_t o = 0; o < all->n_studies; o++)
            everywhere = everywhere && has_measure(all->studies[o], all->measures[m].name);
        if (everywhere || !has_measure(all->studies[s], all->measures[m].name))
            continue;
        if (n++ < MOST_NAMES)
            tsr_text_add(&names, "%s%s", n > 1 ? ", " : "", all->measures[m].name);
    }
    if (n > MOST_NAMES)
        tsr_text_add(&names, " and %zu more", n - MOST_NAMES);
    return names.chars;
}

static tsr_status *add_measures(const tsr_results *all, char **texts, tsr_contrast *contrast)
{
    for (size_t s = 0; s < all->n_studies; s++)
        texts[s] = own_measures(all, s);
    return add_texts(contrast, "metrics that not all have", texts);
}

/* --- what the records tell --- */

/* Notes one more text of a study in { what: [ { text: true } of each study ] }. */
static int note(json_t *facts, const char *what, size_t n, size_t study, const char *text)
{
    json_t *of = json_object_get(facts, what);
    if (!of) {
        of = json_array();
        for (size_t s = 0; s < n; s++)
            json_array_append_new(of, json_object());
        if (json_object_set_new(facts, what, of) != 0)
            return -1;
    }
    return text && *text ? json_object_set_new(json_array_get(of, study), text, json_true()) : 0;
}

static int note_environment(json_t *facts, size_t n, size_t study, const json_t *environment)
{
    static const char *const words[][2] = { { "version", "version of Tessera" },
                                            { "cpu", "processor" },
                                            { "kernels", "kernels" } };
    int failed = 0;
    for (size_t i = 0; i < 3; i++)
        failed |=
            note(facts, words[i][1], n, study, json_string_value(json_object_get(environment, words[i][0])));
    const json_t *plugins = json_object_get(environment, "plugins");
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *plugin = json_array_get(plugins, i);
        const char *kind = json_string_value(json_object_get(plugin, "kind")),
                   *name = json_string_value(json_object_get(plugin, "name")),
                   *digest = json_string_value(json_object_get(plugin, "sha256"));
        char *what = kind && name ? tsr_format("file of %s %s, SHA-256", kind, name) : NULL;
        char text[9] = "";
        strncat(text, digest ? digest : "", 8);
        failed |= what ? note(facts, what, n, study, text) : 0;
        free(what);
    }
    return failed;
}

/* The data's digest, which is not read with a study. */
static int note_data(json_t *facts, const tsr_results *all, const tsr_result *run)
{
    const char *id = json_string_value(json_object_get(run->record, "run"));
    char *path = id ? tsr_record_path(tsr_result_folder(all, run), id) : NULL;
    json_t *record = NULL;
    tsr_status *status = path ? tsr_record_read(path, id, &record) : NULL;
    const char *digest = json_string_value(json_object_get(json_object_get(record, "data"), "digest"));
    int failed = digest ? note(facts, "data, digest", all->n_studies, run->place[0], digest) : 0;
    tsr_status_free(status); /* what was read before needs no word */
    json_decref(record);
    free(path);
    return failed;
}

/* A finished run at this point; NULL: there is none. */
static const tsr_result *run_at(const tsr_results *all, size_t point)
{
    size_t low = 0, high = all->n_runs;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->runs[middle].point < point)
            low = middle + 1;
        else
            high = middle;
    }
    while (low < all->n_runs && all->runs[low].point == point && !all->runs[low].done)
        low++;
    return low < all->n_runs && all->runs[low].point == point ? &all->runs[low] : NULL;
}

/* The data of the first setting that all studies have: other settings may call for other data. */
static int note_all_data(json_t *facts, const tsr_results *all)
{
    size_t stride = 1;
    int failed = 0;
    for (size_t k = 1; k < all->n_keys; k++)
        stride *= all->keys[k].n;
    for (size_t i = 0; i < all->n_runs && all->runs[i].place[0] == 0; i++) {
        bool everywhere = true;
        for (size_t s = 0; s < all->n_studies && everywhere; s++)
            everywhere = run_at(all, s * stride + all->runs[i].point);
        for (size_t s = 0; s < all->n_studies && everywhere; s++)
            failed |= note_data(facts, all, run_at(all, s * stride + all->runs[i].point));
        if (everywhere)
            break;
    }
    return failed;
}

/* The names of an object in order, side by side. */
static char *names_of(json_t *object)
{
    tsr_text names = { 0 };
    const char *name;
    json_t *unused;
    json_object_foreach(object, name, unused) tsr_text_add(&names, "%s%s", names.length ? ", " : "", name);
    return names.chars;
}

static tsr_status *add_fact(const char *what, const json_t *of, char **texts, tsr_contrast *contrast)
{
    bool everywhere = true; /* else the configs say it */
    for (size_t s = 0; s < contrast->n_studies; s++) {
        free(texts[s]);
        texts[s] = names_of(json_array_get(of, s));
        everywhere = everywhere && texts[s];
    }
    return everywhere ? add_texts(contrast, what, texts) : NULL;
}

static tsr_status *add_facts(const tsr_results *all, char **texts, tsr_contrast *contrast)
{
    json_t *facts = json_object(), *of;
    const json_t *before = NULL;
    const char *what;
    int failed = !facts;
    for (size_t i = 0; i < all->n_runs; i++) {
        const json_t *environment = json_object_get(all->runs[i].record, "environment");
        if (environment != before || i == 0 || all->runs[i].place[0] != all->runs[i - 1].place[0])
            failed |= note_environment(facts, all->n_studies, all->runs[i].place[0], environment);
        before = environment;
    }
    failed |= note_all_data(facts, all);
    tsr_status *status = failed ? tsr_no_memory("what differs") : NULL;
    json_object_foreach(facts, what, of) if (!status) status = add_fact(what, of, texts, contrast);
    json_decref(facts);
    return status;
}

tsr_status *tsr_contrast_find(const tsr_results *all, tsr_contrast *out)
{
    *out = (tsr_contrast){ .n_studies = all->n_studies };
    char **texts = tsr_alloc(all->n_studies, sizeof(*texts));
    tsr_status *status = texts ? add_configs(all, out) : tsr_no_memory("what differs");
    if (!status)
        status = add_measures(all, texts, out);
    if (!status)
        status = add_facts(all, texts, out);
    for (size_t s = 0; texts && s < all->n_studies; s++)
        free(texts[s]);
    free(texts);
    return status;
}
