/* Rows in arrays, from a record's JSON. */
#include "report/rows.h"

#include "base/memory.h"
#include "experiment/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const tsr_curve_names[TSR_N_CURVES] = { "loss", "accuracy" };

struct tsr_rows *tsr_rows_new(void)
{
    struct tsr_rows *rows = tsr_alloc(1, sizeof(*rows));
    if (rows && !(rows->numbers = json_object())) {
        free(rows);
        return NULL;
    }
    return rows;
}

void tsr_rows_free(struct tsr_rows *rows)
{
    if (!rows)
        return;
    for (size_t i = 0; i < rows->n_names; i++)
        free(rows->names[i]);
    for (size_t i = 0; i < rows->n_forms; i++)
        free(rows->forms[i].names);
    free(rows->names);
    free(rows->real);
    free(rows->forms);
    free(rows->snapshot_forms);
    free(rows->row);
    free(rows->epochs);
    free(rows->cells);
    free(rows->training);
    json_decref(rows->numbers);
    free(rows);
}

/* --- names and forms --- */

/* Makes room for an element behind the first n of an array, which stays as it is where there is no memory. */
static bool grow(void *array, size_t *room, size_t n, size_t size)
{
    if (n < *room)
        return true;
    void *grown = reallocarray(*(void **)array, n ? 2 * n : 1, size);
    if (!grown)
        return false;
    *(void **)array = grown;
    *room = n ? 2 * n : 1;
    return true;
}

/* The number of a name; SIZE_MAX without memory. */
static size_t number_of(struct tsr_rows *rows, const char *name, size_t length)
{
    const json_t *known = json_object_getn(rows->numbers, name, length);
    if (known)
        return (size_t)json_integer_value(known);
    bool room = grow(&rows->names, &rows->room.names, rows->n_names, sizeof(*rows->names)) &&
                grow(&rows->real, &rows->room.real, rows->n_names, sizeof(*rows->real));
    char *copy = room ? strndup(name, length) : NULL;
    if (!copy || json_object_set_new(rows->numbers, copy, json_integer((json_int_t)rows->n_names)) != 0) {
        free(copy);
        return SIZE_MAX;
    }
    rows->names[rows->n_names] = copy;
    rows->real[rows->n_names] = false;
    return rows->n_names++;
}

/* The name that is here in the last snapshot is the likeliest. */
static size_t guess(const struct tsr_rows *rows, const char *name, size_t length)
{
    const tsr_row_form *last = rows->n_forms && rows->n_row < rows->forms[rows->n_forms - 1].n
                                   ? &rows->forms[rows->n_forms - 1]
                                   : NULL;
    size_t number = last ? last->names[rows->n_row] : SIZE_MAX;
    bool same =
        last && strncmp(rows->names[number], name, length) == 0 && rows->names[number][length] == '\0';
    return same ? number : SIZE_MAX;
}

/* The form that the row has, the last one first; SIZE_MAX without memory. */
static size_t find_form(struct tsr_rows *rows)
{
    for (size_t i = rows->n_forms; i-- > 0;)
        if (rows->forms[i].n == rows->n_row &&
            (rows->n_row == 0 ||
             memcmp(rows->forms[i].names, rows->row, rows->n_row * sizeof(*rows->row)) == 0))
            return i;
    tsr_row_form form = { rows->n_row, tsr_alloc(rows->n_row, sizeof(*form.names)) };
    if (!form.names || !grow(&rows->forms, &rows->room.forms, rows->n_forms, sizeof(form))) {
        free(form.names);
        return SIZE_MAX;
    }
    if (rows->n_row)
        memcpy(form.names, rows->row, rows->n_row * sizeof(*rows->row));
    rows->forms[rows->n_forms] = form;
    return rows->n_forms++;
}

/* --- filling --- */

void tsr_rows_begin(struct tsr_rows *rows)
{
    rows->has_snapshots = rows->has_epochs = false;
    rows->n_snapshots = rows->n_cells = rows->n_trained = rows->n_row = 0;
    if (rows->n_names)
        memset(rows->real, 0, rows->n_names * sizeof(*rows->real));
}

bool tsr_rows_add_value(struct tsr_rows *rows, const char *name, size_t length, double value, bool real)
{
    size_t number = guess(rows, name, length);
    if (number == SIZE_MAX)
        number = number_of(rows, name, length);
    if (number == SIZE_MAX || !grow(&rows->row, &rows->room.row, rows->n_row, sizeof(*rows->row)) ||
        !grow(&rows->cells, &rows->room.cells, rows->n_cells, sizeof(*rows->cells)))
        return false;
    rows->real[number] = rows->real[number] || real;
    rows->row[rows->n_row++] = number;
    rows->cells[rows->n_cells++] = value;
    return true;
}

