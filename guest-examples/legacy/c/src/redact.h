/* Finds secrets in texts and in streams of texts. */
#ifndef REDACT_H
#define REDACT_H

#include "text.h"

/* What to look for, and what stands in its place. */
struct redaction {
    text_list_t secrets;
    text_t mark;
};

/* What of a text can be sent now, and what could be the beginning of a secret. */
typedef struct {
    text_t ready;
    text_t held;
} redact_split_t;

/* Redacts a whole text. False: there is no secret in it. */
bool redact_whole(const struct redaction *redaction, text_t text, text_t *redacted);

/* Redacts a text that goes on: holds back the longest tail that could begin a secret. */
redact_split_t redact_beginning(const struct redaction *redaction, text_t text);

/* Redacts what is left of a text once it is known to be at its end. */
text_t redact_end(const struct redaction *redaction, text_t text);

#endif
