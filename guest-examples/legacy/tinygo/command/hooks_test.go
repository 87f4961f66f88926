package main

import (
	"strings"
	"testing"
)

func TestEachHookLeavesItsMark(t *testing.T) {
	const question = `{"model":"large","input":[{"role":"user","content":"ping "}]}`
	before := func(request string) string {
		return string(preHook([]byte(`{"request_id":"r"}`), []byte(request)))
	}
	requested := func(request string) string {
		return string(httpTransportIntercept([]byte(`{"request_id":"r"}`), []byte(request)))
	}
	after := func(response string) string { return string(postHook([]byte(`{}`), []byte(response), []byte("null"))) }
	cases := []struct {
		title, config string
		hook          func(string) string
		in, want      string
	}{
		{"a conversation begins with the system message", "", before, question, `"input":[{"role":"system","content":"Rule of ` + name + `: be kind."},{"role":"user"`},
		{"an open path goes on", "", requested, `{"path":"/v1/embeddings"}`, `{"response":null,"error":""}`},
		{"a text to be embedded gets no system message", "", before, question, `"input":[{"role":"user"`},
		{"a closed path is answered", `{"closed_paths":["/v1/x"]}`, requested, `{"path":"/v1/x"}`, `"x-legacy":"` + name + `"`},
		{"a banned word is a short circuit", "", before, `{"input":[{"content":[{"type":"text","text":"a forbidden-word"}]}]}`, `"code":"banned_word"`},
		{"the request is for a chat", "", requested, `{"path":"/v1/chat/completions"}`, `{"response":null,"error":""}`},
		{"a question is answered", `{"answers":{"ping":"pong"}}`, before, question, `"short_circuit":{"response":{"chat_response":{"id":"","model":"large","choices":[{"index":0,"message":{"role":"assistant","content":"pong"},"finish_reason":"stop"}]}}}`},
		{"another model is asked", `{"models":{"large":"small"}}`, before, question, `"provider":"","model":"small"`},
		{"another upstream is asked", `{"models":{"large":"up/small/er"}}`, before, question, `"provider":"up","model":"small/er"`},
		{"a secret in an answer is redacted", "", after, `{"chat_response":{"choices":[{"message":{"content":"a TOP-SECRET"}}]}}`, `"a [` + name + ` redacted]"`},
		{"so is one in a part", "", after, `{"chat_response":{"choices":[{"message":{"content":[{"text":"a TOP-SECRET"}]}}]}}`, `"a [` + name + ` redacted]"`},
		{"what is no JSON is a failure of the hook", "", after, `{`, `"error":"` + name + `: `},
	}
	for _, c := range cases {
		configured(t, c.config)
		if got := c.hook(c.in); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s lacks %s", c.title, got, c.want)
		}
	}
}

func TestAnErrorOnItsWayIsLeftAlone(t *testing.T) {
	got := string(postHook([]byte(`{}`), []byte("null"), []byte(`{"error":{"message":"TOP-SECRET"}}`)))
	if !strings.Contains(got, `"response":null`) || !strings.Contains(got, `"message":"TOP-SECRET"`) {
		t.Error(got)
	}
}
