#include "held.h"

#include "check.h"

static void what_was_written_is_read(void) {
    struct held before = {.text = TEXT("TO\0P \"é"), .event = TEXT("{\"a\":1}")};
    struct held after;
    text_t why;
    CHECK(held_read(&after, held_write(&before), &why));
    CHECK_TEXT(after.text, before.text);
    CHECK_TEXT(after.event, before.event);
}

static void what_somebody_else_wrote_is_an_error(void) {
    struct held held;
    text_t why;
    CHECK(!held_read(&held, TEXT("{\"text\":7,\"event\":\"\"}"), &why));
    CHECK_TEXT(why, TEXT("`text` or `event` is no string"));
    CHECK(!held_read(&held, TEXT("7"), &why));
    CHECK(!held_read(&held, TEXT(""), &why));
}

static void check_event(text_t chunk, text_t expected) {
    text_t event, why;
    CHECK(held_only_text(chunk, &event, &why));
    CHECK_TEXT(event, expected);
}

static void an_event_that_is_held_has_nothing_that_adds_up(void) {
    check_event(TEXT("{\"id\":12345678901234567890123,\"choices\":[{\"index\":0,\"logprobs\":{},"
                     "\"delta\":{\"role\":\"assistant\",\"content\":\"TOP\",\"tool_calls\":[]}}],\"usage\":{}}"),
                TEXT("{\"id\":12345678901234567890123,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"TOP\"}}]}"));
    check_event(TEXT("{\"type\":\"response.output_text.delta\",\"delta\":\"TOP\"}"),
                TEXT("{\"type\":\"response.output_text.delta\",\"delta\":\"TOP\"}"));
    check_event(TEXT("{\"choices\":[7,{\"delta\":null}]}"), TEXT("{\"choices\":[7,{\"delta\":null}]}"));
}

void test_held(void) {
    what_was_written_is_read();
    what_somebody_else_wrote_is_an_error();
    an_event_that_is_held_has_nothing_that_adds_up();
}
