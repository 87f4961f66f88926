// Package export_heimdall_plugin_pre_llm_hook is the hook before a model is called.
package export_heimdall_plugin_pre_llm_hook

import (
	"encoding/json"

	witTypes "go.bytecodealliance.org/pkg/wit/types"
	context "tag/imports/heimdall_plugin_context"
	llm "tag/imports/heimdall_plugin_llm_types"
	hook "tag/imports/heimdall_plugin_pre_llm_hook"
	types "tag/imports/heimdall_plugin_types"
	"tag/support"
	"tag/tag"
)

func BeforeCall(request *llm.LlmRequest) witTypes.Result[hook.Outcome, types.PluginError] {
	return support.Lend(request, beforeCall)
}

func beforeCall(request *llm.LlmRequest) (hook.Outcome, error) {
	quoted, err := json.Marshal(tag.Configured)
	if err != nil {
		return hook.Outcome{}, err
	}
	if err := support.Check(context.Set("tag", string(quoted))); err != nil {
		return hook.Outcome{}, err
	}
	for index := int(request.MessageCount()) - 1; index >= 0; index-- {
		message, some := support.Value(request.MessageAt(uint32(index)))
		if !some || message.Role != "user" {
			continue
		}
		if content, changed := tag.Append(message.Content, tag.Configured); changed {
			message.Content = content
			return hook.MakeOutcomeProceed(), support.Check(request.SetMessage(uint32(index), message))
		}
	}
	return hook.MakeOutcomeProceed(), nil
}
