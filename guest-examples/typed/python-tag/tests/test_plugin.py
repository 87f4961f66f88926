import pytest
from componentize_py_types import Err
from wit_world.exports.pre_llm_hook import Outcome_Proceed
from wit_world.imports import context
from wit_world.imports.llm_types import Content_Parts, Content_Text, Message, Part, PartContent_Text
from wit_world.imports.types import PluginError_InvalidConfig

from plugin import Lifecycle, PreLlmHook


class Request:
    def __init__(self, *messages):
        self.messages = list(messages)

    def message_count(self):
        return len(self.messages)

    def message_at(self, index):
        return self.messages[index]

    def set_message(self, index, message):
        self.messages[index] = message


def text(role, text):
    return Message(role, Content_Text(text), None)


def parts(*contents):
    return Message("user", Content_Parts([Part(content, None) for content in contents]), None)


def tagged(*messages, config="null"):
    Lifecycle().init(config)
    request = Request(*messages)
    assert PreLlmHook().before_call(request) == Outcome_Proceed()
    return request.messages


def test_the_last_user_message_is_tagged():
    messages = tagged(text("user", "a"), text("user", "b"), text("assistant", "c"))
    assert messages == [text("user", "a"), text("user", "b [tag:tagged]"), text("assistant", "c")]


def test_the_last_text_of_its_parts_is_tagged():
    image = "an image"
    [message] = tagged(parts(PartContent_Text("a"), PartContent_Text("b"), image))
    assert message == parts(PartContent_Text("a"), PartContent_Text("b [tag:tagged]"), image)


def test_a_message_without_text_is_left_alone():
    image = "an image"
    assert tagged(text("user", "a"), parts(image)) == [text("user", "a [tag:tagged]"), parts(image)]
    assert tagged() == []


def test_the_tag_is_configured_and_left_in_the_context():
    [message] = tagged(text("user", "a"), config='{"tag": "tëam"}')
    assert message == text("user", "a [tag:tëam]")
    assert context.values == {"tag": '"tëam"'}


def test_a_configuration_that_is_no_json_is_refused():
    with pytest.raises(Err) as raised:
        Lifecycle().init("{")
    assert isinstance(raised.value.value, PluginError_InvalidConfig)
