// One hidden layer, a model in C++. Built by sdk_test as its author would build it.
#include <tessera/tessera.h>

namespace
{

struct narrow {
    const tsr_instance *activation;
    int width;
};

const tsr_key keys[] = {
    TSR_KEY_PLUGIN(narrow, activation, TSR_ACTIVATION, "relu", "of the hidden layer"),
    TSR_KEY_INT(narrow, width, 4, 1, 1 << 20, "units of the hidden layer"),
    TSR_KEY_END,
};

tsr_node *build(const void *self, tsr_graph *graph, tsr_node *input, int classes)
{
    const narrow *n = static_cast<const narrow *>(self);
    return tsr_dense(graph, tsr_activate(graph, tsr_dense(graph, input, n->width)), classes);
}

const tsr_model_ops ops = { build, nullptr };

const tsr_plugin plugin = {
    TSR_MODEL_PLUGIN(&ops), .name = "narrow",     .version = "1.0.0", .summary = "one hidden layer",
    .licence = "MIT",       TSR_INSTANCE(narrow), .keys = keys,       .init = nullptr,
    .fini = nullptr,
};

} // namespace

TSR_PLUGINS(&plugin)
