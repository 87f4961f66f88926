from dataclasses import dataclass

from ..imports.llm_types import Answer, LlmError, LlmResponse


@dataclass
class Upstream_Response:
    value: LlmResponse


@dataclass
class Upstream_Error:
    value: LlmError


Upstream = Upstream_Response | Upstream_Error


@dataclass
class Outcome_Proceed:
    pass


@dataclass
class Outcome_Replace:
    value: Answer


@dataclass
class Outcome_Refuse:
    value: LlmError


Outcome = Outcome_Proceed | Outcome_Replace | Outcome_Refuse
