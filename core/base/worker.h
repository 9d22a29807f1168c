/* The program in two processes. One, the worker, does all the work, with the foreign code of plugins in it;
   the other only waits for it, hands signals on, and tells how it ended where it did so without its final
   word. So no plugin can end the program without a word, whatever it ends it by. */
#ifndef TSR_BASE_WORKER_H
#define TSR_BASE_WORKER_H

#include <stdbool.h>

/* Starts the worker. In the worker, false: the work begins, and ends with tsr_guard_conclude. In the process
   that waits, true, when the worker has ended: *exit_status is what is left to return; it may also end by the
   signal that ended the worker. An end of the worker by foreign code is one with the status `otherwise`,
   until tsr_guard_exit_status.

   Where tsr_process_is_single there is no worker: false in the one process. Before any thread is started. */
bool tsr_worker_start(int otherwise, int *exit_status);

#endif
