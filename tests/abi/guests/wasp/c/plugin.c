/* One function for each thing that a Wasp plugin asks of its host. It is a command: its _start ends in an exit, and is
 * not called. What the host wrote is passed on to it where that is enough, so one address may be freed for two
 * reasons.
 *
 * Of a command each exported function runs the constructors and destructors of the C library, and so the plugin wears
 * out, unless it calls them itself. With WEARS_OUT it doesn't. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

IMPORT("env", "raise_error") void host_raise_error(const char *text);
IMPORT("env", "add") int32_t host_add(int32_t a, int32_t b);
IMPORT("plugin", "upper") char *host_upper(const char *text);

void __wasm_call_ctors(void);

static void make_ready(void) {
#ifndef WEARS_OUT
    static bool is_ready;
    if (!is_ready) {
        is_ready = true;
        __wasm_call_ctors();
    }
#endif
}

int main(void) {
    make_ready();
    puts("_start was called");
    exit(0);
}

EXPORT("allocate") void *plugin_allocate(size_t size) {
    make_ready();
    return malloc(size);
}

EXPORT("deallocate") void plugin_deallocate(void *address, size_t size) {
    (void)size;
    free(address);
}

EXPORT("get_string_size") size_t plugin_get_string_size(const char *text) {
    return strlen(text);
}

static char *copy(const char *text) {
    char *copied = strdup(text);
    if (copied == NULL) {
        abort();
    }
    return copied;
}

EXPORT("greet") char *plugin_greet(const char *name) {
    char *text;
    if (asprintf(&text, "Hello, %s!", name) < 0) {
        abort();
    }
    return text;
}

EXPORT("echo_bytes") void *plugin_echo_bytes(const void *bytes) {
    uint32_t length;
    memcpy(&length, bytes, sizeof length);
    void *echoed = malloc(sizeof length + length);
    if (echoed == NULL) {
        abort();
    }
    return memcpy(echoed, bytes, sizeof length + length);
}

/* The very bytes that came in. */
EXPORT("same_bytes") const void *plugin_same_bytes(const void *bytes) {
    return bytes;
}

EXPORT("add") int32_t plugin_add(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* A failure of the call, though it returns a text. */
EXPORT("fail") char *plugin_fail(const char *message) {
    host_raise_error(message);
    return copy("of no use");
}

/* In upper case, and behind it how long it is with a NUL: both said by the host. */
EXPORT("callback") char *plugin_callback(const char *message) {
    int32_t length = host_add((int32_t)strlen(message), 1);
    char *upper = host_upper(message);
    char *text;
    if (asprintf(&text, "%s %d", upper, (int)length) < 0) {
        abort();
    }
    free(upper);
    return text;
}

/* How often it was called. */
EXPORT("count") int32_t plugin_count(void) {
    static int32_t count;
    return ++count;
}

/* The first line of a file of the workspace. */
EXPORT("read_line") char *plugin_read_line(const char *path) {
    char line[256] = "";
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        host_raise_error(copy("there is no such file"));
        return copy("");
    }
    if (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
    }
    fclose(file);
    return copy(line);
}

EXPORT("environment") char *plugin_environment(const char *name) {
    const char *value = getenv(name);
    return copy(value == NULL ? "" : value);
}

EXPORT("print") void plugin_print(const char *text) {
    puts(text);
    fflush(stdout);
}

EXPORT("exit_with") void plugin_exit_with(int32_t code) {
    exit(code);
}

EXPORT("panics") void plugin_panics(void) {
    __builtin_trap();
}

EXPORT("spin") void plugin_spin(void) {
    for (volatile int i = 0;; i++) {
    }
}

/* How many MiB it has got by now, none of which is ever freed; -1: there are no more. */
EXPORT("grow") int32_t plugin_grow(int32_t wanted) {
    static int32_t mebibytes;
    while (wanted-- > 0) {
        void *piece = malloc(1 << 20);
        if (piece == NULL) {
            return -1;
        }
        memset(piece, 1, 1 << 20);
        mebibytes++;
    }
    return mebibytes;
}
