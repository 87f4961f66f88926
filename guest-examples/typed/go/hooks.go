package main

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.bytecodealliance.org/cm"
	"guard/config"
	"guard/gen/heimdall/plugin/context"
	requesthook "guard/gen/heimdall/plugin/http-request-hook"
	httptypes "guard/gen/heimdall/plugin/http-types"
	"guard/gen/heimdall/plugin/lifecycle"
	llmtypes "guard/gen/heimdall/plugin/llm-types"
	"guard/gen/heimdall/plugin/logging"
	posthook "guard/gen/heimdall/plugin/post-llm-hook"
	prehook "guard/gen/heimdall/plugin/pre-llm-hook"
	"guard/gen/heimdall/plugin/types"
	"guard/held"
	"guard/redact"
	"guard/support"
)

// Where the tokens that a request used are counted, and its messages.
const (
	tokensKey   = "guard-go/tokens"
	messagesKey = "guard-go/messages"
)

// Set once per instance, by start. What belongs to a request goes to its context, since the next hook may run in another
// instance.
var configured *config.Config

func describe() lifecycle.Description {
	return lifecycle.Description{
		Name:         "heimdall-guard-go",
		Version:      "0.1.0",
		Summary:      "A guard: refuses banned words, adds a system message, redacts secrets in answers and streams.",
		ConfigSchema: cm.Some(types.JSON(config.Schema)),
		Extra:        cm.Some(types.JSON(`{"license":"Apache-2.0"}`)),
	}
}

func start(text string) error {
	if configured != nil {
		return errors.New("init was called twice")
	}
	parsed, err := config.Parse(text)
	if err != nil {
		return support.InvalidConfig(err)
	}
	configured = &parsed
	return nil
}

func cleanup() {
	support.Log(logging.LevelDebug, "cleaned up")
}

func onRequest(request httptypes.HTTPRequest) (requesthook.Outcome, error) {
	path := request.Path()
	if slices.Contains(configured.ClosedPaths, path) {
		return requesthook.OutcomeRespond(closed()), nil
	}
	if err := support.Check(request.AddHeader("x-guard-request", configured.Header)); err != nil {
		return requesthook.Outcome{}, err
	}
	quoted, err := held.Quote(path)
	if err != nil {
		return requesthook.Outcome{}, err
	}
	return requesthook.OutcomeProceed(), setContext("guard-go/path", quoted)
}

func closed() httptypes.Reply {
	body := `{"error":{"code":"closed_path","message":"heimdall-guard-go: this path is closed",` +
		`"param":null,"type":"policy_violation"}}`
	return httptypes.Reply{
		Status: 403,
		Headers: cm.ToList([]httptypes.Header{
			{"content-type", "application/json"},
			{"x-guard", configured.Header},
		}),
		Body: cm.ToList([]byte(body)),
	}
}

func onResponse(_ httptypes.HTTPRequest, response httptypes.HTTPResponse) error {
	headers := [][2]string{{"x-guard", configured.Header}}
	add := func(header, key string) {
		if value, some := support.Value(context.Get(key)); some {
			headers = append(headers, [2]string{header, string(value)})
		}
	}
	add("x-guard-messages", messagesKey)
	add("x-guard-tokens", tokensKey)
	if configured.Reads != nil {
		add("x-guard-read", *configured.Reads)
	}
	if configured.ShowContext {
		headers = append(headers, [2]string{"x-guard-context", strings.Join(context.Keys().Slice(), ",")})
	}
	for _, header := range headers {
		if err := support.Check(response.AddHeader(header[0], header[1])); err != nil {
			return err
		}
	}
	return nil
}

