"""The context of one request."""

values: dict[str, str] = {}
get = values.get
set = values.__setitem__


def request_id() -> str:
    return "test"


def remove(key: str) -> None:
    values.pop(key, None)


def keys() -> list[str]:
    return sorted(values)
