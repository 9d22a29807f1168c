/* The guard. One page of memory holds the plugins by number, what the leading process is at, and its final
   word. A forked process gets a place of its own to note in by pthread_atfork, so that what it does is not
   taken for what the leading process does. */
#include "base/guard.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/process.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_PLUGINS = 256, MAX_FILE = 1024, MAX_NAME = 192 };

/* Number 0 is none, number 1 "a plugin". */
enum { ANY_PLUGIN = 1, FIRST_PLUGIN };

typedef struct plugin_texts {
    char file[MAX_FILE], kind[16], name[MAX_NAME];
} plugin_texts;

typedef struct page {
    tsr_calls calls; /* of the leading process */
    tsr_crash crash; /* of that too */
    _Atomic int exit_status, concluded;
    _Atomic unsigned n; /* plugins with a number */
    plugin_texts plugins[MAX_PLUGINS];
} page;

static page own_page = { .n = FIRST_PLUGIN };
static tsr_calls forked_calls;

/* Of the process. */
static page *current_page = &own_page;
static tsr_calls *current_calls = &own_page.calls;
static bool is_forked;                 /* from the one that leads, or leads nothing */
static tsr_guard_watch *current_watch; /* NULL: nobody watches */
static _Thread_local unsigned thread_number;

static const char *const operations[] = {
    [TSR_CALL_LOAD] = "a constructor", [TSR_CALL_INIT] = "init",       [TSR_CALL_FINI] = "fini",
    [TSR_CALL_CHECK] = "check",        [TSR_CALL_OPEN] = "open",       [TSR_CALL_READ] = "read",
    [TSR_CALL_CLOSE] = "close",        [TSR_CALL_BUILD] = "build",     [TSR_CALL_FORWARD] = "forward",
    [TSR_CALL_BACKWARD] = "backward",  [TSR_CALL_PENALTY] = "penalty", [TSR_CALL_SLOTS] = "slots",
    [TSR_CALL_UPDATE] = "update",      [TSR_CALL_RUN] = "run",         [TSR_CALL_JOIN] = "join",
    [TSR_CALL_SHARE] = "share",        [TSR_CALL_EXECUTE] = "execute", [TSR_CALL_EVALUATE] = "evaluate",
    [TSR_CALL_FACTOR] = "factor",      [TSR_CALL_PLACE] = "place",     [TSR_CALL_CHANGE] = "change",
    [TSR_CALL_IS_IDLE] = "is_idle",    [TSR_CALL_TARGET] = "target",   [TSR_CALL_OUTPUTS] = "outputs",
};
enum { N_OPERATIONS = sizeof(operations) / sizeof(*operations) };

/* --- plugins and their numbers --- */

/* The end of a path tells more than its beginning. */
static void copy_file(char *out, const char *file)
{
    size_t length = strlen(file);
    if (length < MAX_FILE)
        memcpy(out, file, length + 1);
    else
        snprintf(out, MAX_FILE, "...%s", file + length - (MAX_FILE - 4));
}

static void fill_texts(plugin_texts *out, const char *file, const char *kind, const char *name)
{
    copy_file(out->file, file ? file : "");
    snprintf(out->kind, sizeof(out->kind), "%s", kind ? kind : "");
    snprintf(out->name, sizeof(out->name), "%s", name ? name : "");
}

static bool same_texts(const plugin_texts *a, const plugin_texts *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->kind, b->kind) == 0 && strcmp(a->file, b->file) == 0;
}

unsigned tsr_guard_plugin(const char *file, const char *kind, const char *name)
{
    plugin_texts texts;
    unsigned n = atomic_load(&current_page->n);
    fill_texts(&texts, file, kind, name);
    for (unsigned i = FIRST_PLUGIN; i < n; i++)
        if (same_texts(&current_page->plugins[i], &texts))
            return i;
    bool is_shared = current_page != &own_page;
    if (n == MAX_PLUGINS || (is_shared && is_forked)) /* others write there as well */
        return ANY_PLUGIN;
    current_page->plugins[n] = texts;
    atomic_store(&current_page->n, n + 1);
    return n;
}

