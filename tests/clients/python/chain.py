"""Nine plugins in a row: typed ones in five languages, and legacy ones of four ABIs among them.

Each makes an edit of its own, which stands on the edits of those before it: a hook that is missing or in another place
changes the result.
"""

import json

from openai import OpenAI

from table import SETUP, check, client, same, user

# Each plugin takes a word of it, and what the plugin after it left there, for its secret.
SAID = "one two three four five six seven eight nine, and one t"
# Those of the packed ABI, of Extism, of Wasp, and of JSON-RPC over standard streams.
LEGACY = ["gen3", "extism", "wasp", "stdio"]
# The word alone is the last plugin's secret.
REDACTED = "echo: [redacted], and [redacted] t"


def chain() -> OpenAI:
    """A client of the gateway with the nine."""
    return client(SETUP.chain)


@check
def chain_request(_: OpenAI) -> None:
    """chain: every pre hook edits the request, in order"""
    answer = chain().chat.completions.create(model="echo/echo-request", messages=user("hello"))
    contents = [message["content"] for message in json.loads(answer.choices[0].message.content)["messages"]]
    same(contents, [*(f"Rule of {name}." for name in reversed(SETUP.chain_plugins)), "hello"])


@check
def chain_answer(_: OpenAI) -> None:
    """chain: every post hook edits the answer, in reverse order"""
    answer = chain().chat.completions.create(model="echo/echo", n=2, messages=user(SAID))
    same([choice.message.content for choice in answer.choices], [REDACTED, REDACTED])


@check
def chain_stream(_: OpenAI) -> None:
    """chain: every chunk hook redacts what is spread over chunks, in reverse order"""
    for pieces in (1, 2, 3, 7, 40):
        texts: dict[int, str] = {}
        model = f"echo/echo-split-{pieces}"
        for chunk in chain().chat.completions.create(model=model, stream=True, n=2, messages=user(SAID)):
            for choice in chunk.choices:
                texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
        same(texts, {0: REDACTED, 1: REDACTED})


@check
def chain_response(_: OpenAI) -> None:
    """chain: every HTTP response hook adds its header, in reverse order; legacy ones know one header of a name, and the last counts"""
    headers = chain().chat.completions.with_raw_response.create(model="echo/echo", messages=user("hello")).headers
    typed = [name for name in reversed(SETUP.chain_plugins) if name not in LEGACY]
    same((headers.get("x-guard"), headers.get("x-legacy")), (", ".join(typed), LEGACY[0]))
