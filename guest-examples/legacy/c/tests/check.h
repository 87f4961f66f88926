/* Tests: each file has one function, which main.c calls. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

#include "text.h"

extern int failures;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

#define CHECK_TEXT(actual, expected)                                                                                   \
    do {                                                                                                               \
        text_t text_ = (actual);                                                                                       \
        if (!text_equals(text_, (expected))) {                                                                         \
            fprintf(stderr, "%s:%d: %s is \"%.*s\"\n", __FILE__, __LINE__, #actual, (int)text_.len, text_.ptr);        \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

void test_config(void);
void test_hooks(void);
void test_memory(void);
void test_redact(void);
void test_stream(void);
void test_text(void);

#endif
