package main

import (
	"encoding/json"
	"maps"
	"testing"
)

const streamMark = mark

// Sends the choices of a chunk, and gives back what comes out. The context goes along, as the host merges it.
func newStream(t *testing.T) func(choices string) []choice {
	context := requestContext{}
	return func(choices string) []choice {
		t.Helper()
		printed, _ := json.Marshal(context)
		text := postHook([]byte(`{"context":` + string(printed) + `,"response":{"chat_response":{"object":"chat.completion.chunk","choices":[` + choices + `]}}}`))
		var out postOutput
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatal(err, string(text))
		}
		maps.Copy(context, out.Context)
		return out.Response.ChatResponse.Choices
	}
}
