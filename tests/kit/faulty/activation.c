/* An activation: x, or 2 x above 0, with a learned part; faults by name. */
#include "faulty.h"

enum { GRADIENT = OWN, LEARNED, ALIASES, HIDES, DESCENDS, NEIGHBOURS, BEFORE, BEHIND, SIGN, JUMPS, PIECES };
FAULTS("gradient", "learned", "aliases", "hides", "descends", "neighbours", "before", "behind", "sign",
       "jumps", "pieces");

static float slope(float x)
{
    return x > 0 ? 2 : 1;
}

static void forward(const void *self, const tsr_units *u, float *y)
{
    const faulty *f = self;
    float extra = (float)begin(f);
    for (size_t i = 0; i < u->samples * u->channels * u->positions; i++) {
        float learned = u->learned[i / u->positions % u->channels];
        y[i] = learned * slope(u->x[i]) * u->x[i] + extra;
        if (f->fault == HIDES && isnan(u->x[i]))
            y[i] = 0;
        if (f->fault == NEIGHBOURS && i)
            y[i] += u->x[i - 1];
        if (f->fault == JUMPS && u->x[i] > -1)
            y[i] += 5; /* at a breakpoint */
    }
    if (f->fault == BEHIND)
        y[u->samples * u->channels * u->positions] = 0;
}

static void backward(const void *self, const tsr_units *u, const float *dy, float *dx, float *d_learned)
{
    const faulty *f = self;
    for (size_t c = 0; c < u->channels; c++)
        d_learned[c] = 0;
    for (size_t i = 0; i < u->samples * u->channels * u->positions; i++) {
        size_t c = i / u->positions % u->channels;
        float given = dy[i], factor = f->fault == GRADIENT ? 1.5f : 1;
        if (f->fault != LEARNED)
            d_learned[c] += given * slope(u->x[i]) * u->x[i];
        dx[i] = 0;
        if (f->fault == ALIASES)
            given = dy[i]; /* too late where it is dx */
        dx[i] = given * factor * u->learned[c] * slope(u->x[i]);
    }
    if (f->fault == BEFORE)
        dx[-1] = 0;
    if (f->fault == SIGN)
        dx[0] = -dx[0];
}

static size_t breakpoints(const void *self, size_t capacity, float *at)
{
    const faulty *f = self;
    static const float sound[] = { -1, 0 }, wrong[] = { 0, -1 };
    for (size_t i = 0; i < capacity && i < 2; i++)
        at[i] = f->fault == DESCENDS ? wrong[i] : sound[i];
    return 2;
}

static void piece(const void *self, double learned, size_t number, double *inclination, double *offset)
{
    const faulty *f = self;
    *inclination = learned * (number == 2 || f->fault == PIECES ? 2 : 1);
    *offset = f->fault == JUMPS && number > 0 ? 5 : 0;
}

static double initial(const void *self)
{
    (void)self;
    return 1;
}

static const tsr_activation_ops ops = { forward, backward, "weight", initial, breakpoints, NULL, piece };
FAULTY(TSR_ACTIVATION_PLUGIN(&ops))
