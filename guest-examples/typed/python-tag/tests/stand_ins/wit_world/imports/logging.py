from enum import Enum

Level = Enum("Level", "TRACE DEBUG INFO WARN ERROR", start=0)
lines: list[tuple[Level, str]] = []


def log(level: Level, message: str, fields: list[tuple[str, str]]) -> None:
    lines.append((level, message))
