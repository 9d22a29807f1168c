/* Checkpoints within a run: killed at random moments, the same command goes on and ends in the same bits as a
   run that nobody disturbed. TSR_CHECKPOINT_KILLS kills of each network are made where it is set. */
#include "command.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/text.h"
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 600 /* seconds; the sanitizers slow everything down */
#define CHECKPOINT "out/runs/*/checkpoint.safetensors"

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* --- studies --- */

/* All that has a state or a random stream of its own. */
static const char mlp[] =
    "model = { plugin = \"mlp\"; width = 24; dropout = 0.2; };\n"
    "training = { epochs = 40; batch = 32; snapshots = [ 0, 7, 30 ]; label_noise = 0.1; input_noise = 0.05;\n"
    "  early_stop = 12; checkpoint_every = 0.00001; optimizer = { plugin = \"adam\"; };\n"
    "  schedule = { plugin = \"cosine\"; }; };\n"
    "probes = ( \"redundancy\", \"drift\", { plugin = \"knn\"; k = 3; predictions = true; } );\n";

static const char resnet[] =
    "model = { plugin = \"resnet\"; depth = 20; width_multiplier = 0.125; };\n"
    "training = { epochs = 6; batch = 64; samples = 256; constant_steps = false; snapshots = [ 0, 2 ];\n"
    "  checkpoint_every = 0.00001; optimizer = { plugin = \"sgd\"; learning_rate = 0.05; momentum = 0.9; };\n"
    "  schedule = { plugin = \"milestones\"; epochs = [ 4 ]; }; augment = { shift = 0.1; }; };\n"
    "probes = ( \"redundancy\", \"drift\" );\n";

static const char *const networks[] = { mlp, resnet };

static void write_study(const char *text)
{
    char *whole =
        tsr_format("dataset = { plugin = \"digits\"; };\n%s"
                   "output = { save_model = true; save_codes = true; save_snapshots = true; save_state = "
                   "true; };\n",
                   text);
    ck_assert_ptr_nonnull(whole);
    write_text(folder, "study.cfg", whole);
    free(whole);
}

/* What was done in parts, and what was done at once, to the byte. */
static void same_studies(void)
{
    same_tables(folder, "out", "whole");
    shell_gives(folder, 0, NULL, NULL,
                "(cd whole && find . -type f -path './runs/*' ! -name run.json | sort) >names && "
                "(cd out && find . -type f -path './runs/*' ! -name run.json | sort) | cmp - names && "
                "grep -q model.safetensors names && grep -q codes/train.npy names && "
                "while read name; do cmp \"out/$name\" \"whole/$name\" || exit 1; done <names");
}

/* --- killing --- */

static void pause_for(long microseconds)
{
    nanosleep(
        &(struct timespec){ .tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000 },
        NULL);
}

