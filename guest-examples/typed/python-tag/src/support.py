"""What componentize-py leaves to an author, done once."""

import json
from collections.abc import Callable
from functools import wraps
from inspect import isfunction
from typing import Any, TypeVar

from componentize_py_types import Err
from wit_world.imports.logging import Level, log
from wit_world.imports.types import PluginError_Other

T = TypeVar("T")

# They can return no error: what they raise is logged before it ends the instance.
WITHOUT_ERROR = ("describe", "cleanup")


def hooks(plugin: type[T]) -> type[T]:
    """Decorates a class of hooks. An exception that left one would end the instance, and nobody would read its text:
    here it becomes the plugin's error, with its text and where it was raised."""
    for name, function in list(vars(plugin).items()):
        if isfunction(function) and not name.startswith("_"):
            setattr(plugin, name, _telling(function))
    return plugin


def to_json(value: Any) -> str:
    """JSON text without spaces. Half a surrogate pair, which no text can have on its way to the host, is escaped."""
    return _sendable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _telling(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def hook(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Err:
            raise
        # All of them: sys.exit, too, would end the instance without a word.
        except BaseException as error:
            text = _told(error)
            if function.__name__ in WITHOUT_ERROR:
                log(Level.ERROR, text, [])
                raise
            raise Err(PluginError_Other(text)) from None

    return hook


def _told(error: BaseException) -> str:
    places = []
    # The first place is `hook` above.
    trace = error.__traceback__ and error.__traceback__.tb_next
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
        places.append(f"{file}:{trace.tb_lineno}")
        trace = trace.tb_next
    return _sendable(f"{type(error).__name__}: {error} (at {' > '.join(places[-6:])})")


def _sendable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
