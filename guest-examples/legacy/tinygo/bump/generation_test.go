package main

import (
	"encoding/json"
	"maps"
	"testing"
)

// Of the hooks that only generation 3 has.
var casesOfThisGeneration = []hookCase{
	{"a response gets headers", "", httpPostHook, `{"context":{"` + name + `/messages":2,"` + name + `/tokens":7},"response":{}}`, `"x-legacy":"` + name + `","x-legacy-messages":"2","x-legacy-tokens":"7"`},
	{"a response tells of what another plugin left", `{"reads":"other/x"}`, httpPostHook, `{"context":{"other/x":{"n":[9007199254740993]}},"response":{}}`, `"x-legacy-read":"{\"n\":[9007199254740993]}"`},
	{"a secret in an event of another shape is redacted", "", httpStreamChunkHook, `{"chunk":{"type":"t","delta":"a TOP-SECRET","n":[7]}}`, `{"delta":"a ` + chunkMark + `","n":[7],"type":"t"}`},
	{"so is one in a completion", "", httpStreamChunkHook, `{"chunk":{"choices":[{"text":"a TOP-SECRET"}]}}`, `{"text":"a ` + chunkMark + `"}`},
	{"a chunk that is no object is refused", "", httpStreamChunkHook, `{"chunk":"YSBUT1AtU0VDUkVU"}`, `{"error":"` + name + `: the chunk is no object"}`},
	{"so is one that isn't there", "", httpStreamChunkHook, `{}`, `{"error":"` + name + `: the chunk is no object"}`},
	{"the post hook leaves chunks alone", "", postHook, `{"response":{"chat_response":{"choices":[{"delta":{"content":"a TOP-SECRET"}}]}}}`, `"a TOP-SECRET"`},
}

const streamMark = chunkMark

// Sends the choices of a chunk, and gives back what comes out. The context goes along, as the host merges it.
func newStream(t *testing.T) func(choices string) []choice {
	context := requestContext{}
	return func(choices string) []choice {
		t.Helper()
		printed, _ := json.Marshal(context)
		var out struct {
			Context requestContext `json:"context"`
			Chunk   struct {
				Choices []choice `json:"choices"`
			} `json:"chunk"`
		}
		text := httpStreamChunkHook([]byte(`{"context":` + string(printed) + `,"chunk":{"choices":[` + choices + `]}}`))
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatal(err, string(text))
		}
		maps.Copy(context, out.Context)
		return out.Chunk.Choices
	}
}
