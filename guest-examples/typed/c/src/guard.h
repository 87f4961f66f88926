/* What the hooks share. */
#ifndef GUARD_H
#define GUARD_H

#include "config.h"

/* Set once per instance, by init. What belongs to a request goes to its context, since the next hook may run in another
 * instance. */
const struct config *guard_config(void);

/* Writes a line with one field; no name: without a field. */
void guard_log(logging_level_t level, text_t message, text_t name, text_t value);

/* Errors of the plugin's own. They return false, as a hook does that fails. */
bool guard_fails_other(types_plugin_error_t *error, text_t why);
bool guard_fails_invalid_json(types_plugin_error_t *error, text_t why);

#endif
