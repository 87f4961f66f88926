"""The plugins and the built-in echo, as a client sees them. One function for each check; its docstring is its name.

Pre hooks run in order (typed, then legacy), post hooks and chunk hooks in reverse (legacy, then typed). So of a word
that both know, the typed plugin refuses the request, and the legacy plugin rewrites the answer.
"""

import asyncio
import json

import openai
from openai import OpenAI

from table import MARKS, check, fails, same, user

# A message with every secret, and what comes back for it: whole answers and streams meet different legacy hooks.
SECRETS = f"{MARKS.secret_typed} {MARKS.secret_legacy} {MARKS.secret_both} end"
WHOLE = "echo: [redacted] [gen3 redacted] [gen3 redacted] end"
STREAMED = "echo: [redacted] [gen3 chunk redacted] [gen3 chunk redacted] end"

# What refuses a request: the word in it, the plugin that must have refused, the words of the error.
REFUSALS = [
    (MARKS.banned_typed, "heimdall-guard: the request holds a banned word"),
    (MARKS.banned_legacy, "gen3: the request holds a banned word"),
    (MARKS.banned_both, "heimdall-guard: the request holds a banned word"),
]


# -- chat


@check
def chat_request(client: OpenAI) -> None:
    """chat: both pre hooks edit the request, in order"""
    answer = client.chat.completions.create(model="echo/echo-request", messages=user("hello"))
    same(
        json.loads(answer.choices[0].message.content)["messages"],
        [
            {"role": "system", "content": MARKS.system_legacy},
            {"role": "system", "content": MARKS.system_typed},
            {"role": "user", "content": "hello"},
        ],
    )


@check
def chat_request_headers(client: OpenAI) -> None:
    """chat: both HTTP request hooks add their header"""
    answer = client.chat.completions.create(model="echo/echo-headers", messages=user("hello"))
    headers = json.loads(answer.choices[0].message.content)
    same((headers.get("x-guard-request"), headers.get("x-legacy-request")), ("typed", "legacy"))


@check
def chat_answer(client: OpenAI) -> None:
    """chat: both post hooks edit the answer, in reverse order"""
    answer = client.chat.completions.create(model="echo/echo", messages=user(SECRETS))
    same([choice.message.content for choice in answer.choices], [WHOLE])
    same(answer.choices[0].finish_reason, "stop")
    same(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)


@check
def chat_response_headers(client: OpenAI) -> None:
    """chat: both HTTP response hooks read the context that their pre hook wrote"""
    headers = client.chat.completions.with_raw_response.create(model="echo/echo", messages=user("hello")).headers
    names = ("x-guard", "x-guard-messages", "x-legacy", "x-legacy-messages")
    # The legacy plugin counts the message that the typed one inserted before it.
    same([headers.get(name) for name in names], ["typed", "1", "legacy", "2"])


@check
def chat_choices(client: OpenAI) -> None:
    """chat, n: 2: the post hooks reach every choice"""
    answer = client.chat.completions.create(model="echo/echo", n=2, messages=user(SECRETS))
    same([(choice.index, choice.message.content) for choice in answer.choices], [(0, WHOLE), (1, WHOLE)])


@check
def chat_big_number(client: OpenAI) -> None:
    """chat: an unknown member and a number beyond 2^53 pass both plugins as they are"""
    extra = {"seed": 9007199254740993, "not-a-known-member": {"a": [1e-7, None]}}
    answer = client.chat.completions.create(model="echo/echo-request", messages=user("hello"), extra_body=extra)
    got = json.loads(answer.choices[0].message.content)
    same({name: got.get(name) for name in extra}, extra)


# -- streamed chat


def streamed_texts(client: OpenAI, **options: object) -> dict[int, str]:
    """The text of each choice, put together from its chunks."""
    texts: dict[int, str] = {}
    for chunk in client.chat.completions.create(model="echo/echo", stream=True, messages=user(SECRETS), **options):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
    return texts


@check
def stream(client: OpenAI) -> None:
    """streamed chat: both chunk hooks edit the chunks, in reverse order"""
    same(streamed_texts(client), {0: STREAMED})


@check
def stream_choices(client: OpenAI) -> None:
    """streamed chat, n: 2: the chunk hooks reach every choice"""
    same(streamed_texts(client, n=2), {0: STREAMED, 1: STREAMED})


