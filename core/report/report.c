/* What a results folder is turned into. */
#include "report/report.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "report/differences.h"

#include <stdlib.h>

/* Into the results folder. */
static tsr_status *write_text(const tsr_text *text, const tsr_results *results, const char *name)
{
    char *folder;
    TSR_TRY(tsr_path_real(results->folder, &folder));
    char *path = tsr_path_join(folder, name);
    tsr_status *status =
        text->failed || !path ? tsr_no_memory(name) : tsr_write_file(path, text->chars, text->length);
    free(path);
    free(folder);
    return status;
}

tsr_status *tsr_report_write_results(const tsr_results *results)
{
    tsr_text csv = { 0 };
    tsr_results_write_csv(results, &csv);
    tsr_status *status = write_text(&csv, results, "results.csv");
    free(csv.chars);
    return status;
}

tsr_status *tsr_report_write_summary(const tsr_summary *summary)
{
    tsr_text csv = { 0 };
    tsr_summary_write_csv(summary, &csv);
    tsr_status *status = write_text(&csv, summary->results, "summary.csv");
    free(csv.chars);
    return status;
}

tsr_status *tsr_report_write_differences(const tsr_summary *summary, const char *folder)
{
    tsr_differences differences;
    tsr_text csv = { 0 };
    TSR_TRY(tsr_differences_new(summary, &differences));
    tsr_differences_write_csv(&differences, &csv);
    tsr_differences_clear(&differences);
    char *path = tsr_path_join(folder, "differences.csv");
    tsr_status *status = csv.failed || !path ? tsr_no_memory("differences.csv") : tsr_make_folder(folder);
    if (!status)
        status = tsr_write_given_file(path, csv.chars, csv.length);
    free(path);
    free(csv.chars);
    return status;
}

tsr_status *tsr_study_plan(const tsr_study *study, tsr_album *album)
{
    TSR_TRY(tsr_study_charts(study, album));
    tsr_study_curves(study, album);
    return album->failed ? tsr_no_memory("the figures") : NULL;
}

static tsr_status *draw(const tsr_study *study, tsr_album *album)
{
    TSR_TRY(tsr_study_plan(study, album));
    return tsr_album_draw(album);
}

tsr_status *tsr_report_write_page(const tsr_summary *summary, const tsr_page_options *options)
{
    const char *path = options ? options->path : NULL;
    tsr_album album = { 0 };
    tsr_text html = { 0 };
    tsr_study study;
    TSR_TRY(tsr_study_new(summary, &study));
    tsr_status *status = draw(&study, &album);
    if (!status) {
        if (album.trouble && !album.no_gnuplot)
            tsr_log_warning("the report lacks plots: %s", album.trouble);
        tsr_page_write(&study, &album, path ? summary->results->folder : "", options ? options->live : 0,
                       &html);
        if (!path)
            status = write_text(&html, summary->results, "report.html");
        else
            status = html.failed ? tsr_no_memory("the report")
                                 : tsr_write_given_file(path, html.chars, html.length);
    }
    free(html.chars);
    tsr_album_clear(&album);
    tsr_study_clear(&study);
    return status;
}
