package support

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"unsafe"

	"go.bytecodealliance.org/cm"
	"tag/gen/heimdall/plugin/types"
)

// A handle that counts how often it is given back.
type handle struct{ dropped *int }

func (h handle) ResourceDrop() { *h.dropped++ }

func TestAHandleIsGivenBackOnceAfterTheHook(t *testing.T) {
	for _, expected := range []error{nil, errors.New("failed")} {
		dropped := 0
		outcome, err := lend(handle{&dropped}, func(h handle) (string, error) {
			if *h.dropped != 0 {
				t.Error("too early")
			}
			return "outcome", expected
		})
		if outcome != "outcome" || err != expected || dropped != 1 {
			t.Error(outcome, err, dropped)
		}
	}
}

func TestAnErrorIsThePluginsErrorWithItsText(t *testing.T) {
	for _, c := range []struct {
		err  error
		text func(*types.PluginError) *string
	}{
		{errors.New("why"), (*types.PluginError).Other},
		{InvalidConfig(errors.New("why")), (*types.PluginError).InvalidConfig},
		{fmt.Errorf("wrapped: %w", InvalidJSON(errors.New("why"))), (*types.PluginError).InvalidJSON},
	} {
		returned := result[types.PluginError](struct{}{}, c.err)
		failed := returned.Err()
		if failed == nil {
			t.Fatalf("%v: no error", c.err)
		}
		if text := c.text(failed); text == nil || *text != "why" {
			t.Errorf("%v: %s", c.err, failed)
		}
	}
}

func TestWhatASetterReturnsIsPassedOn(t *testing.T) {
	type set = cm.Result[types.PluginError, struct{}, types.PluginError]
	if err := Check(cm.OK[set](struct{}{})); err != nil {
		t.Error(err)
	}
	err := Check(cm.Err[set](types.PluginErrorTooLarge(7)))
	returned := result[types.PluginError](struct{}{}, err)
	if limit := returned.Err().TooLarge(); limit == nil || *limit != 7 {
		t.Error(err)
	}
}

func TestAnOptionIsAValueAndWhetherThereIsOne(t *testing.T) {
	if value, some := Value(cm.Some("a")); value != "a" || !some {
		t.Error(value, some)
	}
	if value, some := Value(cm.None[string]()); value != "" || some {
		t.Error(value, some)
	}
}

func TestMemoryOfTheHostIsAlignedKeptAndReleased(t *testing.T) {
	var given memory
	block := given.realloc(nil, 0, 1, 3)
	copy(unsafe.Slice((*byte)(block), 3), "abc")
	grown := given.realloc(block, 3, 8, 100)
	runtime.GC()
	if text := unsafe.String((*byte)(grown), 3); text != "abc" || uintptr(grown)%8 != 0 {
		t.Error(text, grown)
	}
	if len(given.given) != 2 {
		t.Error(len(given.given), "blocks are kept")
	}
	if nothing := given.realloc(nil, 0, 8, 0); uintptr(nothing) != 8 {
		t.Error(nothing)
	}
	if given.release(); len(given.given) != 0 {
		t.Error("still kept")
	}
}
