#include "redact.h"

/* True where a secret begins like `rest` and goes on. */
static bool may_begin(text_list_t secrets, text_t rest) {
    for (size_t i = 0; i < secrets.len; i++) {
        if (secrets.items[i].len > rest.len && text_starts_with(secrets.items[i], rest)) {
            return true;
        }
    }
    return false;
}

/* The length of the secret that `rest` begins with: the longest, where one secret begins another. 0: none. */
static size_t longest(text_list_t secrets, text_t rest) {
    size_t len = 0;
    for (size_t i = 0; i < secrets.len; i++) {
        if (secrets.items[i].len > len && text_starts_with(rest, secrets.items[i])) {
            len = secrets.items[i].len;
        }
    }
    return len;
}

/* Goes byte by byte: in UTF-8 no character begins within another, so none is ever cut. */
static redact_split_t scan(const struct redaction *redaction, text_t text, bool goes_on) {
    text_builder_t ready = EMPTY_BUILDER;
    text_t rest = text;
    while (rest.len != 0 && !(goes_on && may_begin(redaction->secrets, rest))) {
        size_t secret = longest(redaction->secrets, rest);
        size_t step = secret != 0 ? secret : 1;
        text_append(&ready, secret != 0 ? redaction->mark : (text_t){rest.ptr, 1});
        rest = (text_t){rest.ptr + step, rest.len - step};
    }
    return (redact_split_t){text_built(&ready), rest};
}

bool redact_whole(const struct redaction *redaction, text_t text, text_t *redacted) {
    for (size_t i = 0; i < redaction->secrets.len; i++) {
        text_t secret = redaction->secrets.items[i];
        if (secret.len != 0 && text_contains(text, secret)) {
            *redacted = redact_end(redaction, text);
            return true;
        }
    }
    return false;
}

redact_split_t redact_beginning(const struct redaction *redaction, text_t text) {
    return scan(redaction, text, true);
}

text_t redact_end(const struct redaction *redaction, text_t text) {
    return scan(redaction, text, false).ready;
}
