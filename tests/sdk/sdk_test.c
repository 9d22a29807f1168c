/* The SDK from outside: what the library exports, headers by themselves in C and C++, tessera.pc, and
   plugins in C++ and Rust from their source to their results. Compilers are called as authors call them. */
#include "cli/command.h"
#include "support.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARNINGS "-Wall -Wextra -Werror"

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static bool has_cxx(void)
{
    const char *cxx = getenv("CXX");
    if (cxx && strcmp(cxx, "no") != 0)
        return true;
    fprintf(stderr, "skipped: no C++ compiler\n");
    return false;
}

START_TEST(the_library_exports_names_of_its_own_alone)
{
    shell_gives(folder, 0, "tsr_fail\n", NULL,
                "$NM -D --defined-only \"$TSR_BUILD\"/.libs/libtessera.so | awk '$2 != \"A\" { print $3 }' | "
                "sed 's/@.*//' >names && cat names");
    shell_gives(folder, 1, NULL, NULL, "grep -v '^tsr_[a-z0-9_]*$' names");
}
END_TEST

/* Both ways: nothing is public that no header declares, and nothing declared is missing or hidden. */
START_TEST(the_public_names_are_those_that_the_headers_declare)
{
    shell_gives(folder, 0, "tsr_fail\n", NULL,
                "echo '#include <tessera/tessera.h>' >one.c && $CC -I\"$TSR_SOURCE\"/include -E -P one.c | "
                "awk -f \"$TSR_SOURCE\"/tests/sdk/declared.awk | awk '$1 != \"type\" { print $2 }' | "
                "sort >declared && cat declared");
    shell_gives(folder, 0, NULL, NULL,
                "$NM -D --defined-only --with-symbol-versions \"$TSR_BUILD\"/.libs/libtessera.so | "
                "awk '{ print $3 }' | sed -n 's/@@*TESSERA_[0-9].*//p' | sort >public\n"
                "diff declared public");
}
END_TEST

START_TEST(every_function_says_who_may_call_it)
{
    shell_gives(folder, 0, "tsr_nearest shares-work\n", NULL,
                "awk -f \"$TSR_SOURCE\"/tests/sdk/threads.awk \"$TSR_SOURCE\"/include/tessera/*.h >said && "
                "cat said");
    shell_gives(folder, 0, "tsr_rng_u64 one-thread\n", NULL, "cat said");
    shell_gives(folder, 0, "tsr_metric in-operation\n", NULL, "cat said");
    shell_gives(folder, 0, "learned_breakpoints any-thread\n", NULL, "cat said");
    shell_gives(folder, 0, NULL, NULL,
                "echo '#include <tessera/tessera.h>' >one.c && $CC -I\"$TSR_SOURCE\"/include -E -P one.c | "
                "awk -f \"$TSR_SOURCE\"/tests/sdk/declared.awk | awk '$1 != \"type\" { print $2 }' | "
                "sort >declared && cut -d ' ' -f 1 said | sort | comm -23 declared - >missed && ! grep . missed");
}
END_TEST

static void says_of_threads(const char *header, const char *said)
{
    write_text(folder, "some.h", header);
    shell_gives(folder, 1, NULL, said, "awk -f \"$TSR_SOURCE\"/tests/sdk/threads.awk some.h");
}

START_TEST(a_function_with_no_word_for_threads_or_two_is_found)
{
    says_of_threads("/* Does it. */\nTSR_API int *tsr_do(int *x);\n",
                    "some.h:2: tsr_do: the comment has 0 of the words for threads, expected one");
    says_of_threads("/* [any-thread] */\nTSR_API int tsr_do(int x);\n\nTSR_API int tsr_do_more(int x);\n",
                    "some.h:4: tsr_do_more: the comment has 0 of");
    says_of_threads("/* [any-thread] and\n   [one-thread] */\nTSR_API int tsr_do(int x);\n",
                    "some.h:3: tsr_do: the comment has 2 of");
    says_of_threads("typedef struct ops {\n    /* Does it. */\n    void (*run)(void);\n} ops;\n",
                    "some.h:3: run: the comment has 0 of");
}
END_TEST

