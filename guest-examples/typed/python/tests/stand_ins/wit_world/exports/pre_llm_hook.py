from dataclasses import dataclass

from ..imports.llm_types import Answer, LlmError


@dataclass
class Outcome_Proceed:
    pass


@dataclass
class Outcome_Answer:
    value: Answer


@dataclass
class Outcome_Refuse:
    value: LlmError


Outcome = Outcome_Proceed | Outcome_Answer | Outcome_Refuse
