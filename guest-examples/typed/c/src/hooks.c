/* The hooks of requests and whole answers. */
#include "guard.h"
#include "json.h"
#include "memory.h"
#include "redact.h"

/* Where the tokens that a request used are counted. */
#define TOKENS TEXT("guard-c/tokens")
#define MESSAGES TEXT("guard-c/messages")

static struct config configuration;
static bool configured;

const struct config *guard_config(void) {
    return &configuration;
}

void guard_log(logging_level_t level, text_t message, text_t name, text_t value) {
    plugin_tuple2_string_string_t field = {name, value};
    plugin_list_tuple2_string_string_t fields = {&field, name.len != 0};
    logging_log(level, &message, &fields);
}

bool guard_fails_other(types_plugin_error_t *error, text_t why) {
    error->tag = TYPES_PLUGIN_ERROR_OTHER;
    error->val.other = why;
    return false;
}

bool guard_fails_invalid_json(types_plugin_error_t *error, text_t why) {
    error->tag = TYPES_PLUGIN_ERROR_INVALID_JSON;
    error->val.invalid_json = why;
    return false;
}

void exports_lifecycle_describe(exports_lifecycle_description_t *description) {
    *description = (exports_lifecycle_description_t){
        .name = TEXT("heimdall-guard-c"),
        .version = TEXT("0.1.0"),
        .summary =
            TEXT("A guard: refuses banned words, adds a system message, redacts secrets in answers and streams."),
        .config_schema = {.is_some = true, .val = config_schema},
        .extra = {.is_some = true, .val = TEXT("{\"license\":\"Apache-2.0\"}")},
    };
}

bool exports_lifecycle_init(exports_lifecycle_json_t *config, exports_lifecycle_plugin_error_t *error) {
    CALL_MEMORY;
    if (configured) {
        return guard_fails_other(error, TEXT("init was called twice"));
    }
    text_t why;
    if (!config_read(&configuration, *config, &why)) {
        error->tag = TYPES_PLUGIN_ERROR_INVALID_CONFIG;
        error->val.invalid_config = why;
        return false;
    }
    configured = true;
    return true;
}

void exports_lifecycle_cleanup(void) {
    CALL_MEMORY;
    guard_log(LOGGING_LEVEL_DEBUG, TEXT("cleaned up"), TEXT(""), TEXT(""));
}

static void reply_closed(http_types_reply_t *reply) {
    static http_types_header_t headers[2];
    headers[0] = (http_types_header_t){TEXT("content-type"), TEXT("application/json")};
    headers[1] = (http_types_header_t){TEXT("x-guard"), guard_config()->header};
    text_t body = TEXT("{\"error\":{\"code\":\"closed_path\",\"message\":\"heimdall-guard-c: this path is closed\","
                       "\"param\":null,\"type\":\"policy_violation\"}}");
    *reply = (http_types_reply_t){
        .status = 403,
        .headers = {headers, 2},
        .body = {body.ptr, body.len},
    };
}

bool exports_http_request_hook_on_request(exports_http_request_hook_borrow_http_request_t request,
                                          exports_http_request_hook_outcome_t *outcome,
                                          exports_http_request_hook_plugin_error_t *error) {
    CALL_MEMORY;
    text_t path;
    http_types_method_http_request_path(request, &path);
    if (config_is_closed(guard_config(), path)) {
        outcome->tag = EXPORTS_HTTP_REQUEST_HOOK_OUTCOME_RESPOND;
        reply_closed(&outcome->val.respond);
        return true;
    }
    outcome->tag = EXPORTS_HTTP_REQUEST_HOOK_OUTCOME_PROCEED;
    text_t header = guard_config()->header;
    text_t quoted = json_quote(path);
    return http_types_method_http_request_add_header(request, &TEXT("x-guard-request"), &header, error) &&
           context_set(&TEXT("guard-c/path"), &quoted, error);
}

/* Adds a header with the value of a key of the context, where there is one. */
static bool add_from_context(http_types_borrow_http_response_t response, text_t header, text_t key,
                             types_plugin_error_t *error) {
    text_t value;
    return !context_get(&key, &value) || http_types_method_http_response_add_header(response, &header, &value, error);
}

