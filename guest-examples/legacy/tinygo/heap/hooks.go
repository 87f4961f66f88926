// The hooks, from JSON to JSON.

package main

import "encoding/json"

const mark = "[" + name + " redacted]"

func httpIntercept(text []byte) []byte {
	var in httpInput
	if err := json.Unmarshal(text, &in); err != nil {
		return failure("error", err)
	}
	out := httpOutput{Context: in.Context, Request: in.Request}
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

// Called for whole answers, and for each chunk of streamed ones.
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
		for i := range in.Response.ChatResponse.Choices {
			if choice := &in.Response.ChatResponse.Choices[i]; choice.Message != nil {
				choice.Message.redact(mark)
			} else {
				out.Context.redactChunk(choice, mark)
			}
		}
		out.Context.count(in.Response.ChatResponse.Usage)
	}
	return printed("hook_error", out)
}
