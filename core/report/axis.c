/* An axis of a plot. Where it is logarithmic, the logarithms are taken here, and gnuplot draws a linear axis
   with tics at the values: so a zero has a place too. */
#include "report/axis.h"

#include "base/memory.h"
#include "config/print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LABEL 36  /* characters */
#define CHARACTER 7.5 /* pixels, about */

static void add_label(const tsr_value *value, bool whole, tsr_text *out);

/* "NAME", or where that does not tell apart, "NAME slope=0.2". */
static void add_group(const tsr_value *group, bool whole, tsr_text *out)
{
    const tsr_value *naming = tsr_print_naming(group);
    tsr_text_add(out, "%s", naming ? naming->string : "");
    for (size_t i = 0; i < group->n; i++) {
        const tsr_value *member = group->items[i];
        if (member == naming || (!whole && naming))
            continue;
        tsr_text_add(out, "%s%s=", out->length ? " " : "", member->key);
        add_label(member, whole, out);
    }
}

static void add_real(double value, tsr_text *out)
{
    char digits[32];
    tsr_format_real(value, digits, sizeof(digits));
    char *exponent = strchr(digits, 'e'), *point = strstr(digits, ".0");
    if (point && (point[2] == '\0' || point[2] == 'e'))
        *point = '\0';
    if (!exponent) {
        tsr_text_add(out, "%s", digits);
        return;
    }
    long power = strtol(exponent + 1, NULL, 10);
    *exponent = '\0';
    tsr_text_add(out, "%se%ld", digits, power);
}

static void add_list(const tsr_value *list, bool whole, tsr_text *out)
{
    for (size_t i = 0; i < list->n; i++) {
        tsr_text_add(out, "%s", i ? " + " : "");
        add_label(list->items[i], whole, out);
    }
    tsr_text_add(out, "%s", list->n ? "" : "none");
}

static void add_label(const tsr_value *value, bool whole, tsr_text *out)
{
    switch (value->type) {
    case TSR_VALUE_STRING:
        tsr_text_add(out, "%s", value->string);
        break;
    case TSR_VALUE_REAL:
        add_real(value->real, out);
        break;
    case TSR_VALUE_GROUP:
        add_group(value, whole, out);
        break;
    case TSR_VALUE_LIST:
        add_list(value, whole, out);
        break;
    default:
        tsr_print_value(value, out);
    }
}

static bool has_twins(const tsr_axis *axis)
{
    for (size_t i = 0; i < axis->n; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(axis->labels[i], axis->labels[j]) == 0)
                return true;
    return false;
}

/* Short labels where they differ, else whole ones. */
static tsr_status *make_labels(const tsr_value *const *values, bool whole, tsr_axis *axis)
{
    for (size_t i = 0; i < axis->n; i++) {
        tsr_text label = { 0 };
        add_label(values[i], whole, &label);
        free(axis->labels[i]);
        axis->labels[i] = label.chars ? label.chars : strdup("");
        if (!axis->labels[i] || label.failed)
            return tsr_no_memory("a label");
    }
    return !whole && !axis->numeric && has_twins(axis) ? make_labels(values, true, axis) : NULL;
}

static int compare_reals(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

void tsr_sort_reals(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare_reals);
}

/* The widest gap as a fraction of the whole: small where values lie evenly. */
static double unevenness(const double *sorted, size_t n)
{
    double widest = 0;
    for (size_t i = 1; i < n; i++)
        widest = fmax(widest, sorted[i] - sorted[i - 1]);
    return widest / (sorted[n - 1] - sorted[0]);
}

/* `sorted` and `logarithms` have room for n. */
static bool calls_for_logarithms(const tsr_axis *axis, double *sorted, double *logarithms, double *zero)
{
    size_t n = axis->n, positive = 0;
    memcpy(sorted, axis->at, n * sizeof(*sorted));
    tsr_sort_reals(sorted, n);
    for (size_t i = 0; i < n; i++)
        if (sorted[i] > 0)
            logarithms[positive++] = log10(sorted[i]);
    if (n < 3 || sorted[0] < 0 || positive < 2 || logarithms[positive - 1] - logarithms[0] <= 1)
        return false;
    *zero = logarithms[0] - (logarithms[positive - 1] - logarithms[0]) / (double)(positive - 1);
    return unevenness(logarithms, positive) < unevenness(sorted, n);
}

static tsr_status *place_values(const tsr_value *const *values, tsr_axis *axis)
{
    double *scratch = tsr_alloc(2 * axis->n, sizeof(*scratch)), zero = 0;
    if (!scratch)
        return tsr_no_memory("an axis");
    for (size_t i = 0; i < axis->n; i++)
        axis->at[i] = axis->numeric ? tsr_value_number(values[i]) : (double)i;
    axis->logarithmic = axis->numeric && calls_for_logarithms(axis, scratch, scratch + axis->n, &zero);
    for (size_t i = 0; axis->logarithmic && i < axis->n; i++)
        axis->at[i] = axis->at[i] > 0 ? log10(axis->at[i]) : zero;
    memcpy(scratch, axis->at, axis->n * sizeof(*scratch));
    tsr_sort_reals(scratch, axis->n);
    for (size_t i = 0; i < axis->n; i++)
        while (scratch[axis->rank[i]] < axis->at[i])
            axis->rank[i]++;
    axis->low = axis->n ? scratch[0] : 0;
    axis->high = axis->n ? scratch[axis->n - 1] : 0;
    free(scratch);
    return NULL;
}

