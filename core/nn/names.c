/* The names of nodes, by which their parameters are saved: given by the builder or "<operator><number>",
   unique in a graph, and within a scope preceded by the scope's. */
#include "nn/graph.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tsr_name_check(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    return *name && name[strspn(name, allowed)] == '\0';
}

static tsr_node *node_named(const tsr_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n; i++)
        if (strcmp(graph->nodes[i]->name, name) == 0)
            return graph->nodes[i];
    return NULL;
}

const char *tsr_graph_scope(const tsr_graph *graph)
{
    return graph->scope ? graph->scope->prefix : "";
}

/* Numbers are counted among the scope's nodes of that operator and then on to a name that is free. */
char *tsr_graph_default_name(const tsr_graph *graph, const char *operator_name)
{
    const char *scope = tsr_graph_scope(graph);
    size_t number = 0;
    for (size_t i = 1; i < graph->n; i++)
        number += strcmp(graph->nodes[i]->op.name, operator_name) == 0 &&
                  strncmp(graph->nodes[i]->name, scope, strlen(scope)) == 0;
    char *name = tsr_format("%s%s%zu", scope, operator_name, number);
    while (name && node_named(graph, name)) {
        free(name);
        name = tsr_format("%s%s%zu", scope, operator_name, ++number);
    }
    return name;
}

static void set_name(tsr_graph *graph, tsr_node *x, char *name)
{
    const tsr_node *other = node_named(graph, name);
    if (other && other != x) {
        tsr_graph_fail(graph, "%s: cannot be named '%s', another node is", x->name, name);
        free(name);
        return;
    }
    free(x->name);
    x->name = name;
}

tsr_node *tsr_named(tsr_graph *graph, tsr_node *x, const char *format, ...)
{
    if (!graph || graph->failure)
        return tsr_graph_nowhere();
    va_list args;
    va_start(args, format);
    char *name;
    if (vasprintf(&name, format, args) < 0)
        name = NULL;
    va_end(args);
    if (!name)
        tsr_graph_no_memory(graph);
    else if (!x)
        tsr_graph_fail(graph, "the node to be named '%s' is NULL", name);
    else if (x->graph != graph)
        tsr_graph_fail(graph, "the node to be named '%s' is of another graph", name);
    else if (!tsr_name_check(name))
        tsr_graph_fail(graph, "%s: cannot be named '%s', expected letters, digits and _.-", x->name, name);
    else {
        char *whole = tsr_format("%s%s", tsr_graph_scope(graph), name);
        if (whole)
            set_name(graph, x, whole);
        else
            tsr_graph_no_memory(graph);
    }
    free(name);
    return graph->failure ? tsr_graph_nowhere() : x;
}

void tsr_scope(tsr_graph *graph, const char *format, ...)
{
    if (!graph || graph->failure)
        return;
    va_list args;
    va_start(args, format);
    char *name;
    if (vasprintf(&name, format, args) < 0)
        name = NULL;
    va_end(args);
    const char *outer = tsr_graph_scope(graph);
    size_t size = name ? strlen(outer) + strlen(name) + 2 : 0; /* both lie in memory */
    tsr_name_scope *scope = name ? malloc(sizeof(*scope) + size) : NULL;
    if (!scope)
        tsr_graph_no_memory(graph);
    else if (!tsr_name_check(name))
        tsr_graph_fail(graph, "a scope is named '%s', expected letters, digits and _.-", name);
    if (graph->failure) {
        free(scope);
        free(name);
        return;
    }
    snprintf(scope->prefix, size, "%s%s.", outer, name);
    free(name);
    scope->outer = graph->scope;
    graph->scope = scope;
}

void tsr_graph_leave_scope(tsr_graph *graph)
{
    tsr_name_scope *scope = graph->scope;
    graph->scope = scope->outer;
    free(scope);
}

void tsr_scope_end(tsr_graph *graph)
{
    if (!graph || graph->failure)
        return;
    if (graph->scope)
        tsr_graph_leave_scope(graph);
    else
        tsr_graph_fail(graph, "a scope of names is ended that was not begun");
}
