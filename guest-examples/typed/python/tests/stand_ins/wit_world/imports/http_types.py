from dataclasses import dataclass


class HttpRequest:
    pass


class HttpResponse:
    pass


@dataclass
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
