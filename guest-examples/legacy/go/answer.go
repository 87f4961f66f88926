// What the guard does to answers, and to the chunks of streamed ones.

package main

// In a whole answer.
func (m *message) redact(mark string) {
	switch content := m.Content.(type) {
	case string:
		m.Content = config.redact(content, mark)
	case []any:
		for _, part := range content {
			if members, ok := part.(map[string]any); ok {
				if text, ok := members["text"].(string); ok {
					members["text"] = config.redact(text, mark)
				}
			}
		}
	}
}

// Redacts a chunk of a choice, of whose text this much was held back before it. Gives back what is held from now on:
// the end of the text, where it could begin a secret. A stream ends without a hook, so the chunk with the finish
// reason takes along what is left.
func (c *choice) redactChunk(held, mark string) string {
	var text string
	if c.Delta != nil {
		switch content := c.Delta.Content.(type) {
		case string:
			text = content
		case []any: // parts are texts of their own
			c.Delta.redact(mark)
			if c.finishes() && held != "" {
				c.Delta.Content = append([]any{map[string]any{"type": "text", "text": config.redact(held, mark)}}, content...)
				return ""
			}
			return held
		}
	}
	if c.finishes() {
		if rest := config.redact(held+text, mark); rest != text {
			c.setText(rest)
		}
		return ""
	}
	if text == "" {
		return held
	}
	ready, held := config.redactBeginning(held+text, mark)
	c.setText(ready)
	return held
}

// Some servers say with an empty reason that there is none yet.
func (c *choice) finishes() bool { return c.FinishReason != nil && *c.FinishReason != "" }

func (c *choice) setText(text string) {
	if c.Delta == nil {
		c.Delta = &message{}
	}
	c.Delta.Content = text
}
