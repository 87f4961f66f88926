#include "config.h"

#include <string.h>

#include "json.h"
#include "memory.h"

// clang-format off
#define JSON(...) #__VA_ARGS__
#define SCHEMA JSON({ \
  "$schema": "https://json-schema.org/draft/2020-12/schema", \
  "title": "heimdall-guard-c", \
  "type": "object", \
  "additionalProperties": false, \
  "properties": { \
    "banned": { \
      "description": "A request whose messages hold one of these words is refused. Case matters.", \
      "type": "array", \
      "items": { "type": "string", "minLength": 1 }, \
      "default": ["forbidden-word"] \
    }, \
    "secrets": { \
      "description": "These words never reach the client: answers and streams have [redacted] in their place.", \
      "type": "array", \
      "items": { "type": "string", "minLength": 1 }, \
      "default": ["TOP-SECRET"] \
    }, \
    "system": { \
      "description": "The system message put before the conversation; null: none.", \
      "type": ["string", "null"], \
      "default": "Rule of the typed C guard: be kind." \
    }, \
    "header": { \
      "description": "The value of x-guard-request, which requests get, and of x-guard, which responses get.", \
      "type": "string", \
      "default": "c" \
    }, \
    "closed_paths": { \
      "description": "Requests for these paths are answered with 403.", \
      "type": "array", \
      "items": { "type": "string", "minLength": 1 }, \
      "default": [] \
    }, \
    "models": { \
      "description": "Models that are asked in another one's place: `model`, or `upstream/model`, by the name that is asked for.", \
      "type": "object", \
      "additionalProperties": { "type": "string", "pattern": "^[^/]+(/.+)?$" }, \
      "default": {} \
    }, \
    "answers": { \
      "description": "What the guard answers itself, by what the last message says.", \
      "type": "object", \
      "additionalProperties": { "type": "string" }, \
      "default": {} \
    }, \
    "reads": { \
      "description": "A key of the request's context, of whichever plugin: its value goes into the response header x-guard-read.", \
      "type": ["string", "null"], \
      "default": null \
    }, \
    "show_context": { \
      "description": "Name the keys of the request's context in the response header x-guard-context.", \
      "type": "boolean", \
      "default": false \
    } \
  } \
})
// clang-format on

const text_t config_schema = {(uint8_t *)SCHEMA, sizeof SCHEMA - 1};

static bool read_text(yyjson_val *value, void *text) {
    return json_is_text(value, text);
}

static bool read_text_or_null(yyjson_val *value, void *text) {
    *(text_t *)text = (text_t){NULL, 0};
    return yyjson_is_null(value) || read_text(value, text);
}

static bool read_bool(yyjson_val *value, void *truth) {
    *(bool *)truth = yyjson_is_true(value);
    return yyjson_is_bool(value);
}

static bool read_texts(yyjson_val *value, void *texts) {
    text_t *items = kept_alloc(yyjson_get_len(value) * sizeof *items);
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

static bool read_words(yyjson_val *value, void *words) {
    if (!read_texts(value, words)) {
        return false;
    }
    const text_list_t *list = words;
    for (size_t i = 0; i < list->len; i++) {
        if (list->items[i].len == 0) {
            return false; /* An empty word is in every text. */
        }
    }
    return true;
}

static bool read_pairs(yyjson_val *value, void *pairs) {
    text_pair_t *items = kept_alloc(yyjson_get_len(value) * sizeof *items);
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
    text_t name;
    size_t offset;
    bool (*read)(yyjson_val *value, void *into);
    text_t wanted;
} members[] = {
#define MEMBER(name, read, wanted) {TEXT(#name), offsetof(struct config, name), read, TEXT(wanted)}
    MEMBER(banned, read_words, "a list of strings that are not empty"),
    MEMBER(secrets, read_words, "a list of strings that are not empty"),
    MEMBER(system, read_text_or_null, "a string or null"),
    MEMBER(header, read_text, "a string"),
    MEMBER(closed_paths, read_texts, "a list of strings"),
    MEMBER(models, read_pairs, "an object whose values are strings"),
    MEMBER(answers, read_pairs, "an object whose values are strings"),
    MEMBER(reads, read_text_or_null, "a string or null"),
    MEMBER(show_context, read_bool, "true or false"),
#undef MEMBER
};

static bool read_member(struct config *config, text_t name, yyjson_val *value, text_t *why) {
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const struct member *member = &members[i];
        if (text_equals(member->name, name)) {
            *why = JOIN(TEXT("`"), name, TEXT("` is not "), member->wanted);
            return member->read(value, (char *)config + member->offset);
        }
    }
    *why = JOIN(TEXT("`"), name, TEXT("` is no member of the configuration"));
    return false;
}

static struct config defaults(void) {
    static const text_t banned[] = {TEXT("forbidden-word")};
    static const text_t secrets[] = {TEXT("TOP-SECRET")};
    return (struct config){
        .banned = {banned, 1},
        .secrets = {secrets, 1},
        .system = TEXT("Rule of the typed C guard: be kind."),
        .header = TEXT("c"),
    };
}

bool config_read(struct config *config, text_t json, text_t *why) {
    *config = defaults();
    yyjson_doc *doc = json_read_kept(json, why);
    if (doc == NULL) {
        return false;
    }
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!yyjson_is_obj(root)) {
        *why = TEXT("the configuration is no object");
        return yyjson_is_null(root);
    }
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach(root, index, count, key, value) {
        text_t name;
        if (!json_is_text(key, &name) || !read_member(config, name, value, why)) {
            return false;
        }
    }
    return true;
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

bool config_instead_of(const struct config *config, text_t asked, text_t *upstream, text_t *model) {
    *upstream = (text_t){NULL, 0};
    if (!look_up(config->models, asked, model)) {
        return false;
    }
    const uint8_t *slash = memchr(model->ptr, '/', model->len);
    if (slash != NULL) {
        size_t len = (size_t)(slash - model->ptr);
        *upstream = (text_t){model->ptr, len};
        *model = (text_t){model->ptr + len + 1, model->len - len - 1};
    }
    return true;
}

bool config_answer_to(const struct config *config, text_t asked, text_t *answer) {
    return look_up(config->answers, text_trim(asked), answer);
}
