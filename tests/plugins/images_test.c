/* Folders of pictures, good and bad, written by the tests: what is read back, and each fault told with its
   path. */
#include "files_check.h"

#include "base/file.h"
#include "base/text.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jpeglib.h>

#define ALL "path = \"@\"; "
#define HALF "path = \"@\"; test_fraction = 0.5; test_by = \"last\"; "
#define TINY "path = \"@\"; layout = \"tiny_imagenet\"; "

/* Writing pictures. */

typedef struct bytes {
    unsigned char *data;
    size_t length;
} bytes;

static bytes png_of(unsigned format, unsigned h, unsigned w, const void *pixels, const void *colours)
{
    png_image image = { .version = PNG_IMAGE_VERSION, .width = w, .height = h, .format = format };
    image.colormap_entries = colours ? 2 : 0;
    png_alloc_size_t length = 100000;
    bytes out = { .data = malloc(length) };
    ck_assert(png_image_write_to_memory(&image, out.data, &length, 0, pixels, 0, colours) != 0);
    out.length = length;
    return out;
}

static bytes jpeg_of(J_COLOR_SPACE space, int channels, unsigned h, unsigned w, const unsigned char *pixels)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long length = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &length);
    jpeg.image_width = w;
    jpeg.image_height = h;
    jpeg.input_components = channels;
    jpeg.in_color_space = space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (unsigned y = 0; y < h; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + y * w * (unsigned)channels);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (bytes){ data, length };
}

static void write_picture(const char *name, bytes picture)
{
    files_write(name, picture.data, picture.length);
    free(picture.data);
}

/* A picture of one pixel. */
static void write_pixel(const char *name, unsigned char red, unsigned char green, unsigned char blue)
{
    write_picture(name, png_of(PNG_FORMAT_RGB, 1, 1, (unsigned char[]){ red, green, blue }, NULL));
}

static void write_grey(const char *name, unsigned h, unsigned w, const unsigned char *pixels)
{
    write_picture(name, png_of(PNG_FORMAT_GRAY, h, w, pixels, NULL));
}

/* Two classes of a pixel each. */
static void write_two(void)
{
    write_pixel("a/1.png", 0, 51, 102);
    write_pixel("b/1.png", 255, 204, 153);
}

#define AS_FLOAT(byte) ((float)((byte) / 255.0))

START_TEST(two_folders_of_folders_are_read_in_the_order_of_their_names)
{
    write_pixel("train/cat/10.png", 1, 2, 3);
    write_pixel("train/cat/2.png", 4, 5, 6);
    write_pixel("train/ape/x.PNG", 7, 8, 9);
    write_pixel("test/cat/1.png", 10, 11, 12);
    files_write_text("train/.hidden", "");
    files_write_text("train/cat/.hidden", "");
    files_data opened = files_open("images", ALL);
    const tsr_dataset_info *info = &opened.data->info;
    ck_assert_uint_eq(info->n[TSR_TRAIN], 3);
    ck_assert_uint_eq(info->n[TSR_TEST], 1);
    ck_assert(tsr_shape_equal(info->shape, TSR_SHAPE(3, 1, 1)));
    ck_assert_int_eq(info->classes, 2);
    ck_assert_str_eq(info->class_names[0], "ape");
    ck_assert_str_eq(info->class_names[1], "cat");
    files_sample_is(&opened, TSR_TRAIN, 0, 3, (const float[]){ AS_FLOAT(7), AS_FLOAT(8), AS_FLOAT(9) }, 0);
    files_sample_is(&opened, TSR_TRAIN, 1, 3, (const float[]){ AS_FLOAT(1), AS_FLOAT(2), AS_FLOAT(3) }, 1);
    files_sample_is(&opened, TSR_TRAIN, 2, 3, (const float[]){ AS_FLOAT(4), AS_FLOAT(5), AS_FLOAT(6) }, 1);
    files_sample_is(&opened, TSR_TEST, 0, 3, (const float[]){ AS_FLOAT(10), AS_FLOAT(11), AS_FLOAT(12) }, 1);
    files_close(&opened);
    files_refused("images", HALF, "@: has test pictures, and test_fraction is set");
}
END_TEST

