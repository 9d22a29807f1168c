/* What the parts of a session share; private to this folder. */
#ifndef TSR_SESSION_PARTS_H
#define TSR_SESSION_PARTS_H

#include "session/session.h"

#include <tessera/executor.h>
#include <sys/types.h>
#include <time.h>

/* What all processes are told of a run of the experiment, as bytes. */
typedef struct tsr_mark {
    char pending;         /* 1: it is to be done */
    char predecessor[16]; /* the id of the finished run that it is taken over from; zeros: none */
} tsr_mark;

/* The page that is made while runs are done, see live.c. */
typedef struct tsr_live {
    int seconds;       /* from one to the next; 0: none is wanted */
    pid_t process;     /* that makes one now; 0: none */
    double last, took; /* tsr_seconds when the last one was begun, and how long it took */
} tsr_live;

struct tsr_session {
    tsr_work work; /* first: the executor's callbacks get a pointer to it */
    const tsr_experiment *experiment;
    tsr_store store;
    tsr_shard shard;
    bool leads;
    size_t *pending;            /* numbers of the runs to do, work.n of them */
    char (*predecessors)[17];   /* of each of these; "": none */
    json_t **records;           /* of each run of the experiment; NULL: not known to be final */
    tsr_skim skim;              /* for these */
    const tsr_value *config_of; /* the config that config_rest is the text of, behind the seed */
    char *config_rest;
    json_t *done;   /* what the records of finished runs become; NULL: none has yet */
    size_t foreign; /* runs in the folder that are not the experiment's */
    tsr_progress progress;
    const tsr_session_observer *observer; /* while runs are done */
    double began_seconds;                 /* tsr_seconds when the executor was called */
    struct timespec began_at;             /* when the executor was called */
    bool began;
    tsr_session_options options;
    char *config, *program; /* what work.config and work.command point to */
    const char *words[16];
    tsr_live live;
    double told_at;  /* when its progress was last told, in tsr_seconds; 0: never */
    char *told_in;   /* the file that it was told in, or NULL */
    bool *handed_on; /* of each run to do: another command does it */
};

/* Reads a run's record, as tsr_store_get, but for what the session has no use for. */
TSR_MUST_CHECK tsr_status *tsr_session_read_record(tsr_session *session, const tsr_run *run, json_t **out);

/* Lets go of what is known of run i, where it is done: from here on that alone matters. */
void tsr_session_settle(tsr_session *session, size_t i);

/* Whether another command has stored a record of the run since this one began to do runs. */
bool tsr_session_has_new_record(const tsr_session *session, const tsr_run *run);

/* Marks the runs that are to be done, of all of the experiment's, and keeps the records of the others.
   Nothing is written where it is refused. */
TSR_MUST_CHECK tsr_status *tsr_session_find_pending(tsr_session *session, const tsr_session_options *options,
                                                    tsr_mark *marks);

/* Finds the finished runs of the folder that marked ones are taken over from. Where the folder's config asked
   for something else, a run that would have to be trained again for this one is refused, unless that was
   allowed. */
TSR_MUST_CHECK tsr_status *tsr_session_find_predecessors(const tsr_session *session,
                                                         const tsr_session_options *options, tsr_mark *marks);

/* Tells in the folder how far the runs are, now and then; and takes that away. */
void tsr_session_tell(tsr_session *session);
void tsr_session_end_telling(const tsr_session *session);

/* Makes the page of what is finished now and then, and stops that. */
void tsr_session_show_live(tsr_session *session);
void tsr_session_end_live(tsr_session *session);

/* Whether the session's process was told to stop. */
bool tsr_session_interrupted(const tsr_session *session);

#endif
