import json
import sys

import pytest
from componentize_py_types import Err
from wit_world.imports import logging
from wit_world.imports.types import PluginError_InvalidJson, PluginError_Other

from support import hooks, to_json


@hooks
class Plugin:
    def before_call(self, work):
        return work()

    def describe(self):
        raise ValueError("boom")


def told(work):
    with pytest.raises(Err) as raised:
        Plugin().before_call(work)
    return raised.value.value


def test_what_a_hook_returns_is_left_alone():
    assert Plugin().before_call(lambda: "outcome") == "outcome"


def test_the_plugins_own_error_is_left_alone():
    error = PluginError_InvalidJson("why")

    def fail():
        raise Err(error)

    assert told(fail) is error


def test_an_exception_is_told_with_its_text_and_its_place():
    error = told(lambda: {}["key"])
    assert isinstance(error, PluginError_Other)
    assert error.value.startswith("KeyError: 'key' (at test_support.py:")


def test_an_exit_is_told_too():
    assert told(lambda: sys.exit(3)).value.startswith("SystemExit: 3")


def test_half_a_character_is_told_as_text():
    def fail():
        raise ValueError("\ud83d")

    assert told(fail).value.startswith(r"ValueError: \ud83d")


def test_a_hook_without_errors_logs_its_exception():
    logging.lines.clear()
    with pytest.raises(ValueError, match="boom"):
        Plugin().describe()
    [(level, message)] = logging.lines
    assert level is logging.Level.ERROR
    assert message.startswith("ValueError: boom")


def test_json_is_short_and_can_be_sent():
    assert to_json({"é": [1, None]}) == '{"é":[1,null]}'
    assert to_json("\ud83d") == r'"\ud83d"'
    assert json.loads(to_json("\\ud83d")) == "\\ud83d"
