#include "redact.h"

#include "check.h"

#define LIST(...) ((text_list_t){(const text_t[]){__VA_ARGS__}, sizeof((const text_t[]){__VA_ARGS__}) / sizeof(text_t)})

static void a_text_without_a_secret_is_left_alone(void) {
    text_t redacted;
    CHECK(!redact_whole(LIST(TEXT("TOP-SECRET")), TEXT("TOP-SECRE"), &redacted));
}

static void every_secret_of_a_text_is_redacted(void) {
    text_t redacted;
    CHECK(redact_whole(LIST(TEXT("ab"), TEXT("abc"), TEXT("é")), TEXT("abc ab é x"), &redacted));
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
        redact_split_t split = redact_beginning(LIST(TEXT("TOP-SECRET")), cases[i].text);
        CHECK_TEXT(split.ready, cases[i].ready);
        CHECK_TEXT(split.held, cases[i].held);
    }
}

/* Sends the pieces of a text one by one, as a stream does. */
static text_t stream(text_list_t secrets, text_t text, const size_t cuts[2]) {
    const text_t pieces[] = {
        {text.ptr, cuts[0]},
        {text.ptr + cuts[0], cuts[1] - cuts[0]},
        {text.ptr + cuts[1], text.len - cuts[1]},
    };
    text_builder_t sent = EMPTY_BUILDER;
    text_t held = TEXT("");
    for (size_t i = 0; i < 3; i++) {
        redact_split_t split = redact_beginning(secrets, JOIN(held, pieces[i]));
        text_append(&sent, split.ready);
        held = split.held;
    }
    text_append(&sent, redact_end(secrets, held));
    return sent.text;
}

static void a_stream_is_redacted_wherever_it_is_cut(void) {
    text_list_t secrets = LIST(TEXT("TOP-SECRET"), TEXT("TOP-SECRETARY"), TEXT("schlüssel"));
    text_t text = TEXT("TOTOP-SECRET is TOP-SECRETARY, the schlüssel; TOP-");
    for (size_t a = 0; a <= text.len; a++) {
        for (size_t b = a; b <= text.len; b++) {
            CHECK_TEXT(stream(secrets, text, (size_t[2]){a, b}),
                       TEXT("TO[redacted] is [redacted], the [redacted]; TOP-"));
        }
    }
}

void test_redact(void) {
    a_text_without_a_secret_is_left_alone();
    every_secret_of_a_text_is_redacted();
    only_a_tail_that_could_begin_a_secret_is_held();
    a_stream_is_redacted_wherever_it_is_cut();
}
