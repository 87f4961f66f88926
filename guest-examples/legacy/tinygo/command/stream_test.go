package main

import (
	"fmt"
	"strings"
	"testing"
)

func piece(index int, text string) string {
	return fmt.Sprintf(`{"index":%d,"delta":{"content":%q},"finish_reason":null}`, index, text)
}

func finish(index int) string {
	return fmt.Sprintf(`{"index":%d,"delta":{},"finish_reason":"stop"}`, index)
}

// The texts of the choices that come out of the chunks, each chunk the choices of one.
func streamed(t *testing.T, chunks ...string) [2]string {
	t.Helper()
	var texts [2]string
	send := newStream(t)
	for _, chunk := range chunks {
		for _, choice := range send(chunk) {
			if choice.Delta != nil {
				if text, ok := choice.Delta.Content.(string); ok {
					texts[choice.Index] += text
				}
			}
		}
	}
	return texts
}

func TestAStreamIsRedactedAcrossItsChunks(t *testing.T) {
	cases := []struct {
		title  string
		chunks []string
		want   [2]string
	}{
		{"a secret within one chunk", []string{piece(0, "a TOP-SECRET!"), finish(0)}, [2]string{"a #!"}},
		{"a secret in two", []string{piece(0, "a TOP"), piece(0, "-SECRET!"), finish(0)}, [2]string{"a #!"}},
		{"two secrets that begin alike", []string{piece(0, "a schl"), piece(0, "üssel"), piece(0, "bund b"), piece(0, " schlüs"), finish(0)}, [2]string{"a # b schlüs"}},
		{"a secret that the finish completes", []string{piece(0, "schlüssel"), finish(0)}, [2]string{"#"}},
		{"a finish without a delta", []string{piece(0, "TOP"), `{"index":0,"finish_reason":"stop"}`}, [2]string{"TOP"}},
		{"a finish with text", []string{piece(0, "TOP"), `{"index":0,"delta":{"content":"-SECRET"},"finish_reason":"stop"}`}, [2]string{"#"}},
		{"a reason that is empty", []string{`{"index":0,"delta":{"content":"TOP"},"finish_reason":""}`, piece(0, "-SECRET")}, [2]string{"#"}},
		{"a chunk without text in between", []string{piece(0, "TOP"), `{"index":0,"delta":{"tool_calls":[]}}`, piece(0, "-SECRET"), finish(0)}, [2]string{"#"}},
		{"two choices", []string{piece(0, "TOP") + "," + piece(1, "a TOP-"), piece(1, "X"), piece(0, "-SECRET"), finish(1), finish(0)}, [2]string{"#", "a TOP-X"}},
		{"a choice that begins again", []string{piece(0, "TOP"), finish(0), piece(0, "-SECRET"), finish(0)}, [2]string{"TOP-SECRET"}},
	}
	configured(t, `{"secrets":["TOP-SECRET","schlüssel","schlüsselbund"]}`)
	for _, c := range cases {
		texts := streamed(t, c.chunks...)
		for i, text := range texts {
			if text = strings.ReplaceAll(text, streamMark, "#"); text != c.want[i] {
				t.Errorf("%s: choice %d is %q", c.title, i, text)
			}
		}
	}
}
