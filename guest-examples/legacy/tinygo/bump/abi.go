//go:build wasm

// How the host reaches the plugin: it writes its input into memory from plugin_malloc, and finds the output at a
// pointer (upper 32 bits of what a function returns) with a length (lower 32 bits).

package main

import "unsafe"

// TinyGo exports a malloc of its own, which its collector knows of; what is passed to and fro lies here instead. The
// heap only counts up: once it is full, the host calls plugin_reset or starts a fresh instance.
const (
	heapSize  = 4 << 20
	alignment = 8
)

var (
	heap [heapSize]byte
	used uint32
)

//go:wasmexport plugin_malloc
func pluginMalloc(size uint32) uint32 {
	if size > heapSize-used {
		return 0
	}
	address := uint32(uintptr(unsafe.Pointer(&heap))) + used
	used = min(heapSize, (used+size+alignment-1)/alignment*alignment)
	return address
}

//go:wasmexport plugin_free
func pluginFree(uint32) {}

//go:wasmexport plugin_reset
func pluginReset() { used = 0 }

// The host passes (0, 0) for an empty input.
func input(address, length uint32) []byte {
	if length == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(address))), length)
}

func output(bytes []byte) uint64 {
	length := uint32(len(bytes))
	address := pluginMalloc(length)
	if address == 0 {
		// No output would mean "nothing to change": a guard fails instead.
		panic("the heap is full")
	}
	copy(input(address, length), bytes)
	return uint64(address)<<32 | uint64(length)
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
