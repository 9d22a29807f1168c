/* Model sequential: networks that a config spells out, and what is said of those that cannot be. */
#include "support.h"

#include "cli/command.h"
#include "nn/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct built {
    tsr_instance *model;
    tsr_network *network;
} built;

static built build(const char *settings, tsr_shape shape)
{
    built all = { .model = test_instance(TSR_MODEL, settings) };
    ck_succeeds(tsr_network_new(all.model, shape, 4, 1, &all.network));
    return all;
}

static void free_built(built *all)
{
    tsr_network_free(all->network);
    tsr_instance_free(all->model);
}

#define N 5

/* The same parameters, drawn alike, and so the same outputs. */
static void are_alike(const char *one, const char *other, tsr_shape shape)
{
    built a = build(one, shape), b = build(other, shape);
    size_t size = tsr_shape_size(shape);
    float *inputs = malloc(N * size * sizeof(float)), x[N * 4], y[N * 4];
    tsr_rng rng = tsr_rng_stream(3, TSR_FOR_DATA, 0);
    tsr_rng_fill_uniform(&rng, N * size, inputs, -1, 1);
    ck_assert_uint_eq(tsr_network_parameters(a.network), tsr_network_parameters(b.network));
    ck_succeeds(tsr_network_predict(a.network, N, inputs, x));
    ck_succeeds(tsr_network_predict(b.network, N, inputs, y));
    ck_assert_mem_eq(x, y, sizeof(x));
    free(inputs);
    free_built(&a);
    free_built(&b);
}

START_TEST(a_network_spelt_out_is_the_one_that_mlp_builds)
{
    are_alike(
        "plugin = \"mlp\"; widths = [ 20, 12 ]; activation = { plugin = \"prelu\"; };",
        "plugin = \"sequential\"; activation = { plugin = \"prelu\"; };"
        "layers = ( { op = \"dense\"; width = 20; }, { op = \"batch_norm\"; }, { op = \"activation\"; },"
        "           { op = \"dense\"; width = 12; }, { op = \"batch_norm\"; }, { op = \"activation\"; },"
        "           { op = \"dense\"; } );",
        TSR_SHAPE(1, 4, 4));
}
END_TEST

START_TEST(from_leads_back_to_a_layer_or_the_input)
{
    are_alike(
        "plugin = \"sequential\"; layers = ( { op = \"dense\"; width = 6; name = \"a\"; },"
        "  { op = \"tanh\"; name = \"b\"; }, { op = \"go_on\"; from = \"a\"; }, { op = \"sigmoid\"; },"
        "  { op = \"multiply\"; from = \"b\"; }, { op = \"concat\"; from = [ \"a\", \"b\" ]; },"
        "  { op = \"dense\"; }, { op = \"tap\"; name = \"bits\"; } );",
        "plugin = \"sequential\"; layers = ( { op = \"dense\"; width = 6; name = \"a\"; },"
        "  { op = \"tanh\"; name = \"b\"; from = [ \"a\" ]; }, { op = \"sigmoid\"; from = \"a\"; },"
        "  { op = \"multiply\"; from = \"b\"; }, { op = \"concat\"; from = [ \"a\", \"b\" ]; dims = 0; },"
        "  { op = \"dense\"; } );",
        TSR_SHAPE(9));
}
END_TEST

