// A plugin with one hook: it appends a tag to the last user message.
package main

import (
	"encoding/json"

	"go.bytecodealliance.org/cm"
	"tag/gen/heimdall/plugin/context"
	"tag/gen/heimdall/plugin/lifecycle"
	llmtypes "tag/gen/heimdall/plugin/llm-types"
	prehook "tag/gen/heimdall/plugin/pre-llm-hook"
	"tag/gen/heimdall/plugin/types"
	"tag/support"
	"tag/tag"
)

const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "tag": { "description": "What is appended, in brackets.", "type": "string", "default": "tagged" }
  }
}`

var configured string

func init() {
	support.Lifecycle(describe, start, func() {})
	support.BeforeCall(beforeCall)
}

func main() {}

func describe() lifecycle.Description {
	return lifecycle.Description{
		Name:         "heimdall-tag-go",
		Version:      "0.1.0",
		Summary:      "Appends a tag to the last user message.",
		ConfigSchema: cm.Some(types.JSON(schema)),
	}
}

func start(config string) (err error) {
	if configured, err = tag.Configured(config); err != nil {
		return support.InvalidConfig(err)
	}
	return nil
}

func beforeCall(request llmtypes.LlmRequest) (prehook.Outcome, error) {
	quoted, err := json.Marshal(configured)
	if err != nil {
		return prehook.Outcome{}, err
	}
	if err := support.Check(context.Set("tag", types.JSON(quoted))); err != nil {
		return prehook.Outcome{}, err
	}
	for index := int(request.MessageCount()) - 1; index >= 0; index-- {
		message, some := support.Value(request.MessageAt(uint32(index)))
		if some && message.Role == "user" && tag.Append(&message.Content, configured) {
			return prehook.OutcomeProceed(), support.Check(request.SetMessage(uint32(index), message))
		}
	}
	return prehook.OutcomeProceed(), nil
}