START_TEST(one_folder_is_split_by_its_keys)
{
    static const char *const folders[] = { "", "train/" };
    for (int i = 0; i < 10; i++) {
        char *name = tsr_format("%s%c/%d.png", folders[_i], i < 5 ? 'a' : 'b', i);
        write_pixel(name, (unsigned char)i, 0, 0);
        free(name);
    }
    files_data opened = files_open("images", "path = \"@\"; test_fraction = 0.3; test_by = \"last\";");
    ck_assert_uint_eq(opened.data->info.n[TSR_TRAIN], 7);
    ck_assert_uint_eq(opened.data->info.n[TSR_TEST], 3);
    /* Classes take turns: 0 5 1 6 2 7 3, 8 4 9. */
    files_sample_is(&opened, TSR_TRAIN, 0, 3, (const float[]){ 0, 0, 0 }, 0);
    files_sample_is(&opened, TSR_TRAIN, 1, 3, (const float[]){ AS_FLOAT(5), 0, 0 }, 1);
    files_sample_is(&opened, TSR_TRAIN, 6, 3, (const float[]){ AS_FLOAT(3), 0, 0 }, 0);
    files_sample_is(&opened, TSR_TEST, 0, 3, (const float[]){ AS_FLOAT(8), 0, 0 }, 1);
    files_close(&opened);
    opened = files_open("images", "path = \"@\"; test_fraction = 0.3; split_seed = 3;");
    float pixels[3 * 10], sum = 0;
    bool last = true;
    size_t index[] = { 0, 1, 2, 3, 4, 5, 6 };
    int32_t labels[7];
    opened.data->ops->read(opened.data->self, TSR_TRAIN, 7, index, pixels, labels);
    opened.data->ops->read(opened.data->self, TSR_TEST, 3, index, pixels + 21, NULL);
    for (int i = 0; i < 10; i++)
        sum += pixels[3 * i] * 255;
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(labels[i], pixels[3 * i] * 255 > 4.5f);
    for (int i = 7; i < 10; i++)
        last = last && (pixels[3 * i] * 255 > 7.5f || pixels[3 * i] * 255 == 4);
    ck_assert_float_eq_tol(sum, 45, 1e-3f);
    ck_assert(!last);
    files_close(&opened);
    files_refused("images", ALL, "@: no test samples");
}
END_TEST

START_TEST(channels_are_planes)
{
    write_picture("a/1.png", png_of(PNG_FORMAT_RGB, 1, 2, (unsigned char[]){ 1, 2, 3, 4, 5, 6 }, NULL));
    write_grey("b/1.png", 1, 2, (unsigned char[]){ 7, 8 });
    files_data opened = files_open("images", HALF);
    ck_assert(tsr_shape_equal(opened.data->info.shape, TSR_SHAPE(3, 1, 2)));
    files_sample_is(
        &opened, TSR_TRAIN, 0, 6,
        (const float[]){ AS_FLOAT(1), AS_FLOAT(4), AS_FLOAT(2), AS_FLOAT(5), AS_FLOAT(3), AS_FLOAT(6) }, 0);
    files_sample_is(
        &opened, TSR_TEST, 0, 6,
        (const float[]){ AS_FLOAT(7), AS_FLOAT(8), AS_FLOAT(7), AS_FLOAT(8), AS_FLOAT(7), AS_FLOAT(8) }, 1);
    files_close(&opened);
}
END_TEST

/* As Pillow's convert("L") gives. */
START_TEST(colours_become_grey_by_their_luma)
{
    write_pixel("a/1.png", 255, 0, 0);
    write_pixel("a/2.png", 0, 255, 0);
    write_pixel("b/1.png", 0, 0, 255);
    write_pixel("b/2.png", 255, 255, 255);
    files_data opened = files_open("images", HALF "color = false;");
    ck_assert(tsr_shape_equal(opened.data->info.shape, TSR_SHAPE(1, 1, 1)));
    files_sample_is(&opened, TSR_TRAIN, 0, 1, (const float[]){ AS_FLOAT(76) }, 0);
    files_sample_is(&opened, TSR_TRAIN, 1, 1, (const float[]){ AS_FLOAT(29) }, 1);
    files_sample_is(&opened, TSR_TEST, 0, 1, (const float[]){ AS_FLOAT(150) }, 0);
    files_sample_is(&opened, TSR_TEST, 1, 1, (const float[]){ AS_FLOAT(255) }, 1);
    files_close(&opened);
}
END_TEST

