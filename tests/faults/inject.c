/* Preloaded into the program: counts the places that ask for memory, or makes one of them get none. A place
   is known by the return addresses of the calls that lead to it, those of our own files, so that it is the
   same in each process. Clocks stand still, so that what is written twice is the same. */
#include "inject.h"

#include "calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#define EXPORT __attribute__((visibility("default")))
#define CALLER ((uintptr_t)__builtin_return_address(0))
#define PAGE_BITS 0xfff

enum { MAX_FRAMES = 48, NOW = 1767225600 };

faults_map *faults;

static _Thread_local __attribute__((tls_model("initial-exec"))) bool is_busy;
static bool is_starved; /* the process has no memory from now on */
static const char *own_begin, *own_end;

/* glibc's own, under the names that it keeps for this. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

/* --- places --- */

typedef struct file {
    const struct link_map *map;
    uint16_t number;
    bool ours, of_c, of_jansson;
} file;

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

/* The number of a file's name in the table, which is small. */
static uint16_t number_of(const char *name)
{
    uint16_t n = 0;
    while (atomic_exchange(&faults->lock, 1))
        sched_yield();
    while (n < faults->n_modules && strcmp(faults->modules[n], name) != 0)
        n++;
    if (n == faults->n_modules && n < FAULTS_MODULES && strlen(name) < FAULTS_MODULE) {
        strcpy(faults->modules[n], name);
        faults->n_modules++;
    }
    atomic_store(&faults->lock, 0);
    return n;
}

static char program[PATH_MAX];

static file describe(const struct link_map *map)
{
    const char *name = *map->l_name ? map->l_name : program, *slash = strrchr(name, '/');
    slash = slash ? slash + 1 : name;
    return (file){ .map = map,
                   .number = number_of(name),
                   .ours = begins_with(name, faults->ours) && !strstr(name, "/tests/faults/"),
                   .of_c = begins_with(slash, "libc.so") || begins_with(slash, "ld-linux"),
                   .of_jansson = begins_with(slash, "libjansson") };
}

/* The file that an address lies in, from a table of those that were seen. */
static const file *file_of(uintptr_t address)
{
    static file seen[FAULTS_MODULES];
    static _Atomic unsigned n_seen;
    struct dl_find_object found;
    if (_dl_find_object((void *)address, &found) != 0)
        return NULL;
    unsigned n = atomic_load(&n_seen);
    for (unsigned i = 0; i < n; i++)
        if (seen[i].map == found.dlfo_link_map)
            return &seen[i];
    static _Atomic unsigned lock;
    while (atomic_exchange(&lock, 1))
        sched_yield();
    n = atomic_load(&n_seen);
    const file *out = NULL;
    for (unsigned i = 0; i < n && !out; i++)
        out = seen[i].map == found.dlfo_link_map ? &seen[i] : NULL;
    if (!out && n < FAULTS_MODULES) {
        seen[n] = describe(found.dlfo_link_map);
        out = &seen[n];
        atomic_store(&n_seen, n + 1);
    }
    atomic_store(&lock, 0);
    return out;
}

typedef struct walk {
    faults_site site;
    unsigned n, n_ours;
    bool begun;
} walk;

