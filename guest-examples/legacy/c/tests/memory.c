/* AddressSanitizer looks over these tests: memory that is used too late, or lost, ends them. */
#include "memory.h"

#include <string.h>

#include "check.h"

static void what_is_kept_outlives_calls(void) {
    char *kept = kept_alloc(5);
    memcpy(kept, "kept", 5);
    for (int call = 0; call < 3; call++) {
        CHECK_TEXT(JOIN(TEXT("got "), TEXT("one")), TEXT("got one"));
        call_free();
    }
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
    what_is_kept_outlives_calls();
    memory_grows_with_what_is_in_it();
    every_block_fits_every_type();
    call_free();
}
