#include "config.h"

#include <string.h>

#include "json.h"
#include "memory.h"

static bool read_text(yyjson_val *value, void *text) {
    return json_is_text(value, text);
}

static bool read_text_or_null(yyjson_val *value, void *text) {
    *(text_t *)text = (text_t){NULL, 0};
    return yyjson_is_null(value) || read_text(value, text);
}

static bool read_texts(yyjson_val *value, void *texts) {
    text_t *items = kept_alloc(yyjson_arr_size(value) * sizeof *items);
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach(value, index, count, item) {
        if (!json_is_text(item, &items[index])) {
            return false;
        }
    }
    *(text_list_t *)texts = (text_list_t){items, yyjson_arr_size(value)};
    return yyjson_is_arr(value);
}

static bool read_pairs(yyjson_val *value, void *pairs) {
    text_pair_t *items = kept_alloc(yyjson_obj_size(value) * sizeof *items);
    size_t index, count;
    yyjson_val *key, *item;
    yyjson_obj_foreach(value, index, count, key, item) {
        if (!json_is_text(key, &items[index].key) || !json_is_text(item, &items[index].value)) {
            return false;
        }
    }
    *(text_pairs_t *)pairs = (text_pairs_t){items, yyjson_obj_size(value)};
    return yyjson_is_obj(value);
}

static const struct member {
    const char *name;
    size_t offset;
    bool (*read)(yyjson_val *value, void *into);
} members[] = {
#define MEMBER(name, read)                                                                                             \
    { #name, offsetof(struct config, name), read }
    MEMBER(banned, read_texts),       MEMBER(secrets, read_texts),      MEMBER(system, read_text_or_null),
    MEMBER(header, read_text),        MEMBER(models, read_pairs),       MEMBER(answers, read_pairs),
    MEMBER(closed_paths, read_texts), MEMBER(reads, read_text_or_null),
#undef MEMBER
};

struct config config_defaults(void) {
    static const text_t banned[] = {TEXT("forbidden-word")};
    static const text_t secrets[] = {TEXT("TOP-SECRET")};
    return (struct config){
        .banned = {banned, 1},
        .secrets = {secrets, 1},
        .system = TEXT("Rule of " NAME ": be kind."),
        .header = TEXT(NAME),
    };
}

bool config_read(struct config *config, text_t json) {
    *config = config_defaults();
    if (json.len == 0) {
        return true;
    }
    text_t why;
    yyjson_val *root = yyjson_doc_get_root(json_read_kept(json, &why));
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        yyjson_val *value = yyjson_obj_get(root, members[i].name);
        if (value != NULL && !members[i].read(value, (char *)config + members[i].offset)) {
            return false;
        }
    }
    return yyjson_is_obj(root);
}

bool config_is_banned(const struct config *config, text_t text) {
    for (size_t i = 0; i < config->banned.len; i++) {
        if (text_contains(text, config->banned.items[i])) {
            return true;
        }
    }
    return false;
}

bool config_is_closed(const struct config *config, text_t path) {
    for (size_t i = 0; i < config->closed_paths.len; i++) {
        if (text_equals(path, config->closed_paths.items[i])) {
            return true;
        }
    }
    return false;
}

static bool look_up(text_pairs_t pairs, text_t key, text_t *value) {
    for (size_t i = 0; i < pairs.len; i++) {
        if (text_equals(pairs.items[i].key, key)) {
            *value = pairs.items[i].value;
            return true;
        }
    }
    return false;
}

bool config_instead_of(const struct config *config, text_t asked, text_t *provider, text_t *model) {
    *provider = (text_t){NULL, 0};
    if (!look_up(config->models, asked, model)) {
        return false;
    }
    const char *slash = memchr(model->ptr, '/', model->len);
    if (slash != NULL) {
        size_t len = (size_t)(slash - model->ptr);
        *provider = (text_t){model->ptr, len};
        *model = (text_t){slash + 1, model->len - len - 1};
    }
    return true;
}

bool config_answer_to(const struct config *config, text_t asked, text_t *answer) {
    return look_up(config->answers, text_trim(asked), answer);
}
