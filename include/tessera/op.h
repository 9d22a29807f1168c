/* An operator: one node's arithmetic. The host's own operators are of this type, and a plugin brings a new
   one by filling the same structure and calling tsr_apply. Values are float, a batch of N samples is N x
   shape, contiguous. Operators keep no state outside what they ask for in setup. */
#ifndef TESSERA_OP_H
#define TESSERA_OP_H

#include <tessera/graph.h>
#include <tessera/rng.h>

TSR_BEGIN_DECLS

/* What a parameter is, so that regularizers can be told apart from it. */
typedef enum tsr_role {
    TSR_ROLE_WEIGHT, /* of a linear map */
    TSR_ROLE_BIAS,   /* added */
    TSR_ROLE_SCALE,  /* batch norm's */
    TSR_ROLE_SLOPE,  /* of an activation */
} tsr_role;

typedef enum tsr_init {
    TSR_INIT_CONSTANT,       /* `constant` everywhere */
    TSR_INIT_GLOROT_UNIFORM, /* uniform within sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010) */
    TSR_INIT_HE_NORMAL,      /* normal, of deviation sqrt(2 / fan_in) (He, Zhang, Ren, Sun 2015) */
    TSR_INIT_FAN_UNIFORM,    /* uniform within 1 / sqrt(fan_in), PyTorch's for linear maps and convolutions */
    TSR_INIT_NORMAL,         /* normal, of deviation `constant` */
    TSR_INIT_ORTHOGONAL, /* `constant` times orthonormal rows, of dims[0] x the rest, or columns where these
                            are fewer (Saxe, McClelland, Ganguli 2014) */
    TSR_N_INITS,
} tsr_init;

typedef struct tsr_parameter_spec {
    const char *name; /* "weight"; saved as "<node>.weight" */
    tsr_role role;
    size_t n_dims, dims[TSR_MAX_DIMS]; /* row-major, as PyTorch's modules have them */
    tsr_init init;
    float constant;
    size_t fan_in, fan_out;
} tsr_parameter_spec;

/* What an operator asks for when its node is made. */
typedef struct tsr_setup tsr_setup;

/* The configuration that tsr_apply was given; how many inputs; and the shape of one sample of input i.
   [in-operation] */
TSR_API const void *tsr_setup_config(const tsr_setup *setup);
TSR_API size_t tsr_setup_n_inputs(const tsr_setup *setup);
TSR_API tsr_shape tsr_setup_input(const tsr_setup *setup, size_t i);
/* The name of that input's node, for messages. [in-operation] */
TSR_API const char *tsr_setup_input_name(const tsr_setup *setup, size_t i);
/* The node's shape; must be called. [in-operation] */
TSR_API void tsr_setup_output(tsr_setup *setup, tsr_shape shape);
/* The next trained parameter: pass->parameters[0], [1] ... in the order of these calls. [in-operation] */
TSR_API void tsr_setup_parameter_sized(tsr_setup *setup, const tsr_parameter_spec *spec, size_t size);
static inline void tsr_setup_parameter(tsr_setup *setup, const tsr_parameter_spec *spec)
{
    tsr_setup_parameter_sized(setup, spec, sizeof(*spec));
}
/* The next array that is kept and saved but not trained (running statistics): pass->state[0] ...
   [in-operation] */
TSR_API void tsr_setup_state(tsr_setup *setup, const char *name, size_t n, float initial);
/* A number that the output depends on and that no array holds, such as the epsilon of a normalisation. It is
   saved with the model and, where the config does not give it, read from a model file (model.h). */
typedef struct tsr_constant_spec {
    const char *name;        /* "epsilon"; saved as "<node>.<name>" */
    double value;            /* as the model's build gives it */
    double minimum, maximum; /* closed and finite; what build or a file gives beyond is refused */
    double pytorch;          /* what PyTorch's module has by default: assumed for other programs' files */
    bool training_only;      /* outputs depend on it by what training leaves behind alone */
} tsr_constant_spec;

/* The next constant: pass->constants[0], [1] ... in the order of these calls. [in-operation] */
TSR_API void tsr_setup_constant_sized(tsr_setup *setup, const tsr_constant_spec *spec, size_t size);
static inline void tsr_setup_constant(tsr_setup *setup, const tsr_constant_spec *spec)
{
    tsr_setup_constant_sized(setup, spec, sizeof(*spec));
}
/* Floats that forward leaves for backward: pass->saved, per_sample * N + fixed of them. [in-operation] */
TSR_API void tsr_setup_saved(tsr_setup *setup, size_t per_sample, size_t fixed);
/* Floats that are free to use during one call: pass->scratch, per_sample * N + fixed of them.
   [in-operation] */
TSR_API void tsr_setup_scratch(tsr_setup *setup, size_t per_sample, size_t fixed);
/* Makes the values of input 0 a layer of the neural code that is called like the node: as tsr_tap says.
   [in-operation] */
TSR_API void tsr_setup_code(tsr_setup *setup, size_t n, const float *breakpoints);
/* Refuses the node; sticks to the graph. The node's name comes before the message, and behind it the names
   and shapes of those inputs that it does not have in quotes. [in-operation] */
TSR_API void tsr_setup_fail(tsr_setup *setup, const char *format, ...) TSR_PRINTF(2, 3);

