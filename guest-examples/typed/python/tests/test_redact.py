from itertools import combinations_with_replacement

import pytest

import redact
from redact import Split


def stream(secrets, pieces):
    """Sends the pieces one by one, as a stream does."""
    out = held = ""
    for piece in pieces:
        split = redact.beginning(secrets, held + piece)
        out += split.ready
        held = split.held
    return out + redact.whole(secrets, held)


def test_a_text_without_a_secret_is_left_alone():
    assert redact.whole(("TOP-SECRET",), "TOP-SECRE") == "TOP-SECRE"
    assert redact.whole((), "any") == "any"
    assert redact.beginning((), "any") == Split("any", "")


def test_every_secret_of_a_text_is_redacted():
    assert redact.whole(("ab", "abc", "é"), "abc ab é x") == "[redacted] [redacted] [redacted] x"


def test_a_secret_is_no_pattern():
    assert redact.whole((".", "a|b"), "a|b c. a") == "[redacted] c[redacted] a"


@pytest.mark.parametrize(
    ("text", "ready", "held"),
    [
        ("plain", "plain", ""),
        ("a TOP", "a ", "TOP"),
        ("TOP-SECRET", "[redacted]", ""),
        ("T TO", "T ", "TO"),
    ],
)
def test_only_a_tail_that_could_begin_a_secret_is_held(text, ready, held):
    assert redact.beginning(("TOP-SECRET",), text) == Split(ready, held)


def test_a_secret_that_begins_a_longer_one_is_held():
    assert redact.beginning(("ab", "abc"), "x ab") == Split("x ", "ab")


def test_a_stream_is_redacted_wherever_it_is_cut():
    secrets = ("TOP-SECRET", "TOP-SECRETARY", "schlüssel")
    text = "TOTOP-SECRET is TOP-SECRETARY, the schlüssel; TOP-"
    for a, b in combinations_with_replacement(range(len(text) + 1), 2):
        sent = stream(secrets, [text[:a], text[a:b], text[b:]])
        assert sent == "TO[redacted] is [redacted], the [redacted]; TOP-", f"cut at {a} and {b}"
