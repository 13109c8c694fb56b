"""The table of blame: from the cause of a failure to its verdict. Pure.

Work that was cut short, and steps that the checker could not do, go to a demonstrator. A submission fails only for its
file's contents, or for what it did in a run that reached its end. No cause leads to PASS.
"""

from collections.abc import Mapping
from types import MappingProxyType

from checker.records.verdicts import FailureCause, Verdict

VERDICTS: Mapping[FailureCause, Verdict] = MappingProxyType(
    {
        FailureCause.NOTHING_TO_RUN: Verdict.FAIL,
        FailureCause.UNREADABLE_UPLOAD: Verdict.REFER,
        FailureCause.UNREADABLE_FILE: Verdict.FAIL,
        FailureCause.CUT_SHORT: Verdict.REFER,
        FailureCause.NO_ANSWER: Verdict.FAIL,
        FailureCause.NO_ANSWER_CUT_SHORT: Verdict.REFER,
        FailureCause.WAITS_FOR_INPUT: Verdict.REFER,
        FailureCause.TRAINED_ELSEWHERE: Verdict.REFER,
        FailureCause.NOT_RETRAINED: Verdict.REFER,
        FailureCause.RETRAINING_ENDED: Verdict.REFER,
        FailureCause.WRONG_OUTPUTS: Verdict.FAIL,
        FailureCause.DIVERGED: Verdict.FAIL,
        FailureCause.DIVERGED_AFTER_LEARNING: Verdict.REFER,
    }
)
