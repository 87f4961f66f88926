/* Who owns what, so that a hook need not ask.
 *
 * What the host hands over (arguments, and what its functions return) and what is allocated with call_alloc is memory
 * of the call. It is there until the hook has returned and the host has read the result; nothing of it is freed by
 * hand. So a hook may return literals, parts of its arguments, or what it has made, in any mixture. The bindings keep
 * to it too: bindings.c.
 *
 * What has to last as long as the plugin is allocated with kept_alloc. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

/* Stands first in each function that the host calls. */
#define CALL_MEMORY __attribute__((cleanup(call_end), unused)) char call_memory

/* None of them returns NULL: without memory the plugin traps. The bytes are not cleared. */
void *call_alloc(size_t size);
void *call_realloc(void *old, size_t old_size, size_t size);
void *kept_alloc(size_t size);

/* What CALL_MEMORY does at the end of the function. */
void call_end(const char *unused);

#endif
