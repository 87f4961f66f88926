#include "check.h"

int failures;

int main(void) {
    test_config();
    test_hooks();
    test_memory();
    test_redact();
    test_stream();
    test_text();
    printf(failures == 0 ? "all tests passed\n" : "%d checks failed\n", failures);
    return failures != 0;
}
