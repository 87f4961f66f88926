/* How the host reaches the plugin: it writes its input into memory from malloc, and finds the output at a pointer
 * (upper 32 bits of what a function returns) with a length (lower 32 bits). It gives both back to free. These two are
 * the C library's own, exported by the linker. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "hooks.h"
#include "memory.h"

#define EXPORT(name) __attribute__((export_name(name)))

/* Moves a result to where the host may free it, and ends the call. */
static uint64_t output(text_t text) {
    char *address = malloc(text.len);
    if (address == NULL) {
        abort(); /* No output would mean "nothing to change": a guard fails instead. */
    }
    memcpy(address, text.ptr, text.len);
    call_free();
    return (uint64_t)(uintptr_t)address << 32 | text.len;
}

EXPORT("get_name") uint64_t export_get_name(void) {
    return output(TEXT("legacy-" NAME));
}

EXPORT("init") int32_t export_init(const char *address, size_t length) {
    bool usable = configure((text_t){address, length});
    call_free();
    return usable ? 0 : 1;
}

EXPORT("cleanup") int32_t export_cleanup(void) {
    return 0;
}

#define HOOK(name)                                                                                                     \
    EXPORT(#name) uint64_t export_##name(const char *address, size_t length) {                                         \
        return output(name((text_t){address, length}));                                                                \
    }

HOOK(http_pre_hook)
HOOK(pre_hook)
HOOK(post_hook)
HOOK(http_post_hook)
HOOK(http_stream_chunk_hook)
