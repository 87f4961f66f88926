"""A guard for Heimdall that has every hook: it refuses banned words, puts a system message first, and redacts secrets
in answers and in streams, also where a secret is cut in two by a chunk boundary.

componentize-py looks here for the class of each interface that the plugin's world exports.
"""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import http_request_hook, post_llm_hook, pre_llm_hook
from wit_world.exports.lifecycle import Description
from wit_world.imports import context
from wit_world.imports.http_types import HttpRequest, HttpResponse, Reply
from wit_world.imports.llm_types import (
    Answer,
    Answer_Completion,
    CallKind,
    Completion,
    Content_Text,
    LlmError,
    LlmRequest,
    LlmResponse,
    Message,
)
from wit_world.imports.logging import Level, log
from wit_world.imports.types import PluginError_InvalidConfig

import config
import redact
from about import LICENSE, NAME, SUMMARY, VERSION
from config import SCHEMA, Config
from stream import StreamHook
from support import hooks, to_json

__all__ = ["HttpRequestHook", "HttpResponseHook", "Lifecycle", "PostLlmHook", "PreLlmHook", "StreamHook"]

# Where the tokens that a request used are counted.
TOKENS = "guard-py/tokens"
MOST_TOKENS = 2**32 - 1


@hooks
class Lifecycle(exports.Lifecycle):
    def describe(self) -> Description:
        return Description(NAME, VERSION, SUMMARY, config_schema=SCHEMA, extra=to_json({"license": LICENSE}))

    def init(self, text: str) -> None:
        try:
            config.current = Config.from_json(text)
        except ValueError as error:
            raise Err(PluginError_InvalidConfig(str(error))) from None

    def cleanup(self) -> None:
        log(Level.DEBUG, "cleaned up", [])


@hooks
class HttpRequestHook(exports.HttpRequestHook):
    def on_request(self, request: HttpRequest) -> http_request_hook.Outcome:
        path = request.path()
        if path in config.current.closed_paths:
            return http_request_hook.Outcome_Respond(closed())
        request.add_header("x-guard-request", config.current.header)
        context.set("guard-py/path", to_json(path))
        return http_request_hook.Outcome_Proceed()


def closed() -> Reply:
    error = {
        "message": f"{NAME}: this path is closed",
        "type": "policy_violation",
        "param": None,
        "code": "closed_path",
    }
    headers = [("content-type", "application/json"), ("x-guard", config.current.header)]
    return Reply(403, headers, to_json({"error": error}).encode())


@hooks
class HttpResponseHook(exports.HttpResponseHook):
    def on_response(self, request: HttpRequest, response: HttpResponse) -> None:
        response.add_header("x-guard", config.current.header)
        for header, key in [
            ("x-guard-messages", "guard-py/messages"),
            ("x-guard-tokens", TOKENS),
            ("x-guard-read", config.current.reads),
        ]:
            value = None if key is None else context.get(key)
            if value is not None:
                response.add_header(header, value)
        if config.current.show_context:
            response.add_header("x-guard-context", ",".join(sorted(context.keys())))


@hooks
class PreLlmHook(exports.PreLlmHook):
    def before_call(self, request: LlmRequest) -> pre_llm_hook.Outcome:
        count = request.message_count()
        for index in range(count):
            if config.current.is_banned(request.message_text(index) or ""):
                log(Level.WARN, "refused", [("message", str(index))])
                return pre_llm_hook.Outcome_Refuse(refusal())
        answer = own_answer(request, count)
        if answer is not None:
            log(Level.INFO, "answered", [])
            return pre_llm_hook.Outcome_Answer(answer)
        choose_model(request)
        if config.current.system is not None:
            put_first(request, config.current.system)
        log(Level.INFO, "checked", [("messages", str(count))])
        context.set("guard-py/messages", str(count))
        return pre_llm_hook.Outcome_Proceed()


def refusal() -> LlmError:
    """Says neither the word nor where it is: whoever probes the guard learns nothing."""
    return LlmError(
        message=f"{NAME}: the request holds a banned word",
        kind="policy_violation",
        code="banned_word",
        param=None,
        status=None,
        allow_fallbacks=None,
        body=None,
    )


def own_answer(request: LlmRequest, count: int) -> Answer | None:
    """What the configuration has for what the last message says."""
    # Parsed only where there is something to compare it with.
    if not config.current.answers or count == 0 or request.kind() is CallKind.EMBEDDING:
        return None
    asked = request.message_text(count - 1)
    text = None if asked is None else config.current.answers.get(asked.strip())
    return None if text is None else Answer_Completion(Completion(text, model=None, finish_reason=None, usage=None))


def choose_model(request: LlmRequest) -> None:
    other = config.current.instead_of(request.model())
    if other is None:
        return
    upstream, model = other
    if upstream is not None:
        request.set_provider(upstream)
    request.set_model(model)


def put_first(request: LlmRequest, system: str) -> None:
    match request.kind():
        case CallKind.CHAT:
            request.insert_message(0, system_message(system))
        case CallKind.RESPONSES:
            # `instructions` have one place: what is there already follows the rule.
            match request.message_at(0):
                case Message("system", Content_Text(old)):
                    request.set_message(0, system_message(f"{system}\n\n{old}"))
                case _:
                    request.insert_message(0, system_message(system))


def system_message(text: str) -> Message:
    return Message("system", Content_Text(text), extra=None)


@hooks
class PostLlmHook(exports.PostLlmHook):
    def after_call(self, upstream: post_llm_hook.Upstream) -> post_llm_hook.Outcome:
        match upstream:
            case post_llm_hook.Upstream_Response(response):
                usage = response.usage()
                if usage is not None:
                    count_tokens(usage.total_tokens)
                # The stream hook has seen to a streamed answer.
                if not response.streamed():
                    redact_choices(response)
            case post_llm_hook.Upstream_Error(error):
                status = "none" if error.status is None else str(error.status)
                log(Level.INFO, "no answer", [("status", status)])
        return post_llm_hook.Outcome_Proceed()


def count_tokens(tokens: int) -> None:
    """Adds to the tokens of this request: those of all its attempts."""
    stored = context.get(TOKENS)
    before = int(stored) if stored is not None and stored.isdecimal() else 0
    context.set(TOKENS, str(min(before + tokens, MOST_TOKENS)))


def redact_choices(response: LlmResponse) -> None:
    for choice in range(response.choice_count()):
        text = response.text(choice)
        if text is None:
            continue
        redacted = redact.whole(config.current.secrets, text)
        if redacted != text:
            log(Level.INFO, "redacted", [("choice", str(choice))])
            response.set_text(choice, redacted)
