package support

import (
	"go.bytecodealliance.org/cm"
	requesthook "guard/gen/heimdall/plugin/http-request-hook"
	httptypes "guard/gen/heimdall/plugin/http-types"
	"guard/gen/heimdall/plugin/types"
)

// OnRequest registers the hook.
func OnRequest(hook func(httptypes.HTTPRequest) (requesthook.Outcome, error)) {
	requesthook.Exports.OnRequest = func(
		request cm.Rep,
	) cm.Result[requesthook.OutcomeShape, requesthook.Outcome, types.PluginError] {
		outcome, err := lend(cm.Reinterpret[httptypes.HTTPRequest](request), hook)
		return result[requesthook.OutcomeShape](outcome, err)
	}
}
