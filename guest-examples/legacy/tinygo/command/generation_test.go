package main

import (
	"encoding/json"
	"testing"
)

const (
	streamMark = mark
	streamID   = "stream"
)

// Sends the choices of a chunk, and gives back what comes out.
func newStream(t *testing.T) func(choices string) []choice {
	held.forget(streamID)
	return func(choices string) []choice {
		t.Helper()
		response := `{"chat_response":{"object":"chat.completion.chunk","choices":[` + choices + `]}}`
		text := postHook([]byte(`{"request_id":"`+streamID+`"}`), []byte(response), []byte("null"))
		var out postOutput
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatal(err, string(text))
		}
		return out.Response.ChatResponse.Choices
	}
}
