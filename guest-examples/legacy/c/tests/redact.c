#include "redact.h"

#include "check.h"

#define SECRETS(...)                                                                                                   \
    (&(struct redaction){{(const text_t[]){__VA_ARGS__}, sizeof((const text_t[]){__VA_ARGS__}) / sizeof(text_t)},      \
                         TEXT("[redacted]")})

static void a_text_without_a_secret_is_left_alone(void) {
    text_t redacted;
    CHECK(!redact_whole(SECRETS(TEXT("TOP-SECRET")), TEXT("TOP-SECRE"), &redacted));
    CHECK(!redact_whole(SECRETS(TEXT("")), TEXT("TOP-SECRE"), &redacted));
}

static void every_secret_of_a_text_is_redacted(void) {
    text_t redacted;
    CHECK(redact_whole(SECRETS(TEXT("ab"), TEXT("abc"), TEXT("é")), TEXT("abc ab é x"), &redacted));
    CHECK_TEXT(redacted, TEXT("[redacted] [redacted] [redacted] x"));
}

static void only_a_tail_that_could_begin_a_secret_is_held(void) {
    static const struct {
        text_t text;
        text_t ready;
        text_t held;
    } cases[] = {
        {TEXT("plain"), TEXT("plain"), TEXT("")},
        {TEXT("a TOP"), TEXT("a "), TEXT("TOP")},
        {TEXT("TOP-SECRET"), TEXT("[redacted]"), TEXT("")},
        {TEXT("T TO"), TEXT("T "), TEXT("TO")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        redact_split_t split = redact_beginning(SECRETS(TEXT("TOP-SECRET")), cases[i].text);
        CHECK_TEXT(split.ready, cases[i].ready);
        CHECK_TEXT(split.held, cases[i].held);
    }
}

void test_redact(void) {
    a_text_without_a_secret_is_left_alone();
    every_secret_of_a_text_is_redacted();
    only_a_tail_that_could_begin_a_secret_is_held();
}
