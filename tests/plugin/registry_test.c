/* The registry: the search path, names, files of several plugins, one file by two paths, lists. */
#include "support.h"

#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *in_build(const char *path)
{
    return tsr_path_join(test_build(), path);
}

/* A registry whose path is `folder`, then what the environment adds. */
static tsr_registry *registry_of(const char *folder)
{
    tsr_registry *registry;
    ck_succeeds(tsr_registry_new(folder ? 1 : 0, &folder, &registry));
    return registry;
}

static tsr_registry *fixtures(void)
{
    char *folder = in_build("tests/plugin/fixtures");
    tsr_registry *registry = registry_of(folder);
    free(folder);
    return registry;
}

static const tsr_loaded *find(tsr_registry *registry, tsr_kind kind, const char *name)
{
    const tsr_loaded *loaded;
    ck_succeeds(tsr_registry_find(registry, kind, name, &loaded));
    return loaded;
}

/* The environment's, to be put back. */
static char *plugin_path(void)
{
    const char *path = getenv("TESSERA_PLUGIN_PATH");
    return strdup(path ? path : "");
}

/* FOLDER/probes/NAME.so leads to the fixture. */
static void link_probe(const char *folder, const char *name, const char *fixture)
{
    char *probes = tsr_path_join(folder, "probes"), *link = tsr_format("%s/%s.so", probes, name);
    char *target = tsr_format("%s/tests/plugin/fixtures/probes/.libs/%s.so", test_build(), fixture);
    ck_succeeds(tsr_make_folder(probes));
    ck_assert_int_eq(symlink(target, link), 0);
    free(probes);
    free(link);
    free(target);
}

START_TEST(a_name_leads_to_the_file_of_its_kind)
{
    tsr_registry *registry = fixtures();
    const tsr_loaded *found = find(registry, TSR_PROBE, "sample");
    ck_assert_str_eq(found->plugin.name, "sample");
    ck_assert_ptr_nonnull(strstr(found->file, "/probes/.libs/sample.so"));
    ck_assert_ptr_eq(find(registry, TSR_PROBE, "sample"), found);
    ck_assert_str_eq(find(registry, TSR_MODEL, "holder")->plugin.name, "holder");
    tsr_registry_free(registry);
}
END_TEST

START_TEST(an_unknown_name_gets_the_nearest_and_the_folders_searched)
{
    tsr_registry *registry = fixtures();
    const tsr_loaded *loaded;
    ck_fails(tsr_registry_find(registry, TSR_PROBE, "smaple", &loaded), TSR_REFUSED,
             "no probe is called 'smaple'; did you mean 'sample'? searched: ");
    ck_fails(tsr_registry_find(registry, TSR_PROBE, "smaple", &loaded), TSR_REFUSED,
             "tests/plugin/fixtures, ");
    ck_fails(tsr_registry_find(registry, TSR_MODEL, "sample", &loaded), TSR_REFUSED,
             "no model is called 'sample'; ");
    tsr_registry_free(registry);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_told)
{
    tsr_registry *registry = registry_of("/nowhere/plugins");
    const tsr_loaded *loaded;
    ck_fails(tsr_registry_find(registry, TSR_PROBE, "no_such_probe", &loaded), TSR_REFUSED,
             "searched: /nowhere/plugins (no such folder), ");
    tsr_registry_free(registry);
}
END_TEST

START_TEST(names_lead_out_of_no_folder)
{
    tsr_registry *registry = fixtures();
    const tsr_loaded *loaded;
    static const char *const names[] = { "..", "", "sample.so", "Sample" };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        ck_fails(tsr_registry_find(registry, TSR_PROBE, names[i], &loaded), TSR_REFUSED,
                 "is not a valid probe name");
    tsr_registry_free(registry);
}
END_TEST

START_TEST(a_name_with_a_slash_is_a_file)
{
    tsr_registry *registry = registry_of(NULL);
    char *path = in_build("tests/plugin/fixtures/probes/.libs/sample.so");
    ck_assert_str_eq(find(registry, TSR_PROBE, path)->plugin.name, "sample");
    const tsr_loaded *loaded;
    ck_fails(tsr_registry_find(registry, TSR_MODEL, path, &loaded), TSR_REFUSED,
             "sample.so: is not a model: it holds probe sample");
    ck_fails(tsr_registry_find(registry, TSR_MODEL, "./no.so", &loaded), TSR_REFUSED, "/no.so: no such file");
    free(path);
    tsr_registry_free(registry);
}
END_TEST

