package support

import (
	"errors"
	"fmt"
	"testing"

	witTypes "go.bytecodealliance.org/pkg/wit/types"
	types "tag/imports/heimdall_plugin_types"
)

// A handle that counts how often it is given back.
type handle struct{ dropped *int }

func (h handle) Drop() { *h.dropped++ }

func TestAHandleIsGivenBackOnceAfterTheHookHoweverItEnds(t *testing.T) {
	hooks := map[string]func(handle) (string, error){
		"returns": func(handle) (string, error) { return "outcome", nil },
		"fails":   func(handle) (string, error) { return "", errors.New("failed") },
		"panics":  func(handle) (string, error) { panic("at once") },
	}
	for name, hook := range hooks {
		dropped := 0
		Lend(handle{&dropped}, func(h handle) (string, error) {
			if *h.dropped != 0 {
				t.Error(name, "too early")
			}
			return hook(h)
		})
		if dropped != 1 {
			t.Error(name, dropped)
		}
	}
}

func TestWhatAHookReturnsIsTheOutcome(t *testing.T) {
	if returned := Run(func() (int, error) { return 7, nil }); returned.Tag() != witTypes.ResultOk || returned.Ok() != 7 {
		t.Error(returned)
	}
}

func TestAnErrorIsThePluginsErrorWithItsText(t *testing.T) {
	for _, c := range []struct {
		err error
		tag uint8
	}{
		{errors.New("why"), types.PluginError_Other},
		{InvalidConfig(errors.New("why")), types.PluginError_InvalidConfig},
		{fmt.Errorf("wrapped: %w", InvalidConfig(errors.New("why"))), types.PluginError_InvalidConfig},
	} {
		failure := Failure{Run(func() (int, error) { return 0, c.err }).Err()}
		if failure.Tag() != c.tag || failure.Error() != "why" {
			t.Errorf("%v: %d, %s", c.err, failure.Tag(), failure)
		}
	}
}

func TestAPanicIsThePluginsErrorWithItsText(t *testing.T) {
	failure := Failure{Run(func() (int, error) { return []int{}[len(t.Name())], nil }).Err()}
	if failure.Tag() != types.PluginError_Other || len(failure.Error()) < len("panic: runtime error") {
		t.Error(failure)
	}
}

func TestWhatASetterReturnsIsPassedOn(t *testing.T) {
	if err := Check(witTypes.Ok[witTypes.Unit, types.PluginError](witTypes.Unit{})); err != nil {
		t.Error(err)
	}
	err := Check(witTypes.Err[witTypes.Unit](types.MakePluginErrorTooLarge(7)))
	passed := Run(func() (int, error) { return 0, err }).Err()
	if passed.Tag() != types.PluginError_TooLarge || passed.TooLarge() != 7 {
		t.Error(err)
	}
}

func TestAnOptionIsAValueAndWhetherThereIsOne(t *testing.T) {
	if value, some := Value(witTypes.Some("a")); value != "a" || !some {
		t.Error(value, some)
	}
	if value, some := Value(witTypes.None[string]()); value != "" || some {
		t.Error(value, some)
	}
}
