/* The handler reads memory and writes memory: the list of loaded files is walked where the dynamic linker
   keeps it, without its lock, and names are looked up in the symbol tables of the files later, by the process
   that tells. */
#include "base/crash.h"

#include "base/symbol.h"

#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <tessera/base.h>
#include <tessera/plugin.h>
#include <ucontext.h>
#include <unistd.h>

enum { MAX_ADDRESSES = 48, STACK_SIZE = 1 << 16 };
enum { BEYOND = 1 << 20 }; /* how far below a full stack a function's arrays may reach */

static tsr_crash *note; /* NULL: nobody reads it */
static bool watches_segfaults;
static pthread_key_t stack_key; /* of the stacks that threads' handlers run on */
static pthread_once_t stack_key_made = PTHREAD_ONCE_INIT;

/* The thread's own stack, guard pages included; 0 and 0: not known. */
static _Thread_local bool is_watched;
static _Thread_local uintptr_t stack_begin, stack_writable;
static _Thread_local size_t stack_size;

/* The file that holds an address: of those that begin before it the last. */
static const struct link_map *file_of(uintptr_t address)
{
    const struct link_map *found = NULL;
    for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next)
        if (map->l_addr <= address && (!found || map->l_addr > found->l_addr))
            found = map;
    return found;
}

/* By bytes: nothing of the C library's that is not safe here. */
static void copy_end(char *out, size_t capacity, const char *text)
{
    size_t length = 0, first = 0;
    while (text[length])
        length++;
    if (length >= capacity)
        first = length - capacity + 1;
    for (size_t i = first; i <= length; i++)
        out[i - first] = text[i];
}

static bool same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static void add_frame(uintptr_t address)
{
    const struct link_map *map = file_of(address);
    uint32_t n = atomic_load(&note->n);
    if (!map || n == TSR_CRASH_FRAMES)
        return;
    tsr_crash_frame *frame = &note->frames[n];
    copy_end(frame->file, sizeof(frame->file), map->l_name);
    frame->offset = address - map->l_addr;
    if (n == 0 || !same_text(frame->file, note->frames[n - 1].file))
        atomic_store(&note->n, n + 1);
}

/* Where it happened; 0: this machine's context is not known here. */
static uintptr_t place_of(const void *context)
{
#if defined(__x86_64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

static void note_full_stack(int number, const siginfo_t *info)
{
    uintptr_t address = (uintptr_t)info->si_addr;
    if (number != SIGSEGV || info->si_code <= 0 || !stack_writable)
        return;
    if (address < stack_writable && address + BEYOND >= stack_begin) {
        note->stack = stack_size;
        note->is_first_full = getpid() == gettid();
    }
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    void *addresses[MAX_ADDRESSES];
    uintptr_t place = place_of(context);
    if (note && atomic_load(&note->n) == 0) {
        note_full_stack(number, info);
        int n = backtrace(addresses, MAX_ADDRESSES), first = 0;
        while (first < n && (uintptr_t)addresses[first] != place)
            first++;
        if (place)
            add_frame(place);
        for (int i = first + 1; i < n; i++)
            add_frame((uintptr_t)addresses[i] - 1); /* in the call, not behind it */
    }
    raise(number); /* its own action, once this returns */
}

static void free_stack(void *stack)
{
    stack_t none = { .ss_flags = SS_DISABLE };
    sigaltstack(&none, NULL);
    munmap(stack, STACK_SIZE);
}

static void make_stack_key(void)
{
    pthread_key_create(&stack_key, free_stack);
}

static void learn_stack(void)
{
    pthread_attr_t attributes;
    void *begin;
    size_t size, guard = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    if (pthread_attr_getstack(&attributes, &begin, &size) == 0 &&
        pthread_attr_getguardsize(&attributes, &guard) == 0) {
        stack_begin = (uintptr_t)begin;
        stack_writable = stack_begin + guard + (uintptr_t)sysconf(_SC_PAGESIZE);
        stack_size = size;
    }
    pthread_attr_destroy(&attributes);
}

void tsr_crash_watch_thread(void)
{
    if (!note || !watches_segfaults || is_watched || pthread_once(&stack_key_made, make_stack_key) != 0)
        return;
    void *memory = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return;
    stack_t stack = { .ss_sp = memory, .ss_size = STACK_SIZE };
    if (sigaltstack(&stack, NULL) != 0 || pthread_setspecific(stack_key, memory) != 0) {
        free_stack(memory);
        return;
    }
    is_watched = true;
    learn_stack();
}

void tsr_crash_watch_threads(void)
{
    if (!note)
        return;
#pragma omp parallel num_threads(tsr_threads())
    tsr_crash_watch_thread();
}

void tsr_crash_watch(tsr_crash *out)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    void *address;
    note = out;
    backtrace(&address, 1); /* what it loads, it loads now */
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        struct sigaction before,
            action = { .sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND };
        bool is_free = sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL;
        if (is_free)
            sigaction(signals[i], &action, NULL);
        if (signals[i] == SIGSEGV)
            watches_segfaults |= is_free;
    }
    tsr_crash_watch_thread();
}

