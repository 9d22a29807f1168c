/* PNG by libpng, from memory. libpng leaves by longjmp where a file is damaged: all that must survive that is
   in one structure. */
#include "picture.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct png_decoding {
    const unsigned char *bytes;
    size_t length, used;
    png_structp png;
    png_infop info;
    png_bytepp rows;
    picture *out;
    char *room;
    const char *reason;
} png_decoding;

static void on_error(png_structp png, png_const_charp text)
{
    png_decoding *self = png_get_error_ptr(png);
    snprintf(self->room, PICTURE_REASON, "damaged PNG, at offset %zu of %zu: %s", self->used, self->length,
             text);
    self->reason = self->room;
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void give_bytes(png_structp png, png_bytep out, size_t n)
{
    png_decoding *self = png_get_io_ptr(png);
    if (n > self->length - self->used)
        png_error(png, "the file ends there");
    memcpy(out, self->bytes + self->used, n);
    self->used += n;
}

static bool make_rows(png_decoding *self)
{
    picture *out = self->out;
    size_t row = out->w * out->channels;
    out->bytes = malloc(out->h * row);
    self->rows = malloc(out->h * sizeof(*self->rows));
    for (size_t y = 0; self->rows && out->bytes && y < out->h; y++)
        self->rows[y] = out->bytes + y * row;
    return self->rows && out->bytes;
}

static void read_header(png_decoding *self)
{
    picture *out = self->out;
    png_set_user_limits(self->png, MAX_SIDE, MAX_SIDE);
    png_read_info(self->png, self->info);
    out->w = png_get_image_width(self->png, self->info);
    out->h = png_get_image_height(self->png, self->info);
    png_set_expand(self->png);
    png_set_scale_16(self->png);
    png_set_strip_alpha(self->png);
    png_set_interlace_handling(self->png);
    png_read_update_info(self->png, self->info);
    out->channels = png_get_channels(self->png, self->info);
}

static void read_all(png_decoding *self)
{
    picture *out = self->out;
    read_header(self);
    if (out->w * out->h > MAX_PIXELS) {
        snprintf(self->room, PICTURE_REASON, "%zu x %zu pixels, expected at most %zu in all", out->w, out->h,
                 MAX_PIXELS);
        self->reason = self->room;
    } else if ((out->channels != 1 && out->channels != 3) ||
               png_get_rowbytes(self->png, self->info) != out->w * out->channels) {
        self->reason = "a PNG of unknown channels, expected grey or colours";
    } else if (!make_rows(self)) {
        self->reason = "not enough memory";
    } else {
        png_read_image(self->png, self->rows);
        png_read_end(self->png, NULL);
    }
}

const char *picture_decode_png(const unsigned char *bytes, size_t length, picture *out, char *room)
{
    png_decoding self = { .bytes = bytes, .length = length, .out = out, .room = room };
    self.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &self, on_error, on_warning);
    self.info = self.png ? png_create_info_struct(self.png) : NULL;
    if (!self.info) {
        png_destroy_read_struct(&self.png, NULL, NULL);
        return "not enough memory";
    }
    png_set_read_fn(self.png, &self, give_bytes);
    if (setjmp(png_jmpbuf(self.png)) == 0)
        read_all(&self);
    png_destroy_read_struct(&self.png, &self.info, NULL);
    free(self.rows);
    return self.reason;
}