START_TEST(a_renamed_file_works_under_its_new_name)
{
    char *folder = test_folder();
    link_probe(folder, "renamed", "sample");
    tsr_registry *registry = registry_of(folder);
    ck_assert_str_eq(find(registry, TSR_PROBE, "renamed")->plugin.name, "sample");
    tsr_registry_free(registry);
    test_folder_remove(folder);
}
END_TEST

START_TEST(of_several_plugins_the_one_named_as_the_file_is_meant)
{
    char *folder = test_folder();
    link_probe(folder, "second", "several");
    link_probe(folder, "neither", "several");
    tsr_registry *registry = registry_of(folder);
    ck_assert_str_eq(find(registry, TSR_PROBE, "second")->plugin.name, "second");
    const tsr_loaded *loaded;
    ck_fails(tsr_registry_find(registry, TSR_PROBE, "neither", &loaded), TSR_REFUSED,
             "neither.so: holds several probes (first, second); name one, as in \"");
    char *path = tsr_path_join(folder, "probes/neither.so");
    ck_assert_str_eq(find(registry, TSR_ACTIVATION, path)->plugin.name, "third");
    ck_fails(tsr_registry_find(registry, TSR_PROBE, path, &loaded), TSR_REFUSED,
             "probes/neither.so: holds several probes (first, second); name one, as in \"");
    ck_fails(tsr_registry_find(registry, TSR_PROBE, path, &loaded), TSR_REFUSED,
             "/probes/neither.so:first\"");
    free(path);
    tsr_registry_free(registry);
    test_folder_remove(folder);
}
END_TEST

START_TEST(one_of_several_plugins_is_named_behind_its_file)
{
    char *folder = test_folder();
    link_probe(folder, "neither", "several");
    tsr_registry *registry = registry_of(folder);
    char *first = tsr_format("%s/probes/neither.so:first", folder);
    char *third = tsr_format("%s/probes/neither.so:third", folder);
    ck_assert_str_eq(find(registry, TSR_PROBE, first)->plugin.name, "first");
    ck_assert_str_eq(find(registry, TSR_ACTIVATION, third)->plugin.name, "third");
    ck_assert_str_eq(find(registry, TSR_PROBE, "neither.so:second")->plugin.name, "second");
    const tsr_loaded *loaded;
    ck_fails(tsr_registry_find(registry, TSR_PROBE, third, &loaded), TSR_REFUSED,
             "neither.so: holds no probe called 'third'; its probes: first, second");
    ck_fails(tsr_registry_find(registry, TSR_MODEL, first, &loaded), TSR_REFUSED,
             "neither.so: is not a model: it holds probe first, probe second, activation third");
    ck_fails(tsr_registry_find(registry, TSR_PROBE, "neither.so:", &loaded), TSR_REFUSED,
             "holds no probe called ''");
    ck_fails(tsr_registry_find(registry, TSR_PROBE, "neihter.so:first", &loaded), TSR_REFUSED,
             "no probe is called 'neihter'; did you mean 'neither'?");
    ck_fails(tsr_registry_find(registry, TSR_PROBE, "neither:first", &loaded), TSR_REFUSED,
             "is not a valid probe name");
    ck_fails(tsr_registry_find(registry, TSR_PROBE, "./no.so:first", &loaded), TSR_REFUSED,
             "/no.so: no such file");
    free(first);
    free(third);
    tsr_registry_free(registry);
    test_folder_remove(folder);
}
END_TEST

START_TEST(a_list_holds_every_plugin_of_a_file)
{
    char *folder = test_folder();
    link_probe(folder, "second", "several");
    link_probe(folder, "neither", "several");
    tsr_registry *registry = registry_of(folder);
    tsr_listing list;
    ck_succeeds(tsr_registry_list(registry, TSR_PROBE, &list));
    tsr_text words = { 0 };
    for (size_t i = 0; i < list.n; i++)
        if (strncmp(list.plugins[i].file, folder, strlen(folder)) == 0) {
            ck_assert_ptr_null(list.plugins[i].error);
            tsr_text_add(&words, "%s ", list.plugins[i].name);
        }
    ck_assert_str_eq(words.chars, "neither.so:first neither.so:second second second.so:first ");
    free(words.chars);
    tsr_listing_clear(&list);
    tsr_registry_free(registry);
    test_folder_remove(folder);
}
END_TEST

