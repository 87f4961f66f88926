package main

import (
	"reflect"
	"testing"
)

// Configures the guard for one test.
func configured(t *testing.T, text string) {
	t.Helper()
	t.Cleanup(func() { config = defaults() })
	if err := configure([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestNothingConfiguredAreTheDefaults(t *testing.T) {
	for _, text := range []string{"", "{}", "null", `{"unknown": 1}`} {
		if configured(t, text); !reflect.DeepEqual(config, defaults()) {
			t.Errorf("%s: %v", text, config)
		}
	}
}

func TestANullSystemMessageIsNone(t *testing.T) {
	if configured(t, `{"system": null}`); config.System != nil {
		t.Error(*config.System)
	}
}

func TestWhatIsNoConfigurationIsRefused(t *testing.T) {
	t.Cleanup(func() { config = defaults() })
	for _, text := range []string{"{", "7", "[]", `{"banned": "word"}`, `{"models": {"a": 1}}`, `{"reads": []}`} {
		if configure([]byte(text)) == nil {
			t.Error(text)
		}
	}
}
