/* The loader: files that are no plugins, plugins with one fault each (tests/bad-plugins), and sound ones.
   Every refusal is held to its message: the file, the plugin, the cause. */
#include "support.h"

#include "base/file.h"
#include "base/text.h"
#include "plugin/trial.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *fixture(const char *folder, const char *name)
{
    return tsr_format("%s/tests/%s/.libs/%s.so", test_build(), folder, name);
}

static tsr_status *load(const char *file)
{
    tsr_module *module;
    tsr_status *status = tsr_module_load(file, &module);
    tsr_module_free(module);
    return status;
}

/* Refused, naming the file and then the fault. */
static void refuses(const char *file, const char *fault)
{
    char *start = tsr_format("%s: ", file);
    tsr_status *status = load(file);
    ck_assert_msg(status != NULL, "%s was loaded", file);
    const char *message = tsr_status_message(status);
    ck_assert_msg(strncmp(message, start, strlen(start)) == 0, "'%s' does not begin with the file", message);
    ck_assert_msg(strstr(message, fault) != NULL, "'%s' lacks '%s'", message, fault);
    ck_assert_int_eq(tsr_status_error(status), TSR_REFUSED);
    tsr_status_free(status);
    free(start);
}

static char *write_in(const char *folder, const char *name, const void *bytes, size_t length)
{
    char *path = tsr_path_join(folder, name);
    ck_succeeds(tsr_write_file(path, bytes, length));
    return path;
}

/* The bytes of a sound plugin. */
static unsigned char *sound_bytes(size_t *length)
{
    char *path = fixture("plugin/fixtures/probes", "sample"), *bytes;
    ck_succeeds(tsr_read_file(path, SIZE_MAX, &bytes, length));
    free(path);
    return (unsigned char *)bytes;
}

START_TEST(a_missing_file_is_refused)
{
    refuses("/nowhere/x.so", "no such file");
}
END_TEST

START_TEST(a_folder_is_refused)
{
    char *folder = test_folder();
    refuses(folder, "is a folder; name the .so file");
    test_folder_remove(folder);
}
END_TEST

START_TEST(a_pipe_is_refused_without_waiting_for_it)
{
    char *folder = test_folder(), *path = tsr_path_join(folder, "pipe.so");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refuses(path, "is not a regular file");
    free(path);
    test_folder_remove(folder);
}
END_TEST

START_TEST(empty_and_text_files_are_refused)
{
    char *folder = test_folder();
    char *empty = write_in(folder, "empty.so", "", 0), *text = write_in(folder, "text.so", "#!/bin/sh\n", 10);
    refuses(empty, "is empty");
    refuses(text, "is not a shared object");
    free(empty);
    free(text);
    test_folder_remove(folder);
}
END_TEST

START_TEST(an_unreadable_file_is_refused)
{
    size_t length;
    unsigned char *bytes = sound_bytes(&length);
    char *folder = test_folder(), *path = write_in(folder, "closed.so", bytes, length);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(chmod(path, 0), 0);
    bool root = geteuid() == 0; /* who reads everything: be nobody for a moment */
    if (root)
        ck_assert_int_eq(seteuid(65534), 0);
    refuses(path, "cannot be read: Permission denied");
    if (root)
        ck_assert_int_eq(seteuid(0), 0);
    free(bytes);
    free(path);
    test_folder_remove(folder);
}
END_TEST

START_TEST(a_truncated_file_is_refused_wherever_it_ends)
{
    size_t length;
    unsigned char *bytes = sound_bytes(&length);
    char *folder = test_folder();
    const size_t lengths[] = { 4, 5, 16, 40, 63, 64, 100, length / 4, length / 2, length - 64, length - 1 };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        char *path = write_in(folder, "cut.so", bytes, lengths[i]);
        refuses(path, "is truncated");
        free(path);
    }
    free(bytes);
    test_folder_remove(folder);
}
END_TEST