START_TEST(other_kinds_of_png_are_read)
{
    /* A palette, two bytes per value, and transparency. */
    write_picture("a/1.png", png_of(PNG_FORMAT_RGB_COLORMAP, 1, 2, (unsigned char[]){ 1, 0 },
                                    (unsigned char[]){ 10, 20, 30, 40, 50, 60 }));
    write_picture("a/2.png", png_of(PNG_FORMAT_LINEAR_Y, 1, 2, (uint16_t[]){ 65535, 257 * 7 }, NULL));
    write_picture("a/3.png",
                  png_of(PNG_FORMAT_RGBA, 1, 2, (unsigned char[]){ 9, 8, 7, 0, 6, 5, 4, 128 }, NULL));
    write_grey("b/1.png", 1, 2, (unsigned char[]){ 0, 0 });
    files_data opened = files_open("images", HALF);
    files_sample_is(
        &opened, TSR_TRAIN, 0, 6,
        (const float[]){ AS_FLOAT(40), AS_FLOAT(10), AS_FLOAT(50), AS_FLOAT(20), AS_FLOAT(60), AS_FLOAT(30) },
        0);
    files_sample_is(&opened, TSR_TEST, 0, 6,
                    (const float[]){ 1, AS_FLOAT(7), 1, AS_FLOAT(7), 1, AS_FLOAT(7) }, 0);
    files_sample_is(
        &opened, TSR_TEST, 1, 6,
        (const float[]){ AS_FLOAT(9), AS_FLOAT(6), AS_FLOAT(8), AS_FLOAT(5), AS_FLOAT(7), AS_FLOAT(4) }, 0);
    files_close(&opened);
}
END_TEST

START_TEST(jpeg_is_read_in_colour_and_grey)
{
    unsigned char grey[64], red[3 * 64];
    for (int i = 0; i < 64; i++) {
        grey[i] = 100;
        memcpy(red + 3 * i, (const unsigned char[]){ 200, 30, 20 }, 3);
    }
    write_picture("a/1.jpeg", jpeg_of(JCS_GRAYSCALE, 1, 8, 8, grey));
    write_picture("b/1.JPG", jpeg_of(JCS_RGB, 3, 8, 8, red));
    files_data opened = files_open("images", HALF);
    ck_assert(tsr_shape_equal(opened.data->info.shape, TSR_SHAPE(3, 8, 8)));
    float pixels[3 * 64];
    opened.data->ops->read(opened.data->self, TSR_TRAIN, 1, (size_t[]){ 0 }, pixels, NULL);
    for (int i = 0; i < 3 * 64; i++)
        ck_assert_float_eq(pixels[i], AS_FLOAT(100));
    opened.data->ops->read(opened.data->self, TSR_TEST, 1, (size_t[]){ 0 }, pixels, NULL);
    for (int i = 0; i < 64; i++) {
        ck_assert_float_eq_tol(pixels[i], 200 / 255.0f, 0.012f);
        ck_assert_float_eq_tol(pixels[64 + i], 30 / 255.0f, 0.012f);
        ck_assert_float_eq_tol(pixels[128 + i], 20 / 255.0f, 0.012f);
    }
    files_close(&opened);
}
END_TEST

START_TEST(a_picture_shrinks_to_means_of_what_a_pixel_covers)
{
    /* 3 x 4 to 2 x 2: each row is 1.5 rows high, each column 2 wide. */
    write_grey("a/1.png", 3, 4, (unsigned char[]){ 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120 });
    write_grey("b/1.png", 2, 2, (unsigned char[]){ 1, 2, 3, 4 });
    files_data opened = files_open("images", HALF "size = 2; color = false;");
    /* (2 (10 + 20) + (50 + 60)) / 6 = 28.33, (2 (30 + 40) + 70 + 80) / 6 = 48.33, and so on. */
    files_sample_is(&opened, TSR_TRAIN, 0, 4,
                    (const float[]){ AS_FLOAT(28), AS_FLOAT(48), AS_FLOAT(82), AS_FLOAT(102) }, 0);
    files_sample_is(&opened, TSR_TEST, 0, 4,
                    (const float[]){ AS_FLOAT(1), AS_FLOAT(2), AS_FLOAT(3), AS_FLOAT(4) }, 1);
    files_close(&opened);
}
END_TEST

