/* Trained models as safetensors files (the format's own description: header length as a little-endian
   uint64, JSON header padded with blanks to 8 bytes, tensors back to back). */
#include "experiment/safetensors.h"

#include "base/file.h"
#include "base/memory.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static void add_tensor(json_t *header, const char *name, size_t n_dims, const size_t *dims, size_t n,
                       size_t *offset)
{
    json_t *shape = json_array();
    for (size_t i = 0; i < n_dims; i++)
        json_array_append_new(shape, json_integer((json_int_t)dims[i]));
    size_t end = *offset + n * sizeof(float);
    json_object_set_new(header, name,
                        json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets",
                                  (json_int_t)*offset, (json_int_t)end));
    *offset = end;
}

static json_t *make_header(const tsr_network *network, const json_t *config)
{
    json_t *header = json_object();
    char *text = json_dumps(config, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_object_set_new(
        header, "__metadata__",
        json_pack("{s:s, s:s, s:s}", "format", "pt", "tessera", tsr_version(), "config", text ? text : "{}"));
    free(text);
    size_t offset = 0;
    for (size_t i = 0; i < tsr_network_n_tensors(network); i++) {
        const tsr_parameter *p = &tsr_network_tensor(network, i)->parameter;
        add_tensor(header, p->name, p->n_dims, p->dims, p->n, &offset);
    }
    for (size_t i = 0; i < tsr_network_n_states(network); i++) {
        const tsr_network_state *state = tsr_network_get_state(network, i);
        add_tensor(header, state->name, 1, &state->n, state->n, &offset);
    }
    return header;
}

tsr_status *tsr_safetensors_write(const char *path, const tsr_network *network, const json_t *config)
{
    json_t *header = make_header(network, config);
    char *text = header ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    if (!text)
        return tsr_no_memory(path);
    tsr_new_file file;
    tsr_status *status = tsr_new_file_open(path, &file);
    if (status) {
        free(text);
        return status;
    }
    size_t length = strlen(text), padding = (8 - length % 8) % 8;
    uint64_t prefix = htole64(length + padding);
    fwrite(&prefix, sizeof(prefix), 1, file.stream);
    fwrite(text, 1, length, file.stream);
    fwrite("        ", 1, padding, file.stream);
    for (size_t i = 0; i < tsr_network_n_tensors(network); i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(network, i);
        fwrite(tensor->values, sizeof(float), tensor->parameter.n, file.stream);
    }
    for (size_t i = 0; i < tsr_network_n_states(network); i++) {
        const tsr_network_state *state = tsr_network_get_state(network, i);
        fwrite(state->values, sizeof(float), state->n, file.stream);
    }
    free(text);
    return tsr_new_file_keep(&file);
}
