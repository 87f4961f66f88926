// The JSON of generation 3, as far as this guard knows it: other members are not printed again.

package main

type requestContext map[string]any

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
	Role    string `json:"role"`
	Content any    `json:"content"`
}

type llmResponse struct {
	ChatResponse *chatResponse `json:"chat_response"`
}

type chatResponse struct {
	ID      string   `json:"id"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage"`
}

type choice struct {
	Index        int      `json:"index"`
	Message      *message `json:"message"`
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
	Error *llmError `json:"error"`
}

// A chunk of a chat (choices with a delta), of a text completion (choices with a text), or an event that adds text.
type chunk struct {
	ID      string        `json:"id,omitempty"`
	Object  string        `json:"object,omitempty"`
	Choices []chunkChoice `json:"choices"`
	Type    string        `json:"type,omitempty"`
	Delta   any           `json:"delta,omitempty"`
}

type chunkChoice struct {
	Index        int      `json:"index"`
	Delta        *message `json:"delta"`
	Text         *string  `json:"text"`
	FinishReason *string  `json:"finish_reason"`
}

type httpInput struct {
	Context  requestContext `json:"context"`
	Request  httpRequest    `json:"request"`
	Response httpResponse   `json:"response"`
}

type httpPreOutput struct {
	Context     requestContext `json:"context"`
	Request     httpRequest    `json:"request"`
	Response    *httpResponse  `json:"response"`
	HasResponse bool           `json:"has_response"`
	Error       string         `json:"error"`
}

type httpPostOutput struct {
	Context  requestContext `json:"context"`
	Response httpResponse   `json:"response"`
	Error    string         `json:"error"`
}

type chunkInput struct {
	Context requestContext `json:"context"`
	Chunk   chunk          `json:"chunk"`
}

type chunkOutput struct {
	Context  requestContext `json:"context"`
	Chunk    chunk          `json:"chunk"`
	HasChunk bool           `json:"has_chunk"`
	Skip     bool           `json:"skip"`
	Error    string         `json:"error"`
}

type preInput struct {
	Context requestContext `json:"context"`
	Request llmRequest     `json:"request"`
}

type preOutput struct {
	Context         requestContext `json:"context"`
	Request         llmRequest     `json:"request"`
	ShortCircuit    *shortCircuit  `json:"short_circuit"`
	HasShortCircuit bool           `json:"has_short_circuit"`
	Error           string         `json:"error"`
}

type postInput struct {
	Context  requestContext `json:"context"`
	Response *llmResponse   `json:"response"`
	Error    *llmError      `json:"error"`
	HasError bool           `json:"has_error"`
}

type postOutput struct {
	Context   requestContext `json:"context"`
	Response  *llmResponse   `json:"response"`
	Error     *llmError      `json:"error"`
	HasError  bool           `json:"has_error"`
	HookError string         `json:"hook_error"`
}
