/* Texts: UTF-8 with a length, no NUL at the end. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ptr is NULL where there is no text, which is not the same as an empty one. */
typedef struct {
    const char *ptr;
    size_t len;
} text_t;

typedef struct {
    const text_t *items;
    size_t len;
} text_list_t;

#define TEXT(literal) ((text_t){literal, sizeof(literal) - 1})

bool text_equals(text_t a, text_t b);
bool text_contains(text_t text, text_t part);
bool text_starts_with(text_t text, text_t start);
bool text_ends_with(text_t text, text_t end);

/* Without the white space at both ends, as Unicode knows it. */
text_t text_trim(text_t text);

/* What these make is memory of the call. */
text_t text_join(const text_t *parts, size_t count);
#define JOIN(...) text_join((const text_t[]){__VA_ARGS__}, sizeof((const text_t[]){__VA_ARGS__}) / sizeof(text_t))
text_t text_number(uint64_t number);
text_t text_base64(text_t bytes);

/* A text that is made piece by piece. Starts as EMPTY_BUILDER. */
typedef struct {
    char *ptr;
    size_t len;
    size_t room;
} text_builder_t;

#define EMPTY_BUILDER ((text_builder_t){NULL, 0, 0})

void text_append(text_builder_t *builder, text_t piece);
text_t text_built(const text_builder_t *builder);

#endif
