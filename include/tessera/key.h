/* Declared keys. A plugin lists the fields of its instance that a config may set; the host
   allocates the instance, fills it, and refuses what does not fit, naming file, line, key and what was
   expected. Ranges are closed. One list per plugin, ended by TSR_KEY_END.

       typedef struct { int k; double radius; } knn;
       static const tsr_key keys[] = {
           TSR_KEY_INT(knn, k, 9, 1, 1 << 20, "neighbours that vote"),
           TSR_KEY_REAL(knn, radius, 0.0, 0.0, INFINITY, "ignore neighbours farther than this", .unit =
   "bits"), TSR_KEY_END
       };

   Further fields may follow the doc, as .unit above, or .required = true (no default: the config must
   give it). The field's own size is recorded, so `int` and `int64_t`, `float` and `double` all work.

   A key is called as its field. Where that cannot be, TSR_KEY_..._AS has the key's name behind the field:

           TSR_KEY_REAL_AS(knn, decay, "lambda", 0.9, 0.0, 1.0, "weight of the next neighbour"),

   A list of groups is an array of structures, filled by a list of keys of their own; a default is such an
   array:

       typedef struct { int width; bool norm; } stage;
       typedef struct { TSR_GROUP_LIST(stage) stages; } mynet;
       static const tsr_key stage_keys[] = {
           TSR_KEY_INT(stage, width, 64, 1, 4096, "units"),
           TSR_KEY_BOOL(stage, norm, true, "whether a batch norm follows"),
           TSR_KEY_END
       };
       static const stage plain[] = { { 64, true }, { 32, false } };
       static const tsr_key keys[] = {
           TSR_KEY_GROUP_LIST(mynet, stages, stage, stage_keys, plain, 2, "from the input on"),
           TSR_KEY_END
       };

   A config says stages = ( { width = 100; }, { width = 50; norm = false; } ), a sweep "model.stages.0.width";
   the plugin reads m->stages.n and m->stages.values[i].width. */
#ifndef TESSERA_KEY_H
#define TESSERA_KEY_H

#include <tessera/base.h>

TSR_BEGIN_DECLS

typedef struct tsr_instance tsr_instance; /* a configured plugin; see plugin.h */

typedef enum tsr_kind {
    TSR_NO_KIND = 0,
    TSR_MODEL,
    TSR_DATASET,
    TSR_ACTIVATION,
    TSR_REGULARIZER,
    TSR_OPTIMIZER,
    TSR_PROBE,
    TSR_EXECUTOR,
    TSR_LOSS,
    TSR_SCHEDULE,
    TSR_AUGMENTATION,
    TSR_N_KINDS,
} tsr_kind;

typedef enum tsr_key_type {
    TSR_TYPE_END = 0,
    TSR_TYPE_INT,         /* field: a signed or unsigned integer of 4 or 8 bytes that holds the range */
    TSR_TYPE_REAL,        /* field: float or double; values are finite; an integer is accepted */
    TSR_TYPE_BOOL,        /* field: bool */
    TSR_TYPE_STRING,      /* field: const char *; the host owns it, as long as the instance lives */
    TSR_TYPE_PATH,        /* as STRING; "~/" is the user's home, relative to the config file's folder */
    TSR_TYPE_ENUM,        /* field: int, the index into `choices`; configs give the word */
    TSR_TYPE_INT_LIST,    /* field: tsr_int_list */
    TSR_TYPE_REAL_LIST,   /* field: tsr_real_list; integers are accepted */
    TSR_TYPE_PLUGIN,      /* field: tsr_instance *; a group that names a plugin of kind `nested` */
    TSR_TYPE_STRING_LIST, /* field: tsr_string_list */
    TSR_TYPE_PLUGIN_LIST, /* field: tsr_instance_list; groups that each name a plugin of kind `nested` */
    TSR_TYPE_GROUP_LIST,  /* field: TSR_GROUP_LIST(type); groups with the keys `group_keys` of their own */
} tsr_key_type;

/* Lists belong to the host and live as long as the instance. */
typedef struct tsr_int_list {
    size_t n;
    const int64_t *values;
} tsr_int_list;

typedef struct tsr_real_list {
    size_t n;
    const double *values;
} tsr_real_list;

