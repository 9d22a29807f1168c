/* tessera archive: a study as one file, and back. */
#include "cli/amount.h"
#include "cli/cli.h"
#include "cli/interrupt.h"

#include "base/file.h"
#include "session/archive.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct request {
    tsr_archive_options options;
    const char *folder, *file;  /* what is read and what is written, as the user says it */
    bool check, extract, reads; /* reads: one of them */
} request;

static tsr_status *parse(int argc, char **argv, request *out)
{
    static const struct option longs[] = { { "output", required_argument, NULL, 'o' },
                                           { "extract", no_argument, NULL, 'x' },
                                           { "check", no_argument, NULL, 'c' },
                                           { "no-lock", no_argument, NULL, 'L' },
                                           { NULL, 0, NULL, 0 } };
    const char *output = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
        if (option == '?')
            return tsr_fail(TSR_USAGE, "see tessera archive --help");
        output = option == 'o' ? optarg : output;
        out->extract = out->extract || option == 'x';
        out->check = out->check || option == 'c';
        out->options.unlocked = out->options.unlocked || option == 'L';
    }
    if (out->extract && out->check)
        return tsr_fail(TSR_USAGE, "tessera archive: expected --extract or --check, not both");
    if (out->check ? output != NULL : !output || !*output)
        return tsr_fail(TSR_USAGE, "tessera archive: expected %s; see tessera archive --help",
                        out->check     ? "no -o with --check"
                        : out->extract ? "-o DIR, a new folder"
                                       : "-o FILE, the archive");
    out->reads = out->extract || out->check;
    if (argc - optind != 1)
        return tsr_fail(TSR_USAGE, "tessera archive: expected one %s, not %d; see tessera archive --help",
                        out->reads ? "FILE" : "DIR", argc - optind);
    out->file = out->reads ? argv[optind] : output;
    out->folder = out->reads ? output : argv[optind];
    return NULL;
}

static tsr_status *archive(const request *asked, const char *folder, tsr_archived *out)
{
    return asked->reads ? tsr_archive_read(asked->file, folder, asked->folder, &asked->options, out)
                        : tsr_archive_write(folder, asked->folder, asked->file, &asked->options, out);
}

static void print(const request *asked, const tsr_archived *archived)
{
    printf("%s: %zu files, ", asked->extract ? asked->folder : asked->file, archived->files);
    tsr_cli_print_bytes((double)archived->bytes);
    printf(asked->reads ? ", as MANIFEST says\n" : "\n");
}

int tsr_cli_archive(int argc, char **argv)
{
    request asked = { .options = { .interrupted = tsr_interrupt_came } };
    tsr_archived archived;
    char *folder = NULL;
    tsr_status *status = parse(argc, argv, &asked);
    if (!status && asked.folder)
        status = tsr_path_real(asked.folder, &folder);
    tsr_interrupt_watch();
    if (!status)
        status = archive(&asked, folder, &archived);
    if (!status)
        print(&asked, &archived);
    free(folder);
    return tsr_cli_report(status);
}
