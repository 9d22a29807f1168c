/* The exact course of a network along straight lines x + t u through its inputs, in double precision. Between
   two crossings, where some unit passes a breakpoint or another value of a max pool becomes the largest,
   every value of a network of piecewise linear operators is linear in t. */
#ifndef TESSERA_LINE_H
#define TESSERA_LINE_H

#include <tessera/network.h>

TSR_BEGIN_DECLS

/* n lines and a place on each. Several of one network may be used at the same time while nobody trains it,
   but are made one after the other. The network must outlive them; they see its parameters as they are when
   they move. */
typedef struct tsr_lines tsr_lines;

/* Lines through n origins, n x shape, inputs as the dataset gives them, along n directions of the same shape,
   each at t = 0. A network with an operator or activation that has no straight pieces is refused by its name.
   Fails without memory: up to three doubles for each value of the network and line, see tsr_lines_bytes. The caller
   frees. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_lines_new(tsr_network *network, size_t n, const double *origins,
                                                 const double *directions, tsr_lines **out);
/* The same lines, followed to the values of a layer of the code and no further, for less: what ends a piece at
   these or behind them is not seen. `layer` is below tsr_network_n_layers. Values and slopes of layers behind it and
   of logits are NULL, and the code is refused. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_lines_new_to_layer(tsr_network *network, size_t layer, size_t n,
                                                          const double *origins, const double *directions,
                                                          tsr_lines **out);
/* NULL is allowed. [one-thread] */
TSR_API void tsr_lines_free(tsr_lines *lines);

/* Bytes that a line through all of the network takes at most, for callers that follow many of them block by block.
   [any-thread] */
TSR_API size_t tsr_lines_bytes(const tsr_network *network);

/* Moves line i to t[i], finite, and onto the piece that lies right of it: at a crossing, the next one. A
   crossing nearer than TSR_LINE_TIE max(1, |t|) is at t; one that was found from far away is off by the
   rounding of that distance, so long ways are better gone in steps below 1,000. One call costs about two
   forward passes in double of what lies behind the first activations; what lies before them is computed once.
   [one-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_lines_move(tsr_lines *lines, const double *t);

/* Turns every line round: its direction becomes the opposite, and t becomes -t, the same place, on the piece
   that then lies ahead. [one-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_lines_turn(tsr_lines *lines);

/* Of each line: the least t beyond its own where any piece of the network ends, of lines to a layer any before it;
   INFINITY where none does. n values, the lines', which the next move or turn overwrites, as all that follow. To go
   left, turn. [any-thread] */
TSR_API const double *tsr_lines_next(const tsr_lines *lines);

/* The values that a layer of the code is of, where the lines are, and their slopes by t: n x units x
   positions each (tsr_network_layer). [any-thread] */
TSR_API const double *tsr_lines_values(const tsr_lines *lines, size_t layer);
TSR_API const double *tsr_lines_slopes(const tsr_lines *lines, size_t layer);

/* The same of the logits: n x tsr_network_outputs. [any-thread] */
TSR_API const double *tsr_lines_logits(const tsr_lines *lines);
TSR_API const double *tsr_lines_logit_slopes(const tsr_lines *lines);

/* The whole code of the pieces that the lines are on: n rows, as tsr_network_encode gives them. The caller
   frees. [any-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_lines_encode(const tsr_lines *lines, tsr_codes **out);

TSR_END_DECLS
#endif
