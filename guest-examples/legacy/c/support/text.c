#include "text.h"

#include <string.h>

#include "memory.h"

bool text_equals(text_t a, text_t b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool text_contains(text_t text, text_t part) {
    return part.len == 0 || (text.len != 0 && memmem(text.ptr, text.len, part.ptr, part.len) != NULL);
}

bool text_starts_with(text_t text, text_t start) {
    return start.len <= text.len && text_equals((text_t){text.ptr, start.len}, start);
}

bool text_ends_with(text_t text, text_t end) {
    return end.len <= text.len && text_equals((text_t){text.ptr + (text.len - end.len), end.len}, end);
}

/* The bytes of the white space character at one end of a text; 0: there is none. */
static size_t space(text_t text, bool (*at)(text_t, text_t)) {
    static const char *const spaces[] = {
        " ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\xc2\x85", "\u00a0", "\u1680",
        "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",   "\u2007", "\u2008",
        "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000",
    };
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        size_t len = strlen(spaces[i]);
        if (at(text, (text_t){spaces[i], len})) {
            return len;
        }
    }
    return 0;
}

text_t text_trim(text_t text) {
    size_t len;
    while ((len = space(text, text_starts_with)) != 0) {
        text = (text_t){text.ptr + len, text.len - len};
    }
    while ((len = space(text, text_ends_with)) != 0) {
        text.len -= len;
    }
    return text;
}

text_t text_join(const text_t *parts, size_t count) {
    text_builder_t joined = EMPTY_BUILDER;
    for (size_t i = 0; i < count; i++) {
        text_append(&joined, parts[i]);
    }
    return text_built(&joined);
}

text_t text_number(uint64_t number) {
    enum { DIGITS = 20 };
    char *digits = call_alloc(DIGITS);
    size_t first = DIGITS;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return (text_t){digits + first, DIGITS - first};
}

text_t text_base64(text_t bytes) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = (bytes.len + 2) / 3 * 4;
    char *encoded = call_alloc(len);
    for (size_t from = 0, to = 0; to < len; from += 3, to += 4) {
        size_t left = bytes.len - from;
        uint32_t group = (uint32_t)(uint8_t)bytes.ptr[from] << 16;
        group |= left > 1 ? (uint32_t)(uint8_t)bytes.ptr[from + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(uint8_t)bytes.ptr[from + 2] : 0;
        encoded[to] = alphabet[group >> 18];
        encoded[to + 1] = alphabet[group >> 12 & 63];
        encoded[to + 2] = left > 1 ? alphabet[group >> 6 & 63] : '=';
        encoded[to + 3] = left > 2 ? alphabet[group & 63] : '=';
    }
    return (text_t){encoded, len};
}

void text_append(text_builder_t *builder, text_t piece) {
    if (piece.len == 0) {
        return;
    }
    size_t len = builder->len + piece.len;
    if (len > builder->room) {
        builder->room = len > SIZE_MAX / 2 ? len : 2 * len;
        builder->ptr = call_realloc(builder->ptr, builder->len, builder->room);
    }
    memcpy(builder->ptr + builder->len, piece.ptr, piece.len);
    builder->len = len;
}

text_t text_built(const text_builder_t *builder) {
    return builder->ptr == NULL ? TEXT("") : (text_t){builder->ptr, builder->len};
}
