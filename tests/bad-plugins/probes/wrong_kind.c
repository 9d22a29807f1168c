/* A model where a probe is expected. */
#include "../bad.h"

static tsr_node *build(const void *self, tsr_graph *graph, tsr_node *input, int classes)
{
    (void)self;
    (void)graph;
    (void)classes;
    return input;
}

static const tsr_model_ops ops = { .build = build };
static const tsr_plugin plugin = { TSR_MODEL_PLUGIN(&ops), .name = "wrong_kind", .version = "1.0.0",
                                   .summary = "a model", .licence = "MIT" };
TSR_PLUGINS(&plugin)
