/* Student's t distribution, for intervals of means. */
#ifndef TSR_REPORT_STUDENT_H
#define TSR_REPORT_STUDENT_H

#include <stddef.h>

/* The t within which +-t holds a fraction `confidence` (0 to 1, exclusive) of the distribution with `freedom`
   degrees of freedom (at least 1): 4.303 for 0.95 and 2. */
double tsr_student_t(double confidence, size_t freedom);

/* The same for any degrees of freedom from 1 on, as Welch's intervals have them. */
double tsr_student_t_real(double confidence, double freedom);

#endif
