"""What goes wrong, and what a client sees of it; and answers as they were recorded."""

import json

import openai
from openai import OpenAI

from table import MARKS, calls, check, client, ends, fails, same, tag, user

GREETING = "Hello! How can I assist you today?"
COMPLETION = "\n\nThis is indeed a test"


def text(client: OpenAI, *, stream: bool, **chat: object) -> str:
    """The text of a chat's answer."""
    answer = client.chat.completions.create(stream=stream, **chat)
    if not stream:
        return answer.choices[0].message.content
    return "".join(choice.delta.content or "" for chunk in answer for choice in chunk.choices)


# -- recorded answers


@check
def recorded_chat(client: OpenAI) -> None:
    """recorded chat: the answer comes as it was recorded, whole and streamed"""
    whole = client.chat.completions.create(model="recorded/answers", messages=user("hello"))
    same((whole.id, whole.choices[0].message.content), ("chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", GREETING))
    chunks = list(client.chat.completions.create(model="recorded/answers", messages=user("hello"), stream=True))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    same((text, chunks[-1].usage.total_tokens), ("Hello! How can I assist you today?", 29))


@check
def recorded_embeddings(client: OpenAI) -> None:
    """recorded embeddings: each text has its vector"""
    answer = client.embeddings.create(model="recorded/answers", input=["one", "two"], encoding_format="float")
    same([(item.index, item.embedding) for item in answer.data], [(0, [0.25, -1.5]), (1, [0.25, -1.5])])


@check
def tools(client: OpenAI) -> None:
    """tools: a whole answer calls the function, and what the function gave goes back"""
    question = user("What is the weather like in Boston today?")
    answer = client.chat.completions.create(model="recorded/tools", messages=question, tools=TOOLS)
    (call,) = answer.choices[0].message.tool_calls
    same((answer.choices[0].finish_reason, call.id, call.function.name), ("tool_calls", "call_abc123", WEATHER))
    same(json.loads(call.function.arguments), {"location": "Boston, MA"})
    # The next turn, as the upstream would get it.
    turn = [*question, answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "12 °C"}]
    echoed = client.chat.completions.create(model="echo/echo-request", messages=turn, tools=TOOLS)
    request = json.loads(echoed.choices[0].message.content)
    same(request["tools"], TOOLS)
    same(request["messages"][-2]["tool_calls"][0]["function"]["name"], WEATHER)
    same(request["messages"][-1], turn[-1])


@check
def tools_stream(client: OpenAI) -> None:
    """tools: a stream calls two functions, whose arguments come in pieces"""
    with client.chat.completions.stream(model="recorded/tools", messages=user("weather?"), tools=TOOLS) as stream:
        choice = stream.get_final_completion().choices[0]
    called = [(call.id, call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls]
    wanted = [
        ("call_abc123", WEATHER, {"location": "Boston, MA"}),
        ("call_def456", "get_current_time", {"zone": "EST"}),
    ]
    same((choice.finish_reason, called), ("tool_calls", wanted))


@check
def tools_responses(client: OpenAI) -> None:
    """tools: a response calls the function"""
    answer = client.responses.create(model="recorded/tools", input="weather?")
    called = [(item.type, item.name, json.loads(item.arguments)) for item in answer.output]
    same(called, [("function_call", WEATHER, {"location": "Boston, MA", "unit": "celsius"})])


WEATHER = "get_current_weather"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {of: {"type": "string"}}, "required": [of]},
        },
    }
    for name, of in [(WEATHER, "location"), ("get_current_time", "zone")]
]


# -- retries and time


@check
def client_retries(_: OpenAI) -> None:
    """retries: the client's own get through after a 500 and after a 429"""
    for status in (500, 429):
        of = tag()
        patient = client(max_retries=1)
        answer = patient.chat.completions.create(model=f"recorded/fails-{status}-1", messages=user("hello"), user=of)
        same(answer.choices[0].message.content, GREETING)
        ends(of, [status, 200])


