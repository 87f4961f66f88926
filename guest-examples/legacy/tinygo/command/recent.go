// What the guard keeps of requests between their hooks. Generation 1 tells a hook no more than the request's id, and has
// no hook at a request's end.

package main

import "slices"

const maxRequests = 1000

// A value for each of the latest requests, by their ids: of too many the oldest is forgotten.
type recent[V any] struct {
	values map[string]V
	ids    []string // oldest first
}

func (r *recent[V]) get(id string) V { return r.values[id] }

func (r *recent[V]) set(id string, value V) {
	if r.values == nil {
		r.values = map[string]V{}
	}
	if _, known := r.values[id]; !known {
		if len(r.ids) == maxRequests {
			r.forget(r.ids[0])
		}
		r.ids = append(r.ids, id)
	}
	r.values[id] = value
}

func (r *recent[V]) forget(id string) {
	if _, known := r.values[id]; known {
		delete(r.values, id)
		r.ids = slices.DeleteFunc(r.ids, func(other string) bool { return other == id })
	}
}

var (
	paths recent[string]
	// What is held back of streams' texts, by choice.
	held recent[map[int]string]
)

// Redacts a chunk of a choice; what of its text is held back lies here until the choice's next chunk.
func redactChunk(id string, choice *choice) {
	choices := held.get(id)
	rest := choice.redactChunk(choices[choice.Index], mark)
	switch {
	case rest != "":
		if choices == nil {
			choices = map[int]string{}
		}
		choices[choice.Index] = rest
		held.set(id, choices)
	case choices != nil:
		if delete(choices, choice.Index); len(choices) == 0 {
			held.forget(id)
		}
	}
}
