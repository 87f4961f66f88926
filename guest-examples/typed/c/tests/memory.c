/* AddressSanitizer looks over these tests: memory that is used too late, or lost, ends them. */
#include "memory.h"

#include <stdint.h>
#include <string.h>

#include "check.h"

static text_t hook(text_t argument) {
    CALL_MEMORY;
    return JOIN(TEXT("got "), argument);
}

static text_t argument_from_host(void) {
    text_t argument = {call_alloc(3), 3};
    memcpy(argument.ptr, "one", 3);
    return argument;
}

static void what_a_hook_returns_outlives_it(void) {
    for (int call = 0; call < 3; call++) {
        text_t argument = argument_from_host();
        text_t returned = hook(argument);
        CHECK_TEXT(returned, TEXT("got one"));
        CHECK_TEXT(argument, TEXT("one"));
    }
}

static void what_is_kept_outlives_calls(void) {
    char *kept = kept_alloc(5);
    memcpy(kept, "kept", 5);
    hook(argument_from_host());
    hook(argument_from_host());
    CHECK(strcmp(kept, "kept") == 0);
}

static void memory_grows_with_what_is_in_it(void) {
    char *grown = call_realloc(call_realloc(NULL, 0, 2), 0, 2);
    memcpy(grown, "ab", 2);
    grown = call_realloc(grown, 2, 100);
    CHECK(memcmp(grown, "ab", 2) == 0);
    CHECK(memcmp(call_realloc(grown, 100, 1), "a", 1) == 0);
}

static void every_block_fits_every_type(void) {
    for (size_t size = 0; size < 20; size++) {
        CHECK((uintptr_t)call_alloc(size) % sizeof(uint64_t) == 0);
    }
}

void test_memory(void) {
    what_a_hook_returns_outlives_it();
    what_is_kept_outlives_calls();
    memory_grows_with_what_is_in_it();
    every_block_fits_every_type();
}