START_TEST(a_bundled_plugin_exports_its_entry_alone)
{
    shell_gives(folder, 0, NULL, NULL,
                "for file in \"$TSR_BUILD\"/plugins/*/.libs/*.so; do\n"
                "    names=$($NM -D --defined-only $file | awk '{ print $3 }')\n"
                "    [ \"$names\" = tessera_plugin ] || { echo $file $names >&2; exit 1; }\n"
                "done");
}
END_TEST

/* Compiles each header as the only line of a file. */
static void headers_compile(const char *compiler, const char *language, const char *standard)
{
    shell_gives(folder, 0, NULL, NULL,
                "for header in \"$TSR_SOURCE\"/include/tessera/*.h; do\n"
                "    echo \"#include <tessera/${header##*/}>\" >one\n"
                "    %s -x %s -std=%s " WARNINGS " -I\"$TSR_SOURCE\"/include -fsyntax-only one || exit\n"
                "done",
                compiler, language, standard);
}

START_TEST(every_header_compiles_alone_in_c)
{
    headers_compile("$CC", "c", "gnu17");
    headers_compile("$CC", "c", "c11 -pedantic");
}
END_TEST

/* A key and a field whose type does not fit it; those from N_WRONG on fit. "part" is { int a; }. */
static const char *const fields[] = {
    "tsr_int_list x;|TSR_KEY_STRING_LIST(own, x, NULL, 0, \"d\")",
    "const char *const *x;|TSR_KEY_STRING_LIST(own, x, NULL, 0, \"d\")",
    "tsr_instance *x;|TSR_KEY_PLUGIN_LIST(own, x, TSR_PROBE, NULL, 0, \"d\")",
    "tsr_instance_list x;|TSR_KEY_PLUGIN(own, x, TSR_PROBE, NULL, \"d\")",
    "TSR_GROUP_LIST(int) x;|TSR_KEY_GROUP_LIST(own, x, part, part_keys, NULL, 0, \"d\")",
    "part x;|TSR_KEY_GROUP_LIST(own, x, part, part_keys, NULL, 0, \"d\")",
    "TSR_GROUP_LIST(part) x;|TSR_KEY_GROUP_LIST(own, x, part, part_keys, numbers, 2, \"d\")",
    "int x;|TSR_KEY_REAL_AS(own, x, \"lambda\", 0, 0, 1, \"d\")",
    "int x;|TSR_KEY_REAL(own, x, 0, 0, 1, \"d\")",
    "float x;|TSR_KEY_INT(own, x, 0, 0, 1, \"d\")",
    "int x;|TSR_KEY_BOOL(own, x, false, \"d\")",
    "int *x;|TSR_KEY_STRING(own, x, NULL, \"d\")",
    "tsr_int_list x;|TSR_KEY_REAL_LIST(own, x, NULL, 0, 0, 1, \"d\")",
    "double x;|TSR_KEY_REAL(own, x, 0, 0, 1, \"d\")",
    "double x;|TSR_KEY_REAL_AS(own, x, \"lambda\", 0, 0, 1, \"d\", .required = true, .unit = \"u\")",
    "tsr_string_list x;|TSR_KEY_STRING_LIST(own, x, words, 2, \"d\", .list_max_length = 3)",
    "tsr_instance_list x;|TSR_KEY_PLUGIN_LIST(own, x, TSR_PROBE, words, 2, \"d\")",
    ("TSR_GROUP_LIST(part) x;|TSR_KEY_GROUP_LIST(own, x, part, part_keys, parts, 2, \"d\", "
     ".list_min_length = 1)"),
};
enum { N_FIELDS = sizeof(fields) / sizeof(*fields), N_WRONG = 13 };

