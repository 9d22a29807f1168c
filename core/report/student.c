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