typedef struct tsr_string_list {
    size_t n;
    const char *const *values;
} tsr_string_list;

typedef struct tsr_instance_list {
    size_t n;
    tsr_instance *const *values;
} tsr_instance_list;

/* The type of a field that holds a list of groups: `n` and `values`, an array of n structures. */
#define TSR_GROUP_LIST(type)                                                                                 \
    struct {                                                                                                 \
        size_t n;                                                                                            \
        const type *values;                                                                                  \
    }

typedef struct tsr_key {
    tsr_key_type type;
    uint32_t offset;     /* of the field in the instance */
    uint32_t field_size; /* sizeof the field */
    bool required;       /* the config must give it; the default is not used */
    const char *name;    /* letters, digits and _ */
    const char *doc;     /* one line, no full stop */
    const char *unit;    /* "epochs", "bits" ...; NULL: none */

    int64_t int_default, int_min, int_max;   /* INT; the range also for each element of INT_LIST */
    double real_default, real_min, real_max; /* REAL; the range also for each element of REAL_LIST */
    bool bool_default;                       /* BOOL */
    const char *string_default;              /* STRING, PATH: may be NULL; ENUM: one of choices; PLUGIN:
                                                its name */
    const char *const *choices;              /* ENUM: NULL-terminated */
    tsr_kind nested;                         /* PLUGIN, PLUGIN_LIST */
    size_t list_default_length;              /* ..._LIST */
    const int64_t *int_list_default;         /* INT_LIST */
    const double *real_list_default;         /* REAL_LIST */
    size_t list_min_length, list_max_length; /* ..._LIST; at most 0: as many as one likes */
    const char *constant;                    /* REAL, of a model: the constant of its operators that the key
                                                sets (model.h); NULL: none */
    const char *const *string_list_default;  /* STRING_LIST; PLUGIN_LIST: names */
    const struct tsr_key *group_keys;        /* GROUP_LIST: of each group, ended by TSR_KEY_END */
    size_t group_size;                       /* GROUP_LIST: sizeof the structure of a group */
    const void *group_list_default;          /* GROUP_LIST: an array of such; nested plugins in it are NULL */
} tsr_key;

