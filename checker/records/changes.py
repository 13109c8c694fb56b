"""Changes between two reports on files of the same student."""

from dataclasses import dataclass
from enum import StrEnum

from checker.records.codec import record


class Part(StrEnum):
    """The parts of a report that changes are about, in reading order."""

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
