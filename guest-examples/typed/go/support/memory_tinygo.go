//go:build tinygo

package support

import "unsafe"

//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	return call.realloc(old, oldSize, align, size)
}
