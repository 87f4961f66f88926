/* The plugin's configuration. */
#ifndef CONFIG_H
#define CONFIG_H

#include "text.h"

/* What the host checks a configuration against before it calls init. */
extern const text_t config_schema;

typedef struct {
    text_t key;
    text_t value;
} text_pair_t;

typedef struct {
    const text_pair_t *items;
    size_t len;
} text_pairs_t;

struct config {
    text_list_t banned;
    text_list_t secrets;
    text_t system; /* ptr is NULL: none */
    text_t header;
    text_list_t closed_paths;
    text_pairs_t models;
    text_pairs_t answers;
    text_t reads; /* ptr is NULL: none */
    bool show_context;
};

/* Reads what the host gives to init; `null` stands for no configuration. False: it can't be used, and why. */
bool config_read(struct config *config, text_t json, text_t *why);

bool config_is_banned(const struct config *config, text_t text);
bool config_is_closed(const struct config *config, text_t path);

/* False: the model is asked itself. `upstream` has no ptr unless another one is named. */
bool config_instead_of(const struct config *config, text_t asked, text_t *upstream, text_t *model);

/* The answer to a text that is asked; false: there is none. */
bool config_answer_to(const struct config *config, text_t asked, text_t *answer);

#endif
