// Chunks of streams, in whichever shape the provider sends them.

package main

import "encoding/json"

// A chunk of a chat: choices with a delta.
type chatChunk struct {
	Choices []chunkChoice `json:"choices"`
}

// The members that tell another shape by their presence are looked at only.
type chunkChoice struct {
	choice
	Text json.RawMessage `json:"text,omitempty"`
}

func (c *chatChunk) isChat() bool {
	for _, choice := range c.Choices {
		if choice.Text != nil || choice.Message != nil {
			return false
		}
	}
	return c.Choices != nil
}

// Every string of a value, each by itself.
func redactStrings(value any, mark string) any {
	switch value := value.(type) {
	case string:
		return config.redact(value, mark)
	case []any:
		for i := range value {
			value[i] = redactStrings(value[i], mark)
		}
	case map[string]any:
		for key, member := range value {
			value[key] = redactStrings(member, mark)
		}
	}
	return value
}
