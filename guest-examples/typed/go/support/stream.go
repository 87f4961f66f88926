package support

import (
	"go.bytecodealliance.org/cm"
	llmtypes "guard/gen/heimdall/plugin/llm-types"
	streamhook "guard/gen/heimdall/plugin/stream-hook"
	"guard/gen/heimdall/plugin/types"
)

// Stream registers the hook's two functions.
func Stream(onChunk func(llmtypes.LlmChunk) (streamhook.Outcome, error), onEnd func() ([]types.JSON, error)) {
	streamhook.Exports.OnChunk = func(
		chunk cm.Rep,
	) cm.Result[streamhook.OutcomeShape, streamhook.Outcome, types.PluginError] {
		outcome, err := lend(cm.Reinterpret[llmtypes.LlmChunk](chunk), onChunk)
		return result[streamhook.OutcomeShape](outcome, err)
	}
	streamhook.Exports.OnEnd = func() cm.Result[streamhook.PluginErrorShape, cm.List[types.JSON], types.PluginError] {
		events, err := onEnd()
		return result[streamhook.PluginErrorShape](cm.ToList(events), err)
	}
}
