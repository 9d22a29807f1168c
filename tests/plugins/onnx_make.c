#include "onnx_make.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MEMORY 4096

Onnx__Model onnx_model;
static Onnx__Graph graph;
static void *memory[MAX_MEMORY];
static size_t n_memory;

static void *make(size_t size)
{
    ck_assert_uint_lt(n_memory, MAX_MEMORY);
    void *made = memory[n_memory++] = calloc(1, size ? size : 1);
    ck_assert_ptr_nonnull(made);
    return made;
}

static char *text(const char *from, size_t length)
{
    return memcpy(make(length + 1), from, length);
}

char *onnx_copy(const char *from)
{
    return text(from, strlen(from));
}

/* One pointer more in a list. */
static void add(void *list, size_t *n, void *item)
{
    void **longer = make((*n + 1) * sizeof(void *)), **old;
    memcpy(&old, list, sizeof(old));
    if (*n)
        memcpy(longer, old, *n * sizeof(void *));
    longer[(*n)++] = item;
    memcpy(list, &longer, sizeof(longer));
}

#define NEW(type, INIT)                                                                                      \
    ({                                                                                                       \
        type *made = make(sizeof(type));                                                                     \
        *made = (type)INIT;                                                                                  \
        made;                                                                                                \
    })

static Onnx__ValueInfo *value(const char *name, const int64_t *dims)
{
    Onnx__ValueInfo *info = NEW(Onnx__ValueInfo, ONNX__VALUE_INFO__INIT);
    info->name = onnx_copy(name);
    info->type = NEW(Onnx__Type, ONNX__TYPE__INIT);
    info->type->tensor_type = NEW(Onnx__TensorType, ONNX__TENSOR_TYPE__INIT);
    Onnx__TensorShape *shape = info->type->tensor_type->shape =
        NEW(Onnx__TensorShape, ONNX__TENSOR_SHAPE__INIT);
    Onnx__Dimension *batch = NEW(Onnx__Dimension, ONNX__DIMENSION__INIT);
    batch->dim_param = text("n", 1);
    add(&shape->dim, &shape->n_dim, batch);
    for (; *dims; dims++) {
        Onnx__Dimension *dim = NEW(Onnx__Dimension, ONNX__DIMENSION__INIT);
        dim->has_dim_value = 1;
        dim->dim_value = *dims;
        add(&shape->dim, &shape->n_dim, dim);
    }
    return info;
}

void onnx_begin(const int64_t *x, const int64_t *y)
{
    while (n_memory)
        free(memory[--n_memory]);
    onnx_model = (Onnx__Model)ONNX__MODEL__INIT;
    graph = (Onnx__Graph)ONNX__GRAPH__INIT;
    Onnx__OperatorSet *set = NEW(Onnx__OperatorSet, ONNX__OPERATOR_SET__INIT);
    set->has_version = 1;
    set->version = 13;
    add(&onnx_model.opset_import, &onnx_model.n_opset_import, set);
    onnx_model.graph = &graph;
    add(&graph.input, &graph.n_input, value("x", x));
    add(&graph.output, &graph.n_output, value("y", y));
}

static void add_names(const char *names, char ***list, size_t *n)
{
    while (*names) {
        size_t length = strcspn(names, " ");
        add(list, n, length == 1 && *names == '-' ? text("", 0) : text(names, length));
        names += length;
        names += strspn(names, " ");
    }
}

Onnx__Node *onnx_node(const char *name, const char *op, const char *inputs, const char *outputs)
{
    Onnx__Node *node = NEW(Onnx__Node, ONNX__NODE__INIT);
    node->name = onnx_copy(name);
    node->op_type = onnx_copy(op);
    add_names(inputs, &node->input, &node->n_input);
    add_names(outputs, &node->output, &node->n_output);
    add(&graph.node, &graph.n_node, node);
    return node;
}

static Onnx__Attribute *attribute(Onnx__Node *node, const char *name, int type)
{
    Onnx__Attribute *a = NEW(Onnx__Attribute, ONNX__ATTRIBUTE__INIT);
    a->name = onnx_copy(name);
    a->has_type = 1;
    a->type = type;
    add(&node->attribute, &node->n_attribute, a);
    return a;
}

Onnx__Attribute *onnx_add_int(Onnx__Node *node, const char *name, int64_t value)
{
    Onnx__Attribute *a = attribute(node, name, 2);
    a->has_i = 1;
    a->i = value;
    return a;
}

Onnx__Attribute *onnx_add_ints(Onnx__Node *node, const char *name, size_t n, const int64_t *values)
{
    Onnx__Attribute *a = attribute(node, name, 7);
    a->n_ints = n;
    a->ints = memcpy(make(n * sizeof(int64_t)), values, n * sizeof(int64_t));
    return a;
}

Onnx__Attribute *onnx_add_real(Onnx__Node *node, const char *name, double value)
{
    Onnx__Attribute *a = attribute(node, name, 1);
    a->has_f = 1;
    a->f = (float)value;
    return a;
}

Onnx__Attribute *onnx_add_string(Onnx__Node *node, const char *name, const char *value)
{
    Onnx__Attribute *a = attribute(node, name, 3);
    a->has_s = 1;
    a->s.len = strlen(value);
    a->s.data = (uint8_t *)onnx_copy(value);
    return a;
}

static Onnx__Tensor *tensor(const char *name, int type)
{
    Onnx__Tensor *t = NEW(Onnx__Tensor, ONNX__TENSOR__INIT);
    t->name = onnx_copy(name);
    t->has_data_type = 1;
    t->data_type = type;
    add(&graph.initializer, &graph.n_initializer, t);
    return t;
}

Onnx__Tensor *onnx_floats(const char *name, const int64_t *dims, size_t n, const float *values)
{
    Onnx__Tensor *t = tensor(name, 1);
    size_t size = 1;
    t->dims = make(8 * sizeof(int64_t));
    for (; *dims >= 0; dims++) {
        t->dims[t->n_dims++] = *dims;
        size *= (size_t)*dims;
    }
    t->n_float_data = size;
    t->float_data = make(size * sizeof(float));
    for (size_t i = 0; i < size; i++)
        t->float_data[i] = values[i % n];
    return t;
}

Onnx__Tensor *onnx_integers(const char *name, size_t n, const int64_t *values)
{
    Onnx__Tensor *t = tensor(name, 7);
    t->dims = make(sizeof(int64_t));
    t->n_dims = 1;
    t->dims[0] = (int64_t)n;
    t->has_raw_data = 1;
    t->raw_data.len = n * sizeof(int64_t);
    t->raw_data.data = make(n * sizeof(int64_t));
    for (size_t i = 0; i < t->raw_data.len; i++)
        t->raw_data.data[i] = (uint8_t)((uint64_t)values[i / 8] >> (8 * (i % 8)));
    return t;
}

unsigned char *onnx_bytes(size_t *length)
{
    *length = onnx__model__get_packed_size(&onnx_model);
    unsigned char *bytes = malloc(*length);
    onnx__model__pack(&onnx_model, bytes);
    return bytes;
}
