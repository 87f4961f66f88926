// What goes into and comes out of the hooks of generation 3.

package main

import "encoding/json"

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
	Context requestContext  `json:"context"`
	Chunk   json.RawMessage `json:"chunk"`
}

// Chunk is one of a chat, or anything.
type chunkOutput struct {
	Context  requestContext `json:"context"`
	Chunk    any            `json:"chunk"`
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

// The member is the one in which the host looks for a failure of the hook.
func printed(member string, output any) []byte {
	text, err := json.Marshal(output)
	if err != nil {
		return failure(member, err)
	}
	return text
}

func failure(member string, err error) []byte {
	text, _ := json.Marshal(map[string]string{member: name + ": " + err.Error()})
	return text
}
