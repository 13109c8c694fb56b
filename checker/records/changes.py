"""What changed between two reports on files of the same student."""

from dataclasses import dataclass
from enum import StrEnum

from checker.records.codec import record


class Part(StrEnum):
    """The part of a report that a change is about, in the order in which a person reads them."""

    VERDICT = "verdict"
    SCORE = "score"
    RULES = "rules"
    NETWORK = "network"
    TRAINING = "training"
    INPUTS = "inputs"


@record
@dataclass(frozen=True)
class Change:
    """A change, as a sentence. Its words may quote the student's."""

    part: Part
    sentence: str