START_TEST(one_file_by_two_paths_is_one_plugin)
{
    char *folder = test_folder();
    link_probe(folder, "again", "sample");
    tsr_registry *registry = registry_of(folder);
    char *path = in_build("tests/plugin/fixtures/probes/.libs/sample.so");
    const tsr_loaded *first = find(registry, TSR_PROBE, path);
    ck_assert_ptr_eq(find(registry, TSR_PROBE, "again"), first);
    ck_assert_uint_eq(tsr_registry_n_used(registry), 1);
    ck_assert_ptr_eq(tsr_registry_used(registry, 0), first);
    ck_assert_str_eq(first->file, path);
    ck_assert_uint_eq(strlen(first->sha256), 64);
    free(path);
    tsr_registry_free(registry);
    test_folder_remove(folder);
}
END_TEST

START_TEST(the_first_folder_wins_and_the_list_tells_what_it_hides)
{
    char *first = test_folder(), *second = test_folder();
    link_probe(first, "twin", "helper_one");
    link_probe(second, "twin", "helper_two");
    tsr_registry *registry;
    ck_succeeds(tsr_registry_new(2, (const char *const[]){ first, second }, &registry));
    ck_assert_str_eq(find(registry, TSR_PROBE, "twin")->plugin.name, "helper_one");
    tsr_listing list;
    ck_succeeds(tsr_registry_list(registry, TSR_PROBE, &list));
    char *winner = tsr_path_join(first, "probes/twin.so");
    size_t seen = 0;
    for (size_t i = 0; i < list.n; i++) {
        const tsr_listed_plugin *plugin = &list.plugins[i];
        if (strcmp(plugin->name, "twin") != 0)
            continue;
        ck_assert_pstr_eq(plugin->shadowed_by, seen++ ? winner : NULL);
    }
    ck_assert_uint_eq(seen, 2);
    free(winner);
    tsr_listing_clear(&list);
    tsr_registry_free(registry);
    test_folder_remove(first);
    test_folder_remove(second);
}
END_TEST

START_TEST(a_broken_file_hides_those_behind_it)
{
    char *first = test_folder(), *second = test_folder();
    char *probes = tsr_path_join(first, "probes"), *broken = tsr_path_join(probes, "twin.so");
    ck_succeeds(tsr_make_folder(probes));
    ck_succeeds(tsr_write_file(broken, "", 0));
    link_probe(second, "twin", "sample");
    tsr_registry *registry;
    const tsr_loaded *loaded;
    ck_succeeds(tsr_registry_new(2, (const char *const[]){ first, second }, &registry));
    char *message = tsr_format("probe twin: %s: is empty", broken);
    ck_fails(tsr_registry_find(registry, TSR_PROBE, "twin", &loaded), TSR_REFUSED, message);
    free(message);
    free(probes);
    free(broken);
    tsr_registry_free(registry);
    test_folder_remove(first);
    test_folder_remove(second);
}
END_TEST

START_TEST(the_working_folder_is_not_searched)
{
    char *folder = test_folder(), *before = getcwd(NULL, 0), *path = plugin_path();
    link_probe(folder, "decoy", "sample");
    ck_assert_int_eq(chdir(folder), 0);
    static const char *const paths[] = { "", ":", ".", "probes:.:", "./" };
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        ck_assert_int_eq(setenv("TESSERA_PLUGIN_PATH", paths[i], 1), 0);
        tsr_registry *registry = registry_of(NULL);
        const tsr_loaded *loaded;
        ck_fails(tsr_registry_find(registry, TSR_PROBE, "decoy", &loaded), TSR_REFUSED,
                 "no probe is called 'decoy'");
        tsr_registry_free(registry);
    }
    ck_assert_int_eq(setenv("TESSERA_PLUGIN_PATH", path, 1), 0);
    ck_assert_int_eq(chdir(before), 0);
    free(path);
    free(before);
    test_folder_remove(folder);
}
END_TEST

