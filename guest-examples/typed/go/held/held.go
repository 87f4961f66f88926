// Package held is what is held back of a stream, as it waits in the request's context.
package held

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Text is held back.
type Text struct {
	// As it came.
	Text string `json:"text"`
	// JSON text of the chunk that sends it, redacted, should nothing follow.
	Event string `json:"event"`
}

// Read is the inverse of Write.
func Read(text string) (held Text, err error) {
	err = json.Unmarshal([]byte(text), &held)
	return held, err
}

// Write gives the text as JSON.
func (t Text) Write() (string, error) {
	return write(t)
}

// Quote gives a text as a JSON string.
func Quote(text string) (string, error) {
	return write(text)
}

// OnlyText gives the chunk without the members that a client adds up: they have been sent with the chunk itself.
// Numbers keep their digits.
func OnlyText(chunk string) (string, error) {
	decoder := json.NewDecoder(strings.NewReader(chunk))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		return "", err
	}
	delete(members, "usage")
	choices, _ := members["choices"].([]any)
	for _, choice := range choices {
		choice, _ := choice.(map[string]any)
		delete(choice, "logprobs")
		delta, _ := choice["delta"].(map[string]any)
		for name := range delta {
			if name != "content" {
				delete(delta, name)
			}
		}
	}
	return write(members)
}

// As json.Marshal does, but without the escapes that HTML would need.
func write(value any) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return strings.TrimSuffix(out.String(), "\n"), err
}
