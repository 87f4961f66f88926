package main

import (
	"strings"
	"testing"
)

type hookCase struct {
	title, config string
	hook          func([]byte) []byte
	in, want      string
}

func TestEachHookLeavesItsMark(t *testing.T) {
	const question = `{"context":{"request_id":"r"},"request":{"model":"large","input":[{"role":"user","content":"ping "}]}}`
	cases := []hookCase{
		{"a request gets a header", "", httpPreHook, `{"request":{"path":"/v1/x"}}`, `"x-legacy-request":"` + name + `"`},
		{"its path is noted", "", httpPreHook, `{"request":{"path":"/v1/x"}}`, `"` + name + `/path":"/v1/x"`},
		{"a closed path is answered", `{"closed_paths":["/v1/x"]}`, httpPreHook, `{"request":{"path":"/v1/x"}}`, `"has_response":true`},
		{"a conversation begins with the system message", "", preHook, question, `"input":[{"role":"system","content":"Rule of ` + name + `: be kind."},{"role":"user"`},
		{"a text to be embedded gets no system message", "", preHook, `{"context":{"` + name + `/path":"/v1/embeddings"},"request":{"input":[{"role":"user","content":"hi"}]}}`, `"input":[{"role":"user"`},
		{"messages are counted", "", preHook, question, `"` + name + `/messages":1`},
		{"a banned word is a short circuit", "", preHook, `{"request":{"input":[{"content":[{"type":"text","text":"a forbidden-word"}]}]}}`, `"code":"banned_word"`},
		{"a question is answered", `{"answers":{"ping":"pong"}}`, preHook, question, `"short_circuit":{"response":{"chat_response":{"id":"","model":"large","choices":[{"index":0,"message":{"role":"assistant","content":"pong"},"finish_reason":"stop"}]}}},"has_short_circuit":true`},
		{"another model is asked", `{"models":{"large":"small"}}`, preHook, question, `"provider":"","model":"small"`},
		{"another upstream is asked", `{"models":{"large":"up/small/er"}}`, preHook, question, `"provider":"up","model":"small/er"`},
		{"a secret in an answer is redacted", "", postHook, `{"response":{"chat_response":{"choices":[{"message":{"content":"a TOP-SECRET"}}]}}}`, `"a [` + name + ` redacted]"`},
		{"so is one in a part", "", postHook, `{"response":{"chat_response":{"choices":[{"message":{"content":[{"text":"a TOP-SECRET"}]}}]}}}`, `"a [` + name + ` redacted]"`},
		{"tokens are added up", "", postHook, `{"context":{"` + name + `/tokens":4},"response":{"chat_response":{"choices":[],"usage":{"total_tokens":3}}}}`, `"` + name + `/tokens":7`},
		{"an error on its way is left alone", "", postHook, `{"error":{"error":{"message":"TOP-SECRET"}},"has_error":true}`, `"message":"TOP-SECRET"`},
		{"what is no JSON is a failure of the hook", "", postHook, `{`, `"hook_error":"` + name + `: `},
	}
	for _, c := range append(cases, casesOfThisGeneration...) {
		configured(t, c.config)
		if got := string(c.hook([]byte(c.in))); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s lacks %s", c.title, got, c.want)
		}
	}
}
