/* The JSON library with the plugin's texts and memory. Numbers keep their digits. */
#ifndef JSON_H
#define JSON_H

#include "text.h"
#include "yyjson.h"

/* NULL: it is no JSON, and why. The document is memory of the call, or kept. */
yyjson_doc *json_read(text_t text, text_t *why);
yyjson_doc *json_read_kept(text_t text, text_t *why);

/* A document to be filled and written; memory of the call. */
yyjson_mut_doc *json_new(void);
yyjson_mut_doc *json_edit(yyjson_doc *read);
text_t json_write(yyjson_mut_doc *doc);

/* False: it is no string. */
bool json_is_text(yyjson_val *value, text_t *text);

/* Adds a member to an object of `doc`. The text is not copied. */
void json_add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, text_t text);

/* A text as a JSON string. */
text_t json_quote(text_t text);

#endif
