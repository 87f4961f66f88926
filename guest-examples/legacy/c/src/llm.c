/* The hooks of calls to a model. */
#include "guard.h"
#include "hooks.h"
#include "redact.h"

static const struct shape message_shape[] = {
    WHOLE("role"), WHOLE("content"), WHOLE("name"), WHOLE("tool_calls"), WHOLE("tool_call_id"), END,
};
static const struct shape request_shape[] = {
    WHOLE("provider"), WHOLE("model"), {"input", message_shape}, WHOLE("params"), END,
};
static const struct shape choice_shape[] = {WHOLE("index"), {"message", message_shape}, WHOLE("finish_reason"), END};
static const struct shape usage_shape[] = {
    WHOLE("prompt_tokens"),
    WHOLE("completion_tokens"),
    WHOLE("total_tokens"),
    END,
};
static const struct shape chat_shape[] = {
    WHOLE("id"), WHOLE("model"), {"choices", choice_shape}, {"usage", usage_shape}, END,
};
static const struct shape response_shape[] = {{"chat_response", chat_shape}, END};

/* The texts of a message, a line each; without a ptr where it has none. */
static text_t text_of(yyjson_mut_val *message) {
    yyjson_mut_val *content = yyjson_mut_obj_get(message, "content");
    text_t text = {NULL, 0}, piece;
    if (json_mut_is_text(content, &text)) {
        return text;
    }
    size_t index, count;
    yyjson_mut_val *part;
    yyjson_mut_arr_foreach(content, index, count, part) {
        if (json_mut_is_text(yyjson_mut_obj_get(part, "text"), &piece)) {
            text = text.ptr == NULL ? piece : JOIN(text, TEXT("\n"), piece);
        }
    }
    return text;
}

static bool holds_banned(yyjson_mut_val *messages) {
    size_t index, count;
    yyjson_mut_val *message;
    yyjson_mut_arr_foreach(messages, index, count, message) {
        text_t text = text_of(message);
        if (text.ptr != NULL && config_is_banned(guard_config(), text)) {
            return true;
        }
    }
    return false;
}

/* What the configuration has for what the last message says. A text to be embedded asks nothing. */
static bool own_answer(text_t path, yyjson_mut_val *messages, text_t *answer) {
    text_t asked = text_of(yyjson_mut_arr_get_last(messages));
    return asked.ptr != NULL && !text_ends_with(path, TEXT("/embeddings")) &&
           config_answer_to(guard_config(), asked, answer);
}

/* The short circuit with an answer. */
static yyjson_mut_val *answered(yyjson_mut_doc *doc, yyjson_mut_val *model, text_t answer) {
    text_t name = TEXT("");
    json_mut_is_text(model, &name);
    yyjson_mut_val *circuit = yyjson_mut_obj(doc);
    yyjson_mut_val *response = yyjson_mut_obj_add_obj(doc, circuit, "response");
    yyjson_mut_val *chat = yyjson_mut_obj_add_obj(doc, response, "chat_response");
    yyjson_mut_obj_add_str(doc, chat, "id", "");
    json_set_text(doc, chat, TEXT("model"), name);
    yyjson_mut_val *choice = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, chat, "choices"));
    yyjson_mut_obj_add_uint(doc, choice, "index", 0);
    yyjson_mut_val *message = yyjson_mut_obj_add_obj(doc, choice, "message");
    yyjson_mut_obj_add_str(doc, message, "role", "assistant");
    json_set_text(doc, message, TEXT("content"), answer);
    yyjson_mut_obj_add_str(doc, choice, "finish_reason", "stop");
    return circuit;
}

/* The short circuit with an error. Says neither the word nor where it is: whoever probes the guard learns nothing. */
static yyjson_mut_val *refused(yyjson_mut_doc *doc) {
    return yyjson_mut_raw(doc, "{\"error\":{\"is_bifrost_error\":false,\"status_code\":403,"
                               "\"error\":{\"type\":\"policy_violation\",\"code\":\"banned_word\","
                               "\"message\":\"" NAME ": the request holds a banned word\"},"
                               "\"allow_fallbacks\":false}}");
}

static void choose_model(yyjson_mut_doc *doc, yyjson_mut_val *request) {
    text_t asked, provider, model;
    if (!json_mut_is_text(yyjson_mut_obj_get(request, "model"), &asked) ||
        !config_instead_of(guard_config(), asked, &provider, &model)) {
        return;
    }
    if (provider.ptr != NULL) {
        json_set_text(doc, request, TEXT("provider"), provider);
    }
    json_set_text(doc, request, TEXT("model"), model);
}

