/* How tsr_parallel_for runs its tasks; for tests of what the order of tasks must not change. */
#ifndef TSR_NN_TASKS_H
#define TSR_NN_TASKS_H

typedef enum tsr_task_order {
    TSR_TASKS_SHARED,        /* among threads, where there is enough to do */
    TSR_TASKS_ALWAYS_SHARED, /* however little there is to do */
    TSR_TASKS_BACKWARDS,     /* in the calling thread, the last one first */
    TSR_TASKS_INTERLEAVED,   /* in the calling thread, every other one first */
} tsr_task_order;

/* From here on in this process. One thread, outside of any task. */
void tsr_tasks_run(tsr_task_order order);

#endif
