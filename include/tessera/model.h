/* A model arranges operators into a network. */
#ifndef TESSERA_MODEL_H
#define TESSERA_MODEL_H

#include <tessera/graph.h>
#include <tessera/op.h>
#include <tessera/plugin.h>

TSR_BEGIN_DECLS

typedef struct tsr_model_ops {
    /* From the input node to the logits, a vector of `classes` values. Called once per network and once
       per validation; must build the same graph each time. One thread. */
    tsr_node *(*build)(const void *self, tsr_graph *graph, tsr_node *input, int classes);
} tsr_model_ops;

#define TSR_MODEL_PLUGIN(table)                                                                              \
    .kind = TSR_MODEL, .ops_size = sizeof(tsr_model_ops), .ops = (1 ? (table) : (const tsr_model_ops *)0)

TSR_END_DECLS
#endif
