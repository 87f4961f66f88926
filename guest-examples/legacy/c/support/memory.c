#include "memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct block {
    alignas(max_align_t) struct block *next;
};

static struct block *of_call;
static struct block *kept;

static void *allocate(struct block **blocks, size_t size) {
    struct block *block = size > SIZE_MAX - sizeof *block ? NULL : malloc(sizeof *block + size);
    if (block == NULL) {
        abort();
    }
    block->next = *blocks;
    *blocks = block;
    return block + 1;
}

void *call_alloc(size_t size) {
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

void call_free(void) {
    while (of_call != NULL) {
        struct block *next = of_call->next;
        free(of_call);
        of_call = next;
    }
}
