package support

import (
	"go.bytecodealliance.org/cm"
	responsehook "guard/gen/heimdall/plugin/http-response-hook"
	httptypes "guard/gen/heimdall/plugin/http-types"
	"guard/gen/heimdall/plugin/types"
)

// OnResponse registers the hook.
func OnResponse(hook func(httptypes.HTTPRequest, httptypes.HTTPResponse) error) {
	responsehook.Exports.OnResponse = func(
		request, response cm.Rep,
	) cm.Result[types.PluginError, struct{}, types.PluginError] {
		both := func(request httptypes.HTTPRequest) (struct{}, error) {
			return lend(cm.Reinterpret[httptypes.HTTPResponse](response), func(response httptypes.HTTPResponse) (struct{}, error) {
				return struct{}{}, hook(request, response)
			})
		}
		done, err := lend(cm.Reinterpret[httptypes.HTTPRequest](request), both)
		return result[types.PluginError](done, err)
	}
}
