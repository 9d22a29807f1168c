/* tessera list and tessera describe, as a person calls them: what they print and their exit status. */
#include "support.h"

#include "base/file.h"
#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* What the program printed, stdout and stderr together, and its exit status. free() the text. */
static char *run(const char *arguments, const char *plugins, int *code)
{
    char *command = tsr_format("TESSERA_PLUGIN_PATH='%s/tests/%s' HOME=/nowhere '%s/tessera' %s 2>&1",
                               test_build(), plugins, test_build(), arguments);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    tsr_text text = { 0 };
    char piece[1024];
    tsr_text_add(&text, "%s", "");
    while (fgets(piece, sizeof(piece), pipe))
        tsr_text_add(&text, "%s", piece);
    int ended = pclose(pipe);
    *code = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
    free(command);
    return text.chars;
}

static void prints(const char *arguments, const char *plugins, int expected, const char *text)
{
    int code;
    char *output = run(arguments, plugins, &code);
    ck_assert_msg(strstr(output, text) != NULL, "tessera %s: '%s' lacks '%s'", arguments, output, text);
    ck_assert_msg(code == expected, "tessera %s: exit status %d: %s", arguments, code, output);
    free(output);
}

/* The line of a list that begins with "probe  NAME ". */
static char *line_of(const char *output, const char *name)
{
    const char *line = output;
    for (; *line; line += strcspn(line, "\n") + 1) {
        char kind[32], word[64];
        if (sscanf(line, "%31s %63s", kind, word) == 2 && strcmp(word, name) == 0)
            return strndup(line, strcspn(line, "\n"));
    }
    ck_abort_msg("no line of %s in '%s'", name, output);
    return NULL;
}

START_TEST(a_folder_of_bad_plugins_is_listed_with_every_reason)
{
    static const struct {
        const char *name, *reason;
    } rows[] = {
        { "crashes", "crashed while being loaded (signal 11" },
        { "exits", "ended the process with status 7" },
        { "bad_magic", "is not a Tessera plugin" },
        { "newer_major", "was built for ABI 2.0" },
        { "wrong_kind", "is not a probe: it holds model wrong_kind" },
        { "null_operation", "lacks the operation 'run'" },
        { "undefined_symbol", "undefined symbol: defined_nowhere" },
        { "default_outside", "its default 0 is outside its range" },
    };
    int code;
    char *output = run("list probe", "bad-plugins", &code);
    ck_assert_int_eq(code, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *line = line_of(output, rows[i].name);
        ck_assert_msg(strstr(line, "cannot be used: ") && strstr(line, rows[i].reason), "'%s' lacks '%s'",
                      line, rows[i].reason);
        ck_assert_ptr_nonnull(strstr(line, ".so"));
        free(line);
    }
    ck_assert_ptr_null(strstr(output, "NOISE")); /* a plugin's own output does not mix with ours */
    free(output);
}
END_TEST

START_TEST(a_sound_plugin_is_a_line_with_version_summary_and_file)
{
    int code;
    char *output = run("list", "plugin/fixtures", &code), *line = line_of(output, "sample");
    ck_assert_int_eq(code, 0);
    ck_assert_ptr_nonnull(strstr(line, "1.2.3"));
    ck_assert_ptr_nonnull(strstr(line, "a probe for tests"));
    ck_assert_ptr_nonnull(strstr(line, "/tests/plugin/fixtures/probes/.libs/sample.so"));
    free(line);
    free(output);
}
END_TEST

START_TEST(json_of_a_list_is_json)
{
    int code;
    char *output = run("list model --json", "plugin/fixtures", &code);
    json_t *list = json_loads(output, 0, NULL);
    ck_assert_int_eq(code, 0);
    bool found = false;
    for (size_t i = 0; i < json_array_size(list); i++)
        found |= strcmp(json_string_value(json_object_get(json_array_get(list, i), "name")), "holder") == 0;
    ck_assert(found);
    json_decref(list);
    free(output);
}
END_TEST

START_TEST(a_description_is_for_a_person)
{
    static const char *const pieces[] = {
        "NAME\n    sample - a probe for tests\n",
        "SYNOPSIS\n    probes = ( {\n",
        "        radius = 0.5;\n",
        "DESCRIPTION\n    sample is a probe: it measures codes. Version 1.2.3, licence MIT.\n",
        "KEYS\n    k (integer, 1 to 1048576; default 9)\n        neighbours that vote\n",
        "    radius (number, at least 0.0, in bits; default 0.5)\n",
        "    source (path; default none)\n",
        "    mode (word, plain | fancy | none; default \"fancy\")\n",
        "    levels (numbers, 0.0 to 1.0, length 1 to any; default [ 0.5, 1.0 ])\n",
        "KEYS OF EVERY PROBE\n    label (",
        "FILE\n    /",
    };
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
        prints("describe probe/sample", "plugin/fixtures", 0, pieces[i]);
    prints("describe model/holder", "plugin/fixtures", 0,
           "model = { plugin = \"holder\"; activation = \"gentle\"; };\n");
}
END_TEST

