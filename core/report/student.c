/* Student's t distribution. Where the degrees of freedom are whole numbers, the part between -t and t is a
   finite sum (Abramowitz and Stegun, 26.7.3 and 26.7.4); it grows with t, and bisection inverts it. */
#include "report/student.h"

#include <math.h>
#include <stdbool.h>

/* More than this, and the normal distribution's 1.96 is as near as six digits show; the sum ends there. */
#define MAX_FREEDOM 1000000

static double part_within(double t, size_t freedom)
{
    double angle = atan(t / sqrt((double)freedom)), cosine = cos(angle), square = cosine * cosine;
    bool odd = freedom % 2 == 1;
    double term = odd ? cosine : 1, sum = 0;
    for (size_t k = odd ? 1 : 0; k + 2 <= freedom && term > 1e-18; k += 2) {
        sum += term;
        term *= square * (double)(k + 1) / (double)(k + 2);
    }
    sum *= sin(angle);
    return odd ? 2 / M_PI * (angle + sum) : sum;
}

double tsr_student_t(double confidence, size_t freedom)
{
    if (freedom > MAX_FREEDOM)
        freedom = MAX_FREEDOM;
    double low = 0, high = 1;
    while (part_within(high, freedom) < confidence && high < 1e300)
        high *= 2;
    double middle = low + (high - low) / 2;
    for (; middle > low && middle < high; middle = low + (high - low) / 2) {
        if (part_within(middle, freedom) < confidence)
            low = middle;
        else
            high = middle;
    }
    return middle;
}

/* The regularised incomplete beta function by its continued fraction, which converges fast where x is below
   (a + 1) / (a + b + 2) (DLMF 8.17.22, by Lentz's method). */
static double beta_fraction(double x, double a, double b)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1), whole;
    d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
    whole = d;
    for (int m = 1; m < 10000; m++) {
        const double terms[] = { m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                                 -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)) };
        double before = whole;
        for (int i = 0; i < 2; i++) {
            d = 1 + terms[i] * d;
            c = 1 + terms[i] / c;
            d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
            c = fabs(c) < 1e-300 ? 1e-300 : c;
            whole *= c * d;
        }
        if (fabs(whole - before) <= 1e-16 * fabs(whole))
            break;
    }
    return exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a * whole;
}

static double part_within_real(double t, double freedom)
{
    double a = freedom / 2, x = freedom / (freedom + t * t);
    if (x < (a + 1) / (a + 2.5))
        return 1 - beta_fraction(x, a, 0.5);
    return beta_fraction(t * t / (freedom + t * t), 0.5, a);
}

double tsr_student_t_real(double confidence, double freedom)
{
    if (!(freedom < MAX_FREEDOM) || freedom == floor(freedom))
        return tsr_student_t(confidence, freedom < MAX_FREEDOM ? (size_t)freedom : MAX_FREEDOM);
    /* Between those of the whole numbers around it. */
    double low = tsr_student_t(confidence, (size_t)freedom + 1),
           high = freedom > 1 ? tsr_student_t(confidence, (size_t)freedom) : 1e6 * low;
    for (int i = 0; i < 200 && high - low > 1e-14 * high; i++) {
        double middle = low + (high - low) / 2;
        if (part_within_real(middle, freedom) < confidence)
            low = middle;
        else
            high = middle;
    }
    return low + (high - low) / 2;
}
