#include "memory.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct block {
    alignas(max_align_t) struct block *next;
};

static struct block *of_call;
static struct block *kept;

/* The host reads what a hook returned after the hook has ended, so its memory is freed when the next call first
 * allocates. */
static bool ended;

static void *allocate(struct block **blocks, size_t size) {
    struct block *block = size > SIZE_MAX - sizeof *block ? NULL : malloc(sizeof *block + size);
    if (block == NULL) {
        abort();
    }
    block->next = *blocks;
    *blocks = block;
    return block + 1;
}

static void free_call(void) {
    while (of_call != NULL) {
        struct block *next = of_call->next;
        free(of_call);
        of_call = next;
    }
}

void *call_alloc(size_t size) {
    if (ended) {
        free_call();
        ended = false;
    }
    return allocate(&of_call, size);
}

void *call_realloc(void *old, size_t old_size, size_t size) {
    void *new = call_alloc(size);
    if (old_size != 0) {
        memcpy(new, old, old_size < size ? old_size : size);
    }
    return new;
}

void *kept_alloc(size_t size) {
    return allocate(&kept, size);
}

void call_end(const char *unused) {
    (void)unused;
    ended = true;
}

#ifdef __wasm__
/* The host and the bindings allocate with this one; the bindings' own is weak. The host asks for an alignment of 8 at
 * most, which every block has. */
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size);

void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)align;
    return call_realloc(old, old_size, size);
}
#endif
