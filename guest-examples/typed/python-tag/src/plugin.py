"""A plugin with one hook: it appends a tag to the last user message."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.lifecycle import Description
from wit_world.exports.pre_llm_hook import Outcome, Outcome_Proceed
from wit_world.imports import context
from wit_world.imports.llm_types import (
    Content,
    Content_Parts,
    Content_Text,
    LlmRequest,
    PartContent_Text,
)
from wit_world.imports.types import PluginError_InvalidConfig

from support import hooks, to_json

SCHEMA = """{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "tag": { "description": "What is appended, in brackets.", "type": "string", "default": "tagged" }
  }
}"""


@hooks
class Lifecycle(exports.Lifecycle):
    tag = "tagged"

    def describe(self) -> Description:
        summary = "Appends a tag to the last user message."
        return Description("heimdall-tag-py", "0.1.0", summary, config_schema=SCHEMA, extra=None)

    def init(self, text: str) -> None:
        try:
            config = json.loads(text)
        except ValueError as error:
            raise Err(PluginError_InvalidConfig(str(error))) from None
        # Once per instance. It is read by another class.
        Lifecycle.tag = (config or {}).get("tag", "tagged")

    def cleanup(self) -> None:
        pass


@hooks
class PreLlmHook(exports.PreLlmHook):
    def before_call(self, request: LlmRequest) -> Outcome:
        context.set("tag", to_json(Lifecycle.tag))
        for index in reversed(range(request.message_count())):
            message = request.message_at(index)
            if message is not None and message.role == "user" and (text := last_text(message.content)):
                text.value += f" [tag:{Lifecycle.tag}]"
                request.set_message(index, message)
                break
        return Outcome_Proceed()


def last_text(content: Content) -> Content_Text | PartContent_Text | None:
    match content:
        case Content_Text():
            return content
        case Content_Parts(parts):
            texts = (part.content for part in reversed(parts) if isinstance(part.content, PartContent_Text))
            return next(texts, None)
        case _:
            return None
