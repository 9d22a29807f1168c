/* What a file says of its input and output, and the data as the file wants them. */
#include "translate.h"

#include <limits.h>
#include <stdio.h>

/* --- sizes --- */

static const Onnx__TensorShape *shape_of(const Onnx__ValueInfo *value)
{
    const Onnx__TensorType *type = value->type ? value->type->tensor_type : NULL;
    return type ? type->shape : NULL;
}

/* 0 for one that has a name instead, or none. */
static int64_t dim_of(const Onnx__TensorShape *shape, size_t i)
{
    int64_t dim = shape->dim[i]->has_dim_value ? shape->dim[i]->dim_value : 0;
    return dim > 0 ? dim : 0;
}

/* The shape of a sample, of no dimensions where the file leaves some open. */
static tsr_status *sample_shape(const onnx_file *file, const Onnx__ValueInfo *value, tsr_shape *out)
{
    const Onnx__TensorShape *shape = shape_of(value);
    *out = (tsr_shape){ 0 };
    if (!shape || shape->n_dim < 1)
        return NULL;
    if (shape->n_dim > TSR_MAX_DIMS + 1)
        return tsr_fail(TSR_REFUSED, "%s: '%s' has %zu dimensions, expected the batch and at most %d more",
                        file->path, onnx_shown(value->name).chars, shape->n_dim, TSR_MAX_DIMS);
    tsr_shape sample = { .n_dims = shape->n_dim > 1 ? shape->n_dim - 1 : 1, .dims = { 1 } };
    size_t size = 1;
    for (size_t i = 1; i < shape->n_dim; i++) {
        int64_t dim = dim_of(shape, i);
        if (!dim)
            return NULL;
        if (dim > INT_MAX || __builtin_mul_overflow(size, (size_t)dim, &size) || size > INT_MAX)
            return tsr_fail(TSR_REFUSED, "%s: '%s' has more than %d values", file->path,
                            onnx_shown(value->name).chars, INT_MAX);
        sample.dims[i - 1] = (size_t)dim;
    }
    *out = sample;
    return NULL;
}

tsr_status *onnx_sizes(const onnx_file *file, const char *output, tsr_shape *shape, int *outputs)
{
    const Onnx__ValueInfo *in, *out;
    tsr_shape first, last;
    TSR_TRY(onnx_file_input(file, &in));
    TSR_TRY(onnx_file_output(file, output, &out));
    TSR_TRY(sample_shape(file, in, &first));
    TSR_TRY(sample_shape(file, out, &last));
    if (first.n_dims)
        *shape = first;
    if (last.n_dims)
        *outputs = (int)tsr_shape_size(last);
    return NULL;
}

/* --- the input --- */

/* Whether two shapes are one but for dimensions of 1. */
static bool same_but_for_ones(tsr_shape a, tsr_shape b)
{
    size_t i = 0, k = 0;
    for (;; i++, k++) {
        while (i < a.n_dims && a.dims[i] == 1)
            i++;
        while (k < b.n_dims && b.dims[k] == 1)
            k++;
        if (i == a.n_dims || k == b.n_dims)
            return i == a.n_dims && k == b.n_dims;
        if (a.dims[i] != b.dims[k])
            return false;
    }
}

static void write_shape(tsr_shape shape, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < shape.n_dims && used < capacity; i++)
        used += (size_t)snprintf(out + used, capacity - used, "%s%zu", i ? " x " : "", shape.dims[i]);
}

/* Whether the data are as the file says, where it leaves dimensions open. */
static bool is_as_declared(const Onnx__TensorShape *declared, tsr_shape data)
{
    bool fits = declared->n_dim == data.n_dims + 1;
    for (size_t i = 1; fits && i < declared->n_dim; i++)
        fits = dim_of(declared, i) == 0 || (uint64_t)dim_of(declared, i) == data.dims[i - 1];
    return fits;
}

static void refuse_data(onnx_translation *t, const Onnx__ValueInfo *value, tsr_shape wanted, tsr_shape data)
{
    char here[128], there[128];
    write_shape(data, here, sizeof(here));
    write_shape(wanted, there, sizeof(there));
    if (wanted.n_dims)
        onnx_fail(t, "its input '%s' is %s, and the data are %s", onnx_shown(value->name).chars, there, here);
    else
        onnx_fail(
            t, "its input '%s' is of %zu dimensions beside the batch, some of them open, and the data are %s",
            onnx_shown(value->name).chars, shape_of(value)->n_dim - 1, here);
}

/* As they are, where dimensions that the file leaves open are the data's; as a vector; with other dimensions
   of 1. */
void onnx_take_input(onnx_translation *t, const Onnx__ValueInfo *value)
{
    const Onnx__TensorShape *declared = shape_of(value);
    tsr_shape data = tsr_node_shape(t->input), wanted;
    if (!declared || declared->n_dim < 1)
        return;
    t->batch = dim_of(declared, 0);
    if (is_as_declared(declared, data))
        return;
    tsr_status *status = sample_shape(t->file, value, &wanted);
    bool as_vector = wanted.n_dims == 1 && tsr_shape_size(wanted) == tsr_shape_size(data);
    if (status)
        tsr_graph_fail(t->graph, "%s", tsr_status_message(status));
    else if (as_vector || (wanted.n_dims && same_but_for_ones(wanted, data)))
        t->input = tsr_named(t->graph, tsr_reshape(t->graph, t->input, wanted), ONNX_RESHAPED_INPUT);
    else
        refuse_data(t, value, wanted, data);
    t->failed = t->failed || status;
    tsr_status_free(status);
}
