// What the guard keeps in a request's context, which travels both ways. A key that doesn't come back stays as it was.

package main

import (
	"encoding/json"
	"fmt"
)

// JSON values, as they came.
type requestContext map[string]json.RawMessage

const (
	pathKey     = name + "/path"
	messagesKey = name + "/messages"
	tokensKey   = name + "/tokens"
)

// Puts a string or a number there.
func (c *requestContext) set(key string, value any) {
	if *c == nil {
		*c = requestContext{}
	}
	(*c)[key], _ = json.Marshal(value)
}

// The string of that key; empty: there is none.
func (c requestContext) text(key string) string {
	var text string
	if json.Unmarshal(c[key], &text) != nil {
		return ""
	}
	return text
}

// Adds to the tokens that the request used, in all its attempts.
func (c *requestContext) count(used *usage) {
	if used == nil {
		return
	}
	var before int
	if json.Unmarshal((*c)[tokensKey], &before) != nil {
		before = 0
	}
	c.set(tokensKey, before+used.TotalTokens)
}

// Redacts a chunk of a choice; what of its text is held back lies in the context until the choice's next chunk.
func (c *requestContext) redactChunk(choice *choice, mark string) {
	key := fmt.Sprintf("%s/held/%d", name, choice.Index)
	before := c.text(key)
	if held := choice.redactChunk(before, mark); held != before {
		c.set(key, held)
	}
}
