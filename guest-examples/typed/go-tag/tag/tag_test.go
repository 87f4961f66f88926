package tag

import (
	"testing"

	"go.bytecodealliance.org/cm"
	llmtypes "tag/gen/heimdall/plugin/llm-types"
)

func TestATextGetsTheTag(t *testing.T) {
	content := llmtypes.ContentText("hello")
	if !Append(&content, "blue") || *content.Text() != "hello [tag:blue]" {
		t.Error(*content.Text())
	}
}

func TestOfPartsTheLastTextGetsIt(t *testing.T) {
	parts := []llmtypes.Part{
		{Content: llmtypes.PartContentText("a")},
		{Content: llmtypes.PartContentText("b")},
		{Content: llmtypes.PartContentImageURL("x")},
	}
	content := llmtypes.ContentParts(cm.ToList(parts))
	if !Append(&content, "blue") {
		t.Error("there is a text")
	}
	first, second, image := parts[0].Content.Text(), parts[1].Content.Text(), parts[2].Content.ImageURL()
	if *first != "a" || *second != "b [tag:blue]" || *image != "x" {
		t.Error(*first, *second, *image)
	}
}

func TestWhereThereIsNoTextThereIsNoTag(t *testing.T) {
	images := llmtypes.ContentParts(cm.ToList([]llmtypes.Part{{Content: llmtypes.PartContentImageURL("x")}}))
	empty := llmtypes.ContentEmpty()
	if Append(&images, "blue") || Append(&empty, "blue") {
		t.Fail()
	}
}

func TestTheTagIsConfiguredOrHasADefault(t *testing.T) {
	for config, expected := range map[string]string{"null": "tagged", "{}": "tagged", `{"tag": "blue"}`: "blue"} {
		if tag, err := Configured(config); err != nil || tag != expected {
			t.Errorf("%s: %q, %v", config, tag, err)
		}
	}
	if tag, err := Configured("{"); err == nil {
		t.Error(tag)
	}
}
