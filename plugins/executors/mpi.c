/* Runs spread over the ranks of an MPI job: mpirun -n 4 tessera run CONFIG. Rank 0 leads: it hands out runs,
   one at a time, to whoever is free, itself included. Messages are two numbers long; results go through the
   folder, which all ranks see.

   Each rank does its run in a process of its own, so that a crash costs that run alone and the rank stays
   free for messages. That process calls nothing of MPI and leaves by _exit, which Open MPI allows. A rank
   that is killed takes the job with it, as mpirun has it; what is finished stays, and the same command does
   the rest. */
#include "child.h"

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_NANOSECONDS                                                                                     \
    2000000 /* between looks for messages and processes: MPI's own waiting burns a core */
#define SECONDS_PER_TICK 0.1
#define LEADER 0
#define NO_RUN (-1) /* from the leader: there is nothing more to do, end what you do */

typedef struct mpi {
    int threads;
    double max_seconds;
} mpi;

static const tsr_key keys[] = { TSR_KEY_INT(mpi, threads, 1, 1, 4096, "threads of a run"),
                                TSR_KEY_REAL(mpi, max_seconds, 0.0, 0.0, 1e9,
                                             "a run that takes longer is stopped and failed; 0: none is",
                                             .unit = "seconds"),
                                TSR_KEY_END };

/* What a rank tells the leader. */
enum {
    READY, /* for a run; `run` is the one that it has done, or NO_RUN */
    STOP,  /* it was interrupted, or cannot go on */
    BYE
}; /* its last message, after NO_RUN */
typedef struct message {
    int64_t what, run;
} message;

typedef struct leader {
    const mpi *settings;
    const tsr_work *work;
    child child;            /* its own run */
    size_t next;            /* to hand out */
    int n_ranks, n_working; /* the others that have not said BYE */
    bool *told;             /* by rank: that there is nothing more */
    int stopped_by;         /* a rank, or -1 */
    bool stopping;
} leader;

static tsr_status *check(int code, const char *what)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (code == MPI_SUCCESS)
        return NULL;
    MPI_Error_string(code, text, &length);
    return tsr_fail(TSR_IO, "cannot %s: %s", what, text);
}

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = LOOK_NANOSECONDS }, NULL);
}

/* A message of n numbers, if there is one. */
static tsr_status *receive(int n, int64_t *out, int *from, bool *got)
{
    MPI_Status status;
    int there = 0;
    TSR_TRY(check(MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &there, &status), "look for messages"));
    *got = there;
    if (!there)
        return NULL;
    *from = status.MPI_SOURCE;
    return check(MPI_Recv(out, n, MPI_INT64_T, *from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
                 "receive a message");
}

/* --- the leader --- */

static tsr_status *hand_out(leader *l, int rank)
{
    bool wanted = !l->work->jobs || (size_t)rank < l->work->jobs;
    bool more = wanted && !l->stopping && l->next < l->work->n;
    int64_t run = more ? (int64_t)l->next++ : NO_RUN;
    if (l->told[rank])
        return NULL;
    l->told[rank] = !more;
    return check(MPI_Send(&run, 1, MPI_INT64_T, rank, 0, MPI_COMM_WORLD), "hand out a run");
}

static tsr_status *receive_messages(leader *l)
{
    message said;
    int rank;
    bool got;
    for (;;) {
        TSR_TRY(receive(2, &said.what, &rank, &got));
        if (!got)
            return NULL;
        if (said.what == READY) {
            if (said.run >= 0 && (size_t)said.run < l->work->n)
                l->work->seen(l->work, (size_t)said.run);
            TSR_TRY(hand_out(l, rank));
        } else if (said.what == STOP) {
            l->stopping = true;
            l->stopped_by = rank;
        } else {
            l->n_working--;
        }
    }
}

/* The leader's own run. */
static tsr_status *do_own(leader *l)
{
    if (l->child.pid)
        TSR_TRY(child_look(&l->child, l->work, l->settings->max_seconds));
    if (l->stopping)
        child_kill(&l->child);
    else if (!l->child.pid && l->next < l->work->n)
        TSR_TRY(child_start(&l->child, l->work, l->next++, l->settings->threads));
    return NULL;
}

static tsr_status *send_stop(leader *l)
{
    for (int rank = 0; rank < l->n_ranks; rank++)
        if (rank != LEADER)
            TSR_TRY(hand_out(l, rank));
    return NULL;
}

