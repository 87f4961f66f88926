package main

import (
	"strconv"

	"guard/config"
	"guard/gen/heimdall/plugin/context"
	llmtypes "guard/gen/heimdall/plugin/llm-types"
	"guard/gen/heimdall/plugin/logging"
	streamhook "guard/gen/heimdall/plugin/stream-hook"
	"guard/gen/heimdall/plugin/types"
	"guard/support"
)

// The count lies in the request's context, because the next chunk may meet another instance of the plugin.
const chunksKey = config.Name + "/chunks"

// The hook of each chunk of a streamed answer: counts it.
func onChunk(llmtypes.LlmChunk) (streamhook.Outcome, error) {
	count := types.JSON(strconv.Itoa(chunks() + 1))
	return streamhook.OutcomeProceed(), support.Check(context.Set(chunksKey, count))
}

// The hook of a stream's end. What was held back would be returned here.
func onEnd() ([]types.JSON, error) {
	support.Log(logging.LevelInfo, "the stream ended", "chunks", strconv.Itoa(chunks()))
	return nil, nil
}

func chunks() int {
	count, err := strconv.Atoi(string(context.Get(chunksKey).Value()))
	if err != nil {
		return 0
	}
	return count
}
