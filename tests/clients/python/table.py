"""What the checks stand on: where the gateway is, and how a check says that something is wrong."""

import json
import os
import time
import urllib.request
import uuid
from collections.abc import Callable
from types import SimpleNamespace

import openai
from openai import OpenAI

# Addresses, keys and the words that the plugins know, from main.py.
SETUP = json.loads(os.environ["CHECKS_SETUP"], object_hook=lambda members: SimpleNamespace(**members))
MARKS = SETUP.marks

# How long the upstream may take to see that a client left.
PATIENCE_SECONDS = 20

CHECKS: list[tuple[str, Callable[[OpenAI], None]]] = []


def check(function: Callable[[OpenAI], None]) -> Callable[[OpenAI], None]:
    """Adds a function to the checks; its docstring is its name."""
    CHECKS.append((function.__doc__ or function.__name__, function))
    return function


def client(base: str = SETUP.base, key: str = SETUP.key, **options: object) -> OpenAI:
    """A client that tries once."""
    return OpenAI(base_url=f"{base}/v1", api_key=key, **({"max_retries": 0, "timeout": 30} | options))


def same(got: object, wanted: object) -> None:
    """Fails with both where they differ."""
    if got != wanted:
        raise AssertionError(f"\n  got    {got!r}\n  wanted {wanted!r}")


def user(text: str) -> list[dict[str, str]]:
    """A chat of one message."""
    return [{"role": "user", "content": text}]


def fails(kind: type[openai.APIError], call: Callable[..., object], **request: object) -> openai.APIError:
    """The error of that kind which the call ends with."""
    try:
        answer = call(**request)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}, but {answer!r}")


def tag() -> str:
    """What a check knows its own calls by at the upstream."""
    return uuid.uuid4().hex


def calls(of: str, what: str = "calls") -> list[int | str | None]:
    """How the upstream's calls of that tag ended, or with which `keys` they came."""
    with urllib.request.urlopen(f"{SETUP.upstream}/{what}/{of}", timeout=10) as answer:
        return json.load(answer)


def ends(of: str, wanted: list[int | str]) -> None:
    """Waits until the upstream's calls of that tag have ended in that way."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while calls(of) != wanted and time.monotonic() < limit:
        time.sleep(0.02)
    same(calls(of), wanted)
