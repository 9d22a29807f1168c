/* tessera merge: one study of several. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/memory.h"
#include "session/merge.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static tsr_status *parse(int argc, char **argv, tsr_merge_options *out, const char **output)
{
    static const struct option longs[] = { { "output", required_argument, NULL, 'o' },
                                           { "keep", no_argument, NULL, 'k' },
                                           { "no-lock", no_argument, NULL, 'n' },
                                           { NULL, 0, NULL, 0 } };
    int option;
    *output = NULL;
    while ((option = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
        if (option == 'o')
            *output = optarg;
        else if (option == 'k')
            out->keep_changed = true;
        else if (option == 'n')
            out->unlocked = true;
        else
            return tsr_fail(TSR_USAGE, "see tessera merge --help");
    }
    if (!*output || !**output)
        return tsr_fail(TSR_USAGE, "tessera merge: expected -o DIR, a new folder; see tessera merge --help");
    if (argc - optind < 2)
        return tsr_fail(TSR_USAGE, "tessera merge: expected two DIRs or more; see tessera merge --help");
    return NULL;
}

static void print(const char *folder, const tsr_merged *merged)
{
    printf("%zu runs in %s", merged->runs, folder);
    if (merged->shared)
        printf(", %zu of several studies", merged->shared);
    printf("\n");
    if (merged->foreign)
        printf("%zu runs that were none of their study's sweep are left out\n", merged->foreign);
    if (merged->missing)
        printf("%zu runs of the sweep are missing: 'tessera run %s' does them\n", merged->missing, folder);
}

static tsr_status *merge(const tsr_merge_options *options, size_t n, char *const *shown, const char *output,
                         tsr_merged *out)
{
    char **folders = tsr_alloc(n, sizeof(*folders)), *folder = NULL;
    tsr_status *status = folders ? tsr_path_real(output, &folder) : tsr_no_memory("the command line");
    for (size_t i = 0; i < n && !status; i++)
        status = tsr_path_real(shown[i], &folders[i]);
    if (!status)
        status = tsr_merge(options, n, folders, (const char *const *)shown, folder, output, out);
    for (size_t i = 0; folders && i < n; i++)
        free(folders[i]);
    free(folders);
    free(folder);
    return status;
}

int tsr_cli_merge(int argc, char **argv)
{
    const char *output;
    tsr_merge_options options = { 0 };
    tsr_merged merged;
    tsr_status *status = parse(argc, argv, &options, &output);
    if (!status)
        status = merge(&options, (size_t)(argc - optind), argv + optind, output, &merged);
    if (!status)
        print(output, &merged);
    return tsr_cli_report(status);
}
