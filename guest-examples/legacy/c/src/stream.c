/* The hook of streams. A secret may be cut in two by a chunk boundary, so text that could begin one is held back until
 * the next chunk of its choice tells. It waits in the request's context, one entry for each choice. */
#include "guard.h"
#include "hooks.h"
#include "redact.h"

static const struct shape delta_shape[] = {WHOLE("role"), WHOLE("content"), END};
static const struct shape choice_shape[] = {WHOLE("index"), {"delta", delta_shape}, WHOLE("finish_reason"), END};
static const struct shape chunk_shape[] = {WHOLE("id"), WHOLE("object"), {"choices", choice_shape}, END};

static void redact_strings(const struct redaction *redaction, yyjson_mut_val *value) {
    text_t text, redacted;
    if (json_mut_is_text(value, &text) && redact_whole(redaction, text, &redacted)) {
        yyjson_mut_set_strn(value, redacted.ptr, redacted.len);
    }
    size_t index, count;
    yyjson_mut_val *key, *member;
    yyjson_mut_arr_foreach(value, index, count, member) {
        redact_strings(redaction, member);
    }
    yyjson_mut_obj_foreach(value, index, count, key, member) {
        redact_strings(redaction, member);
    }
}

/* Keeps what is held of a choice; an empty text says that nothing is any more. */
static void hold(struct call *call, text_t key, text_t before, text_t now) {
    if (before.len != 0 || now.len != 0) {
        json_set_text(call->doc, call->context, key, now);
    }
}

/* Sends what can be sent of the text held so far and this chunk's, and holds the rest. The chunk that ends its choice
 * takes all with it. */
static void pass_on(struct call *call, const struct redaction *redaction, yyjson_mut_val *choice) {
    /* Some servers say with an empty reason that there is none. */
    bool ends = yyjson_mut_get_len(yyjson_mut_obj_get(choice, "finish_reason")) != 0;
    text_t key = JOIN(HELD, text_number(yyjson_mut_get_uint(yyjson_mut_obj_get(choice, "index"))));
    text_t held = guard_noted_text(call, key);
    text_t text = {NULL, 0};
    yyjson_mut_val *content = yyjson_mut_obj_get(yyjson_mut_obj_get(choice, "delta"), "content");
    if (!json_mut_is_text(content, &text)) {
        redact_strings(redaction, content);
        /* Chunks without text (tool calls, annotations) may stand between the halves of a secret. */
        if (!ends || held.len == 0) {
            return;
        }
        /* Parts are texts of their own: what was held goes before them as one. */
        if (yyjson_mut_is_arr(content)) {
            yyjson_mut_val *part = yyjson_mut_obj(call->doc);
            json_set_text(call->doc, part, TEXT("type"), TEXT("text"));
            json_set_text(call->doc, part, TEXT("text"), redact_end(redaction, held));
            yyjson_mut_arr_prepend(content, part);
            hold(call, key, held, TEXT(""));
            return;
        }
    }
    text_t joined = JOIN(held, text);
    redact_split_t split =
        ends ? (redact_split_t){redact_end(redaction, joined), TEXT("")} : redact_beginning(redaction, joined);
    hold(call, key, held, split.held);
    json_set_text(call->doc, guard_object_in(call, choice, TEXT("delta")), TEXT("content"), split.ready);
}

/* A text completion's choices have a text; of other kinds, there are none. */
static bool is_chat(yyjson_val *chunk) {
    yyjson_val *choice = yyjson_arr_get_first(yyjson_obj_get(chunk, "choices"));
    return yyjson_is_obj(choice) && yyjson_obj_get(choice, "text") == NULL;
}

static void on_chunk(struct call *call) {
    struct redaction redaction = {guard_config()->secrets, TEXT("[" NAME " chunk redacted]")};
    yyjson_val *given = yyjson_obj_get(call->input, "chunk");
    if (!yyjson_is_obj(given)) {
        /* A host that meets an error may try base64 of the chunk, in which no secret would be found. */
        call->problem = TEXT("the chunk is no object");
        return;
    }
    if (is_chat(given)) {
        yyjson_mut_val *chunk = guard_take(call, "chunk", chunk_shape);
        size_t index, count;
        yyjson_mut_val *choice;
        yyjson_mut_arr_foreach(yyjson_mut_obj_get(chunk, "choices"), index, count, choice) {
            pass_on(call, &redaction, choice);
        }
    } else {
        /* Of other kinds of streams nothing is known: a chunk goes through whole. */
        redact_strings(&redaction, guard_take(call, "chunk", NULL));
    }
    yyjson_mut_obj_add_bool(call->doc, call->output, "has_chunk", true);
    yyjson_mut_obj_add_bool(call->doc, call->output, "skip", false);
}

text_t http_stream_chunk_hook(text_t input) {
    return guard_run(input, "error", on_chunk);
}