func beforeCall(request llmtypes.LlmRequest) (prehook.Outcome, error) {
	count := request.MessageCount()
	for index := range count {
		if text, some := support.Value(request.MessageText(index)); some && configured.IsBanned(text) {
			support.Log(logging.LevelWarn, "refused", "message", number(index))
			return prehook.OutcomeRefuse(refusal()), nil
		}
	}
	if text, found := ownAnswer(request, count); found {
		support.Log(logging.LevelInfo, "answered")
		return prehook.OutcomeAnswer(llmtypes.AnswerCompletion(llmtypes.Completion{Text: text})), nil
	}
	if err := chooseModel(request); err != nil {
		return prehook.Outcome{}, err
	}
	if err := putFirst(request); err != nil {
		return prehook.Outcome{}, err
	}
	support.Log(logging.LevelInfo, "checked", "messages", number(count))
	return prehook.OutcomeProceed(), setContext(messagesKey, number(count))
}

// What the configuration has for what the last message says.
func ownAnswer(request llmtypes.LlmRequest, count uint32) (string, bool) {
	// Read only where there is something to compare it with.
	if len(configured.Answers) == 0 || count == 0 || request.Kind() == llmtypes.CallKindEmbedding {
		return "", false
	}
	asked, some := support.Value(request.MessageText(count - 1))
	if !some {
		return "", false
	}
	return configured.AnswerTo(asked)
}

// Says neither the word nor where it is: whoever probes the guard learns nothing.
func refusal() llmtypes.LlmError {
	return llmtypes.LlmError{
		Message: "heimdall-guard-go: the request holds a banned word",
		Kind:    cm.Some("policy_violation"),
		Code:    cm.Some("banned_word"),
	}
}

func chooseModel(request llmtypes.LlmRequest) error {
	upstream, model, found := configured.InsteadOf(request.Model())
	if !found {
		return nil
	}
	if upstream != "" {
		if err := support.Check(request.SetProvider(upstream)); err != nil {
			return err
		}
	}
	return support.Check(request.SetModel(model))
}

func putFirst(request llmtypes.LlmRequest) error {
	if configured.System == nil {
		return nil
	}
	system := *configured.System
	message := func(text string) llmtypes.Message {
		return llmtypes.Message{Role: "system", Content: llmtypes.ContentText(text)}
	}
	switch request.Kind() {
	case llmtypes.CallKindChat:
		return support.Check(request.InsertMessage(0, message(system)))
	case llmtypes.CallKindResponses:
		// `instructions` have one place: what is there already follows the rule.
		first, some := support.Value(request.MessageAt(0))
		if old := first.Content.Text(); some && first.Role == "system" && old != nil {
			return support.Check(request.SetMessage(0, message(system+"\n\n"+*old)))
		}
		return support.Check(request.InsertMessage(0, message(system)))
	}
	return nil
}

func afterCall(response llmtypes.LlmResponse) (posthook.Outcome, error) {
	if usage, some := support.Value(response.Usage()); some {
		if err := countTokens(usage.TotalTokens); err != nil {
			return posthook.Outcome{}, err
		}
	}
	// The stream hook has seen to a streamed answer.
	if response.Streamed() {
		return posthook.OutcomeProceed(), nil
	}
	return posthook.OutcomeProceed(), redactChoices(response)
}

func afterError(failed llmtypes.LlmError) (posthook.Outcome, error) {
	text := "none"
	if status, some := support.Value(failed.Status); some {
		text = number(uint32(status))
	}
	support.Log(logging.LevelInfo, "no answer", "status", text)
	return posthook.OutcomeProceed(), nil
}

// Adds to the tokens of this request: those of all its attempts.
func countTokens(tokens uint32) error {
	before, err := strconv.ParseUint(string(context.Get(tokensKey).Value()), 10, 32)
	if err != nil {
		before = 0
	}
	return setContext(tokensKey, number(uint32(min(before+uint64(tokens), math.MaxUint32))))
}

func redactChoices(response llmtypes.LlmResponse) error {
	for choice := range response.ChoiceCount() {
		redacted, found := redact.Whole(configured.Secrets, response.Text(choice).Value())
		if !found {
			continue
		}
		support.Log(logging.LevelInfo, "redacted", "choice", number(choice))
		if err := support.Check(response.SetText(choice, redacted)); err != nil {
			return err
		}
	}
	return nil
}

func setContext(key, value string) error {
	return support.Check(context.Set(key, types.JSON(value)))
}

func number(number uint32) string {
	return strconv.FormatUint(uint64(number), 10)
}
