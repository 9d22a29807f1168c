/* Disturbs commands of the program, once for each place from which it asks for memory or calls the system,
   and tells what became of them; see tests/faults/campaign.

       faults [--system] [--sticky] [--skip N] [--sample N] [--jobs N] [--verbose] [COMMAND]...

   The places are in an order of their own; --skip leaves the first ones out, as another machine may try them.
   The exit status is 1 where an outcome should not be. */
#include "faults.h"

#include "calls.h"

#include "base/process.h"
#include "base/text.h"
#include "base/file.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WHY = 300 };

typedef struct result {
    faults_site site;
    faults_outcome outcome;
    bool tried;
    char why[MAX_WHY];
} result;

/* Shared with the processes that work. */
typedef struct results {
    _Atomic size_t next;
    size_t n, known; /* tried, and there are */
    char problem[MAX_WHY];
    char modules[FAULTS_MODULES][FAULTS_MODULE];
    result all[FAULTS_SITES];
    faults_site sites[FAULTS_SITES];
} results;

typedef struct options {
    faults_kind kind;
    bool sticky, verbose;
    size_t skip, sample, jobs;
} options;

/* The places of an undisturbed command: what is left of them under --sample is spread over all, as they are
   ordered by their keys. */
static void collect(const faults_bench *bench, size_t skip, size_t sample, results *r)
{
    r->n = r->known = faults_list(bench, r->sites);
    size_t first = skip < r->n ? skip : r->n;
    r->n -= first;
    if (sample && sample < r->n)
        r->n = sample;
    for (size_t i = 0; i < r->n; i++)
        memcpy(&r->all[i].site, &r->sites[first + i], sizeof(faults_site));
    memcpy(r->modules, bench->map->modules, sizeof(r->modules));
}

static bool is_bad(faults_outcome outcome)
{
    return outcome >= FAULTS_SILENT;
}

static char *folder_of(size_t worker)
{
    const char *parent = getenv("TMPDIR");
    char *folder = tsr_format("%s/tessera-faults-%ld-%zu", parent ? parent : "/tmp", (long)getppid(), worker);
    return folder;
}

/* A worker's share: the first one also lists the places, for which the others wait. */
static int work(const faults_command *command, const options *o, size_t worker, results *r,
                _Atomic int *listed)
{
    faults_bench bench;
    char *folder = folder_of(worker);
    const char *problem = faults_begin(command, o->kind, folder, &bench);
    if (problem)
        snprintf(r->problem, sizeof(r->problem), "%s", problem);
    else if (worker == 0)
        collect(&bench, o->skip, o->sample, r);
    if (worker == 0)
        atomic_store(listed, 1);
    while (!atomic_load(listed))
        usleep(1000);
    for (size_t i; !*r->problem && (i = atomic_fetch_add(&r->next, 1)) < r->n;) {
        result *one = &r->all[i];
        one->outcome = faults_try(&bench, &one->site, o->sticky, one->why, sizeof(one->why));
        one->tried = true;
    }
    faults_end(&bench);
    free(folder);
    return 0;
}

