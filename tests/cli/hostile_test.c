/* Broken and hostile plugins, by the program itself: each is refused with exit status 2, the file and the
   fault in the message and nothing written; what goes wrong later costs a run, or nothing that is done. */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *folder;

static const char study[] = "plugin_path = [ \"%s/tests/bad-plugins\" ];\n"
                            "dataset = { plugin = \"synthetic\"; train = 40; test = 20; };\n"
                            "model = { plugin = \"mlp\"; width = 4; };\n"
                            "training = { epochs = 1; };\n"
                            "probes = ( \"redundancy\" );\n"
                            "executor = { plugin = \"local\"; jobs = 1; };\n";

static void setup(void)
{
    setenv("ASAN_OPTIONS", "handle_segv=0", 0); /* a crash is a signal, with the address sanitizer too */
    folder = test_folder();
    char *text = tsr_format(study, test_build());
    write_text(folder, "study.cfg", text);
    free(text);
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* Both commands refuse the study with these settings, say both texts, and write nothing. */
static void is_refused(const char *settings, const char *file, const char *fault)
{
    static const char *const commands[] = { "check", "run" };
    for (size_t i = 0; i < 2; i++) {
        command_result result =
            command(folder, "%s study.cfg %s %s", commands[i], i ? "-o out" : "", settings);
        ck_assert_msg(result.status == 2, "%s %s: exit status %d, stderr: %.2000s", commands[i], settings,
                      result.status, result.err);
        ck_assert_msg(strstr(result.err, file) && strstr(result.err, fault),
                      "%s %s: lacks '%s' or '%s': %.2000s", commands[i], settings, file, fault, result.err);
        ck_assert_str_eq(result.out, "");
        command_free(&result);
    }
    ck_assert_uint_eq(count_files(folder, "out*"), 0);
}

static const struct {
    const char *name, *fault;
} broken[] = {
    { "no_entry", "end the source with TSR_PLUGINS(&...)" },
    { "newer_major", "was built for ABI 2.0 and this program has 1.0; rebuild it" },
    { "newer_minor", "rebuild it against this version's headers" },
    { "short_plugin", "rebuild it against this version's headers" },
    { "null_name", "is not a valid plugin name: expected lower case letters" },
    { "null_operation", "lacks the operation 'run', which every probe must have" },
    { "duplicate_key", "key 'k': it is declared twice; remove or rename one" },
    { "default_outside", "its default 0 is outside its range: expected an integer from 1" },
    { "undefined_symbol", "undefined symbol: defined_nowhere; link the library that has it" },
    { "duplicate_name", "holds two plugins called probe duplicate_name; rename one" },
    { "crashes", "crashed while being loaded (signal 11, Segmentation fault); look at its constructors" },
    { "exits", "ended the process with status 7 while being loaded; look at its constructors" },
    { "ends_later", "ended the process with status 0 in a constructor; try it with 'tessera test'" },
};

START_TEST(a_broken_file_is_refused_by_name_and_fault)
{
    char *settings = tsr_format("-s 'probes=(\"%s\")'", broken[_i].name);
    char *file = tsr_format("/%s.so: ", broken[_i].name);
    is_refused(settings, file, broken[_i].fault);
    free(file);
    free(settings);
}
END_TEST

START_TEST(a_file_that_is_no_plugin_is_refused)
{
    shell_gives(folder, 0, NULL, NULL,
                "mkdir dir.so; : >empty.so; echo text >text.so; cp \"${TESSERA%%/*}\"/plugins/probes/.libs/"
                "redundancy.so arm.so; printf '\\267\\0' | dd of=arm.so bs=1 seek=18 conv=notrunc 2>&1; "
                "cp arm.so locked.so; chmod 0 locked.so");
    is_refused("-s 'probes=(\"./dir.so\")'", "/dir.so: ", "is a folder; name the .so file in it");
    is_refused("-s 'probes=(\"./empty.so\")'", "/empty.so: ", "is empty; build or copy it again");
    is_refused("-s 'probes=(\"./text.so\")'", "/text.so: ", "is not a shared object; build the plugin");
#ifdef __x86_64__
    is_refused("-s 'probes=(\"./arm.so\")'",
               "/arm.so: ", "is built for 64-bit ARM and this program for x86-64");
#endif
    if (geteuid() != 0) /* who reads everything */
        is_refused("-s 'probes=(\"./locked.so\")'",
                   "/locked.so: ", "Permission denied; check its permissions");
}
END_TEST

/* Of the first instance, which is tried in another process: whatever it does there. */
static const struct {
    const char *how, *in, *fault;
} first[] = {
    { "fails", "init", "probe goes_wrong (" },
    { "fails", "init", "): it does not want to" },
    { "crashes", "init", "crashed in init (signal 11, Segmentation fault), in function " },
    { "exits", "init", "ended the process with status 0 in init; try it with 'tessera test'" },
    { "leaves", "init", "ended the process with status 7 in init; try it" },
    { "crashes", "fini", "crashed in fini (signal 11, Segmentation fault), in function " },
    { "exits", "fini", "ended the process with status 0 in fini; try it" },
    { "leaves", "fini", "ended the process with status 7 in fini; try it" },
    { "crashes", "check",
      "probe goes_wrong: crashed in check (signal 11, Segmentation fault), in function " },
    { "exits", "check", "probe goes_wrong: ended the process with status 0 in check; try it" },
};

START_TEST(what_goes_wrong_before_any_work_is_refused)
{
    char *settings = tsr_format("-s 'probes=({plugin=\"goes_wrong\"; how=\"%s\"; in=\"%s\";})'",
                                first[_i].how, first[_i].in);
    is_refused(settings, "/goes_wrong.so", first[_i].fault);
    free(settings);
}
END_TEST

START_TEST(a_second_instance_that_goes_wrong_is_refused_too)
{
    for (size_t i = 0; i < 2; i++) {
        char *settings =
            tsr_format("-s 'probes=(\"goes_wrong\", {plugin=\"goes_wrong\"; label=\"b\"; how=\"%s\"; "
                       "in=\"init\";})'",
                       i ? "exits" : "crashes");
        is_refused(settings, "/goes_wrong.so: probe goes_wrong: ",
                   i ? "ended the process with status 0 in init; try it"
                     : "crashed in init (signal 11, Segmentation fault)");
        free(settings);
    }
}
END_TEST

START_TEST(a_dataset_that_goes_wrong_is_refused)
{
    is_refused("-s 'dataset={plugin=\"goes_wrong\"; in=\"open\";}'", "/goes_wrong.so: dataset goes_wrong: ",
               "crashed in open (signal 11, Segmentation fault), in function ");
    is_refused("-s 'dataset={plugin=\"goes_wrong\"; in=\"open\"; exits=true;}'",
               "/goes_wrong.so: ", "ended the process with status 0 in open; try it");
    is_refused("-s 'dataset={plugin=\"goes_wrong\"; in=\"read\";}'", "/goes_wrong.so: ", "crashed in read (");
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* which sees it first */
START_TEST(an_instance_that_is_overrun_is_refused)
{
    is_refused("-s 'probes=(\"overruns\")'", "/overruns.so: ",
               "wrote behind its instance of 48 bytes; is TSR_INSTANCE given the type that is used");
    is_refused("-s 'probes=({plugin=\"goes_wrong\"; how=\"overruns\"; in=\"init\";})'",
               "/goes_wrong.so: ", "wrote behind its instance of");
    command_gives(
        folder, 3, NULL, "/goes_wrong.so: probe goes_wrong: wrote behind its instance of",
        "run study.cfg -o out -s 'probes=({plugin=\"goes_wrong\"; how=\"overruns\"; in=\"run\";})'");
}
END_TEST
#else
START_TEST(an_instance_that_is_overrun_is_seen_by_the_sanitizer)
{
    command_gives(folder, 2, NULL, "heap-buffer-overflow",
                  "check study.cfg -s 'probes=(\"goes_wrong\", {plugin=\"goes_wrong\"; label=\"b\"; "
                  "how=\"overruns\"; in=\"init\";})'");
}
END_TEST
#endif

static const struct {
    const char *how, *error;
} in_run[] = {
    { "crashes", "killed by signal 11 (Segmentation fault)" },
    { "exits", "its process ended with exit status 0 and no outcome, in run of probe goes_wrong (" },
    { "leaves", "its process ended with exit status 7 and no outcome" },
    { "fails", "probe goes_wrong: it does not want to" },
};

START_TEST(what_goes_wrong_in_a_run_costs_the_run)
{
    command_gives(folder, 3, "results in out", in_run[_i].error,
                  "run study.cfg -o out -s 'probes=({plugin=\"goes_wrong\"; how=\"%s\"; in=\"nothing\";})' "
                  "-s 'sweep=({key=\"probes.0.in\"; values=[\"nothing\", \"run\"];})'",
                  in_run[_i].how);
    char *line = read_text(folder, "out/results.csv");
    ck_assert_ptr_nonnull(strchr(line, '\n'));
    ck_assert_ptr_nonnull(strchr(strchr(line, '\n') + 1, '\n')); /* the other run's row */
    free(line);
}
END_TEST

/* Where all is done: what a plugin does while it is cleared changes neither results nor the exit status. */
START_TEST(what_goes_wrong_at_the_end_is_told_and_costs_nothing)
{
    command_gives(folder, 0, "results in out", "goes_wrong.so: dataset goes_wrong: crashed in close (",
                  "run study.cfg -o out -s 'dataset={plugin=\"goes_wrong\"; in=\"close\";}'");
    command_gives(folder, 0, "results in two", "goes_wrong.so: probe goes_wrong: crashed in fini (",
                  "run study.cfg -o two -s 'probes=(\"goes_wrong\", {plugin=\"goes_wrong\"; label=\"b\"; "
                  "in=\"fini\";})'");
    ck_assert_uint_eq(count_files(folder, "two/runs/*/run.json"), 1);
}
END_TEST

START_TEST(what_plugins_print_is_no_part_of_the_results)
{
    static const char *const places[] = { "init", "check", "run", "fini" };
    for (size_t i = 0; i < 4; i++) {
        command_result result = command(folder,
                                        "run study.cfg -o out%zu -s 'probes=(\"prints\", "
                                        "{plugin=\"goes_wrong\"; how=\"prints\"; in=\"%s\";})'",
                                        i, places[i]);
        char *noise = tsr_format("NOISE in %s", places[i]);
        ck_assert_int_eq(result.status, 0);
        ck_assert_msg(!strstr(result.out, "NOISE"), "%s", result.out);
        ck_assert_msg(strstr(result.err, noise), "%s is not on stderr: %s", noise, result.err);
        free(noise);
        command_free(&result);
    }
    command_result result = command(folder, "check -n study.cfg -s 'probes=(\"prints\")'");
    ck_assert_ptr_null(strstr(result.out, "NOISE"));
    ck_assert_int_eq(strncmp(result.out, "name = ", 7), 0);
    command_free(&result);
    result = command(folder, "list probe --json");
    ck_assert_int_eq(result.out[0], '[');
    command_free(&result);
}
END_TEST

START_TEST(symbols_of_a_plugin_stay_with_it)
{
    command_gives(folder, 0, "results in out", NULL, "run study.cfg -o out -s 'probes=(\"redundancy\")'");
    command_gives(folder, 0, "results in two", NULL,
                  "run study.cfg -o two -s 'probes=(\"takes_names\", \"redundancy\")'");
    shell_gives(folder, 0, NULL, NULL,
                "for i in out two; do cut -d, -f2- $i/results.csv >$i.csv; done; cmp out.csv two.csv");
}
END_TEST

START_TEST(two_files_with_one_name_are_told_apart_or_refused)
{
    shell_gives(folder, 0, NULL, NULL,
                "for i in one two; do cp \"${TESSERA%%/*}\"/plugins/probes/.libs/redundancy.so $i.so; done");
    is_refused("-s 'probes=(\"./one.so\", \"./two.so\")'", "./two.so",
               "two probes are called redundancy: expected a label");
    command_gives(folder, 0, "b.train", NULL,
                  "run study.cfg -o out -s 'probes=(\"./one.so\", {plugin=\"./two.so\"; label=\"b\";})'");
}
END_TEST

START_TEST(stacks_too_small_for_the_library_are_refused)
{
    shell_gives(
        folder, 2, NULL,
        "OMP_STACKSIZE=64 gives each thread a stack of 64 KiB, expected at least 512: unset it, or set it "
        "to 4M",
        "OMP_STACKSIZE=64 $TESSERA run study.cfg -q -o out");
    shell_gives(folder, 2, NULL, "GOMP_STACKSIZE=100000 b gives each thread",
                "GOMP_STACKSIZE='100000 b' $TESSERA check study.cfg");
    shell_gives(
        folder, 0, NULL, NULL,
        "for size in 512 1M 1g '600 k'; do OMP_STACKSIZE=$size $TESSERA list >/dev/null || exit; done");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile");
    TCase *tests = tcase_create("hostile");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_broken_file_is_refused_by_name_and_fault, 0,
                        sizeof(broken) / sizeof(broken[0]));
    tcase_add_test(tests, a_file_that_is_no_plugin_is_refused);
    tcase_add_loop_test(tests, what_goes_wrong_before_any_work_is_refused, 0,
                        sizeof(first) / sizeof(first[0]));
    tcase_add_test(tests, a_second_instance_that_goes_wrong_is_refused_too);
    tcase_add_test(tests, a_dataset_that_goes_wrong_is_refused);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(tests, an_instance_that_is_overrun_is_refused);
#else
    tcase_add_test(tests, an_instance_that_is_overrun_is_seen_by_the_sanitizer);
#endif
    tcase_add_loop_test(tests, what_goes_wrong_in_a_run_costs_the_run, 0, sizeof(in_run) / sizeof(in_run[0]));
    tcase_add_test(tests, what_goes_wrong_at_the_end_is_told_and_costs_nothing);
    tcase_add_test(tests, what_plugins_print_is_no_part_of_the_results);
    tcase_add_test(tests, symbols_of_a_plugin_stay_with_it);
    tcase_add_test(tests, two_files_with_one_name_are_told_apart_or_refused);
    tcase_add_test(tests, stacks_too_small_for_the_library_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