#define TSR_KEY_INT(owner, field, def, min, max, text, ...)                                                  \
    TSR_KEY_INT_AS(owner, field, #field, def, min, max, text, ##__VA_ARGS__)
#define TSR_KEY_INT_AS(owner, field, called, def, min, max, text, ...)                                       \
    TSR_KEY_MAKE(TSR_TYPE_INT, owner, field, called, text, .int_default = (def), .int_min = (min),           \
                 .int_max = (max), ##__VA_ARGS__)
#define TSR_KEY_REAL(owner, field, def, min, max, text, ...)                                                 \
    TSR_KEY_REAL_AS(owner, field, #field, def, min, max, text, ##__VA_ARGS__)
#define TSR_KEY_REAL_AS(owner, field, called, def, min, max, text, ...)                                      \
    TSR_KEY_MAKE(TSR_TYPE_REAL, owner, field, called, text, .real_default = (def), .real_min = (min),        \
                 .real_max = (max), ##__VA_ARGS__)
#define TSR_KEY_BOOL(owner, field, def, text, ...)                                                           \
    TSR_KEY_BOOL_AS(owner, field, #field, def, text, ##__VA_ARGS__)
#define TSR_KEY_BOOL_AS(owner, field, called, def, text, ...)                                                \
    TSR_KEY_MAKE(TSR_TYPE_BOOL, owner, field, called, text, .bool_default = (def), ##__VA_ARGS__)
#define TSR_KEY_STRING(owner, field, def, text, ...)                                                         \
    TSR_KEY_STRING_AS(owner, field, #field, def, text, ##__VA_ARGS__)
#define TSR_KEY_STRING_AS(owner, field, called, def, text, ...)                                              \
    TSR_KEY_MAKE(TSR_TYPE_STRING, owner, field, called, text, .string_default = (def), ##__VA_ARGS__)
#define TSR_KEY_PATH(owner, field, def, text, ...)                                                           \
    TSR_KEY_PATH_AS(owner, field, #field, def, text, ##__VA_ARGS__)
#define TSR_KEY_PATH_AS(owner, field, called, def, text, ...)                                                \
    TSR_KEY_MAKE(TSR_TYPE_PATH, owner, field, called, text, .string_default = (def), ##__VA_ARGS__)
#define TSR_KEY_ENUM(owner, field, def, words, text, ...)                                                    \
    TSR_KEY_ENUM_AS(owner, field, #field, def, words, text, ##__VA_ARGS__)
#define TSR_KEY_ENUM_AS(owner, field, called, def, words, text, ...)                                         \
    TSR_KEY_MAKE(TSR_TYPE_ENUM, owner, field, called, text, .string_default = (def), .choices = (words),     \
                 ##__VA_ARGS__)
/* `def` is a static const array of int64_t (double, const char *) values, or NULL with n = 0. */
#define TSR_KEY_INT_LIST(owner, field, def, n, min, max, text, ...)                                          \
    TSR_KEY_INT_LIST_AS(owner, field, #field, def, n, min, max, text, ##__VA_ARGS__)
#define TSR_KEY_INT_LIST_AS(owner, field, called, def, n, min, max, text, ...)                               \
    TSR_KEY_MAKE(TSR_TYPE_INT_LIST, owner, field, called, text, .int_min = (min), .int_max = (max),          \
                 .list_default_length = (n), .int_list_default = (def), ##__VA_ARGS__)
#define TSR_KEY_REAL_LIST(owner, field, def, n, min, max, text, ...)                                         \
    TSR_KEY_REAL_LIST_AS(owner, field, #field, def, n, min, max, text, ##__VA_ARGS__)
#define TSR_KEY_REAL_LIST_AS(owner, field, called, def, n, min, max, text, ...)                              \
    TSR_KEY_MAKE(TSR_TYPE_REAL_LIST, owner, field, called, text, .real_min = (min), .real_max = (max),       \
                 .list_default_length = (n), .real_list_default = (def), ##__VA_ARGS__)
#define TSR_KEY_STRING_LIST(owner, field, def, n, text, ...)                                                 \
    TSR_KEY_STRING_LIST_AS(owner, field, #field, def, n, text, ##__VA_ARGS__)
#define TSR_KEY_STRING_LIST_AS(owner, field, called, def, n, text, ...)                                      \
    TSR_KEY_MAKE(TSR_TYPE_STRING_LIST, owner, field, called, text, .list_default_length = (n),               \
                 .string_list_default = (def), ##__VA_ARGS__)
/* `def` is the name of a plugin of kind `of`, or NULL: none, and the field is NULL unless given. */
#define TSR_KEY_PLUGIN(owner, field, of, def, text, ...)                                                     \
    TSR_KEY_PLUGIN_AS(owner, field, #field, of, def, text, ##__VA_ARGS__)
#define TSR_KEY_PLUGIN_AS(owner, field, called, of, def, text, ...)                                          \
    TSR_KEY_MAKE(TSR_TYPE_PLUGIN, owner, field, called, text, .nested = (of), .string_default = (def),       \
                 ##__VA_ARGS__)
/* `def` is an array of n names of plugins of kind `of`, or NULL with n = 0. */
#define TSR_KEY_PLUGIN_LIST(owner, field, of, def, n, text, ...)                                             \
    TSR_KEY_PLUGIN_LIST_AS(owner, field, #field, of, def, n, text, ##__VA_ARGS__)
#define TSR_KEY_PLUGIN_LIST_AS(owner, field, called, of, def, n, text, ...)                                  \
    TSR_KEY_MAKE(TSR_TYPE_PLUGIN_LIST, owner, field, called, text, .nested = (of),                           \
                 .list_default_length = (n), .string_list_default = (def), ##__VA_ARGS__)
/* `type` is the structure of a group, `keys` its keys, `def` a static const array of n of them, or NULL with
   n = 0. */
#define TSR_KEY_GROUP_LIST(owner, field, type, keys, def, n, text, ...)                                      \
    TSR_KEY_GROUP_LIST_AS(owner, field, #field, type, keys, def, n, text, ##__VA_ARGS__)
#define TSR_KEY_GROUP_LIST_AS(owner, field, called, type, keys, def, n, text, ...)                           \
    TSR_KEY_MAKE(TSR_TYPE_GROUP_LIST, owner, field, called, text, .group_keys = (keys),                      \
                 .group_size = TSR_KEY_GROUP_SIZE(owner, field, type), .list_default_length = (n),           \
                 .group_list_default = TSR_KEY_GROUPS(type, def), ##__VA_ARGS__)

/* How the macros above make a tsr_key. C++ wants designators in the order of the fields, and all of them:
   there the fields are set one by one, and at most four may follow the doc. */
#ifndef __cplusplus
#define TSR_KEY_FIELD(kind_of, owner, field)                                                                 \
    .type = (kind_of), .offset = (uint32_t)offsetof(owner, field),                                           \
    .field_size = (uint32_t)(sizeof(((owner *)0)->field) * TSR_KEY_FITS_##kind_of(((owner *)0)->field))
/* 1; a field whose type does not fit does not compile: "not compatible with any association". */
#define TSR_KEY_FITS_TSR_TYPE_INT(x)                                                                         \
    _Generic((x), int : 1, unsigned : 1, long : 1, unsigned long : 1, long long : 1, unsigned long long : 1)
#define TSR_KEY_FITS_TSR_TYPE_REAL(x) _Generic((x), float : 1, double : 1)
#define TSR_KEY_FITS_TSR_TYPE_BOOL(x) _Generic((x), bool : 1)
#define TSR_KEY_FITS_TSR_TYPE_STRING(x) _Generic((x), const char * : 1)
#define TSR_KEY_FITS_TSR_TYPE_PATH(x) _Generic((x), const char * : 1)
#define TSR_KEY_FITS_TSR_TYPE_ENUM(x) _Generic((x), int : 1, unsigned : 1) /* an enum is one of these */
#define TSR_KEY_FITS_TSR_TYPE_INT_LIST(x) _Generic((x), tsr_int_list : 1)
#define TSR_KEY_FITS_TSR_TYPE_REAL_LIST(x) _Generic((x), tsr_real_list : 1)
#define TSR_KEY_FITS_TSR_TYPE_PLUGIN(x) _Generic((x), tsr_instance * : 1, const tsr_instance * : 1)
#define TSR_KEY_FITS_TSR_TYPE_STRING_LIST(x) _Generic((x), tsr_string_list : 1)
#define TSR_KEY_FITS_TSR_TYPE_PLUGIN_LIST(x) _Generic((x), tsr_instance_list : 1)
#define TSR_KEY_FITS_TSR_TYPE_GROUP_LIST(x) _Generic((x).n, size_t : 1)
#define TSR_KEY_GROUPS(type, def)                                                                            \
    _Generic((def), const type * : (def), void * : (def)) /* NULL is a void *  \
                                                                                         */
#define TSR_KEY_GROUP_SIZE(owner, field, type)                                                               \
    (sizeof(type) * _Generic(((owner *)0)->field.values, const type * : 1))
#define TSR_KEY_MAKE(kind_of, owner, field, called, text, ...)                                               \
    {                                                                                                        \
        TSR_KEY_FIELD(kind_of, owner, field), .name = (called), .doc = (text), __VA_ARGS__                   \
    }
#define TSR_KEY_END                                                                                          \
    {                                                                                                        \
        .type = TSR_TYPE_END                                                                                 \
    }
#else
#define TSR_KEY_MAKE(kind_of, owner, field, called, text, ...)                                               \
    [] {                                                                                                     \
        static_assert(tsr_key_fits<kind_of, decltype(owner::field)>::value,                                  \
                      "the field's type does not fit the key's");                                            \
        tsr_key tsr_made = tsr_key();                                                                        \
        tsr_made.type = (kind_of);                                                                           \
        tsr_made.offset = (uint32_t)offsetof(owner, field);                                                  \
        tsr_made.field_size = (uint32_t)sizeof(((owner *)0)->field);                                         \
        tsr_made.name = (called);                                                                            \
        tsr_made.doc = (text);                                                                               \
        TSR_KEY_SET(__VA_ARGS__)                                                                             \
        return tsr_made;                                                                                     \
    }()
#define TSR_KEY_END tsr_key()
#define TSR_KEY_GROUPS(type, def) static_cast<const type *>(def)
#define TSR_KEY_GROUP_SIZE(owner, field, type)                                                               \
    (sizeof(type) * tsr_group_fits<decltype(((owner *)0)->field.values), const type *>::value)
/* Each argument is ".field = value". */
#define TSR_KEY_SET(...)                                                                                     \
    TSR_KEY_PICK(__VA_ARGS__, TSR_KEY_SET10, TSR_KEY_SET9, TSR_KEY_SET8, TSR_KEY_SET7, TSR_KEY_SET6,         \
                 TSR_KEY_SET5, TSR_KEY_SET4, TSR_KEY_SET3, TSR_KEY_SET2, TSR_KEY_SET1, 0)                    \
    (__VA_ARGS__)
#define TSR_KEY_PICK(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, picked, ...) picked
#define TSR_KEY_SET1(a) tsr_made a;
#define TSR_KEY_SET2(a, ...) TSR_KEY_SET1(a) TSR_KEY_SET1(__VA_ARGS__)
#define TSR_KEY_SET3(a, ...) TSR_KEY_SET1(a) TSR_KEY_SET2(__VA_ARGS__)
#define TSR_KEY_SET4(a, ...) TSR_KEY_SET1(a) TSR_KEY_SET3(__VA_ARGS__)
#define TSR_KEY_SET5(a, ...) TSR_KEY_SET1(a) TSR_KEY_SET4(__VA_ARGS__)
#define TSR_KEY_SET6(a, ...) TSR_KEY_SET1(a) TSR_KEY_SET5(__VA_ARGS__)
#define TSR_KEY_SET7(a, ...) TSR_KEY_SET1(a) TSR_KEY_SET6(__VA_ARGS__)
#define TSR_KEY_SET8(a, ...) TSR_KEY_SET1(a) TSR_KEY_SET7(__VA_ARGS__)
#define TSR_KEY_SET9(a, ...) TSR_KEY_SET1(a) TSR_KEY_SET8(__VA_ARGS__)
#define TSR_KEY_SET10(a, ...) TSR_KEY_SET1(a) TSR_KEY_SET9(__VA_ARGS__)
#endif

TSR_END_DECLS

#ifdef __cplusplus
/* Whether T is one of the others. */
template <class T, class... Others> struct tsr_one_of {
    static constexpr bool value = false;
};
template <class T, class... Others> struct tsr_one_of<T, T, Others...> {
    static constexpr bool value = true;
};
template <class T, class U, class... Others> struct tsr_one_of<T, U, Others...> {
    static constexpr bool value = tsr_one_of<T, Others...>::value;
};
/* 1 where the values of a list of groups are of the type that its key says; else it does not compile. */
template <class Values, class Expected> struct tsr_group_fits;
template <class Values> struct tsr_group_fits<Values, Values> {
    static constexpr size_t value = 1;
};
/* Whether a field of type T takes keys of this type. */
template <tsr_key_type type, class T> struct tsr_key_fits {
    static constexpr bool value =
        type == TSR_TYPE_INT
            ? tsr_one_of<T, int, unsigned, long, unsigned long, long long, unsigned long long>::value
        : type == TSR_TYPE_REAL                            ? tsr_one_of<T, float, double>::value
        : type == TSR_TYPE_BOOL                            ? tsr_one_of<T, bool>::value
        : type == TSR_TYPE_STRING || type == TSR_TYPE_PATH ? tsr_one_of<T, const char *>::value
        : type == TSR_TYPE_ENUM                            ? tsr_one_of<T, int>::value
        : type == TSR_TYPE_INT_LIST                        ? tsr_one_of<T, tsr_int_list>::value
        : type == TSR_TYPE_REAL_LIST                       ? tsr_one_of<T, tsr_real_list>::value
        : type == TSR_TYPE_STRING_LIST                     ? tsr_one_of<T, tsr_string_list>::value
        : type == TSR_TYPE_PLUGIN_LIST                     ? tsr_one_of<T, tsr_instance_list>::value
        : type == TSR_TYPE_GROUP_LIST                      ? sizeof(T) == sizeof(tsr_int_list)
                                      : tsr_one_of<T, tsr_instance *, const tsr_instance *>::value;
};
#endif
#endif
