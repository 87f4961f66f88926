//go:build wasip1

// How the host reaches the plugin: it writes its input into memory from malloc, and finds the output at a pointer (upper
// 32 bits of what a function returns) with a length (lower 32 bits). It frees both.

package main

import "unsafe"

// What the host has and didn't free yet, by its address: the collector must not take it meanwhile. It moves nothing.
var live = map[uint32][]byte{}

func keep(bytes []byte) uint32 {
	address := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(bytes))))
	live[address] = bytes
	return address
}

//go:wasmexport malloc
func malloc(size uint32) uint32 { return keep(make([]byte, max(size, 1))) }

//go:wasmexport free
func free(address uint32) { delete(live, address) }

// The host passes (0, 0) for an empty input.
func input(address, length uint32) []byte {
	if length == 0 {
		return nil
	}
	return live[address][:length]
}

func output(bytes []byte) uint64 { return uint64(keep(bytes))<<32 | uint64(len(bytes)) }

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

//go:wasmexport http_pre_hook
func exportHTTPPreHook(address, length uint32) uint64 {
	return output(httpPreHook(input(address, length)))
}

//go:wasmexport http_post_hook
func exportHTTPPostHook(address, length uint32) uint64 {
	return output(httpPostHook(input(address, length)))
}

//go:wasmexport http_stream_chunk_hook
func exportHTTPStreamChunkHook(address, length uint32) uint64 {
	return output(httpStreamChunkHook(input(address, length)))
}

//go:wasmexport pre_hook
func exportPreHook(address, length uint32) uint64 { return output(preHook(input(address, length))) }

//go:wasmexport post_hook
func exportPostHook(address, length uint32) uint64 { return output(postHook(input(address, length))) }
