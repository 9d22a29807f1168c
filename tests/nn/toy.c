/* XOR as a source of batches. */
#include "toy.h"

static void begin(void *context, size_t epoch)
{
    toy *problem = context;
    problem->epochs_begun++;
    problem->out_of_order |= problem->epochs_begun != epoch; /* Check's own claims would allocate */
}

static size_t next(void *context, size_t epoch, size_t step, float *inputs, int32_t *labels, float *targets)
{
    (void)targets;
    toy *problem = context;
    problem->steps++;
    problem->out_of_order |=
        problem->epochs_begun != epoch || step != (problem->steps - 1) % problem->repeats;
    for (size_t i = 0; i < 4; i++) {
        size_t point = (i + epoch + step) % 4;
        inputs[2 * i] = point & 1 ? 1 : -1;
        inputs[2 * i + 1] = point & 2 ? 1 : -1;
        labels[i] = (point & 1) != (point >> 1);
    }
    if (problem->poison_step && problem->steps >= problem->poison_step)
        inputs[0] = problem->poison;
    return problem->batch ? problem->batch : 4;
}

tsr_batches toy_batches(toy *problem)
{
    return (tsr_batches){ .context = problem, .steps = problem->repeats, .begin_epoch = begin, .next = next };
}

tsr_node *toy_build(void *context, tsr_graph *graph, tsr_node *input, int classes)
{
    (void)context;
    tsr_node *x = tsr_named(graph, tsr_dense(graph, input, 8), "hidden");
    return tsr_named(graph, tsr_dense(graph, tsr_activate(graph, tsr_batch_norm(graph, x)), classes),
                     "output");
}