static bool add_keys(http_types_borrow_http_response_t response, types_plugin_error_t *error) {
    plugin_list_string_t keys;
    context_keys(&keys);
    text_builder_t value = EMPTY_BUILDER;
    for (size_t i = 0; i < keys.len; i++) {
        text_append(&value, i == 0 ? TEXT("") : TEXT(","));
        text_append(&value, keys.ptr[i]);
    }
    return http_types_method_http_response_add_header(response, &TEXT("x-guard-context"), &value.text, error);
}

bool exports_http_response_hook_on_response(exports_http_response_hook_borrow_http_request_t request,
                                            exports_http_response_hook_borrow_http_response_t response,
                                            exports_http_response_hook_plugin_error_t *error) {
    CALL_MEMORY;
    (void)request;
    const struct config *config = guard_config();
    text_t header = config->header;
    return http_types_method_http_response_add_header(response, &TEXT("x-guard"), &header, error) &&
           add_from_context(response, TEXT("x-guard-messages"), MESSAGES, error) &&
           add_from_context(response, TEXT("x-guard-tokens"), TOKENS, error) &&
           (config->reads.ptr == NULL || add_from_context(response, TEXT("x-guard-read"), config->reads, error)) &&
           (!config->show_context || add_keys(response, error));
}

/* The first message with a banned word; `count`: there is none. */
static uint32_t find_banned(llm_types_borrow_llm_request_t request, uint32_t count) {
    for (uint32_t index = 0; index < count; index++) {
        text_t text;
        if (llm_types_method_llm_request_message_text(request, index, &text) &&
            config_is_banned(guard_config(), text)) {
            return index;
        }
    }
    return count;
}

/* Says neither the word nor where it is: whoever probes the guard learns nothing. */
static llm_types_llm_error_t refusal(void) {
    return (llm_types_llm_error_t){
        .message = TEXT("heimdall-guard-c: the request holds a banned word"),
        .kind = {.is_some = true, .val = TEXT("policy_violation")},
        .code = {.is_some = true, .val = TEXT("banned_word")},
    };
}

/* What the configuration has for what the last message says. */
static bool own_answer(llm_types_borrow_llm_request_t request, uint32_t count, text_t *answer) {
    /* Read only where there is something to compare it with. */
    if (guard_config()->answers.len == 0 || count == 0 ||
        llm_types_method_llm_request_kind(request) == LLM_TYPES_CALL_KIND_EMBEDDING) {
        return false;
    }
    text_t asked;
    return llm_types_method_llm_request_message_text(request, count - 1, &asked) &&
           config_answer_to(guard_config(), asked, answer);
}

static bool choose_model(llm_types_borrow_llm_request_t request, types_plugin_error_t *error) {
    text_t asked, upstream, model;
    llm_types_method_llm_request_model(request, &asked);
    if (!config_instead_of(guard_config(), asked, &upstream, &model)) {
        return true;
    }
    return (upstream.ptr == NULL || llm_types_method_llm_request_set_provider(request, &upstream, error)) &&
           llm_types_method_llm_request_set_model(request, &model, error);
}

static bool put_first(llm_types_borrow_llm_request_t request, text_t system, types_plugin_error_t *error) {
    llm_types_message_t message = {
        .role = TEXT("system"),
        .content = {.tag = LLM_TYPES_CONTENT_TEXT, .val = {.text = system}},
    };
    switch (llm_types_method_llm_request_kind(request)) {
    case LLM_TYPES_CALL_KIND_CHAT:
        break;
    case LLM_TYPES_CALL_KIND_RESPONSES: {
        /* `instructions` have one place: what is there already follows the rule. */
        llm_types_message_t first;
        if (llm_types_method_llm_request_message_at(request, 0, &first) && text_equals(first.role, TEXT("system")) &&
            first.content.tag == LLM_TYPES_CONTENT_TEXT) {
            message.content.val.text = JOIN(system, TEXT("\n\n"), first.content.val.text);
            return llm_types_method_llm_request_set_message(request, 0, &message, error);
        }
        break;
    }
    default:
        return true;
    }
    return llm_types_method_llm_request_insert_message(request, 0, &message, error);
}