static const char *name_of(const results *r, faults_place place)
{
    const char *name = place.module < FAULTS_MODULES ? r->modules[place.module] : "",
               *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* "tsr_format (text.c:50)" of an address in a file; addr2line tells, where it is. */
static void print_place(const results *r, faults_place place)
{
    if (place.module >= FAULTS_MODULES)
        return;
    char *line =
        tsr_format("addr2line -f -s -p -e '%s' 0x%x 2>/dev/null", r->modules[place.module], place.offset - 1);
    FILE *answer = popen(line, "r");
    char text[256] = "";
    if (!answer || !fgets(text, sizeof(text), answer))
        text[0] = '\0';
    if (answer)
        pclose(answer);
    text[strcspn(text, "\n")] = '\0';
    printf(" < %s+0x%x %s", name_of(r, place), place.offset, text);
    free(line);
}

static void print_one(const faults_command *command, const results *r, const result *one)
{
    printf("  %s, %s %s: %s", command->name, faults_call_names[one->site.call],
           faults_outcome_names[one->outcome], one->why);
    print_place(r, one->site.caller);
    for (size_t i = 0; i < FAULTS_FRAMES; i++)
        if (i || one->site.ours[i].module != one->site.caller.module ||
            one->site.ours[i].offset != one->site.caller.offset)
            print_place(r, one->site.ours[i]);
    printf("\n");
}

/* A line of what came of a command, and one for each outcome that should not be. */
static size_t print(const faults_command *command, const options *o, const results *r, double seconds)
{
    size_t counts[FAULTS_N_OUTCOMES] = { 0 }, bad = 0, tried = 0;
    for (size_t i = 0; i < r->n; i++) {
        const result *one = &r->all[i];
        tried += one->tried;
        counts[one->outcome] += one->tried;
        bad += one->tried && is_bad(one->outcome);
        if (one->tried && (is_bad(one->outcome) || o->verbose))
            print_one(command, r, one);
    }
    bad += tried < r->n;
    printf("%-10s %-12s %5zu of %zu sites:", command->name,
           o->kind == FAULTS_SYSTEM ? "system calls"
           : o->sticky              ? "memory, all"
                                    : "memory",
           r->n, r->known);
    for (size_t i = 0; i < FAULTS_N_OUTCOMES; i++)
        printf(" %zu %s,", counts[i], faults_outcome_names[i]);
    printf(" %.1f s  %s\n", seconds, bad ? "FAILED" : "fine");
    return bad;
}

static size_t disturb(const faults_command *command, const options *o)
{
    void *memory =
        mmap(NULL, sizeof(results) + 64, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 1;
    results *r = memory;
    _Atomic int *listed = (_Atomic int *)((char *)memory + sizeof(results));
    int64_t began = tsr_process_clock();
    fflush(stdout);
    for (size_t i = 0; i < o->jobs; i++)
        if (fork() == 0)
            _exit(work(command, o, i, r, listed));
    while (wait(NULL) > 0)
        continue;
    size_t bad = 1;
    if (*r->problem)
        printf("%-10s %s  FAILED\n", command->name, r->problem);
    else
        bad = print(command, o, r, (double)(tsr_process_clock() - began) / 1000);
    munmap(memory, sizeof(results) + 64);
    return bad;
}

static bool is_wanted(const faults_command *command, int n, char **names)
{
    bool wanted = n == 0;
    for (int i = 0; i < n; i++)
        wanted |= strcmp(names[i], command->name) == 0;
    return wanted;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = { { "system", no_argument, NULL, 's' },
                                           { "sticky", no_argument, NULL, 'a' },
                                           { "sample", required_argument, NULL, 'n' },
                                           { "skip", required_argument, NULL, 'k' },
                                           { "jobs", required_argument, NULL, 'j' },
                                           { "verbose", no_argument, NULL, 'v' },
                                           { NULL, 0, NULL, 0 } };
    options o = { .kind = FAULTS_MEMORY, .jobs = (size_t)sysconf(_SC_NPROCESSORS_ONLN) };
    size_t bad = 0;
    for (int option; (option = getopt_long(argc, argv, "", longs, NULL)) != -1;)
        switch (option) {
        case 's':
            o.kind = FAULTS_SYSTEM;
            break;
        case 'a':
            o.sticky = true;
            break;
        case 'n':
            o.sample = strtoul(optarg, NULL, 10);
            break;
        case 'k':
            o.skip = strtoul(optarg, NULL, 10);
            break;
        case 'j':
            o.jobs = strtoul(optarg, NULL, 10);
            break;
        case 'v':
            o.verbose = true;
            break;
        default:
            return EXIT_FAILURE;
        }
    for (size_t i = 0; i < faults_n_commands; i++)
        if (is_wanted(&faults_commands[i], argc - optind, argv + optind))
            bad += disturb(&faults_commands[i], &o);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
