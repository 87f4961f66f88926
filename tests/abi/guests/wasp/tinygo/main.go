//go:build wasm

// One function for each thing that a Wasp plugin asks of its host.
//
// The host calls no initialiser, without which TinyGo's heap begins at address 0. So the plugin calls its own before it
// first allocates, unless the host did.

package main

import (
	"runtime/volatile"
	"strconv"
	"unsafe"
)

func main() {}

//go:wasmimport env raise_error
func hostRaiseError(text *byte)

//go:wasmimport env add
func hostAdd(a, b int32) int32

//go:wasmimport plugin upper
func hostUpper(text *byte) *byte

// The entry of the runtime, which the host may have called itself.
//
//go:linkname initialize _initialize
func initialize()

// Whether packages were initialised: 1. Volatile, lest the compiler does that beforehand.
var initialized uint8

func init() { volatile.StoreUint8(&initialized, 1) }

// TinyGo's malloc and free for C: what they give out stays until it is freed. The collector knows nothing of addresses
// that the host has.
//
//go:linkname malloc malloc
func malloc(size uintptr) *byte

//go:linkname free free
func free(address *byte)

//export allocate
func allocate(size uint32) *byte {
	if volatile.LoadUint8(&initialized) == 0 {
		initialize()
	}
	return malloc(uintptr(max(size, 1)))
}

//export deallocate
func deallocate(address *byte, size uint32) { free(address) }

//export get_string_size
func getStringSize(text *byte) uint32 {
	size := uint32(0)
	for *(*byte)(unsafe.Add(unsafe.Pointer(text), size)) != 0 {
		size++
	}
	return size
}

func read(text *byte) string { return unsafe.String(text, getStringSize(text)) }

func give(text string) *byte {
	address := allocate(uint32(len(text)) + 1)
	bytes := unsafe.Slice(address, len(text)+1)
	copy(bytes, text)
	bytes[len(text)] = 0
	return address
}

//export greet
func greet(name *byte) *byte { return give("Hello, " + read(name) + "!") }

//export echo_bytes
func echoBytes(bytes *byte) *byte {
	length := *(*uint32)(unsafe.Pointer(bytes))
	echoed := allocate(4 + length)
	copy(unsafe.Slice(echoed, 4+length), unsafe.Slice(bytes, 4+length))
	return echoed
}

//export add
func add(a, b int32) int32 { return a + b }

//export fail
func fail(message *byte) *byte {
	hostRaiseError(give(read(message)))
	return give("of no use")
}

// In upper case, and behind it how long it is with a NUL: both said by the host.
//
//export callback
func callback(message *byte) *byte {
	upper := hostUpper(give(read(message)))
	length := hostAdd(int32(getStringSize(message)), 1)
	result := give(read(upper) + " " + strconv.Itoa(int(length)))
	free(upper)
	return result
}

var counted int32

// How often it was called.
//
//export count
func count() int32 {
	counted++
	return counted
}

//export panics
func panics() { panic("panicked") }

//export print
func print_(text *byte) { println(read(text)) }
