#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static void *alloc_call(void *context, size_t size) {
    (void)context;
    return call_alloc(size);
}

static void *realloc_call(void *context, void *old, size_t old_size, size_t size) {
    (void)context;
    return call_realloc(old, old_size, size);
}

static void *alloc_kept(void *context, size_t size) {
    (void)context;
    return kept_alloc(size);
}

static void *realloc_kept(void *context, void *old, size_t old_size, size_t size) {
    (void)context;
    return memcpy(kept_alloc(size), old, old_size < size ? old_size : size);
}

static void free_nothing(void *context, void *pointer) {
    (void)context;
    (void)pointer;
}

static const yyjson_alc of_call = {alloc_call, realloc_call, free_nothing, NULL};
static const yyjson_alc kept = {alloc_kept, realloc_kept, free_nothing, NULL};

static yyjson_doc *read(text_t text, const yyjson_alc *memory, text_t *why) {
    yyjson_read_err error;
    /* The library writes to the text only where it is told that it may. */
    yyjson_doc *doc = yyjson_read_opts((char *)text.ptr, text.len, YYJSON_READ_BIGNUM_AS_RAW, memory, &error);
    if (doc == NULL) {
        *why = JOIN((text_t){error.msg, strlen(error.msg)}, TEXT(" at byte "), text_number(error.pos));
    }
    return doc;
}

yyjson_doc *json_read(text_t text, text_t *why) {
    return read(text, &of_call, why);
}

yyjson_doc *json_read_kept(text_t text, text_t *why) {
    return read(text, &kept, why);
}

yyjson_mut_doc *json_new(void) {
    return yyjson_mut_doc_new(&of_call);
}

text_t json_write(const yyjson_mut_val *value) {
    text_t text;
    text.ptr = yyjson_mut_val_write_opts(value, YYJSON_WRITE_NOFLAG, &of_call, &text.len, NULL);
    if (text.ptr == NULL) {
        abort(); /* What was read is UTF-8, and there is no other reason. */
    }
    return text;
}

static yyjson_mut_val *known_members(yyjson_mut_doc *doc, yyjson_val *object, const struct shape *members) {
    yyjson_mut_val *copy = yyjson_mut_obj(doc);
    for (; members->name != NULL; members++) {
        yyjson_val *member = yyjson_obj_get(object, members->name);
        if (member != NULL) {
            yyjson_mut_obj_add_val(doc, copy, members->name, json_known(doc, member, members->members));
        }
    }
    return copy;
}

yyjson_mut_val *json_known(yyjson_mut_doc *doc, yyjson_val *value, const struct shape *members) {
    if (members != NULL && yyjson_is_obj(value)) {
        return known_members(doc, value, members);
    }
    if (members != NULL && yyjson_is_arr(value)) {
        yyjson_mut_val *copy = yyjson_mut_arr(doc);
        size_t index, count;
        yyjson_val *element;
        yyjson_arr_foreach(value, index, count, element) {
            yyjson_mut_arr_append(copy, json_known(doc, element, members));
        }
        return copy;
    }
    return yyjson_val_mut_copy(doc, value);
}

bool json_is_text(yyjson_val *value, text_t *text) {
    if (!yyjson_is_str(value)) {
        return false;
    }
    *text = (text_t){yyjson_get_str(value), yyjson_get_len(value)};
    return true;
}

bool json_mut_is_text(yyjson_mut_val *value, text_t *text) {
    if (!yyjson_mut_is_str(value)) {
        return false;
    }
    *text = (text_t){yyjson_mut_get_str(value), yyjson_mut_get_len(value)};
    return true;
}

void json_set(yyjson_mut_doc *doc, yyjson_mut_val *object, text_t name, yyjson_mut_val *value) {
    yyjson_mut_obj_put(object, yyjson_mut_strn(doc, name.ptr, name.len), value);
}

void json_set_text(yyjson_mut_doc *doc, yyjson_mut_val *object, text_t name, text_t text) {
    json_set(doc, object, name, yyjson_mut_strn(doc, text.ptr, text.len));
}
