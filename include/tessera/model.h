/* A model arranges operators into a network.

   What a network computes depends on more than its arrays: batch norm's epsilon is a constant of the operator
   (op.h). A model makes it a key of its own, names the constant in the declaration, and hands it to the
   builder call:

       TSR_KEY_REAL(mlp, epsilon, TSR_BATCH_NORM_EPSILON, 1e-30, 1e3, "...", .constant = "epsilon"),

       tsr_batch_norm_with(g, x, &(tsr_batch_norm_options){ .epsilon = m->epsilon, .momentum = m->momentum });

   All constants are saved with the model. Where `model.weights` names a file, each constant is, in this
   order, what the config gives by such a key, what the file says, and, for a file that Tessera did not write,
   what PyTorch's module has by default. The value that is used stands in the run's config. */
#ifndef TESSERA_MODEL_H
#define TESSERA_MODEL_H

#include <tessera/graph.h>
#include <tessera/op.h>
#include <tessera/plugin.h>

TSR_BEGIN_DECLS

typedef struct tsr_model_ops {
    /* From the input node to the output, of any shape of `outputs` values: as many as the configured loss
       compares. For softmax cross-entropy these are logits, one for each class; for an autoencoder with the
       mean squared error they are the input's values, in the order of its shape. Called once per network and
       once per validation; must build the same graph each time. [one-thread] */
    tsr_node *(*build)(const void *self, tsr_graph *graph, tsr_node *input, int outputs);

    /* What the model takes and gives of its own, as one that is read from a file: the shape of an input, and
       how many values come out. It is asked where no data say so; what it does not know either is left as it
       is, and taken from elsewhere. NULL: it takes and gives what is
       wanted. [one-thread] */
    tsr_status *(*sizes)(const void *self, tsr_shape *input, int *outputs);
} tsr_model_ops;

/* Builds a model that is nested in another one (a key of kind TSR_MODEL) into the same graph, and gives its
   last node: `classes` values. In it tsr_activate takes that model's own activation, constants are set by its
   own keys, and a crash names it; after it all is the outer model's again. Calling the operation `build` of
   the nested instance itself would have it take the outer model's. Errors
   stick to the graph. [in-operation] */
TSR_API tsr_node *tsr_build_model(tsr_graph *graph, const tsr_instance *model, tsr_node *input, int classes);

#define TSR_MODEL_PLUGIN(table)                                                                              \
    .kind = TSR_MODEL, .ops_size = sizeof(tsr_model_ops), .announced_size = 0,                               \
    .ops = (1 ? (table) : (const tsr_model_ops *)0)

TSR_END_DECLS
#endif
