/* What other programs say, and those that say nothing: each is over in bounded time. */
#include "support.h"

#include "../../plugins/executors/ask.h"
#include "../../plugins/executors/child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static tsr_status *ask_shell(const char *script, double seconds, char **said, bool *succeeded)
{
    const char *const words[] = { "sh", "-c", script, NULL };
    return ask(words, seconds, said, succeeded);
}

START_TEST(what_a_program_says_comes_whole_with_its_errors)
{
    char *said;
    bool succeeded;
    ck_succeeds(ask_shell("echo one; echo two >&2", 10, &said, &succeeded));
    ck_assert(succeeded);
    ck_assert_str_eq(said, "one\ntwo\n");
    free(said);
    ck_succeeds(ask_shell("head -c 200000 /dev/zero | tr '\\0' x; exit 3", 10, &said, &succeeded));
    ck_assert(!succeeded);
    ck_assert_uint_eq(strlen(said), 200000);
    free(said);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_refused)
{
    const char *const words[] = { "no-such-program", NULL };
    char *said;
    bool succeeded;
    ck_fails(ask(words, 10, &said, &succeeded), TSR_REFUSED, "cannot start the program 'no-such-program'");
    ck_assert_ptr_null(said);
}
END_TEST

/* Whether the process, whose parent may have ended, is still there after a second or so. */
static bool stays(pid_t pid)
{
    for (int i = 0; i < 100 && kill(pid, 0) == 0; i++) {
        waitpid(pid, NULL, WNOHANG);
        usleep(10000);
    }
    return kill(pid, 0) == 0;
}

/* Silent, chattering, having closed its output, and with a child that keeps the output open. */
static const char *const endless[] = {
    "echo $$ >$FOLDER/pids; exec sleep 100",
    "echo $$ >$FOLDER/pids; while :; do echo more; sleep 0.01; done",
    "echo $$ >$FOLDER/pids; exec >/dev/null 2>&1; exec sleep 100",
    "sleep 100 & echo $! >$FOLDER/pids",
};

START_TEST(a_program_without_end_is_killed_with_its_children)
{
    char *said = NULL, line[32] = "", *folder = test_folder(), *path;
    bool succeeded;
    setenv("FOLDER", folder, 1);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* or it would have to be waited for by whatever is process 1 */
    ck_assert_int_gt(asprintf(&path, "%s/pids", folder), 0);
    double began = child_now();
    ck_fails(ask_shell(endless[_i], 0.5, &said, &succeeded), TSR_FAILED,
             "sh had not ended after 0.5 seconds");
    ck_assert(child_now() - began < 10);
    ck_assert_ptr_null(said);
    FILE *pids = fopen(path, "r");
    ck_assert(pids && fgets(line, sizeof(line), pids));
    fclose(pids);
    ck_assert_msg(!stays((pid_t)atol(line)), "process %s is still there", line);
    free(path);
    test_folder_remove(folder);
}
END_TEST

START_TEST(words_become_one_line_for_messages)
{
    char two[] = "error: this\nand that\n\n", none[] = " \n";
    ck_assert_str_eq(ask_one_line(two), "error: this and that");
    ck_assert_str_eq(ask_one_line(none), "it gives no reason");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ask");
    TCase *asking = tcase_create("asking");
    tcase_add_test(asking, what_a_program_says_comes_whole_with_its_errors);
    tcase_add_test(asking, a_program_that_is_not_there_is_refused);
    tcase_add_loop_test(asking, a_program_without_end_is_killed_with_its_children, 0,
                        sizeof(endless) / sizeof(*endless));
    tcase_add_test(asking, words_become_one_line_for_messages);
    tcase_set_timeout(asking, 60);
    suite_add_tcase(suite, asking);
    return test_main(suite);
}
