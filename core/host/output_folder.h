/* The folder that a command without runs writes into. */
#ifndef TSR_HOST_OUTPUT_FOLDER_H
#define TSR_HOST_OUTPUT_FOLDER_H

#include "config/value.h"

/* Makes the folder (absolute; `shown` in messages), where it is missing, takes away what an earlier command
   has left in it of `names` (NULL-terminated), and writes its config.cfg, by which it is known to be
   Tessera's: that `what` made it, and the group `resolved`. A folder that is not Tessera's and has one of the
   names, or that holds runs, is refused. */
TSR_MUST_CHECK tsr_status *tsr_output_folder_begin(const char *folder, const char *shown,
                                                   const char *const *names, const char *what,
                                                   const tsr_value *resolved);

#endif
