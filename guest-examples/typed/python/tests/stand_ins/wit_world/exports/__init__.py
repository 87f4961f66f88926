class StreamHook:
    pass
