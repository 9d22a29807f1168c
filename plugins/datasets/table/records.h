/* The records of a CSV or TSV file, one after the other, as RFC 4180 has them. */
#ifndef TESSERA_DATASETS_TABLE_RECORDS_H
#define TESSERA_DATASETS_TABLE_RECORDS_H

#include "../text_file.h"

/* A value, without the blanks around it and, if it was quoted, without its quotes. */
typedef struct table_field {
    const char *chars;
    size_t length;
    const char *place; /* in the file, for messages */
} table_field;

/* Zero it, set file, delimiter and at. */
typedef struct record_reader {
    const text_file *file;
    char delimiter;
    const char *at; /* where the next record begins */
    table_field *fields;
    size_t n_fields, capacity;
    char *unquoted; /* values whose doubled quotes were made single */
    size_t unquoted_capacity;
} record_reader;

/* Reads the next record into fields, which live until the next call; *got is false at the end. Lines of
   blanks alone are passed over. Refused, with the line: a quote that is not closed, or where none may be; a
   carriage return that ends no line. */
TSR_MUST_CHECK tsr_status *record_next(record_reader *reader, bool *got);
void record_reader_clear(record_reader *reader);

#endif
