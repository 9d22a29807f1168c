/* What many tests need: statuses as claims, plugins from a line of config, temporary folders. */
#include "support.h"

#include "nn/network.h"
#include "base/file.h"
#include "base/text.h"
#include "config/parse.h"

#include <stdlib.h>
#include <string.h>

const char *test_source(void)
{
    const char *folder = getenv("TSR_SOURCE");
    return folder ? folder : ".";
}

const char *test_build(void)
{
    const char *folder = getenv("TSR_BUILD");
    return folder ? folder : ".";
}

/* Lives as long as the program: instances refer to what it loaded. */
static tsr_registry *registry(void)
{
    static tsr_registry *shared;
    if (!shared) {
        char *folder = tsr_path_join(test_build(), "plugins");
        ck_succeeds(tsr_registry_new(1, (const char *const[]){ folder }, &shared));
        free(folder);
    }
    return shared;
}

tsr_value *test_config(const char *text)
{
    tsr_value *config = NULL;
    ck_succeeds(tsr_parse_config(text, "config", "/", &config));
    return config;
}

tsr_status *test_instance_try(tsr_kind kind, const char *text, tsr_instance **out)
{
    char *group = tsr_format("group = {\n%s\n};", text);
    tsr_value *config = test_config(group), *resolved = NULL;
    free(group);
    tsr_settings settings = { .registry = registry(), .folder = "/" };
    tsr_status *status = tsr_settings_plugin(&settings, kind, tsr_value_member(config, "group"), "group",
                                             NULL, out, &resolved);
    tsr_value_free(resolved);
    tsr_value_free(config);
    return status;
}

tsr_instance *test_instance(tsr_kind kind, const char *text)
{
    tsr_instance *instance = NULL;
    ck_succeeds(test_instance_try(kind, text, &instance));
    return instance;
}

tsr_instance *test_give_loss(tsr_network *network)
{
    tsr_instance *loss = test_instance(TSR_LOSS, "plugin = \"softmax_cross_entropy\";");
    tsr_network_set_loss(
        network, &(tsr_network_loss_options){ .loss = loss, .classes = tsr_network_outputs(network) });
    return loss;
}

char *test_folder(void)
{
    const char *parent = getenv("TMPDIR");
    char *folder = tsr_path_join(parent ? parent : "/tmp", "tessera-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    return folder;
}

void test_folder_remove(char *folder)
{
    tsr_status_free(tsr_remove_tree(folder));
    free(folder);
}

int test_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
