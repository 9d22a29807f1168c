/* Model onnx: files made to do harm, and files that are damaged anywhere. */
#include "onnx_nets.h"

#include "nn/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void begin(void)
{
    onnx_begin((const int64_t[]){ 4, 0 }, (const int64_t[]){ 4, 0 });
}

/* Names 2^60 empty rows, which are not to be walked over. */
static void rows_of_nothing(void)
{
    begin();
    Onnx__Tensor *none = ONNX_FLOATS("none", ONNX_DIMS(0), 0);
    none->n_dims = 3;
    none->dims[0] = none->dims[1] = INT32_MAX;
    none->dims[2] = 0;
    ONNX_INTEGERS("first", 0);
    ONNX_INTEGERS("last", INT32_MAX);
    ONNX_INTEGERS("axis", 1);
    onnx_node("slice", "Slice", "none first last axis", "s");
    onnx_node("end", "Add", "x s", "y");
}

static void doubling(void)
{
    char from[16] = "a", to[16], pair[40];
    begin();
    ONNX_INTEGERS("a", 1, 1, 1, 1, 1, 1, 1, 1);
    for (int i = 0; i < 40; i++) {
        snprintf(to, sizeof(to), "a%d", i);
        snprintf(pair, sizeof(pair), "%s %s", from, from);
        onnx_add_int(onnx_node(to, "Concat", pair, to), "axis", 0);
        snprintf(from, sizeof(from), "%s", to);
    }
    snprintf(pair, sizeof(pair), "x %s", from);
    onnx_node("end", "Reshape", pair, "y");
}

/* The same of what depends on the input. */
static void doubling_nodes(void)
{
    char from[16] = "x", to[16], pair[40];
    begin();
    for (int i = 0; i < 40; i++) {
        snprintf(to, sizeof(to), "a%d", i);
        snprintf(pair, sizeof(pair), "%s %s", from, from);
        onnx_add_int(onnx_node(to, "Concat", pair, i == 39 ? "y" : to), "axis", 1);
        snprintf(from, sizeof(from), "%s", to);
    }
}

static void filling(void)
{
    begin();
    ONNX_INTEGERS("shape", 1 << 20, 1 << 20);
    onnx_node("fill", "ConstantOfShape", "shape", "s");
    onnx_node("end", "Add", "x s", "y");
}

static void too_many_nodes(void)
{
    static Onnx__Node *list[20001];
    begin();
    Onnx__Node *node = onnx_node("relu", "Relu", "x", "y");
    for (size_t i = 0; i < 20001; i++)
        list[i] = node;
    onnx_model.graph->node = list;
    onnx_model.graph->n_node = 20001;
}

/* A node that its own output goes into, which no walk back may follow for ever. */
static void circle(void)
{
    begin();
    onnx_node("one", "Identity", "y", "y");
}

static const struct {
    void (*make)(void);
    const char *text;
} files[] = {
    { rows_of_nothing, "node 'end' (Add): takes a constant of 3 dimensions" },
    { doubling, "(Concat): makes constants larger than is possible here" },
    { doubling_nodes, "of 4398046511104 values, expected 4" },
    { filling, "node 'fill' (ConstantOfShape): makes constants larger than is possible here" },
    { too_many_nodes, "net.onnx: has 20001 nodes, expected at most 20000" },
    { circle, "node 'one' (Identity): input 'y' is made by no node before it" },
};

START_TEST(files_that_name_more_than_they_hold_are_refused)
{
    tsr_network *network;
    files[_i].make();
    onnx_write();
    tsr_instance *m = onnx_instance();
    ck_fails(tsr_network_new(m, TSR_SHAPE(4), 4, 1, &network), TSR_REFUSED, files[_i].text);
    tsr_instance_free(m);
}
END_TEST

/* --- bytes --- */

/* Refused by `text`, as a network of 4 values. */
static void refuses_bytes(const unsigned char *bytes, size_t length, const char *text)
{
    tsr_network *network;
    tsr_instance *m = onnx_instance();
    files_write("net.onnx", bytes, length);
    ck_fails(tsr_network_new(m, TSR_SHAPE(4), 4, 1, &network), TSR_REFUSED, text);
    tsr_instance_free(m);
}

START_TEST(two_graphs_are_not_made_one)
{
    size_t length;
    begin();
    onnx_node("relu", "Relu", "x", "y");
    unsigned char *bytes = onnx_bytes(&length), *twice = malloc(2 * length);
    memcpy(twice, bytes, length);
    memcpy(twice + length, bytes, length);
    refuses_bytes(twice, 2 * length, "net.onnx: has several graphs, expected one");
    free(twice);
    free(bytes);
}
END_TEST

/* A graph of nothing but empty nodes: two bytes each in the file, and a hundred in memory. */
START_TEST(a_file_of_empty_parts_does_not_fill_the_memory)
{
    const size_t n = (size_t)1 << 22, length = 2 * n + 5;
    unsigned char *bytes = malloc(length);
    bytes[0] = 7 << 3 | 2;
    for (size_t i = 0, left = 2 * n; i < 4; i++, left >>= 7)
        bytes[1 + i] = (unsigned char)((left & 127) | (i < 3 ? 128 : 0));
    for (size_t i = 0; i < n; i++) {
        bytes[5 + 2 * i] = 1 << 3 | 2;
        bytes[6 + 2 * i] = 0;
    }
    refuses_bytes(bytes, length, "net.onnx: has more parts than a network of 8388613 bytes has");
    free(bytes);
}
END_TEST

/* Whatever the bytes: a network or a message. */
static void try_bytes(const unsigned char *bytes, size_t length)
{
    tsr_instance *m = onnx_instance();
    tsr_network *network = NULL;
    files_write("net.onnx", bytes, length);
    tsr_status *status = tsr_network_new(m, TSR_SHAPE(2, 4, 3), 3, 1, &network);
    ck_assert(!status || *tsr_status_message(status));
    if (!status)
        tsr_network_free(network);
    tsr_status_free(status);
    tsr_instance_free(m);
}

START_TEST(files_cut_off_or_changed_anywhere_do_no_harm)
{
    size_t length;
    onnx_make_maps();
    unsigned char *bytes = onnx_bytes(&length);
    for (size_t i = 0; i < length; i += 3)
        try_bytes(bytes, i);
    for (size_t i = 0; i < length; i += 2) {
        unsigned char before = bytes[i];
        bytes[i] ^= (unsigned char)(1 << (i / 2 % 8));
        try_bytes(bytes, length);
        bytes[i] = before;
    }
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx, hostile");
    TCase *hostile = tcase_create("hostile");
    tcase_add_checked_fixture(hostile, files_make_folder, files_remove_folder);
    tcase_add_loop_test(hostile, files_that_name_more_than_they_hold_are_refused, 0,
                        sizeof(files) / sizeof(*files));
    tcase_add_test(hostile, two_graphs_are_not_made_one);
    tcase_add_test(hostile, a_file_of_empty_parts_does_not_fill_the_memory);
    tcase_add_test(hostile, files_cut_off_or_changed_anywhere_do_no_harm);
    tcase_set_timeout(hostile, 60);
    suite_add_tcase(suite, hostile);
    return test_main(suite);
}
