/* The generated bindings. They free nothing: what they allocate is memory of the call (memory.c has their
 * cabi_realloc). */
#include <stdlib.h>

#define free(pointer) ((void)(pointer))
#include "plugin.c"