static _Unwind_Reason_Code look(struct _Unwind_Context *context, void *data)
{
    walk *w = data;
    uintptr_t address = _Unwind_GetIP(context);
    if (++w->n > MAX_FRAMES || !address)
        return _URC_END_OF_STACK;
    if ((const char *)address >= own_begin && (const char *)address < own_end)
        return _URC_NO_REASON;
    const file *in = file_of(address);
    if (!in)
        return _URC_NO_REASON;
    if (in->of_jansson && w->n_ours == 1) { /* whose allocator is ours, which tells nothing */
        w->n_ours = 0;
        w->begun = false;
    }
    faults_place place = { in->number, (uint32_t)(address - in->map->l_addr) };
    if (!w->begun && !in->of_c) { /* whoever called the C library */
        w->site.caller = place;
        w->begun = true;
    }
    if (in->ours)
        w->site.ours[w->n_ours++] = place;
    return w->n_ours == FAULTS_FRAMES ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

/* Of the names' bytes and not their numbers, which depend on who came first. */
static uint64_t mix_place(uint64_t hash, faults_place place)
{
    if (place.module >= FAULTS_MODULES)
        return mix(hash, 1);
    for (const char *c = faults->modules[place.module]; *c; c++)
        hash = mix(hash, (unsigned char)*c);
    return mix(hash, place.offset);
}

static uint64_t key_of(const faults_site *site)
{
    uint64_t hash = mix_place(mix_place(mix(0, site->call), site->place), site->caller);
    for (int i = 0; i < FAULTS_FRAMES; i++)
        hash = mix_place(hash, site->ours[i]);
    return hash ? hash : 1;
}

static void note(const faults_site *site, uint64_t key)
{
    for (uint32_t i = (uint32_t)(key >> 20), tries = 0; tries < FAULTS_SITES; i++, tries++) {
        faults_site *at = &faults->sites[i % FAULTS_SITES];
        uint64_t none = 0;
        if (atomic_load(&at->key) == key)
            return;
        if (!atomic_compare_exchange_strong(&at->key, &none, key)) {
            if (none == key)
                return;
            continue;
        }
        at->call = site->call;
        at->place = site->place;
        at->caller = site->caller;
        memcpy(at->ours, site->ours, sizeof(at->ours));
        atomic_store(&at->ready, 1);
        atomic_fetch_add(&faults->n_sites, 1);
        return;
    }
    atomic_store(&faults->full, 1);
}

static bool hits(faults_kind kind, unsigned call, uintptr_t caller)
{
    walk w = { .site = { .call = (uint16_t)call } };
    const file *in = caller ? file_of(caller) : NULL;
    w.site.place.module = w.site.caller.module = FAULTS_NO_FRAME;
    if (in)
        w.site.place = (faults_place){ in->number, (uint32_t)(caller - in->map->l_addr) };
    for (int i = 0; i < FAULTS_FRAMES; i++)
        w.site.ours[i].module = FAULTS_NO_FRAME;
    _Unwind_Backtrace(look, &w);
    if (w.n_ours == 0) /* nothing of ours asks: as libraries are loaded, and in their own threads */
        return false;
    uint64_t key = key_of(&w.site);
    if (!faults->target) {
        note(&w.site, key);
        return false;
    }
    uint32_t none = 0;
    if (key != faults->target || !atomic_compare_exchange_strong(&faults->hit, &none, 1))
        return false;
    is_starved = faults->sticky && kind == FAULTS_MEMORY;
    return true;
}

bool faults_now(faults_kind kind, unsigned call, uintptr_t caller)
{
    if (!faults || is_busy || faults->kind != kind)
        return false;
    if (is_starved)
        return true;
    if (faults->target && (atomic_load(&faults->hit) || (caller && (caller & PAGE_BITS) != faults->caller)))
        return false;
    is_busy = true;
    bool now = hits(kind, call, caller);
    is_busy = false;
    return now;
}

/* --- memory --- */

static bool no_memory(uintptr_t caller)
{
    if (!faults_now(FAULTS_MEMORY, FAULTS_ALLOCATE, caller))
        return false;
    errno = ENOMEM;
    return true;
}

EXPORT void *malloc(size_t size)
{
    return no_memory(CALLER) ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t n, size_t size)
{
    return no_memory(CALLER) ? NULL : __libc_calloc(n, size);
}

EXPORT void *realloc(void *memory, size_t size)
{
    return no_memory(CALLER) ? NULL : __libc_realloc(memory, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    return no_memory(CALLER) ? NULL : __libc_memalign(alignment, size);
}

EXPORT void *memalign(size_t alignment, size_t size)
{
    return no_memory(CALLER) ? NULL : __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *memory = no_memory(CALLER) ? NULL : __libc_memalign(alignment, size);
    if (!memory)
        return ENOMEM;
    *out = memory;
    return 0;
}

/* --- calls that are more than one of the kernel's --- */

static void *next(const char *name)
{
    bool before = is_busy;
    is_busy = true;
    void *found = dlsym(RTLD_NEXT, name);
    is_busy = before;
    return found;
}

EXPORT pid_t fork(void)
{
    static pid_t (*real)(void);
    if (!real)
        real = (pid_t(*)(void))next("fork");
    if (!faults_now(FAULTS_SYSTEM, FAULTS_FORK, 0))
        return real();
    errno = EAGAIN;
    return -1;
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real)
        real =
            (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))next("pthread_create");
    return faults_now(FAULTS_SYSTEM, FAULTS_THREAD, 0) ? EAGAIN : real(thread, attributes, run, argument);
}

EXPORT int posix_spawnp(pid_t *process, const char *name, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const arguments[],
                        char *const environment[])
{
    static int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                       char *const[], char *const[]);
    if (!real)
        *(void **)&real = next("posix_spawnp");
    return faults_now(FAULTS_SYSTEM, FAULTS_SPAWN, 0)
               ? EAGAIN
               : real(process, name, actions, attributes, arguments, environment);
}

/* --- what a process ended by --- */

static void note_end(int number)
{
    static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP };
    for (size_t i = 0; faults && i < sizeof(crashes) / sizeof(*crashes); i++)
        if (crashes[i] == number)
            atomic_store(&faults->crashed, number);
}

EXPORT pid_t waitpid(pid_t pid, int *ended, int options)
{
    int own, *out = ended ? ended : &own;
    pid_t got = wait4(pid, out, options, NULL);
    if (got > 0 && WIFSIGNALED(*out))
        note_end(WTERMSIG(*out));
    return got;
}

/* --- clocks --- */

EXPORT int clock_gettime(clockid_t clock, struct timespec *out)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))next("clock_gettime");
    if (!faults || (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME))
        return real(clock, out);
    *out = (struct timespec){ .tv_sec = NOW };
    return 0;
}

EXPORT time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

EXPORT int getrusage(__rusage_who_t who, struct rusage *out)
{
    (void)who;
    *out = (struct rusage){ .ru_maxrss = 1 << 16 };
    return 0;
}

/* What is written need not outlast a fall of the power here. */
EXPORT int fsync(int fd)
{
    return faults && faults->kind == FAULTS_SYSTEM ? fdatasync(fd) : 0;
}

/* --- the beginning --- */

static bool open_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *memory =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(faults_map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    faults = memory == MAP_FAILED ? NULL : memory;
    return faults != NULL;
}

/* Programs that ours starts, such as gnuplot, are not disturbed. */
static __attribute__((constructor)) void begin(void)
{
    const char *path = getenv(FAULTS_FILE);
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    struct dl_find_object found;
    is_busy = true;
    if (path && length > 0 && open_map(path) && begins_with(program, faults->ours) &&
        _dl_find_object((void *)(uintptr_t)begin, &found) == 0) {
        own_begin = found.dlfo_map_start;
        own_end = found.dlfo_map_end;
        atomic_fetch_add(&faults->watched, 1);
        if (faults->kind == FAULTS_SYSTEM)
            faults_trap();
    } else {
        faults = NULL;
    }
    is_busy = false;
}