@check
def client_gives_up(_: OpenAI) -> None:
    """retries: a client that has no more of them sees the last error, with the headers that it waits by"""
    error = fails(
        openai.RateLimitError,
        client().chat.completions.create,
        model="recorded/limited",
        messages=user("hello"),
    )
    same((error.status_code, error.code, error.type), (429, "rate_limit_exceeded", "requests"))
    names = ("retry-after", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests")
    same([error.response.headers.get(name) for name in names], ["7", "60", "0", "7s"])
    of = tag()
    chat = {"model": "recorded/fails-500-9", "messages": user("hello"), "user": of}
    error = fails(openai.InternalServerError, client(max_retries=1).chat.completions.create, **chat)
    same((error.status_code, error.type), (500, "server_error"))
    ends(of, [500, 500])


@check
def client_timeout(_: OpenAI) -> None:
    """time: a client that waits no longer ends the upstream's call"""
    of = tag()
    chat = {"model": "recorded/hangs", "messages": user("hello"), "user": of}
    fails(openai.APITimeoutError, client(timeout=3).chat.completions.create, **chat)
    ends(of, ["left"])


@check
def gateway_timeout(client: OpenAI) -> None:
    """time: an upstream that takes longer than it may is a 504 that names it"""
    of = tag()
    chat = {"model": "hasty/hangs", "messages": user("hello"), "user": of}
    error = fails(openai.InternalServerError, client.chat.completions.create, **chat)
    same((error.status_code, error.code, "hasty" in error.message), (504, "upstream_timeout", True))
    ends(of, ["left"])


@check
def gateway_retries(client: OpenAI) -> None:
    """retries: the gateway's own get through after a 500 and after a 429, whole and streamed"""
    for status in (500, 429):
        for stream in (False, True):
            of = tag()
            chat = {"model": f"retrying/fails-{status}-2", "messages": user("hello"), "user": of}
            same(text(client, stream=stream, **chat), GREETING)
            ends(of, [status, status, 200])


@check
def gateway_gives_up(client: OpenAI) -> None:
    """retries: when the gateway has no more of them, the client sees the upstream's last error"""
    of = tag()
    chat = {"model": "retrying/fails-500-9", "messages": user("hello"), "user": of}
    error = fails(openai.InternalServerError, client.chat.completions.create, **chat)
    same((error.status_code, error.type), (500, "server_error"))
    ends(of, [500, 500, 500])
    # What the client got wrong is not tried again.
    of = tag()
    fails(openai.BadRequestError, client.chat.completions.create, **chat | {"model": "retrying/fails-400-9", "user": of})
    ends(of, [400])


# -- fallbacks


@check
def fallback(client: OpenAI) -> None:
    """fallback: from an upstream that is down to a healthy one, for every kind of call"""
    for upstream in ("fallen/answers", "failing/fails-500-1"):
        for stream in (False, True):
            same(text(client, stream=stream, model=upstream, messages=user("hello"), user=tag()), GREETING)
    request = {"model": "fallen/answers", "input": "hello"}
    same(client.responses.create(**request).output_text.startswith("In a peaceful grove"), True)
    same(client.embeddings.create(encoding_format="float", **request).data[0].embedding, [0.25, -1.5])
    same(client.completions.create(model="fallen/answers", prompt="hello").choices[0].text, COMPLETION)


@check
def fallback_hooks(client: OpenAI) -> None:
    """fallback: the healthy upstream's answer passes the hooks of both plugins, and says whose it is"""
    raw = client.chat.completions.with_raw_response.create(model="fallen/answers", messages=user("hello"))
    names = ("x-guard", "x-guard-messages", "x-legacy", "x-legacy-messages")
    same([raw.headers.get(name) for name in names], ["typed", "1", "legacy", "2"])
    same([raw.headers.get(f"x-heimdall-{what}") for what in ("upstream", "attempts")], ["recorded", "2"])


@check
def fallback_stream(client: OpenAI) -> None:
    """fallback: a stream that breaks off before its first event falls back, a later one ends with an error"""
    same(text(client, stream=True, model="failing/breaks-0", messages=user("hello")), GREETING)
    broken = {"model": "failing/breaks-4", "messages": user("hello")}
    same(fails(openai.APIError, text, client=client, stream=True, **broken).code, "upstream_broke_off")


@check
def no_fallback(client: OpenAI) -> None:
    """fallback: a refusal of a plugin, and what the client got wrong, do not fall back"""
    of = tag()
    chat = {"model": "fallen/answers", "messages": user(MARKS.banned_typed), "user": of}
    same(fails(openai.PermissionDeniedError, client.chat.completions.create, **chat).code, "banned_word")
    same(calls(of), [])
    chat = {"model": "failing/fails-400-1", "messages": user("hello"), "user": of}
    fails(openai.BadRequestError, client.chat.completions.create, **chat)
    ends(of, [400])


# -- names of models, further paths


@check
def names(client: OpenAI) -> None:
    """models: an alias and a route stand for an upstream's model"""
    for model in ("best", "routed-model"):
        same(text(client, stream=False, model=model, messages=user("hello")), GREETING)


@check
def models_of_all(client: OpenAI) -> None:
    """models: those of every upstream that answers are listed, and the aliases; each can be retrieved"""
    listed = [model.id for model in client.models.list()]
    same({"echo/echo", "recorded/answers", "best"} - set(listed), set())
    for model in ("echo/echo", "recorded/answers", "best"):
        got = client.models.retrieve(model)
        same((got.id, got.object), (model, "model"))
    error = fails(openai.NotFoundError, client.models.retrieve, model="recorded/no-such-model")
    same((error.code, "no-such-model" in error.message), ("model_not_found", True))


@check
def passthrough(client: OpenAI) -> None:
    """further paths: one that is listed is passed on through the HTTP hooks, another is a 404"""
    raw = client.moderations.with_raw_response.create(model="answers", input="hello")
    same((raw.parse().results[0].flagged, raw.headers.get("x-guard"), raw.headers.get("x-legacy")), (True, "typed", "legacy"))
    fails(openai.NotFoundError, client.images.generate, model="answers", prompt="hello")


# -- streams that end early


@check
def leaves_stream(client: OpenAI) -> None:
    """a client that leaves in mid-stream ends the upstream's stream"""
    of = tag()
    stream = client.chat.completions.create(model="recorded/endless", messages=user("hello"), user=of, stream=True)
    for _, chunk in zip(range(3), stream):
        same(chunk.object, "chat.completion.chunk")
    same(calls(of), [None])
    stream.close()
    ends(of, ["left"])


@check
def recorded_breaks_off(client: OpenAI) -> None:
    """a recorded stream that breaks off ends with an error, after what came before it"""
    texts = []
    try:
        for chunk in client.chat.completions.create(model="recorded/breaks-4", messages=user("hello"), stream=True):
            texts += [choice.delta.content for choice in chunk.choices if choice.delta.content]
    except openai.APIError as error:
        same(("recorded" in error.message, error.code, texts), (True, "upstream_broke_off", ["Hello", "!"]))
        return
    raise AssertionError(f"the stream ended without an error: {texts!r}")
