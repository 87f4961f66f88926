#include "guard.h"

#include "hooks.h"

static struct config configuration;

bool configure(text_t config) {
    return config_read(&configuration, config);
}

const struct config *guard_config(void) {
    return &configuration;
}

static text_t fail(yyjson_mut_doc *doc, const char *failure, text_t why) {
    yyjson_mut_val *output = yyjson_mut_obj(doc);
    text_t message = JOIN(TEXT(NAME ": "), why);
    yyjson_mut_obj_add_strn(doc, output, failure, message.ptr, message.len);
    return json_write(output);
}

text_t guard_run(text_t input, const char *failure, void (*hook)(struct call *call)) {
    yyjson_mut_doc *doc = json_new();
    text_t why;
    yyjson_doc *read = json_read(input, &why);
    if (read == NULL) {
        return fail(doc, failure, why);
    }
    struct call call = {.input = yyjson_doc_get_root(read), .doc = doc, .output = yyjson_mut_obj(doc)};
    if (!yyjson_is_obj(call.input)) {
        return fail(doc, failure, TEXT("the input is no object"));
    }
    guard_take(&call, "context", NULL);
    call.context = guard_object_in(&call, call.output, TEXT("context"));
    hook(&call);
    if (call.problem.ptr != NULL) {
        return fail(doc, failure, call.problem);
    }
    yyjson_mut_obj_add_str(doc, call.output, failure, "");
    return json_write(call.output);
}

yyjson_mut_val *guard_take(struct call *call, const char *member, const struct shape *shape) {
    yyjson_val *value = yyjson_obj_get(call->input, member);
    if (value == NULL) {
        return NULL;
    }
    yyjson_mut_val *known = json_known(call->doc, value, shape);
    yyjson_mut_obj_add_val(call->doc, call->output, member, known);
    return known;
}

yyjson_mut_val *guard_object_in(struct call *call, yyjson_mut_val *object, text_t name) {
    yyjson_mut_val *there = yyjson_mut_obj_getn(object, name.ptr, name.len);
    if (yyjson_mut_is_obj(there)) {
        return there;
    }
    yyjson_mut_val *new = yyjson_mut_obj(call->doc);
    json_set(call->doc, object, name, new);
    return new;
}

text_t guard_noted_text(const struct call *call, text_t key) {
    text_t text = {NULL, 0};
    json_mut_is_text(yyjson_mut_obj_getn(call->context, key.ptr, key.len), &text);
    return text;
}
