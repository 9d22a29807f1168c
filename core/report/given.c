/* Reading the curves that probes gave. What a record says of them and what a file holds may be anything. */
#include "report/given.h"

#include "base/file.h"
#include "base/memory.h"
#include "config/describe.h"
#include "plugin/announced.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/npy.h>

#define MOST_LISTED 256
#define MOST_BYTES (1u << 15) /* of a file: its head and TSR_MOST_CURVE_POINTS rows of three numbers */
#define ALIKE 1e-9            /* parts of x by which numbers of two machines may differ */

/* --- which there are --- */

/* "LABEL.NAME", whose parts name files: neither leads out of the run's folder. */
static bool is_name(const char *name, size_t *label)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    *label = strspn(name, allowed);
    return *label > 0 && name[*label] == '.' && tsr_metric_name_valid(name + *label + 1);
}

static bool is_known(size_t n, const tsr_given_info *list, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return true;
    return false;
}

tsr_status *tsr_given_list(const tsr_results *results, size_t *n, tsr_given_info **out)
{
    const json_t *before = NULL;
    *n = 0;
    if (!(*out = tsr_alloc(MOST_LISTED, sizeof(**out))))
        return tsr_no_memory("the curves");
    for (size_t i = 0; i < results->n_runs; i++) {
        json_t *curves = json_object_get(results->runs[i].record, "curves"), *value;
        const char *name;
        if (curves == before) /* shared, and seen already */
            continue;
        before = curves;
        json_object_foreach(curves, name, value)
        {
            tsr_given_info one = { .name = name };
            if (*n < MOST_LISTED && is_name(name, &one.label) && !is_known(*n, *out, name) &&
                tsr_announced_read_curve(value, &one.info))
                (*out)[(*n)++] = one;
        }
    }
    return NULL;
}

/* --- one file --- */

typedef struct rows {
    size_t n;
    double *x, *y; /* n, or n + 1, and n */
} rows;

static void rows_clear(rows *r)
{
    free(r->x);
    free(r->y);
    *r = (rows){ 0 };
}

static bool ascend(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]) || (i && !(x[i] > x[i - 1])))
            return false;
    return true;
}

/* Of a histogram, counts become shares of their sum. False where they are none. */
static bool make_shares(double *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (y[i] < 0)
            return false;
        sum += y[i];
    }
    for (size_t i = 0; i < n; i++)
        y[i] /= sum;
    return sum > 0;
}

/* Takes the rows of a file apart; false where they are no such curve. */
static bool take_rows(const double *cells, bool histogram, rows *out)
{
    size_t columns = histogram ? 3 : 2;
    for (size_t i = 0; i < out->n; i++) {
        out->x[i] = cells[i * columns];
        out->y[i] = cells[i * columns + columns - 1];
        if (!isfinite(out->y[i]) || (histogram && i && cells[i * 3] != cells[i * 3 - 2]))
            return false;
    }
    if (histogram)
        out->x[out->n] = cells[out->n * 3 - 2];
    return ascend(out->x, out->n + histogram) && (!histogram || make_shares(out->y, out->n));
}

/* Fails without memory alone. */
static tsr_status *take_array(const tsr_array *array, bool histogram, rows *out, bool *taken)
{
    size_t columns = histogram ? 3 : 2;
    *taken = false;
    if (array->element != TSR_ELEMENT_FLOAT64 || array->n_dims != 2 || array->dims[1] != columns ||
        array->dims[0] == 0 || array->dims[0] > TSR_MOST_CURVE_POINTS)
        return NULL;
    double *cells = tsr_alloc(array->dims[0] * columns, sizeof(*cells));
    out->n = array->dims[0];
    out->x = tsr_alloc(out->n + 1, sizeof(*out->x));
    out->y = tsr_alloc(out->n, sizeof(*out->y));
    if (cells && out->x && out->y) {
        tsr_array_doubles(array, 0, out->n * columns, cells);
        *taken = take_rows(cells, histogram, out);
    }
    bool whole = cells && out->x && out->y;
    free(cells);
    return whole ? NULL : tsr_no_memory("a curve");
}