/* Starts the study in a process group of its own, as a shell does. */
static pid_t start(void)
{
    char *program = tsr_path_join(test_build(), "tessera");
    char *script = tsr_format("cd '%s' && exec '%s' run study.cfg -o out >>log 2>>log", folder, program);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    setpgid(pid, pid);
    free(script);
    free(program);
    ck_assert_int_gt(pid, 0);
    return pid;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static bool has_ended(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == pid;
}

/* Kills all of the study so many seconds after its start; whether it had not ended by itself. */
static bool kill_after(double seconds)
{
    double until = now() + seconds;
    pid_t pid = start();
    bool ended = false;
    while (now() < until && !(ended = has_ended(pid)))
        pause_for(500);
    kill(-pid, SIGKILL);
    if (!ended)
        waitpid(pid, NULL, 0);
    return !ended;
}

/* Kills it when its folder has a checkpoint. */
static void kill_at_checkpoint(void)
{
    pid_t pid = start();
    bool ended = false;
    while (count_files(folder, CHECKPOINT) == 0 && !(ended = has_ended(pid)))
        pause_for(1000);
    kill(-pid, SIGKILL);
    if (!ended)
        waitpid(pid, NULL, 0);
    ck_assert_msg(!ended, "the run ended before it had a checkpoint");
}

static int kills_wanted(int otherwise)
{
    const char *text = getenv("TSR_CHECKPOINT_KILLS");
    return text ? atoi(text) : otherwise;
}

/* How often the log tells that a run went on. */
static int times_gone_on(void)
{
    char *text = read_text(folder, "log");
    int n = 0;
    for (const char *at = text; (at = strstr(at, "goes on from its checkpoint")) != NULL; at++)
        n++;
    free(text);
    return n;
}

/* Each kill is of a study of its own: at a random moment between the start and the end of an undisturbed one.
 */
START_TEST(a_run_that_is_killed_anywhere_ends_in_the_same_bits)
{
    unsigned random = 71 + (unsigned)_i;
    int n = kills_wanted(5), killed = 0;
    write_study(networks[_i]);
    double began = now();
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o whole");
    double takes = now() - began;
    for (int i = 0; i < n; i++) {
        double part = ((double)i + (double)rand_r(&random) / RAND_MAX) / n;
        killed += kill_after(part * takes);
        shell_gives(folder, 0, NULL, NULL, "\"$TESSERA\" run study.cfg -o out 2>>log");
        same_studies();
        ck_assert_uint_eq(count_files(folder, CHECKPOINT), 0);
        shell_gives(folder, 0, NULL, NULL, "rm -r out");
    }
    ck_assert_int_gt(times_gone_on(), 0);
    if (getenv("TSR_CHECKPOINT_KILLS"))
        fprintf(stderr, "network %d: %d moments over %.2f s, %d killed, %d went on from a checkpoint\n", _i,
                n, takes, killed, times_gone_on());
}
END_TEST

START_TEST(a_run_that_is_killed_again_and_again_ends_in_the_same_bits)
{
    write_study(networks[_i]);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o whole");
    for (int i = 0; i < 3; i++)
        kill_at_checkpoint();
    command_gives(folder, 0, NULL, "goes on from its checkpoint, after epoch ", "run study.cfg -o out");
    same_studies();
}
END_TEST

/* --- what is not gone on from --- */

static void leave_checkpoint(void)
{
    write_study(mlp);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o whole");
    kill_at_checkpoint();
}

/* The study is done from its start, and as ever. */
static void starts_anew(const char *why)
{
    command_gives(folder, 0, NULL, why, "run study.cfg -o out");
    same_studies();
}

START_TEST(a_damaged_checkpoint_is_refused)
{
    leave_checkpoint();
    shell_gives(folder, 0, NULL, NULL,
                "f=$(echo " CHECKPOINT ") && size=$(stat -c %%s $f) && "
                "printf '\\100' | dd of=$f bs=1 seek=$((size - 100)) conv=notrunc 2>dd.err");
    starts_anew("its digest is not that of what it holds; the training starts anew");
}
END_TEST

START_TEST(a_truncated_checkpoint_is_refused)
{
    leave_checkpoint();
    shell_gives(folder, 0, NULL, NULL, "truncate -s -50 " CHECKPOINT);
    starts_anew("; the training starts anew");
}
END_TEST

START_TEST(a_checkpoint_of_another_run_is_refused)
{
    leave_checkpoint();
    shell_gives(folder, 0, NULL, NULL, "mv " CHECKPOINT " other");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o whole2 -s seed=2");
    shell_gives(folder, 0, NULL, NULL,
                "id=$(ls whole2/runs) && rm -r out && mkdir -p out/runs && cp whole2/config.cfg out && "
                "mkdir out/runs/$id && mv other out/runs/$id/checkpoint.safetensors && rm -r whole && mv "
                "whole2 whole");
    command_gives(folder, 0, NULL, "was made with something else: its run is '",
                  "run study.cfg -o out -s seed=2");
    same_studies();
}
END_TEST

START_TEST(a_checkpoint_of_other_kernels_is_refused)
{
    if (strcmp(tsr_kernels_name(), "portable") == 0)
        return; /* there are no others here */
    leave_checkpoint();
    shell_gives(folder, 0, NULL, "was made with something else: its kernels is '",
                "TESSERA_KERNELS=portable \"$TESSERA\" run study.cfg -o out");
}
END_TEST

START_TEST(a_checkpoint_of_another_build_of_a_plugin_is_refused)
{
    write_study(mlp);
    shell_gives(folder, 0, NULL, NULL,
                "mkdir -p own/optimizers && cp '%s/plugins/optimizers/.libs/adam.so' own/optimizers && "
                "sed -i 's/plugin = \"adam\"/plugin = \".\\/own\\/optimizers\\/adam.so\"/' study.cfg && "
                "grep -q adam.so study.cfg",
                test_build());
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o whole");
    kill_at_checkpoint();
    shell_gives(folder, 0, NULL, NULL, "printf x >>own/optimizers/adam.so");
    starts_anew("was made with something else: optimizer adam has changed");
}
END_TEST

START_TEST(a_checkpoint_whose_snapshots_networks_are_gone_is_refused)
{
    leave_checkpoint();
    shell_gives(folder, 0, NULL, NULL, "rm out/runs/*/snapshots/epoch-0.safetensors");
    starts_anew("the network of epoch 0 is not in ");
}
END_TEST

/* --- when there is one --- */

START_TEST(how_often_checkpoints_are_made_is_no_part_of_what_a_run_is)
{
    leave_checkpoint();
    command_gives(folder, 0, NULL, "goes on from its checkpoint",
                  "run study.cfg -o out -s training.checkpoint_every=0");
    same_tables(folder, "out", "whole");
    command_gives(folder, 0, NULL, "all runs are done already",
                  "run study.cfg -o out -s training.checkpoint_every=3.5");
}
END_TEST

/* Watches the folder until the run ends. */
static void never_has_one(void)
{
    pid_t pid = start();
    size_t seen = 0;
    while (!has_ended(pid)) {
        seen += count_files(folder, CHECKPOINT "*");
        pause_for(1000);
    }
    ck_assert_uint_eq(seen, 0);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/run.json"), 1);
}

START_TEST(where_it_is_0_there_is_none)
{
    write_study(mlp);
    shell_gives(folder, 0, NULL, NULL,
                "sed -i 's/every = 0.00001/every = 0.0/' study.cfg && grep 'every = 0.0;' study.cfg");
    never_has_one();
}
END_TEST

START_TEST(a_run_of_less_than_ten_minutes_has_none)
{
    write_study(mlp);
    shell_gives(folder, 0, NULL, NULL,
                "sed -i 's/checkpoint_every = 0.00001;//' study.cfg && ! grep checkpoint study.cfg");
    never_has_one();
}
END_TEST

START_TEST(a_run_that_diverges_leaves_none)
{
    write_text(folder, "study.cfg",
               "dataset = { plugin = \"digits\"; };\n"
               "model = { plugin = \"mlp\"; width = 24; batch_norm = false; };\n"
               "training = { epochs = 60; checkpoint_every = 0.00001;\n"
               "  optimizer = { plugin = \"sgd\"; learning_rate = 1000.0; };\n"
               "  loss = { plugin = \"mean_squared_error\"; target = \"input\"; };\n"
               "  schedule = { plugin = \"warm_up\"; epochs = 50; }; };\n");
    command_gives(folder, 3, NULL, "training diverged in epoch ", "run study.cfg -o out");
    shell_gives(folder, 0, NULL, NULL, "grep 'diverged in epoch [2-9]' out/runs/*/run.json");
    ck_assert_uint_eq(count_files(folder, CHECKPOINT), 0);
}
END_TEST

START_TEST(status_tells_of_it)
{
    leave_checkpoint();
    shell_gives(folder, 0, NULL, NULL,
                "for i in 1 2 3 4 5 6 7 8 9; do \"$TESSERA\" status out >told; grep ' 0 running' told && "
                "break; sleep 1; done; "
                "grep 'has a checkpoint, after epoch [1-9]' told");
}
END_TEST

START_TEST(fresh_begins_at_the_start)
{
    leave_checkpoint();
    shell_gives(folder, 0, NULL, NULL,
                "\"$TESSERA\" run study.cfg -o out --fresh 2>told && ! grep 'goes on' told");
    same_studies();
}
END_TEST

START_TEST(clean_takes_those_of_runs_that_are_not_done)
{
    leave_checkpoint();
    command_gives(folder, 0, NULL, NULL, "clean out --failed");
    ck_assert_uint_eq(count_files(folder, CHECKPOINT), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *tests = tcase_create("checkpoint");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_loop_test(tests, a_run_that_is_killed_anywhere_ends_in_the_same_bits, 0, 2);
    tcase_add_loop_test(tests, a_run_that_is_killed_again_and_again_ends_in_the_same_bits, 0, 2);
    tcase_add_test(tests, a_damaged_checkpoint_is_refused);
    tcase_add_test(tests, a_truncated_checkpoint_is_refused);
    tcase_add_test(tests, a_checkpoint_of_another_run_is_refused);
    tcase_add_test(tests, a_checkpoint_of_other_kernels_is_refused);
    tcase_add_test(tests, a_checkpoint_of_another_build_of_a_plugin_is_refused);
    tcase_add_test(tests, a_checkpoint_whose_snapshots_networks_are_gone_is_refused);
    tcase_add_test(tests, how_often_checkpoints_are_made_is_no_part_of_what_a_run_is);
    tcase_add_test(tests, where_it_is_0_there_is_none);
    tcase_add_test(tests, a_run_of_less_than_ten_minutes_has_none);
    tcase_add_test(tests, a_run_that_diverges_leaves_none);
    tcase_add_test(tests, status_tells_of_it);
    tcase_add_test(tests, fresh_begins_at_the_start);
    tcase_add_test(tests, clean_takes_those_of_runs_that_are_not_done);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
