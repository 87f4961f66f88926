//go:build wasm

// How the host reaches the plugin: it writes its input into memory from plugin_malloc, and finds the output at a
// pointer (upper 32 bits of what a function returns) with a length (lower 32 bits). It frees both. A command's functions
// are under //export: those under //go:wasmexport panic once main has returned.

package main

import "unsafe"

// What the host has and didn't free yet, by its address: the collector must not take it meanwhile. It moves nothing.
var live = map[uint32][]byte{}

func keep(bytes []byte) uint32 {
	address := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(bytes))))
	live[address] = bytes
	return address
}

//export plugin_malloc
func pluginMalloc(size uint32) uint32 { return keep(make([]byte, max(size, 1))) }

//export plugin_free
func pluginFree(address uint32) { delete(live, address) }

// The host passes (0, 0) for an empty input.
func input(address, length uint32) []byte {
	if length == 0 {
		return nil
	}
	return live[address][:length]
}

func output(bytes []byte) uint64 { return uint64(keep(bytes))<<32 | uint64(len(bytes)) }

//export get_name
func getName() uint64 { return output([]byte("legacy-" + name)) }

// A Go function called init would run before main.
//
//export init
func initialize(address, length uint32) int32 {
	if err := configure(input(address, length)); err != nil {
		return 1
	}
	return 0
}

//export cleanup
func cleanup() int32 { return 0 }

//export http_transport_intercept
func exportHTTPTransportIntercept(context, contextLength, request, requestLength uint32) uint64 {
	return output(httpTransportIntercept(input(context, contextLength), input(request, requestLength)))
}

//export pre_hook
func exportPreHook(context, contextLength, request, requestLength uint32) uint64 {
	return output(preHook(input(context, contextLength), input(request, requestLength)))
}

//export post_hook
func exportPostHook(context, contextLength, response, responseLength, upstreamError, errorLength uint32) uint64 {
	return output(postHook(input(context, contextLength), input(response, responseLength), input(upstreamError, errorLength)))
}