tsr_status *tsr_axis_new(const char *title, size_t n, const tsr_value *const *values, tsr_axis *out)
{
    *out = (tsr_axis){ .title = strdup(title),
                       .n = n,
                       .numeric = n > 0,
                       .labels = tsr_alloc(n, sizeof(char *)),
                       .at = tsr_alloc(n, sizeof(double)),
                       .rank = tsr_alloc(n, sizeof(size_t)) };
    for (size_t i = 0; i < n; i++)
        out->numeric = out->numeric && tsr_value_is_number(values[i]);
    tsr_status *status = out->title && out->labels && out->at && out->rank ? NULL : tsr_no_memory("an axis");
    if (!status)
        status = make_labels(values, false, out);
    if (!status)
        status = place_values(values, out);
    if (status)
        tsr_axis_clear(out);
    return status;
}

void tsr_axis_clear(tsr_axis *axis)
{
    for (size_t i = 0; axis->labels && i < axis->n; i++)
        free(axis->labels[i]);
    free(axis->labels);
    free(axis->at);
    free(axis->rank);
    free(axis->title);
    *axis = (tsr_axis){ 0 };
}

void tsr_gnuplot_quote(const char *text, tsr_text *script)
{
    size_t characters = 0, taken;
    char shown[8];
    tsr_text_add(script, "'");
    for (; *text; text += taken) {
        size_t length = tsr_plain_length(text, shown, &taken);
        if (++characters > MAX_LABEL) {
            tsr_text_add(script, "…");
            break;
        }
        if (*text == '\'')
            tsr_text_add(script, "''");
        else if (length)
            tsr_text_add_span(script, text, length);
        else
            tsr_text_add(script, "%s", *text == '\n' || *text == '\t' ? " " : shown);
    }
    tsr_text_add(script, "'");
}

static double label_width(const char *label)
{
    size_t length = 0;
    for (; *label; label++)
        length += ((unsigned char)*label & 0xC0) != 0x80;
    return (double)(length < MAX_LABEL ? length : MAX_LABEL) * CHARACTER;
}

/* Tics at the values, from the lowest up. A number that would touch the one before keeps its tic alone. */
static void add_tics(const tsr_axis *axis, char letter, double pixels, bool cells, bool slanted,
                     tsr_text *script)
{
    double low = cells ? -0.5 : axis->low, high = cells ? (double)axis->n - 0.5 : axis->high,
           free_from = -1e9;
    bool first = true;
    tsr_text_add(script, "set %ctics %s(", letter, slanted ? "rotate by 25 right " : "");
    for (size_t rank = 0; rank < axis->n; rank++)
        for (size_t i = 0; i < axis->n; i++) {
            if (axis->rank[i] != rank)
                continue;
            double at = cells ? (double)rank : axis->at[i];
            double pixel = high > low ? (at - low) / (high - low) * pixels : 0;
            double half = letter == 'x' && !slanted ? label_width(axis->labels[i]) / 2 + 3 : 8;
            bool shown = !axis->numeric || pixel - half >= free_from;
            if (shown)
                free_from = pixel + half;
            tsr_text_add(script, first ? "" : ", ");
            tsr_gnuplot_quote(shown ? axis->labels[i] : "", script);
            tsr_text_add(script, " %.17g %d", at, shown ? 0 : 1);
            first = false;
        }
    tsr_text_add(script, ")\n");
}

static bool must_slant(const tsr_axis *axis, char letter, double pixels)
{
    bool slanted = false;
    for (size_t i = 0; letter == 'x' && !axis->numeric && i < axis->n; i++)
        slanted = slanted || label_width(axis->labels[i]) + 6 > pixels / (double)axis->n;
    return slanted;
}

void tsr_axis_range(const tsr_axis *axis, bool cells, double *low, double *high)
{
    double margin = axis->numeric && !cells ? 0.03 * (axis->high - axis->low) : 0.5;
    if (!(margin > 0))
        margin = 0.5;
    *low = (cells ? 0 : axis->low) - margin;
    *high = (cells ? (double)axis->n - 1 : axis->high) + margin;
}

bool tsr_axis_script(const tsr_axis *axis, char letter, double pixels, bool cells, tsr_text *script)
{
    bool slanted = must_slant(axis, letter, pixels);
    double low, high;
    tsr_axis_range(axis, cells, &low, &high);
    tsr_text_add(script, "set %crange [%.17g:%.17g]\n", letter, low, high);
    if (cells || axis->logarithmic || !axis->numeric)
        add_tics(axis, letter, pixels, cells, slanted, script);
    tsr_text_add(script, "set %clabel ", letter);
    tsr_gnuplot_quote(axis->title, script);
    tsr_text_add(script, "\n");
    return slanted;
}
