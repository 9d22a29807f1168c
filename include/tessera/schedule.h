/* A schedule: what the learning rate is multiplied by as training goes on. */
#ifndef TESSERA_SCHEDULE_H
#define TESSERA_SCHEDULE_H

#include <tessera/plugin.h>

TSR_BEGIN_DECLS

/* When. */
typedef struct tsr_schedule_time {
    size_t epoch, epochs; /* 1 .. epochs, those of the config */
    size_t step, steps;   /* of this epoch, 1 .. steps */
} tsr_schedule_time;

typedef struct tsr_schedule_ops {
    /* The factor of a step: finite and at least 0, else the training fails with a message. It depends on its
       arguments alone. [one-thread]

       A schedule may hold another one, as a key of kind TSR_SCHEDULE (key.h), and call it: its operations are
       tsr_instance_ops, and its instance is tsr_instance_self. */
    double (*factor)(const void *self, const tsr_schedule_time *time);
} tsr_schedule_ops;

#define TSR_SCHEDULE_PLUGIN(table)                                                                           \
    .kind = TSR_SCHEDULE, .ops_size = sizeof(tsr_schedule_ops), .announced_size = 0,                         \
    .ops = (1 ? (table) : (const tsr_schedule_ops *)0)

TSR_END_DECLS
#endif
