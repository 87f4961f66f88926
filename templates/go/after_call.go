package main

import (
	"strconv"

	"guard/config"
	"guard/gen/heimdall/plugin/context"
	llmtypes "guard/gen/heimdall/plugin/llm-types"
	posthook "guard/gen/heimdall/plugin/post-llm-hook"
	"guard/gen/heimdall/plugin/types"
	"guard/support"
)

// The hook after the model answered: notes the tokens that were used.
func afterCall(response llmtypes.LlmResponse) (posthook.Outcome, error) {
	usage, some := support.Value(response.Usage())
	if !some {
		return posthook.OutcomeProceed(), nil
	}
	tokens := types.JSON(strconv.FormatUint(uint64(usage.TotalTokens), 10))
	return posthook.OutcomeProceed(), support.Check(context.Set(config.Name+"/tokens", tokens))
}

// The same hook, where an error came instead of an answer.
func afterError(llmtypes.LlmError) (posthook.Outcome, error) {
	return posthook.OutcomeProceed(), nil
}
