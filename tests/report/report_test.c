/* tessera report, from outside, on results folders written by hand: their plugins exist nowhere, so that
   nothing but the folder can have been read. A gnuplot of the tests' own notes what it is asked to draw. */
#include "command.h"

#include "base/file.h"
#include "base/text.h"
#include "experiment/identity.h"
#include "config/read.h"
#include "report/summary.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */

static char *folder;

static const char config[] =
    "name = \"study\";\nseed = 1;\nreplicates = 2;\n"
    "dataset = { plugin = \"of_nowhere\"; };\nmodel = { plugin = \"of_nowhere\"; };\n"
    "sweep = ( { key = \"model.width\"; values = [ 8, 2 ]; },\n"
    "          { key = \"training.samples\"; values = [ 10, 100 ]; } );\n";

/* An empty drawing for each that may be asked for; the script is kept as "script". */
static const char own_gnuplot[] = "#!/bin/sh\ncat >\"$OWN/script\"\ni=0\nwhile [ $i -lt 300 ]; do\n"
                                  "echo '<svg width=\"5\" height=\"5\"></svg>'\ni=$((i+1))\ndone\n";

static void install_gnuplot(const char *text)
{
    char *bin = tsr_path_join(folder, "bin"), *file = tsr_path_join(bin, "gnuplot");
    ck_succeeds(tsr_make_folder(bin));
    write_text(bin, "gnuplot", text);
    ck_assert_int_eq(chmod(file, 0755), 0);
    char *path = tsr_format("%s:/usr/bin:/bin", bin);
    setenv("PATH", path, 1);
    setenv("OWN", folder, 1);
    free(path);
    free(file);
    free(bin);
}

static void write_config(const char *text)
{
    char *out = tsr_path_join(folder, "out");
    ck_succeeds(tsr_make_folder(out));
    write_text(out, "config.cfg", text);
    free(out);
}

/* A run.json of `members` behind what every one has. */
static void write_run(const char *id, const char *swept, int point, int replicate, const char *members)
{
    char *run = tsr_format("%s/out/runs/%s", folder, id), *path = tsr_path_join(folder, "out/config.cfg");
    tsr_value *experiment;
    char sweep[17];
    ck_succeeds(tsr_config_read(path, 0, NULL, &experiment));
    ck_succeeds(tsr_identity_of_sweep(experiment, sweep));
    tsr_value_free(experiment);
    free(path);
    char *text = tsr_format(
        "{\"run\": \"%s\", \"status\": \"done\", \"swept\": %s, \"place\": {\"sweep\": \"%s\", "
        "\"point\": %d}, \"replicate\": %d, \"seed\": %d, "
        "\"metrics\": {\"hash.test\": {\"role\": \"redundancy_ratio\", \"part\": \"test\", \"doc\": \"d\"}, "
        "\"guess.test\": {\"role\": \"accuracy\", \"part\": \"test\", \"doc\": \"g\"}}, %s}",
        id, swept, sweep, point, replicate, replicate + 1, members);
    ck_succeeds(tsr_make_folder(run));
    write_text(run, "run.json", text);
    free(text);
    free(run);
}

static void write_done(const char *id, int width, int samples, int replicate, double hash, double guess)
{
    char *swept = tsr_format("{\"model.width\": %d, \"training.samples\": %d}", width, samples);
    char *members =
        tsr_format("\"epochs\": [{\"epoch\": 1, \"loss\": 2.0, \"accuracy\": 0.5}, "
                   "{\"epoch\": 2, \"loss\": 1.0, \"accuracy\": 0.75}], \"snapshots\": [{\"epoch\": 2, "
                   "\"metrics\": {\"hash.test\": %g, \"guess.test\": %g}}]",
                   hash, guess);
    int point = (width == 2 ? 2 : width == 8 ? 0 : 4) + (samples == 100);
    write_run(id, swept, point, replicate, members);
    free(members);
    free(swept);
}

/* All regimes: 0.9, 0.1, 0.0 twice, of which one is not accurate. */
static void write_study(void)
{
    write_config(config);
    write_done("a", 2, 10, 0, 0.8, 0.2);
    write_done("b", 2, 10, 1, 1.0, 0.4);
    write_done("c", 2, 100, 0, 0.1, 0.5);
    write_done("d", 8, 10, 0, 0.0, 0.875);
    write_done("e", 8, 100, 0, 0.0, 0.9);
}

