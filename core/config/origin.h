/* Where a value of a config comes from: a line of a file, a setting of the command line, a default, a point
   of the sweep. Messages begin with it, and relative paths start from the folder that it names. */
#ifndef TSR_CONFIG_ORIGIN_H
#define TSR_CONFIG_ORIGIN_H

#include <tessera/status.h>

typedef enum tsr_origin_kind {
    TSR_ORIGIN_DEFAULT,      /* nobody gave it */
    TSR_ORIGIN_FILE,         /* FILE:LINE */
    TSR_ORIGIN_COMMAND_LINE, /* -s KEY=VALUE */
    TSR_ORIGIN_SWEEP,        /* put in by the sweep; its text names the value's own origin too */
} tsr_origin_kind;

/* Shared by the values that have it, and counted; not changed once it is made. One thread. */
typedef struct tsr_origin {
    size_t references;
    tsr_origin_kind kind;
    char *text;    /* the file, or what the command line said; NULL for a default */
    unsigned line; /* 0: none */
    char *folder;  /* absolute; what relative paths start from */
} tsr_origin;

/* A new origin, referred to once; text and folder are copied, either may be NULL. NULL without memory. */
tsr_origin *tsr_origin_new(tsr_origin_kind kind, const char *text, unsigned line, const char *folder);

/* Another reference to it; NULL gives NULL. */
tsr_origin *tsr_origin_share(tsr_origin *origin);

/* Gives a reference up; NULL is allowed. */
void tsr_origin_release(tsr_origin *origin);

/* That of a swept value: "FILE:LINE (sweep of KEY)". NULL without memory. */
tsr_origin *tsr_origin_of_sweep(const tsr_origin *value, const char *key);

/* Puts "FILE:LINE: " or "-s KEY=VALUE: " before a failure; NULL, of either, changes nothing. */
TSR_MUST_CHECK tsr_status *tsr_origin_context(const tsr_origin *origin, tsr_status *status);

#endif
