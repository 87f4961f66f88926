"""The hook of streams. A secret may be cut in two by a chunk boundary, so text that could begin one is held back until
the next chunk tells. What is held lies in the request's context, one entry for each choice, because the next chunk may
meet another instance."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.stream_hook import Outcome, Outcome_Proceed, Outcome_Replace
from wit_world.imports import context
from wit_world.imports.llm_types import LlmChunk
from wit_world.imports.types import PluginError_InvalidJson

import config
import redact
from support import hooks, to_json

KEY = "guard-py/held/"


@dataclass(frozen=True)
class Held:
    # As it came.
    text: str
    # JSON text of the chunk that sends it, redacted, should nothing follow.
    event: str

    @classmethod
    def load(cls, key: str) -> Self | None:
        stored = context.get(key)
        if stored is None:
            return None
        try:
            members = json.loads(stored)
            return cls(members["text"], members["event"])
        except (ValueError, LookupError, TypeError) as error:
            raise Err(PluginError_InvalidJson(f"{key}: {error}")) from None

    def store(self, key: str) -> None:
        context.set(key, to_json(asdict(self)))


@hooks
class StreamHook(exports.StreamHook):
    def on_chunk(self, chunk: LlmChunk) -> Outcome:
        key = f"{KEY}{chunk.choice()}"
        held = Held.load(key)
        text = chunk.text()
        if text is not None:
            pass_on(chunk, key, text, held)
        elif held is not None and ends_text(chunk):
            context.remove(key)
            return Outcome_Replace([held.event, chunk.to_json()])
        return Outcome_Proceed()

    def on_end(self) -> list[str]:
        events = []
        for key in sorted(context.keys()):
            if key.startswith(KEY) and (held := Held.load(key)):
                events.append(held.event)
                context.remove(key)
        return events


def pass_on(chunk: LlmChunk, key: str, text: str, held: Held | None) -> None:
    """Sends what can be sent of the text held so far and this chunk's, and holds the rest."""
    joined = (held.text if held else "") + text
    secrets = config.current.secrets
    if ends_text(chunk):
        chunk.set_text(redact.whole(secrets, joined))
        context.remove(key)
        return
    split = redact.beginning(secrets, joined)
    if split.held:
        # The chunk that sends it is this one, with another text.
        chunk.set_text(redact.whole(secrets, split.held))
        Held(split.held, only_text(chunk.to_json())).store(key)
    elif held:
        context.remove(key)
    if split.held or split.ready != text:
        chunk.set_text(split.ready)


def ends_text(chunk: LlmChunk) -> bool:
    """True for a chunk after which its choice has no more text. Other chunks without text (tool calls, annotations)
    may stand between the halves of a secret: they must not set the first half free."""
    if chunk.finish_reason() is not None:
        return True
    kind = json.loads(chunk.get("/type") or "null")
    return isinstance(kind, str) and kind.endswith(("done", "completed", "incomplete", "failed"))


def only_text(event: str) -> str:
    """The chunk without the members that a client adds up: they have been sent with the chunk itself."""
    chunk = json.loads(event)
    chunk.pop("usage", None)
    for choice in chunk.get("choices") or []:
        choice.pop("logprobs", None)
        if isinstance(choice.get("delta"), dict):
            choice["delta"] = {name: value for name, value in choice["delta"].items() if name == "content"}
    return to_json(chunk)