START_TEST(a_picture_grows_by_interpolation_between_centres)
{
    write_grey("a/1.png", 1, 2, (unsigned char[]){ 0, 100 });
    write_grey("b/1.png", 4, 4, (unsigned char[16]){ 0 });
    files_data opened = files_open("images", HALF "size = 4; color = false;");
    /* Centres at -0.25, 0.25, 0.75 and 1.25 of the two pixels' 0 and 1. */
    const float row[] = { 0, AS_FLOAT(25), AS_FLOAT(75), AS_FLOAT(100) };
    float all[16];
    for (size_t i = 0; i < 16; i++)
        all[i] = row[i % 4];
    files_sample_is(&opened, TSR_TRAIN, 0, 16, all, 0);
    files_close(&opened);
}
END_TEST

START_TEST(without_a_size_all_pictures_have_the_first_ones)
{
    write_grey("a/1.png", 2, 3, (unsigned char[6]){ 0 });
    write_grey("b/1.png", 3, 2, (unsigned char[6]){ 0 });
    files_refused("images", HALF,
                  "@/b/1.png: 3 pixels high and 2 wide, expected 2 and 3 as in @/a/1.png, or size set");
}
END_TEST

START_TEST(threads_change_nothing_and_the_first_bad_picture_is_told)
{
    for (int i = 0; i < 200; i++) {
        char *name = tsr_format("%c/%03d.png", i < 100 ? 'a' : 'b', i);
        write_pixel(name, (unsigned char)i, 0, 0);
        free(name);
    }
    files_data opened = files_open("images", HALF);
    for (size_t i = 0; i < 100; i++) {
        size_t b = i % 2; /* the class */
        files_sample_is(&opened, TSR_TRAIN, i, 3, (const float[]){ AS_FLOAT(i / 2 + 100 * b), 0, 0 },
                        (int32_t)b);
        files_sample_is(&opened, TSR_TEST, i, 3, (const float[]){ AS_FLOAT(50 + i / 2 + 100 * b), 0, 0 },
                        (int32_t)b);
    }
    files_close(&opened);
    for (int i = 60; i < 200; i += i == 99 ? 51 : 1) {
        char *name = tsr_format("%c/%03d.png", i < 100 ? 'a' : 'b', i);
        files_write_text(name, "no picture");
        free(name);
    }
    for (int i = 0; i < 10; i++)
        files_refused("images", HALF, "@/b/150.png: neither a PNG nor a JPEG file");
}
END_TEST

/* Damage. */

START_TEST(a_picture_that_is_cut_off_anywhere_is_refused)
{
    unsigned char pixels[3 * 64];
    for (int i = 0; i < 3 * 64; i++)
        pixels[i] = (unsigned char)(i * 37);
    bytes picture = _i ? jpeg_of(JCS_RGB, 3, 8, 8, pixels) : png_of(PNG_FORMAT_RGB, 8, 8, pixels, NULL);
    const char *name = _i ? "a/1.jpg" : "a/1.png";
    char *message = tsr_format("@/%s: ", name);
    write_grey("b/1.png", 8, 8, pixels);
    for (size_t length = 0; length < picture.length; length++) {
        files_write(name, picture.data, length);
        files_refused("images", HALF, message);
    }
    files_write(name, picture.data, picture.length);
    files_data opened = files_open("images", HALF);
    files_close(&opened);
    free(message);
    free(picture.data);
}
END_TEST

START_TEST(a_png_with_a_wrong_checksum_is_refused_with_its_offset)
{
    bytes picture = png_of(PNG_FORMAT_GRAY, 2, 2, (unsigned char[]){ 1, 2, 3, 4 }, NULL);
    write_grey("b/1.png", 2, 2, (unsigned char[4]){ 0 });
    picture.data[picture.length - 12 - 5] ^= 1; /* of the data before the last chunk */
    write_picture("a/1.png", picture);
    files_refused("images", HALF, "@/a/1.png: damaged PNG, at offset");
}
END_TEST

