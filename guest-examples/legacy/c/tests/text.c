#include "check.h"

static void texts_are_compared_by_their_bytes(void) {
    CHECK(text_equals(TEXT("a\0b"), TEXT("a\0b")));
    CHECK(!text_equals(TEXT("a\0b"), TEXT("a\0c")));
    CHECK(text_equals(TEXT(""), (text_t){NULL, 0}));
    CHECK(text_contains(TEXT("a forbidden word"), TEXT("forbidden")));
    CHECK(!text_contains((text_t){NULL, 0}, TEXT("forbidden")));
    CHECK(text_starts_with(TEXT("c/held/0"), TEXT("c/held/")));
    CHECK(!text_ends_with(TEXT("one"), TEXT("done")));
}

static void white_space_is_trimmed_as_unicode_knows_it(void) {
    CHECK_TEXT(text_trim(TEXT(" \t\r\n ping pong \u00a0\u3000")), TEXT("ping pong"));
    CHECK_TEXT(text_trim(TEXT("\u200bping")), TEXT("\u200bping"));
    CHECK_TEXT(text_trim(TEXT(" \u2028 ")), TEXT(""));
}

static void numbers_are_written(void) {
    CHECK_TEXT(text_number(0), TEXT("0"));
    CHECK_TEXT(text_number(UINT64_MAX), TEXT("18446744073709551615"));
}

static void texts_are_joined(void) {
    CHECK_TEXT(JOIN(TEXT("a"), TEXT(""), TEXT("bc")), TEXT("abc"));
    CHECK(JOIN(TEXT(""), TEXT("")).ptr != NULL);
}

static void base64_is_padded(void) {
    CHECK_TEXT(text_base64(TEXT("")), TEXT(""));
    CHECK_TEXT(text_base64(TEXT("f")), TEXT("Zg=="));
    CHECK_TEXT(text_base64(TEXT("fo")), TEXT("Zm8="));
    CHECK_TEXT(text_base64(TEXT("foo")), TEXT("Zm9v"));
    CHECK_TEXT(text_base64(TEXT("\xff\xfe\xfd\0")), TEXT("//79AA=="));
}

void test_text(void) {
    texts_are_compared_by_their_bytes();
    white_space_is_trimmed_as_unicode_knows_it();
    numbers_are_written();
    texts_are_joined();
    base64_is_padded();
}