/* Every operator once, each on what it can take. */
START_TEST(every_operator_can_be_a_layer)
{
    built all = build(
        "plugin = \"sequential\"; layers = ("
        "{ op = \"conv2d\"; channels = 4; kernel = [ 3, 1 ]; padding = [ 1, 0 ]; bias = false; },"
        "{ op = \"group_norm\"; groups = 2; epsilon = 1e-5; }, { op = \"activation\"; name = \"first\"; },"
        "{ op = \"conv2d\"; channels = 4; kernel = 3; padding = 2; dilation = 2; groups = 4; },"
        "{ op = \"batch_norm\"; momentum = 0.9; }, { op = \"subtract\"; from = \"first\"; },"
        "{ op = \"activation\"; activation = { plugin = \"leaky_relu\"; }; },"
        "{ op = \"max_pool\"; size = 2; stride = 2; }, { op = \"average_pool\"; size = [ 2, 1 ]; },"
        "{ op = \"reshape\"; shape = [ 4, 9 ]; }, { op = \"transpose\"; dims = [ 0, 1 ]; },"
        "{ op = \"linear\"; width = 6; name = \"keys\"; bias = false; }, { op = \"exp\"; }, { op = \"layer_norm\"; },"
        "{ op = \"matmul\"; from = \"keys\"; transpose_b = true; }, { op = \"scale\"; factor = 0.4; },"
        "{ op = \"softmax\"; dims = 1; }, { op = \"matmul\"; from = \"keys\"; },"
        "{ op = \"permute\"; dims = [ 1, 0 ]; }, { op = \"conv1d\"; channels = 5; kernel = 3; stride = 2; },"
        "{ op = \"slice\"; dims = 1; first = 1; count = 3; }, { op = \"dropout\"; rate = 0.1; },"
        "{ op = \"mean\"; dims = 1; name = \"means\"; }, { op = \"add\"; from = \"means\"; }, { op = "
        "\"flatten\"; },"
        "{ op = \"dense\"; } );",
        TSR_SHAPE(2, 8, 6));
    ck_assert_uint_eq(tsr_network_n_layers(all.network), 2);
    ck_assert_str_eq(tsr_network_code_source(all.network, 0)->name, "first");
    free_built(&all);
    all = build("plugin = \"sequential\"; layers = ( { op = \"embedding\"; count = 9; width = 4; },"
                "{ op = \"transpose\"; dims = [ 0, 1 ]; }, { op = \"global_average_pool\"; } );",
                TSR_SHAPE(7));
    free_built(&all);
}
END_TEST

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* The message for these layers, each of which stands in a line of its own, from line 3 on. */
static void is_refused(const char *layers, const char *message)
{
    char *text = malloc(strlen(layers) + 256);
    sprintf(text,
            "name = \"bad\"; dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"sequential\"; layers "
            "= (\n%s ); };\n"
            "training = { epochs = 1; };\n",
            layers);
    write_text(folder, "bad.cfg", text);
    command_gives(folder, 2, NULL, message, "check bad.cfg");
    free(text);
}

START_TEST(a_layer_that_cannot_be_is_refused_at_its_line)
{
    is_refused(
        "{ op = \"dense\"; width = 9; },\n{ op = \"activation\"; from = \"x\"; },\n{ op = \"dense\"; }",
        "bad.cfg:4: model sequential: layers.1: no layer before it is called 'x'");
    is_refused(
        "{ op = \"activation\"; },\n{ op = \"conv2d\"; channels = 2; kernel = 9; },\n{ op = \"dense\"; }",
        "bad.cfg:4: model sequential: layers.1: conv2d0: the kernel, 9 x 9, is larger than");
    is_refused("{ op = \"dense\"; kernel = 3; }",
               "bad.cfg:3: model sequential: layers.0: dense takes no kernel");
    is_refused("{ op = \"flatten\"; activation = { plugin = \"relu\"; }; }",
               "layers.0: flatten takes no activation");
    is_refused("{ op = \"conv2d\"; }", "layers.0: conv2d has no channels, expected at least 1");
    is_refused("{ op = \"tap\"; }", "layers.0: tap has no name");
    is_refused("{ op = \"add\"; }", "layers.0: from names 0 layers, expected 1");
    is_refused("{ op = \"tanh\"; from = [ \"input\", \"input\" ]; }",
               "layers.0: from names 2 layers, and tanh is applied to one");
    is_refused("{ op = \"transpose\"; }",
               "layers.0: dims has 1 elements, expected the two that are exchanged");
    is_refused("{ op = \"dense\"; name = \"a\"; },\n{ op = \"tanh\"; name = \"a\"; }",
               "bad.cfg:4: model sequential: layers.1: tanh0: cannot be named 'a', another node is");
    is_refused("{ op = \"densely\"; }", "bad.cfg:3: model.layers.0.op = \"densely\": expected one of");
    is_refused("{ width = 3; }", "op");
    is_refused("{ op = \"activation\"; },\n{ op = \"dense\"; width = 3; }",
               "build returned 'dense0' of 3 values, expected 10");
    is_refused("{ op = \"dense\"; }", "its code would have no bits");
    is_refused("", "layers");
}
END_TEST

START_TEST(the_bundled_config_runs)
{
    command_gives(folder, 0, "results in out", NULL,
                  "run '%s/configs/sequential.cfg' -q -o out -s training.epochs=1", test_source());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sequential");
    TCase *tests = tcase_create("sequential");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_network_spelt_out_is_the_one_that_mlp_builds);
    tcase_add_test(tests, from_leads_back_to_a_layer_or_the_input);
    tcase_add_test(tests, every_operator_can_be_a_layer);
    tcase_add_test(tests, a_layer_that_cannot_be_is_refused_at_its_line);
    tcase_add_test(tests, the_bundled_config_runs);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
