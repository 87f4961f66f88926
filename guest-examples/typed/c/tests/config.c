#include "config.h"

#include "check.h"
#include "json.h"

static struct config read(text_t json) {
    struct config config;
    text_t why;
    CHECK(config_read(&config, json, &why));
    return config;
}

static void check_defaults(struct config config) {
    CHECK(config.banned.len == 1 && text_equals(config.banned.items[0], TEXT("forbidden-word")));
    CHECK(config.secrets.len == 1 && text_equals(config.secrets.items[0], TEXT("TOP-SECRET")));
    CHECK_TEXT(config.system, TEXT("Rule of the typed C guard: be kind."));
    CHECK_TEXT(config.header, TEXT("c"));
    CHECK(config.closed_paths.len == 0 && config.models.len == 0 && config.answers.len == 0);
    CHECK(config.reads.ptr == NULL && !config.show_context);
}

static void null_and_an_empty_object_are_the_defaults(void) {
    check_defaults(read(TEXT("null")));
    check_defaults(read(TEXT("{}")));
}

static void a_null_system_message_is_none(void) {
    CHECK(read(TEXT("{\"system\": null}")).system.ptr == NULL);
    CHECK(read(TEXT("{\"system\": \"\"}")).system.ptr != NULL);
}

static void what_is_no_configuration_is_refused(void) {
    static const struct {
        text_t json;
        text_t why;
    } cases[] = {
        {TEXT(""), TEXT("input length is 0 at byte 0")},
        {TEXT("[]"), TEXT("the configuration is no object")},
        {TEXT("7"), TEXT("the configuration is no object")},
        {TEXT("{\"banned\": \"word\"}"), TEXT("`banned` is not a list of strings that are not empty")},
        {TEXT("{\"bannned\": []}"), TEXT("`bannned` is no member of the configuration")},
        {TEXT("{\"secrets\": [\"\"]}"), TEXT("`secrets` is not a list of strings that are not empty")},
        {TEXT("{\"closed_paths\": [7]}"), TEXT("`closed_paths` is not a list of strings")},
        {TEXT("{\"closed_paths\": {}}"), TEXT("`closed_paths` is not a list of strings")},
        {TEXT("{\"models\": {\"a\": 7}}"), TEXT("`models` is not an object whose values are strings")},
        {TEXT("{\"answers\": []}"), TEXT("`answers` is not an object whose values are strings")},
        {TEXT("{\"header\": null}"), TEXT("`header` is not a string")},
        {TEXT("{\"reads\": 7}"), TEXT("`reads` is not a string or null")},
        {TEXT("{\"show_context\": 1}"), TEXT("`show_context` is not true or false")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        text_t why;
        CHECK(!config_read(&config, cases[i].json, &why));
        CHECK_TEXT(why, cases[i].why);
    }
}

static void the_schema_is_json_and_states_the_defaults(void) {
    text_t why;
    yyjson_doc *schema = json_read(config_schema, &why);
    yyjson_mut_doc *defaults = json_new();
    yyjson_mut_doc_set_root(defaults, yyjson_mut_obj(defaults));
    size_t index, count;
    yyjson_val *name, *property;
    yyjson_obj_foreach(yyjson_obj_get(yyjson_doc_get_root(schema), "properties"), index, count, name, property) {
        yyjson_val *value = yyjson_obj_get(property, "default");
        yyjson_mut_obj_add(yyjson_mut_doc_get_root(defaults), yyjson_val_mut_copy(defaults, name),
                           yyjson_val_mut_copy(defaults, value));
    }
    CHECK(count == 9);
    check_defaults(read(json_write(defaults)));
}

static void another_model_may_be_another_upstreams(void) {
    struct config config = read(TEXT("{\"models\": {\"large\": \"small\", \"old\": \"mill/new/er\"}}"));
    text_t upstream, model;
    CHECK(config_instead_of(&config, TEXT("large"), &upstream, &model));
    CHECK(upstream.ptr == NULL && text_equals(model, TEXT("small")));
    CHECK(config_instead_of(&config, TEXT("old"), &upstream, &model));
    CHECK(text_equals(upstream, TEXT("mill")) && text_equals(model, TEXT("new/er")));
    CHECK(!config_instead_of(&config, TEXT("small"), &upstream, &model));
}

static void an_answer_is_found_whatever_space_is_around_the_question(void) {
    struct config config = read(TEXT("{\"answers\": {\"ping\": \"pong\"}}"));
    text_t answer;
    CHECK(config_answer_to(&config, TEXT(" ping\n"), &answer) && text_equals(answer, TEXT("pong")));
    CHECK(!config_answer_to(&config, TEXT("pings"), &answer));
}

static void a_banned_word_is_found_anywhere_in_a_text(void) {
    struct config config = read(TEXT("null"));
    CHECK(config_is_banned(&config, TEXT("say forbidden-words")));
    CHECK(!config_is_banned(&config, TEXT("say forbidden words")));
}

static void a_closed_path_is_closed_as_a_whole(void) {
    struct config config = read(TEXT("{\"closed_paths\": [\"/v1/models\", \"/v1/files\"]}"));
    CHECK(config_is_closed(&config, TEXT("/v1/files")));
    CHECK(!config_is_closed(&config, TEXT("/v1/files/1")));
}

void test_config(void) {
    null_and_an_empty_object_are_the_defaults();
    a_null_system_message_is_none();
    what_is_no_configuration_is_refused();
    the_schema_is_json_and_states_the_defaults();
    another_model_may_be_another_upstreams();
    an_answer_is_found_whatever_space_is_around_the_question();
    a_banned_word_is_found_anywhere_in_a_text();
    a_closed_path_is_closed_as_a_whole();
}
