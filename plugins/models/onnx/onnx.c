/* Networks from files in ONNX format, as other programs export them: the file's operators become those of the
   SDK, its weights the initial values, and its piecewise linear activations the layers of the code. */
#include "translate.h"

typedef struct onnx {
    const char *file, *output;
    tsr_instance *activation, *prelu;
} onnx;

static const tsr_key keys[] = {
    TSR_KEY_PATH(onnx, file, NULL, "the network, in ONNX format", .required = true),
    TSR_KEY_STRING(onnx, output, "", "which of its outputs are the logits; empty: the first"),
    TSR_KEY_PLUGIN(onnx, activation, TSR_ACTIVATION, "relu", "what its Relu nodes are"),
    TSR_KEY_PLUGIN(onnx, prelu, TSR_ACTIVATION, "prelu", "what its PRelu nodes are, with a parameter weight"),
    TSR_KEY_END,
};

static tsr_node *build(const void *self, tsr_graph *graph, tsr_node *input, int outputs)
{
    const onnx *m = self;
    onnx_file file;
    (void)outputs; /* the host holds what comes out against it */
    tsr_graph_at(graph, "file");
    tsr_status *status = onnx_file_read(m->file, &file);
    if (status) {
        tsr_graph_fail(graph, "%s", tsr_status_message(status));
        tsr_status_free(status);
        return input;
    }
    tsr_node *last = onnx_build(&file, graph, input, m->output, m->prelu);
    onnx_file_clear(&file);
    tsr_graph_at(graph, "%s", "");
    return last;
}

static tsr_status *sizes(const void *self, tsr_shape *input, int *outputs)
{
    const onnx *m = self;
    onnx_file file;
    TSR_TRY(onnx_file_read(m->file, &file));
    tsr_status *status = onnx_sizes(&file, m->output, input, outputs);
    onnx_file_clear(&file);
    return status;
}

static const tsr_model_ops ops = { .build = build, .sizes = sizes };

static const tsr_plugin plugin = {
    TSR_MODEL_PLUGIN(&ops), .name = "onnx",
    .version = "1.0.0",     .summary = "a network from a file in ONNX format",
    .licence = "MIT",       TSR_INSTANCE(onnx),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
