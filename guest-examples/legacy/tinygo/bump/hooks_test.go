package main

import (
	"strings"
	"testing"
)

func TestEachHookLeavesItsMark(t *testing.T) {
	cases := []struct {
		title    string
		hook     func([]byte) []byte
		in, want string
	}{
		{"a request gets a header", httpPreHook, `{"request":{"path":"/v1/x"}}`, `"x-legacy-request":"tinygo"`},
		{"a conversation begins with the system message", preHook, `{"request":{"input":[{"role":"user","content":"hi"}]}}`, `"input":[{"role":"system"`},
		{"a text to be embedded gets no system message", preHook, `{"context":{"tinygo/path":"/v1/embeddings"},"request":{"input":[{"role":"user","content":"hi"}]}}`, `"input":[{"role":"user"`},
		{"a banned word is a short circuit", preHook, `{"request":{"input":[{"content":[{"type":"text","text":"a forbidden-word"}]}]}}`, `"code":"banned_word"`},
		{"a secret in an answer is redacted", postHook, `{"response":{"chat_response":{"choices":[{"message":{"content":"a TOP-SECRET"}}]}}}`, `"a [tinygo redacted]"`},
		{"a secret in a chunk is redacted", httpStreamChunkHook, `{"chunk":{"choices":[{"delta":{"content":"a TOP-SECRET"}}]}}`, `"a [tinygo chunk redacted]"`},
		{"a secret in an event is redacted", httpStreamChunkHook, `{"chunk":{"delta":"a TOP-SECRET"}}`, `"a [tinygo chunk redacted]"`},
		{"a response gets headers", httpPostHook, `{"context":{"tinygo/messages":2},"response":{}}`, `"x-legacy":"tinygo","x-legacy-messages":"2"`},
		{"what is no JSON is a failure of the hook", postHook, `{`, `"hook_error":"tinygo: `},
	}
	for _, c := range cases {
		if got := string(c.hook([]byte(c.in))); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s lacks %s", c.title, got, c.want)
		}
	}
}