/* --- noting --- */

tsr_call tsr_guard_note(tsr_call call)
{
    _Atomic tsr_call *place = &current_calls->of_thread[thread_number];
    tsr_call before = atomic_load_explicit(place, memory_order_relaxed);
    atomic_store_explicit(place, call, memory_order_relaxed);
    if (current_watch && (before || call))
        current_watch(before, call);
    return before;
}

void tsr_guard_watch_calls(tsr_guard_watch *watch)
{
    current_watch = watch;
}

tsr_guarded tsr_guard_enter(tsr_call call)
{
    tsr_guarded guarded = { .call = call, .folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC) };
    if (call && !current_watch)
        tsr_surroundings_take(&guarded.surroundings);
    guarded.before = tsr_guard_note(call);
    return guarded;
}

static void go_back(int folder)
{
    if (folder < 0)
        return;
    if (fchdir(folder) != 0) {
        /* It has been removed: there is nothing to go back to. */
    }
    close(folder);
}

static void restore_surroundings(const tsr_guarded *guarded)
{
    tsr_surroundings now;
    tsr_text what = { 0 }, call = { 0 };
    tsr_surroundings_take(&now);
    if (tsr_surroundings_differ(&guarded->surroundings, &now, &what)) {
        tsr_guard_describe_call(guarded->call, &call);
        tsr_surroundings_restore(&guarded->surroundings);
        if (!is_forked && call.chars && what.chars)
            tsr_log_warning_once("%s has changed %s; what can be put back is put back", call.chars,
                                 what.chars);
    }
    free(what.chars);
    free(call.chars);
}

void tsr_guard_leave(tsr_guarded guarded)
{
    tsr_guard_note(guarded.before); /* first: who watches sees the folder as the call has left it */
    go_back(guarded.folder);
    if (guarded.call && !current_watch)
        restore_surroundings(&guarded);
}

void tsr_guard_set_thread(unsigned number)
{
    thread_number = number < TSR_GUARD_THREADS ? number : TSR_GUARD_THREADS - 1;
}

void tsr_guard_use(tsr_calls *calls)
{
    if (is_forked && calls)
        current_calls = calls;
}

bool tsr_guard_is_forked(void)
{
    return is_forked;
}

/* --- telling --- */

/* The process that wrote it may have been damaged: a copy whose texts end. */
static bool find_texts(tsr_call call, plugin_texts *out)
{
    unsigned plugin = call >> 8, n = atomic_load(&current_page->n);
    if (plugin < FIRST_PLUGIN || plugin >= n || n > MAX_PLUGINS)
        return false;
    *out = current_page->plugins[plugin];
    out->file[MAX_FILE - 1] = out->kind[sizeof(out->kind) - 1] = out->name[MAX_NAME - 1] = '\0';
    return true;
}

static const char *operation_of(tsr_call call)
{
    unsigned operation = call & 0xff;
    return operation < N_OPERATIONS ? operations[operation] : "an operation";
}

void tsr_guard_describe_call(tsr_call call, tsr_text *out)
{
    plugin_texts texts;
    if (!find_texts(call, &texts))
        tsr_text_add(out, "%s of a plugin", operation_of(call));
    else if (!texts.kind[0])
        tsr_text_add(out, "%s of %s", operation_of(call), texts.file);
    else
        tsr_text_add(out, "%s of %s %s (%s)", operation_of(call), texts.kind, texts.name,
                     texts.file[0] ? texts.file : "built in");
}

