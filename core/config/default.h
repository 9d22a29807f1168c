/* Defaults that are structures, as values of a config. */
#ifndef TSR_CONFIG_DEFAULT_H
#define TSR_CONFIG_DEFAULT_H

#include "config/value.h"

#include <tessera/key.h>

/* The group that a structure, filled in C as its declarations `keys` say, would be in a config. What a plugin
   cannot fill, nested plugins, is missing, which is the key's own default. NULL without memory. */
tsr_value *tsr_default_group(const tsr_key *keys, const void *fields);

/* The default of a key for a list of groups. NULL without memory. */
tsr_value *tsr_default_groups(const tsr_key *key);

#endif
