#include "check.h"
#include "hooks.h"
#include "json.h"
#include "memory.h"

/* One chunk through the hook. The context is what the chunk before left, as the host keeps it. */
static yyjson_val *pass(text_t *context, text_t chunk) {
    text_t why;
    text_t output =
        http_stream_chunk_hook(JOIN(TEXT("{\"context\":"), *context, TEXT(",\"chunk\":"), chunk, TEXT("}")));
    yyjson_doc *doc = json_read(output, &why);
    yyjson_mut_doc *copy = json_new();
    yyjson_val *root = yyjson_doc_get_root(doc);
    *context = json_write(yyjson_val_mut_copy(copy, yyjson_obj_get(root, "context")));
    return yyjson_obj_get(root, "chunk");
}

static text_t content(yyjson_val *chunk) {
    text_t text = {NULL, 0};
    yyjson_val *choice = yyjson_arr_get_first(yyjson_obj_get(chunk, "choices"));
    json_is_text(yyjson_obj_get(yyjson_obj_get(choice, "delta"), "content"), &text);
    return text;
}

static text_t delta(text_t index, text_t text) {
    yyjson_mut_doc *doc = json_new();
    text_t quoted = json_write(yyjson_mut_strn(doc, text.ptr, text.len));
    return JOIN(TEXT("{\"choices\":[{\"index\":"), index, TEXT(",\"delta\":{\"content\":"), quoted,
                TEXT("},\"finish_reason\":null}]}"));
}

#define FINISH(index) TEXT("{\"choices\":[{\"index\":" index ",\"delta\":{},\"finish_reason\":\"stop\"}]}")

/* What a client reads of one choice's texts, sent one by one. */
static text_t stream(const text_t *texts, size_t count) {
    text_t context = TEXT("{}");
    text_builder_t read = EMPTY_BUILDER;
    for (size_t i = 0; i < count; i++) {
        text_append(&read, content(pass(&context, delta(TEXT("0"), texts[i]))));
    }
    text_append(&read, content(pass(&context, FINISH("0"))));
    return text_built(&read);
}

static void a_secret_is_redacted_wherever_chunks_end(void) {
    CHECK(configure(TEXT("{\"secrets\":[\"TOP-SECRET\",\"TOP-SECRETARY\"]}")));
    text_t text = TEXT("TOTOP-SECRET is TOP-SECRETARY; TOP-");
    for (size_t a = 0; a <= text.len; a++) {
        for (size_t b = a; b <= text.len; b++) {
            const text_t pieces[] = {{text.ptr, a}, {text.ptr + a, b - a}, {text.ptr + b, text.len - b}};
            CHECK_TEXT(stream(pieces, 3), TEXT("TO[c chunk redacted] is [c chunk redacted]; TOP-"));
        }
        call_free();
    }
}

static void what_only_began_like_a_secret_comes_out_whole(void) {
    CHECK(configure(TEXT("{\"secrets\":[\"schlüssel\",\"schlüsselbund\"]}")));
    const text_t pieces[] = {TEXT("a schl"), TEXT("üssel"), TEXT("bund b"), TEXT(" schlüs")};
    CHECK_TEXT(stream(pieces, 4), TEXT("a [c chunk redacted] b schlüs"));
}

static void choices_do_not_mix(void) {
    CHECK(configure(TEXT("")));
    text_t context = TEXT("{}");
    CHECK_TEXT(content(pass(&context, delta(TEXT("0"), TEXT("a TOP-")))), TEXT("a "));
    CHECK_TEXT(content(pass(&context, delta(TEXT("1"), TEXT("b TOP")))), TEXT("b "));
    CHECK_TEXT(context, TEXT("{\"c/held/0\":\"TOP-\",\"c/held/1\":\"TOP\"}"));
    CHECK_TEXT(content(pass(&context, delta(TEXT("0"), TEXT("SECRET")))), TEXT("[c chunk redacted]"));
    CHECK_TEXT(content(pass(&context, FINISH("1"))), TEXT("TOP"));
    CHECK_TEXT(context, TEXT("{\"c/held/0\":\"\",\"c/held/1\":\"\"}"));
    CHECK(content(pass(&context, FINISH("0"))).ptr == NULL);
}

