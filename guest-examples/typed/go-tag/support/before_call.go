package support

import (
	"go.bytecodealliance.org/cm"
	llmtypes "tag/gen/heimdall/plugin/llm-types"
	prehook "tag/gen/heimdall/plugin/pre-llm-hook"
	"tag/gen/heimdall/plugin/types"
)

// BeforeCall registers the hook.
func BeforeCall(hook func(llmtypes.LlmRequest) (prehook.Outcome, error)) {
	prehook.Exports.BeforeCall = func(request cm.Rep) cm.Result[prehook.OutcomeShape, prehook.Outcome, types.PluginError] {
		outcome, err := lend(cm.Reinterpret[llmtypes.LlmRequest](request), hook)
		return result[prehook.OutcomeShape](outcome, err)
	}
}
