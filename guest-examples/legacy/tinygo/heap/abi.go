//go:build wasm

// How the host reaches the plugin: it writes its input into memory from malloc, and finds the output at a pointer (upper
// 32 bits of what a function returns) with a length (lower 32 bits). It frees both.

package main

import "unsafe"

// TinyGo exports malloc and free for C: what they give out stays alive until it is freed. So the output, too, has to come
// from there: the collector knows nothing of addresses that the host has.
//
//go:linkname malloc malloc
func malloc(size uintptr) unsafe.Pointer

// The host passes (0, 0) for an empty input.
func input(address, length uint32) []byte {
	if length == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(address))), length)
}

func output(bytes []byte) uint64 {
	address := malloc(uintptr(len(bytes)))
	copy(unsafe.Slice((*byte)(address), len(bytes)), bytes)
	return uint64(uintptr(address))<<32 | uint64(len(bytes))
}

//go:wasmexport get_name
func getName() uint64 { return output([]byte("legacy-" + name)) }

// A Go function called init would run before main.
//
//go:wasmexport init
func initialize(address, length uint32) int32 {
	if err := configure(input(address, length)); err != nil {
		return 1
	}
	return 0
}

//go:wasmexport cleanup
func cleanup() int32 { return 0 }

//go:wasmexport http_intercept
func exportHTTPIntercept(address, length uint32) uint64 {
	return output(httpIntercept(input(address, length)))
}

//go:wasmexport pre_hook
func exportPreHook(address, length uint32) uint64 { return output(preHook(input(address, length))) }

//go:wasmexport post_hook
func exportPostHook(address, length uint32) uint64 { return output(postHook(input(address, length))) }
