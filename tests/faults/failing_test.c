/* A sample of what tests/faults/campaign does: memory and system calls that fail are told of, nothing
   crashes, and no file is left half. Which places are tried changes with the program, as they are taken by a
   hash. */
#include "faults.h"

#include "support.h"

#include <stdlib.h>

#define PATIENCE 120 /* seconds */

#ifndef __SANITIZE_ADDRESS__ /* whose allocator it is then */

enum { N_MEMORY = 10, N_SYSTEM = 6 };

static void try_some(const faults_command *command, faults_kind kind, size_t some)
{
    static faults_site sites[FAULTS_SITES];
    faults_bench bench;
    char *folder = test_folder(), why[400];
    const char *problem = faults_begin(command, kind, folder, &bench);
    ck_assert_msg(!problem, "%s: %s", command->name, problem);
    size_t n = faults_list(&bench, sites), met = 0;
    for (size_t i = 0; i < n && i < some; i++) {
        faults_outcome outcome = faults_try(&bench, &sites[i], false, why, sizeof(why));
        ck_assert_msg(outcome < FAULTS_SILENT, "%s: %s: %s", command->name, faults_outcome_names[outcome],
                      why);
        met += outcome != FAULTS_NOT_MET;
    }
    ck_assert_uint_gt(n, some);
    ck_assert_msg(met > some / 2, "%s: of %zu calls only %zu were met again", command->name, some, met);
    faults_end(&bench);
    free(folder);
}

START_TEST(memory_that_is_not_there_is_told)
{
    try_some(&faults_commands[_i], FAULTS_MEMORY, N_MEMORY);
}
END_TEST

#if defined(__x86_64__)
START_TEST(system_calls_that_fail_are_told_or_do_no_harm)
{
    try_some(&faults_commands[_i], FAULTS_SYSTEM, N_SYSTEM);
}
END_TEST
#endif

#endif

int main(void)
{
    Suite *suite = suite_create("failing");
    TCase *tests = tcase_create("failing");
    tcase_set_timeout(tests, PATIENCE);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_loop_test(tests, memory_that_is_not_there_is_told, 0, (int)faults_n_commands);
#if defined(__x86_64__)
    tcase_add_loop_test(tests, system_calls_that_fail_are_told_or_do_no_harm, 0, (int)faults_n_commands);
#endif
#endif
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
