#include "check.h"

static void texts_are_compared_by_their_bytes(void) {
    CHECK(text_equals(TEXT("a\0b"), TEXT("a\0b")));
    CHECK(!text_equals(TEXT("a\0b"), TEXT("a\0c")));
    CHECK(text_equals(TEXT(""), (text_t){NULL, 0}));
    CHECK(text_contains(TEXT("a forbidden word"), TEXT("forbidden")));
    CHECK(!text_contains(TEXT("forbid"), TEXT("forbidden")));
    CHECK(!text_contains((text_t){NULL, 0}, TEXT("forbidden")));
    CHECK(text_starts_with(TEXT("guard/held/0"), TEXT("guard/held/")));
    CHECK(!text_starts_with(TEXT("guard"), TEXT("guard/held/")));
    CHECK(text_ends_with(TEXT("response.done"), TEXT("done")));
    CHECK(!text_ends_with(TEXT("one"), TEXT("done")));
}

static void white_space_is_trimmed_as_unicode_knows_it(void) {
    CHECK_TEXT(text_trim(TEXT(" \t\r\n ping pong \u00a0\u3000")), TEXT("ping pong"));
    CHECK_TEXT(text_trim(TEXT("\u200bping")), TEXT("\u200bping"));
    CHECK_TEXT(text_trim(TEXT(" \u2028 ")), TEXT(""));
    CHECK_TEXT(text_trim(TEXT("")), TEXT(""));
}

static void numbers_are_written_and_read(void) {
    CHECK_TEXT(text_number(0), TEXT("0"));
    CHECK_TEXT(text_number(UINT32_MAX), TEXT("4294967295"));
    CHECK(text_to_number(TEXT("4294967295")) == UINT32_MAX);
    CHECK(text_to_number(TEXT("4294967296")) == 0);
    CHECK(text_to_number(TEXT("99999999999999999999")) == 0);
    CHECK(text_to_number(TEXT("-1")) == 0);
    CHECK(text_to_number(TEXT("\"7\"")) == 0);
}

static void texts_are_joined(void) {
    CHECK_TEXT(JOIN(TEXT("a"), TEXT(""), TEXT("bc")), TEXT("abc"));
    CHECK(JOIN(TEXT(""), TEXT("")).ptr != NULL);
    text_builder_t builder = EMPTY_BUILDER;
    for (int i = 0; i < 1000; i++) {
        text_append(&builder, TEXT("0123456789"));
    }
    CHECK(builder.text.len == 10000 && text_ends_with(builder.text, TEXT("90123456789")));
}

void test_text(void) {
    texts_are_compared_by_their_bytes();
    white_space_is_trimmed_as_unicode_knows_it();
    numbers_are_written_and_read();
    texts_are_joined();
}
