/* Standard output, which belongs to what the user asked for: what plugins print goes to stderr meanwhile. */
#ifndef TSR_BASE_OUTPUT_H
#define TSR_BASE_OUTPUT_H

/* From here on what is printed to stdout goes to stderr, until tsr_output_restore. Neither nests; one
   thread. Where the system refuses, stdout stays as it is. */
void tsr_output_divert(void);
void tsr_output_restore(void);

#endif
