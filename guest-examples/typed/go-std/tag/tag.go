// Package tag is what the plugin does to a message.
package tag

import (
	"encoding/json"

	llm "tag/imports/heimdall_plugin_llm_types"
)

// Configured is set once per instance, by init.
var Configured string

// Parse gives the tag of a configuration.
func Parse(config string) (string, error) {
	members := struct{ Tag string }{"tagged"}
	err := json.Unmarshal([]byte(config), &members)
	return members.Tag, err
}

// Append gives a message's content with ` [tag:…]` after its last text. False: it has none.
func Append(content llm.Content, tag string) (llm.Content, bool) {
	suffix := " [tag:" + tag + "]"
	switch content.Tag() {
	case llm.Content_Text:
		return llm.MakeContentText(content.Text() + suffix), true
	case llm.Content_Parts:
		parts := content.Parts()
		for index := len(parts) - 1; index >= 0; index-- {
			if part := &parts[index]; part.Content.Tag() == llm.PartContent_Text {
				part.Content = llm.MakePartContentText(part.Content.Text() + suffix)
				return content, true
			}
		}
	}
	return content, false
}
