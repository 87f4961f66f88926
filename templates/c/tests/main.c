#include "check.h"

int failures;

int main(void) {
    test_config();
    printf(failures == 0 ? "all tests passed\n" : "%d checks failed\n", failures);
    return failures != 0;
}
