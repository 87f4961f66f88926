from dataclasses import dataclass


@dataclass
class Description:
    name: str
    version: str
    summary: str
    config_schema: str | None
    extra: str | None
