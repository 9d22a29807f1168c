/* Names of functions in files of code. */
#ifndef TSR_BASE_SYMBOL_H
#define TSR_BASE_SYMBOL_H

#include <stdint.h>

/* The function that holds the place `offset` bytes from where the file is loaded, static ones too where the
   file has them; NULL: none is known there. free() it. The file may hold anything. */
char *tsr_symbol_name(const char *file, uint64_t offset);

#endif
