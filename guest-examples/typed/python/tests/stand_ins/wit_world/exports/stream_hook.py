from dataclasses import dataclass

from ..imports.llm_types import LlmError


@dataclass
class Outcome_Proceed:
    pass


@dataclass
class Outcome_Drop:
    pass


@dataclass
class Outcome_Replace:
    value: list[str]


@dataclass
class Outcome_Abort:
    value: LlmError


Outcome = Outcome_Proceed | Outcome_Drop | Outcome_Replace | Outcome_Abort
