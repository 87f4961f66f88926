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
    yyjson_doc *doc = yyjson_read_opts((char *)text.ptr, text.len, YYJSON_READ_NUMBER_AS_RAW, memory, &error);
    if (doc == NULL) {
        *why = JOIN((text_t){(uint8_t *)error.msg, strlen(error.msg)}, TEXT(" at byte "),
                    text_number((uint32_t)error.pos));
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

yyjson_mut_doc *json_edit(yyjson_doc *read) {
    return yyjson_doc_mut_copy(read, &of_call);
}

text_t json_write(yyjson_mut_doc *doc) {
    text_t text;
    text.ptr = (uint8_t *)yyjson_mut_write_opts(doc, YYJSON_WRITE_NOFLAG, &of_call, &text.len, NULL);
    if (text.ptr == NULL) {
        abort(); /* The host's texts are UTF-8, and there is no other reason. */
    }
    return text;
}

bool json_is_text(yyjson_val *value, text_t *text) {
    if (!yyjson_is_str(value)) {
        return false;
    }
    *text = (text_t){(uint8_t *)yyjson_get_str(value), yyjson_get_len(value)};
    return true;
}

void json_add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, text_t text) {
    yyjson_mut_obj_add_strn(doc, object, name, (const char *)text.ptr, text.len);
}

text_t json_quote(text_t text) {
    yyjson_mut_doc *doc = json_new();
    yyjson_mut_doc_set_root(doc, yyjson_mut_strn(doc, (const char *)text.ptr, text.len));
    return json_write(doc);
}
