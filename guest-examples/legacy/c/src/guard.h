/* What the hooks share. */
#ifndef GUARD_H
#define GUARD_H

#include "config.h"
#include "json.h"

#define PATH TEXT(NAME "/path")
#define MESSAGES TEXT(NAME "/messages")
#define TOKENS TEXT(NAME "/tokens")
/* What is held back of a stream, followed by the number of its choice. */
#define HELD TEXT(NAME "/held/")

const struct config *guard_config(void);

/* One call of a hook. */
struct call {
    yyjson_val *input;
    yyjson_mut_doc *doc;     /* of the output */
    yyjson_mut_val *output;  /* what the hook fills */
    yyjson_mut_val *context; /* the request's: what is set here, later hooks find */
    text_t problem;          /* why the hook fails, where it does; else without a ptr */
};

/* Reads the input, calls the hook, and writes the output, in which it puts the context first. `failure` is the member
 * in which the host looks for a failure of the hook. */
text_t guard_run(text_t input, const char *failure, void (*hook)(struct call *call));

/* Takes over into the output what is known of a member of the input; NULL: there is none. */
yyjson_mut_val *guard_take(struct call *call, const char *member, const struct shape *shape);

/* A member of an object that is an object itself: the one that is there, or a new one. */
yyjson_mut_val *guard_object_in(struct call *call, yyjson_mut_val *object, text_t name);

/* The text of a value of the context; without a ptr where there is none. */
text_t guard_noted_text(const struct call *call, text_t key);

#endif
