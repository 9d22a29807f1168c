/* The metadata of a model's file: what the network's outputs depend on beside its arrays. Read, constants are
   the config's where it gives them, else the file's, else, for a file that another program wrote, PyTorch's.
 */
#include "experiment/model_metadata.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/compare.h"
#include "config/json.h"
#include "config/print.h"
#include "plugin/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DIFFERENCE 1000 /* bytes of a message */

/* "norm.0.epsilon". free() it; NULL without memory. */
static char *constant_name(const tsr_graph_constant *constant)
{
    return tsr_format("%s.%s", constant->node->name, constant->spec.name);
}

/* Writing. */

/* Adds a text to the metadata, whose values are texts, and frees it; false where it is NULL, and without
 * memory. */
static bool add_text(json_t *metadata, const char *key, char *text)
{
    bool added = text && json_object_set_new(metadata, key, json_string(text)) == 0;
    free(text);
    return added;
}

/* The same of JSON. */
static bool add_json(json_t *metadata, const char *key, json_t *value)
{
    char *text = value ? tsr_json_dump(value, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(value);
    return add_text(metadata, key, text);
}

json_t *tsr_model_constants(const tsr_graph *graph)
{
    json_t *constants = json_object();
    bool whole = constants != NULL;
    for (size_t i = 0; whole && i < graph->n_constants; i++) {
        char *name = constant_name(&graph->constants[i]);
        whole = name && json_object_set_new(constants, name, json_real(graph->constant_values[i])) == 0;
        free(name);
    }
    if (whole)
        return constants;
    json_decref(constants);
    return NULL;
}

/* [1, 28, 28] */
static json_t *shape_of(const tsr_network *network)
{
    tsr_shape shape = tsr_network_input(network);
    json_t *dims = json_array();
    for (size_t i = 0; i < shape.n_dims; i++)
        if (json_array_append_new(dims, json_integer((json_int_t)shape.dims[i])) != 0) {
            json_decref(dims);
            return NULL;
        }
    return dims;
}

json_t *tsr_model_metadata_make(const tsr_network *network, const tsr_value *config)
{
    json_t *metadata = json_pack("{s:s, s:s}", "format", "pt", "tessera", tsr_version());
    if (metadata && add_text(metadata, "config", config ? tsr_value_json_text(config, 0) : strdup("{}")) &&
        add_json(metadata, "constants", tsr_model_constants(tsr_network_graph(network))) &&
        add_json(metadata, "input", shape_of(network)) &&
        add_text(metadata, "outputs", tsr_format("%d", tsr_network_outputs(network))))
        return metadata;
    json_decref(metadata);
    return NULL;
}

/* Reading. */

/* A JSON object that the metadata has as a text; *out is NULL where there is none. A new reference. */
static tsr_status *read_metadata(const tsr_safetensors *file, const char *key, json_t **out)
{
    const char *text = tsr_safetensors_metadata(file, key);
    json_error_t error;
    *out = text ? tsr_json_load(text, strlen(text), JSON_REJECT_DUPLICATES, &error) : NULL;
    if (!text || json_is_object(*out))
        return NULL;
    if (!*out && tsr_json_had_no_memory(&error))
        return tsr_no_memory(tsr_safetensors_path(file));
    json_decref(*out);
    *out = NULL;
    return tsr_fail(TSR_REFUSED, "%s: the metadata's \"%s\" is not a JSON object, expected one as a text",
                    tsr_safetensors_path(file), key);
}

static bool written_by_tessera(const tsr_safetensors *file)
{
    return tsr_safetensors_metadata(file, "tessera") != NULL;
}

/* Constants. */

/* What is found of constants while they are set; texts for messages. */
typedef struct constant_report {
    const char *path;
    bool silent;
    bool own;         /* Tessera wrote the file */
    tsr_text assumed; /* "epsilon = 1e-05 (model.epsilon)" ... */
} constant_report;

/* Whether two values are one to the operators, which compute with float. */
static bool same_value(double a, double b)
{
    return (float)a == (float)b;
}

static void format_key(const tsr_graph_constant *constant, char *out, size_t capacity)
{
    if (constant->key)
        snprintf(out, capacity, "model.%s", constant->key);
    else
        snprintf(out, capacity, "no key of the model");
}

/* A network has the same constant by the dozen: it is told once. */
static void add_assumed(constant_report *report, const tsr_graph_constant *constant, double value)
{
    char key[80], text[200];
    format_key(constant, key, sizeof(key));
    snprintf(text, sizeof(text), "%s = %.9g (%s)", constant->spec.name, value, key);
    if (!report->assumed.chars || !strstr(report->assumed.chars, text))
        tsr_text_add(&report->assumed, "%s%s", report->assumed.length ? ", " : "", text);
}

static void warn_assumed(const constant_report *report)
{
    if (report->assumed.chars)
        tsr_log_warning_once("%s: the file does not say its network's constants, and %s are assumed: %s; "
                             "where others were used, "
                             "give them in the config or with -s",
                             report->path, report->own ? "the model's defaults" : "PyTorch's defaults",
                             report->assumed.chars);
}

/* Says that a value is given, maybe by a config that has every default, where the file says none. */
static void report_unknown(const constant_report *report, const tsr_graph_constant *constant, double given)
{
    char key[80];
    format_key(constant, key, sizeof(key));
    if (!report->own && !constant->spec.training_only && !same_value(given, constant->spec.pytorch))
        tsr_log_info_once(
            "%s: the file does not say its network's %s: %s = %.9g is given and used; PyTorch's "
            "default is %.9g",
            report->path, constant->spec.name, key, given, constant->spec.pytorch);
}

/* Says which of two values holds, the config's or the file's. */
static void report_chosen(const constant_report *report, const tsr_graph_constant *constant, double built,
                          double stored)
{
    const char *name = constant->spec.name;
    char key[80];
    format_key(constant, key, sizeof(key));
    if (!constant->given)
        tsr_log_info_once("%s: %s = %.9g is taken from the file, instead of the default %.9g (%s)",
                          report->path, name, stored, built, key);
    else if (!constant->spec.training_only)
        tsr_log_warning_once("%s: the network was saved with %s = %.9g, but %s = %.9g is given and used: its "
                             "outputs are not those of the saved network",
                             report->path, name, stored, key, built);
}

/* The value that a constant is to have, in the place of the one that it was built with. */
static tsr_status *read_constant(constant_report *report, const json_t *stored,
                                 const tsr_graph_constant *constant, double *value)
{
    char *name = constant_name(constant);
    if (!name)
        return tsr_no_memory("a constant");
    const json_t *found = json_object_get(stored, name);
    double built = *value, read = json_number_value(found);
    tsr_status *status = NULL;
    if (found && !json_is_number(found)) {
        status = tsr_fail(TSR_REFUSED, "%s: the constant %s is not a number", report->path,
                          tsr_tensor_shown(name));
    } else if (found) {
        if (!report->silent && !same_value(built, read))
            report_chosen(report, constant, built, read);
        *value = constant->given ? built : read;
    } else if (constant->given) {
        if (!report->silent)
            report_unknown(report, constant, built);
    } else {
        *value = report->own ? built : constant->spec.pytorch;
        if (!report->silent && !constant->spec.training_only)
            add_assumed(report, constant, *value);
    }
    free(name);
    return status;
}

static tsr_status *set_constants(const tsr_safetensors *file, tsr_graph *graph, bool silent)
{
    constant_report report = { .path = tsr_safetensors_path(file),
                               .silent = silent,
                               .own = written_by_tessera(file) };
    json_t *stored;
    TSR_TRY(read_metadata(file, "constants", &stored));
    tsr_status *status = NULL;
    for (size_t i = 0; !status && i < graph->n_constants; i++) {
        double value = graph->constant_values[i];
        status = read_constant(&report, stored, &graph->constants[i], &value);
        if (!status)
            status = tsr_context(tsr_graph_set_constant(graph, i, value), "%s", report.path);
    }
    if (!status)
        warn_assumed(&report);
    free(report.assumed.chars);
    json_decref(stored);
    return status;
}

/* What the models were configured with. */

/* Whether the key is a constant's, which is compared by its value, or names the file itself. */
static bool is_compared_elsewhere(const tsr_graph *graph, const char *key)
{
    bool found = strcmp(key, "weights") == 0;
    for (size_t i = 0; !found && i < graph->n_constants; i++)
        found = graph->constants[i].key && strcmp(graph->constants[i].key, key) == 0;
    return found;
}

static void add_difference(tsr_text *out, const char *key, const tsr_value *there, const tsr_value *here)
{
    tsr_text_add(out, "%s%s is ", out->length ? ", " : "", tsr_tensor_shown(key));
    tsr_print_label(there, out);
    tsr_text_add(out, " there and ");
    tsr_print_label(here, out);
    tsr_text_add(out, " here");
}

/* The keys that both have, with two values; other plugins have other keys. */
static void compare_models(const tsr_safetensors *file, const tsr_graph *graph, const tsr_value *there,
                           const tsr_value *here)
{
    tsr_text differences = { 0 };
    for (size_t i = 0; i < tsr_value_length(here); i++) {
        const tsr_value *value = here->items[i], *other = tsr_value_member(there, value->key);
        if (other && !tsr_values_equal(other, value) && !is_compared_elsewhere(graph, value->key))
            add_difference(&differences, value->key, other, value);
    }
    if (differences.chars && !differences.failed)
        tsr_log_warning_once("%s: its network was configured otherwise and may have given other outputs: %s",
                             tsr_safetensors_path(file),
                             differences.length > MAX_DIFFERENCE ? "in too much to show"
                                                                 : tsr_line_shown(differences.chars));
    free(differences.chars);
}

tsr_status *tsr_model_metadata_read(const tsr_safetensors *file, const char *key, tsr_value **out)
{
    const char *text = tsr_safetensors_metadata(file, key);
    json_error_t error;
    json_t *json =
        text ? tsr_json_load(text, strlen(text), JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error) : NULL;
    *out = json ? tsr_value_from_json(json) : NULL;
    bool starved = json ? !*out : text && tsr_json_had_no_memory(&error);
    json_decref(json);
    if (starved)
        return tsr_no_memory(tsr_safetensors_path(file));
    if (text && !*out)
        return tsr_fail(TSR_REFUSED, "%s: the metadata's \"%s\" is not JSON, expected it as a text",
                        tsr_safetensors_path(file), key);
    return NULL;
}

tsr_status *tsr_model_metadata_apply(const tsr_safetensors *file, tsr_graph *graph, const tsr_value *model)
{
    TSR_TRY(set_constants(file, graph, !model));
    if (!model || !written_by_tessera(file))
        return NULL;
    json_t *config;
    TSR_TRY(read_metadata(file, "config", &config));
    const json_t *recorded = json_object_get(config, "model");
    tsr_value *there = recorded ? tsr_value_from_json(recorded) : NULL;
    json_decref(config);
    if (recorded && !there)
        return tsr_no_memory("a model's config");
    compare_models(file, graph, there, model);
    tsr_value_free(there);
    return NULL;
}
