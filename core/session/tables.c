#include "session/tables.h"

#include "base/file.h"
#include "base/memory.h"
#include "experiment/folder.h"
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tsr_status *remove_tables(const char *folder)
{
    tsr_status *status = NULL;
    for (size_t i = 0; i < TSR_N_TABLES && !status; i++) {
        char *path = tsr_path_join(folder, tsr_folder_files[i]);
        status = path ? NULL : tsr_no_memory("a path");
        if (path && unlink(path) != 0 && errno != ENOENT)
            status = tsr_fail(TSR_IO, "%s: cannot be removed: %s", path, strerror(errno));
        free(path);
    }
    return status;
}

static tsr_status *write_tables(tsr_results *results)
{
    tsr_summary *summary = NULL;
    tsr_status *status = tsr_results_end(results);
    if (!status)
        status = tsr_report_write_results(results);
    if (!status)
        status = tsr_summary_new(results, &summary);
    if (!status)
        status = tsr_report_write_summary(summary);
    if (!status)
        status = tsr_report_write_page(summary, NULL);
    tsr_summary_free(summary);
    return status;
}

tsr_status *tsr_tables_renew(const char *folder)
{
    tsr_results *results;
    TSR_TRY(tsr_results_open(folder, 0, NULL, &results));
    tsr_status *status = tsr_results_add_all(results);
    if (!status)
        status = results->n_runs ? write_tables(results) : remove_tables(folder);
    tsr_results_free(results);
    return status;
}
