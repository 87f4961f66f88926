/* The functions of an Extism host, as extism:host/env has them, or as older kits (up to 0.5) import them from env. */
#ifndef EXTISM_H
#define EXTISM_H

#include <stdint.h>

#ifdef OLD
#define EXTISM(name) __attribute__((import_module("env"), import_name("extism_" #name))) extern
#else
#define EXTISM(name) __attribute__((import_module("extism:host/env"), import_name(#name))) extern
#endif

typedef uint64_t handle_t;

EXTISM(alloc) handle_t extism_alloc(uint64_t size);
EXTISM(free) void extism_free(handle_t block);
EXTISM(length) uint64_t extism_length(handle_t block);
EXTISM(load_u8) uint8_t extism_load_u8(uint64_t address);
EXTISM(load_u64) uint64_t extism_load_u64(uint64_t address);
EXTISM(store_u8) void extism_store_u8(uint64_t address, uint8_t byte);
EXTISM(store_u64) void extism_store_u64(uint64_t address, uint64_t word);
EXTISM(input_length) uint64_t extism_input_length(void);
EXTISM(input_load_u8) uint8_t extism_input_load_u8(uint64_t offset);
EXTISM(input_load_u64) uint64_t extism_input_load_u64(uint64_t offset);
EXTISM(output_set) void extism_output_set(uint64_t address, uint64_t length);
EXTISM(error_set) void extism_error_set(handle_t text);
EXTISM(config_get) handle_t extism_config_get(handle_t key);
EXTISM(var_get) handle_t extism_var_get(handle_t key);
EXTISM(var_set) void extism_var_set(handle_t key, handle_t value);
EXTISM(log_info) void extism_log_info(handle_t text);

#ifndef OLD
EXTISM(length_unsafe) uint64_t extism_length_unsafe(handle_t block);
EXTISM(input_offset) uint64_t extism_input_offset(void);
EXTISM(input_set) void extism_input_set(handle_t block, uint64_t length);
EXTISM(output_offset) uint64_t extism_output_offset(void);
EXTISM(output_length) uint64_t extism_output_length(void);
EXTISM(error_get) handle_t extism_error_get(void);
EXTISM(memory_bytes) uint64_t extism_memory_bytes(void);
EXTISM(reset) void extism_reset(void);
#endif

#endif