START_TEST(another_machines_file_is_refused)
{
    size_t length;
    unsigned char *bytes = sound_bytes(&length);
    char *folder = test_folder();
    ElfW(Ehdr) header;
    memcpy(&header, bytes, sizeof(header));
    header.e_machine = header.e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    memcpy(bytes, &header, sizeof(header));
    char *path = write_in(folder, "arm.so", bytes, length);
    refuses(path, header.e_machine == EM_AARCH64 ? "is built for 64-bit ARM and" : "is built for x86-64 and");
    free(path);
    free(bytes);
    bytes = sound_bytes(&length);
    bytes[EI_CLASS] = bytes[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
    path = write_in(folder, "narrow.so", bytes, length);
    refuses(path, "of another word size or byte order");
    free(path);
    free(bytes);
    test_folder_remove(folder);
}
END_TEST

START_TEST(an_object_file_is_refused)
{
    size_t length;
    unsigned char *bytes = sound_bytes(&length);
    ElfW(Ehdr) header;
    memcpy(&header, bytes, sizeof(header));
    header.e_type = ET_REL;
    memcpy(bytes, &header, sizeof(header));
    char *folder = test_folder(), *path = write_in(folder, "object.so", bytes, length);
    refuses(path, "link it with -shared");
    free(path);
    free(bytes);
    test_folder_remove(folder);
}
END_TEST

/* The sound plugin, asking for a library that is not there. */
START_TEST(a_missing_library_is_named_with_the_plugin)
{
    static const char needed[] = "libtessera.so.", nowhere[] = "libnowhere.so.";
    size_t length;
    unsigned char *bytes = sound_bytes(&length);
    unsigned char *name = memmem(bytes, length, needed, strlen(needed));
    ck_assert_ptr_nonnull(name);
    memcpy(name, nowhere, strlen(nowhere));
    char *folder = test_folder(), *path = write_in(folder, "orphan.so", bytes, length);
    refuses(path, "cannot be loaded: libnowhere.so.");
    refuses(path, "; install that library");
    free(path);
    free(bytes);
    test_folder_remove(folder);
}
END_TEST

static const struct {
    const char *name, *fault;
} faults[] = {
    { "no_entry", "is not a Tessera plugin: it does not export 'tessera_plugin'" },
    { "bad_magic", "begins with 0x1122334455667788, not with the magic number" },
    { "newer_major", "was built for ABI 2.0 and this program has 1.0; rebuild it" },
    { "newer_minor", "was built for ABI 1.1 and this program has 1.0; rebuild it" },
    { "short_file", "its tsr_plugin_file takes 24 bytes, expected 32;" },
    { "short_plugin", "its tsr_plugin takes 80 bytes, expected 88;" },
    { "short_key", "its tsr_key takes " },
    { "null_list", "its list of plugins is empty" },
    { "empty_list", "its list of plugins is empty" },
    { "unknown_kind", "plugin 'unknown_kind' is of the unknown kind 99" },
    { "null_ops", "probe null_ops: has no operations" },
    { "short_ops", "probe short_ops: its table of operations takes 8 bytes, expected 24" },
    { "null_operation", "probe null_operation: lacks the operation 'run'" },
    { "empty_name", "'' is not a valid plugin name" },
    { "null_name", "is not a valid plugin name" },
    { "path_name", "'../path_name' is not a valid plugin name" },
    { "no_version", "probe no_version: its version is missing" },
    { "no_summary", "probe no_summary: its summary is missing" },
    { "no_licence", "probe no_licence: its licence is missing" },
    { "duplicate_name", "holds two plugins called probe duplicate_name" },
    { "default_outside", "probe default_outside: key 'k': its default 0 is outside its range" },
    { "min_above_max", "key 'k': its least value 9 is greater than its greatest, 1" },
    { "nan_bound", "key 'radius': a bound of its range is not a number" },
    { "infinite_default", "key 'radius': its default inf is outside its range" },
    { "duplicate_key", "key 'k': it is declared twice" },
    { "shared_field", "key 'n': its field is also that of 'k'" },
    { "no_doc", "key 'k': its doc is missing" },
    { "bad_key", "key 0: its name 'K-9' is not valid" },
    { "key_plugin", "key 'plugin': this key names the plugin itself" },
    { "key_common", "key 'label': every probe has this key already" },
    { "field_outside", "key 'k': its field (bytes 48 to 52) lies outside the instance of 48 bytes" },
    { "field_size", "key 'k': its field has 8 bytes, expected the 1 of type bool" },
    { "narrow_field", "its field of 4 bytes does not hold the range from -1 to 3000000000" },
    { "enum_default", "key 'word': its default 'c' is none of its choices" },
    { "no_choices", "key 'word': it has no choices" },
    { "nested_kind", "key 'nested': the kind of plugin it takes, 99, is none" },
    { "list_default", "key 'list': its default 5 is outside its range: expected an integer from 0 to 4" },
    { "list_length", "key 'list': its default has 0 elements, outside its range of lengths" },
    { "metric_name", "probe metric_name: 'Train!' is not a valid metric name" },
    { "curve_axis", "probe curve_axis: curve 'line': its y is missing or not one line" },
    { "curve_name", "probe curve_name: 'layer#.line' is not a valid name of a curve" },
    { "curve_size", "probe curve_size: its tsr_curve_info takes 0 bytes, expected " },
    { "curve_twice", "probe curve_twice: announces curve 'line' twice" },
    { "metric_twice", "probe metric_twice: announces metric 'train' twice" },
    { "metric_role", "metric 'train': expected one of TSR_METRIC_... as its role" },
    { "metric_doc", "metric 'train': its doc is missing" },
    { "no_end", "key 1 has the unknown type 2139062143; is TSR_KEY_END missing?" },
    { "undefined_symbol", "cannot be loaded: undefined symbol: defined_nowhere; link the library" },
};
enum { N_FAULTS = sizeof(faults) / sizeof(*faults) };

START_TEST(a_plugin_with_a_fault_is_refused_for_that_fault)
{
    char *path = fixture("bad-plugins/probes", faults[_i].name);
    refuses(path, faults[_i].fault);
    free(path);
}
END_TEST

START_TEST(a_schedule_may_not_call_a_key_as_its_name)
{
    char *path = fixture("bad-plugins/schedules", "key_kind");
    refuses(path, "schedule key_kind: key 'kind': this key names the plugin itself; call it otherwise");
    free(path);
}
END_TEST

START_TEST(what_a_sound_plugin_declares_is_copied_in_full)
{
    char *path = fixture("plugin/fixtures/probes", "sample");
    tsr_module *module;
    ck_succeeds(tsr_module_load(path, &module));
    ck_assert_str_eq(module->file, path);
    ck_assert_uint_eq(module->n, 1);
    const tsr_plugin *plugin = &module->plugins[0].plugin;
    ck_assert_int_eq(plugin->kind, TSR_PROBE);
    ck_assert_str_eq(plugin->name, "sample");
    ck_assert_str_eq(plugin->version, "1.2.3");
    ck_assert_uint_eq(tsr_keys_count(plugin->keys), 12);
    ck_assert_str_eq(plugin->keys[3].unit, "bits");
    const tsr_probe_ops *ops = plugin->ops;
    ck_assert_ptr_nonnull(ops->run);
    tsr_module_free(module);
    free(path);
}
END_TEST

START_TEST(a_relative_path_is_made_absolute)
{
    char *path = fixture("plugin/fixtures/probes", "sample"), *folder = tsr_path_folder(path);
    char *before = getcwd(NULL, 0);
    ck_assert_int_eq(chdir(folder), 0);
    tsr_module *module;
    ck_succeeds(tsr_module_load("./sample.so", &module));
    ck_assert_int_eq(module->file[0], '/');
    tsr_module_free(module);
    ck_assert_int_eq(chdir(before), 0);
    free(before);
    free(folder);
    free(path);
}
END_TEST

/* Trials. */

static char *describe_name(const tsr_loaded *loaded)
{
    return tsr_format("%s\n\tof the file\n", loaded->plugin.name);
}

START_TEST(a_trial_tells_what_the_loader_tells)
{
    char *path = fixture("bad-plugins/probes", "null_operation");
    tsr_status *here = load(path);
    tsr_file_info info;
    ck_assert_ptr_nonnull(here);
    ck_fails(tsr_trial_load(path, 5000, NULL, &info), TSR_REFUSED, tsr_status_message(here));
    ck_assert_uint_eq(info.n, 0);
    tsr_status_free(here);
    free(path);

    path = fixture("plugin/fixtures/probes", "several");
    tsr_module *module;
    ck_succeeds(tsr_trial_load(path, 5000, describe_name, &info));
    ck_succeeds(tsr_module_load(path, &module));
    ck_assert_uint_eq(info.n, 3);
    ck_assert_uint_eq(module->n, 3);
    for (size_t i = 0; i < info.n; i++) {
        const tsr_plugin *plugin = &module->plugins[i].plugin;
        char *described = describe_name(&module->plugins[i]);
        ck_assert_int_eq(info.plugins[i].kind, plugin->kind);
        ck_assert_str_eq(info.plugins[i].name, plugin->name);
        ck_assert_str_eq(info.plugins[i].version, plugin->version);
        ck_assert_str_eq(info.plugins[i].summary, plugin->summary);
        ck_assert_str_eq(info.plugins[i].description, described);
        free(described);
    }
    tsr_file_info_clear(&info);
    tsr_module_free(module);
    free(path);
}
END_TEST

static char *describe_nothing(const tsr_loaded *loaded)
{
    (void)loaded;
    return NULL;
}

START_TEST(a_description_is_optional_and_may_fail)
{
    char *path = fixture("plugin/fixtures/probes", "several");
    tsr_file_info info;
    ck_succeeds(tsr_trial_load(path, 5000, NULL, &info));
    ck_assert_str_eq(info.plugins[2].description, "");
    tsr_file_info_clear(&info);
    ck_fails(tsr_trial_load(path, 5000, describe_nothing, &info), TSR_NO_MEMORY, "a plugin's description");
    free(path);
}
END_TEST

/* What a constructor may write in place of the child's answer. */
static const struct {
    const char *answer, *fault;
} forged[] = {
    { "", "plugin 1: expected its kind" },
    { "\n", "plugin 1: expected its kind" },
    { "noise", "plugin 1: expected its kind" },
    { "NOISE\nprobe\ta\t1\tx\t0\n\n", "plugin 1: expected its kind" },
    { "\t\t\t\t\t\n", "plugin 1: its kind is not one line of UTF-8" },
    { "toaster\ta\t1\tx\t0\n\n", "plugin 1: expected a kind of plugin and a valid name" },
    { "probe\tA\t1\tx\t0\n\n", "plugin 1: expected a kind of plugin and a valid name" },
    { "probe\t../a\t1\tx\t0\n\n", "plugin 1: expected a kind of plugin and a valid name" },
    { "probe\ta\t1\n", "plugin 1: expected its version" },
    { "probe\ta\t\tx\t0\n\n", "plugin 1: its version is not one line" },
    { "probe\ta\t1\t\xff\t0\n\n", "plugin 1: its summary is not one line" },
    { "probe\ta\t1\tx\033\t0\n\n", "plugin 1: its summary is not one line" },
    { "probe\ta\t1\tx\t0\t\n\n", "plugin 1: expected its description's length" },
    { "probe\ta\t1\tx\t0", "plugin 1: expected its description's length" },
    { "probe\ta\t1\tx\t\n\n", "plugin 1: its description's length is not one line" },
    { "probe\ta\t1\tx\t0\n", "plugin 1: its description is not as long" },
    { "probe\ta\t1\tx\t1\n\n", "plugin 1: its description is not as long" },
    { "probe\ta\t1\tx\t3\nab\n", "plugin 1: its description is not as long" },
    { "probe\ta\t1\tx\t1\nab\n", "plugin 1: its description is not as long" },
    { "probe\ta\t1\tx\t-1\n\n", "plugin 1: its description is not as long" },
    { "probe\ta\t1\tx\t+0\n\n", "plugin 1: its description is not as long" },
    { "probe\ta\t1\tx\t0x0\n\n", "plugin 1: its description is not as long" },
    { "probe\ta\t1\tx\t999999999\nab\n", "plugin 1: its description is not as long" },
    { "probe\ta\t1\tx\t18446744073709551616\n\n", "plugin 1: its description is not as long" },
    { "probe\ta\t1\tx\t0\n\nmore", "plugin 2: expected its kind" },
};

START_TEST(an_answer_that_is_none_is_refused)
{
    tsr_file_info info;
    char *expected = tsr_format("/p.so: the answer of the process that loads it cannot be read (do its "
                                "constructors write into open files?): %s",
                                forged[_i].fault);
    ck_fails(tsr_file_info_parse("/p.so", forged[_i].answer, &info), TSR_REFUSED, expected);
    ck_assert_uint_eq(info.n, 0);
    ck_assert_ptr_null(info.plugins);
    free(expected);
}
END_TEST

/* Every beginning of a good answer, and every byte of it changed: read or refused, and nothing worse. */
START_TEST(an_answer_that_is_damaged_anywhere_does_no_harm)
{
    static const char good[] = "probe\ta\t1\tx\t4\n{\t\n}\nmodel\tb\t2\ty\t0\n\n";
    static const char bytes[] = "\t\n09a\x01\xff";
    tsr_file_info info;
    ck_succeeds(tsr_file_info_parse("/p.so", good, &info));
    ck_assert_uint_eq(info.n, 2);
    ck_assert_str_eq(info.plugins[0].description, "{\t\n}");
    ck_assert_str_eq(info.plugins[1].name, "b");
    tsr_file_info_clear(&info);
    for (size_t i = 0; i < sizeof(good) - 1; i++)
        for (size_t j = 0; j < sizeof(bytes); j++) { /* the NUL too, which cuts it */
            char *text = strdup(good);
            text[i] = bytes[j];
            tsr_status *status = tsr_file_info_parse("/p.so", text, &info);
            ck_assert_uint_eq(status == NULL, info.n > 0);
            tsr_status_free(status);
            tsr_file_info_clear(&info);
            free(text);
        }
}
END_TEST

static void trial_refuses(const char *folder, const char *name, int limit, const char *fault)
{
    char *path = fixture(folder, name);
    char *expected = tsr_format("%s: %s", path, fault);
    tsr_file_info info;
    ck_fails(tsr_trial_load(path, limit, NULL, &info), TSR_REFUSED, expected);
    free(expected);
    free(path);
}

START_TEST(a_crash_while_being_loaded_costs_the_trial_alone)
{
    trial_refuses("bad-plugins/probes", "crashes", 5000,
                  "crashed while being loaded (signal 11, Segmentation");
}
END_TEST

START_TEST(a_plugin_that_ends_the_process_costs_the_trial_alone)
{
    trial_refuses("bad-plugins/probes", "exits", 5000, "ended the process with status 7 while being loaded");
}
END_TEST

START_TEST(a_plugin_that_hangs_is_killed)
{
    trial_refuses("bad-plugins/models", "hangs", 300, "took more than 0.3 seconds while being loaded");
}
END_TEST

START_TEST(a_constructor_that_answers_without_a_status_or_an_end_costs_the_trial_alone)
{
    trial_refuses("bad-plugins/probes", "misanswers", 5000,
                  "its process gave an answer that begins with byte 90, expected 65 to 72 while being "
                  "loaded; look at its constructors");
    trial_refuses("bad-plugins/probes", "floods", 20000,
                  "its process gave an answer of more than 16777216 bytes while being loaded; look at");
}
END_TEST

START_TEST(a_constructor_that_garbles_the_answer_costs_the_trial_alone)
{
    trial_refuses(
        "bad-plugins/probes", "garbles", 5000,
        "the answer of the process that loads it cannot be read (do its constructors write into open "
        "files?): plugin 1: expected its version");
}
END_TEST

START_TEST(a_path_that_is_no_text_is_refused)
{
    tsr_file_info info;
    ck_fails(tsr_trial_load("/nowhere/\xe4.so", 5000, NULL, &info), TSR_REFUSED, "the path is not UTF-8");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loader");
    TCase *files = tcase_create("files");
    tcase_add_test(files, a_missing_file_is_refused);
    tcase_add_test(files, a_folder_is_refused);
    tcase_add_test(files, a_pipe_is_refused_without_waiting_for_it);
    tcase_add_test(files, empty_and_text_files_are_refused);
    tcase_add_test(files, an_unreadable_file_is_refused);
    tcase_add_test(files, a_truncated_file_is_refused_wherever_it_ends);
    tcase_add_test(files, another_machines_file_is_refused);
    tcase_add_test(files, an_object_file_is_refused);
    tcase_add_test(files, a_missing_library_is_named_with_the_plugin);
    suite_add_tcase(suite, files);
    TCase *plugins = tcase_create("plugins");
    tcase_add_loop_test(plugins, a_plugin_with_a_fault_is_refused_for_that_fault, 0, N_FAULTS);
    tcase_add_test(plugins, a_schedule_may_not_call_a_key_as_its_name);
    tcase_add_test(plugins, what_a_sound_plugin_declares_is_copied_in_full);
    tcase_add_test(plugins, a_relative_path_is_made_absolute);
    suite_add_tcase(suite, plugins);
    TCase *trials = tcase_create("trials");
    tcase_add_test(trials, a_trial_tells_what_the_loader_tells);
    tcase_add_test(trials, a_description_is_optional_and_may_fail);
    tcase_add_loop_test(trials, an_answer_that_is_none_is_refused, 0, sizeof(forged) / sizeof(*forged));
    tcase_add_test(trials, an_answer_that_is_damaged_anywhere_does_no_harm);
    tcase_add_test(trials, a_constructor_that_answers_without_a_status_or_an_end_costs_the_trial_alone);
    tcase_add_test(trials, a_constructor_that_garbles_the_answer_costs_the_trial_alone);
    tcase_add_test(trials, a_crash_while_being_loaded_costs_the_trial_alone);
    tcase_add_test(trials, a_plugin_that_ends_the_process_costs_the_trial_alone);
    tcase_add_test(trials, a_plugin_that_hangs_is_killed);
    tcase_add_test(trials, a_path_that_is_no_text_is_refused);
    suite_add_tcase(suite, trials);
    return test_main(suite);
}
