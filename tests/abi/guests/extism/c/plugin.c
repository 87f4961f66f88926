/* What an Extism plugin may ask of its host, by hand: also what no kit does. With OLD it is what the kits up to 0.5
 * made: their imports, and none of the odd functions. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extism.h"

#define EXPORT(name) __attribute__((export_name(name)))
#define VOWELS "aeiouAEIOU"

/* Kits move eight bytes per call, and the rest one by one. */
static handle_t store(const char *bytes, size_t length) {
    handle_t block = extism_alloc(length);
    size_t at = 0;
    for (; at + 8 <= length; at += 8) {
        uint64_t word;
        memcpy(&word, bytes + at, 8);
        extism_store_u64(block + at, word);
    }
    for (; at < length; at++) {
        extism_store_u8(block + at, (uint8_t)bytes[at]);
    }
    return block;
}

static handle_t store_text(const char *text) {
    return store(text, strlen(text));
}

static char *allocated(size_t size) {
    char *memory = malloc(size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* With a NUL behind it. */
static char *input(size_t *length) {
    *length = (size_t)extism_input_length();
    char *bytes = allocated(*length + 1);
    size_t at = 0;
    for (; at + 8 <= *length; at += 8) {
        uint64_t word = extism_input_load_u64(at);
        memcpy(bytes + at, &word, 8);
    }
    for (; at < *length; at++) {
        bytes[at] = (char)extism_input_load_u8(at);
    }
    bytes[*length] = '\0';
    return bytes;
}

static int32_t succeed(const char *text) {
    extism_output_set(store_text(text), strlen(text));
    return 0;
}

EXPORT("echo") int32_t export_echo(void) {
    size_t length;
    char *bytes = input(&length);
    extism_output_set(store(bytes, length), length);
    free(bytes);
    return 0;
}

EXPORT("count_vowels") int32_t export_count_vowels(void) {
    size_t length;
    char *text = input(&length);
    uint64_t count = 0;
    for (size_t at = 0; at < length; at++) {
        count += text[at] != '\0' && strchr(VOWELS, text[at]) != NULL;
    }
    free(text);
    handle_t before = extism_var_get(store_text("total"));
    uint64_t total = count + (before == 0 ? 0 : extism_load_u64(before));
    extism_var_set(store_text("total"), store((const char *)&total, sizeof total));
    char answer[128];
    snprintf(answer, sizeof answer, "{\"count\":%llu,\"total\":%llu,\"vowels\":\"" VOWELS "\"}",
             (unsigned long long)count, (unsigned long long)total);
    return succeed(answer);
}

EXPORT("config_value") int32_t export_config_value(void) {
    size_t length;
    char *key = input(&length);
    handle_t value = extism_config_get(store(key, length));
    if (value == 0) {
        char *why;
        if (asprintf(&why, "no configuration value: %s", key) < 0) {
            abort();
        }
        extism_error_set(store_text(why));
        free(why);
        free(key);
        return 1;
    }
    free(key);
    extism_output_set(value, extism_length(value));
    return 0;
}

EXPORT("fail") int32_t export_fail(void) {
    size_t length;
    char *message = input(&length);
    extism_error_set(store(message, length));
    free(message);
    return 1;
}

EXPORT("log") int32_t export_log(void) {
    size_t length;
    char *text = input(&length);
    extism_log_info(store(text, length));
    free(text);
    return 0;
}

#ifndef OLD
/* The code that the input says, and nothing else. */
EXPORT("code") int32_t export_code(void) {
    size_t length;
    char *text = input(&length);
    int32_t code = atoi(text);
    free(text);
    return code;
}

/* An output, and a code that isn't 0. */
EXPORT("output_and_code") int32_t export_output_and_code(void) {
    succeed("an output");
    return 7;
}

/* An error, and the code 0. */
EXPORT("error_and_no_code") int32_t export_error_and_no_code(void) {
    succeed("an output");
    extism_error_set(store_text("an error with code 0"));
    return 0;
}

EXPORT("error_and_trap") int32_t export_error_and_trap(void) {
    extism_error_set(store_text("an error before a trap"));
    __builtin_trap();
}

EXPORT("error_taken_back") int32_t export_error_taken_back(void) {
    extism_error_set(store_text("taken back"));
    extism_error_set(0);
    return succeed("no error");
}

/* What is no block is no error. */
EXPORT("error_of_no_block") int32_t export_error_of_no_block(void) {
    extism_error_set(store_text("an error") + 1);
    return succeed("no error");
}

EXPORT("trap") int32_t export_trap(void) {
    __builtin_trap();
}

EXPORT("no_output") int32_t export_no_output(void) {
    return 0;
}

/* Of no type that has a code. */
EXPORT("no_result") void export_no_result(void) {
    succeed("no result");
}

EXPORT("long_result") int64_t export_long_result(void) {
    return 0;
}

EXPORT("takes_one") int32_t export_takes_one(int32_t it) {
    return it;
}

/* A part of a block: from the second byte of the input's copy to the last but one. */
EXPORT("inner_output") int32_t export_inner_output(void) {
    size_t length;
    char *bytes = input(&length);
    extism_output_set(store(bytes, length) + 1, length - 2);
    free(bytes);
    return 0;
}

/* Of the second one, which is empty, nothing is seen. */
EXPORT("empty_after_output") int32_t export_empty_after_output(void) {
    succeed("the first");
    extism_output_set(0, 0);
    return 0;
}

/* A handle that is none. */
EXPORT("no_handle") int32_t export_no_handle(void) {
    extism_config_get(1 << 20);
    return 0;
}

/* A number for each thing that the host's memory is known to do: all of them are 1. */
EXPORT("host_memory") int32_t export_host_memory(void) {
    handle_t block = store_text("0123456789");
    bool input_is_there = extism_input_length() == 0 || extism_length(extism_input_offset()) == extism_input_length();
    bool empty_is_zero = extism_alloc(0) == 0 && extism_length(0) == 0 && extism_length_unsafe(0) == 0;
    bool length_is_known = extism_length(block) == 10 && extism_length_unsafe(block) == 10;
    bool inside_is_no_block = extism_length(block + 1) == 0;
    bool far_is_zero = extism_load_u8(UINT64_C(1) << 40) == 0 && extism_load_u64(UINT64_C(1) << 40) == 0;
    extism_store_u8(UINT64_C(1) << 40, 1);
    extism_store_u64(UINT64_C(1) << 40, 1);
    uint64_t length = extism_input_length();
    bool input_ends = extism_input_load_u8(length) == 0 && extism_input_load_u64(length < 7 ? 0 : length - 7) == 0;
    extism_store_u64(block + 1, UINT64_C(0x6867666564636261));
    bool unaligned_is_fine = extism_load_u64(block + 1) == UINT64_C(0x6867666564636261) && extism_load_u8(block) == '0';
    extism_free(block);
    extism_free(block);
    extism_free(UINT64_C(1) << 40);
    bool freed_is_no_block = extism_length(block) == 0;
    succeed("0");
    bool output_is_known = extism_output_length() == 1 && extism_load_u8(extism_output_offset()) == '0';
    handle_t error = store_text("e");
    extism_error_set(error);
    bool error_is_known = extism_error_get() == error;
    extism_error_set(0);
    bool there_are_bytes = extism_memory_bytes() > 0;
    char answer[256];
    snprintf(answer, sizeof answer,
             "input_is_there %d, empty_is_zero %d, length_is_known %d, inside_is_no_block %d, far_is_zero %d, "
             "input_ends %d, unaligned_is_fine %d, freed_is_no_block %d, output_is_known %d, error_is_known %d, "
             "there_are_bytes %d",
             input_is_there, empty_is_zero, length_is_known, inside_is_no_block, far_is_zero, input_ends,
             unaligned_is_fine, freed_is_no_block, output_is_known, error_is_known, there_are_bytes);
    return succeed(answer);
}

/* As many blocks of a KiB as the input says, of which each other one is freed; says how many were given out. */
EXPORT("allocate") int32_t export_allocate(void) {
    size_t length;
    char *text = input(&length);
    int wanted = atoi(text), got = 0;
    free(text);
    for (int at = 0; at < wanted; at++) {
        handle_t block = extism_alloc(1024);
        got += block != 0;
        if (at % 2 == 1) {
            extism_free(block);
        }
    }
    char answer[16];
    snprintf(answer, sizeof answer, "%d", got);
    return succeed(answer);
}

/* A block that no memory holds: its handle. */
EXPORT("allocate_too_much") int32_t export_allocate_too_much(void) {
    return succeed(extism_alloc(UINT64_C(1) << 33) == 0 ? "0" : "a handle");
}

/* The guest's side of what is the host's: it empties the memory and makes up an input. */
EXPORT("host_side") int32_t export_host_side(void) {
    extism_reset();
    handle_t block = store_text("made up");
    extism_input_set(block, 7);
    return export_echo();
}
#endif
