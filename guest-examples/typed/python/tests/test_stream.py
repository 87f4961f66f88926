import json

import pytest
from componentize_py_types import Err
from wit_world.exports.stream_hook import Outcome_Proceed, Outcome_Replace
from wit_world.imports import context

from stream import StreamHook


class Chunk:
    """A chunk of a chat with one choice."""

    def __init__(self, text=None, choice=0, finish=None, **delta):
        if text is not None:
            delta["content"] = text
        self.event = {"choices": [{"index": choice, "delta": delta, "finish_reason": finish}]}

    @property
    def _choice(self):
        return self.event["choices"][0]

    def choice(self):
        return self._choice["index"]

    def text(self):
        return self._choice["delta"].get("content")

    def set_text(self, text):
        self._choice["delta"]["content"] = text

    def finish_reason(self):
        return self._choice["finish_reason"]

    def get(self, pointer):
        value = self.event.get(pointer.removeprefix("/"))
        return None if value is None else json.dumps(value)

    def to_json(self):
        return json.dumps(self.event)


class Typed(Chunk):
    """An event of another kind than chats have."""

    def __init__(self, kind):
        super().__init__()
        self.event["type"] = kind


@pytest.fixture(autouse=True)
def request_context():
    context.values.clear()


def test_a_beginning_is_held_until_the_next_chunk_tells():
    first, second = Chunk("a TOP-"), Chunk("SECRET b")
    assert StreamHook().on_chunk(first) == Outcome_Proceed()
    assert StreamHook().on_chunk(second) == Outcome_Proceed()
    assert (first.text(), second.text()) == ("a ", "[redacted] b")
    assert context.values == {}


def test_each_choice_has_a_text_of_its_own():
    pieces = [Chunk("TOP-", choice=0), Chunk("TOP-", choice=1), Chunk("SECRET", choice=1), Chunk("hat", choice=0)]
    for piece in pieces:
        StreamHook().on_chunk(piece)
    assert [piece.text() for piece in pieces] == ["", "", "[redacted]", "TOP-hat"]


def test_what_is_held_goes_out_with_the_text_that_ends_its_choice():
    StreamHook().on_chunk(Chunk("TOP"))
    last = Chunk("-", finish="stop")
    assert StreamHook().on_chunk(last) == Outcome_Proceed()
    assert last.text() == "TOP-"
    assert context.values == {}


@pytest.mark.parametrize("last", [Chunk(finish="stop"), Typed("response.output_text.done")])
def test_what_is_held_goes_out_before_a_chunk_that_ends_its_choice(last):
    StreamHook().on_chunk(Chunk("TOP", role="assistant"))
    outcome = StreamHook().on_chunk(last)
    assert isinstance(outcome, Outcome_Replace)
    before, end = map(json.loads, outcome.value)
    assert before["choices"][0]["delta"] == {"content": "TOP"}
    assert end == last.event


@pytest.mark.parametrize("between", [Chunk(tool_calls=[]), Typed("response.output_text.annotation.added")])
def test_a_chunk_between_the_halves_of_a_secret_sets_neither_free(between):
    StreamHook().on_chunk(Chunk("TOP-"))
    assert StreamHook().on_chunk(between) == Outcome_Proceed()
    second = Chunk("SECRET")
    StreamHook().on_chunk(second)
    assert second.text() == "[redacted]"


def test_what_is_left_goes_out_at_the_end_without_what_was_sent():
    chunk = Chunk("ab TOP", tool_calls=[])
    chunk.event["usage"] = {"total_tokens": 7}
    chunk.event["choices"][0]["logprobs"] = {}
    StreamHook().on_chunk(chunk)
    [event] = StreamHook().on_end()
    assert json.loads(event) == {"choices": [{"index": 0, "delta": {"content": "TOP"}, "finish_reason": None}]}
    assert StreamHook().on_end() == []


def test_what_others_left_in_the_place_of_held_text_is_an_error():
    context.set("guard-py/held/0", "7")
    with pytest.raises(Err) as raised:
        StreamHook().on_end()
    assert raised.value.value.value.startswith("guard-py/held/0: ")
