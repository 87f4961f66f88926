from dataclasses import dataclass
from enum import Enum

CallKind = Enum("CallKind", "CHAT TEXT_COMPLETION RESPONSES EMBEDDING IMAGE SPEECH TRANSCRIPTION OTHER", start=0)


@dataclass
class PartContent_Text:
    value: str


@dataclass
class PartContent_ImageUrl:
    value: str


@dataclass
class PartContent_Other:
    value: str


PartContent = PartContent_Text | PartContent_ImageUrl | PartContent_Other


@dataclass
class Part:
    content: PartContent
    extra: str | None


@dataclass
class Content_Text:
    value: str


@dataclass
class Content_Parts:
    value: list[Part]


@dataclass
class Content_Empty:
    pass


Content = Content_Text | Content_Parts | Content_Empty


@dataclass
class Message:
    role: str
    content: Content
    extra: str | None


@dataclass
class TokenUsage:
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


@dataclass
class LlmError:
    message: str
    kind: str | None
    code: str | None
    param: str | None
    status: int | None
    allow_fallbacks: bool | None
    body: str | None


@dataclass
class Completion:
    text: str
    model: str | None
    finish_reason: str | None
    usage: TokenUsage | None


@dataclass
class Answer_Completion:
    value: Completion


@dataclass
class Answer_Raw:
    value: str


Answer = Answer_Completion | Answer_Raw


class LlmRequest:
    pass


class LlmResponse:
    pass


class LlmChunk:
    pass