static void a_chunk_without_text_leaves_what_is_held(void) {
    CHECK(configure(TEXT("")));
    text_t context = TEXT("{\"c/held/0\":\"TOP\"}");
    yyjson_val *chunk = pass(&context, TEXT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":null}}]}"));
    CHECK(content(chunk).ptr == NULL);
    CHECK_TEXT(context, TEXT("{\"c/held/0\":\"TOP\"}"));
}

static void the_last_chunk_takes_what_is_held_though_it_has_no_delta(void) {
    CHECK(configure(TEXT("")));
    text_t context = TEXT("{\"c/held/0\":\"TOP\"}");
    CHECK_TEXT(content(pass(&context, TEXT("{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}"))), TEXT("TOP"));
}

static void an_empty_reason_ends_nothing(void) {
    CHECK(configure(TEXT("")));
    text_t context = TEXT("{}");
    text_t first = TEXT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a TOP-\"},\"finish_reason\":\"\"}]}");
    CHECK_TEXT(content(pass(&context, first)), TEXT("a "));
    CHECK_TEXT(content(pass(&context, delta(TEXT("0"), TEXT("SECRET")))), TEXT("[c chunk redacted]"));
}

static void what_is_held_goes_before_the_parts_that_end_a_choice(void) {
    CHECK(configure(TEXT("")));
    text_t context = TEXT("{\"c/held/0\":\"TOP\"}");
    yyjson_val *chunk = pass(&context, TEXT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":[{\"type\":\"text\","
                                            "\"text\":\"a TOP-SECRET\"}]},\"finish_reason\":\"stop\"}]}"));
    CHECK_TEXT(json_write(yyjson_val_mut_copy(json_new(), chunk)),
               TEXT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"TOP\"},"
                    "{\"type\":\"text\",\"text\":\"a [c chunk redacted]\"}]},\"finish_reason\":\"stop\"}]}"));
    CHECK_TEXT(context, TEXT("{\"c/held/0\":\"\"}"));
}

static void a_chunk_that_is_no_object_is_refused(void) {
    CHECK(configure(TEXT("")));
    CHECK_TEXT(http_stream_chunk_hook(TEXT("{\"chunk\":\"YSBUT1AtU0VDUkVU\"}")),
               TEXT("{\"error\":\"c: the chunk is no object\"}"));
    CHECK_TEXT(http_stream_chunk_hook(TEXT("{}")), TEXT("{\"error\":\"c: the chunk is no object\"}"));
}

static void check_whole(text_t chunk, text_t expected) {
    text_t output = http_stream_chunk_hook(JOIN(TEXT("{\"chunk\":"), chunk, TEXT("}")));
    CHECK_TEXT(output, JOIN(TEXT("{\"context\":{},\"chunk\":"), expected,
                            TEXT(",\"has_chunk\":true,\"skip\":false,\"error\":\"\"}")));
}

static void chunks_of_other_shapes_go_through_whole(void) {
    CHECK(configure(TEXT("")));
    check_whole(TEXT("{\"type\":\"x\",\"delta\":\"a TOP-SECRET\",\"n\":123456789012345678901234567890}"),
                TEXT("{\"type\":\"x\",\"delta\":\"a [c chunk redacted]\",\"n\":123456789012345678901234567890}"));
    check_whole(TEXT("{\"choices\":[{\"index\":0,\"text\":\"TOP-SECRET\"}]}"),
                TEXT("{\"choices\":[{\"index\":0,\"text\":\"[c chunk redacted]\"}]}"));
    check_whole(TEXT("{\"error\":{\"message\":\"m\"}}"), TEXT("{\"error\":{\"message\":\"m\"}}"));
}

static void arguments_of_tool_calls_are_left_to_the_host(void) {
    CHECK(configure(TEXT("")));
    check_whole(TEXT("{\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[\"TOP-SECRET\"]}}]}"),
                TEXT("{\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{}}]}"));
}

void test_stream(void) {
    a_secret_is_redacted_wherever_chunks_end();
    what_only_began_like_a_secret_comes_out_whole();
    choices_do_not_mix();
    a_chunk_without_text_leaves_what_is_held();
    the_last_chunk_takes_what_is_held_though_it_has_no_delta();
    an_empty_reason_ends_nothing();
    what_is_held_goes_before_the_parts_that_end_a_choice();
    a_chunk_that_is_no_object_is_refused();
    chunks_of_other_shapes_go_through_whole();
    arguments_of_tool_calls_are_left_to_the_host();
    call_free();
}
