/* What is held back of a stream, as it waits in the request's context. */
#ifndef HELD_H
#define HELD_H

#include "text.h"

struct held {
    text_t text;  /* as it came */
    text_t event; /* JSON of the chunk that sends it, redacted, should nothing follow */
};

/* False: the JSON can't be read, and why. */
bool held_read(struct held *held, text_t json, text_t *why);
text_t held_write(const struct held *held);

/* The JSON of a chunk without the members that a client adds up: they have been sent with the chunk itself. */
bool held_only_text(text_t chunk, text_t *event, text_t *why);

#endif
