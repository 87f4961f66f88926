/* The plugin's configuration. */
#ifndef CONFIG_H
#define CONFIG_H

#include "text.h"

/* The guard's mark in all that it leaves. */
#define NAME "c"

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
};

struct config config_defaults(void);

/* Reads what the host gives to init; no bytes stand for no configuration. False: it can't be used. */
bool config_read(struct config *config, text_t json);

bool config_is_banned(const struct config *config, text_t text);
bool config_is_closed(const struct config *config, text_t path);

/* False: the model is asked itself. `provider` has no ptr unless one is named. */
bool config_instead_of(const struct config *config, text_t asked, text_t *provider, text_t *model);

/* The answer to a text that is asked; false: there is none. */
bool config_answer_to(const struct config *config, text_t asked, text_t *answer);

#endif
