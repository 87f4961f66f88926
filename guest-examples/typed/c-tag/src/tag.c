/* A plugin with one hook: it appends a tag to the last user message. */
#include "append.h"
#include "json.h"
#include "memory.h"

// clang-format off
#define JSON(...) #__VA_ARGS__
#define SCHEMA JSON({ \
  "$schema": "https://json-schema.org/draft/2020-12/schema", \
  "type": "object", \
  "additionalProperties": false, \
  "properties": { \
    "tag": { "description": "What is appended, in brackets.", "type": "string", "default": "tagged" } \
  } \
})
// clang-format on

static text_t tag = TEXT("tagged");

void exports_lifecycle_describe(exports_lifecycle_description_t *description) {
    *description = (exports_lifecycle_description_t){
        .name = TEXT("heimdall-tag-c"),
        .version = TEXT("0.1.0"),
        .summary = TEXT("Appends a tag to the last user message."),
        .config_schema = {.is_some = true, .val = TEXT(SCHEMA)},
    };
}

bool exports_lifecycle_init(exports_lifecycle_json_t *config, exports_lifecycle_plugin_error_t *error) {
    CALL_MEMORY;
    yyjson_doc *doc = json_read_kept(*config, &error->val.invalid_config);
    if (doc == NULL) {
        error->tag = TYPES_PLUGIN_ERROR_INVALID_CONFIG;
        return false;
    }
    /* Where there is no such member, the tag stays as it is. */
    json_is_text(yyjson_obj_get(yyjson_doc_get_root(doc), "tag"), &tag);
    return true;
}

void exports_lifecycle_cleanup(void) {
}

bool exports_pre_llm_hook_before_call(exports_pre_llm_hook_borrow_llm_request_t request,
                                      exports_pre_llm_hook_outcome_t *outcome,
                                      exports_pre_llm_hook_plugin_error_t *error) {
    CALL_MEMORY;
    outcome->tag = EXPORTS_PRE_LLM_HOOK_OUTCOME_PROCEED;
    text_t quoted = json_quote(tag);
    if (!context_set(&TEXT("tag"), &quoted, error)) {
        return false;
    }
    for (uint32_t index = llm_types_method_llm_request_message_count(request); index-- > 0;) {
        llm_types_message_t message;
        if (llm_types_method_llm_request_message_at(request, index, &message) &&
            text_equals(message.role, TEXT("user")) && append_tag(&message.content, tag)) {
            return llm_types_method_llm_request_set_message(request, index, &message, error);
        }
    }
    return true;
}
