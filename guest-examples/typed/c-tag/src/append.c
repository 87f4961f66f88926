#include "append.h"

static text_t *last_text(llm_types_content_t *content) {
    switch (content->tag) {
    case LLM_TYPES_CONTENT_TEXT:
        return &content->val.text;
    case LLM_TYPES_CONTENT_PARTS:
        for (size_t i = content->val.parts.len; i-- > 0;) {
            llm_types_part_content_t *part = &content->val.parts.ptr[i].content;
            if (part->tag == LLM_TYPES_PART_CONTENT_TEXT) {
                return &part->val.text;
            }
        }
        return NULL;
    default:
        return NULL;
    }
}

bool append_tag(llm_types_content_t *content, text_t tag) {
    text_t *text = last_text(content);
    if (text == NULL) {
        return false;
    }
    *text = JOIN(*text, TEXT(" [tag:"), tag, TEXT("]"));
    return true;
}
