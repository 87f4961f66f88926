// The hook of streams. A secret may be cut in two by a chunk boundary, so text that could begin one is held back until
// the next chunk tells. What is held lies in the request's context, one entry for each choice, because the next chunk may
// meet another instance.

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.bytecodealliance.org/cm"
	"guard/gen/heimdall/plugin/context"
	llmtypes "guard/gen/heimdall/plugin/llm-types"
	streamhook "guard/gen/heimdall/plugin/stream-hook"
	"guard/gen/heimdall/plugin/types"
	"guard/held"
	"guard/redact"
	"guard/support"
)

const heldKey = "guard-go/held/"

// False: nothing is held.
func load(key string) (held.Text, bool, error) {
	text, some := support.Value(context.Get(key))
	if !some {
		return held.Text{}, false, nil
	}
	loaded, err := held.Read(string(text))
	if err != nil {
		return held.Text{}, false, support.InvalidJSON(fmt.Errorf("%s: %w", key, err))
	}
	return loaded, true, nil
}

func onChunk(chunk llmtypes.LlmChunk) (streamhook.Outcome, error) {
	key := heldKey + number(chunk.Choice())
	before, had, err := load(key)
	if err != nil {
		return streamhook.Outcome{}, err
	}
	if text, some := support.Value(chunk.Text()); some {
		return streamhook.OutcomeProceed(), passOn(chunk, key, text, before, had)
	}
	if had && endsText(chunk) {
		context.Remove(key)
		events := []types.JSON{types.JSON(before.Event), chunk.ToJSON()}
		return streamhook.OutcomeReplace(cm.ToList(events)), nil
	}
	return streamhook.OutcomeProceed(), nil
}

func onEnd() ([]types.JSON, error) {
	var events []types.JSON
	for _, key := range context.Keys().Slice() {
		if !strings.HasPrefix(key, heldKey) {
			continue
		}
		last, _, err := load(key)
		if err != nil {
			return nil, err
		}
		events = append(events, types.JSON(last.Event))
		context.Remove(key)
	}
	return events, nil
}

// Sends what can be sent of the text held so far and this chunk's, and holds the rest.
func passOn(chunk llmtypes.LlmChunk, key, text string, before held.Text, had bool) error {
	joined := before.Text + text
	if endsText(chunk) {
		context.Remove(key)
		return support.Check(chunk.SetText(redact.End(configured.Secrets, joined)))
	}
	ready, rest := redact.Beginning(configured.Secrets, joined)
	if rest != "" {
		if err := hold(chunk, key, rest); err != nil {
			return err
		}
	} else if had {
		context.Remove(key)
	}
	if rest == "" && ready == text {
		return nil
	}
	return support.Check(chunk.SetText(ready))
}

// Holds a text back, with the chunk that sends it should nothing follow.
func hold(chunk llmtypes.LlmChunk, key, text string) error {
	if err := support.Check(chunk.SetText(redact.End(configured.Secrets, text))); err != nil {
		return err
	}
	event, err := held.OnlyText(string(chunk.ToJSON()))
	if err != nil {
		return support.InvalidJSON(err)
	}
	value, err := held.Text{Text: text, Event: event}.Write()
	if err != nil {
		return err
	}
	return setContext(key, value)
}

// True for a chunk after which its choice has no more text. Other chunks without text (tool calls, annotations) may stand
// between the halves of a secret: they must not set the first half free.
func endsText(chunk llmtypes.LlmChunk) bool {
	if _, finished := support.Value(chunk.FinishReason()); finished {
		return true
	}
	var kind string
	if json.Unmarshal([]byte(chunk.Get("/type").Value()), &kind) != nil {
		return false
	}
	for _, end := range []string{"done", "completed", "incomplete", "failed"} {
		if strings.HasSuffix(kind, end) {
			return true
		}
	}
	return false
}
