/* One command, disturbed once. The undisturbed command has been done in a folder of the same name, so that
   all that it writes can be compared byte for byte; clocks stand still meanwhile (inject.c). */
#include "faults.h"

#include "calls.h"

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_MILLISECONDS 60000 /* for a command that takes a tenth of a second */
#define MAX_TEXT (1 << 20)
#define NO_SITE 1 /* a target that no place has */

static const char study[] =
    "name = \"faults\";  seed = 1;\n"
    "dataset = { plugin = \"synthetic\";  train = 60;  test = 30;  dimension = 4;  classes = 3; };\n"
    "model = { plugin = \"mlp\";  width = 5;  batch_norm = true; };\n"
    "regularizers = ( { plugin = \"l2\";  weight = 1e-4; } );\n"
    "training = { epochs = 2;  batch = 16;  snapshots = [ 0, 2 ];\n"
    "             schedule = { kind = \"step\";  every = 1;  factor = 0.5; }; };\n"
    "probes = ( { plugin = \"redundancy\"; }, { plugin = \"kmeans\";  k = 3; }, { plugin = \"knn\";  k = 3; "
    "},\n"
    "           { plugin = \"logistic_regression\"; } );\n"
    "sweep = ( { key = \"model.width\";  values = [ 4, 5 ]; } );\n"
    "output = { save_model = true;  save_codes = true; };\n"
    "executor = { plugin = \"local\";  jobs = 1;  threads = 1; };\n";

const faults_command faults_commands[] = {
    { "check", "check study.cfg", false },
    { "run", "run study.cfg -o out", false },
    { "report", "report out", true },
    { "list", "list", false },
    { "describe", "describe model/mlp", false },
};
const size_t faults_n_commands = sizeof(faults_commands) / sizeof(*faults_commands);

const char *const faults_outcome_names[FAULTS_N_OUTCOMES] = {
    [FAULTS_TOLD] = "told",           [FAULTS_WARNED] = "warned",   [FAULTS_FOREIGN] = "of libgomp",
    [FAULTS_TOLERATED] = "tolerated", [FAULTS_NOT_MET] = "not met", [FAULTS_SILENT] = "silent",
    [FAULTS_CRASHED] = "crashed",     [FAULTS_HALF] = "half file",
};

const char *const faults_call_names[FAULTS_N_CALLS] = {
    [FAULTS_ALLOCATE] = "allocation",
    [FAULTS_OPEN] = "open",
    [FAULTS_READ] = "read",
    [FAULTS_WRITE] = "write",
    [FAULTS_RENAME] = "rename",
    [FAULTS_SYNC] = "fsync",
    [FAULTS_MAP] = "mmap",
    [FAULTS_LOCK] = "flock",
    [FAULTS_CLOSE] = "close",
    [FAULTS_TRUNCATE] = "ftruncate",
    [FAULTS_MKDIR] = "mkdir",
    [FAULTS_PIPE] = "pipe",
    [FAULTS_FORK] = "fork",
    [FAULTS_THREAD] = "thread",
    [FAULTS_SPAWN] = "spawn",
};

static const char *build(void)
{
    static char path[PATH_MAX];
    const char *given = getenv("TSR_BUILD");
    if (!*path && !realpath(given ? given : ".", path))
        path[0] = '\0';
    return path;
}

/* Libtool's program is a script; what it starts is disturbed, and not the shell. */
static const char *program(void)
{
    static char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/.libs/tessera", build());
    if (access(path, X_OK) != 0)
        snprintf(path, sizeof(path), "%s/tessera", build());
    return path;
}

static char *within(const faults_bench *b, const char *name)
{
    char *path = tsr_path_join(b->folder, name);
    if (!path)
        abort();
    return path;
}

static void set_environment(const faults_bench *b)
{
    char module[PATH_MAX + 64], libraries[PATH_MAX + 16], plugins[PATH_MAX + 16];
    snprintf(module, sizeof(module), "%s/tests/faults/.libs/inject.so", build());
    snprintf(libraries, sizeof(libraries), "%s/.libs", build());
    snprintf(plugins, sizeof(plugins), "%s/plugins", build());
    setenv(FAULTS_FILE, b->map_file, 1);
    setenv("LD_LIBRARY_PATH", libraries, 1);
    setenv("TESSERA_PLUGIN_PATH", plugins, 1);
    setenv("HOME", b->folder, 1); /* where nobody has plugins */
    /* What the program would start itself again for. */
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    setenv("OMP_WAIT_POLICY", "passive", 1);
    setenv("GOMP_SPINCOUNT", "10000", 1);
    setenv("OPENBLAS_CORETYPE", "Prescott", 0);
    setenv("LD_PRELOAD", module, 1);
}

