/* Reading a file and telling its format by its first bytes; fitting what was decoded. */
#include "picture.h"

#include "../data_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE ((size_t)1 << 29)

static tsr_status *read_whole(const char *path, unsigned char **bytes, size_t *length)
{
    int fd;
    TSR_TRY(data_file_open(path, "a picture in PNG or JPEG", &fd, length));
    tsr_status *status = NULL;
    size_t used = 0;
    *bytes = NULL;
    if (*length > MAX_FILE)
        status = tsr_fail(TSR_REFUSED, "%s: holds %zu bytes, expected at most %zu", path, *length, MAX_FILE);
    else if (!(*bytes = malloc(*length + 1)))
        status = tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", path);
    while (!status && used < *length) {
        ssize_t got = read(fd, *bytes + used, *length - used);
        if (got < 0 && errno != EINTR)
            status = tsr_fail(TSR_IO, "%s: %s", path, strerror(errno));
        if (got == 0)
            *length = used; /* it shrank */
        used += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return status;
}

static tsr_status *decode(const char *path, const unsigned char *bytes, size_t length, picture *out)
{
    static const unsigned char png[] = { 0x89, 'P', 'N', 'G' }, jpeg[] = { 0xff, 0xd8, 0xff };
    char room[PICTURE_REASON] = "";
    const char *reason;
    if (length >= sizeof(png) && memcmp(bytes, png, sizeof(png)) == 0)
        reason = picture_decode_png(bytes, length, out, room);
    else if (length >= sizeof(jpeg) && memcmp(bytes, jpeg, sizeof(jpeg)) == 0)
        reason = picture_decode_jpeg(bytes, length, out, room);
    else
        return tsr_fail(TSR_REFUSED, "%s: neither a PNG nor a JPEG file, expected one of them", path);
    if (!reason)
        return NULL;
    free(out->bytes);
    out->bytes = NULL;
    return tsr_fail(TSR_REFUSED, "%s: %s", path, reason);
}

tsr_status *picture_read(const char *path, picture *out)
{
    unsigned char *bytes = NULL;
    size_t length;
    *out = (picture){ 0 };
    tsr_status *status = read_whole(path, &bytes, &length);
    if (!status)
        status = decode(path, bytes, length, out);
    free(bytes);
    return status;
}

/* Which pixels of a side of n one of m pixels is made of, and with what weights: integers that add up to
   `total`. */
typedef struct axis {
    size_t n, m, total;
} axis;

static axis make_axis(size_t n, size_t m)
{
    return (axis){ n, m, m == n ? 1 : m < n ? n : 2 * m };
}

static size_t clamp(int64_t place, size_t n)
{
    return place < 0 ? 0 : place >= (int64_t)n ? n - 1 : (size_t)place;
}

/* In units of 1/m of a pixel, pixel k reaches from k m to (k + 1) m, and the wanted one from i n to (i + 1)
   n. Growing, its centre lies (2 i + 1) n - m units of 1/2m behind the centre of pixel 0. */
static void span_of(const axis *a, size_t i, size_t *first, size_t *last, size_t *second_weight)
{
    *second_weight = 0;
    *first = *last = i;
    if (a->m < a->n) {
        *first = i * a->n / a->m;
        *last = ((i + 1) * a->n - 1) / a->m;
    } else if (a->m > a->n) {
        int64_t unit = 2 * (int64_t)a->m, place = (int64_t)((2 * i + 1) * a->n) - (int64_t)a->m;
        int64_t before = place >= 0 ? place / unit : -1;
        *first = clamp(before, a->n);
        *last = clamp(before + 1, a->n);
        *second_weight = *first == *last ? 0 : (size_t)(place - before * unit);
    }
}

static size_t weight_of(const axis *a, size_t i, size_t k, size_t first, size_t last, size_t second_weight)
{
    if (a->m == a->n)
        return 1;
    if (a->m > a->n)
        return k == first ? a->total - second_weight : k == last ? second_weight : 0;
    size_t from = k * a->m > i * a->n ? k * a->m : i * a->n;
    size_t to = (k + 1) * a->m < (i + 1) * a->n ? (k + 1) * a->m : (i + 1) * a->n;
    return to - from;
}

static unsigned value_of(const unsigned char *pixel, size_t has, size_t wanted, size_t channel)
{
    if (has == wanted)
        return pixel[channel];
    if (has == 1)
        return pixel[0];
    return (19595u * pixel[0] + 38470u * pixel[1] + 7471u * pixel[2] + 0x8000u) >> 16;
}

/* Weights are at most 2^17 each way and values below 2^8. */
static unsigned char fit_pixel(const picture *self, const axis *rows, const axis *columns, size_t y, size_t x,
                               size_t channels, size_t channel)
{
    size_t top, bottom, lower, left, right, later;
    uint64_t sum = 0, total = (uint64_t)rows->total * columns->total;
    span_of(rows, y, &top, &bottom, &lower);
    span_of(columns, x, &left, &right, &later);
    for (size_t i = top; i <= bottom; i++) {
        uint64_t of_row = weight_of(rows, y, i, top, bottom, lower), row_sum = 0;
        const unsigned char *row = self->bytes + i * self->w * self->channels;
        for (size_t j = left; j <= right; j++)
            row_sum += weight_of(columns, x, j, left, right, later) *
                       value_of(row + j * self->channels, self->channels, channels, channel);
        sum += of_row * row_sum;
    }
    return (unsigned char)((sum + total / 2) / total);
}

static void copy_planes(const picture *self, size_t channels, unsigned char *out)
{
    size_t n = self->h * self->w;
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < n; i++)
            *out++ = (unsigned char)value_of(self->bytes + i * self->channels, self->channels, channels, c);
}

void picture_fit(const picture *self, size_t channels, size_t h, size_t w, unsigned char *out)
{
    if (self->h == h && self->w == w) {
        copy_planes(self, channels, out);
        return;
    }
    axis rows = make_axis(self->h, h), columns = make_axis(self->w, w);
    for (size_t c = 0; c < channels; c++)
        for (size_t y = 0; y < h; y++)
            for (size_t x = 0; x < w; x++)
                *out++ = fit_pixel(self, &rows, &columns, y, x, channels, c);
}
