package redact

import "testing"

func TestATextWithoutASecretIsLeftAlone(t *testing.T) {
	if redacted, found := Whole([]string{"TOP-SECRET"}, "TOP-SECRE"); found {
		t.Error(redacted)
	}
}

func TestEverySecretOfATextIsRedacted(t *testing.T) {
	redacted, _ := Whole([]string{"ab", "abc", "é"}, "abc ab é x")
	if redacted != "[redacted] [redacted] [redacted] x" {
		t.Error(redacted)
	}
}

func TestOnlyATailThatCouldBeginASecretIsHeld(t *testing.T) {
	cases := []struct{ text, ready, held string }{
		{"plain", "plain", ""},
		{"a TOP", "a ", "TOP"},
		{"TOP-SECRET", "[redacted]", ""},
		{"T TO", "T ", "TO"},
	}
	for _, c := range cases {
		if ready, held := Beginning([]string{"TOP-SECRET"}, c.text); ready != c.ready || held != c.held {
			t.Errorf("%s: %q, %q", c.text, ready, held)
		}
	}
}

// Sends the pieces one by one, as a stream does.
func stream(secrets []string, pieces ...string) string {
	sent, held := "", ""
	for _, piece := range pieces {
		var ready string
		ready, held = Beginning(secrets, held+piece)
		sent += ready
	}
	return sent + End(secrets, held)
}

func TestAStreamIsRedactedWhereverItIsCut(t *testing.T) {
	secrets := []string{"TOP-SECRET", "TOP-SECRETARY", "schlüssel"}
	text := "TOTOP-SECRET is TOP-SECRETARY, the schlüssel; TOP-"
	expected := "TO[redacted] is [redacted], the [redacted]; TOP-"
	for a := range len(text) + 1 {
		for b := a; b <= len(text); b++ {
			if sent := stream(secrets, text[:a], text[a:b], text[b:]); sent != expected {
				t.Errorf("cut at %d and %d: %s", a, b, sent)
			}
		}
	}
}
