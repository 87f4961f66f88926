"""What a client sees of the peers. One function for each check; its docstring is its name."""

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import openai

from servers import Http2

PATIENCE_SECONDS = 20
HELLO = [{"role": "user", "content": "hello"}]


@dataclass
class Peers:
    """What a check works with."""

    client: openai.OpenAI
    http2: Http2
    pool: Executor

    def chat(self, model: str, **options: object) -> object:
        """A chat with that model."""
        return self.client.chat.completions.create(model=model, messages=HELLO, **options)

    def streamed(self, model: str) -> str:
        """The text of a streamed chat with that model, which came in several pieces."""
        choices = [choice for chunk in self.chat(model, stream=True) for choice in chunk.choices]
        same(choices[-1].finish_reason, "stop")
        pieces = [choice.delta.content for choice in choices if choice.delta.content]
        same(len(pieces) > 1, True)
        return "".join(pieces)

    def error(self, kind: type[openai.APIStatusError], model: str) -> openai.APIStatusError:
        """The error of that kind which a chat with that model ends with."""
        try:
            answer = self.chat(model)
        except kind as error:
            return error
        raise AssertionError(f"no {kind.__name__}, but {answer!r}")


CHECKS: list[Callable[[Peers], None]] = []


def check(function: Callable[[Peers], None]) -> Callable[[Peers], None]:
    """Adds a function to the checks."""
    CHECKS.append(function)
    return function


def same(got: object, wanted: object) -> None:
    """Fails with both where they differ."""
    if got != wanted:
        raise AssertionError(f"\n  got    {got!r}\n  wanted {wanted!r}")


@check
def litellm_chat(peers: Peers) -> None:
    """LiteLLM: a chat is answered through the plugins"""
    answer = peers.client.chat.completions.with_raw_response.create(model="litellm/mocked", messages=HELLO)
    same(answer.parse().choices[0].message.content, "Hello, [gen3 redacted], from LiteLLM.")
    same([answer.headers.get(name) for name in ("x-guard", "x-legacy")], ["typed", "legacy"])


@check
def litellm_stream(peers: Peers) -> None:
    """LiteLLM: a stream comes in its pieces, and the word that is spread over several of them is found"""
    same(peers.streamed("litellm/mocked"), "Hello, [redacted], from LiteLLM.")


@check
def litellm_models(peers: Peers) -> None:
    """LiteLLM: its models are listed by the names that calls use"""
    listed = {model.id for model in peers.client.models.list()}
    same({"litellm/mocked", "litellm/limited", "http2/answers", "http2-plain/answers"} - listed, set())


@check
def litellm_error(peers: Peers) -> None:
    """LiteLLM: its rate limit is the client's rate limit, in its words"""
    error = peers.error(openai.RateLimitError, "litellm/limited")
    same((error.code, "mock rate limit error" in error.message), ("429", True))


@check
def http2_chat(peers: Peers) -> None:
    """HTTP/2 only: with TLS by ALPN, without by setting; chat and stream"""
    for model, said in [("http2/answers", "HTTP/2.0 with h2"), ("http2-plain/answers", "HTTP/2.0 with h2c")]:
        same(peers.chat(model).choices[0].message.content, said)
        same(peers.streamed(model), said)


@check
def http2_shares(peers: Peers) -> None:
    """HTTP/2 only: twenty calls side by side share the connection that is there"""
    for upstream, of in [("http2", "secure"), ("http2-plain", "plain")]:
        model = f"{upstream}/answers"
        peers.chat(model)
        before = peers.http2.told()[of]["sessions"]
        answers = list(peers.pool.map(lambda _, model=model: peers.chat(model), range(20)))
        same((len(answers), peers.http2.told()[of]["sessions"]), (20, before))


@check
def http2_error(peers: Peers) -> None:
    """HTTP/2 only: an upstream's error comes as it is"""
    for upstream in ("http2", "http2-plain"):
        error = peers.error(openai.InternalServerError, f"{upstream}/fails")
        same((error.status_code, error.type, error.body["message"]), (503, "server_error", "No server is free."))


@check
def http2_left(peers: Peers) -> None:
    """HTTP/2 only: a client that leaves in mid-stream ends the upstream's stream, and the connection goes on"""
    for upstream, of in [("http2", "secure"), ("http2-plain", "plain")]:
        before = peers.http2.told()[of]
        stream = peers.chat(f"{upstream}/endless", stream=True)
        for _, chunk in zip(range(3), stream):
            same(chunk.object, "chat.completion.chunk")
        same(peers.http2.told()[of]["left"], before["left"])
        stream.close()
        limit = time.monotonic() + PATIENCE_SECONDS
        while peers.http2.told()[of]["left"] == before["left"] and time.monotonic() < limit:
            time.sleep(0.02)
        peers.chat(f"{upstream}/answers")
        same(peers.http2.told()[of], {"sessions": before["sessions"], "left": before["left"] + 1})


@check
def http2_refused(peers: Peers) -> None:
    """HTTP/2 only: an upstream that is to be spoken to in HTTP/1.1, or whose certificate nobody vouches for, is a 502"""
    for upstream in ("http1", "stranger"):
        error = peers.error(openai.InternalServerError, f"{upstream}/answers")
        same((error.status_code, upstream in error.message), (502, True))
