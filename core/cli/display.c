/* What the terminal shows while runs are done. */
#include "cli/display.h"

#include "base/log.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR 24
#define TABLE_WIDTH 120 /* where stdout is no terminal */
#define SECONDS_BETWEEN_LINES 30

size_t tsr_terminal_width(int fd, size_t otherwise)
{
    struct winsize size;
    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return otherwise;
    return size.ws_col;
}

size_t tsr_terminal_lines(int fd)
{
    struct winsize size;
    return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

static void format_time(double seconds, char *out, size_t capacity)
{
    if (!(seconds < 360000)) /* too long, or not known */
        snprintf(out, capacity, "?");
    else if (seconds >= 3600)
        snprintf(out, capacity, "%d h %02d min", (int)seconds / 3600, (int)seconds / 60 % 60);
    else
        snprintf(out, capacity, "%d:%02d", (int)seconds / 60, (int)seconds % 60);
}

/* "run 2/8, epoch 12/200, loss 0.0213, 120k examples/s, 1:23 left" */
static void compose(const tsr_display *display, const tsr_progress_view *v, char *out, size_t capacity)
{
    const tsr_progress *progress = display->progress;
    double elapsed = tsr_seconds() - display->began;
    char left[32];
    format_time(v->fraction > 0 ? elapsed * (1 - v->fraction) / v->fraction : NAN, left, sizeof(left));
    int used = snprintf(out, capacity, "%zu/%zu runs", v->ended, progress->n);
    if (v->failed && (size_t)used < capacity)
        used += snprintf(out + used, capacity - (size_t)used, " (%zu failed)", v->failed);
    if (v->any && (size_t)used < capacity) {
        const tsr_run_progress *run = &progress->runs[v->shown];
        bool probing = atomic_load(&run->state) == TSR_RUN_PROBING;
        used += snprintf(out + used, capacity - (size_t)used, ", run %zu epoch %zu/%zu", v->shown + 1,
                         atomic_load(&run->epoch), atomic_load(&run->epochs));
        if (probing && (size_t)used < capacity)
            used += snprintf(out + used, capacity - (size_t)used, ", probing");
        else if (atomic_load(&run->epoch) && (size_t)used < capacity)
            used += snprintf(out + used, capacity - (size_t)used, ", loss %.4g, %.0fk examples/s",
                             atomic_load(&run->loss), atomic_load(&run->examples_per_second) / 1000);
    }
    if ((size_t)used < capacity)
        snprintf(out + used, capacity - (size_t)used, ", %s left", left);
}

static void draw(const tsr_display *display, const tsr_progress_view *v)
{
    char text[256], bar[BAR + 1];
    compose(display, v, text, sizeof(text));
    int full = (int)(v->fraction * BAR);
    memset(bar, '-', BAR);
    memset(bar, '#', (size_t)(full < 0 ? 0 : full > BAR ? BAR : full));
    bar[BAR] = '\0';
    size_t width = tsr_terminal_width(STDERR_FILENO, 80);
    int capacity = (int)width - BAR - 4;
    if (capacity < 0)
        capacity = 0;
    fprintf(stderr, "\r[%s] %.*s\033[K", bar, capacity, text);
    fflush(stderr);
}

void tsr_display_begin(tsr_display *display, const tsr_progress *progress, bool quiet)
{
    *display = (tsr_display){ .progress = progress,
                              .quiet = quiet,
                              .terminal = isatty(STDERR_FILENO),
                              .began = tsr_seconds(),
                              .last_line = tsr_seconds() };
}

void tsr_display_tick(tsr_display *display)
{
    if (display->quiet)
        return;
    tsr_progress_view v = tsr_progress_look(display->progress);
    if (display->terminal) {
        draw(display, &v);
        return;
    }
    double now = tsr_seconds();
    if (now - display->last_line < SECONDS_BETWEEN_LINES)
        return;
    char text[256];
    compose(display, &v, text, sizeof(text));
    tsr_log_info("%s", text);
    display->last_line = now;
}

void tsr_display_end(tsr_display *display)
{
    if (display->terminal && !display->quiet) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
    }
}

tsr_status *tsr_display_summary(void *unused, const tsr_summary *summary)
{
    tsr_text table = { 0 };
    (void)unused;
    tsr_screen screen = { tsr_terminal_width(STDOUT_FILENO, TABLE_WIDTH), tsr_terminal_lines(STDOUT_FILENO) };
    tsr_summary_write_table(summary, screen, &table);
    if (table.chars && !table.failed)
        printf("%s\n", table.chars);
    fflush(stdout);
    free(table.chars);
    return table.failed ? tsr_no_memory("the table of results") : NULL;
}
