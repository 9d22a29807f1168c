/* Pictures in folders: PNG and JPEG files, decoded once, by several threads, and kept as bytes until a batch
   is made. */
#include "../pixels.h"
#include "../split.h"
#include "listing.h"
#include "picture.h"

#include <tessera/dataset.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LAYOUT_FOLDERS, LAYOUT_TINY_IMAGENET };
static const char *const layouts[] = {
    [LAYOUT_FOLDERS] = "folders", [LAYOUT_TINY_IMAGENET] = "tiny_imagenet", NULL
};

typedef struct images {
    const char *path;
    int layout;
    size_t size;
    bool color;
    split_choice split;

    listing listing;
    size_t channels, h, w;
    size_t image_size;    /* bytes of a picture */
    unsigned char *bytes; /* training pictures, then test ones */
    size_t n[2];
    size_t *order; /* of the pictures, training ones first; NULL: as they are */
} images;

static tsr_status *no_memory(const images *data)
{
    return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", data->path);
}

static const char *path_of(const images *data, size_t index)
{
    const image_list *train = &data->listing.train;
    return index < train->n ? train->paths[index] : data->listing.test.paths[index - train->n];
}

/* Decoding. */

typedef struct decoding {
    images *data;
    size_t n;
    atomic_size_t next;
    pthread_mutex_t lock;
    atomic_size_t failed; /* the first picture that could not be decoded, or n */
    tsr_status *status;   /* of that one; under the lock */
} decoding;

static tsr_status *check_size(const images *data, const char *path, const picture *one)
{
    if (data->size > 0 || (one->h == data->h && one->w == data->w))
        return NULL;
    return tsr_fail(
        TSR_REFUSED,
        "%s: %zu pixels high and %zu wide, expected %zu and %zu as in %s, or size set, to which all are "
        "brought",
        path, one->h, one->w, data->h, data->w, path_of(data, 0));
}

static tsr_status *decode_one(images *data, size_t index)
{
    picture one;
    const char *path = path_of(data, index);
    TSR_TRY(picture_read(path, &one));
    tsr_status *status = check_size(data, path, &one);
    if (!status)
        picture_fit(&one, data->channels, data->h, data->w, data->bytes + index * data->image_size);
    free(one.bytes);
    return status;
}

/* Of several pictures that fail, the first is told, whoever comes to it when: those before it are still
 * tried. */
static void note_failure(decoding *all, size_t index, tsr_status *status)
{
    pthread_mutex_lock(&all->lock);
    bool first = index < atomic_load(&all->failed);
    if (first) {
        tsr_status *before = all->status;
        all->status = status;
        status = before;
        atomic_store(&all->failed, index);
    }
    pthread_mutex_unlock(&all->lock);
    tsr_status_free(status);
}

static void *decode_some(void *argument)
{
    decoding *all = argument;
    for (;;) {
        size_t index = atomic_fetch_add(&all->next, 1);
        if (index >= atomic_load(&all->failed))
            return NULL;
        tsr_status *status = decode_one(all->data, index);
        if (status)
            note_failure(all, index, status);
    }
}

#define MAX_THREADS 64

/* Threads of its own, which are gone after: a process that has had such may still fork. */
static tsr_status *decode_all(images *data, size_t n)
{
    decoding all = { .data = data, .n = n, .lock = PTHREAD_MUTEX_INITIALIZER };
    atomic_init(&all.next, 0);
    atomic_init(&all.failed, n);
    pthread_t threads[MAX_THREADS];
    int wanted = tsr_threads() < MAX_THREADS ? tsr_threads() : MAX_THREADS, started = 0;
    while (started < wanted - 1 && pthread_create(&threads[started], NULL, decode_some, &all) == 0)
        started++;
    decode_some(&all);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return all.status;
}

/* The shape of all, from the key or from the first. */
static tsr_status *choose_shape(images *data)
{
    data->channels = data->color ? 3 : 1;
    data->h = data->w = data->size;
    if (data->size == 0) {
        picture first;
        TSR_TRY(picture_read(path_of(data, 0), &first));
        data->h = first.h;
        data->w = first.w;
        free(first.bytes);
    }
    data->image_size = data->channels * data->h * data->w; /* at most 3 * MAX_PIXELS */
    return NULL;
}

