#include "config.h"

#include "check.h"

static struct config read(text_t json) {
    struct config config;
    CHECK(config_read(&config, json));
    return config;
}

static void no_bytes_and_an_empty_object_are_the_defaults(void) {
    const text_t nothing[] = {TEXT(""), TEXT("{}"), TEXT("{\"unknown\": 7}")};
    for (size_t i = 0; i < 3; i++) {
        struct config config = read(nothing[i]);
        CHECK(config.banned.len == 1 && text_equals(config.banned.items[0], TEXT("forbidden-word")));
        CHECK(config.secrets.len == 1 && text_equals(config.secrets.items[0], TEXT("TOP-SECRET")));
        CHECK_TEXT(config.system, TEXT("Rule of c: be kind."));
        CHECK_TEXT(config.header, TEXT("c"));
        CHECK(config.closed_paths.len == 0 && config.models.len == 0 && config.answers.len == 0);
        CHECK(config.reads.ptr == NULL);
    }
}

static void a_null_system_message_is_none(void) {
    CHECK(read(TEXT("{\"system\": null}")).system.ptr == NULL);
    CHECK(read(TEXT("{\"system\": \"\"}")).system.ptr != NULL);
}

static void what_is_no_configuration_is_refused(void) {
    static const text_t cases[] = {
        TEXT("{"),
        TEXT("7"),
        TEXT("null"),
        TEXT("[]"),
        TEXT("{\"banned\": \"word\"}"),
        TEXT("{\"secrets\": [7]}"),
        TEXT("{\"closed_paths\": {}}"),
        TEXT("{\"models\": {\"a\": 7}}"),
        TEXT("{\"answers\": []}"),
        TEXT("{\"header\": null}"),
        TEXT("{\"reads\": 7}"),
        TEXT("{\"system\": false}"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        CHECK(!config_read(&config, cases[i]));
    }
}

static void another_model_may_be_another_providers(void) {
    struct config config = read(TEXT("{\"models\": {\"large\": \"small\", \"old\": \"mill/new/er\"}}"));
    text_t provider, model;
    CHECK(config_instead_of(&config, TEXT("large"), &provider, &model));
    CHECK(provider.ptr == NULL && text_equals(model, TEXT("small")));
    CHECK(config_instead_of(&config, TEXT("old"), &provider, &model));
    CHECK(text_equals(provider, TEXT("mill")) && text_equals(model, TEXT("new/er")));
    CHECK(!config_instead_of(&config, TEXT("small"), &provider, &model));
}

static void an_answer_is_found_whatever_space_is_around_the_question(void) {
    struct config config = read(TEXT("{\"answers\": {\"ping\": \"pong\"}}"));
    text_t answer;
    CHECK(config_answer_to(&config, TEXT(" ping\n"), &answer) && text_equals(answer, TEXT("pong")));
    CHECK(!config_answer_to(&config, TEXT("pings"), &answer));
}

static void a_closed_path_is_closed_as_a_whole(void) {
    struct config config = read(TEXT("{\"closed_paths\": [\"/v1/models\", \"/v1/files\"]}"));
    CHECK(config_is_closed(&config, TEXT("/v1/files")));
    CHECK(!config_is_closed(&config, TEXT("/v1/files/1")));
}

void test_config(void) {
    no_bytes_and_an_empty_object_are_the_defaults();
    a_null_system_message_is_none();
    what_is_no_configuration_is_refused();
    another_model_may_be_another_providers();
    an_answer_is_found_whatever_space_is_around_the_question();
    a_closed_path_is_closed_as_a_whole();
}
