// What the guard decides on requests.

package main

import (
	"slices"
	"strings"
)

func (g *guard) refuses(request *llmRequest) bool {
	return slices.ContainsFunc(request.Input, func(m message) bool {
		return slices.ContainsFunc(m.texts(), g.isBanned)
	})
}

// The guard's own answer, by what the last message says; nil: none. A text to be embedded is no question.
func (g *guard) answer(request *llmRequest, path string) *shortCircuit {
	if len(g.Answers) == 0 || len(request.Input) == 0 || strings.HasSuffix(path, "/embeddings") {
		return nil
	}
	last := request.Input[len(request.Input)-1]
	text, known := g.Answers[strings.TrimSpace(strings.Join(last.texts(), "\n"))]
	if !known {
		return nil
	}
	reason := "stop"
	only := choice{Message: &message{Role: "assistant", Content: text}, FinishReason: &reason}
	return &shortCircuit{Response: &llmResponse{ChatResponse: &chatResponse{Model: request.Model, Choices: []choice{only}}}}
}

// Asks another model where the configuration says so, and puts the system message first.
func (g *guard) edit(request *llmRequest, path string) {
	if other, known := g.Models[request.Model]; known {
		if provider, model, found := strings.Cut(other, "/"); found {
			request.Provider, request.Model = provider, model
		} else {
			request.Model = other
		}
	}
	if g.System != nil && isConversation(path) {
		request.Input = slices.Insert(request.Input, 0, message{Role: "system", Content: *g.System})
	}
}

// Texts to be completed or embedded have no place for a system message. Without a path it is a conversation.
func isConversation(path string) bool {
	return path == "" || strings.HasSuffix(path, "/chat/completions") || strings.HasSuffix(path, "/responses")
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
