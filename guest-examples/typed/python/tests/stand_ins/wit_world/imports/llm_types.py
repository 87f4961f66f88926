class LlmChunk:
    pass
