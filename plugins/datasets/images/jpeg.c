/* JPEG by libjpeg-turbo, from memory. The library fills up what a damaged file lacks and only warns: here
   that is a fault. It leaves by longjmp: all that must survive that is in one structure. */
#include "picture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <jerror.h>

typedef struct jpeg_decoding {
    struct jpeg_error_mgr errors; /* first: the library's pointer to it is one to all */
    struct jpeg_decompress_struct jpeg;
    jmp_buf out_of_it;
    picture *out;
    char *room;
    const char *reason;
} jpeg_decoding;

static void on_error(j_common_ptr common)
{
    jpeg_decoding *self = (jpeg_decoding *)common->err;
    char text[JMSG_LENGTH_MAX];
    common->err->format_message(common, text);
    snprintf(self->room, PICTURE_REASON, "damaged JPEG: %.150s", text);
    self->reason = self->room;
    longjmp(self->out_of_it, 1);
}

/* Warnings have a level below 0. Some files have bytes between their parts, which harms nothing. */
static void on_message(j_common_ptr common, int level)
{
    int code = common->err->msg_code;
    if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM && code != JWRN_JFIF_MAJOR)
        on_error(common);
}

static bool choose_colours(jpeg_decoding *self)
{
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK) {
        self->reason = "a JPEG in CMYK, expected grey or colours";
        return false;
    }
    jpeg->out_color_space = jpeg->jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
    return true;
}

static bool make_room(jpeg_decoding *self)
{
    picture *out = self->out;
    out->w = self->jpeg.output_width;
    out->h = self->jpeg.output_height;
    out->channels = (size_t)self->jpeg.output_components;
    if (out->w * out->h > MAX_PIXELS) {
        snprintf(self->room, PICTURE_REASON, "%zu x %zu pixels, expected at most %zu in all", out->w, out->h,
                 MAX_PIXELS);
        self->reason = self->room;
        return false;
    }
    out->bytes = malloc(out->w * out->h * out->channels);
    if (!out->bytes)
        self->reason = "not enough memory";
    return out->bytes != NULL;
}

static void read_all(jpeg_decoding *self, const unsigned char *bytes, size_t length)
{
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    picture *out = self->out;
    jpeg_create_decompress(jpeg);
    jpeg_mem_src(jpeg, bytes, length);
    jpeg_read_header(jpeg, TRUE);
    if (!choose_colours(self))
        return;
    jpeg_calc_output_dimensions(jpeg);
    if (!make_room(self))
        return;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = out->bytes + jpeg->output_scanline * out->w * out->channels;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
}

const char *picture_decode_jpeg(const unsigned char *bytes, size_t length, picture *out, char *room)
{
    jpeg_decoding self = { .out = out, .room = room };
    self.jpeg.err = jpeg_std_error(&self.errors);
    self.errors.error_exit = on_error;
    self.errors.emit_message = on_message;
    if (setjmp(self.out_of_it) == 0)
        read_all(&self, bytes, length);
    jpeg_destroy_decompress(&self.jpeg);
    return self.reason;
}
