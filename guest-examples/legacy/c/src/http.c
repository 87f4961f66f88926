/* The hooks of HTTP requests and responses. */
#include "guard.h"
#include "hooks.h"

static const struct shape request_shape[] = {
    WHOLE("method"), WHOLE("path"), WHOLE("headers"), WHOLE("query"), WHOLE("body"), END,
};
static const struct shape response_shape[] = {WHOLE("status_code"), WHOLE("headers"), WHOLE("body"), END};

static yyjson_mut_val *closed(yyjson_mut_doc *doc) {
    yyjson_mut_val *response = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_uint(doc, response, "status_code", 403);
    yyjson_mut_val *headers = yyjson_mut_obj_add_obj(doc, response, "headers");
    yyjson_mut_obj_add_str(doc, headers, "content-type", "application/json");
    yyjson_mut_obj_add_str(doc, headers, "x-legacy", NAME);
    text_t body = text_base64(TEXT("{\"error\":{\"message\":\"" NAME ": this path is closed\","
                                   "\"type\":\"policy_violation\",\"code\":\"closed_path\"}}"));
    json_set_text(doc, response, TEXT("body"), body);
    return response;
}

static void on_request(struct call *call) {
    yyjson_mut_val *request = guard_take(call, "request", request_shape);
    text_t path = TEXT("");
    json_mut_is_text(yyjson_mut_obj_get(request, "path"), &path);
    bool is_closed = config_is_closed(guard_config(), path);
    yyjson_mut_obj_add_val(call->doc, call->output, "response",
                           is_closed ? closed(call->doc) : yyjson_mut_null(call->doc));
    yyjson_mut_obj_add_bool(call->doc, call->output, "has_response", is_closed);
    if (!is_closed) {
        yyjson_mut_val *headers = guard_object_in(call, request, TEXT("headers"));
        json_set_text(call->doc, headers, TEXT("x-legacy-request"), guard_config()->header);
        json_set_text(call->doc, call->context, PATH, path);
    }
}

/* Adds a header with the JSON of a value of the context, where there is one. */
static void add_noted(struct call *call, yyjson_mut_val *headers, text_t name, text_t key) {
    yyjson_mut_val *noted = yyjson_mut_obj_getn(call->context, key.ptr, key.len);
    if (noted != NULL) {
        json_set_text(call->doc, headers, name, json_write(noted));
    }
}

static void on_response(struct call *call) {
    yyjson_mut_val *response = guard_take(call, "response", response_shape);
    yyjson_mut_val *headers = guard_object_in(call, response, TEXT("headers"));
    json_set_text(call->doc, headers, TEXT("x-legacy"), guard_config()->header);
    add_noted(call, headers, TEXT("x-legacy-messages"), MESSAGES);
    add_noted(call, headers, TEXT("x-legacy-tokens"), TOKENS);
    if (guard_config()->reads.ptr != NULL) {
        add_noted(call, headers, TEXT("x-legacy-read"), guard_config()->reads);
    }
}

text_t http_pre_hook(text_t input) {
    return guard_run(input, "error", on_request);
}

text_t http_post_hook(text_t input) {
    return guard_run(input, "error", on_response);
}
