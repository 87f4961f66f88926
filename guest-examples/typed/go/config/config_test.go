package config

import (
	"encoding/json"
	"reflect"
	"testing"
)

func parse(t *testing.T, text string) Config {
	t.Helper()
	config, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return config
}

func TestNullAndAnEmptyObjectAreTheDefaults(t *testing.T) {
	for _, text := range []string{"null", "{}"} {
		if config := parse(t, text); !reflect.DeepEqual(config, Default()) {
			t.Errorf("%s: %+v", text, config)
		}
	}
}

func TestANullSystemMessageIsNone(t *testing.T) {
	if config := parse(t, `{"system": null}`); config.System != nil {
		t.Error(*config.System)
	}
	if config := parse(t, `{"system": ""}`); config.System == nil {
		t.Error("an empty one is one")
	}
}

func TestWhatIsNoConfigurationIsRefused(t *testing.T) {
	for _, text := range []string{"", "[]", "7", `{"banned": "word"}`, `{"bannned": []}`, `{"secrets": [""]}`} {
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
	stated, expected := parse(t, string(text)), Default()
	// An empty list or object is as good as none.
	expected.ClosedPaths, expected.Models, expected.Answers = []string{}, map[string]string{}, map[string]string{}
	if !reflect.DeepEqual(stated, expected) {
		t.Errorf("%+v", stated)
	}
	if fields := reflect.TypeOf(Config{}).NumField(); len(defaults) != fields {
		t.Errorf("%d of %d are in the schema", len(defaults), fields)
	}
}

func TestAnotherModelMayBeAnotherUpstreams(t *testing.T) {
	config := parse(t, `{"models": {"large": "small", "old": "mill/new/er"}}`)
	cases := []struct {
		asked, upstream, model string
		found                  bool
	}{
		{"large", "", "small", true},
		{"old", "mill", "new/er", true},
		{"small", "", "", false},
	}
	for _, c := range cases {
		upstream, model, found := config.InsteadOf(c.asked)
		if upstream != c.upstream || model != c.model || found != c.found {
			t.Errorf("%s: %q, %q, %t", c.asked, upstream, model, found)
		}
	}
}

func TestAnAnswerIsFoundWhateverSpaceIsAroundTheQuestion(t *testing.T) {
	config := parse(t, `{"answers": {"ping": "pong"}}`)
	if answer, found := config.AnswerTo(" ping\u00a0\n"); !found || answer != "pong" {
		t.Errorf("%q, %t", answer, found)
	}
	if answer, found := config.AnswerTo("pings"); found {
		t.Error(answer)
	}
}

func TestABannedWordIsFoundAnywhereInAText(t *testing.T) {
	config := Default()
	if !config.IsBanned("say forbidden-words") || config.IsBanned("say forbidden words") {
		t.Fail()
	}
}
