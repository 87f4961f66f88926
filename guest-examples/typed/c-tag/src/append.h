/* What the plugin does to a message. */
#ifndef APPEND_H
#define APPEND_H

#include "text.h"

/* Appends ` [tag:…]` to the last text of a message's content. False: it has none. */
bool append_tag(llm_types_content_t *content, text_t tag);

#endif
