"""The context of one request."""

values: dict[str, str] = {}
set = values.__setitem__
