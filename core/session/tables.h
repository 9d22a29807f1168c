/* The tables of a folder whose runs were changed by something else than a session. */
#ifndef TSR_SESSION_TABLES_H
#define TSR_SESSION_TABLES_H

#include <tessera/status.h>

/* Makes results.csv, summary.csv and the page anew from the folder's records; where no run of the sweep has
   one, they go away. The caller holds the folder's lock. */
TSR_MUST_CHECK tsr_status *tsr_tables_renew(const char *folder);

#endif
