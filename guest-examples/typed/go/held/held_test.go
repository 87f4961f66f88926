package held

import "testing"

func TestWhatWasWrittenIsRead(t *testing.T) {
	before := Text{Text: "TO\x00P \"é\" <&>", Event: `{"a":1}`}
	text, err := before.Write()
	if err != nil {
		t.Fatal(err)
	}
	if after, err := Read(text); err != nil || after != before {
		t.Errorf("%s: %+v, %v", text, after, err)
	}
}

func TestWhatSomebodyElseWroteIsAnError(t *testing.T) {
	for _, text := range []string{"", "7", `{"text": 7}`} {
		if held, err := Read(text); err == nil {
			t.Errorf("%s: %+v", text, held)
		}
	}
}

func TestAnEventThatIsHeldHasNothingThatAddsUp(t *testing.T) {
	cases := []struct{ chunk, expected string }{
		{
			`{"id":12345678901234567890123,"choices":[{"index":0,"logprobs":{},` +
				`"delta":{"role":"assistant","content":"TOP <","tool_calls":[]}}],"usage":{}}`,
			`{"choices":[{"delta":{"content":"TOP <"},"index":0}],"id":12345678901234567890123}`,
		},
		{`{"delta":"TOP","type":"response.output_text.delta"}`, `{"delta":"TOP","type":"response.output_text.delta"}`},
		{`{"choices":[7,{"delta":null}]}`, `{"choices":[7,{"delta":null}]}`},
	}
	for _, c := range cases {
		if event, err := OnlyText(c.chunk); err != nil || event != c.expected {
			t.Errorf("%s: %s, %v", c.chunk, event, err)
		}
	}
}

func TestATextIsQuotedAsItIs(t *testing.T) {
	if quoted, err := Quote("/v1/a&b\n\""); err != nil || quoted != `"/v1/a&b\n\""` {
		t.Error(quoted, err)
	}
}
