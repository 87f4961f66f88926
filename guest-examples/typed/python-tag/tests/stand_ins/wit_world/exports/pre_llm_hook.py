from dataclasses import dataclass


@dataclass
class Outcome_Proceed:
    pass


Outcome = Outcome_Proceed