static void big_endian(unsigned char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* The header's own checksum is made to fit. */
static void claim_size(bytes *picture, uint32_t w, uint32_t h)
{
    uint32_t crc = UINT32_MAX;
    big_endian(picture->data + 16, w);
    big_endian(picture->data + 20, h);
    for (size_t i = 12; i < 29; i++) {
        crc ^= picture->data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    big_endian(picture->data + 29, ~crc);
}

START_TEST(a_picture_that_claims_to_be_huge_is_refused)
{
    static const struct {
        uint32_t w, h;
        const char *message;
    } sizes[] = { { 60000, 60000, "60000 x 60000 pixels, expected at most 67108864 in all" },
                  { 0x7fffffff, 0x7fffffff, "damaged PNG" },
                  { 0, 1, "damaged PNG" },
                  { 100000, 1, "damaged PNG" },
                  { 5000, 5000, "damaged PNG" } };
    write_two();
    bytes picture = png_of(PNG_FORMAT_RGB, 1, 1, (unsigned char[3]){ 0 }, NULL);
    claim_size(&picture, sizes[_i].w, sizes[_i].h);
    write_picture("a/1.png", picture);
    char *message = tsr_format("@/a/1.png: %s", sizes[_i].message);
    files_refused("images", HALF, message);
    free(message);
}
END_TEST

START_TEST(a_jpeg_in_cmyk_is_refused)
{
    write_two();
    write_picture("a/2.jpg", jpeg_of(JCS_CMYK, 4, 1, 1, (const unsigned char[4]){ 1, 2, 3, 4 }));
    files_refused("images", HALF, "@/a/2.jpg: a JPEG in CMYK, expected grey or colours");
}
END_TEST

/* Folders. */

START_TEST(what_does_not_belong_into_the_folders_is_told)
{
    char *path = tsr_path_join(files_folder, "a/2.png");
    write_two();
    ck_assert_int_eq(symlink("1.png", path), 0);
    files_refused("images", HALF, "@/a/2.png: a symbolic link, expected a file");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    files_refused("images", HALF, "@/a/2.png: not a file");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    files_refused("images", HALF, "@/a/2.png: not a file");
    ck_assert_int_eq(rmdir(path), 0);
    files_write_text("a/Thumbs.db", "");
    files_refused("images", HALF, "@/a/Thumbs.db: no picture by its name, expected .png, .jpg or .jpeg");
    free(path);
}
END_TEST

START_TEST(what_is_no_folder_of_a_class_is_told)
{
    char *path = tsr_path_join(files_folder, "c");
    write_two();
    files_write_text("readme.txt", "");
    files_refused("images", HALF, "@/readme.txt: not a folder with the pictures of a class");
    char *readme = tsr_path_join(files_folder, "readme.txt");
    ck_assert_int_eq(unlink(readme), 0);
    free(readme);
    ck_assert_int_eq(symlink("a", path), 0);
    files_refused("images", HALF, "@/c: a symbolic link, expected a folder");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    files_refused("images", HALF, "@/c: an empty folder, expected pictures of its class");
    free(path);
}
END_TEST

START_TEST(a_class_not_in_utf8_is_refused)
{
    write_two();
    write_pixel("\xff/1.png", 0, 0, 0);
    files_refused("images", HALF, "a class whose name is no UTF-8");
}
END_TEST

START_TEST(one_class_or_none_is_refused)
{
    files_refused("images", HALF, "@: 0 classes, expected a folder for each of at least two");
    write_pixel("a/1.png", 0, 0, 0);
    files_refused("images", HALF, "@: 1 class, expected a folder for each of at least two");
}
END_TEST

START_TEST(a_class_that_only_test_has_is_refused)
{
    write_pixel("train/a/1.png", 0, 0, 0);
    write_pixel("train/b/1.png", 0, 0, 0);
    write_pixel("test/c/1.png", 0, 0, 0);
    files_refused("images", ALL, "@/test/c: a class without training pictures");
}
END_TEST

START_TEST(a_missing_folder_says_where_data_come_from)
{
    files_refused("images", "path = \"@/none\"; ", "@/none: no such file; tools/get-data says where");
    files_refused("images", TINY, "@/wnids.txt: no such file; tools/get-data says where");
    files_refused("images", "", "no data named: set path");
}
END_TEST

/* Tiny-ImageNet. */

static void write_tiny(void)
{
    files_write_text("wnids.txt", "n02\nn01\n");
    files_write_text("words.txt", "n00\tentity\nn01\tgoldfish, Carassius\nn02\tshark\n");
    write_pixel("train/n02/images/n02_0.JPEG.png", 2, 0, 0);
    write_pixel("train/n01/images/n01_0.png", 1, 0, 0);
    files_write_text("train/n01/n01_boxes.txt", "n01_0.JPEG\t0\t0\t1\t1\n");
    write_pixel("val/images/val_1.png", 11, 0, 0);
    write_pixel("val/images/val_0.png", 10, 0, 0);
    files_write_text("val/val_annotations.txt", "val_0.png\tn02\t0\t1\t2\t3\r\nval_1.png\tn01\n");
    write_pixel("test/images/test_0.png", 99, 0, 0);
}

START_TEST(the_layout_of_tiny_imagenet_is_read)
{
    write_tiny();
    files_data opened = files_open("images", TINY);
    const tsr_dataset_info *info = &opened.data->info;
    ck_assert_uint_eq(info->n[TSR_TRAIN], 2);
    ck_assert_uint_eq(info->n[TSR_TEST], 2);
    ck_assert_str_eq(info->class_names[0], "goldfish, Carassius");
    ck_assert_str_eq(info->class_names[1], "shark");
    files_sample_is(&opened, TSR_TRAIN, 0, 3, (const float[]){ AS_FLOAT(1), 0, 0 }, 0);
    files_sample_is(&opened, TSR_TRAIN, 1, 3, (const float[]){ AS_FLOAT(2), 0, 0 }, 1);
    files_sample_is(&opened, TSR_TEST, 0, 3, (const float[]){ AS_FLOAT(10), 0, 0 }, 1);
    files_sample_is(&opened, TSR_TEST, 1, 3, (const float[]){ AS_FLOAT(11), 0, 0 }, 0);
    files_close(&opened);
    char *words = tsr_path_join(files_folder, "words.txt");
    ck_assert_int_eq(unlink(words), 0);
    free(words);
    opened = files_open("images", TINY);
    ck_assert_str_eq(opened.data->info.class_names[0], "n01");
    files_close(&opened);
}
END_TEST

static const struct {
    const char *file, *text, *message;
} bad_tiny[] = {
    { "wnids.txt", "n01\n", "@/wnids.txt: 1 class, expected at least two" },
    { "wnids.txt", "n01\nn02\nn01\n", "@/wnids.txt: class 'n01' twice" },
    { "wnids.txt", "n01\nn02\nn03\n", "@/train/n03/images: No such file" },
    { "wnids.txt", "n01\n../n02\n", "@/wnids.txt: line 2: expected the name of a class" },
    { "wnids.txt", "n01\nn02\tshark\n", "@/wnids.txt: line 2: expected the name of a class" },
    { "wnids.txt", "n01\n\xff\n", "@/wnids.txt: line 2: byte 0xff is no UTF-8" },
    { "val/val_annotations.txt", "val_0.png\tn01\nval_1.png\tn03\n",
      "@/val/val_annotations.txt: line 2: class 'n03', expected one of wnids.txt" },
    { "val/val_annotations.txt", "val_0.png\n",
      "@/val/val_annotations.txt: line 1: expected the name of a picture" },
    { "val/val_annotations.txt", "../../etc/passwd\tn01\n",
      "@/val/val_annotations.txt: line 1: expected the name of a picture" },
    { "val/val_annotations.txt", "val_7.png\tn01\n", "@/val/images/val_7.png: No such file" },
    { "val/val_annotations.txt", "\n", "@/val/val_annotations.txt: names no picture" },
};

START_TEST(a_bad_layout_of_tiny_imagenet_is_refused)
{
    write_tiny();
    files_write_text(bad_tiny[_i].file, bad_tiny[_i].text);
    files_refused("images", TINY, bad_tiny[_i].message);
}
END_TEST

START_TEST(the_same_instance_opens_again_after_a_failure)
{
    write_two();
    files_write_text("b/2.png", "");
    char *text = tsr_format("plugin = \"images\"; path = \"%s\"; test_fraction = 0.5;", files_folder);
    tsr_instance *instance = test_instance(TSR_DATASET, text);
    tsr_data *data;
    ck_fails(tsr_data_open(instance, &data), TSR_REFUSED, "b/2.png");
    write_pixel("b/2.png", 0, 0, 0);
    ck_succeeds(tsr_data_open(instance, &data));
    tsr_data_close(data);
    tsr_instance_free(instance);
    free(text);
}
END_TEST

START_TEST(the_paper_s_config_of_tiny_imagenet_takes_its_form)
{
    unsigned char pixels[64 * 64];
    memset(pixels, 100, sizeof(pixels));
    write_tiny();
    write_picture("train/n02/images/n02_0.JPEG", jpeg_of(JCS_GRAYSCALE, 1, 64, 64, pixels));
    write_picture("train/n01/images/n01_0.JPEG", jpeg_of(JCS_GRAYSCALE, 1, 64, 64, pixels));
    write_picture("val/images/val_0.JPEG", jpeg_of(JCS_GRAYSCALE, 1, 64, 64, pixels));
    files_write_text("val/val_annotations.txt", "val_0.JPEG\tn02\t0\t1\t2\t3\n");
    for (int i = 0; i < 2; i++) {
        char *small =
            tsr_format("%s/train/n0%d/images/n0%d_0.%s", files_folder, i + 1, i + 1, i ? "JPEG.png" : "png");
        ck_assert_int_eq(unlink(small), 0);
        free(small);
    }
    files_config_has(
        "tiny-imagenet-vgg16.cfg", 4,
        (const char *[]){ "replicates=1", "dataset.path=@", "training.holdout=0.0", "probes=()" },
        TSR_SHAPE(3, 64, 64), 2);
}
END_TEST

START_TEST(it_passes_the_kit)
{
    write_two();
    write_pixel("a/2.png", 1, 2, 3);
    write_pixel("b/2.png", 4, 5, 6);
    files_pass_the_kit("images", "-s path=@ -s test_fraction=0.5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("images");
    TCase *tests = tcase_create("images");
    tcase_add_checked_fixture(tests, files_make_folder, files_remove_folder);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, two_folders_of_folders_are_read_in_the_order_of_their_names);
    tcase_add_loop_test(tests, one_folder_is_split_by_its_keys, 0, 2);
    tcase_add_test(tests, channels_are_planes);
    tcase_add_test(tests, colours_become_grey_by_their_luma);
    tcase_add_test(tests, other_kinds_of_png_are_read);
    tcase_add_test(tests, jpeg_is_read_in_colour_and_grey);
    tcase_add_test(tests, a_picture_shrinks_to_means_of_what_a_pixel_covers);
    tcase_add_test(tests, a_picture_grows_by_interpolation_between_centres);
    tcase_add_test(tests, without_a_size_all_pictures_have_the_first_ones);
    tcase_add_test(tests, threads_change_nothing_and_the_first_bad_picture_is_told);
    tcase_add_loop_test(tests, a_picture_that_is_cut_off_anywhere_is_refused, 0, 2);
    tcase_add_test(tests, a_png_with_a_wrong_checksum_is_refused_with_its_offset);
    tcase_add_loop_test(tests, a_picture_that_claims_to_be_huge_is_refused, 0, 5);
    tcase_add_test(tests, a_jpeg_in_cmyk_is_refused);
    tcase_add_test(tests, what_does_not_belong_into_the_folders_is_told);
    tcase_add_test(tests, what_is_no_folder_of_a_class_is_told);
    tcase_add_test(tests, a_class_not_in_utf8_is_refused);
    tcase_add_test(tests, one_class_or_none_is_refused);
    tcase_add_test(tests, a_class_that_only_test_has_is_refused);
    tcase_add_test(tests, a_missing_folder_says_where_data_come_from);
    tcase_add_test(tests, the_layout_of_tiny_imagenet_is_read);
    tcase_add_loop_test(tests, a_bad_layout_of_tiny_imagenet_is_refused, 0,
                        sizeof(bad_tiny) / sizeof(bad_tiny[0]));
    tcase_add_test(tests, the_same_instance_opens_again_after_a_failure);
    tcase_add_test(tests, the_paper_s_config_of_tiny_imagenet_takes_its_form);
    tcase_add_test(tests, it_passes_the_kit);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