static void setup(void)
{
    folder = test_folder();
    install_gnuplot(own_gnuplot);
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static void holds(const char *name, const char *text)
{
    char *all = read_text(folder, name);
    ck_assert_msg(strstr(all, text) != NULL, "%s lacks '%s': %.3000s", name, text, all);
    free(all);
}

static void lacks(const char *name, const char *text)
{
    char *all = read_text(folder, name);
    ck_assert_msg(strstr(all, text) == NULL, "%s holds '%s'", name, text);
    free(all);
}

START_TEST(summary_csv_has_mean_deviation_and_interval_in_the_sweeps_order)
{
    write_study();
    command_gives(folder, 0, "report in out/report.html", NULL, "report out");
    char *csv = read_text(folder, "out/summary.csv");
    /* t of one degree of freedom is tan(0.475 pi) = 12.70620473617 */
    static const char *const lines[] = {
        "model.width,training.samples,epoch,n,hash.test.mean,hash.test.sd,hash.test.ci95,guess.test.mean,"
        "guess.test.sd,guess.test.ci95\n8,10,2,1,0.0,,,0.875,,\n8,100,2,1,0.0,,,0.9,,\n"
        "2,10,2,2,0.9,0.141421356237309",
        ",1.27062047361",
        ",0.30000000000000004,0.141421356237309",
        "\n2,100,2,1,0.1,,,0.5,,\n",
    };
    const char *at = csv;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const char *found = strstr(at, lines[i]);
        ck_assert_msg(found && (i > 0 || found == csv), "'%s' is not in %s", lines[i], csv);
        at = found;
    }
    free(csv);
}
END_TEST

