from dataclasses import dataclass


@dataclass
class PluginError_InvalidConfig:
    value: str


@dataclass
class PluginError_InvalidJson:
    value: str


@dataclass
class PluginError_Other:
    value: str
