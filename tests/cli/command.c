/* Running the real program: through sh, with its output in files of the folder. */
#include "command.h"

#include "base/file.h"
#include "base/text.h"
#include "support.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static char *take_file(const char *folder, const char *name)
{
    char *path = tsr_path_join(folder, name), *text;
    size_t length;
    ck_succeeds(tsr_read_file(path, 64 << 20, &text, &length));
    remove(path);
    free(path);
    return text;
}

/* `program` stands before what the format says: "$TESSERA" in quotes, or nothing for a whole command line. */
TSR_PRINTF(3, 0)
static command_result shell_v(const char *folder, const char *program, const char *format, va_list args)
{
    char *wanted, *line;
    ck_assert_int_ge(vasprintf(&wanted, format, args), 0);
    line = tsr_format("cd '%s' && export TESSERA='%s/tessera' && { %s %s\n} >.out 2>.err", folder,
                      test_build(), program, wanted);
    int ending = system(line);
    free(line);
    free(wanted);
    command_result result = { .status = WIFEXITED(ending) ? WEXITSTATUS(ending) : 128 + WTERMSIG(ending) };
    result.out = take_file(folder, ".out");
    result.err = take_file(folder, ".err");
    return result;
}

TSR_PRINTF(2, 0) static command_result command_v(const char *folder, const char *format, va_list args)
{
    return shell_v(folder, "\"$TESSERA\"", format, args);
}

command_result command(const char *folder, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    command_result result = command_v(folder, format, args);
    va_end(args);
    return result;
}

void command_free(command_result *result)
{
    free(result->out);
    free(result->err);
}

static void expect(command_result *result, int status, const char *on_stdout, const char *on_stderr,
                   const char *what)
{
    ck_assert_msg(result->status == status, "%s: exit status %d, expected %d; stderr: %.4000s", what,
                  result->status, status, result->err);
    ck_assert_msg(!on_stdout || strstr(result->out, on_stdout), "%s: stdout lacks '%s': %.4000s", what,
                  on_stdout, result->out);
    ck_assert_msg(!on_stderr || strstr(result->err, on_stderr), "%s: stderr lacks '%s': %.4000s", what,
                  on_stderr, result->err);
    command_free(result);
}

void command_gives(const char *folder, int status, const char *on_stdout, const char *on_stderr,
                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    command_result result = command_v(folder, format, args);
    va_end(args);
    expect(&result, status, on_stdout, on_stderr, format);
}

void shell_gives(const char *folder, int status, const char *on_stdout, const char *on_stderr,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    command_result result = shell_v(folder, "", format, args);
    va_end(args);
    expect(&result, status, on_stdout, on_stderr, format);
}

void write_text(const char *folder, const char *name, const char *text)
{
    char *path = tsr_path_join(folder, name);
    ck_succeeds(tsr_write_file(path, text, strlen(text)));
    free(path);
}

void write_faulty_study(const char *folder, int n, int at, const char *more)
{
    tsr_text numbers = { 0 };
    for (int i = 0; i < n; i++)
        tsr_text_add(&numbers, i ? ", %d" : "%d", i);
    char *text =
        tsr_format("plugin_path = [ \"%s/tests/cli/fixtures\" ];\n"
                   "dataset = { plugin = \"digits\"; };\n"
                   "model = { plugin = \"mlp\"; width = 8; };\n"
                   "training = { epochs = 1; };\n"
                   "probes = ( { plugin = \"redundancy\"; }, { plugin = \"misbehaves\"; at = %d; } );\n"
                   "sweep = ( { key = \"probes.1.number\"; values = [ %s ]; } );\n%s",
                   test_build(), at, numbers.chars, more);
    write_text(folder, "study.cfg", text);
    free(numbers.chars);
    free(text);
}

void write_small_study(const char *folder, const char *training, const char *more)
{
    char *text = tsr_format("dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; width = 6; };\n"
                            "training = { %s };\n%s",
                            training, more);
    write_text(folder, "study.cfg", text);
    free(text);
}

void do_study(const char *folder, const char *out, const char *arguments)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o %s %s", out, arguments);
}

void same_tables(const char *folder, const char *a, const char *b)
{
    shell_gives(folder, 0, NULL, NULL, "for t in results summary; do cmp %s/$t.csv %s/$t.csv || exit; done",
                a, b);
}

char *read_text(const char *folder, const char *name)
{
    char *path = tsr_path_join(folder, name), *text;
    size_t length;
    ck_succeeds(tsr_read_file(path, 64 << 20, &text, &length));
    free(path);
    return text;
}

size_t count_files(const char *folder, const char *pattern)
{
    char *whole = tsr_path_join(folder, pattern);
    glob_t found;
    size_t n = glob(whole, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    free(whole);
    return n;
}

void same_files(const char *folder, const char *a, const char *b)
{
    char *first = read_text(folder, a), *second = read_text(folder, b);
    ck_assert_msg(strcmp(first, second) == 0, "%s differs from %s:\n%s\n%s", a, b, first, second);
    free(first);
    free(second);
}

char *only_file(const char *folder, const char *pattern)
{
    char *whole = tsr_path_join(folder, pattern);
    glob_t found;
    ck_assert_msg(glob(whole, 0, NULL, &found) == 0 && found.gl_pathc == 1, "%s: not exactly one file",
                  whole);
    char *path = strdup(found.gl_pathv[0]);
    globfree(&found);
    free(whole);
    return path;
}
