from dataclasses import dataclass


@dataclass
class PluginError_InvalidConfig:
    value: str


@dataclass
class PluginError_InvalidJson:
    value: str


@dataclass
class PluginError_InvalidHeader:
    value: str


@dataclass
class PluginError_NoSuchPlace:
    value: str


@dataclass
class PluginError_TooLarge:
    value: int


@dataclass
class PluginError_Other:
    value: str


PluginError = (
    PluginError_InvalidConfig
    | PluginError_InvalidJson
    | PluginError_InvalidHeader
    | PluginError_NoSuchPlace
    | PluginError_TooLarge
    | PluginError_Other
)
