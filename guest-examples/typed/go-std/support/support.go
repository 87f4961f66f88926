// Package support is what stands between the bindings and the hooks: a hook gets a handle that is given back after it, and
// returns an ordinary error.
package support

import (
	"errors"
	"fmt"

	witRuntime "go.bytecodealliance.org/pkg/wit/runtime"
	witTypes "go.bytecodealliance.org/pkg/wit/types"
	types "tag/imports/heimdall_plugin_types"
)

// Failure is a plugin-error as an error. Any other error that a hook returns becomes the plugin-error `other`.
type Failure struct{ types.PluginError }

func (f Failure) Error() string {
	switch f.Tag() {
	case types.PluginError_InvalidConfig:
		return f.InvalidConfig()
	case types.PluginError_InvalidJson:
		return f.InvalidJson()
	case types.PluginError_InvalidHeader:
		return f.InvalidHeader()
	case types.PluginError_NoSuchPlace:
		return f.NoSuchPlace()
	case types.PluginError_TooLarge:
		return fmt.Sprintf("more than %d bytes", f.TooLarge())
	default:
		return f.Other()
	}
}

// InvalidConfig is for what init can't use.
func InvalidConfig(err error) error {
	return Failure{types.MakePluginErrorInvalidConfig(err.Error())}
}

// Check gives the error of a setter.
func Check(set witTypes.Result[witTypes.Unit, types.PluginError]) error {
	if set.Tag() == witTypes.ResultErr {
		return Failure{set.Err()}
	}
	return nil
}

// Value gives what an option holds. False: it is none.
func Value[T any](option witTypes.Option[T]) (value T, some bool) {
	if option.Tag() == witTypes.OptionSome {
		return option.Some(), true
	}
	return value, false
}

// Lend runs a hook with a handle, and gives the handle back: the host insists on it.
func Lend[R interface{ Drop() }, T any](handle R, hook func(R) (T, error)) witTypes.Result[T, types.PluginError] {
	return Run(func() (T, error) {
		defer handle.Drop()
		return hook(handle)
	})
}

// Run runs what has no handle. A panic becomes the plugin's error too, with its text.
func Run[T any](hook func() (T, error)) (result witTypes.Result[T, types.PluginError]) {
	// The bindings keep what the host gave to imported functions until an export with arguments of its own is called, which
	// may be never again. What the hook holds on to of it lives on: the collector sees that.
	defer witRuntime.Unpin()
	defer func() {
		if cause := recover(); cause != nil {
			result = failed[T](fmt.Errorf("panic: %v", cause))
		}
	}()
	value, err := hook()
	if err != nil {
		return failed[T](err)
	}
	return witTypes.Ok[T, types.PluginError](value)
}

func failed[T any](err error) witTypes.Result[T, types.PluginError] {
	var failure Failure
	if !errors.As(err, &failure) {
		failure.PluginError = types.MakePluginErrorOther(err.Error())
	}
	return witTypes.Err[T](failure.PluginError)
}
