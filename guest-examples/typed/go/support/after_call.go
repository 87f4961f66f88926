package support

import (
	"go.bytecodealliance.org/cm"
	llmtypes "guard/gen/heimdall/plugin/llm-types"
	posthook "guard/gen/heimdall/plugin/post-llm-hook"
	"guard/gen/heimdall/plugin/types"
)

// AfterCall registers the hook: answered for an answer, failed for an error.
func AfterCall(
	answered func(llmtypes.LlmResponse) (posthook.Outcome, error),
	failed func(llmtypes.LlmError) (posthook.Outcome, error),
) {
	posthook.Exports.AfterCall = func(
		upstream posthook.Upstream,
	) cm.Result[posthook.OutcomeShape, posthook.Outcome, types.PluginError] {
		var outcome posthook.Outcome
		var err error
		if response := upstream.Response(); response != nil {
			outcome, err = lend(cm.Reinterpret[llmtypes.LlmResponse](*response), answered)
		} else {
			outcome, err = failed(*upstream.Error())
		}
		return result[posthook.OutcomeShape](outcome, err)
	}
}
