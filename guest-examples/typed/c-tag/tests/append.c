#include "append.h"

#include "check.h"

static llm_types_part_t text_part(text_t text) {
    return (llm_types_part_t){.content = {.tag = LLM_TYPES_PART_CONTENT_TEXT, .val = {.text = text}}};
}

static llm_types_part_t image_part(void) {
    return (llm_types_part_t){.content = {.tag = LLM_TYPES_PART_CONTENT_IMAGE_URL, .val = {.image_url = TEXT("x")}}};
}

static void a_text_gets_the_tag(void) {
    llm_types_content_t content = {.tag = LLM_TYPES_CONTENT_TEXT, .val = {.text = TEXT("hello")}};
    CHECK(append_tag(&content, TEXT("blue")));
    CHECK_TEXT(content.val.text, TEXT("hello [tag:blue]"));
}

static void of_parts_the_last_text_gets_it(void) {
    llm_types_part_t parts[] = {text_part(TEXT("a")), text_part(TEXT("b")), image_part()};
    llm_types_content_t content = {.tag = LLM_TYPES_CONTENT_PARTS, .val = {.parts = {parts, 3}}};
    CHECK(append_tag(&content, TEXT("blue")));
    CHECK_TEXT(parts[0].content.val.text, TEXT("a"));
    CHECK_TEXT(parts[1].content.val.text, TEXT("b [tag:blue]"));
    CHECK_TEXT(parts[2].content.val.image_url, TEXT("x"));
}

static void where_there_is_no_text_there_is_no_tag(void) {
    llm_types_part_t parts[] = {image_part()};
    llm_types_content_t images = {.tag = LLM_TYPES_CONTENT_PARTS, .val = {.parts = {parts, 1}}};
    llm_types_content_t empty = {.tag = LLM_TYPES_CONTENT_EMPTY};
    CHECK(!append_tag(&images, TEXT("blue")));
    CHECK(!append_tag(&empty, TEXT("blue")));
}

void test_append(void) {
    a_text_gets_the_tag();
    of_parts_the_last_text_gets_it();
    where_there_is_no_text_there_is_no_tag();
}