START_TEST(the_page_tells_what_was_run_and_what_came_of_it)
{
    write_study();
    command_gives(folder, 0, NULL, NULL, "report out");
    static const char *const texts[] = { "<h1>study</h1>",
                                         "5 of 8 runs done",
                                         "3 not done yet",
                                         "<code>training.samples</code> (2 values)",
                                         "hash.<wbr>test",
                                         "0.9000<small> ± 1.2706</small>",
                                         "<svg role=\"img\"",
                                         "Loss while training",
                                         "Activation hash phase chart",
                                         "of_nowhere" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        holds("out/report.html", texts[i]);
    lacks("out/report.html", "Not drawn");
}
END_TEST

START_TEST(regimes_follow_the_thresholds)
{
    write_study();
    command_gives(folder, 0, NULL, NULL, "report out");
    holds("out/report.html", "a map of 2 by 2 cells: 1 under-expressive, 1 critically-expressive, 2 "
                             "sufficiently-expressive");
    command_gives(folder, 0, NULL, NULL, "report out --within 0.01");
    holds("out/report.html", "1 under-expressive, 2 critically-expressive, 1 sufficiently-expressive");
    command_gives(folder, 0, NULL, NULL, "report out --under 0.95");
    holds("out/report.html", "0 under-expressive, 2 critically-expressive, 2 sufficiently-expressive");
    command_gives(folder, 0, NULL, NULL, "report out --sufficient 0.2 --within 1");
    holds("out/report.html", "1 under-expressive, 0 critically-expressive, 3 sufficiently-expressive");
    char *with_group = tsr_format("%sreport = { under_expressive = 0.95; };", config);
    write_config(with_group);
    free(with_group);
    command_gives(folder, 0, NULL, NULL, "report out");
    holds("out/report.html", "0 under-expressive, 2 critically-expressive, 2 sufficiently-expressive");
}
END_TEST

START_TEST(regimes_are_named_in_the_plots)
{
    write_study();
    command_gives(folder, 0, NULL, NULL, "report out");
    holds("script", "set label \"under-\\nexpressive\"");
    holds("script", "set label \"critically-\\nexpressive\"");
    holds("script", "set label \"sufficiently-\\nexpressive\"");
}
END_TEST

START_TEST(thresholds_out_of_range_are_refused)
{
    write_study();
    command_gives(folder, 2, NULL, "report.under_expressive = 2: expected", "report out --under 2");
    command_gives(folder, 2, NULL, "report.accuracy_within = \"near\": expected", "report out --within near");
    command_gives(folder, 2, NULL, "expected at most report.under_expressive", "report out --sufficient 0.6");
}
END_TEST

START_TEST(runs_of_another_sweep_are_left_out_and_counted)
{
    write_study();
    write_done("f", 3, 10, 0, 0.5, 0.5); /* a width that is swept no longer */
    write_done("g", 8, 10, 2, 0.5, 0.5); /* a replicate too many */
    write_run("h", "{\"model.width\": 8}", 0, 0, "\"snapshots\": []");
    command_gives(folder, 0, NULL, NULL, "report out");
    holds("out/report.html", "3 in the folder are no part of this sweep");
    holds("out/summary.csv", "\n8,10,2,1,0.0,,,0.875,,\n");
}
END_TEST

/* The values are the runs', the place their record's: nothing is guessed from what is written. */
START_TEST(the_place_of_a_run_is_what_its_record_says)
{
    write_config("sweep = ( { key = \"dataset.path\"; values = [ \"x\", \"../a/x\" ]; },\n"
                 "          { key = \"model.activation\"; values = ( \"leaky\", { plugin = \"leaky\"; slope "
                 "= 1; } ); } );\n");
    static const char *const swept[] = {
        "{\"dataset.path\": \"x\", \"model.activation\": \"leaky\"}",
        "{\"dataset.path\": \"x\", \"model.activation\": {\"plugin\": \"leaky\", \"slope\": 1.0}}",
        "{\"dataset.path\": \"../a/x\", \"model.activation\": \"leaky\"}",
        "{\"dataset.path\": \"../a/x\", \"model.activation\": {\"plugin\": \"leaky\", \"slope\": 1.0}}",
    };
    for (int i = 0; i < 4; i++) {
        char *members =
            tsr_format("\"snapshots\": [{\"epoch\": 0, \"metrics\": {\"hash.test\": 0.%d}}]", i + 1);
        write_run((char[]){ (char)('d' - i), '\0' }, swept[i], i, 0, members);
        free(members);
    }
    command_gives(folder, 0, NULL, NULL, "report out");
    holds("out/summary.csv", "\nx,leaky,0,1,0.1,,\nx,leaky(slope=1.0),0,1,0.2,,\n"
                             "../a/x,leaky,0,1,0.3,,\n../a/x,leaky(slope=1.0),0,1,0.4,,\n");
    lacks("out/report.html", "are no part of this sweep");
}
END_TEST

START_TEST(runs_of_the_same_place_are_left_out_with_a_word)
{
    write_config("sweep = ( { key = \"model.width\"; values = [ 8, 9 ]; } );\n");
    const char *members = "\"snapshots\": [{\"epoch\": 0, \"metrics\": {\"hash.test\": 0.25}}]";
    write_run("a", "{\"model.width\": 8}", 0, 0, members);
    write_run("b", "{\"model.width\": 8}", 0, 0, members);
    write_run("c", "{\"model.width\": 9}", 1, 0, members);
    command_gives(folder, 0, NULL, "2 runs have the place of point 0, replicate 0, in the sweep",
                  "report out");
    holds("out/summary.csv", "ci95\n9,0,1,0.25,,\n");
    holds("out/report.html", "2 in the folder are no part of this sweep");
}
END_TEST

START_TEST(replicates_that_stop_early_share_the_last_row)
{
    write_config("replicates = 2;\n");
    write_run("a", "{}", 0, 0,
              "\"snapshots\": [{\"epoch\": 1, \"metrics\": {\"hash.test\": 0.5}}, "
              "{\"epoch\": 3, \"metrics\": {\"hash.test\": 0.25}}]");
    write_run("b", "{}", 0, 1,
              "\"snapshots\": [{\"epoch\": 1, \"metrics\": {\"hash.test\": 0.5}}, "
              "{\"epoch\": 5, \"metrics\": {\"hash.test\": 0.5}}, "
              "{\"epoch\": 9, \"metrics\": {\"hash.test\": 0.75}}]");
    command_gives(folder, 0, NULL, NULL, "report out");
    char *csv = read_text(folder, "out/summary.csv");
    ck_assert_msg(strstr(csv, "\n1,2,0.5,0.0,0.0\n5,1,0.5,,\n9,2,0.5,0.35355339059327") != NULL, "%s", csv);
    free(csv);
}
END_TEST

/* Where training stopped early is no point of time that a study chose. */
START_TEST(only_snapshots_make_an_axis_of_time)
{
    write_config("sweep = ( { key = \"model.width\"; values = [ 8, 16, 24, 32 ]; } );\n");
    for (int i = 0; i < 4; i++) {
        char *swept = tsr_format("{\"model.width\": %d}", 8 * (i + 1));
        char *snapshots =
            tsr_format("\"snapshots\": [{\"epoch\": %d, \"metrics\": {\"hash.test\": 0.5}}]", 3 + i);
        write_run((char[]){ (char)('a' + i), '\0' }, swept, i, 0, snapshots);
        free(swept);
        free(snapshots);
    }
    command_gives(folder, 0, NULL, NULL, "report out");
    char *page = read_text(folder, "out/report.html");
    ck_assert(strstr(page, "Against model.width") && !strstr(page, "Against training time"));
    free(page);
}
END_TEST

START_TEST(failed_runs_are_listed_with_their_reason)
{
    write_study();
    write_run("f", "{\"model.width\": 8, \"training.samples\": 100}", 1, 1,
              "\"status\": \"failed\", \"error\": \"signal 11 <b>\", \"snapshots\": []");
    command_gives(folder, 0, NULL, NULL, "report out");
    holds("out/report.html", "1 failed");
    holds("out/report.html", "signal 11 &lt;b&gt;");
}
END_TEST

START_TEST(a_corrupt_run_is_left_out_with_a_warning)
{
    write_study();
    char *path = tsr_format("%s/out/runs/a", folder);
    write_text(path, "run.json", "{\"run\": \"a\", \"sta");
    command_gives(folder, 0, NULL, "runs/a/run.json:1: not a whole run.json", "report out");
    write_text(path, "run.json", "[]");
    command_gives(folder, 0, NULL, "runs/a/run.json: not the record of run a; it is left out", "report out");
    write_text(path, "run.json",
               "{\"run\": \"a\", \"status\": \"done\", \"snapshots\": [7, {\"epoch\": [], "
               "\"metrics\": {\"hash.test\": \"x\"}}], \"replicate\": 0, \"epochs\": {}, "
               "\"environment\": 3, \"metrics\": [], "
               "\"swept\": {\"model.width\": 2, \"training.samples\": 10}}");
    command_gives(folder, 0, "report in", NULL, "report out");
    free(path);
}
END_TEST

START_TEST(a_folder_without_results_is_refused)
{
    command_gives(folder, 2, NULL, "out/config.cfg: No such file or directory: expected a results folder",
                  "%s", "report out");
    write_config(config);
    command_gives(folder, 2, NULL, "out: no run of its experiment has left a result", "report out");
    write_config("name = ;\n");
    command_gives(folder, 2, NULL, "out/config.cfg:1: syntax error", "report out");
    write_config("replicates = 1;\nsweep = ( 3 );\n");
    command_gives(folder, 2, NULL, "out/config.cfg: sweep: expected entries", "report out");
}
END_TEST

START_TEST(wrong_usage_has_exit_status_1)
{
    command_gives(folder, 1, NULL, "expected DIR, or several", "report");
    command_gives(folder, 1, NULL, "see tessera report --help", "report out --over 3");
    command_gives(folder, 1, NULL, "a threshold is given twice", "%s",
                  "report out --under 1 --under 1 --under 1 --under 1");
    command_gives(folder, 0, "--sufficient", NULL, "report --help");
}
END_TEST

START_TEST(the_page_may_go_elsewhere_and_leaves_the_folder_alone)
{
    write_study();
    command_gives(folder, 0, "report in page.html", NULL, "report out -o page.html");
    holds("page.html", "<h1>study</h1>");
    char *path = tsr_path_join(folder, "out/summary.csv");
    struct stat info;
    ck_assert_int_ne(stat(path, &info), 0);
    free(path);
    command_gives(folder, 2, NULL, "nowhere/page.html", "report out -o nowhere/page.html");
}
END_TEST

START_TEST(the_page_goes_through_links_and_into_pipes_and_devices)
{
    write_study();
    shell_gives(
        folder, 0, NULL, NULL,
        "echo old >real.html; ln -s real.html link.html; ln -s later.html dangling.html; mkfifo fifo\n"
        "$TESSERA report out -o link.html && test -L link.html && grep -q DOCTYPE real.html || exit 10\n"
        "$TESSERA report out -o dangling.html && test -L dangling.html && cmp later.html real.html || exit "
        "11\n"
        "(cat fifo >got &) ; sleep 0.2; $TESSERA report out -o fifo && test -p fifo || exit 12\n"
        "$TESSERA report out -o /dev/stdout | cmp - real.html || exit 13\n"
        "$TESSERA report out -o /dev/stdout >redirected && cmp redirected real.html || exit 14\n"
        "$TESSERA report out -o /dev/null && test -c /dev/null || exit 15\n"
        "cmp got real.html || exit 16\n");
    command_gives(folder, 2, NULL, "fifo: cannot write: nobody reads this pipe", "report out -o fifo");
    command_gives(folder, 2, NULL, "out: cannot write: Is a directory", "report out -o out");
    command_gives(folder, 2, NULL, "/dev/full: cannot write: No space left on device",
                  "report out -o /dev/full");
}
END_TEST

START_TEST(the_terminal_and_the_page_mean_the_same_by_plus_minus)
{
    write_study();
    char *path = tsr_path_join(folder, "out");
    tsr_results *results;
    tsr_summary *summary;
    tsr_text text = { 0 };
    ck_succeeds(tsr_results_read(path, 0, NULL, &results));
    ck_succeeds(tsr_summary_new(results, &summary));
    tsr_summary_write_table(summary, (tsr_screen){ .width = 120 }, &text);
    ck_assert_msg(strstr(text.chars, "0.9000 ± 1.2706") && strstr(text.chars, TSR_INTERVAL_LEGEND), "%s",
                  text.chars);
    ck_assert_ptr_null(strstr(text.chars, "0.1000 ±")); /* one run has no interval */
    command_gives(folder, 0, NULL, NULL, "report out");
    holds("out/report.html", "0.9000<small> ± 1.2706</small>");
    holds("out/report.html", "± is half the 95 % confidence interval of the mean over n runs");
    holds("out/report.html", "<th class=\"n\">n</th>");
    free(text.chars);
    tsr_summary_free(summary);
    tsr_results_free(results);
    free(path);
}
END_TEST

/* The table of a study with one run, of a metric for the whole and n for layers. */
static char *table_of_layers(int n)
{
    write_config("name = \"study\";\n");
    tsr_text members = { 0 }, text = { 0 };
    tsr_text_add(&members, "\"snapshots\": [{\"epoch\": 2, \"metrics\": {\"hash.test\": 0.5");
    for (int i = 0; i < n; i++)
        tsr_text_add(&members, ", \"hash.layer.%d\": 0.25", i);
    tsr_text_add(&members, "}}]");
    write_run("a", "{}", 0, 0, members.chars);
    char *path = tsr_path_join(folder, "out");
    tsr_results *results;
    tsr_summary *summary;
    ck_succeeds(tsr_results_read(path, 0, NULL, &results));
    ck_succeeds(tsr_summary_new(results, &summary));
    tsr_summary_write_table(summary, (tsr_screen){ .width = 120 }, &text);
    tsr_summary_free(summary);
    tsr_results_free(results);
    free(members.chars);
    free(path);
    return text.chars;
}

START_TEST(details_are_shown_as_far_as_all_fit_on_a_screen)
{
    char *few = table_of_layers(39), *many = table_of_layers(40);
    ck_assert_msg(strstr(few, "hash.layer.38") && !strstr(few, "more metrics"), "%s", few);
    ck_assert_msg(strstr(many, "hash.test") && !strstr(many, "hash.layer") &&
                      strstr(many, "(40 more metrics in results.csv)\n"),
                  "%s", many);
    free(few);
    free(many);
}
END_TEST

START_TEST(a_table_fits_its_screen_and_says_what_it_leaves_out)
{
    write_config(
        "name = \"study\"; replicates = 1;\n"
        "sweep = ( { key = \"model.width\"; values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, "
        "17, 18, 19, 20]; } );\n");
    for (int i = 0; i < 20; i++) {
        char *id = tsr_format("run%d", i), *swept = tsr_format("{\"model.width\": %d}", i + 1);
        tsr_text members = { 0 };
        tsr_text_add(&members, "\"snapshots\": [{\"epoch\": 2, \"metrics\": {");
        for (int m = 0; m < 12; m++)
            tsr_text_add(&members, "%s\"other.metric%d\": 0.5", m ? ", " : "", m);
        tsr_text_add(&members, ", \"model.loss\": 0.25}}]");
        write_run(id, swept, (size_t)i, 0, members.chars);
        free(members.chars);
        free(swept);
        free(id);
    }
    char *path = tsr_path_join(folder, "out");
    tsr_results *results;
    tsr_summary *summary;
    ck_succeeds(tsr_results_read(path, 0, NULL, &results));
    ck_succeeds(tsr_summary_new(results, &summary));
    tsr_text low = { 0 }, endless = { 0 };
    tsr_summary_write_table(summary, (tsr_screen){ .width = 80, .lines = 24 }, &low);
    size_t lines = 0, widest = 0;
    for (const char *c = low.chars; *c; c += strcspn(c, "\n") + 1, lines++)
        widest = strcspn(c, "\n") > widest ? strcspn(c, "\n") : widest;
    ck_assert_msg(lines <= 24 && widest <= 80, "%zu lines of %zu: %s", lines, widest, low.chars);
    ck_assert_msg(strstr(low.chars, "\n1 ") && strstr(low.chars, "\n20 ") && strstr(low.chars, "\n..."), "%s",
                  low.chars);
    ck_assert_msg(strstr(low.chars, "more points in summary.csv") &&
                      strstr(low.chars, "more metrics in results.csv"),
                  "%s", low.chars);
    ck_assert_msg(strstr(low.chars, "model.loss  metric0"), "what is shown first is left out: %s", low.chars);
    tsr_summary_write_table(summary, (tsr_screen){ .width = 80 }, &endless);
    ck_assert_msg(!strstr(endless.chars, " more ") && strstr(endless.chars, "metric11"), "%s", endless.chars);
    free(low.chars);
    free(endless.chars);
    tsr_summary_free(summary);
    tsr_results_free(results);
    free(path);
}
END_TEST

START_TEST(figures_come_as_files_with_the_numbers_that_they_show)
{
    static const char *const begins[] = { "<?xml", "%PDF", "\x89PNG" };
    static const char *const formats[] = { "svg", "pdf", "png" };
    write_study();
    setenv("PATH", "/usr/bin:/bin", 1);
    for (size_t i = 0; i < 3; i++) {
        command_gives(folder, 0, "figures in drawn", NULL, "report out --figures drawn --format %s",
                      formats[i]);
        char *name = tsr_format("drawn/hash.test-against-model.width.%s", formats[i]),
             *drawing = read_text(folder, name);
        ck_assert_msg(strncmp(drawing, begins[i], strlen(begins[i])) == 0, "%s begins with %.8s", name,
                      drawing);
        free(drawing);
        free(name);
    }
    holds("drawn/hash.test-against-model.width.svg", "model.width");
    holds("drawn/hash.test-against-model.width.csv", "training.samples,model.width,mean,low,high,n\n10,2,");
    holds("drawn/phase-chart-model.width-training.samples-Regimes.csv",
          "training.samples,model.width,regime,mean,low,high,n\n10,2,under,,,,0\n");
    holds("drawn/phase-chart-model.width-training.samples-hash.test.csv", "\n100,8,sufficient,0.0,");
    char *page = read_text(folder, "drawn/hash.test-against-model.width.svg");
    ck_assert_ptr_null(strstr(page, "var(--"));
    ck_assert_msg(!strstr(page, "#0100") && !strstr(page, "rgb(  1,   0"), "a colour of the page's is left");
    free(page);
    shell_gives(folder, 0, NULL, NULL, "test -z \"$(find drawn -name '.part*')\"");
    command_gives(folder, 1, NULL, "--format jpeg: expected svg, pdf or png",
                  "report out --figures drawn --format jpeg");
    command_gives(folder, 1, NULL, "--width 5: expected millimetres, 20 to 1000",
                  "report out --figures drawn --width 5");
    command_gives(folder, 1, NULL, "are of --figures DIR, which is missing", "report out --format svg");
    command_gives(folder, 1, NULL, "give one of them", "report out --figures drawn -o page.html");
    command_gives(folder, 2, NULL, "cannot", "report out --figures /dev/null/drawn");
}
END_TEST

START_TEST(pictures_of_probes_are_shown_as_images)
{
    write_study();
    shell_gives(folder, 0, NULL, NULL,
                "p=out/runs/d/probes/slice/epoch-2; mkdir -p $p; printf '<svg/>' >\"$p/a<b>.svg\"; echo 1 "
                ">$p/other.npy; "
                "mkfifo $p/fifo.svg; head -c 2000000 /dev/zero >$p/large.svg; mkdir -p "
                "out/runs/d/probes/slice/epoch-7; "
                "printf '<svg/>' >out/runs/d/probes/slice/epoch-7/no_snapshot.svg");
    command_gives(folder, 0, "report in", NULL, "report out");
    holds("out/report.html", "<img alt=\"a&lt;b&gt;.svg\" src=\"data:image/svg+xml;base64,PHN2Zy8+\">");
    holds("out/report.html", "2 more are in the runs");
    lacks("out/report.html", "no_snapshot");
}
END_TEST

START_TEST(figures_without_gnuplot_are_refused_and_nothing_is_written)
{
    write_study();
    setenv("PATH", "/nonexistent", 1);
    command_gives(folder, 2, NULL, "figures need gnuplot, which was not found", "report out --figures drawn");
    setenv("PATH", "/usr/bin:/bin", 1);
    shell_gives(folder, 0, NULL, NULL, "test -z \"$(ls -A drawn)\"");
}
END_TEST

START_TEST(without_gnuplot_the_tables_come_and_the_page_says_what_to_install)
{
    write_study();
    setenv("PATH", "/nonexistent", 1);
    command_gives(folder, 0, "report in", NULL, "report out");
    holds("out/report.html", "apt-get install gnuplot-nox");
    holds("out/report.html", "0.9000<small> ± 1.2706</small>");
    lacks("out/report.html", "<figure");
}
END_TEST

START_TEST(a_gnuplot_that_fails_is_told)
{
    write_study();
    install_gnuplot("#!/bin/sh\necho 'no terminal & no luck' >&2\nexit 1\n");
    command_gives(folder, 0, "report in", "the report lacks plots: gnuplot failed: no terminal & no luck",
                  "%s", "report out");
    holds("out/report.html", "no terminal &amp; no luck");
    holds("out/report.html", "0.9000<small> ± 1.2706</small>");
}
END_TEST

#define HOSTILE                                                                                              \
    "<script>x</script> 'q' \\\"d\\\" `touch pwned` $(touch pwned) $HOME @m %s\\n!touch pwned\\n</svg>&amp;"

/* A name, values and an error that would like to be something else. */
START_TEST(hostile_texts_stay_texts)
{
    write_config("name = \"" HOSTILE "\";\nreplicates = 1;\n"
                 "sweep = ( { key = \"model.name\"; values = [ \"" HOSTILE "\", \"tame\" ]; } );\n");
    const char *members = "\"snapshots\": [{\"epoch\": 0, \"metrics\": {\"hash.test\": 0.5}}]";
    write_run("a", "{\"model.name\": \"" HOSTILE "\"}", 0, 0, members);
    write_run("b", "{\"model.name\": \"tame\"}", 1, 0,
              "\"status\": \"failed\", \"error\": \"" HOSTILE "\", \"snapshots\": []");
    for (int real = 0; real < 2; real++) {
        if (real)
            setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1); /* the machine's own gnuplot, if it has one */
        command_gives(folder, 0, "report in", NULL, "report out");
        lacks("out/report.html", "<script>x");
        lacks("out/report.html", "</svg>&amp;");
        holds("out/report.html",
              "<h1>&lt;script&gt;x&lt;/script&gt; &#39;q&#39; &quot;d&quot; `touch pwned`");
        char *path = tsr_path_join(folder, "pwned");
        struct stat info;
        ck_assert_int_ne(stat(path, &info), 0);
        free(path);
    }
    holds("script", "'<script>x</script> ''q'' \"d\" `touch pw…'");
}
END_TEST