bool tsr_rows_end_snapshot(struct tsr_rows *rows, double epoch)
{
    size_t form = find_form(rows);
    if (form == SIZE_MAX ||
        !grow(&rows->snapshot_forms, &rows->room.snapshot_forms, rows->n_snapshots,
              sizeof(*rows->snapshot_forms)) ||
        !grow(&rows->epochs, &rows->room.epochs, rows->n_snapshots, sizeof(*rows->epochs)))
        return false;
    rows->snapshot_forms[rows->n_snapshots] = form;
    rows->epochs[rows->n_snapshots++] = epoch;
    rows->n_row = 0;
    return true;
}

bool tsr_rows_add_epoch(struct tsr_rows *rows, const double curves[TSR_N_CURVES])
{
    if (!grow(&rows->training, &rows->room.training, rows->n_trained, sizeof(double[TSR_N_CURVES])))
        return false;
    memcpy(rows->training + TSR_N_CURVES * rows->n_trained++, curves, sizeof(double[TSR_N_CURVES]));
    return true;
}

/* --- from JSON --- */

static bool read_snapshot(struct tsr_rows *rows, const json_t *snapshot)
{
    json_t *metrics = json_object_get(snapshot, "metrics"), *value;
    const char *name;
    bool whole = true;
    json_object_foreach(metrics, name, value)
    {
        double number = json_is_number(value) ? json_number_value(value) : NAN;
        whole = whole && tsr_rows_add_value(rows, name, strlen(name), number, json_is_real(value));
    }
    return whole && tsr_rows_end_snapshot(rows, json_number_value(json_object_get(snapshot, "epoch")));
}

static bool read_epoch(struct tsr_rows *rows, const json_t *epoch)
{
    double curves[TSR_N_CURVES];
    for (size_t c = 0; c < TSR_N_CURVES; c++) {
        const json_t *value = json_object_get(epoch, tsr_curve_names[c]);
        curves[c] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    return tsr_rows_add_epoch(rows, curves);
}

static bool read_record(struct tsr_rows *rows, const json_t *record)
{
    const json_t *snapshots = json_object_get(record, "snapshots"),
                 *epochs = json_object_get(record, "epochs");
    bool whole = true;
    if (!rows->has_snapshots)
        rows->n_snapshots = rows->n_cells = rows->n_row = 0;
    for (size_t i = 0; !rows->has_snapshots && whole && i < json_array_size(snapshots); i++)
        whole = read_snapshot(rows, json_array_get(snapshots, i));
    if (!rows->has_epochs)
        rows->n_trained = 0;
    for (size_t i = 0; !rows->has_epochs && whole && i < json_array_size(epochs); i++)
        whole = read_epoch(rows, json_array_get(epochs, i));
    return whole;
}

/* --- to a run --- */

static bool copy(const void *from, size_t n, size_t size, void *to)
{
    void *made = tsr_alloc(n, size);
    if (made && n)
        memcpy(made, from, n * size);
    *(void **)to = made;
    return made;
}

tsr_status *tsr_rows_take(tsr_results *results, tsr_result *run)
{
    static const char *const told[] = { "snapshots", "epochs", "config", "model", "warnings", NULL };
    struct tsr_rows *rows = results->rows;
    bool whole = read_record(rows, run->record);
    if (whole && tsr_record_is_probed(run->record)) {
        run->n_snapshots = rows->n_snapshots;
        whole = copy(rows->snapshot_forms, rows->n_snapshots, sizeof(*run->forms), &run->forms) &&
                copy(rows->epochs, rows->n_snapshots, sizeof(*run->epochs), &run->epochs) &&
                copy(rows->cells, rows->n_cells, sizeof(*run->cells), &run->cells) &&
                copy(rows->real, rows->n_names, sizeof(*run->real), &run->real);
        run->n_real = whole ? rows->n_names : 0;
    }
    run->n_trained = rows->n_trained;
    whole = whole && copy(rows->training, rows->n_trained, sizeof(double[TSR_N_CURVES]), &run->training);
    tsr_rows_begin(rows);
    for (size_t i = 0; told[i]; i++)
        json_object_del(run->record, told[i]);
    return whole ? NULL : tsr_no_memory("the results");
}
