#include "held.h"

#include "json.h"

bool held_read(struct held *held, text_t json, text_t *why) {
    yyjson_doc *doc = json_read(json, why);
    if (doc == NULL) {
        return false;
    }
    *why = TEXT("`text` or `event` is no string");
    yyjson_val *root = yyjson_doc_get_root(doc);
    return json_is_text(yyjson_obj_get(root, "text"), &held->text) &&
           json_is_text(yyjson_obj_get(root, "event"), &held->event);
}

text_t held_write(const struct held *held) {
    yyjson_mut_doc *doc = json_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_text(doc, root, "text", held->text);
    json_add_text(doc, root, "event", held->event);
    return json_write(doc);
}

static void keep_content_alone(yyjson_mut_val *delta) {
    yyjson_mut_obj_iter members = yyjson_mut_obj_iter_with(delta);
    for (yyjson_mut_val *key; (key = yyjson_mut_obj_iter_next(&members)) != NULL;) {
        if (!yyjson_mut_equals_str(key, "content")) {
            yyjson_mut_obj_iter_remove(&members);
        }
    }
}

bool held_only_text(text_t chunk, text_t *event, text_t *why) {
    yyjson_doc *doc = json_read(chunk, why);
    if (doc == NULL) {
        return false;
    }
    yyjson_mut_doc *edited = json_edit(doc);
    yyjson_mut_val *root = yyjson_mut_doc_get_root(edited);
    yyjson_mut_obj_remove_key(root, "usage");
    size_t index, count;
    yyjson_mut_val *choice;
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(root, "choices"), index, count, choice) {
        yyjson_mut_obj_remove_key(choice, "logprobs");
        keep_content_alone(yyjson_mut_obj_get(choice, "delta"));
    }
    *event = json_write(edited);
    return true;
}