/* In headings, tables, labels of figures and what the pointer shows. */
START_TEST(marks_that_turn_letters_and_control_characters_are_written_out)
{
    write_config("name = \"study \xe2\x80\xae\";\nreplicates = 1;\n"
                 "sweep = ( { key = \"model.name\"; values = [ \"\xe2\x81\xa6one\", \"two\" ]; } );\n");
    const char *members = "\"snapshots\": [{\"epoch\": 0, \"metrics\": {\"hash.test\": 0.5}}]";
    write_run("a", "{\"model.name\": \"\xe2\x81\xa6one\"}", 0, 0, members);
    write_run("b", "{\"model.name\": \"two\"}", 1, 0,
              "\"status\": \"failed\", \"error\": \"\\u001b[31mred\", \"snapshots\": []");
    command_gives(folder, 0, "report in", NULL, "report out");
    holds("out/report.html", "<h1>study \\u202e");
    holds("out/report.html", "\\x1b[31mred");
    holds("script", "'\\u2066one'");
    lacks("out/report.html", "\xe2\x80\xae");
    lacks("out/report.html", "\xe2\x81\xa6");
}
END_TEST

START_TEST(run_leaves_the_page_that_report_makes)
{
    write_text(folder, "small.cfg",
               "dataset = { plugin = \"synthetic\"; };\nmodel = { plugin = \"mlp\"; };\n"
               "training = { epochs = 1; };\nreplicates = 2;\nprobes = ( { plugin = \"redundancy\"; } );\n"
               "sweep = ( { key = \"model.width\"; values = [ 2, 3 ]; } );\n");
    command_gives(folder, 0, "results in out", NULL, "run small.cfg -o out");
    char *page = read_text(folder, "out/report.html"), *csv = read_text(folder, "out/summary.csv");
    ck_assert(strstr(page, "4 of 4 runs done") && strstr(page, "redundancy: ") && strstr(page, "Processor"));
    command_gives(folder, 0, NULL, NULL, "report out");
    char *again = read_text(folder, "out/report.html"), *csv_again = read_text(folder, "out/summary.csv");
    ck_assert_str_eq(page, again);
    ck_assert_str_eq(csv, csv_again);
    free(page);
    free(csv);
    free(again);
    free(csv_again);
    /* Thresholds are no part of a run. */
    command_gives(folder, 0, NULL, "all runs are done already", "%s",
                  "run small.cfg -o out -s report.under_expressive=0.7");
    holds("out/config.cfg", "under_expressive = 0.7");
    command_gives(folder, 2, NULL, "expected at most report.under_expressive", "%s",
                  "check small.cfg -s report.sufficiently_expressive=0.9");
}
END_TEST

