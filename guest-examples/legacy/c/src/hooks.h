/* The hooks, from JSON to JSON. What they return is memory of the call. */
#ifndef HOOKS_H
#define HOOKS_H

#include "text.h"

/* False: the configuration can't be used. */
bool configure(text_t config);

text_t http_pre_hook(text_t input);
text_t pre_hook(text_t input);
text_t post_hook(text_t input);
text_t http_post_hook(text_t input);
text_t http_stream_chunk_hook(text_t input);

#endif
