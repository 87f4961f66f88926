// What goes into and comes out of the hooks of generation 1.

package main

import "encoding/json"

// Can be read only.
type requestContext struct {
	RequestID string `json:"request_id"`
}

type httpOutput struct {
	Response *httpResponse `json:"response"`
	Error    string        `json:"error"`
}

type preOutput struct {
	Request      llmRequest    `json:"request"`
	ShortCircuit *shortCircuit `json:"short_circuit"`
	Error        string        `json:"error"`
}

type postOutput struct {
	Response     *llmResponse `json:"response"`
	BifrostError *llmError    `json:"bifrost_error"`
	Error        string       `json:"error"`
}

// An argument that is empty says nothing.
func parse(text []byte, value any) error {
	if len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, value)
}

func printed(output any) []byte {
	text, err := json.Marshal(output)
	if err != nil {
		return failure(err)
	}
	return text
}

func failure(err error) []byte {
	text, _ := json.Marshal(map[string]string{"error": name + ": " + err.Error()})
	return text
}