/* The longest line of a text, in bytes. */
static size_t widest(const char *text)
{
    size_t most = 0;
    for (size_t n; *text; text += n + (text[n] == '\n')) {
        n = strcspn(text, "\n");
        most = n > most ? n : most;
    }
    return most;
}

START_TEST(a_description_has_the_width_and_the_bold_of_a_terminal_and_is_plain_elsewhere)
{
    int code;
    char *plain = run("describe model/holder", "plugin/fixtures", &code), *file = strstr(plain, "\nFILE\n");
    ck_assert_ptr_nonnull(file);
    *file = '\0'; /* the path is as long as it is */
    ck_assert_ptr_null(strchr(plain, '\033'));
    ck_assert_uint_le(widest(plain), 80);
    ck_assert_uint_gt(widest(plain), 60);
    free(plain);

    char *command = tsr_format("TESSERA_PLUGIN_PATH='%s/tests/plugin/fixtures' TERM=xterm script -qec "
                               "\"stty cols 50; '%s/tessera' describe model/holder\" /dev/null </dev/null",
                               test_build(), test_build());
    FILE *pipe = popen("script -qec 'echo there' /dev/null </dev/null 2>/dev/null", "r");
    bool there = fgetc(pipe) != EOF;
    pclose(pipe);
    if (!there)
        fprintf(stderr, "skipped: no pseudo-terminal (util-linux's script, /dev/pts)\n");
    if (there) {
        pipe = popen(command, "r");
        tsr_text text = { 0 };
        char piece[1024];
        while (fgets(piece, sizeof(piece), pipe))
            tsr_text_add(&text, "%s", piece);
        ck_assert_int_eq(pclose(pipe), 0);
        ck_assert_msg(strstr(text.chars, "\033[1mSYNOPSIS\033[0m"), "%s", text.chars);
        file = strstr(text.chars, "\033[1mFILE");
        ck_assert_ptr_nonnull(file);
        *file = '\0';
        ck_assert_msg(widest(text.chars) <= 50 + 10, "%s", text.chars); /* bold and a carriage return */
        free(text.chars);
    }
    free(command);
}
END_TEST

START_TEST(the_line_to_paste_can_be_pasted)
{
    int code;
    char *output = run("describe probe/sample", "plugin/fixtures", &code),
         *start = strstr(output, "SYNOPSIS\n"), *end = strstr(output, "\nDESCRIPTION\n");
    ck_assert(start && end);
    start += strlen("SYNOPSIS\n");
    *end = '\0';
    tsr_value *config = test_config(start);
    tsr_registry *registry;
    char *folder = tsr_format("%s/tests/plugin/fixtures", test_build());
    ck_succeeds(tsr_registry_new(1, (const char *const[]){ folder }, &registry));
    tsr_settings settings = { .registry = registry, .folder = "/" };
    tsr_instance *instance;
    tsr_value *resolved;
    ck_succeeds(tsr_settings_plugin(&settings, TSR_PROBE, tsr_value_at(config, "probes.0"), "probe", NULL,
                                    &instance, &resolved));
    tsr_value_free(resolved);
    tsr_instance_free(instance);
    tsr_registry_free(registry);
    tsr_value_free(config);
    free(folder);
    free(output);
}
END_TEST

START_TEST(a_description_that_a_plugin_has_forged_is_refused)
{
    char *arguments = tsr_format("describe '%s/tests/bad-plugins/probes/.libs/forges.so'", test_build());
    prints(arguments, "plugin/fixtures", 2, "forges.so: what it declares cannot be described");
    free(arguments);
    arguments = tsr_format("describe --json '%s/tests/bad-plugins/probes/.libs/forges.so'", test_build());
    prints(arguments, "plugin/fixtures", 2, "forges.so: what it declares cannot be described");
    free(arguments);
}
END_TEST

