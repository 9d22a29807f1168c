/* A session does what is left to do of an experiment in its results folder: it joins the processes that the
   user started together, finds which runs are not done, lets the executor do them, and makes the tables of
   all that is finished.

       tsr_session_open(experiment, &options, &session);
       tsr_session_execute(session, &observer);
       tsr_session_conclude(session, &observer);
       tsr_session_close(session);

   One thread; the executor's processes get copies. */
#ifndef TSR_SESSION_SESSION_H
#define TSR_SESSION_SESSION_H

#include "experiment/progress.h"
#include "experiment/store.h"
#include "report/summary.h"

typedef struct tsr_session tsr_session;

typedef struct tsr_session_options {
    const char *folder; /* of the results, absolute */
    const char *shown;  /* what messages call it */
    tsr_shard shard;
    bool fresh;        /* empty the folder first */
    bool redo_changed; /* do runs again that were done with other data or plugins than there are now */
    bool keep_changed; /* count them as they are; with neither, they are refused */
    bool retrain;      /* train again where what the config asks for now cannot be had of finished runs */
    bool unlocked;     /* see tsr_store_options */
    bool whole;        /* keep whole records, for tsr_session_record */
} tsr_session_options;

/* Who watches; functions may be NULL. */
typedef struct tsr_session_observer {
    void *context;
    /* The runs begin; `progress` is what is known of them until `end`. */
    void (*begin)(void *context, const tsr_progress *progress);
    void (*tick)(void *context); /* about ten times a second */
    void (*end)(void *context);
    bool (*interrupted)(void *context); /* whether to stop */
    tsr_status *(*show)(void *context,
                        const tsr_summary *summary); /* the results, before the page is drawn */
} tsr_session_observer;

/* Joins, opens the folder and finds what is to do. The experiment must outlive the session. *out is NULL
   after a failure, which is a refusal: nothing has been done. */
TSR_MUST_CHECK tsr_status *tsr_session_open(const tsr_experiment *experiment,
                                            const tsr_session_options *options, tsr_session **out);

/* Of the processes that the user started together, one leads: it has the say, and makes the tables. */
bool tsr_session_leads(const tsr_session *session);

/* Runs that are left to do. */
size_t tsr_session_pending(const tsr_session *session);

/* Has the executor do them. Fails where it could do no more; a run's own failure is an outcome. */
TSR_MUST_CHECK tsr_status *tsr_session_execute(tsr_session *session, const tsr_session_observer *observer);

/* Writes the tables and the page of all that is finished, whoever did it, and says what failed. *failed: runs
   of this session's shard that failed or were not done. Only for the process that leads. */
TSR_MUST_CHECK tsr_status *tsr_session_conclude(tsr_session *session, const tsr_session_observer *observer,
                                                size_t *failed);

/* The record of run i of the experiment, as it is known: NULL where it is not finished. The session's; who
   changes it has it stored. Without options.whole it lacks what a session has no use for. */
json_t *tsr_session_record(const tsr_session *session, size_t i);
const tsr_store *tsr_session_store(const tsr_session *session);

void tsr_session_close(tsr_session *session);

#endif
