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
        if (at(text, (text_t){(uint8_t *)spaces[i], len})) {
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

uint32_t text_to_number(text_t text) {
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return 0;
        }
        number = 10 * number + (text.ptr[i] - '0');
        if (number > UINT32_MAX) {
            return 0;
        }
    }
    return (uint32_t)number;
}

text_t text_join(const text_t *parts, size_t count) {
    text_builder_t joined = EMPTY_BUILDER;
    for (size_t i = 0; i < count; i++) {
        text_append(&joined, parts[i]);
    }
    return joined.text;
}

text_t text_number(uint32_t number) {
    enum { DIGITS = 10 };
    uint8_t *digits = call_alloc(DIGITS);
    size_t first = DIGITS;
    do {
        digits[--first] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return (text_t){digits + first, DIGITS - first};
}

void text_append(text_builder_t *builder, text_t piece) {
    if (piece.len == 0) {
        return;
    }
    size_t len = builder->text.len + piece.len;
    if (len > builder->room) {
        builder->room = len > SIZE_MAX / 2 ? len : 2 * len;
        builder->text.ptr = call_realloc(builder->text.ptr, builder->text.len, builder->room);
    }
    memcpy(builder->text.ptr + builder->text.len, piece.ptr, piece.len);
    builder->text.len = len;
}