/* The curve that a run gave; n is 0 where it gave none. */
static tsr_status *read_rows(tsr_given_reading *reading, const tsr_given_info *given, const tsr_result *run,
                             double epoch, rows *out)
{
    const char *id = json_string_value(json_object_get(run->record, "run"));
    char *path = tsr_format("%s/runs/%s/probes/%.*s/epoch-%.0f/%.*s_%s.npy",
                            reading->summary->results->folder, id ? id : "", (int)given->label, given->name,
                            epoch, (int)given->label, given->name, given->name + given->label + 1);
    char *bytes = NULL;
    size_t length;
    bool taken = false;
    *out = (rows){ 0 };
    if (!path)
        return tsr_no_memory("a path");
    reading->left--;
    tsr_status *missing = tsr_read_given_file(path, "curve", MOST_BYTES, &bytes, &length), *status = NULL;
    if (!missing) {
        tsr_array *array = NULL;
        tsr_status *wrong = tsr_npy_parse(path, bytes, length, &array);
        if (!wrong)
            status = take_array(array, given->info.shape == TSR_CURVE_HISTOGRAM, out, &taken);
        tsr_array_free(array);
        tsr_status_free(wrong);
        reading->damaged += !taken;
    }
    if (!taken)
        rows_clear(out);
    tsr_status_free(missing);
    free(bytes);
    free(path);
    return status;
}

/* --- the mean --- */

void tsr_given_mean_clear(tsr_given_mean *mean)
{
    free(mean->x);
    free(mean->y);
    *mean = (tsr_given_mean){ 0 };
}

static bool is_alike(const tsr_given_mean *mean, const rows *r, size_t n_x)
{
    bool alike = r->n == mean->n;
    for (size_t i = 0; alike && i < n_x; i++)
        alike = fabs(r->x[i] - mean->x[i]) <= ALIKE * fmax(fabs(r->x[i]), fabs(mean->x[i]));
    return alike;
}

/* Where a run's x are others, the mean stays that of the first one. */
static tsr_status *add_rows(tsr_given_mean *mean, rows *r, size_t n_x)
{
    if (mean->runs == 0) {
        mean->n = r->n;
        mean->x = r->x;
        r->x = NULL;
        if (!(mean->y = tsr_alloc(r->n, sizeof(*mean->y))))
            return tsr_no_memory("a curve");
    } else if (!is_alike(mean, r, n_x)) {
        mean->apart = true;
        return NULL;
    }
    for (size_t i = 0; i < r->n; i++)
        tsr_statistic_add(&mean->y[i], r->y[i]);
    mean->runs++;
    return NULL;
}

/* Of the first `most` runs that have it. */
static tsr_status *add_runs(tsr_given_reading *reading, const tsr_given_info *given, size_t point,
                            double epoch, size_t most, tsr_given_mean *out)
{
    const tsr_point *of = &reading->summary->points[point];
    bool histogram = given->info.shape == TSR_CURVE_HISTOGRAM;
    tsr_status *status = NULL;
    for (size_t i = of->first; i < of->first + of->n && !status; i++) {
        const tsr_result *run = &reading->summary->results->runs[i];
        if (!run->done || !run->n_snapshots)
            continue;
        if (out->runs == most || reading->left == 0) {
            out->left_out++;
            continue;
        }
        rows r;
        status = read_rows(reading, given, run, isnan(epoch) ? run->epochs[run->n_snapshots - 1] : epoch, &r);
        if (!status && r.n)
            status = add_rows(out, &r, r.n + histogram);
        rows_clear(&r);
    }
    return status;
}

tsr_status *tsr_given_mean_of(tsr_given_reading *reading, const tsr_given_info *given, size_t point,
                              double epoch, tsr_given_mean *out)
{
    tsr_interval_factor factor = { 0 };
    *out = (tsr_given_mean){ 0 };
    tsr_status *status = add_runs(reading, given, point, epoch, TSR_GIVEN_REPLICATES, out);
    if (!status && out->apart) {
        tsr_given_mean_clear(out);
        status = add_runs(reading, given, point, epoch, 1, out);
        out->apart = true;
        out->left_out = 0;
    }
    for (size_t i = 0; i < out->n && !status; i++)
        tsr_statistic_finish(&out->y[i], &factor);
    if (status)
        tsr_given_mean_clear(out);
    return status;
}
