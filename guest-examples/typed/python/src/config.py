"""The plugin's configuration."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

# What the host checks a configuration against before it calls `init`.
SCHEMA = """{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "heimdall-guard",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "banned": {
      "description": "A request whose messages hold one of these words is refused. Case matters.",
      "type": "array",
      "items": { "type": "string", "minLength": 1 },
      "default": ["forbidden-word"]
    },
    "secrets": {
      "description": "These words never reach the client: answers and streams have [redacted] in their place.",
      "type": "array",
      "items": { "type": "string", "minLength": 1 },
      "default": ["TOP-SECRET"]
    },
    "system": {
      "description": "The system message put before the conversation; null: none.",
      "type": ["string", "null"],
      "default": "Rule of the typed py guard: be kind."
    },
    "header": {
      "description": "The value of x-guard-request, which requests get, and of x-guard, which responses get.",
      "type": "string",
      "default": "py"
    },
    "closed_paths": {
      "description": "Requests for these paths are answered with 403.",
      "type": "array",
      "items": { "type": "string", "minLength": 1 },
      "default": []
    },
    "models": {
      "description": "Models that are asked in another one's place: `model`, or `upstream/model`, by the name that is asked for.",
      "type": "object",
      "additionalProperties": { "type": "string", "pattern": "^[^/]+(/.+)?$" },
      "default": {}
    },
    "answers": {
      "description": "What the guard answers itself, by what the last message says.",
      "type": "object",
      "additionalProperties": { "type": "string" },
      "default": {}
    },
    "reads": {
      "description": "A key of the request's context, of whichever plugin: its value goes into the response header x-guard-read.",
      "type": ["string", "null"],
      "default": null
    },
    "show_context": {
      "description": "Name the keys of the request's context in the response header x-guard-context.",
      "type": "boolean",
      "default": false
    }
  }
}"""  # noqa: E501


@dataclass(frozen=True)
class Config:
    banned: tuple[str, ...] = ("forbidden-word",)
    secrets: tuple[str, ...] = ("TOP-SECRET",)
    system: str | None = "Rule of the typed py guard: be kind."
    header: str = "py"
    closed_paths: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    reads: str | None = None
    show_context: bool = False

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what the host gives to `init`; `null` stands for no configuration. A ValueError says what is wrong."""
        members = json.loads(text)
        if members is None:
            return cls()
        if not isinstance(members, dict):
            raise ValueError("the configuration is no object")
        return cls(**{name: _read(name, value) for name, value in members.items()})

    def instead_of(self, model: str) -> tuple[str | None, str] | None:
        """The upstream, if another one is named, and the model that is asked instead of this one."""
        other = self.models.get(model)
        if other is None:
            return None
        upstream, slash, name = other.partition("/")
        return (upstream, name) if slash else (None, other)

    def is_banned(self, text: str) -> bool:
        return any(word in text for word in self.banned)


def _read(name: str, value: Any) -> Any:
    reader = _READERS.get(name)
    if reader is None:
        raise ValueError(f"there is no `{name}`")
    try:
        return reader(value)
    except TypeError as error:
        raise ValueError(f"`{name}` {error}") from None


def _words(value: Any) -> tuple[str, ...]:
    # An empty word is in every text.
    if not (isinstance(value, list) and all(isinstance(word, str) and word for word in value)):
        raise TypeError("is no list of words, or one of them is empty")
    return tuple(value)


def _texts(value: Any) -> dict[str, str]:
    if not (isinstance(value, dict) and all(isinstance(text, str) for text in value.values())):
        raise TypeError("is no object of texts")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("is no text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("is neither true nor false")
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "banned": _words,
    "secrets": _words,
    "system": _text_or_none,
    "header": _text,
    "closed_paths": _words,
    "models": _texts,
    "answers": _texts,
    "reads": _text_or_none,
    "show_context": _boolean,
}

# Set once per instance, by `init`. What belongs to a request goes to its context, since the next hook may run in
# another instance.
current = Config()
