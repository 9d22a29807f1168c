/* An activation: a scalar function applied to every unit, whose pieces give the neural code's bits. */
#ifndef TESSERA_ACTIVATION_H
#define TESSERA_ACTIVATION_H

#include <tessera/graph.h>
#include <tessera/plugin.h>

TSR_BEGIN_DECLS

/* Pre-activations of a batch: samples x channels x positions, contiguous. A dense layer has one position
   and as many channels as units. */
typedef struct tsr_units {
    size_t samples, channels, positions;
    const float *x;
    const float *learned; /* `channels` values where the activation learns, else NULL */
} tsr_units;

typedef struct tsr_activation_ops {
    /* y = f(x), of x's size. Never in place. [any-thread] */
    void (*forward)(const void *self, const tsr_units *units, float *y);

    /* dx = dy f'(x), of x's size; where the activation learns, d_learned[channel] = the sum over samples
       and positions of dy df/dlearned. dx may be dy itself. At a kink any one-sided derivative will do.
       A batch may come in parts, whose d_learned the host adds up. [any-thread] */
    void (*backward)(const void *self, const tsr_units *units, const float *dy, float *dx, float *d_learned);

    /* A learned parameter per channel, or NULL: the name it is saved under ("weight"). */
    const char *learned_name;
    /* Its initial value; NULL: 0. [one-thread] */
    double (*learned_initial)(const void *self);

    /* Where the function's pieces meet, finite and ascending, at most `capacity` of them written to `at`;
       returns how many there are, at most TSR_MAX_BREAKPOINTS. A unit gives one code bit per breakpoint,
       x > breakpoint, all units for the first breakpoint, then all for the second. A smooth function says
       here where it is cut all the same, or returns 0: it gives no bits. NULL: one, at 0. [any-thread] */
    size_t (*breakpoints)(const void *self, size_t capacity, float *at);

    /* The same where they depend on what is learned: at[b * channels + c] for each of the breakpoints, of
       which `breakpoints` gives the number and the places before training, and each channel. NULL: they do
       not. [any-thread] */
    void (*learned_breakpoints)(const void *self, size_t channels, const float *learned, float *at);

    /* The piece above the first `piece` breakpoints as it is exactly: f(x) = slope x + offset. `learned` is
       the channel's, 0 where nothing is. NULL: the function has no straight pieces, and what asks for the
       exact course along a line (line.h) is refused. [any-thread] */
    void (*piece)(const void *self, double learned, size_t piece, double *slope, double *offset);
} tsr_activation_ops;

#define TSR_ACTIVATION_PLUGIN(table)                                                                         \
    .kind = TSR_ACTIVATION, .ops_size = sizeof(tsr_activation_ops), .announced_size = 0,                     \
    .ops = (1 ? (table) : (const tsr_activation_ops *)0)

TSR_END_DECLS
#endif
