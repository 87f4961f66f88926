package support

import (
	"go.bytecodealliance.org/cm"
	"guard/gen/heimdall/plugin/lifecycle"
	"guard/gen/heimdall/plugin/types"
)

// Lifecycle registers what every plugin has.
func Lifecycle(describe func() lifecycle.Description, start func(config string) error, cleanup func()) {
	lifecycle.Exports.Describe = describe
	lifecycle.Exports.Init = func(config types.JSON) cm.Result[types.PluginError, struct{}, types.PluginError] {
		return result[types.PluginError](struct{}{}, start(string(config)))
	}
	lifecycle.Exports.Cleanup = cleanup
}
