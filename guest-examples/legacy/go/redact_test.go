package main

import "testing"

func secrets(words ...string) *guard { return &guard{Secrets: words} }

func TestEverySecretOfATextIsRedactedAndTheLongestWins(t *testing.T) {
	if redacted := secrets("ab", "abc", "é").redact("abc ab é x", "[-]"); redacted != "[-] [-] [-] x" {
		t.Error(redacted)
	}
}

func TestOnlyATailThatCouldBeginASecretIsHeld(t *testing.T) {
	cases := []struct{ text, ready, held string }{
		{"plain", "plain", ""},
		{"a TOP", "a ", "TOP"},
		{"TOP-SECRET", "[-]", ""},
		{"T TO", "T ", "TO"},
	}
	for _, c := range cases {
		if ready, held := secrets("TOP-SECRET").redactBeginning(c.text, "[-]"); ready != c.ready || held != c.held {
			t.Errorf("%s: %q, %q", c.text, ready, held)
		}
	}
}

func TestATextIsRedactedWhereverItIsCut(t *testing.T) {
	guard := secrets("TOP-SECRET", "TOP-SECRETARY", "schlüssel")
	text, want := "TOTOP-SECRET is TOP-SECRETARY, the schlüssel; TOP-", "TO[-] is [-], the [-]; TOP-"
	for a := range len(text) + 1 {
		for b := a; b <= len(text); b++ {
			sent, held := "", ""
			for _, piece := range []string{text[:a], text[a:b], text[b:]} {
				var ready string
				ready, held = guard.redactBeginning(held+piece, "[-]")
				sent += ready
			}
			if sent += guard.redact(held, "[-]"); sent != want {
				t.Errorf("cut at %d and %d: %s", a, b, sent)
			}
		}
	}
}