@check
def stream_end(client: OpenAI) -> None:
    """streamed chat: it comes in several chunks, with a finish reason and, where asked for, the usage last"""
    options = {"stream_options": {"include_usage": True}}
    chunks = list(client.chat.completions.create(model="echo/echo", stream=True, messages=user("one two three"), **options))
    same([choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason], ["stop"])
    same([chunk.usage is not None for chunk in chunks], [False] * (len(chunks) - 1) + [True])
    pieces = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    same((len(pieces) >= 3, "".join(pieces)), (True, "echo: one two three"))


@check
def stream_request(client: OpenAI) -> None:
    """streamed chat: both pre hooks edit the request, in order"""
    chunks = client.chat.completions.create(model="echo/echo-request", stream=True, messages=user("hello"))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    contents = [message["content"] for message in json.loads(text)["messages"]]
    same(contents, [MARKS.system_legacy, MARKS.system_typed, "hello"])


# -- responses


@check
def responses_request(client: OpenAI) -> None:
    """responses: both pre hooks edit the request"""
    got = json.loads(client.responses.create(model="echo/echo-request", input="hello").output_text)
    marked = [mark in json.dumps(got) for mark in (MARKS.system_typed, MARKS.system_legacy)]
    same((marked, "hello" in json.dumps(got["input"])), ([True, True], True))


@check
def responses_answer(client: OpenAI) -> None:
    """responses: the typed post hook edits the answer; the legacy one, which knows chats only, leaves it whole"""
    answer = client.responses.with_raw_response.create(model="echo/echo", input=SECRETS)
    same(answer.parse().output_text, f"echo: [redacted] {MARKS.secret_legacy} [redacted] end")
    # The typed plugin inserts its message as `instructions`, which the legacy one does not count.
    names = ("x-guard", "x-guard-messages", "x-legacy", "x-legacy-messages")
    same([answer.headers.get(name) for name in names], ["typed", "1", "legacy", "1"])


@check
def responses_stream(client: OpenAI) -> None:
    """streamed responses: the chunk hooks edit the deltas, and events that repeat the text repeat what was sent"""
    events = list(client.responses.create(model="echo/echo", input=SECRETS, stream=True))
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    done = [event.text for event in events if event.type == "response.output_text.done"]
    completed = [event.response.output_text for event in events if event.type == "response.completed"]
    same((deltas, done, completed), (STREAMED, [STREAMED], [STREAMED]))


# -- text completion, embeddings, models


@check
def completion(client: OpenAI) -> None:
    """text completion: the typed post hook edits the answer, and no plugin inserts a message"""
    answer = client.completions.with_raw_response.create(model="echo/echo", prompt=MARKS.secret_typed)
    same([choice.text for choice in answer.parse().choices], ["echo: [redacted]"])
    same([answer.headers.get(name) for name in ("x-guard-messages", "x-legacy-messages")], ["1", "1"])


@check
def embeddings(client: OpenAI) -> None:
    """embeddings: one vector for each text, the same in either encoding, another for another text"""
    texts = ["one", "two", "one"]
    packed = client.embeddings.create(model="echo/echo", input=texts)
    plain = client.embeddings.create(model="echo/echo", input=texts, encoding_format="float")
    same([item.index for item in packed.data], [0, 1, 2])
    first, second, third = (item.embedding for item in packed.data)
    same((first == third, first == second), (True, False))
    for got, wanted in zip(packed.data, plain.data, strict=True):
        same(max(abs(a - b) for a, b in zip(got.embedding, wanted.embedding, strict=True)) < 1e-6, True)


@check
def embeddings_hooks(client: OpenAI) -> None:
    """embeddings: the hooks of both plugins run"""
    headers = client.embeddings.with_raw_response.create(model="echo/echo", input=["one", "two"]).headers
    names = ("x-guard", "x-guard-messages", "x-legacy", "x-legacy-messages")
    same([headers.get(name) for name in names], ["typed", "2", "legacy", "2"])
    error = fails(openai.PermissionDeniedError, client.embeddings.create, model="echo/echo", input=MARKS.banned_typed)
    same(error.code, "banned_word")


@check
def models(client: OpenAI) -> None:
    """models: the echo upstream's models are listed by the names that calls use"""
    same("echo/echo" in [model.id for model in client.models.list()], True)


# -- failing calls


@check
def refused(client: OpenAI) -> None:
    """a refusal, typed or legacy, is a 403 in OpenAI's shape; of two plugins the first one refuses"""
    for word, message in REFUSALS:
        chat = {"model": "echo/echo", "messages": user(f"a {word} b")}
        error = fails(openai.PermissionDeniedError, client.chat.completions.create, **chat)
        same((error.code, error.type, message in error.message), ("banned_word", "policy_violation", True))


