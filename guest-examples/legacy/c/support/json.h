/* The JSON library with the plugin's texts and memory. */
#ifndef JSON_H
#define JSON_H

#include "text.h"
#include "yyjson.h"

/* NULL: it is no JSON, and why. The document is memory of the call, or kept. */
yyjson_doc *json_read(text_t text, text_t *why);
yyjson_doc *json_read_kept(text_t text, text_t *why);

/* A document to be filled and written, and a value of one; memory of the call. */
yyjson_mut_doc *json_new(void);
text_t json_write(const yyjson_mut_val *value);

/* What a plugin knows of a JSON value, as structs would say it in other languages. */
struct shape {
    const char *name;            /* of the member; NULL ends a list of members */
    const struct shape *members; /* of the member's value, or of the elements of its list; NULL: it is known whole */
};

#define WHOLE(name)                                                                                                    \
    { name, NULL }
#define END                                                                                                            \
    { NULL, NULL }

/* Copies what is known of a value. NULL stands for a value that isn't there, and so it does below. */
yyjson_mut_val *json_known(yyjson_mut_doc *doc, yyjson_val *value, const struct shape *members);

/* False: it is no string. */
bool json_is_text(yyjson_val *value, text_t *text);
bool json_mut_is_text(yyjson_mut_val *value, text_t *text);

/* Sets a member of an object, in the place of one of that name. Neither name nor text are copied. */
void json_set(yyjson_mut_doc *doc, yyjson_mut_val *object, text_t name, yyjson_mut_val *value);
void json_set_text(yyjson_mut_doc *doc, yyjson_mut_val *object, text_t name, text_t text);

#endif
