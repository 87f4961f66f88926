/* The hook of streams. A secret may be cut in two by a chunk boundary, so text that could begin one is held back until
 * the next chunk tells. What is held lies in the request's context, one entry for each choice, because the next chunk
 * may meet another instance. */
#include "guard.h"
#include "held.h"
#include "json.h"
#include "memory.h"
#include "redact.h"

#define KEY TEXT("guard-c/held/")

/* Without a text in `held` where nothing is held. */
static bool load(text_t key, struct held *held, types_plugin_error_t *error) {
    *held = (struct held){{NULL, 0}, {NULL, 0}};
    text_t json, why;
    if (!context_get(&key, &json) || held_read(held, json, &why)) {
        return true;
    }
    return guard_fails_invalid_json(error, JOIN(key, TEXT(": "), why));
}

static bool store(text_t key, const struct held *held, types_plugin_error_t *error) {
    text_t json = held_write(held);
    return context_set(&key, &json, error);
}

/* True for a chunk after which its choice has no more text. Other chunks without text (tool calls, annotations) may
 * stand between the halves of a secret: they must not set the first half free. */
static bool ends_text(llm_types_borrow_llm_chunk_t chunk) {
    text_t reason, json, type, why;
    if (llm_types_method_llm_chunk_finish_reason(chunk, &reason)) {
        return true;
    }
    if (!llm_types_method_llm_chunk_get(chunk, &TEXT("/type"), &json)) {
        return false;
    }
    yyjson_doc *doc = json_read(json, &why);
    return doc != NULL && json_is_text(yyjson_doc_get_root(doc), &type) &&
           (text_ends_with(type, TEXT("done")) || text_ends_with(type, TEXT("completed")) ||
            text_ends_with(type, TEXT("incomplete")) || text_ends_with(type, TEXT("failed")));
}

/* Holds a text back, with the chunk that sends it should nothing follow. */
static bool hold(llm_types_borrow_llm_chunk_t chunk, text_t key, text_t text, types_plugin_error_t *error) {
    text_t at_end = redact_end(guard_config()->secrets, text);
    if (!llm_types_method_llm_chunk_set_text(chunk, &at_end, error)) {
        return false;
    }
    text_t json, why;
    llm_types_method_llm_chunk_to_json(chunk, &json);
    struct held held = {.text = text};
    if (!held_only_text(json, &held.event, &why)) {
        return guard_fails_invalid_json(error, why);
    }
    return store(key, &held, error);
}

/* Sends what can be sent of the text held so far and this chunk's, and holds the rest. */
static bool pass_on(llm_types_borrow_llm_chunk_t chunk, text_t key, text_t text, const struct held *held,
                    types_plugin_error_t *error) {
    text_t joined = JOIN(held->text, text);
    if (ends_text(chunk)) {
        text_t rest = redact_end(guard_config()->secrets, joined);
        context_remove(&key);
        return llm_types_method_llm_chunk_set_text(chunk, &rest, error);
    }
    redact_split_t split = redact_beginning(guard_config()->secrets, joined);
    if (split.held.len != 0) {
        if (!hold(chunk, key, split.held, error)) {
            return false;
        }
    } else if (held->text.ptr != NULL) {
        context_remove(&key);
    }
    bool as_it_came = split.held.len == 0 && text_equals(split.ready, text);
    return as_it_came || llm_types_method_llm_chunk_set_text(chunk, &split.ready, error);
}

bool exports_stream_hook_on_chunk(exports_stream_hook_borrow_llm_chunk_t chunk, exports_stream_hook_outcome_t *outcome,
                                  exports_stream_hook_plugin_error_t *error) {
    CALL_MEMORY;
    outcome->tag = EXPORTS_STREAM_HOOK_OUTCOME_PROCEED;
    text_t key = JOIN(KEY, text_number(llm_types_method_llm_chunk_choice(chunk)));
    struct held held;
    if (!load(key, &held, error)) {
        return false;
    }
    text_t text;
    if (llm_types_method_llm_chunk_text(chunk, &text)) {
        return pass_on(chunk, key, text, &held, error);
    }
    if (held.text.ptr != NULL && ends_text(chunk)) {
        context_remove(&key);
        text_t *events = call_alloc(2 * sizeof *events);
        events[0] = held.event;
        llm_types_method_llm_chunk_to_json(chunk, &events[1]);
        outcome->tag = EXPORTS_STREAM_HOOK_OUTCOME_REPLACE;
        outcome->val.replace = (exports_stream_hook_list_json_t){events, 2};
    }
    return true;
}

bool exports_stream_hook_on_end(exports_stream_hook_list_json_t *events, exports_stream_hook_plugin_error_t *error) {
    CALL_MEMORY;
    plugin_list_string_t keys;
    context_keys(&keys);
    *events = (exports_stream_hook_list_json_t){call_alloc(keys.len * sizeof *events->ptr), 0};
    for (size_t i = 0; i < keys.len; i++) {
        if (!text_starts_with(keys.ptr[i], KEY)) {
            continue;
        }
        struct held held;
        if (!load(keys.ptr[i], &held, error)) {
            return false;
        }
        events->ptr[events->len++] = held.event;
        context_remove(&keys.ptr[i]);
    }
    return true;
}