START_TEST(a_file_is_described_plugin_by_plugin)
{
    char *arguments = tsr_format("describe '%s/tests/plugin/fixtures/probes/.libs/several.so'", test_build());
    prints(arguments, "plugin/fixtures", 0, "first - one of two");
    prints(arguments, "plugin/fixtures", 0, "third - an activation beside them");
    free(arguments);
    prints("describe ./no_such.so", "plugin/fixtures", 2, "no_such.so: no such file");
    prints("describe ./no_such.so:first", "plugin/fixtures", 2, "no_such.so: no such file");
    prints("list probe", "plugin/fixtures", 0, "several.so:second");
    prints("describe probe/several.so:second", "plugin/fixtures", 0, "{ plugin = \"several.so:second\";");
    prints("describe probe/several.so:third", "plugin/fixtures", 2, "its probes: first, second");
    prints("describe probe/several", "plugin/fixtures", 2, "holds several probes (first, second); name one");
    arguments =
        tsr_format("describe '%s/tests/plugin/fixtures/probes/.libs/several.so:second'", test_build());
    prints(arguments, "plugin/fixtures", 0, "/several.so:second\";");
    free(arguments);
    arguments = tsr_format("describe '%s/tests/plugin/fixtures/probes/.libs/several.so:no'", test_build());
    prints(arguments, "plugin/fixtures", 2,
           "several.so: holds no plugin called 'no': it holds probe first, ");
    free(arguments);
}
END_TEST

START_TEST(wrong_usage_says_what_was_expected)
{
    prints("", "plugin/fixtures", 1, "Usage: tessera COMMAND");
    prints("lsit", "plugin/fixtures", 1, "unknown command 'lsit'; did you mean 'list'?");
    prints("list probes", "plugin/fixtures", 1, "'probes' is not a kind of plugin: expected model, dataset");
    prints("list probe model", "plugin/fixtures", 1, "expected at most one kind");
    prints("list --jsn", "plugin/fixtures", 1, "unknown option '--jsn'");
    prints("describe", "plugin/fixtures", 1, "expected KIND/NAME");
    prints("describe sample", "plugin/fixtures", 1, "expected KIND/NAME or a path to a .so, not 'sample'");
    prints("describe prob/sample", "plugin/fixtures", 1, "does not begin with a kind of plugin");
    prints("describe probe/smaple", "plugin/fixtures", 2,
           "no probe is called 'smaple'; did you mean 'sample'?");
}
END_TEST

START_TEST(help_and_version_are_there)
{
    prints("--help", "plugin/fixtures", 0, "describe   what a plugin is");
    prints("--version", "plugin/fixtures", 0, "tessera 0.");
    prints("--version", "plugin/fixtures", 0, "\nrevision ");
    prints("list --help", "plugin/fixtures", 0, "Usage: tessera list [KIND] [--json]");
    prints("describe -h", "plugin/fixtures", 0, "Usage: tessera describe KIND/NAME");
}
END_TEST

START_TEST(output_that_cannot_be_written_is_a_failure)
{
    int code;
    char *output = run("--version 2>&1 > /dev/full", "plugin/fixtures", &code);
    ck_assert_int_eq(code, 2);
    free(output);
}
END_TEST

START_TEST(describe_tells_what_metrics_can_be)
{
    prints("describe probe/code_statistics", "plugins", 0, "    entropy (0 to 1, in bits)\n");
    prints("describe probe/code_statistics", "plugins", 0, "    layer#.bits (at least 0, in bits)\n");
    prints("describe probe/knn", "plugins", 0, "    test (0 to 1, larger is better)\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("commands");
    TCase *tests = tcase_create("commands");
    tcase_set_timeout(tests, 60); /* a process per plugin file */
    tcase_add_test(tests, a_folder_of_bad_plugins_is_listed_with_every_reason);
    tcase_add_test(tests, a_sound_plugin_is_a_line_with_version_summary_and_file);
    tcase_add_test(tests, json_of_a_list_is_json);
    tcase_add_test(tests, a_description_is_for_a_person);
    tcase_add_test(tests, a_description_has_the_width_and_the_bold_of_a_terminal_and_is_plain_elsewhere);
    tcase_add_test(tests, the_line_to_paste_can_be_pasted);
    tcase_add_test(tests, a_file_is_described_plugin_by_plugin);
    tcase_add_test(tests, a_description_that_a_plugin_has_forged_is_refused);
    tcase_add_test(tests, wrong_usage_says_what_was_expected);
    tcase_add_test(tests, help_and_version_are_there);
    tcase_add_test(tests, output_that_cannot_be_written_is_a_failure);
    tcase_add_test(tests, describe_tells_what_metrics_can_be);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