static void divert(const faults_bench *b, const char *name, int to)
{
    char *path = within(b, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || dup2(fd, to) < 0)
        _exit(126);
    close(fd);
    free(path);
}

static _Noreturn void be_command(const faults_bench *b, const char *arguments)
{
    char *words[16] = { (char *)(uintptr_t) "tessera" }, *copy = strdup(arguments),
         *folder = within(b, "job");
    int n = 1;
    for (char *word = strtok(copy, " "); word && n < 15; word = strtok(NULL, " "))
        words[n++] = word;
    setpgid(0, 0);
    divert(b, "stdout", STDOUT_FILENO);
    divert(b, "stderr", STDERR_FILENO);
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    if (nothing > STDERR_FILENO)
        close(nothing);
    if (chdir(folder) != 0)
        _exit(126);
    set_environment(b);
    execv(program(), words);
    _exit(126);
}

/* How it ended, as waitpid tells; -1: not at all. */
static int run(const faults_bench *b, uint64_t target)
{
    b->map->target = target;
    b->map->hit = b->map->watched = 0;
    b->map->crashed = 0;
    pid_t pid = fork();
    if (pid == 0)
        be_command(b, b->command->arguments);
    setpgid(pid, pid);
    bool ended = tsr_process_wait(pid, tsr_process_clock() + MAX_MILLISECONDS);
    int how = tsr_process_end(pid);
    return ended ? how : -1;
}

static char *take(const faults_bench *b, const char *name)
{
    char *path = within(b, name), *text = NULL;
    size_t length;
    tsr_status *status = tsr_read_file(path, MAX_TEXT, &text, &length);
    if (status) {
        fprintf(stderr, "%s\n", tsr_status_message(status));
        exit(EXIT_FAILURE);
    }
    free(path);
    return text;
}

/* The folder as the command finds it. */
static void begin_again(const faults_bench *b)
{
    char *start = within(b, "start"), *job = within(b, "job");
    tsr_status_free(tsr_remove_tree(job));
    faults_copy_tree(start, job);
    free(start);
    free(job);
}

static bool map_file(faults_bench *b)
{
    b->map_file = within(b, "map");
    int fd = open(b->map_file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || ftruncate(fd, sizeof(faults_map)) != 0)
        return false;
    void *memory = mmap(NULL, sizeof(faults_map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    b->map = memory == MAP_FAILED ? NULL : memory;
    return b->map != NULL;
}

static bool write_study(const faults_bench *b)
{
    char *start = within(b, "start"), *path = within(b, "start/study.cfg");
    tsr_status *status = tsr_make_folder(start);
    if (!status)
        status = tsr_write_file(path, study, strlen(study));
    free(start);
    free(path);
    bool written = !status;
    tsr_status_free(status);
    return written;
}

/* Does the study, so that the command finds it done. */
static bool do_study(faults_bench *b)
{
    const faults_command *meant = b->command;
    static const faults_command doing = { "run", "run study.cfg -o out", false };
    char *start = within(b, "start"), *job = within(b, "job");
    begin_again(b);
    b->command = &doing;
    bool done = run(b, NO_SITE) == 0;
    b->command = meant;
    tsr_status_free(tsr_remove_tree(start));
    if (done)
        faults_copy_tree(job, start);
    free(start);
    free(job);
    return done;
}

const char *faults_begin(const faults_command *command, faults_kind kind, const char *folder, faults_bench *b)
{
    *b = (faults_bench){ .command = command, .folder = strdup(folder) };
    char *wanted = within(b, "wanted"), *job = within(b, "job");
    const char *problem = NULL;
    if (!write_study(b) || !map_file(b))
        problem = "the folder cannot be written";
    if (!problem) {
        snprintf(b->map->ours, sizeof(b->map->ours), "%s/", build());
        b->map->kind = kind;
        if (command->done && !do_study(b))
            problem = "the study cannot be done";
    }
    if (!problem) {
        begin_again(b);
        int how = run(b, 0);
        if (how != 0)
            problem = "the undisturbed command fails";
        else if (b->map->full || !b->map->watched || !b->map->n_sites)
            problem = "the program cannot be watched";
        faults_copy_tree(job, wanted);
        b->wanted_out = take(b, "stdout");
    }
    free(wanted);
    free(job);
    return problem;
}

void faults_end(faults_bench *b)
{
    if (b->map)
        munmap(b->map, sizeof(*b->map));
    tsr_status_free(tsr_remove_tree(b->folder));
    free(b->map_file);
    free(b->wanted_out);
    free(b->folder);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const faults_site *)a)->key, y = ((const faults_site *)b)->key;
    return x < y ? -1 : x > y;
}