static void compiles(const char *compiler, const char *language, const char *standard, int i)
{
    char *field = strdup(fields[i]), *key = strchr(field, '|');
    *key++ = '\0';
    char *source =
        tsr_format("#include <tessera/tessera.h>\nstruct part { int a; };\ntypedef struct part part;\n"
                   "static const part parts[2] = { { 1 }, { 2 } };\n"
                   "static const int numbers[2] = { 1, 2 };\n"
                   "static const char *const words[2] = { \"a\", \"b\" };\n"
                   "static const tsr_key part_keys[] = { TSR_KEY_INT(part, a, 0, 0, 9, \"d\"), "
                   "TSR_KEY_END };\n"
                   "struct own { %s };\ntypedef struct own own;\n"
                   "const tsr_key keys[] = { %s, TSR_KEY_END };\n",
                   field, key);
    write_text(folder, "one", source);
    shell_gives(folder, 0, NULL, NULL,
                "%s -x %s -std=%s -I\"$TSR_SOURCE\"/include -fsyntax-only one 2>said; test $? %s 0", compiler,
                language, standard, i < N_WRONG ? "-ne" : "-eq");
    free(source);
    free(field);
}

START_TEST(a_field_that_does_not_fit_its_key_does_not_compile)
{
    compiles("$CC", "c", "gnu17", _i);
    if (has_cxx())
        compiles("$CXX", "c++", "c++17", _i);
}
END_TEST

START_TEST(every_header_compiles_alone_in_cxx)
{
    if (has_cxx())
        headers_compile("$CXX", "c++", "c++17");
}
END_TEST

START_TEST(pkg_config_tells_folders_and_the_abi)
{
    static const char *const variables[] = { "plugindir", "bindir", "includedir", "abi_major", "abi_minor" };
    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
        shell_gives(folder, 0, NULL, NULL,
                    "test -n \"$(PKG_CONFIG_PATH=\"$TSR_BUILD\" $PKG_CONFIG --variable=%s tessera)\"",
                    variables[i]);
    char abi[32];
    snprintf(abi, sizeof(abi), "%d.%d\n", TSR_ABI_MAJOR, TSR_ABI_MINOR);
    shell_gives(folder, 0, abi, NULL,
                "export PKG_CONFIG_PATH=\"$TSR_BUILD\"; echo $($PKG_CONFIG --variable=abi_major tessera)."
                "$($PKG_CONFIG --variable=abi_minor tessera)");
}
END_TEST

static const char study[] = "plugin_path = [ \"./shelf\" ];\n"
                            "dataset = { plugin = \"synthetic\"; train = 40; test = 20; };\n"
                            "model = { plugin = \"mlp\"; width = 4; };\n"
                            "training = { epochs = 1; };\n"
                            "probes = ( { plugin = \"density\"; scale = 40.5; } );\n"
                            "executor = { plugin = \"local\"; jobs = 1; };\n";

START_TEST(plugins_in_cxx_run)
{
    if (!has_cxx())
        return;
    write_text(folder, "study.cfg", study);
    shell_gives(folder, 0, NULL, NULL,
                "umask 022; mkdir -p shelf/probes shelf/models\n"
                "for plugin in probes/density models/narrow; do\n"
                "    $CXX -std=c++17 " WARNINGS
                " -fvisibility=hidden -I\"$TSR_SOURCE\"/include -fPIC -shared -o shelf/$plugin.so "
                "\"$TSR_SOURCE\"/tests/sdk/${plugin#*/}.cc -L\"$TSR_BUILD\"/.libs -ltessera || exit\n"
                "done");
    command_gives(folder, 0, "ok 1 - probe density:", NULL, "test shelf/probes/density.so -s scale=2");
    command_gives(folder, 0, "ok 1 - model narrow:", NULL, "test shelf/models/narrow.so");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o out -s model.plugin=narrow");
    shell_gives(folder, 0, "density.scaled\n", NULL, "cat out/results.csv");
    shell_gives(folder, 0, ",42.5\n", NULL, "cat out/results.csv");
}
END_TEST

