/* Which pictures there are, and of which class each is. */
#ifndef TESSERA_DATASETS_IMAGES_LISTING_H
#define TESSERA_DATASETS_IMAGES_LISTING_H

#include <tessera/status.h>

/* Texts in the order of their bytes; zero it to start. */
typedef struct names {
    size_t n, capacity;
    char **all;
} names;

typedef struct image_list {
    size_t n, capacity;
    char **paths;
    int32_t *labels;
} image_list;

/* Both parts, or one that is yet to be split: test.n is 0 then. */
typedef struct listing {
    names classes; /* in the order of their bytes; a class's label is its place */
    names words;   /* what the classes are called, or n = 0: as `classes` says */
    image_list train, test;
} listing;

#define MAX_IMAGES ((size_t)1 << 30)
#define MAX_CLASSES ((size_t)1 << 20)

/* In folders, pictures stand in turns, the first of each class, then the second of each, and so on, so that
   the first n, all but the last fifth and the like have all classes in like shares. */

/* path/train/CLASS/PICTURE and path/test/CLASS/PICTURE; without a folder test, one part; without a folder
   train, path/CLASS/PICTURE, one part. Names that begin with a dot are passed over. Refused, with the path:
   what is no folder in place of a class, no file with the ending of a picture in one, any symbolic link, an
   empty class, a class that only test has, a class that is not called in UTF-8. */
TSR_MUST_CHECK tsr_status *listing_of_folders(const char *path, listing *out);

/* Tiny-ImageNet's layout: wnids.txt has the classes, train/CLASS/images the training pictures,
   val/val_annotations.txt file and class of each picture in val/images, which test; words.txt, which may not
   be there, names classes. */
TSR_MUST_CHECK tsr_status *listing_of_tiny_imagenet(const char *path, listing *out);

void listing_clear(listing *self);

/* What lists are made with. */
TSR_MUST_CHECK tsr_status *names_add(names *self, const char *chars, size_t length);
void names_sort(names *self);
/* The name's place in sorted names, or self->n. */
size_t names_find(const names *self, const char *chars, size_t length);

/* Puts pictures, which stand class by class, in turns. */
TSR_MUST_CHECK tsr_status *listing_take_turns(image_list *list);

/* All pictures of a folder, in the order of their names, with this label; at least one. */
TSR_MUST_CHECK tsr_status *listing_add_pictures(image_list *list, const char *folder, int32_t label);
/* One more, which the list takes over. NULL, for want of memory, is a failure too. */
TSR_MUST_CHECK tsr_status *listing_add(image_list *list, char *path, int32_t label);

/* FOLDER/NAME, from malloc. */
TSR_MUST_CHECK tsr_status *listing_join(const char *folder, const char *name, char **out);

#endif