START_TEST(mixed_values_of_a_sweep_can_be_read_back)
{
    write_text(
        folder, "mixed.cfg",
        "dataset = { plugin = \"synthetic\"; };\nmodel = { plugin = \"mlp\"; width = 2; };\n"
        "training = { epochs = 0; };\nprobes = ( { plugin = \"redundancy\"; } );\n"
        "sweep = ( { key = \"model.activation\"; values = ( \"relu\", { plugin = \"leaky_relu\"; } ); },\n"
        "          { key = \"training.input_noise\"; values = ( 0, 0.5 ); } );\n");
    command_gives(folder, 0, "results in out", NULL, "run mixed.cfg -o out");
    holds("out/report.html", "4 of 4 runs done");
    holds("out/report.html", "Against model.activation");
}
END_TEST

/* Losses of 8 and 2, then 0.04 and 0.01: their geometric means are 4 and 0.02, and the intervals, 12.7 ln 2
   by Student's t, of the logarithm. In such a band there is nothing below 0. */
START_TEST(on_a_logarithmic_axis_bands_are_intervals_of_the_logarithm)
{
    static const char members[] = "\"epochs\": [{\"epoch\": 1, \"loss\": %s}, {\"epoch\": 2, \"loss\": %s}], "
                                  "\"snapshots\": [{\"epoch\": 2, \"metrics\": {\"hash.test\": 0.5}}]";
    write_config("name = \"study\";\nseed = 1;\nreplicates = 2;\n"
                 "dataset = { plugin = \"of_nowhere\"; };\nmodel = { plugin = \"of_nowhere\"; };\n");
    char *first = tsr_format(members, "8.0", "0.04"), *second = tsr_format(members, "2.0", "0.01");
    write_run("a", "{}", 0, 0, first);
    write_run("b", "{}", 0, 1, second);
    command_gives(folder, 0, NULL, NULL, "report out");
    holds("script", "set logscale y");
    holds("script", "\n1 4 8.80");
    holds("script", "\n2 0.02 8.80");
    holds("script", "\n1 0.00153846154 52\n2 0.00153846154 52\n"); /* a decade from the means, and a margin */
    holds("out/report.html", "those of the logarithm");
    free(first);
    free(second);
}
END_TEST

