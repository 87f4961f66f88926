"""The context of one request."""

values: dict[str, str] = {}
get = values.get
set = values.__setitem__


def remove(key: str) -> None:
    values.pop(key, None)


def keys() -> list[str]:
    return sorted(values)
