#include "experiment/saved_codes.h"

#include "base/file.h"
#include "base/memory.h"
#include "codes/npy.h"

#include <stdlib.h>
#include <string.h>

const char *const tsr_saved_codes_files[] = {
    "train.npy", "test.npy", "train_labels.npy", "test_labels.npy", "kept.npy", "constant.npy", NULL
};
enum { TRAIN, TEST, TRAIN_LABELS, TEST_LABELS, KEPT, CONSTANT, N_FILES };

static tsr_status *write_file(const char *path, const tsr_saved_codes *c, int which)
{
    tsr_codes constant = { .n = 1,
                           .bits = c->kept->whole_bits,
                           .stride = (c->kept->whole_bits + 63) / 64,
                           .words = c->kept->value };
    switch (which) {
    case TRAIN:
        return tsr_npy_write_codes(path, c->train);
    case TEST:
        return tsr_npy_write_codes(path, c->test);
    case TRAIN_LABELS:
        return c->train_labels ? tsr_npy_write_labels(path, c->train->n, c->train_labels) : NULL;
    case TEST_LABELS:
        return c->test_labels ? tsr_npy_write_labels(path, c->test->n, c->test_labels) : NULL;
    case KEPT:
        return tsr_npy_write(path, TSR_ELEMENT_UINT32, 1, &c->kept->n, c->kept->columns);
    default:
        return tsr_npy_write_codes(path, &constant);
    }
}

tsr_status *tsr_saved_codes_write(const char *folder, const tsr_saved_codes *codes)
{
    tsr_status *status = tsr_make_folder(folder);
    for (int i = 0; i < N_FILES && !status; i++) {
        char *path = tsr_path_join(folder, tsr_saved_codes_files[i]);
        status = path ? write_file(path, codes, i) : tsr_no_memory("a path");
        free(path);
    }
    return status;
}

/* --- reading --- */

static tsr_status *open_file(const char *folder, int which, tsr_array **out)
{
    char *path = tsr_path_join(folder, tsr_saved_codes_files[which]);
    tsr_status *status = path ? tsr_npy_open(path, out) : tsr_no_memory("a path");
    free(path);
    return status;
}

/* The numbers of the columns, ascending and below whole_bits. */
static tsr_status *read_kept(const char *folder, size_t whole_bits, size_t *n, uint32_t **out)
{
    tsr_array *array;
    TSR_TRY(open_file(folder, KEPT, &array));
    bool good = array->n_dims == 1 && array->element == TSR_ELEMENT_UINT32;
    *n = good ? array->dims[0] : 0;
    *out = tsr_alloc(*n, sizeof(**out));
    for (size_t i = 0; i < *n && *out && good; i++) {
        double number;
        tsr_array_doubles(array, i, 1, &number);
        (*out)[i] = (uint32_t)number;
        good = number < (double)whole_bits && (i == 0 || (*out)[i] > (*out)[i - 1]);
    }
    tsr_array_free(array);
    if (!*out)
        return tsr_no_memory("codes");
    return good ? NULL
                : tsr_fail(TSR_REFUSED, "%s/%s: expected numbers of columns, ascending and below %zu", folder,
                           tsr_saved_codes_files[KEPT], whole_bits);
}

static tsr_status *read_rows(const char *folder, int which, size_t n, size_t bits, tsr_codes **out)
{
    const tsr_codes_form form = { .packed = true, .bits = bits };
    tsr_array *array;
    TSR_TRY(open_file(folder, which, &array));
    tsr_status *status = tsr_codes_from_array(array, &form, out);
    tsr_array_free(array);
    if (!status && (*out)->n != n)
        status = tsr_fail(TSR_REFUSED, "has %zu rows, expected %zu", (*out)->n, n);
    return tsr_context(status, "%s/%s", folder, tsr_saved_codes_files[which]);
}

/* A column is kept or constant. */
static tsr_status *check_constant(const char *folder, const tsr_codes *constant, size_t n_kept,
                                  const uint32_t *kept)
{
    for (size_t j = 0; j < n_kept; j++)
        if (constant->words[kept[j] / 64] >> kept[j] % 64 & 1)
            return tsr_fail(TSR_REFUSED, "%s/%s: has the bit of column %u, which is kept: expected 0 there",
                            folder, tsr_saved_codes_files[CONSTANT], (unsigned)kept[j]);
    return NULL;
}

/* Puts the kept columns into rows that hold the constant ones. */
static void fill(const tsr_codes *saved, const uint32_t *kept, const tsr_codes *constant, tsr_codes *whole)
{
    size_t used = tsr_codes_used_words(whole);
#pragma omp parallel for num_threads(tsr_threads()) schedule(static)
    for (size_t i = 0; i < whole->n; i++) {
        uint64_t *row = whole->words + i * whole->stride;
        const uint64_t *from = tsr_codes_row(saved, i);
        memcpy(row, constant->words, used * sizeof(*row));
        for (size_t j = 0; j < saved->bits; j++)
            row[kept[j] / 64] |= (from[j / 64] >> (j % 64) & 1) << (kept[j] % 64);
    }
}

static tsr_status *read_part(const char *folder, int part, size_t n, size_t n_kept, const uint32_t *kept,
                             const tsr_codes *constant, tsr_codes *whole)
{
    tsr_codes *saved = NULL;
    tsr_status *status = NULL;
    if (n_kept)
        status = read_rows(folder, part, n, n_kept, &saved);
    else
        status = tsr_codes_new(n, 0, &saved);
    if (!status)
        fill(saved, kept, constant, whole);
    tsr_codes_free(saved);
    return status;
}

tsr_status *tsr_saved_codes_read(const char *folder, const tsr_network *network, const size_t n[2],
                                 tsr_code_budget *budget, tsr_codes *out[2])
{
    size_t n_kept;
    uint32_t *kept = NULL;
    tsr_codes *constant = NULL;
    tsr_status *status = NULL;
    out[TRAIN] = out[TEST] = NULL;
    for (int part = 0; part < 2 && !status; part++)
        status = tsr_codes_for(network, n[part], budget, &out[part]);
    if (!status)
        status = read_kept(folder, out[TRAIN]->bits, &n_kept, &kept);
    if (!status)
        status = read_rows(folder, CONSTANT, 1, out[TRAIN]->bits, &constant);
    if (!status)
        status = check_constant(folder, constant, n_kept, kept);
    for (int part = 0; part < 2 && !status; part++)
        status = read_part(folder, part, n[part], n_kept, kept, constant, out[part]);
    tsr_codes_free(constant);
    free(kept);
    return status;
}
