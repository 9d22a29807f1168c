/* Values as text: as a config that reads back as the same values, and in short for people. */
#ifndef TSR_CONFIG_PRINT_H
#define TSR_CONFIG_PRINT_H

#include "base/text.h"
#include "config/value.h"

/* Appends a group's members as the lines of a config. Reading them gives the same group. */
void tsr_print_config(const tsr_value *group, tsr_text *out);

/* A value on one line, as it would stand behind "=". NULL is printed as null. */
void tsr_print_value(const tsr_value *value, tsr_text *out);

/* The member that names the group's plugin, by "plugin" or by a kind's own key for it; NULL: none does. */
const tsr_value *tsr_print_naming(const tsr_value *group);

/* A value for tables and headings, as short as it can be: "name", "name(slope=0.1)", "name(weight=0.001) +
   other", "none". */
void tsr_print_label(const tsr_value *value, tsr_text *out);

/* What stands at a value, for messages: a scalar as in a config, "{ ... }", "[ ... ]" or "[ ]". */
void tsr_print_outline(const tsr_value *value, tsr_text *out);

#endif
