// The JSON of requests and answers, as far as this guard knows it: other members are not printed again.

package main

type httpRequest struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Query   map[string]string `json:"query"`
	Body    string            `json:"body"`
}

type httpResponse struct {
	StatusCode int               `json:"status_code"`
	Headers    map[string]string `json:"headers"`
	Body       []byte            `json:"body"`
}

type llmRequest struct {
	Provider string         `json:"provider"`
	Model    string         `json:"model"`
	Input    []message      `json:"input"`
	Params   map[string]any `json:"params"`
}

// Content is a string, a list of parts, or nil.
type message struct {
	Role    string `json:"role,omitempty"`
	Content any    `json:"content"`
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

type llmResponse struct {
	ChatResponse *chatResponse `json:"chat_response"`
}

// A whole answer, or a chunk of one.
type chatResponse struct {
	ID      string   `json:"id"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage,omitempty"`
}

// A whole answer's choice has a message, a chunk's has a delta.
type choice struct {
	Index        int      `json:"index"`
	Message      *message `json:"message,omitempty"`
	Delta        *message `json:"delta,omitempty"`
	FinishReason *string  `json:"finish_reason"`
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

type llmError struct {
	IsBifrostError bool       `json:"is_bifrost_error"`
	StatusCode     *int       `json:"status_code"`
	Error          errorField `json:"error"`
	AllowFallbacks *bool      `json:"allow_fallbacks"`
}

type errorField struct {
	Type    string `json:"type"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

type shortCircuit struct {
	Response *llmResponse `json:"response,omitempty"`
	Error    *llmError    `json:"error,omitempty"`
}
