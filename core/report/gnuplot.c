/* gnuplot, found at run time. Script and answers are in unnamed temporary files, so that nobody waits for a
   full pipe. A drawing is then rewritten piece by piece, by a table: gnuplot's own colours give way to those
   of the page's style, placeholders to the colours of curves, what draws nothing is dropped. */
#include "report/gnuplot.h"

#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "report/html.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_SECONDS 60         /* for all drawings */
#define MAX_OUTPUT (512 << 20) /* bytes */
#define MAX_TROUBLE 400        /* bytes of its complaint that are kept */

/* What a call that failed with this error leaves without plots; without memory nothing goes on. */
static tsr_status *note_trouble(const char *what, int error, char **trouble)
{
    *trouble = error == ENOMEM ? NULL : tsr_format("%s: %s", what, strerror(error));
    return *trouble ? NULL : tsr_no_memory("the figures");
}

/* The file's content, cut at `limit`; NULL where it is empty. */
static tsr_status *take_content(FILE *file, size_t limit, char **out, char **trouble)
{
    *out = NULL;
    long length = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (length == 0)
        return NULL;
    size_t wanted = (size_t)length < limit ? (size_t)length : limit;
    char *text = length > 0 ? malloc(wanted + 1) : NULL;
    bool whole = text && fseek(file, 0, SEEK_SET) == 0 && fread(text, 1, wanted, file) == wanted;
    if (!whole) {
        free(text);
        return note_trouble("what gnuplot wrote cannot be read", length > 0 && !text ? ENOMEM : errno,
                            trouble);
    }
    text[wanted] = '\0';
    *out = text;
    return NULL;
}

static tsr_status *describe_end(FILE *errors, int ending, char **trouble)
{
    char *complaint = NULL, *unread = NULL;
    tsr_status *status = take_content(errors, MAX_TROUBLE, &complaint, &unread);
    if (!status && WIFSIGNALED(ending))
        *trouble = tsr_format("gnuplot was ended by signal %d", WTERMSIG(ending));
    else if (!status)
        *trouble = tsr_format("gnuplot failed: %s", complaint ? complaint : "it gave no reason");
    if (!status && !*trouble)
        status = tsr_no_memory("the figures");
    free(complaint);
    free(unread);
    return status;
}