START_TEST(the_text_of_an_exception_that_nobody_catches_reaches_the_record)
{
    if (!has_cxx())
        return;
    static const char source[] =
        "#include <tessera/tessera.h>\n#include <stdexcept>\n"
        "static tsr_status *run(const void *, const tsr_probing *) { throw std::runtime_error(\"no more "
        "codes\"); }\n"
        "static const tsr_probe_ops ops = { nullptr, run, nullptr, 0, false, nullptr, 0 };\n"
        "static const tsr_plugin plugin = { TSR_PROBE_PLUGIN(&ops), .name = \"throws\", .version = "
        "\"1.0.0\", "
        ".summary = \"throws\", .licence = \"MIT\", .instance_size = 0, .keys = nullptr, .init = nullptr, "
        ".fini = nullptr };\nTSR_PLUGINS(&plugin)\n";
    write_text(folder, "study.cfg", study);
    write_text(folder, "throws.cc", source);
    shell_gives(folder, 0, NULL, NULL,
                "umask 022; $CXX -std=c++17 " WARNINGS
                " -fvisibility=hidden -I\"$TSR_SOURCE\"/include -fPIC -shared -o throws.so throws.cc "
                "-L\"$TSR_BUILD\"/.libs -ltessera");
    shell_gives(folder, 3, NULL, "in run of probe throws (",
                "$TESSERA run study.cfg -q -o out -s 'probes=(\"./throws.so\")'");
    shell_gives(folder, 0,
                "\"after epoch 1: probe throws: killed by signal 6 (Aborted), in run of probe throws (", NULL,
                "cat out/runs/*/run.json");
    shell_gives(folder, 0, "throws.so), which threw 'no more codes'", NULL, "cat out/runs/*/run.json");
}
END_TEST

/* In Rust, against what bindgen makes of the headers. */
START_TEST(plugins_in_rust_run)
{
    if (system("rustc --version >/dev/null 2>&1 && bindgen --version >/dev/null 2>&1") != 0) {
        fprintf(stderr, "skipped: no rustc and bindgen\n");
        return;
    }
    write_text(folder, "study.cfg", study);
    shell_gives(folder, 0, NULL, NULL,
                "umask 022; mkdir -p shelf/probes shelf/models\n"
                "echo '#include <tessera/tessera.h>' >all.h\n"
                "bindgen --no-layout-tests --allowlist-type 'tsr_.*' --allowlist-function 'tsr_.*' "
                "--allowlist-var 'TSR_.*' all.h -o bindings.rs -- -I\"$TSR_SOURCE\"/include || exit\n"
                "TESSERA_BINDINGS=$PWD/bindings.rs rustc --edition 2021 -O --crate-type cdylib -o "
                "shelf/probes/ones.so \"$TSR_SOURCE\"/tests/sdk/mixed.rs "
                "-L \"$TSR_BUILD\"/.libs -l tessera && cp shelf/probes/ones.so shelf/models/narrow.so");
    command_gives(folder, 0, "ok 1 - probe ones:", NULL, "test shelf/probes/ones.so");
    command_gives(
        folder, 0, NULL, NULL,
        "run study.cfg -o out -s model.plugin=narrow -s 'probes=({ plugin=\"ones\"; scale=2.0; })'");
    shell_gives(folder, 0, "ones.share\n", NULL, "cat out/results.csv");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sdk");
    TCase *tests = tcase_create("sdk");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, the_library_exports_names_of_its_own_alone);
    tcase_add_test(tests, the_public_names_are_those_that_the_headers_declare);
    tcase_add_test(tests, every_function_says_who_may_call_it);
    tcase_add_test(tests, a_function_with_no_word_for_threads_or_two_is_found);
    tcase_add_test(tests, a_bundled_plugin_exports_its_entry_alone);
    tcase_add_test(tests, every_header_compiles_alone_in_c);
    tcase_add_test(tests, every_header_compiles_alone_in_cxx);
    tcase_add_loop_test(tests, a_field_that_does_not_fit_its_key_does_not_compile, 0, N_FIELDS);
    tcase_add_test(tests, pkg_config_tells_folders_and_the_abi);
    tcase_add_test(tests, the_text_of_an_exception_that_nobody_catches_reaches_the_record);
    tcase_add_test(tests, plugins_in_cxx_run);
    tcase_add_test(tests, plugins_in_rust_run);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
