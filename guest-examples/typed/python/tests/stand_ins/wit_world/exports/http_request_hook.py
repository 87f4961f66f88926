from dataclasses import dataclass

from ..imports.http_types import Reply


@dataclass
class Outcome_Proceed:
    pass


@dataclass
class Outcome_Respond:
    value: Reply


Outcome = Outcome_Proceed | Outcome_Respond