START_TEST(the_path_is_given_folders_then_environment_then_home_then_installed)
{
    char *path = strdup(getenv("TESSERA_PLUGIN_PATH")),
         *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    ck_assert_int_eq(setenv("TESSERA_PLUGIN_PATH", "/e1::relative:/e2:/given", 1), 0);
    ck_assert_int_eq(setenv("HOME", "/h", 1), 0);
    tsr_registry *registry = registry_of("/given");
    char *plugins = tsr_path_join(test_build(), "plugins"), *built = realpath(plugins, NULL);
    /* The library is that of a build tree, and so are the plugins. */
    const char *const expected[] = { "/given", "/e1", "/e2", "/h/.local/lib/tessera", built };
    ck_assert_uint_eq(tsr_registry_n_folders(registry), 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(tsr_registry_folder(registry, i), expected[i]);
    tsr_registry_free(registry);
    free(plugins);
    free(built);
    ck_assert_int_eq(setenv("TESSERA_PLUGIN_PATH", path, 1), 0);
    if (home)
        setenv("HOME", home, 1);
    free(path);
    free(home);
}
END_TEST

/* Bad plugins whose fault shows later. */
static bool loads(const char *name)
{
    static const char *const late[] = { "ends_later", "goes_wrong", "overruns", "prints", "takes_names" };
    for (size_t i = 0; i < sizeof(late) / sizeof(*late); i++)
        if (strcmp(name, late[i]) == 0)
            return true;
    return false;
}

START_TEST(a_list_holds_the_broken_with_their_reasons_in_order)
{
    char *folder = in_build("tests/bad-plugins");
    tsr_registry *registry = registry_of(folder);
    tsr_listing list;
    ck_succeeds(tsr_registry_list(registry, TSR_PROBE, &list));
    const char *before = "";
    size_t broken = 0;
    for (size_t i = 0; i < list.n; i++) {
        const tsr_listed_plugin *plugin = &list.plugins[i];
        ck_assert_int_eq(plugin->kind, TSR_PROBE);
        ck_assert_int_le(strcmp(before, plugin->name), 0);
        before = plugin->name;
        if (!strstr(plugin->file, "/bad-plugins/"))
            continue;
        if (loads(before)) {
            ck_assert_ptr_null(plugin->error);
            ck_assert_str_eq(plugin->version, "1.0.0");
            ck_assert_ptr_nonnull(plugin->summary);
            continue;
        }
        ck_assert_msg(plugin->error, "%s (%s) was loaded", plugin->name, plugin->file);
        ck_assert_ptr_nonnull(strstr(plugin->error, plugin->file));
        ck_assert_ptr_null(plugin->version);
        broken++;
    }
    ck_assert_uint_ge(broken, 44);
    tsr_listing_clear(&list);
    tsr_registry_free(registry);
    free(folder);
}
END_TEST

START_TEST(a_file_that_no_config_can_name_is_listed_as_such)
{
    char *folder = test_folder();
    link_probe(folder, "lib-Sample", "sample");
    link_probe(folder, "s\xe4mple", "sample");
    tsr_registry *registry = registry_of(folder);
    tsr_listing list;
    ck_succeeds(tsr_registry_list(registry, TSR_PROBE, &list));
    size_t seen = 0; /* an installed Tessera's plugins are in the list too */
    for (size_t i = 0; i < list.n; i++) {
        const tsr_listed_plugin *plugin = &list.plugins[i];
        if (strcmp(plugin->name, "lib-Sample") != 0 && strcmp(plugin->name, "s?mple") != 0)
            continue;
        ck_assert_ptr_nonnull(strstr(plugin->error, "it cannot be named in a config"));
        ck_assert(tsr_is_utf8(plugin->file) && tsr_is_utf8(plugin->error));
        seen++;
    }
    ck_assert_uint_eq(seen, 2);
    tsr_listing_clear(&list);
    tsr_registry_free(registry);
    test_folder_remove(folder);
}
END_TEST

/* The trial was told something else than what the file holds. */
START_TEST(a_plugin_of_another_kind_than_its_trial_said_is_not_given_out)
{
    char *path = in_build("tests/bad-plugins/probes/.libs/forges.so");
    tsr_registry *registry = registry_of(NULL);
    const tsr_plugin_info *info;
    const tsr_loaded *loaded;
    ck_succeeds(tsr_registry_describe(registry, TSR_DATASET, path, &info));
    ck_assert_str_eq(info->summary, "not so");
    ck_fails(tsr_registry_find(registry, TSR_DATASET, path, &loaded), TSR_REFUSED,
             "forges.so: changed while it was being loaded");
    ck_assert_ptr_null(loaded);
    ck_assert_uint_eq(tsr_registry_n_used(registry), 0);
    tsr_registry_free(registry);
    free(path);
}
END_TEST

static void check_says(tsr_registry *registry, const char *name, const char *expected)
{
    const tsr_probe_ops *ops = find(registry, TSR_PROBE, name)->plugin.ops;
    ck_fails(ops->check(NULL, NULL), TSR_FAILED, expected);
}

START_TEST(functions_of_one_name_do_not_meet)
{
    tsr_registry *registry = fixtures();
    check_says(registry, "helper_one", "helper of one, distance 1000");
    check_says(registry, "helper_two", "helper of two, distance 1000");
    check_says(registry, "helper_one", "helper of one");
    ck_assert_uint_eq(tsr_edit_distance("ab", "ba"), 1);
    tsr_registry_free(registry);
}
END_TEST

/* In a child, whose end is what may go wrong. */
START_TEST(a_plugin_that_leaves_threads_and_handlers_does_no_harm_at_the_end)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        tsr_registry *registry = fixtures();
        const tsr_loaded *loaded = find(registry, TSR_PROBE, "lingers");
        bool failed = loaded->plugin.init(NULL) != NULL;
        tsr_registry_free(registry);
        exit(failed);
    }
    int ended;
    ck_assert_int_eq(waitpid(pid, &ended, 0), pid);
    ck_assert_int_eq(ended, 0);
}
END_TEST

