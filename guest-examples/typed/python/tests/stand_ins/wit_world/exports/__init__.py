class Lifecycle:
    pass


class HttpRequestHook:
    pass


class HttpResponseHook:
    pass


class PreLlmHook:
    pass


class PostLlmHook:
    pass


class StreamHook:
    pass
