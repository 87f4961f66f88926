"""Who may call, how often, and over what."""

import ssl

import openai
from openai import OpenAI

from table import SETUP, calls, check, client, fails, same, tag, user


@check
def wrong_key(_: OpenAI) -> None:
    """keys: one that is not known is a 401 in OpenAI's shape, which does not repeat it"""
    for key in ("sk-wrong-wrong-wrong", SETUP.key[:-1], SETUP.key + "x"):
        for path in ("/models", "/no-such-path"):
            error = fails(openai.AuthenticationError, client(key=key).get, path=path, cast_to=object)
            same((error.status_code, error.code, error.type), (401, "invalid_api_key", "invalid_request_error"))
            same(key in str(error), False)
    of = tag()
    for call, request in [
        (client(key="sk-wrong").chat.completions.create, {"messages": user("hello"), "user": of}),
        (client(key="sk-wrong").chat.completions.create, {"messages": user("hello"), "user": of, "stream": True}),
        (client(key="sk-wrong").embeddings.create, {"input": "hello", "user": of}),
    ]:
        fails(openai.AuthenticationError, call, model="recorded/answers", **request)
    same(calls(of), [])


@check
def key_stays(client: OpenAI) -> None:
    """keys: a client's stays here, and goes to an upstream only where a setting says so"""
    for upstream, key in [("recorded", None), ("forwarding", f"Bearer {SETUP.key}")]:
        of = tag()
        client.chat.completions.create(model=f"{upstream}/answers", messages=user("hello"), user=of)
        same(calls(of, "keys"), [key])


@check
def rate_limit(_: OpenAI) -> None:
    """keys: a client over its rate is a 429 in OpenAI's shape, with the headers that clients wait by"""
    limited = client(key=SETUP.limited_key)
    for remaining in range(SETUP.limit - 1, -1, -1):
        answer = limited.chat.completions.with_raw_response.create(model="echo/echo", messages=user("hello"))
        names = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests")
        same([answer.headers.get(name) for name in names], [str(SETUP.limit), str(remaining)])
    error = fails(openai.RateLimitError, limited.chat.completions.create, model="echo/echo", messages=user("hello"))
    same((error.status_code, error.code, error.type), (429, "rate_limit_exceeded", "requests"))
    headers = error.response.headers
    same((headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]), (str(SETUP.limit), "0"))
    same((0 < int(headers["retry-after"]) <= 60, headers["x-ratelimit-reset-requests"][-1]), (True, "s"))
    # Another client goes on.
    same(client().chat.completions.create(model="echo/echo", messages=user("hi")).choices[0].index, 0)


@check
def secure(_: OpenAI) -> None:
    """TLS: a client that trusts the certificate is served, whole and streamed; one that does not is not"""
    context = ssl.create_default_context(cafile=SETUP.authority)
    with openai.DefaultHttpxClient(verify=context) as http_client:
        trusting = client(base=SETUP.secure, http_client=http_client)
        chat = {"model": "echo/echo", "messages": user("hello")}
        same(trusting.chat.completions.create(**chat).choices[0].message.content, "echo: hello")
        chunks = trusting.chat.completions.create(stream=True, **chat)
        same("".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices), "echo: hello")
        wrong = client(base=SETUP.secure, key="sk-wrong", http_client=http_client)
        fails(openai.AuthenticationError, wrong.chat.completions.create, **chat)
    fails(openai.APIConnectionError, client(base=SETUP.secure).chat.completions.create, **chat)
