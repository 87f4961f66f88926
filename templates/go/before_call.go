package main

import (
	"strconv"

	"go.bytecodealliance.org/cm"

	"guard/config"
	llmtypes "guard/gen/heimdall/plugin/llm-types"
	"guard/gen/heimdall/plugin/logging"
	prehook "guard/gen/heimdall/plugin/pre-llm-hook"
	"guard/support"
)

// The hook before a model is called: refuses banned words.
func beforeCall(request llmtypes.LlmRequest) (prehook.Outcome, error) {
	for index := range request.MessageCount() {
		if text, some := support.Value(request.MessageText(index)); some && configured.IsBanned(text) {
			support.Log(logging.LevelInfo, "refused a banned word", "message", strconv.Itoa(int(index)))
			return prehook.OutcomeRefuse(refusal()), nil
		}
	}
	return prehook.OutcomeProceed(), nil
}

// What is left out has a default: the status is 403.
func refusal() llmtypes.LlmError {
	return llmtypes.LlmError{
		Message: config.Name + ": the request holds a banned word",
		Code:    cm.Some("banned_word"),
	}
}
