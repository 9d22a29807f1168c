/* cifar-from-png DIR LABELS.json PER-CLASS IMAGES.png...: writes DIR/IMAGES.bin in CIFAR-10's binary format
   from each PNG that has an image of 32 x 32 RGB pixels per row. LABELS.json is an array with a label for
   each row of all files in order; each of the ten labels must occur PER-CLASS times. Pixels are copied as
   they stand. */
#include <errno.h>
#include <jansson.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 10, PIXELS = 1024, CHANNELS = 3, RECORD = 1 + PIXELS * CHANNELS };

typedef struct label_list {
    json_t *array;
    size_t used;
} label_list;

/* A PNG being read and the file being made of it. */
typedef struct conversion {
    const char *path;
    FILE *in, *out;
    png_structp png;
    png_infop info;
    unsigned char pixels[PIXELS * CHANNELS], record[RECORD];
} conversion;

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "cifar-from-png: %s: %s\n", what, why);
    return false;
}

static bool check_labels(const char *path, const json_t *array, size_t per_class)
{
    size_t counts[CLASSES] = { 0 };
    if (!json_is_array(array))
        return fail(path, "expected a JSON array of labels");
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *label = json_array_get(array, i);
        json_int_t value = json_is_integer(label) ? json_integer_value(label) : -1;
        if (value < 0 || value >= CLASSES)
            return fail(path, "a label is no integer from 0 to 9");
        counts[value]++;
    }
    for (int i = 0; i < CLASSES; i++)
        if (counts[i] != per_class) {
            fprintf(stderr, "cifar-from-png: %s: label %d occurs %zu times, expected %zu\n", path, i,
                    counts[i], per_class);
            return false;
        }
    return true;
}

static bool check_image(const conversion *c)
{
    if (png_get_image_width(c->png, c->info) == PIXELS && png_get_bit_depth(c->png, c->info) == 8 &&
        png_get_color_type(c->png, c->info) == PNG_COLOR_TYPE_RGB &&
        png_get_interlace_type(c->png, c->info) == PNG_INTERLACE_NONE)
        return true;
    return fail(c->path, "expected rows of 1024 RGB pixels of 8 bits, not interlaced");
}

/* Interleaved pixels of a row become planes behind the label. */
static bool write_row(conversion *c, int label)
{
    c->record[0] = (unsigned char)label;
    for (int channel = 0; channel < CHANNELS; channel++)
        for (int i = 0; i < PIXELS; i++)
            c->record[1 + channel * PIXELS + i] = c->pixels[i * CHANNELS + channel];
    return fwrite(c->record, RECORD, 1, c->out) == 1 || fail("writing", strerror(errno));
}

/* libpng says on stderr what it found, and comes back to setjmp. */
static bool convert_rows(conversion *c, label_list *labels)
{
    if (setjmp(png_jmpbuf(c->png)))
        return fail(c->path, "cannot be read as PNG");
    png_init_io(c->png, c->in);
    png_read_info(c->png, c->info);
    if (!check_image(c))
        return false;
    for (png_uint_32 row = 0; row < png_get_image_height(c->png, c->info); row++) {
        if (labels->used == json_array_size(labels->array))
            return fail(c->path, "has more rows than there are labels");
        png_read_row(c->png, c->pixels, NULL);
        if (!write_row(c, (int)json_integer_value(json_array_get(labels->array, labels->used++))))
            return false;
    }
    png_read_end(c->png, NULL);
    return true;
}

/* DIR/IMAGES.bin of FOLDER/IMAGES.png. */
static FILE *open_result(const char *folder, const char *image)
{
    const char *slash = strrchr(image, '/'), *name = slash ? slash + 1 : image;
    const char *dot = strrchr(name, '.');
    char *path;
    if (asprintf(&path, "%s/%.*s.bin", folder, (int)(dot ? dot - name : (ptrdiff_t)strlen(name)), name) < 0)
        return NULL;
    FILE *out = fopen(path, "wb");
    if (!out)
        fail(path, strerror(errno));
    free(path);
    return out;
}

static bool convert(const char *folder, const char *image, label_list *labels)
{
    conversion c = { .path = image, .in = fopen(image, "rb") };
    bool done = c.in || fail(image, strerror(errno));
    if (done)
        done = (c.out = open_result(folder, image)) != NULL;
    c.png = done ? png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL) : NULL;
    c.info = c.png ? png_create_info_struct(c.png) : NULL;
    if (done)
        done = c.info ? convert_rows(&c, labels) : fail(image, "not enough memory");
    png_destroy_read_struct(&c.png, &c.info, NULL);
    if (c.out && fclose(c.out) != 0 && done)
        done = fail("writing", strerror(errno));
    if (c.in)
        fclose(c.in);
    return done;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    unsigned long per_class = argc > 4 ? strtoul(argv[3], &end, 10) : 0;
    if (!end || *end || !*argv[3]) {
        fputs("usage: cifar-from-png DIR LABELS.json PER-CLASS IMAGES.png...\n", stderr);
        return 1;
    }
    json_error_t error;
    label_list labels = { .array = json_load_file(argv[2], JSON_REJECT_DUPLICATES, &error) };
    bool done = labels.array ? check_labels(argv[2], labels.array, per_class) : fail(argv[2], error.text);
    for (int i = 4; done && i < argc; i++)
        done = convert(argv[1], argv[i], &labels);
    if (done && labels.used != json_array_size(labels.array))
        done = fail(argv[2], "holds more labels than the images have rows");
    json_decref(labels.array);
    return done ? 0 : 2;
}
