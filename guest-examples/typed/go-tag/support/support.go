// Package support is what stands between the bindings and the hooks. There is nothing to edit: a hook gets handles that
// are given back after it, returns an ordinary error, and never meets the memory that the host writes to.
package support

import (
	"errors"

	"go.bytecodealliance.org/cm"
	"tag/gen/heimdall/plugin/logging"
	"tag/gen/heimdall/plugin/types"
)

// Failure is a plugin-error as an error. Any other error that a hook returns becomes the plugin-error `other`.
type Failure struct{ types.PluginError }

func (f Failure) Error() string {
	return f.PluginError.String()
}

// InvalidConfig is for what init can't use.
func InvalidConfig(err error) error {
	return Failure{types.PluginErrorInvalidConfig(err.Error())}
}

// InvalidJSON is for what is none, or not the one that is wanted.
func InvalidJSON(err error) error {
	return Failure{types.PluginErrorInvalidJSON(err.Error())}
}

// Check gives the error of a setter.
func Check(set cm.Result[types.PluginError, struct{}, types.PluginError]) error {
	if failed := set.Err(); failed != nil {
		return Failure{*failed}
	}
	return nil
}

// Value gives what an option holds. False: it is none.
func Value[T any](option cm.Option[T]) (T, bool) {
	return option.Value(), !option.None()
}

// Log writes a line with fields: names and values in turn.
func Log(level logging.Level, message string, namesAndValues ...string) {
	fields := make([][2]string, 0, len(namesAndValues)/2)
	for ; len(namesAndValues) > 1; namesAndValues = namesAndValues[2:] {
		fields = append(fields, [2]string{namesAndValues[0], namesAndValues[1]})
	}
	logging.Log(level, message, cm.ToList(fields))
}

type resource interface{ ResourceDrop() }

// lend runs a hook with a handle, and gives the handle back: the host insists on it.
func lend[R resource, T any](handle R, hook func(R) (T, error)) (T, error) {
	defer handle.ResourceDrop()
	return hook(handle)
}

// result is what the bindings return of a hook, at the end of the call.
func result[Shape, T any](value T, err error) cm.Result[Shape, T, types.PluginError] {
	call.release()
	if err == nil {
		return cm.OK[cm.Result[Shape, T, types.PluginError]](value)
	}
	var failure Failure
	if !errors.As(err, &failure) {
		failure.PluginError = types.PluginErrorOther(err.Error())
	}
	return cm.Err[cm.Result[Shape, T, types.PluginError]](failure.PluginError)
}
