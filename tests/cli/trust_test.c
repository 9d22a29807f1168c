/* Whose plugins are loaded, and what is recorded of those that were. */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SOMEBODY = 12345 };

static char *folder;

static const char study[] = "plugin_path = [ \"./shelf\" ];\n"
                            "dataset = { plugin = \"synthetic\"; train = 40; test = 20; };\n"
                            "model = { plugin = \"mlp\"; width = 4; };\n"
                            "training = { epochs = 1; };\n"
                            "probes = ( \"mine\" );\n"
                            "executor = { plugin = \"local\"; jobs = 1; };\n";

static void setup(void)
{
    folder = test_folder();
    write_text(folder, "study.cfg", study);
    shell_gives(folder, 0, NULL, NULL,
                "umask 022; mkdir -p shelf/probes; cp \"${TESSERA%%/*}\"/plugins/probes/.libs/redundancy.so "
                "shelf/probes/mine.so");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static void set_mode(const char *name, mode_t mode)
{
    char *path = tsr_format("%s/%s", folder, name);
    ck_assert_int_eq(chmod(path, mode), 0);
    free(path);
}

static void is_loaded(void)
{
    command_gives(folder, 0, "plugin = \"mine\"", NULL, "check -n study.cfg");
}

/* Refused by every command that would load it, unless the config allows it. */
static void is_refused(const char *text)
{
    command_gives(folder, 2, NULL, text, "check -n study.cfg");
    command_gives(folder, 2, NULL, text, "run study.cfg -o out");
    ck_assert_uint_eq(count_files(folder, "out"), 0);
    shell_gives(folder, 2, NULL, text, "TESSERA_PLUGIN_PATH=$PWD/shelf $TESSERA describe probe/mine");
    shell_gives(folder, 0, "cannot be used: ", NULL, "TESSERA_PLUGIN_PATH=$PWD/shelf $TESSERA list probe");
    shell_gives(folder, 0, text, NULL, "TESSERA_PLUGIN_PATH=$PWD/shelf $TESSERA list probe");
    command_gives(folder, 1, text, NULL, "test shelf/probes/mine.so");
    command_gives(folder, 0, "allow_unsafe_plugins = true", NULL,
                  "check -n study.cfg -s allow_unsafe_plugins=true");
}

START_TEST(a_plugin_that_only_its_owner_may_write_is_loaded)
{
    is_loaded();
    set_mode("shelf/probes/mine.so", 0755);
    set_mode("shelf", 0700);
    is_loaded();
}
END_TEST

START_TEST(a_plugin_that_others_may_write_is_refused)
{
    set_mode("shelf/probes/mine.so", 0666);
    is_refused(
        "shelf/probes/mine.so: cannot be trusted: others than the owner may write the file (mode 0666); "
        "run 'chmod go-w ");
    set_mode("shelf/probes/mine.so", 0644);
    is_loaded();
}
END_TEST

START_TEST(a_plugin_in_a_folder_that_others_may_write_is_refused)
{
    set_mode("shelf/probes", 0777);
    is_refused("shelf/probes/mine.so: cannot be trusted: others than the owner may write its folder (mode "
               "0777); run 'chmod go-w ");
    command_gives(folder, 2, NULL, "/shelf/probes', or set allow_unsafe_plugins = true in the config",
                  "check study.cfg");
    set_mode("shelf/probes", 01777);
    is_refused("(mode 1777)");
    set_mode("shelf/probes", 0755);
    is_loaded();
}
END_TEST

START_TEST(a_folder_of_the_path_that_others_may_write_is_refused_unless_it_is_sticky)
{
    set_mode("shelf", 0757);
    command_gives(folder, 2, NULL, "/shelf', or set allow_unsafe_plugins", "check -n study.cfg");
    set_mode("shelf", 01777);
    is_loaded();
}
END_TEST

START_TEST(a_link_is_as_good_as_what_it_leads_to_and_where_it_lies)
{
    shell_gives(folder, 0, NULL, NULL,
                "umask 022; mkdir far; mv shelf/probes/mine.so far/; ln -s ../../far/mine.so shelf/probes/");
    is_loaded();
    set_mode("far/mine.so", 0646);
    command_gives(folder, 2, NULL, "/far/mine.so', or set", "check -n study.cfg");
    set_mode("far/mine.so", 0644);
    set_mode("far", 0777);
    command_gives(folder, 2, NULL, "/far', or set", "check -n study.cfg");
    set_mode("far", 0755);
    set_mode("shelf/probes", 0777);
    command_gives(folder, 2, NULL, "/shelf/probes', or set", "check -n study.cfg");
}
END_TEST

START_TEST(every_folder_above_is_trusted_or_sticky)
{
    shell_gives(folder, 0, NULL, NULL, "umask 022; mkdir -p a/b; mv shelf a/b/");
    char *text = tsr_format("plugin_path = [ \"./a/b/shelf\" ];\n%s", strchr(study, '\n') + 1);
    write_text(folder, "study.cfg", text);
    free(text);
    is_loaded();
    set_mode("a", 0777);
    command_gives(folder, 2, NULL,
                  "mine.so: cannot be trusted: others than the owner may write the folder (mode 0777); run "
                  "'chmod go-w ",
                  "check -n study.cfg");
    command_gives(folder, 2, NULL, "/a', or set", "check -n study.cfg");
    set_mode("a", 01777);
    is_loaded();
}
END_TEST

START_TEST(every_link_on_the_way_is_judged)
{
    shell_gives(folder, 0, NULL, NULL,
                "umask 022; mkdir -p far/open; mv shelf far/; ln -s far/open/again shelf; ln -s ../shelf "
                "far/open/again");
    is_loaded();
    set_mode("far/open", 0777);
    command_gives(folder, 2, NULL, "/far/open', or set", "check -n study.cfg");
    set_mode("far/open", 01777); /* the link is ours, so that nobody else can turn it */
    is_loaded();
    if (geteuid() != 0) {
        fprintf(stderr, "skipped in part: only root can give links away\n");
        return;
    }
    shell_gives(folder, 0, NULL, NULL, "chown -h %d far/open/again", SOMEBODY);
    command_gives(folder, 2, NULL, "/far/open/again belongs to user 12345", "check -n study.cfg");
    command_gives(folder, 2, NULL, "cannot be trusted: the link /", "check -n study.cfg");
    shell_gives(folder, 0, NULL, NULL, "ln -sfn again far/open/again");
    command_gives(folder, 2, NULL, "Too many levels of symbolic links",
                  "check -n study.cfg -s 'probes=(\"./shelf/probes/mine.so\")'");
}
END_TEST

/* The user's own group may write, so that the mode alone, whose group bits stand for the list, tells nothing.
 */
START_TEST(whom_an_access_list_lets_write_is_seen)
{
    static const char list[] = "\2\0\0\0"                  /* version */
                               "\1\0\6\0\377\377\377\377"  /* the owner: rw */
                               "\2\0\6\0\x39\x30\0\0"      /* somebody, 12345: rw */
                               "\4\0\6\0\377\377\377\377"  /* the group: rw */
                               "\20\0\6\0\377\377\377\377" /* the mask: rw */
                               "\40\0\4\0\377\377\377\377" /* others: r */;
    static const char as_daemon[] =
        "setpriv --reuid=1 --regid=1 --clear-groups \"$TESSERA\" check -n study.cfg";
    char *path = tsr_format("%s/shelf/probes/mine.so", folder);
    shell_gives(folder, 0, NULL, NULL, "umask 022; chmod 755 .; test $(id -u) -ne 0 || chown -R 1:1 .");
    set_mode("shelf/probes/mine.so", 0664);
    char *try = tsr_format("test \"$(id -gn daemon 2>&1)\" = daemon && setpriv --reuid=1 --regid=1 "
                           "--clear-groups '%s/tessera' --version >/dev/null 2>&1",
                           test_build());
    if (geteuid() != 0 || system(try) != 0) {
        fprintf(stderr, "skipped: only root can be another user, who must see this program\n");
    } else {
        shell_gives(folder, 0, "plugin = \"mine\"", NULL, "%s", as_daemon);
        if (setxattr(path, "system.posix_acl_access", list, sizeof(list) - 1, 0) != 0)
            fprintf(stderr, "skipped: no access lists here\n");
        else
            shell_gives(folder, 2, NULL, "others than the owner may write the file (mode 0664)", "%s",
                        as_daemon);
    }
    free(try);
    free(path);
}
END_TEST

START_TEST(a_group_may_write_where_it_is_the_users_alone)
{
    if (geteuid() != 0) {
        fprintf(stderr, "skipped: only root can give files to groups\n");
        return;
    }
    char *path = tsr_format("%s/shelf/probes/mine.so", folder);
    set_mode("shelf/probes/mine.so", 0664);
    is_refused("(mode 0664)"); /* root's own group is no private one */
    ck_assert_int_eq(chown(path, 0, SOMEBODY), 0);
    is_refused("(mode 0664)");
    free(path);
}
END_TEST

START_TEST(a_plugin_of_another_user_is_refused)
{
    if (geteuid() != 0) {
        fprintf(stderr, "skipped: only root can give files away\n");
        return;
    }
    char *path = tsr_format("%s/shelf/probes/mine.so", folder);
    ck_assert_int_eq(chown(path, SOMEBODY, (gid_t)-1), 0);
    is_refused(
        "mine.so belongs to user 12345 (mode 0755), neither to you nor to root; copy the plugin to a folder "
        "of your own");
    free(path);
}
END_TEST

/* shelf/probes/mine.so with a library of its own, lib/libown.so, which needs lib/deep/libdeep.so. The tag of
   the search path is RUNPATH, or, with `old`, RPATH; `place` is what it says. */
static void link_libraries(const char *old, const char *place)
{
    shell_gives(folder, 0, NULL, NULL,
                "umask 022; mkdir -p lib/deep; cc=${CC:-cc}\n"
                "echo 'int deep(void) { return 1; }' >deep.c\n"
                "echo 'int deep(void); int own(void) { return deep(); }' >own.c\n"
                "cat >mine.c <<'END'\n"
                "#include <tessera/tessera.h>\n"
                "int own(void);\n"
                "static tsr_status *run(const void *self, const tsr_probing *p)\n"
                "{ (void)self; (void)p; return own() ? NULL : tsr_fail(TSR_FAILED, \"no\"); }\n"
                "static const tsr_probe_ops ops = { .run = run };\n"
                "static const tsr_plugin plugin = { TSR_PROBE_PLUGIN(&ops), .name = \"mine\", .version = "
                "\"1\", .summary = \"s\", .licence = \"MIT\" };\n"
                "TSR_PLUGINS(&plugin)\n"
                "END\n"
                "tags=-Wl,--%s-new-dtags\n"
                "$cc -shared -fPIC -o lib/deep/libdeep.so -Wl,-soname,libdeep.so deep.c && "
                "$cc -shared -fPIC -o lib/libown.so -Wl,-soname,libown.so own.c -Llib/deep -ldeep $tags "
                "'-Wl,-rpath,$ORIGIN/deep' && "
                "$cc -std=gnu17 -I'%s/include' -shared -fPIC -o shelf/probes/mine.so mine.c -Llib -lown "
                "-Wl,-rpath-link,lib/deep $tags '-Wl,-rpath,%s'",
                old, test_source(), place);
}

/* Each file and folder on the way, with the ones that others may write. */
static void libraries_are_held_to_trust(const char *tags, const char *place)
{
    static const struct {
        const char *place, *message;
        mode_t mode, good;
    } cases[] = {
        { "lib/libown.so", "/lib/libown.so: cannot be trusted: others than the owner may write the file",
          0666, 0755 },
        { "lib", "/lib/libown.so: cannot be trusted: others than the owner may write its folder", 0777,
          0755 },
        { "lib/deep/libdeep.so",
          "/deep/libdeep.so: cannot be trusted: others than the owner may write the "
          "file",
          0646, 0755 },
        { "lib/deep", "/deep/libdeep.so: cannot be trusted: others than the owner may write its folder",
          01777, 0755 },
    };
    link_libraries(tags, place);
    is_loaded();
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        set_mode(cases[i].place, cases[i].mode);
        is_refused(cases[i].message);
        command_gives(folder, 2, NULL, "shelf/probes/mine.so: its library /", "check -n study.cfg");
        set_mode(cases[i].place, cases[i].good);
        is_loaded();
    }
}

