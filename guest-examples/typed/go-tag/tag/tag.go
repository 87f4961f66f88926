// Package tag is what the plugin does to a message.
package tag

import (
	"encoding/json"

	llmtypes "tag/gen/heimdall/plugin/llm-types"
)

// Configured gives the tag of a configuration.
func Configured(config string) (string, error) {
	members := struct{ Tag string }{"tagged"}
	err := json.Unmarshal([]byte(config), &members)
	return members.Tag, err
}

// Append appends ` [tag:…]` to the last text of a message's content. False: it has none.
func Append(content *llmtypes.Content, tag string) bool {
	text := lastText(content)
	if text == nil {
		return false
	}
	*text += " [tag:" + tag + "]"
	return true
}

func lastText(content *llmtypes.Content) *string {
	if parts := content.Parts(); parts != nil {
		for index := int(parts.Len()) - 1; index >= 0; index-- {
			if text := parts.Slice()[index].Content.Text(); text != nil {
				return text
			}
		}
		return nil
	}
	return content.Text()
}
