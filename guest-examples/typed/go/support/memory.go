package support

import "unsafe"

// memory is what the host was given to write to. The collector can't see that the host holds it, so it is kept until
// the hook has returned.
type memory struct{ given [][]uint64 }

// realloc does what the canonical ABI wants of cabi_realloc.
func (m *memory) realloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if size == 0 {
		// Nothing is written there. Made of a pointer, which the alignment is not.
		return unsafe.Add(unsafe.Pointer(nil), align)
	}
	// Of 64 bits, since the ABI asks for an alignment of 8 at most.
	words := make([]uint64, (size+7)/8)
	block := unsafe.Pointer(unsafe.SliceData(words))
	copy(unsafe.Slice((*byte)(block), size), unsafe.Slice((*byte)(old), oldSize))
	m.given = append(m.given, words)
	return block
}

func (m *memory) release() {
	clear(m.given)
	m.given = m.given[:0]
}

// One call at a time is in an instance.
var call memory