int main(void)
{
    setenv("TESSERA_PLUGIN_PATH", "", 1); /* the plugins of the build are not in the way */
    Suite *suite = suite_create("registry");
    TCase *names = tcase_create("names");
    tcase_add_test(names, a_name_leads_to_the_file_of_its_kind);
    tcase_add_test(names, an_unknown_name_gets_the_nearest_and_the_folders_searched);
    tcase_add_test(names, a_folder_that_is_not_there_is_told);
    tcase_add_test(names, names_lead_out_of_no_folder);
    tcase_add_test(names, a_name_with_a_slash_is_a_file);
    tcase_add_test(names, a_renamed_file_works_under_its_new_name);
    tcase_add_test(names, of_several_plugins_the_one_named_as_the_file_is_meant);
    tcase_add_test(names, one_of_several_plugins_is_named_behind_its_file);
    tcase_add_test(names, one_file_by_two_paths_is_one_plugin);
    suite_add_tcase(suite, names);
    TCase *path = tcase_create("path");
    tcase_add_test(path, the_first_folder_wins_and_the_list_tells_what_it_hides);
    tcase_add_test(path, a_broken_file_hides_those_behind_it);
    tcase_add_test(path, the_working_folder_is_not_searched);
    tcase_add_test(path, the_path_is_given_folders_then_environment_then_home_then_installed);
    suite_add_tcase(suite, path);
    TCase *lists = tcase_create("lists");
    tcase_set_timeout(lists, 30); /* a process per file */
    tcase_add_test(lists, a_list_holds_the_broken_with_their_reasons_in_order);
    tcase_add_test(lists, a_list_holds_every_plugin_of_a_file);
    tcase_add_test(lists, a_file_that_no_config_can_name_is_listed_as_such);
    suite_add_tcase(suite, lists);
    TCase *isolation = tcase_create("isolation");
    tcase_add_test(isolation, a_plugin_of_another_kind_than_its_trial_said_is_not_given_out);
    tcase_add_test(isolation, functions_of_one_name_do_not_meet);
    tcase_add_test(isolation, a_plugin_that_leaves_threads_and_handlers_does_no_harm_at_the_end);
    suite_add_tcase(suite, isolation);
    return test_main(suite);
}