/* Texts to be completed or embedded have no place for a system message. Without a path it is a conversation. */
static bool is_conversation(text_t path) {
    return path.ptr == NULL || text_ends_with(path, TEXT("/chat/completions")) ||
           text_ends_with(path, TEXT("/responses"));
}

static void put_first(yyjson_mut_doc *doc, yyjson_mut_val *messages, text_t system) {
    yyjson_mut_val *message = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, message, "role", "system");
    json_set_text(doc, message, TEXT("content"), system);
    yyjson_mut_arr_prepend(messages, message);
}

static void short_circuit(struct call *call, yyjson_mut_val *circuit) {
    yyjson_mut_obj_add_bool(call->doc, call->output, "has_short_circuit", circuit != NULL);
    yyjson_mut_obj_add_val(call->doc, call->output, "short_circuit",
                           circuit != NULL ? circuit : yyjson_mut_null(call->doc));
}

static void before_call(struct call *call) {
    yyjson_mut_doc *doc = call->doc;
    yyjson_mut_val *request = guard_take(call, "request", request_shape);
    yyjson_mut_val *messages = yyjson_mut_obj_get(request, "input");
    if (holds_banned(messages)) {
        short_circuit(call, refused(doc));
        return;
    }
    json_set(doc, call->context, MESSAGES, yyjson_mut_uint(doc, yyjson_mut_arr_size(messages)));
    text_t path = guard_noted_text(call, PATH);
    text_t answer;
    if (own_answer(path, messages, &answer)) {
        short_circuit(call, answered(doc, yyjson_mut_obj_get(request, "model"), answer));
        return;
    }
    choose_model(doc, request);
    if (guard_config()->system.ptr != NULL && is_conversation(path)) {
        put_first(doc, messages, guard_config()->system);
    }
    short_circuit(call, NULL);
}

static void redact_text(const struct redaction *redaction, yyjson_mut_val *value) {
    text_t text, redacted;
    if (json_mut_is_text(value, &text) && redact_whole(redaction, text, &redacted)) {
        yyjson_mut_set_strn(value, redacted.ptr, redacted.len);
    }
}

static void redact_message(const struct redaction *redaction, yyjson_mut_val *message) {
    yyjson_mut_val *content = yyjson_mut_obj_get(message, "content");
    redact_text(redaction, content);
    size_t index, count;
    yyjson_mut_val *part;
    yyjson_mut_arr_foreach(content, index, count, part) {
        redact_text(redaction, yyjson_mut_obj_get(part, "text"));
    }
}

/* Adds to the tokens of this request: those of all its attempts. */
static void count_tokens(struct call *call, yyjson_mut_val *usage) {
    yyjson_mut_val *tokens = yyjson_mut_obj_get(usage, "total_tokens");
    if (yyjson_mut_is_uint(tokens)) {
        uint64_t before = yyjson_mut_get_uint(yyjson_mut_obj_getn(call->context, TOKENS.ptr, TOKENS.len));
        json_set(call->doc, call->context, TOKENS, yyjson_mut_uint(call->doc, before + yyjson_mut_get_uint(tokens)));
    }
}

/* Called for whole answers; and for chunks of streamed ones, which have no message: their text is left to the chunk
 * hook. */
static void after_call(struct call *call) {
    yyjson_mut_val *response = guard_take(call, "response", response_shape);
    bool has_error = yyjson_get_bool(yyjson_obj_get(call->input, "has_error"));
    yyjson_mut_obj_add_bool(call->doc, call->output, "has_error", has_error);
    if (has_error) {
        guard_take(call, "error", NULL);
        return;
    }
    yyjson_mut_val *chat = yyjson_mut_obj_get(response, "chat_response");
    count_tokens(call, yyjson_mut_obj_get(chat, "usage"));
    struct redaction redaction = {guard_config()->secrets, TEXT("[" NAME " redacted]")};
    size_t index, count;
    yyjson_mut_val *choice;
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(chat, "choices"), index, count, choice) {
        redact_message(&redaction, yyjson_mut_obj_get(choice, "message"));
    }
}

text_t pre_hook(text_t input) {
    return guard_run(input, "error", before_call);
}

text_t post_hook(text_t input) {
    return guard_run(input, "hook_error", after_call);
}