static tsr_status *load_pictures(images *data)
{
    size_t n = data->listing.train.n + data->listing.test.n, length;
    TSR_TRY(choose_shape(data));
    if (__builtin_mul_overflow(n, data->image_size, &length) || length > PTRDIFF_MAX ||
        !(data->bytes = malloc(length)))
        return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory for %zu pictures of %zu bytes", data->path, n,
                        data->image_size);
    pixels_wish_pages(data->bytes, length);
    return decode_all(data, n);
}

/* Lists and labels. */

static tsr_status *list(images *data)
{
    if (!data->path || !*data->path)
        return tsr_fail(TSR_REFUSED, "no data named: set path, a folder of pictures");
    return data->layout == LAYOUT_FOLDERS ? listing_of_folders(data->path, &data->listing)
                                          : listing_of_tiny_imagenet(data->path, &data->listing);
}

static tsr_status *split(images *data)
{
    const listing *all = &data->listing;
    data->n[TSR_TRAIN] = all->train.n;
    data->n[TSR_TEST] = all->test.n;
    if (all->test.n > 0)
        return data->split.test_fraction > 0
                   ? tsr_fail(TSR_REFUSED,
                              "%s: has test pictures, and test_fraction is set, expected one of them",
                              data->path)
                   : NULL;
    TSR_TRY(split_samples(&data->split, data->path, all->train.n, &data->order, &data->n[TSR_TRAIN]));
    data->n[TSR_TEST] = all->train.n - data->n[TSR_TRAIN];
    return NULL;
}

/* Labels of both parts go into one array. */
static tsr_status *join_labels(images *data)
{
    image_list *train = &data->listing.train, *test = &data->listing.test;
    int32_t *labels = realloc(train->labels, (train->n + test->n) * sizeof(*labels));
    if (!labels)
        return no_memory(data);
    train->labels = labels;
    if (test->n > 0)
        memcpy(labels + train->n, test->labels, test->n * sizeof(*labels));
    return NULL;
}

/* The plugin's operations. */

static void close_images(void *self)
{
    images *data = self;
    listing_clear(&data->listing);
    free(data->bytes);
    free(data->order);
    data->bytes = NULL;
    data->order = NULL;
}

static tsr_status *load(images *data)
{
    TSR_TRY(list(data));
    TSR_TRY(split(data));
    TSR_TRY(load_pictures(data));
    return join_labels(data);
}

static tsr_status *open_images(void *self, tsr_dataset_info *info)
{
    images *data = self;
    tsr_status *status = load(data);
    if (status) {
        close_images(data);
        return status;
    }
    const listing *all = &data->listing;
    *info = (tsr_dataset_info){
        .n = { data->n[TSR_TRAIN], data->n[TSR_TEST] },
        .shape = TSR_SHAPE(data->channels, data->h, data->w),
        .classes = (int)all->classes.n,
        .class_names = (const char *const *)(all->words.n ? all->words.all : all->classes.all),
    };
    return NULL;
}

static size_t place_of(const images *data, tsr_split split, size_t index)
{
    size_t place = split == TSR_TRAIN ? index : data->n[TSR_TRAIN] + index;
    return data->order ? data->order[place] : place;
}

static void read_images(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                        int32_t *labels)
{
    const images *data = self;
    size_t size = data->image_size;
    for (size_t i = 0; i < n; i++) {
        size_t place = place_of(data, split, index[i]);
        if (inputs && i + PIXELS_AHEAD < n)
            pixels_fetch(size, data->bytes + place_of(data, split, index[i + PIXELS_AHEAD]) * size);
        if (inputs)
            pixels_scale(size, data->bytes + place * size, inputs + i * size);
        if (labels)
            labels[i] = data->listing.train.labels[place];
    }
}

static const tsr_dataset_ops ops = { .open = open_images, .read = read_images, .close = close_images };

static const tsr_key keys[] = {
    TSR_KEY_PATH(images, path, NULL,
                 "folder of the folders train and test with a folder per class, or of a folder per class"),
    TSR_KEY_ENUM(images, layout, "folders", layouts,
                 "folders: as path says; tiny_imagenet: as Tiny-ImageNet comes, its validation part tests"),
    TSR_KEY_INT(images, size, 0, 0, 4096, "height and width that all are brought to; 0: they have one size"),
    TSR_KEY_BOOL(images, color, true, "three channels, red, green and blue; false: one, grey"),
    SPLIT_KEYS(images),
    TSR_KEY_END
};

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops),
    .name = "images",
    .version = "1.0.0",
    .summary = "PNG and JPEG files, a folder per class",
    .licence = "MIT",
    TSR_INSTANCE(images),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
