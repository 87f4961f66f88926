// The hooks, from JSON to JSON.

package main

import "errors"

const mark = "[" + name + " redacted]"

func httpTransportIntercept(contextText, requestText []byte) []byte {
	var context requestContext
	var request httpRequest
	if err := errors.Join(parse(contextText, &context), parse(requestText, &request)); err != nil {
		return failure(err)
	}
	if config.isClosed(request.Path) {
		return printed(httpOutput{Response: closed()})
	}
	paths.set(context.RequestID, request.Path)
	return printed(httpOutput{})
}

func preHook(contextText, requestText []byte) []byte {
	var context requestContext
	var request llmRequest
	if err := errors.Join(parse(contextText, &context), parse(requestText, &request)); err != nil {
		return failure(err)
	}
	// A further attempt begins anew.
	held.forget(context.RequestID)
	path := paths.get(context.RequestID)
	if config.refuses(&request) {
		return printed(preOutput{Request: request, ShortCircuit: refusal()})
	}
	if answer := config.answer(&request, path); answer != nil {
		return printed(preOutput{Request: request, ShortCircuit: answer})
	}
	config.edit(&request, path)
	return printed(preOutput{Request: request})
}

// Called for whole answers, and for each chunk of streamed ones.
func postHook(contextText, responseText, errorText []byte) []byte {
	var context requestContext
	var out postOutput
	err := errors.Join(parse(contextText, &context), parse(responseText, &out.Response), parse(errorText, &out.BifrostError))
	if err != nil {
		return failure(err)
	}
	if out.BifrostError == nil && out.Response != nil && out.Response.ChatResponse != nil {
		for i := range out.Response.ChatResponse.Choices {
			if choice := &out.Response.ChatResponse.Choices[i]; choice.Message != nil {
				choice.Message.redact(mark)
			} else {
				redactChunk(context.RequestID, choice)
			}
		}
	}
	return printed(out)
}
