// The hooks, from JSON to JSON.

package main

import (
	"encoding/json"
	"errors"
)

const (
	mark      = "[" + name + " redacted]"       // in whole answers
	chunkMark = "[" + name + " chunk redacted]" // in chunks of streams
)

func httpPreHook(text []byte) []byte {
	var in httpInput
	if err := json.Unmarshal(text, &in); err != nil {
		return failure("error", err)
	}
	out := httpPreOutput{Context: in.Context, Request: in.Request}
	if config.isClosed(in.Request.Path) {
		out.Response, out.HasResponse = closed(), true
		return printed("error", out)
	}
	if out.Request.Headers == nil {
		out.Request.Headers = map[string]string{}
	}
	out.Request.Headers["x-legacy-request"] = config.Header
	out.Context.set(pathKey, in.Request.Path)
	return printed("error", out)
}

func preHook(text []byte) []byte {
	var in preInput
	if err := json.Unmarshal(text, &in); err != nil {
		return failure("error", err)
	}
	path := in.Context.text(pathKey)
	out := preOutput{Context: in.Context, Request: in.Request}
	if config.refuses(&in.Request) {
		out.ShortCircuit = refusal()
	} else {
		out.Context.set(messagesKey, len(in.Request.Input))
		out.ShortCircuit = config.answer(&in.Request, path)
	}
	if out.HasShortCircuit = out.ShortCircuit != nil; !out.HasShortCircuit {
		config.edit(&out.Request, path)
	}
	return printed("error", out)
}

// Called for whole answers; and for chunks of streamed ones, whose texts are left to the chunk hook.
func postHook(text []byte) []byte {
	var in postInput
	if err := json.Unmarshal(text, &in); err != nil {
		return failure("hook_error", err)
	}
	out := postOutput{Context: in.Context, Response: in.Response, HasError: in.HasError}
	if in.HasError {
		out.Error = in.Error
		return printed("hook_error", out)
	}
	if in.Response != nil && in.Response.ChatResponse != nil {
		for _, choice := range in.Response.ChatResponse.Choices {
			if choice.Message != nil {
				choice.Message.redact(mark)
			}
		}
		out.Context.count(in.Response.ChatResponse.Usage)
	}
	return printed("hook_error", out)
}

func httpPostHook(text []byte) []byte {
	var in httpInput
	if err := json.Unmarshal(text, &in); err != nil {
		return failure("error", err)
	}
	out := httpPostOutput{Context: in.Context, Response: in.Response}
	if out.Response.Headers == nil {
		out.Response.Headers = map[string]string{}
	}
	out.Response.Headers["x-legacy"] = config.Header
	for header, key := range map[string]string{
		"x-legacy-messages": messagesKey,
		"x-legacy-tokens":   tokensKey,
		"x-legacy-read":     config.Reads,
	} {
		if value, ok := in.Context[key]; ok {
			out.Response.Headers[header] = string(value)
		}
	}
	return printed("error", out)
}

func httpStreamChunkHook(text []byte) []byte {
	var in chunkInput
	if err := json.Unmarshal(text, &in); err != nil {
		return failure("error", err)
	}
	// A host that meets an error may try base64 of the chunk, in which no secret would be found.
	if len(in.Chunk) == 0 || in.Chunk[0] != '{' {
		return failure("error", errors.New("the chunk is no object"))
	}
	out := chunkOutput{Context: in.Context, HasChunk: true}
	var chat chatChunk
	if json.Unmarshal(in.Chunk, &chat) == nil && chat.isChat() {
		for i := range chat.Choices {
			out.Context.redactChunk(&chat.Choices[i].choice, chunkMark)
		}
		out.Chunk = chat
		return printed("error", out)
	}
	var other any
	if err := json.Unmarshal(in.Chunk, &other); err != nil {
		return failure("error", err)
	}
	out.Chunk = redactStrings(other, chunkMark)
	return printed("error", out)
}
