"""Finds secrets in texts and in streams of texts."""

import re
from dataclasses import dataclass
from functools import lru_cache

# Stands in a secret's place.
MARK = "[redacted]"


@dataclass(frozen=True)
class Split:
    """What of a text can be sent now, and what could be the beginning of a secret."""

    ready: str
    held: str


def whole(secrets: tuple[str, ...], text: str) -> str:
    """Redacts a text that is all there, or the rest of one that is at its end."""
    return _pattern(secrets).sub(MARK, text)


def beginning(secrets: tuple[str, ...], text: str) -> Split:
    """Redacts a text that goes on: holds back the longest tail that could begin a secret."""
    tails = _tails(secrets, text)
    ready: list[str] = []
    at = 0
    while True:
        found = _pattern(secrets).search(text, at)
        before = found.start() if found else len(text)
        # First of all: the secret that was found may begin a longer one.
        held = next((tail for tail in tails if at <= tail <= before), None)
        if held is not None:
            return Split("".join([*ready, text[at:held]]), text[held:])
        ready.append(text[at:before])
        if found is None:
            return Split("".join(ready), "")
        ready.append(MARK)
        at = found.end()


def _tails(secrets: tuple[str, ...], text: str) -> list[int]:
    """Where the tails begin that are the beginning of a secret, but not all of it."""
    longest = max(map(len, secrets), default=0)
    tails: list[int] = []
    for at in range(max(0, len(text) - longest + 1), len(text)):
        tail = text[at:]
        if any(secret != tail and secret.startswith(tail) for secret in secrets):
            tails.append(at)
    return tails


@lru_cache
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str]:
    # The longest first, where one secret begins another.
    ordered = sorted(secrets, key=len, reverse=True)
    # Without a secret: what is found nowhere.
    return re.compile("|".join(map(re.escape, ordered)) or r"(?!)")
