import json
import tomllib
from pathlib import Path

import pytest

import about
from config import SCHEMA, Config


@pytest.mark.parametrize("text", ["null", "{}"])
def test_null_and_an_empty_object_are_the_defaults(text):
    assert Config.from_json(text) == Config()


def test_a_null_system_message_is_none():
    assert Config.from_json('{"system": null}').system is None


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "[]",
        "7",
        '{"banned": "word"}',
        '{"banned": [7]}',
        '{"bannned": []}',
        '{"secrets": [""]}',
        '{"header": null}',
        '{"models": {"large": 7}}',
        '{"answers": []}',
        '{"reads": 7}',
        '{"show_context": 1}',
    ],
)
def test_what_is_no_configuration_is_refused(bad):
    with pytest.raises(ValueError, match=r".+"):
        Config.from_json(bad)


def test_the_message_names_the_member_that_is_wrong():
    with pytest.raises(ValueError, match="`header` is no text"):
        Config.from_json('{"header": 7}')


def test_the_schema_is_json_and_states_the_defaults():
    properties = json.loads(SCHEMA)["properties"]
    defaults = {name: property["default"] for name, property in properties.items()}
    assert Config.from_json(json.dumps(defaults)) == Config()


def test_another_model_may_be_another_upstreams():
    config = Config.from_json('{"models": {"large": "small", "old": "mill/new/er"}}')
    assert config.instead_of("large") == (None, "small")
    assert config.instead_of("old") == ("mill", "new/er")
    assert config.instead_of("small") is None


def test_a_banned_word_is_found_anywhere_in_a_text():
    assert Config().is_banned("say forbidden-words")
    assert not Config().is_banned("say forbidden words")


def test_the_plugin_says_of_itself_what_its_project_says():
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
    said = [about.NAME, about.VERSION, about.SUMMARY, about.LICENSE]
    assert said == [project[name] for name in ("name", "version", "description", "license")]
