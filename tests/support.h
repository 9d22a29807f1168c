/* What many tests need: statuses as claims, plugins from a line of config, temporary folders. */
#ifndef TSR_TESTS_SUPPORT_H
#define TSR_TESTS_SUPPORT_H

#include "config/settings.h"

#include <check.h>
#include <tessera/tessera.h>

/* Fails the test, printing the message, unless the call succeeded. */
#define ck_succeeds(call)                                                                                    \
    do {                                                                                                     \
        tsr_status *ck_status = (call);                                                                      \
        ck_assert_msg(!ck_status, "%s: %s", #call, tsr_status_message(ck_status));                           \
    } while (0)

/* Fails the test unless the call fails with this code and `text` in its message. */
#define ck_fails(call, expected_code, text)                                                                  \
    do {                                                                                                     \
        tsr_status *ck_status = (call);                                                                      \
        ck_assert_msg(ck_status != NULL, "%s succeeded", #call);                                             \
        ck_assert_msg(strstr(tsr_status_message(ck_status), (text)) != NULL, "%s: '%s' lacks '%s'", #call,   \
                      tsr_status_message(ck_status), (text));                                                \
        ck_assert_int_eq(tsr_status_error(ck_status), (expected_code));                                      \
        tsr_status_free(ck_status);                                                                          \
    } while (0)

/* A config of this text, called "config", in the folder /. */
tsr_value *test_config(const char *text);

/* A plugin of the build tree, configured by the text of a group without its braces:
   test_instance(TSR_PROBE, "plugin = \"knn\"; k = 3;"). Fails the test where it cannot be. free with
   tsr_instance_free. */
tsr_instance *test_instance(tsr_kind kind, const char *settings);

/* The same, giving the failure instead. */
tsr_status *test_instance_try(tsr_kind kind, const char *settings, tsr_instance **out);

/* Gives the network its loss, softmax cross-entropy of as many classes as it has outputs; to be freed after
   the network. */
tsr_instance *test_give_loss(tsr_network *network);

/* A new empty folder under the test's working folder or $TMPDIR; removed with test_folder_remove. */
char *test_folder(void);
void test_folder_remove(char *folder);

/* $TSR_SOURCE and $TSR_BUILD: the roots of the source and the build tree. */
const char *test_source(void);
const char *test_build(void);

/* Runs the suite as Check's own main would: 0 where nothing failed. Each test program's main returns it. */
int test_main(Suite *suite);

#endif
