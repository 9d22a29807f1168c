/* Networks from elsewhere, and files of weights. */
#include "fuzz.h"

#include "base/memory.h"
#include "experiment/safetensors.h"
#include "nn/network.h"

#include <stdlib.h>

#define EXAMPLES 2
#define MOST_FLOATS (1u << 16) /* of an example */

/* What the translated network does with two examples. */
static void use_network(const tsr_instance *model, tsr_shape shape, int outputs)
{
    tsr_encoder *encoder = NULL;
    size_t floats = tsr_shape_size(shape);
    if (floats > MOST_FLOATS || !fuzz_succeeds(tsr_encoder_new(model, shape, outputs, 1, &encoder)))
        return;
    float *inputs = tsr_alloc(EXAMPLES * floats, sizeof(*inputs));
    for (size_t i = 0; inputs && i < EXAMPLES * floats; i++)
        inputs[i] = (float)(i % 7) / 4 - 1;
    tsr_codes *codes = NULL;
    if (inputs && fuzz_succeeds(tsr_encoder_encode(encoder, EXAMPLES, inputs, &codes)))
        tsr_codes_free(codes);
    free(inputs);
    tsr_encoder_free(encoder);
}

void fuzz_onnx(const uint8_t *bytes, size_t length)
{
    fuzz_put("net.onnx", bytes, length);
    tsr_instance *model = fuzz_instance(TSR_MODEL, "plugin = { plugin = \"onnx\"; file = \"@/net.onnx\"; }");
    tsr_shape shape = TSR_SHAPE(1, 8, 8);
    int outputs = 3;
    if (!model)
        return;
    if (fuzz_succeeds(tsr_model_sizes(model, &shape, &outputs)))
        use_network(model, shape, outputs);
    tsr_instance_free(model);
}

void fuzz_safetensors(const uint8_t *bytes, size_t length)
{
    tsr_safetensors *file = NULL;
    if (!fuzz_succeeds(tsr_safetensors_read(fuzz_put("model.safetensors", bytes, length), &file)))
        return;
    for (size_t i = 0; i < tsr_safetensors_count(file); i++) {
        const tsr_stored_tensor *tensor = tsr_safetensors_tensor(file, i);
        if (tensor->passed_over)
            continue;
        size_t n = (tensor->end - tensor->begin) / sizeof(float);
        float *values = tsr_alloc(n, sizeof(*values));
        if (values)
            tsr_safetensors_values(file, tensor, n, values);
        free(values);
    }
    tsr_safetensors_free(file);
}