START_TEST(libraries_that_others_may_write_are_refused_on_a_runpath)
{
    libraries_are_held_to_trust("enable", "$ORIGIN/../../lib");
}
END_TEST

START_TEST(libraries_that_others_may_write_are_refused_on_an_rpath)
{
    char *place = tsr_format("/nowhere::%s/lib", folder);
    libraries_are_held_to_trust("disable", place);
    free(place);
}
END_TEST

START_TEST(a_run_records_path_and_digest_of_every_plugin)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o out -s 'probes=(\"mine\", \"code_statistics\")'");
    /* dataset, model, activation, optimizer, executor and two probes */
    shell_gives(folder, 0, "9\n", NULL, "grep -c '\"sha256\": \"[0-9a-f]\\{64\\}\"' out/runs/*/run.json");
    shell_gives(folder, 0, "shelf/probes/mine.so\"", NULL,
                "digest=$(sha256sum <shelf/probes/mine.so | cut -d' ' -f1); "
                "grep -B1 \"\\\"sha256\\\": \\\"$digest\\\"\" out/runs/*/run.json");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trust");
    TCase *tests = tcase_create("trust");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_plugin_that_only_its_owner_may_write_is_loaded);
    tcase_add_test(tests, a_plugin_that_others_may_write_is_refused);
    tcase_add_test(tests, a_plugin_in_a_folder_that_others_may_write_is_refused);
    tcase_add_test(tests, a_folder_of_the_path_that_others_may_write_is_refused_unless_it_is_sticky);
    tcase_add_test(tests, a_link_is_as_good_as_what_it_leads_to_and_where_it_lies);
    tcase_add_test(tests, every_folder_above_is_trusted_or_sticky);
    tcase_add_test(tests, every_link_on_the_way_is_judged);
    tcase_add_test(tests, whom_an_access_list_lets_write_is_seen);
    tcase_add_test(tests, a_group_may_write_where_it_is_the_users_alone);
    tcase_add_test(tests, a_plugin_of_another_user_is_refused);
    tcase_add_test(tests, libraries_that_others_may_write_are_refused_on_a_runpath);
    tcase_add_test(tests, libraries_that_others_may_write_are_refused_on_an_rpath);
    tcase_add_test(tests, a_run_records_path_and_digest_of_every_plugin);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
