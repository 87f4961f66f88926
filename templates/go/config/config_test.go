package config

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestNullAndAnEmptyObjectAreTheDefaults(t *testing.T) {
	for _, text := range []string{"null", "{}"} {
		if config, err := Parse(text); err != nil || !reflect.DeepEqual(config, Default()) {
			t.Errorf("%s: %+v, %v", text, config, err)
		}
	}
}

func TestWhatIsNoConfigurationIsRefused(t *testing.T) {
	for _, text := range []string{"", "7", `{"banned": "word"}`, `{"bannned": []}`} {
		if config, err := Parse(text); err == nil {
			t.Errorf("%s: %+v", text, config)
		}
	}
}

func TestTheSchemaIsJSONAndStatesTheDefaults(t *testing.T) {
	var schema struct {
		Properties map[string]struct{ Default any }
	}
	if err := json.Unmarshal([]byte(Schema), &schema); err != nil {
		t.Fatal(err)
	}
	defaults := map[string]any{}
	for name, property := range schema.Properties {
		defaults[name] = property.Default
	}
	text, err := json.Marshal(defaults)
	if err != nil {
		t.Fatal(err)
	}
	if stated, err := Parse(string(text)); err != nil || !reflect.DeepEqual(stated, Default()) {
		t.Errorf("%s: %+v, %v", text, stated, err)
	}
}

func TestABannedWordIsFoundAnywhereInAText(t *testing.T) {
	config := Default()
	if !config.IsBanned("say forbidden-words") || config.IsBanned("say forbidden words") {
		t.Fail()
	}
}