void tsr_crash_leave(void)
{
    note = NULL;
}

void tsr_thrown(const char *text)
{
    if (!note || !text)
        return;
    snprintf(note->thrown, sizeof(note->thrown), "%s", text);
    for (char *c = note->thrown; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

/* --- telling --- */

static const char *name_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

/* Whether it is one of the libraries that a plugin's mistake shows in. */
static bool is_of_system(const char *file)
{
    static const char *const names[] = { "libc.so",    "libm.so",       "libstdc++.so", "libgcc_s.so",
                                         "ld-linux",   "libgomp.so",    "linux-vdso",   "libtessera.so",
                                         "libpthread", "libopenblas.so" };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strncmp(name_of(file), names[i], strlen(names[i])) == 0)
            return true;
    return !*file; /* the program */
}

static void add_text(const char *given, tsr_text *out)
{
    char text[sizeof(((tsr_crash *)0)->thrown)];
    memcpy(text, given, sizeof(text));
    text[sizeof(text) - 1] = '\0';
    while (*text && !tsr_is_utf8(text)) /* it was cut within a character, or is none */
        text[strlen(text) - 1] = '\0';
    if (*text)
        tsr_text_add(out, ", which threw '%s'", text);
}

static void add_place(const tsr_crash *crash, tsr_text *out)
{
    uint32_t n = atomic_load(&crash->n), at = 0;
    if (n == 0 || n > TSR_CRASH_FRAMES)
        return;
    tsr_crash_frame frames[TSR_CRASH_FRAMES];
    memcpy(frames, crash->frames, sizeof(frames));
    for (uint32_t i = 0; i < n; i++)
        frames[i].file[sizeof(frames[i].file) - 1] = '\0';
    while (at < n && is_of_system(frames[at].file))
        at++;
    if (at == n)
        at = 0;
    if (!frames[at].file[0] || !tsr_is_utf8(frames[at].file))
        return;
    char *function = tsr_symbol_name(frames[at].file, frames[at].offset);
    if (function)
        tsr_text_add(out, ", in function %s (%s+0x%llx)", function, name_of(frames[at].file),
                     (unsigned long long)frames[at].offset);
    else
        tsr_text_add(out, ", at %s+0x%llx", name_of(frames[at].file), (unsigned long long)frames[at].offset);
    free(function);
}

void tsr_crash_describe(const tsr_crash *crash, tsr_text *out)
{
    add_text(crash->thrown, out);
    add_place(crash, out);
    if (crash->stack)
        tsr_text_add(out, ", as %s stack of %llu KiB is full (%s)",
                     crash->is_first_full ? "the first thread's" : "a worker thread's",
                     (unsigned long long)crash->stack / 1024,
                     crash->is_first_full ? "ulimit -s" : "OMP_STACKSIZE");
}
