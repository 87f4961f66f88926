// Package export_heimdall_plugin_lifecycle is what the plugin says of itself, and its start.
package export_heimdall_plugin_lifecycle

import (
	witTypes "go.bytecodealliance.org/pkg/wit/types"
	lifecycle "tag/imports/heimdall_plugin_lifecycle"
	types "tag/imports/heimdall_plugin_types"
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

func Describe() lifecycle.Description {
	return lifecycle.Description{
		Name:         "heimdall-tag-go-std",
		Version:      "0.1.0",
		Summary:      "Appends a tag to the last user message.",
		ConfigSchema: witTypes.Some(schema),
		Extra:        witTypes.None[string](),
	}
}

func Init(config string) witTypes.Result[witTypes.Unit, types.PluginError] {
	return support.Run(func() (done witTypes.Unit, err error) {
		if tag.Configured, err = tag.Parse(config); err != nil {
			err = support.InvalidConfig(err)
		}
		return done, err
	})
}

func Cleanup() {}
