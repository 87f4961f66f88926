/* Who owns what, so that a hook need not ask.
 *
 * What is allocated with call_alloc is there until the hook has returned: abi.c copies what it returned for the host,
 * then frees all of it with call_free. What has to last as long as the plugin is allocated with kept_alloc. Nothing is
 * freed by hand. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

/* None of them returns NULL: without memory the plugin traps. The bytes are not cleared. */
void *call_alloc(size_t size);
void *call_realloc(void *old, size_t old_size, size_t size);
void *kept_alloc(size_t size);

void call_free(void);

#endif
