#include "hooks.h"

#include "check.h"
#include "memory.h"

/* JSON in C, with quotation marks as they are. */
#define JSON(...) TEXT(#__VA_ARGS__)

/* A piece of JSON is in the output. */
#define CHECK_HAS(output, piece)                                                                                       \
    do {                                                                                                               \
        text_t output_ = (output);                                                                                     \
        if (!text_contains(output_, (piece))) {                                                                        \
            fprintf(stderr, "%s:%d: %.*s\n", __FILE__, __LINE__, (int)output_.len, output_.ptr);                       \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

static void a_closed_path_is_answered(void) {
    CHECK(configure(JSON({"closed_paths" : ["/v1/files"]})));
    text_t output = http_pre_hook(JSON({"request" : {"path" : "/v1/files", "headers" : {}}}));
    CHECK_HAS(output, TEXT("\"response\":{\"status_code\":403,\"headers\":{\"content-type\":\"application/json\","
                           "\"x-legacy\":\"c\"},\"body\":\"eyJlcnJvciI6eyJtZXNzYWdlIjoiYzog"));
    CHECK_HAS(output, TEXT("\"has_response\":true"));
    CHECK_HAS(output, TEXT("\"context\":{}"));
}

static void a_request_gets_a_header_and_its_path_is_noted(void) {
    CHECK(configure(JSON({"header" : "h"})));
    text_t output = http_pre_hook(JSON({"context" : {"a" : 1}, "request" : {"path" : "/v1/x", "body" : "Zg=="}}));
    CHECK_TEXT(output, TEXT("{\"context\":{\"a\":1,\"c/path\":\"/v1/x\"},\"request\":{\"path\":\"/v1/x\","
                            "\"body\":\"Zg==\",\"headers\":{\"x-legacy-request\":\"h\"}},"
                            "\"response\":null,\"has_response\":false,\"error\":\"\"}"));
}

static void a_banned_word_is_a_short_circuit(void) {
    CHECK(configure(TEXT("")));
    text_t output = pre_hook(
        JSON({"request" : {"input" : [ {"content" : [ {"type" : "text", "text" : "a forbidden-word"} ]}, {} ]}}));
    CHECK_HAS(output, TEXT("\"has_short_circuit\":true"));
    CHECK_HAS(output, TEXT("\"code\":\"banned_word\",\"message\":\"c: the request holds a banned word\""));
    CHECK_HAS(output, TEXT("\"allow_fallbacks\":false"));
    CHECK_HAS(output, TEXT("\"context\":{}"));
}

static void a_conversation_begins_with_the_system_message(void) {
    CHECK(configure(TEXT("")));
    text_t output = pre_hook(JSON({"request" : {"input" : [ {"role" : "user", "content" : "hi"} ]}}));
    CHECK_TEXT(output, TEXT("{\"context\":{\"c/messages\":1},\"request\":{\"input\":["
                            "{\"role\":\"system\",\"content\":\"Rule of c: be kind.\"},"
                            "{\"role\":\"user\",\"content\":\"hi\"}]},"
                            "\"has_short_circuit\":false,\"short_circuit\":null,\"error\":\"\"}"));
}

static void a_text_to_be_embedded_gets_neither_system_message_nor_answer(void) {
    CHECK(configure(JSON({"answers" : {"hi" : "there"}})));
    text_t output = pre_hook(JSON(
        {"context" : {"c/path" : "/v1/embeddings"}, "request" : {"input" : [ {"role" : "user", "content" : "hi"} ]}}));
    CHECK_HAS(output, TEXT("\"input\":[{\"role\":\"user\",\"content\":\"hi\"}]"));
    CHECK_HAS(output, TEXT("\"has_short_circuit\":false"));
}

static void the_guard_answers_what_it_knows(void) {
    CHECK(configure(JSON({"answers" : {"ping" : "pong"}})));
    text_t output = pre_hook(JSON({"request" : {"model" : "m", "input" : [ {"content" : " ping "} ]}}));
    CHECK_HAS(output, TEXT("\"short_circuit\":{\"response\":{\"chat_response\":{\"id\":\"\",\"model\":\"m\","
                           "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"pong\"},"
                           "\"finish_reason\":\"stop\"}]}}}"));
    output = pre_hook(JSON({"request" : {"input" : [ {"content" : "constructor"} ]}}));
    CHECK_HAS(output, TEXT("\"short_circuit\":null"));
}

static void another_model_is_asked(void) {
    CHECK(configure(JSON({"models" : {"m" : "up/small/er", "n" : "o"}})));
    text_t output = pre_hook(JSON({"request" : {"provider" : "p", "model" : "m", "input" : []}}));
    CHECK_HAS(output, TEXT("\"provider\":\"up\",\"model\":\"small/er\""));
    output = pre_hook(JSON({"request" : {"provider" : "p", "model" : "n", "input" : []}}));
    CHECK_HAS(output, TEXT("\"provider\":\"p\",\"model\":\"o\""));
}

static void secrets_are_redacted_in_every_choice_of_an_answer(void) {
    CHECK(configure(TEXT("")));
    text_t output = post_hook(JSON({
        "response" : {
            "chat_response" : {
                "choices" : [
                    {"index" : 0, "message" : {"content" : "a TOP-SECRET"}},
                    {"index" : 1, "message" : {"content" : [ {"type" : "text", "text" : "TOP-SECRET b"} ]}}
                ]
            }
        }
    }));
    CHECK_HAS(output, TEXT("\"content\":\"a [c redacted]\""));
    CHECK_HAS(output, TEXT("\"text\":\"[c redacted] b\""));
    CHECK_HAS(output, TEXT("\"hook_error\":\"\""));
}

static void tokens_are_added_up_over_attempts(void) {
    CHECK(configure(TEXT("")));
    text_t output = post_hook(JSON({
        "context" : {"c/tokens" : 5},
        "response" : {"chat_response" : {"choices" : [], "usage" : {"total_tokens" : 7}}}
    }));
    CHECK_HAS(output, TEXT("\"context\":{\"c/tokens\":12}"));
}

static void an_error_on_its_way_is_left_alone(void) {
    CHECK(configure(TEXT("")));
    text_t output = post_hook(JSON({"response" : null, "error" : {"error" : {"message" : "m"}}, "has_error" : true}));
    CHECK_TEXT(output, TEXT("{\"context\":{},\"response\":null,\"has_error\":true,"
                            "\"error\":{\"error\":{\"message\":\"m\"}},\"hook_error\":\"\"}"));
}

static void a_response_gets_headers(void) {
    CHECK(configure(JSON({"reads" : "other/left"})));
    text_t output = http_post_hook(JSON({
        "context" : {"c/messages" : 2, "c/tokens" : 12, "other/left" : {"a" : [ 1, "b" ]}},
        "response" : {"status_code" : 200, "headers" : {"a" : "b"}}
    }));
    CHECK_HAS(output, TEXT("\"headers\":{\"a\":\"b\",\"x-legacy\":\"c\",\"x-legacy-messages\":\"2\","
                           "\"x-legacy-tokens\":\"12\",\"x-legacy-read\":\"{\\\"a\\\":[1,\\\"b\\\"]}\"}"));
    output = http_post_hook(JSON({"response" : {}}));
    CHECK_HAS(output, TEXT("\"headers\":{\"x-legacy\":\"c\"}"));
}

static void what_is_no_input_is_a_failure_of_the_hook(void) {
    CHECK_TEXT(post_hook(TEXT("{")), TEXT("{\"hook_error\":\"c: unexpected end of data at byte 1\"}"));
    CHECK_TEXT(pre_hook(TEXT("7")), TEXT("{\"error\":\"c: the input is no object\"}"));
}

void test_hooks(void) {
    a_closed_path_is_answered();
    a_request_gets_a_header_and_its_path_is_noted();
    a_banned_word_is_a_short_circuit();
    a_conversation_begins_with_the_system_message();
    a_text_to_be_embedded_gets_neither_system_message_nor_answer();
    the_guard_answers_what_it_knows();
    another_model_is_asked();
    secrets_are_redacted_in_every_choice_of_an_answer();
    tokens_are_added_up_over_attempts();
    an_error_on_its_way_is_left_alone();
    a_response_gets_headers();
    what_is_no_input_is_a_failure_of_the_hook();
    call_free();
}