bool exports_pre_llm_hook_before_call(exports_pre_llm_hook_borrow_llm_request_t request,
                                      exports_pre_llm_hook_outcome_t *outcome,
                                      exports_pre_llm_hook_plugin_error_t *error) {
    CALL_MEMORY;
    uint32_t count = llm_types_method_llm_request_message_count(request);
    uint32_t banned = find_banned(request, count);
    if (banned < count) {
        guard_log(LOGGING_LEVEL_WARN, TEXT("refused"), TEXT("message"), text_number(banned));
        outcome->tag = EXPORTS_PRE_LLM_HOOK_OUTCOME_REFUSE;
        outcome->val.refuse = refusal();
        return true;
    }
    text_t answer;
    if (own_answer(request, count, &answer)) {
        guard_log(LOGGING_LEVEL_INFO, TEXT("answered"), TEXT(""), TEXT(""));
        outcome->tag = EXPORTS_PRE_LLM_HOOK_OUTCOME_ANSWER;
        outcome->val.answer.tag = LLM_TYPES_ANSWER_COMPLETION;
        outcome->val.answer.val.completion = (llm_types_completion_t){.text = answer};
        return true;
    }
    text_t system = guard_config()->system;
    if (!choose_model(request, error) || (system.ptr != NULL && !put_first(request, system, error))) {
        return false;
    }
    text_t messages = text_number(count);
    guard_log(LOGGING_LEVEL_INFO, TEXT("checked"), TEXT("messages"), messages);
    outcome->tag = EXPORTS_PRE_LLM_HOOK_OUTCOME_PROCEED;
    return context_set(&MESSAGES, &messages, error);
}

/* Adds to the tokens of this request: those of all its attempts. */
static bool count_tokens(uint32_t tokens, types_plugin_error_t *error) {
    text_t before;
    uint32_t sum = context_get(&TOKENS, &before) ? text_to_number(before) : 0;
    sum = tokens > UINT32_MAX - sum ? UINT32_MAX : sum + tokens;
    text_t after = text_number(sum);
    return context_set(&TOKENS, &after, error);
}

static bool redact_choices(llm_types_borrow_llm_response_t response, types_plugin_error_t *error) {
    uint32_t count = llm_types_method_llm_response_choice_count(response);
    for (uint32_t choice = 0; choice < count; choice++) {
        text_t text, redacted;
        if (!llm_types_method_llm_response_text(response, choice, &text) ||
            !redact_whole(guard_config()->secrets, text, &redacted)) {
            continue;
        }
        guard_log(LOGGING_LEVEL_INFO, TEXT("redacted"), TEXT("choice"), text_number(choice));
        if (!llm_types_method_llm_response_set_text(response, choice, &redacted, error)) {
            return false;
        }
    }
    return true;
}

static void note_error(const llm_types_llm_error_t *failed) {
    text_t status = failed->status.is_some ? text_number(failed->status.val) : TEXT("none");
    guard_log(LOGGING_LEVEL_INFO, TEXT("no answer"), TEXT("status"), status);
}

bool exports_post_llm_hook_after_call(exports_post_llm_hook_upstream_t *upstream,
                                      exports_post_llm_hook_outcome_t *outcome,
                                      exports_post_llm_hook_plugin_error_t *error) {
    CALL_MEMORY;
    outcome->tag = EXPORTS_POST_LLM_HOOK_OUTCOME_PROCEED;
    if (upstream->tag == EXPORTS_POST_LLM_HOOK_UPSTREAM_ERROR) {
        note_error(&upstream->val.error);
        return true;
    }
    llm_types_borrow_llm_response_t response = upstream->val.response;
    llm_types_token_usage_t usage;
    if (llm_types_method_llm_response_usage(response, &usage) && !count_tokens(usage.total_tokens, error)) {
        return false;
    }
    /* The stream hook has seen to a streamed answer. */
    return llm_types_method_llm_response_streamed(response) || redact_choices(response, error);
}
