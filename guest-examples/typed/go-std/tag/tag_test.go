package tag

import (
	"testing"

	llm "tag/imports/heimdall_plugin_llm_types"
)

func TestATextGetsTheTag(t *testing.T) {
	content, changed := Append(llm.MakeContentText("hello"), "blue")
	if !changed || content.Text() != "hello [tag:blue]" {
		t.Error(content.Text())
	}
}

func TestOfPartsTheLastTextGetsIt(t *testing.T) {
	content, changed := Append(llm.MakeContentParts([]llm.Part{
		{Content: llm.MakePartContentText("a")},
		{Content: llm.MakePartContentText("b")},
		{Content: llm.MakePartContentImageUrl("x")},
	}), "blue")
	if !changed {
		t.Fatal("there is a text")
	}
	parts := content.Parts()
	first, second, image := parts[0].Content.Text(), parts[1].Content.Text(), parts[2].Content.ImageUrl()
	if first != "a" || second != "b [tag:blue]" || image != "x" {
		t.Error(first, second, image)
	}
}

func TestWhereThereIsNoTextThereIsNoTag(t *testing.T) {
	images := llm.MakeContentParts([]llm.Part{{Content: llm.MakePartContentImageUrl("x")}})
	for _, content := range []llm.Content{images, llm.MakeContentEmpty()} {
		if _, changed := Append(content, "blue"); changed {
			t.Error(content.Tag())
		}
	}
}

func TestTheTagIsConfiguredOrHasADefault(t *testing.T) {
	for config, expected := range map[string]string{"null": "tagged", "{}": "tagged", `{"tag": "blue"}`: "blue"} {
		if tag, err := Parse(config); err != nil || tag != expected {
			t.Errorf("%s: %q, %v", config, tag, err)
		}
	}
	if tag, err := Parse("{"); err == nil {
		t.Error(tag)
	}
}