/* The same of a metric against a key: the second, logarithmic axis. */
START_TEST(the_other_axis_has_means_and_intervals_of_the_logarithm)
{
    static const char members[] = "\"snapshots\": [{\"epoch\": 2, \"metrics\": {\"hash.length\": %s}}]";
    static const char *const values[] = { "8.0", "2.0", "0.04", "0.01" };
    write_config("name = \"study\";\nseed = 1;\nreplicates = 2;\n"
                 "sweep = ( { key = \"model.width\"; values = [ 2, 3 ]; } );\n");
    for (int i = 0; i < 4; i++) {
        char *id = tsr_format("run%d", i), *swept = tsr_format("{\"model.width\": %d}", 2 + i / 2),
             *all = tsr_format(members, values[i]);
        write_run(id, swept, i / 2, i % 2, all);
        free(all);
        free(swept);
        free(id);
    }
    command_gives(folder, 0, NULL, NULL, "report out");
    holds("script", "\n2 5 ");
    holds("script", "\n3 0.025 ");
    holds("script", "set logscale y");
    holds("script", "\n2 4 8.80");
    holds("script", "\n3 0.02 8.80");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *tests = tcase_create("report");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, summary_csv_has_mean_deviation_and_interval_in_the_sweeps_order);
    tcase_add_test(tests, the_page_tells_what_was_run_and_what_came_of_it);
    tcase_add_test(tests, regimes_follow_the_thresholds);
    tcase_add_test(tests, regimes_are_named_in_the_plots);
    tcase_add_test(tests, thresholds_out_of_range_are_refused);
    tcase_add_test(tests, runs_of_another_sweep_are_left_out_and_counted);
    tcase_add_test(tests, the_place_of_a_run_is_what_its_record_says);
    tcase_add_test(tests, runs_of_the_same_place_are_left_out_with_a_word);
    tcase_add_test(tests, replicates_that_stop_early_share_the_last_row);
    tcase_add_test(tests, only_snapshots_make_an_axis_of_time);
    tcase_add_test(tests, failed_runs_are_listed_with_their_reason);
    tcase_add_test(tests, a_corrupt_run_is_left_out_with_a_warning);
    tcase_add_test(tests, a_folder_without_results_is_refused);
    tcase_add_test(tests, wrong_usage_has_exit_status_1);
    tcase_add_test(tests, the_page_may_go_elsewhere_and_leaves_the_folder_alone);
    tcase_add_test(tests, the_page_goes_through_links_and_into_pipes_and_devices);
    tcase_add_test(tests, the_terminal_and_the_page_mean_the_same_by_plus_minus);
    tcase_add_test(tests, details_are_shown_as_far_as_all_fit_on_a_screen);
    tcase_add_test(tests, without_gnuplot_the_tables_come_and_the_page_says_what_to_install);
    tcase_add_test(tests, a_gnuplot_that_fails_is_told);
    tcase_add_test(tests, hostile_texts_stay_texts);
    tcase_add_test(tests, marks_that_turn_letters_and_control_characters_are_written_out);
    tcase_add_test(tests, run_leaves_the_page_that_report_makes);
    tcase_add_test(tests, a_table_fits_its_screen_and_says_what_it_leaves_out);
    tcase_add_test(tests, figures_come_as_files_with_the_numbers_that_they_show);
    tcase_add_test(tests, pictures_of_probes_are_shown_as_images);
    tcase_add_test(tests, figures_without_gnuplot_are_refused_and_nothing_is_written);
    tcase_add_test(tests, on_a_logarithmic_axis_bands_are_intervals_of_the_logarithm);
    tcase_add_test(tests, the_other_axis_has_means_and_intervals_of_the_logarithm);
    tcase_add_test(tests, mixed_values_of_a_sweep_can_be_read_back);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