size_t faults_list(const faults_bench *b, faults_site *out)
{
    size_t n = 0;
    for (size_t i = 0; i < FAULTS_SITES; i++)
        if (b->map->sites[i].key && b->map->sites[i].ready)
            memcpy(&out[n++], &b->map->sites[i], sizeof(*out));
    qsort(out, n, sizeof(*out), by_key);
    return n;
}

static bool as_wanted(const faults_bench *b, char *why, size_t capacity)
{
    char *wanted = within(b, "wanted"), *job = within(b, "job");
    bool same = faults_same_tree(wanted, job, why, capacity);
    free(wanted);
    free(job);
    return same;
}

/* The same command, undisturbed, where it was disturbed: not where that has left nothing. */
static faults_outcome go_on(const faults_bench *b, char *why, size_t capacity)
{
    char *job = within(b, "job"), *start = within(b, "start");
    bool whole = faults_whole_tree(job, why, capacity),
         untouched = whole && faults_same_tree(start, job, why, capacity);
    free(job);
    free(start);
    if (!whole)
        return FAULTS_HALF;
    if (untouched)
        return FAULTS_TOLD;
    int how = run(b, NO_SITE);
    if (how != 0) {
        snprintf(why, capacity, "the command does not succeed afterwards");
        return FAULTS_HALF;
    }
    return as_wanted(b, why, capacity) ? FAULTS_TOLD : FAULTS_HALF;
}

static void quote(char *why, size_t capacity, int status, const char *what, char *text)
{
    text[strcspn(text, "\n")] = '\0';
    snprintf(why, capacity, "exit status %d%s%.200s", status, what, text);
}

/* Whether the call is a library's own, on our behalf. */
static bool is_by(const faults_bench *b, const faults_site *site, const char *library)
{
    const char *file = site->caller.module < FAULTS_MODULES ? b->map->modules[site->caller.module] : "";
    const char *slash = strrchr(file, '/');
    return slash && strncmp(slash + 1, library, strlen(library)) == 0;
}

/* The line of stdout that is not the undisturbed command's. */
static void quote_difference(const faults_bench *b, const char *out, char *why, size_t capacity)
{
    size_t line = 0;
    for (size_t i = 0; out[i] && out[i] == b->wanted_out[i]; i++)
        if (out[i] == '\n')
            line = i + 1;
    snprintf(why, capacity, "exit status 0, and stdout has: %.*s", (int)strcspn(out + line, "\n"),
             out + line);
}

/* Exit status 0. */
static faults_outcome judge_done(const faults_bench *b, const char *out, char *err, char *why,
                                 size_t capacity)
{
    bool same = strcmp(out, b->wanted_out) == 0;
    char *job = within(b, "job"), unused[8];
    bool whole = faults_whole_tree(job, unused, sizeof(unused));
    free(job);
    if (same && as_wanted(b, why, capacity))
        return FAULTS_TOLERATED;
    if (*err)
        quote(why, capacity, 0, ": ", err);
    else if (!same)
        quote_difference(b, out, why, capacity);
    return b->map->kind == FAULTS_SYSTEM && whole && *err ? FAULTS_WARNED : FAULTS_SILENT;
}

static faults_outcome judge(const faults_bench *b, int how, const char *out, char *err, char *why,
                            size_t capacity)
{
    int status = WIFEXITED(how) ? WEXITSTATUS(how) : 0;
    if (how < 0) {
        snprintf(why, capacity, "did not end");
        return FAULTS_CRASHED;
    }
    if (!b->map->hit)
        return FAULTS_NOT_MET;
    /* libconfig crashes in a process of its own, which the message tells of. */
    bool apart = WIFEXITED(how) && status && strstr(err, "while libconfig read it");
    if (WIFSIGNALED(how) || (b->map->crashed && !apart)) {
        snprintf(why, capacity, "signal %d", WIFSIGNALED(how) ? WTERMSIG(how) : (int)b->map->crashed);
        return FAULTS_CRASHED;
    }
    if (status == 0)
        return judge_done(b, out, err, why, capacity);
    if ((status != 2 && status != 3) || !*err) {
        quote(why, capacity, status, *err ? ": " : " without a message", err);
        return FAULTS_SILENT;
    }
    return go_on(b, why, capacity);
}

faults_outcome faults_try(faults_bench *b, const faults_site *site, bool sticky, char *why, size_t capacity)
{
    begin_again(b);
    *why = '\0';
    b->map->sticky = sticky;
    b->map->caller = site->place.module == FAULTS_NO_FRAME ? 0 : site->place.offset & 0xfff;
    int how = run(b, site->key);
    char *out = take(b, "stdout"), *err = take(b, "stderr");
    faults_outcome outcome = judge(b, how, out, err, why, capacity);
    if (outcome == FAULTS_SILENT && is_by(b, site, "libgomp"))
        outcome = FAULTS_FOREIGN;
    free(out);
    free(err);
    return outcome;
}