@check
def refused_elsewhere(client: OpenAI) -> None:
    """a refusal is the same for a stream, for responses and for a streamed response"""
    for word, message in REFUSALS:
        calls = [
            (client.chat.completions.create, {"messages": user(word), "stream": True}),
            (client.responses.create, {"input": word}),
            (client.responses.create, {"input": word, "stream": True}),
        ]
        for call, request in calls:
            error = fails(openai.PermissionDeniedError, call, model="echo/echo", **request)
            same((error.code, message in error.message), ("banned_word", True))


@check
def refused_headers(client: OpenAI) -> None:
    """a refusal passes the HTTP response hooks of both plugins"""
    chat = {"model": "echo/echo", "messages": user(MARKS.banned_legacy)}
    headers = fails(openai.PermissionDeniedError, client.chat.completions.create, **chat).response.headers
    same([headers.get(name) for name in ("x-guard", "x-legacy")], ["typed", "legacy"])


@check
def closed_paths(client: OpenAI) -> None:
    """an HTTP request hook, typed or legacy, answers in the gateway's place"""
    for path, message in [
        (MARKS.closed_typed, "heimdall-guard: this path is closed"),
        (MARKS.closed_legacy, "gen3: this path is closed"),
    ]:
        error = fails(openai.PermissionDeniedError, client.get, path=path.removeprefix("/v1"), cast_to=object)
        same((error.code, message in error.message), ("closed_path", True))


@check
def unknown_model(client: OpenAI) -> None:
    """a model of no upstream is a 404 that names it"""
    chat = {"model": "no-such-model", "messages": user("hello")}
    error = fails(openai.NotFoundError, client.chat.completions.create, **chat)
    same((error.code, "no-such-model" in error.message), ("model_not_found", True))


@check
def unknown_path(client: OpenAI) -> None:
    """an unknown path is a 404"""
    fails(openai.NotFoundError, client.get, path="/no-such-path", cast_to=object)


@check
def upstream_error(client: OpenAI) -> None:
    """an upstream's error comes as it is, through the HTTP response hooks of both plugins"""
    chat = {"model": "echo/echo-error-429", "messages": user("hello")}
    error = fails(openai.RateLimitError, client.chat.completions.create, **chat)
    same([error.response.headers.get(name) for name in ("x-guard", "x-legacy")], ["typed", "legacy"])


@check
def upstream_down(client: OpenAI) -> None:
    """an upstream that is down is a 502 that names it"""
    chat = {"model": "down/some-model", "messages": user("hello")}
    error = fails(openai.InternalServerError, client.chat.completions.create, **chat)
    same((error.status_code, "down" in error.message), (502, True))


@check
def upstream_breaks_off(client: OpenAI) -> None:
    """a stream that its upstream breaks off ends with an error, after what came before it"""
    texts = []
    try:
        for chunk in client.chat.completions.create(
            model="echo/echo-break-3", stream=True, messages=user("one two three four five six seven")
        ):
            texts += [choice.delta.content for choice in chunk.choices if choice.delta.content]
    except openai.APIError:
        same("".join(texts).startswith("echo: one"), True)
        return
    raise AssertionError(f"the stream ended without an error: {texts!r}")


# -- many at once


@check
def side_by_side(client: OpenAI) -> None:
    """forty calls side by side, half of them streams: each gets its own answer"""

    async def one(asynchronous: openai.AsyncOpenAI, number: int) -> str:
        question = {"model": "echo/echo", "messages": user(f"call {number} {MARKS.secret_both}")}
        if number % 2:
            answer = await asynchronous.chat.completions.create(**question)
            return answer.choices[0].message.content
        chunks = await asynchronous.chat.completions.create(stream=True, **question)
        return "".join([choice.delta.content or "" async for chunk in chunks for choice in chunk.choices])

    async def all_of_them() -> list[str]:
        options = {"base_url": str(client.base_url), "api_key": client.api_key, "max_retries": 0, "timeout": 30}
        async with openai.AsyncOpenAI(**options) as asynchronous:
            return await asyncio.gather(*(one(asynchronous, number) for number in range(40)))

    marked = {1: "[gen3 redacted]", 0: "[gen3 chunk redacted]"}
    same(asyncio.run(all_of_them()), [f"echo: call {number} {marked[number % 2]}" for number in range(40)])