static tsr_status *lead(leader *l)
{
    tsr_status *status =
        NULL; /* the first that went wrong; the others are to hear that it is over all the same */
    double ticked = 0;
    while (l->child.pid || l->n_working || (!l->stopping && l->next < l->work->n)) {
        TSR_TRY(receive_messages(l));
        l->stopping = l->stopping || l->work->interrupted(l->work);
        tsr_status *own = do_own(l);
        l->stopping = l->stopping || own;
        if (status)
            tsr_status_free(own);
        else
            status = own;
        if (l->stopping)
            TSR_TRY(send_stop(l));
        if (child_now() - ticked > SECONDS_PER_TICK) {
            ticked = child_now();
            l->work->tick(l->work);
        }
        pause_briefly();
    }
    if (!status && l->stopped_by >= 0)
        status =
            tsr_fail(TSR_INTERRUPTED, "rank %d has stopped, and the others with it; finished runs are kept",
                     l->stopped_by);
    return status;
}

/* --- the others --- */

static tsr_status *send_message(int64_t what, int64_t run)
{
    message said = { what, run };
    return check(MPI_Send(&said.what, 2, MPI_INT64_T, LEADER, 0, MPI_COMM_WORLD), "tell the leader");
}

/* Looks after the run, and tells the leader where it has ended. */
static tsr_status *check_child(const mpi *settings, const tsr_work *work, child *c)
{
    if (!c->pid)
        return NULL;
    TSR_TRY(child_look(c, work, settings->max_seconds));
    return c->pid ? NULL : send_message(READY, (int64_t)c->run);
}

static tsr_status *follow(const mpi *settings, const tsr_work *work, child *c)
{
    tsr_status *status = NULL;
    TSR_TRY(send_message(READY, NO_RUN));
    for (bool stopped = false;;) {
        int64_t run;
        int from;
        bool got;
        if (!stopped)
            status = check_child(settings, work, c);
        TSR_TRY(receive(1, &run, &from, &got));
        if (got && run == NO_RUN)
            break;
        if (got && !stopped && !status)
            status = child_start(c, work, (size_t)run, settings->threads);
        if (!stopped && (status || work->interrupted(work))) {
            stopped = true;
            child_kill(c);
            TSR_TRY(send_message(STOP, NO_RUN));
        }
        pause_briefly();
    }
    child_kill(c);
    tsr_status *last = send_message(BYE, NO_RUN);
    if (!status)
        return last;
    tsr_status_free(last);
    return status;
}

/* --- the operations --- */

static int own_rank(void)
{
    int rank = LEADER;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

static tsr_status *execute(const void *self, const tsr_work *work)
{
    const mpi *settings = self;
    tsr_status *status;
    if (own_rank() != LEADER) {
        child own = { 0 };
        status = follow(settings, work, &own);
        child_kill(&own);
        return status;
    }
    leader l = { .settings = settings, .work = work, .stopped_by = -1 };
    TSR_TRY(check(MPI_Comm_size(MPI_COMM_WORLD, &l.n_ranks), "count the ranks"));
    l.n_working = l.n_ranks - 1;
    l.told = calloc((size_t)l.n_ranks, sizeof(bool));
    if (!l.told)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %d ranks", l.n_ranks);
    status = lead(&l);
    child_kill(&l.child);
    free(l.told);
    return status;
}

static tsr_status *join(const void *self, bool *leads)
{
    (void)self;
    TSR_TRY(check(MPI_Init(NULL, NULL), "start MPI"));
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    *leads = own_rank() == LEADER;
    return NULL;
}

static tsr_status *share(const void *self, void *bytes, size_t n)
{
    (void)self;
    for (size_t done = 0; done < n;) {
        int part = n - done < INT_MAX ? (int)(n - done) : INT_MAX;
        TSR_TRY(check(MPI_Bcast((char *)bytes + done, part, MPI_BYTE, LEADER, MPI_COMM_WORLD),
                      "tell the other ranks which runs to do"));
        done += (size_t)part;
    }
    return NULL;
}

static void fini(void *self)
{
    int begun = 0, ended = 0;
    (void)self;
    MPI_Initialized(&begun);
    MPI_Finalized(&ended);
    if (begun && !ended)
        MPI_Finalize();
}

static const tsr_executor_ops ops = { .execute = execute, .join = join, .share = share };

static const tsr_plugin plugin = {
    TSR_EXECUTOR_PLUGIN(&ops),
    .name = "mpi",
    .version = "1.0.0",
    .summary = "the ranks of an MPI job: mpirun -n 4 tessera run CONFIG",
    .licence = "MIT",
    TSR_INSTANCE(mpi),
    .keys = keys,
    .fini = fini,
};
TSR_PLUGINS(&plugin)