void tsr_guard_describe(const tsr_calls *calls, tsr_text *out)
{
    tsr_call told[TSR_GUARD_THREADS];
    size_t n = 0;
    for (size_t i = 0; i < TSR_GUARD_THREADS; i++) {
        tsr_call call = atomic_load(&calls->of_thread[i]);
        bool is_new = call != 0;
        for (size_t k = 0; k < n; k++)
            is_new = is_new && told[k] != call;
        if (!is_new)
            continue;
        if (n)
            tsr_text_add(out, " or ");
        tsr_guard_describe_call(call, out);
        told[n++] = call;
    }
}

void tsr_guard_describe_with(tsr_call call, tsr_text *out)
{
    tsr_guard_describe_call(call, out);
    for (size_t i = 0; i < TSR_GUARD_THREADS; i++) {
        tsr_call other = atomic_load(&current_calls->of_thread[i]);
        if (i == thread_number || !other || other == call)
            continue;
        tsr_text_add(out, " or ");
        tsr_guard_describe_call(other, out);
    }
}

void tsr_guard_describe_current(tsr_text *out)
{
    tsr_guard_describe(&current_page->calls, out);
}

/* Where only the main thread is at a call the message is that of any refused plugin: file, kind and name. */
bool tsr_guard_describe_end(int ended, tsr_text *out)
{
    tsr_call call = atomic_load(&current_page->calls.of_thread[0]);
    tsr_text all = { 0 }, during = { 0 };
    plugin_texts texts;
    tsr_guard_describe_current(&all);
    if (!all.chars)
        return false;
    if (call && !strstr(all.chars, " or ") && find_texts(call, &texts)) {
        tsr_text_add(&during, "in %s", operation_of(call));
        if (texts.file[0])
            tsr_text_add(out, "%s: ", texts.file);
        if (texts.kind[0])
            tsr_text_add(out, "%s %s: ", texts.kind, texts.name);
    } else {
        tsr_text_add(&during, "in %s", all.chars);
        tsr_text_add(out, "tessera: ");
    }
    tsr_process_describe_end(ended, during.chars ? during.chars : "", out);
    tsr_crash_describe(&current_page->crash, out);
    if (!WIFSIGNALED(ended) || tsr_process_is_crash(WTERMSIG(ended)))
        tsr_text_add(out, "; try it with 'tessera test', or run it under a debugger");
    free(during.chars);
    free(all.chars);
    return true;
}

/* --- the leading process --- */

static void note_apart(void)
{
    is_forked = true;
    current_calls = &forked_calls;
    forked_calls = (tsr_calls){ 0 };
    tsr_crash_leave();
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, note_apart);
}

/* Where nobody waits for the process. */
static void tell_of_exit(int exit_status, void *unused)
{
    (void)unused;
    tsr_text message = { 0 };
    if (is_forked || atomic_load(&own_page.concluded) ||
        !tsr_guard_describe_end(W_EXITCODE(exit_status, 0), &message))
        return;
    fprintf(stderr, "%s\n", message.chars ? message.chars : "a plugin ended the process");
    fflush(NULL);
    _exit(atomic_load(&own_page.exit_status));
}

bool tsr_guard_share(void)
{
    page *memory = mmap(NULL, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    atomic_store(&memory->n, FIRST_PLUGIN);
    current_page = memory;
    current_calls = &memory->calls;
    return true;
}

void tsr_guard_lead(int exit_status)
{
    is_forked = false;
    current_calls = &current_page->calls;
    tsr_guard_exit_status(exit_status);
    if (current_page != &own_page)
        tsr_crash_watch(&current_page->crash);
    else
        on_exit(tell_of_exit, NULL);
}

void tsr_guard_exit_status(int exit_status)
{
    atomic_store(&current_page->exit_status, exit_status);
}

void tsr_guard_conclude(int exit_status)
{
    tsr_guard_exit_status(exit_status);
    atomic_store(&current_page->concluded, 1);
}

tsr_guard_outcome tsr_guard_read(void)
{
    return (tsr_guard_outcome){ .concluded = atomic_load(&current_page->concluded) == 1,
                                .exit_status = atomic_load(&current_page->exit_status) };
}
