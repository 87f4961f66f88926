from dataclasses import dataclass


class LlmRequest:
    pass


@dataclass
class Content_Text:
    value: str


@dataclass
class PartContent_Text:
    value: str


@dataclass
class Part:
    content: object
    extra: str | None


@dataclass
class Content_Parts:
    value: list[Part]


Content = Content_Text | Content_Parts


@dataclass
class Message:
    role: str
    content: Content
    extra: str | None
