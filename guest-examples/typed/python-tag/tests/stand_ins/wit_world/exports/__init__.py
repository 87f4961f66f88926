class Lifecycle:
    pass


class PreLlmHook:
    pass
