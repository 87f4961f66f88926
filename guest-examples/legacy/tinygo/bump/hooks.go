// The hooks, from JSON to JSON.

package main

import (
	"encoding/json"
	"fmt"
	"slices"
)

func httpPreHook(text []byte) []byte {
	var in httpInput
	if err := json.Unmarshal(text, &in); err != nil {
		return failure("error", err)
	}
	out := httpPreOutput{Context: in.Context, Request: in.Request}
	if slices.Contains(config.ClosedPaths, in.Request.Path) {
		out.Response, out.HasResponse = closed(), true
		return printed("error", out)
	}
	if out.Request.Headers == nil {
		out.Request.Headers = map[string]string{}
	}
	out.Request.Headers["x-legacy-request"] = config.Header
	out.Context = with(out.Context, name+"/path", in.Request.Path)
	return printed("error", out)
}

func preHook(text []byte) []byte {
	var in preInput
	if err := json.Unmarshal(text, &in); err != nil {
		return failure("error", err)
	}
	out := preOutput{Context: in.Context, Request: in.Request}
	for _, message := range in.Request.Input {
		if slices.ContainsFunc(message.texts(), config.isBanned) {
			out.ShortCircuit, out.HasShortCircuit = refusal(), true
			return printed("error", out)
		}
	}
	out.Context = with(out.Context, name+"/messages", len(in.Request.Input))
	path, _ := in.Context[name+"/path"].(string)
	if config.System != nil && isConversation(path) {
		out.Request.Input = slices.Insert(out.Request.Input, 0, message{Role: "system", Content: *config.System})
	}
	return printed("error", out)
}

// Called for whole answers; and for chunks of streamed ones, which have no message, and are left to the chunk hook.
func postHook(text []byte) []byte {
	var in postInput
	if err := json.Unmarshal(text, &in); err != nil {
		return failure("hook_error", err)
	}
	out := postOutput{Context: in.Context, Response: in.Response, HasError: in.HasError}
	if in.HasError {
		out.Error = in.Error
	}
	if in.Response != nil && in.Response.ChatResponse != nil {
		for _, choice := range in.Response.ChatResponse.Choices {
			if choice.Message != nil {
				choice.Message.redact(mark)
			}
		}
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
	if count, ok := in.Context[name+"/messages"]; ok {
		out.Response.Headers["x-legacy-messages"] = fmt.Sprint(count)
	}
	return printed("error", out)
}

// Sees one chunk at a time: a secret that is cut in two by a chunk boundary goes through.
func httpStreamChunkHook(text []byte) []byte {
	var in chunkInput
	if err := json.Unmarshal(text, &in); err != nil {
		return failure("error", err)
	}
	if delta, ok := in.Chunk.Delta.(string); ok {
		in.Chunk.Delta = config.redact(delta, chunkMark)
	}
	for i := range in.Chunk.Choices {
		choice := &in.Chunk.Choices[i]
		if choice.Delta != nil {
			choice.Delta.redact(chunkMark)
		}
		if choice.Text != nil {
			redacted := config.redact(*choice.Text, chunkMark)
			choice.Text = &redacted
		}
	}
	return printed("error", chunkOutput{Context: in.Context, Chunk: in.Chunk, HasChunk: true})
}

func (m *message) texts() []string {
	switch content := m.Content.(type) {
	case string:
		return []string{content}
	case []any:
		var texts []string
		for _, part := range content {
			if members, ok := part.(map[string]any); ok {
				if text, ok := members["text"].(string); ok {
					texts = append(texts, text)
				}
			}
		}
		return texts
	}
	return nil
}

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

func with(context requestContext, key string, value any) requestContext {
	if context == nil {
		context = requestContext{}
	}
	context[key] = value
	return context
}

func refusal() *shortCircuit {
	status, fallbacks := 403, false
	return &shortCircuit{Error: &llmError{
		StatusCode:     &status,
		Error:          errorField{Type: "policy_violation", Code: "banned_word", Message: name + ": the request holds a banned word"},
		AllowFallbacks: &fallbacks,
	}}
}

func closed() *httpResponse {
	body := `{"error":{"message":"` + name + `: this path is closed","type":"policy_violation","code":"closed_path"}}`
	return &httpResponse{
		StatusCode: 403,
		Headers:    map[string]string{"content-type": "application/json", "x-legacy": name},
		Body:       []byte(body),
	}
}

func printed(member string, output any) []byte {
	text, err := json.Marshal(output)
	if err != nil {
		return failure(member, err)
	}
	return text
}

// The member is the one in which the host looks for a failure of the hook.
func failure(member string, err error) []byte {
	text, _ := json.Marshal(map[string]string{member: name + ": " + err.Error()})
	return text
}