static int start(FILE *const files[3], pid_t *process)
{
    posix_spawn_file_actions_t actions;
    char *arguments[] = { (char[]){ "gnuplot" }, (char[]){ "-d" }, (char[]){ "-" }, NULL };
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    for (int i = 0; !error && i < 3; i++)
        error = posix_spawn_file_actions_adddup2(&actions, fileno(files[i]), i);
    if (!error)
        error = posix_spawnp(process, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static tsr_status *run(FILE *const files[3], const char *script, char **output, bool *missing, char **trouble)
{
    pid_t process;
    if (fputs(script, files[0]) < 0 || fflush(files[0]) != 0 || fseek(files[0], 0, SEEK_SET) != 0)
        return note_trouble("the script cannot be written", errno, trouble);
    int error = start(files, &process);
    *missing = error == ENOENT;
    if (error)
        return note_trouble("gnuplot cannot be started", error, trouble);
    tsr_process_wait(process, tsr_process_clock() + MAX_SECONDS * 1000);
    int ending = tsr_process_end(process);
    TSR_TRY(take_content(files[1], MAX_OUTPUT, output, trouble));
    return ending == 0 || *trouble ? NULL : describe_end(files[2], ending, trouble);
}

static FILE *make_temporary(int *error)
{
    FILE *file = *error ? NULL : tmpfile();
    if (!file && !*error)
        *error = errno;
    return file;
}

tsr_status *tsr_gnuplot_run(const char *script, char **output, bool *missing, char **trouble)
{
    FILE *files[3];
    int error = 0;
    for (int i = 0; i < 3; i++)
        files[i] = make_temporary(&error);
    *output = *trouble = NULL;
    *missing = false;
    tsr_status *status = error ? note_trouble("no temporary file can be made", error, trouble)
                               : run(files, script, output, missing, trouble);
    for (int i = 0; i < 3; i++)
        if (files[i])
            fclose(files[i]);
    return status;
}

/* A piece of a drawing and what stands in its place. */
static const struct {
    const char *piece, *instead;
} pieces[] = {
    { " color=\"black\"", "" },          { " color=\"gray\"", "" },
    { " color=\"#FFFFFF\"", "" },        { "'black'", "'currentColor'" },
    { "\"black\"", "\"currentColor\"" }, { "font-family=\"sans-serif\"", "" },
};

/* "rgb(  1,   0,   7)" is the seventh colour of its kind; gnuplot writes it with and without blanks. Gives
   where it ends, NULL where it is a colour of its own. */
static const char *add_colour(const char *at, tsr_text *out)
{
    static const char *const others[] = { "--grid", "--faint" };
    int kind, number, length = 0;
    if (sscanf(at, "rgb( 1, %d, %d)%n", &kind, &number, &length) != 2 || length == 0 || number < 0)
        return NULL;
    if (kind == 0 || kind == 1)
        tsr_text_add(out, "var(--%c%d)", kind ? 'r' : 'c', number);
    else if (kind == 2 && number < 2)
        tsr_text_add(out, "var(%s)", others[number]);
    else if (kind == 2 && number == 2) /* only text has it, as an attribute in double quotes */
        tsr_text_add(out, "var(--halo-text)\" class=\"halo");
    else
        return NULL;
    return at + length;
}

static bool begins(const char *at, const char *word)
{
    return strncmp(at, word, strlen(word)) == 0;
}

/* What of a drawing begins at `at` and is none of the page's business: a group without content, all symbols
   but the one that curves have. Gives where it ends, or NULL. */
static const char *skip(const char *at, size_t number, tsr_text *out)
{
    if (begins(at, "<g ")) {
        const char *end = strchr(at, '>');
        return end && begins(end, ">\n</g>\n") ? end + 7 : NULL;
    }
    if (begins(at, "<defs>")) {
        const char *end = strstr(at, "</defs>");
        tsr_text_add(out, "<defs><circle id='dot%zu' r='1' fill='currentColor' stroke='none'/></defs>",
                     number);
        return end ? end + 7 : NULL;
    }
    if (begins(at, "<title>") || begins(at, "<desc>")) {
        const char *end = strstr(at, *(at + 1) == 't' ? "</title>" : "</desc>");
        return end ? end + (*(at + 1) == 't' ? 8 : 7) : NULL;
    }
    return NULL;
}

/* The group of a plot, by its number; gives where its identifier ends, or NULL. */
static const char *add_plot(const char *at, const tsr_panel *panel, tsr_text *out)
{
    size_t plot;
    int length = 0;
    if (sscanf(at, " id=\"gnuplot_plot_%zu\"%n", &plot, &length) != 1 || length == 0)
        return NULL;
    if (plot >= 1 && plot <= panel->n_plots)
        tsr_text_add(out, " class=\"entry%zu\"", panel->entries[plot - 1]);
    return at + length;
}

static const char *rewrite_one(const char *at, size_t number, const tsr_panel *panel, tsr_text *out)
{
    const char *end = *at == '<' ? skip(at, number, out) : NULL;
    if (end)
        return end;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
        if (*at == *pieces[i].piece && begins(at, pieces[i].piece)) {
            tsr_text_add(out, "%s", pieces[i].instead);
            return at + strlen(pieces[i].piece);
        }
    if (*at == 'r' && begins(at, "rgb(") && (end = add_colour(at, out)))
        return end;
    if (*at == '#' && begins(at, "#gpPt6")) {
        tsr_text_add(out, "#dot%zu", number);
        return at + 6;
    }
    if (*at == ' ' && (end = add_plot(at, panel, out)))
        return end;
    if (*at == ' ' && (begins(at, " id=\"gnuplot") || begins(at, " id=\"plot"))) {
        end = strchr(at + 5, '"');
        if (end)
            return end + 1;
    }
    size_t plain = 1 + strcspn(at + 1, "<#r\"' f");
    tsr_text_add(out, "%.*s", (int)plain, at);
    return at + plain;
}

bool tsr_gnuplot_next_drawing(char **rest, size_t number, const tsr_panel *panel, char **svg)
{
    static const char ending[] = "</svg>";
    char *begin = strstr(*rest, "<svg"), *end = begin ? strstr(begin, ending) : NULL;
    *svg = NULL;
    if (!end)
        return true;
    char kept = end[sizeof(ending) - 1];
    end[sizeof(ending) - 1] = '\0';
    tsr_text out = { 0 };
    tsr_html_add(&out, "<svg role=\"img\" aria-label=\"%s\"", panel->alt);
    for (const char *at = begin + 4; *at;)
        at = rewrite_one(at, number, panel, &out);
    end[sizeof(ending) - 1] = kept;
    *rest = end + sizeof(ending) - 1;
    *svg = out.chars;
    return !out.failed;
}
