/* Which values of a graph give bits of the neural code: what operators declare in their setup, and taps. */
#include "base/memory.h"
#include "base/text.h"
#include "nn/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *tsr_code_point_name(const tsr_code_point *point)
{
    return point->reader ? point->reader->name : point->name;
}

static tsr_status *check_breakpoints(size_t n, const float *at)
{
    if (n < 1 || n > TSR_MAX_BREAKPOINTS || !at)
        return tsr_fail(TSR_REFUSED, "a code with %zu breakpoints, expected 1 to %d", at ? n : 0,
                        TSR_MAX_BREAKPOINTS);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(at[i]) || (i && at[i] <= at[i - 1]))
            return tsr_fail(TSR_REFUSED, "breakpoint %zu is %g, expected finite and ascending ones", i,
                            (double)at[i]);
    return NULL;
}

static tsr_status *add(tsr_graph *graph, tsr_code_point point)
{
    tsr_code_point *points =
        reallocarray(graph->code_points, graph->n_code_points + 1, sizeof(*graph->code_points));
    if (!points)
        return tsr_no_memory("the graph");
    graph->code_points = points;
    points[graph->n_code_points++] = point;
    return NULL;
}

tsr_status *tsr_graph_add_code(tsr_graph *graph, tsr_node *values, const tsr_node *reader, char *name,
                               size_t n, const float *breakpoints)
{
    tsr_status *status = check_breakpoints(n, breakpoints);
    float *copy = status ? NULL : tsr_alloc(n, sizeof(float));
    if (copy) {
        memcpy(copy, breakpoints, n * sizeof(float));
        status = add(graph, (tsr_code_point){
                                .values = values, .reader = reader, .name = name, .n = n, .breakpoints = copy });
    } else if (!status)
        status = tsr_no_memory("the graph");
    if (status) {
        free(name);
        free(copy);
    }
    return status;
}

tsr_status *tsr_graph_check_code(const tsr_graph *graph)
{
    for (size_t i = 0; i < graph->n_code_points; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(tsr_code_point_name(&graph->code_points[i]),
                       tsr_code_point_name(&graph->code_points[k])) == 0)
                return tsr_fail(TSR_REFUSED, "two layers of the code are called '%s'",
                                tsr_code_point_name(&graph->code_points[i]));
    return NULL;
}

void tsr_graph_clear_code(tsr_graph *graph)
{
    for (size_t i = 0; i < graph->n_code_points; i++) {
        free(graph->code_points[i].name);
        free(graph->code_points[i].breakpoints);
    }
    free(graph->code_points);
}

tsr_node *tsr_tap(tsr_graph *graph, tsr_node *x, const char *name, size_t n, const float *breakpoints)
{
    if (!graph || graph->failure)
        return tsr_graph_nowhere();
    if (!x)
        tsr_graph_fail(graph, "the node to be tapped is NULL");
    else if (x->graph != graph)
        tsr_graph_fail(graph, "the node to be tapped is of another graph");
    else if (!name || !tsr_name_check(name))
        tsr_graph_fail(graph, "%s: a tap is called '%s', expected letters, digits and _.-", x->name,
                       name ? name : "NULL");
    if (graph->failure)
        return tsr_graph_nowhere();
    char *whole = tsr_format("%s%s", tsr_graph_scope(graph), name);
    tsr_status *status =
        whole ? tsr_graph_add_code(graph, x, NULL, whole, n, breakpoints) : tsr_no_memory("the graph");
    if (status)
        graph->failure = tsr_context(status, "tap '%s'", name);
    x->tapped = true;
    return graph->failure ? tsr_graph_nowhere() : x;
}
