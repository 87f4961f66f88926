from dataclasses import dataclass


@dataclass
class Outcome_Proceed:
    pass


@dataclass
class Outcome_Replace:
    value: list[str]


Outcome = Outcome_Proceed | Outcome_Replace
