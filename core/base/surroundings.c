/* What a process has once. */
#include "base/surroundings.h"

#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { MAX_SIGNALS = 64 };

/* Of the vector modes: bits of MXCSR and of FPCR. */
#if defined(__x86_64__)
#define VECTOR_ROUNDING 0x6000U
#define VECTOR_TRAPS 0x1f80U
#else
#define VECTOR_ROUNDING 0xc00000U
#define VECTOR_TRAPS 0x9f00U
#endif

static tsr_stream_identity identify(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return (tsr_stream_identity){ 0 };
    return (tsr_stream_identity){
        .is_open = true, .device = info.st_dev, .file = info.st_ino, .flags = fcntl(fd, F_GETFL)
    };
}

/* Rounding, traps and what becomes of subnormal numbers, without the flags that computing sets. */
static unsigned vector_modes(void)
{
#if defined(__x86_64__)
    return _mm_getcsr() & ~0x3fU;
#elif defined(__aarch64__)
    uint64_t modes;
    __asm__ volatile("mrs %0, fpcr" : "=r"(modes));
    return (unsigned)modes;
#else
    return 0;
#endif
}

static void set_vector_modes(unsigned modes)
{
#if defined(__x86_64__)
    _mm_setcsr(modes);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)modes));
#else
    (void)modes;
#endif
}

static uint64_t blocked_signals(void)
{
    sigset_t set;
    uint64_t signals = 0;
    sigemptyset(&set);
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    for (int i = 0; i < MAX_SIGNALS; i++)
        signals |= (uint64_t)(sigismember(&set, i + 1) == 1) << i;
    return signals;
}

static void block_signals(uint64_t signals)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < MAX_SIGNALS; i++)
        if (signals >> i & 1)
            sigaddset(&set, i + 1);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
}

/* It can be had by setting it, which other threads might make a file under; where there are some it is read
   from /proc, which takes longer, if that is there. */
static mode_t current_umask(void)
{
    if (__libc_single_threaded) {
        mode_t mask = umask(0);
        umask(mask);
        return mask;
    }
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    unsigned value;
    bool found = false;
    while (status && !found && fgets(line, sizeof(line), status))
        found = sscanf(line, "Umask: %o", &value) == 1;
    if (status)
        fclose(status);
    if (found)
        return (mode_t)value;
    mode_t mask = umask(0);
    umask(mask);
    return mask;
}

bool tsr_surroundings_same_modes(const tsr_surroundings *before)
{
    return before->vector == vector_modes() && before->rounding == fegetround();
}

void tsr_surroundings_take(tsr_surroundings *out)
{
    struct stat folder;
    const char *locale = setlocale(LC_ALL, NULL);
    memset(out, 0, sizeof(*out));
    out->rounding = fegetround();
    out->traps = fegetexcept();
    out->vector = vector_modes();
    out->signals = blocked_signals();
    out->umask = current_umask();
    if (stat(".", &folder) == 0) {
        out->folder_device = folder.st_dev;
        out->folder = folder.st_ino;
    }
    for (int fd = 0; fd < TSR_STANDARD_STREAMS; fd++)
        out->streams[fd] = identify(fd);
    snprintf(out->locale, sizeof(out->locale), "%s", locale ? locale : "");
    out->thread_locale = uselocale((locale_t)0);
}

static bool same_stream(const tsr_stream_identity *a, const tsr_stream_identity *b)
{
    return a->is_open == b->is_open && a->device == b->device && a->file == b->file && a->flags == b->flags;
}

static bool same_locale(const tsr_surroundings *a, const tsr_surroundings *b)
{
    return strcmp(a->locale, b->locale) == 0 && a->thread_locale == b->thread_locale;
}

static void name(bool differs, const char *what, size_t *n, tsr_text *out)
{
    if (differs)
        tsr_text_add(out, "%s%s", (*n)++ ? " and " : "", what);
}

bool tsr_surroundings_differ(const tsr_surroundings *before, const tsr_surroundings *after, tsr_text *out)
{
    static const char *const streams[] = { "standard input", "standard output", "standard error" };
    size_t n = 0;
    unsigned changed = before->vector ^ after->vector;
    name(before->rounding != after->rounding || (changed & VECTOR_ROUNDING), "the rounding mode", &n, out);
    name(before->traps != after->traps || (changed & VECTOR_TRAPS), "the floating-point exceptions that trap",
         &n, out);
    name(changed & ~(VECTOR_ROUNDING | VECTOR_TRAPS), "what becomes of subnormal numbers", &n, out);
    name(!same_locale(before, after), "the locale", &n, out);
    name(before->signals != after->signals, "the signal mask", &n, out);
    name(before->umask != after->umask, "the umask", &n, out);
    name(before->folder_device != after->folder_device || before->folder != after->folder,
         "the working folder", &n, out);
    for (int fd = 0; fd < TSR_STANDARD_STREAMS; fd++)
        name(!same_stream(&before->streams[fd], &after->streams[fd]), streams[fd], &n, out);
    return n > 0;
}

bool tsr_surroundings_doubtful(const tsr_surroundings *before, const tsr_surroundings *after)
{
    return before->rounding != after->rounding || before->traps != after->traps ||
           before->vector != after->vector || !same_locale(before, after);
}

void tsr_surroundings_restore(const tsr_surroundings *before)
{
    fesetround(before->rounding);
    fedisableexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(before->traps);
    set_vector_modes(before->vector);
    block_signals(before->signals);
    umask(before->umask);
    uselocale(before->thread_locale);
    setlocale(LC_ALL, before->locale);
}

void tsr_surroundings_of_thread(const tsr_surroundings *thread, tsr_surroundings *out)
{
    out->rounding = thread->rounding;
    out->traps = thread->traps;
    out->vector = thread->vector;
    out->signals = thread->signals;
    out->thread_locale = thread->thread_locale;
}