/* One call of forward or backward. Arrays are 64-byte aligned and overlap only where said. */
typedef struct tsr_pass {
    const void *config;
    size_t n;      /* samples in this batch, at least 1 */
    bool training; /* forward only: batch statistics, dropout */
    size_t n_inputs;
    const tsr_shape *shapes;    /* of one sample, per input */
    tsr_shape shape;            /* of one sample of the output */
    const float *const *inputs; /* forward; backward where TSR_OP_READS_INPUTS, else NULL */
    float *output;              /* forward writes; backward reads where TSR_OP_READS_OUTPUT, else NULL */
    float *const *parameters;   /* forward and backward read */
    float *const *state;        /* forward reads, and writes while training */
    float *saved, *scratch;
    const float *output_gradient;      /* backward: of the loss by the output */
    float *const *input_gradients;     /* backward writes each in full, or it is NULL: not wanted */
    float *const *parameter_gradients; /* backward writes each in full */
    tsr_rng rng;                       /* forward: this node's stream for this step */
    const double *constants;           /* forward and backward read; read them here, not in config */
} tsr_pass;

enum {
    TSR_OP_READS_INPUTS = 1 << 0, /* backward reads pass->inputs */
    TSR_OP_READS_OUTPUT = 1 << 1, /* backward reads pass->output */
    TSR_OP_MOVES = 1 << 2,        /* each element of the output is one of an input's as it is, always the same
                                     one, but for training: its course along lines needs no operation */
    TSR_OP_AFFINE = 1 << 3,       /* in inference, the output is an affine function of the inputs: where these are
                                     straight all along a line so is it. `line`, which is to be there, ends no
                                     piece and is called once for a line, at t = 0. `tessera test` tries it */
};

/* Crossings that are nearer to each other than this, times |t| where that is above 1, are one. */
#define TSR_LINE_TIE 1e-12

/* Where n straight lines through the network's input are at this node: each element of an input is value +
   (t' - t) slope while nothing before it changes its piece. */
typedef struct tsr_line_pass {
    const void *config;
    size_t n; /* lines */
    size_t n_inputs;
    const tsr_shape *shapes;                     /* per input */
    tsr_shape shape;                             /* of the output */
    const double *const *values, *const *slopes; /* per input: n x its shape */
    double *value, *slope;                       /* to be written: n x shape */
    const float *const *parameters, *const *state;
    const double *constants;
    const double *t; /* n: where each line is */
    double *next;    /* n: to be lowered to where the operator's piece ends, by tsr_line_meet */
} tsr_line_pass;

/* How near to t a crossing is at it. [any-thread] */
static inline double tsr_line_tie(double t)
{
    return TSR_LINE_TIE * (t > 1 ? t : t < -1 ? -t : 1);
}

/* Whether a value lies above a breakpoint right of t. [any-thread] */
static inline bool tsr_line_above(double t, double value, double slope, double breakpoint)
{
    double above = value - breakpoint, tie = tsr_line_tie(t) * (slope < 0 ? -slope : slope);
    return above > tie || (above >= -tie && slope > 0);
}

/* Lowers *next to where a value meets a breakpoint beyond t, if it does before. [any-thread] */
static inline void tsr_line_meet(double t, double value, double slope, double breakpoint, double *next)
{
    double at = slope < 0 || slope > 0 ? t + (breakpoint - value) / slope : t;
    if (at > t + tsr_line_tie(t) && at < *next)
        *next = at;
}

struct tsr_op {
    size_t size; /* sizeof(tsr_op) where it was built */
    const char *name;
    size_t config_size;
    unsigned flags;
    /* Asks for what the node needs, while the graph is built. [one-thread] */
    void (*setup)(tsr_setup *setup);
    /* They cannot fail. [shares-work] */
    void (*forward)(const tsr_pass *pass);
    void (*backward)(const tsr_pass *pass);

    /* What follows may be NULL. */

    /* Where the breakpoints of tsr_setup_code are now, if they depend on parameters or state: at[b * channels
       + c] for breakpoint b and channel c of input 0. The pass has neither inputs nor output. [any-thread] */
    void (*breakpoints)(const tsr_pass *pass, float *at);

    /* The course along lines, exactly, in double precision, as in inference: for each line the output's value
       and slope on the piece right of t, and where that piece ends (line.h). It writes every element of value
       and slope, and lowers next where need be. A failure, of an activation without straight pieces say, is
       told with the node's name; an operator that has neither this nor the flag TSR_OP_MOVES is refused where
       lines are made. [any-thread] */
    tsr_status *(*line)(const tsr_line_pass *pass);
};

/* An operator with its size filled in: static const tsr_op gain = TSR_OP(.name = "gain", ...); */
#define TSR_OP(...)                                                                                          \
    {                                                                                                        \
        .size = sizeof(tsr_op), __VA_ARGS__                                                                  \
    }

/* --- What forward and backward may use --- */

/* C = A B, or C += A B where `add` is set. A is rows x inner, B inner x columns, C rows x columns, all
   row-major without gaps, and C overlaps neither; A or B may lie transposed. */
typedef struct tsr_matrix_product {
    int rows, columns, inner; /* at least 1 */
    bool transpose_a;         /* A lies as inner x rows */
    bool transpose_b;         /* B lies as columns x inner */
    bool add;
} tsr_matrix_product;

/* Computes it in the calling thread, and with the same bits for the same values, so products of several
   samples can be tasks of tsr_parallel_for. [any-thread] */
TSR_API void tsr_multiply_matrices(tsr_matrix_product product, const float *a, const float *b, float *c);

/* Calls task(context, i) for each i below n, on up to tsr_threads() threads and in any order; returns when
   all are done. With tasks that write to different places, and sum up within one task alone, results do not
   depend on the threads. `floats` is how many floats all of them read and write in all: few are done in the
   calling thread, as waking others would take longer. [shares-work] */
typedef void tsr_task(void *context, size_t i);
TSR_API void tsr_parallel_for(size_t n, size_t floats, tsr_task *task, void *context);

/* A warning on the terminal, printf style, unless this process has given the very text before.
   [any-thread] */
TSR_API void tsr_warn_once(const char *format, ...) TSR_PRINTF(1, 2);

TSR_END_DECLS
#endif
