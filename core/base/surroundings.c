/* What a process has once. */
#include "base/surroundings.h"

#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static tsr_stream_identity identify(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return (tsr_stream_identity){ 0 };
    return (tsr_stream_identity){
        .is_open = true, .device = info.st_dev, .file = info.st_ino, .flags = fcntl(fd, F_GETFL)
    };
}

void tsr_surroundings_take(tsr_surroundings *out)
{
    struct stat folder;
    const char *locale = setlocale(LC_ALL, NULL);
    memset(out, 0, sizeof(*out));
    out->rounding = fegetround();
    out->traps = fegetexcept();
    sigemptyset(&out->signals);
    pthread_sigmask(SIG_SETMASK, NULL, &out->signals);
    out->umask = umask(0);
    umask(out->umask);
    if (stat(".", &folder) == 0) {
        out->folder_device = folder.st_dev;
        out->folder = folder.st_ino;
    }
    for (int fd = 0; fd < TSR_STANDARD_STREAMS; fd++)
        out->streams[fd] = identify(fd);
    snprintf(out->locale, sizeof(out->locale), "%s", locale ? locale : "");
    out->thread_locale = uselocale((locale_t)0);
}

static bool same_signals(const sigset_t *a, const sigset_t *b)
{
    for (int number = 1; number < NSIG; number++)
        if (sigismember(a, number) != sigismember(b, number))
            return false;
    return true;
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
    name(before->rounding != after->rounding, "the rounding mode", &n, out);
    name(before->traps != after->traps, "the floating-point exceptions that trap", &n, out);
    name(!same_locale(before, after), "the locale", &n, out);
    name(!same_signals(&before->signals, &after->signals), "the signal mask", &n, out);
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
           !same_locale(before, after);
}

void tsr_surroundings_restore(const tsr_surroundings *before)
{
    fesetround(before->rounding);
    fedisableexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(before->traps);
    pthread_sigmask(SIG_SETMASK, &before->signals, NULL);
    umask(before->umask);
    uselocale(before->thread_locale);
    setlocale(LC_ALL, before->locale);
}
