"""The first stage: the evidence from the run of a student's file, before the answer is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass

from checker.records.arrays import Array, ArrayRef
from checker.records.capture import Adaptation, AsTrained, CellResult, Environment, ModelCapture
from checker.records.gathered import Gathered
from checker.records.job import Ending, Execution
from checker.records.submission import Submission
from checker.records.verdicts import Failure, FailureCause, Stage


@dataclass(frozen=True, kw_only=True)
class Executed:
    """The evidence from the run of a student's file.

    ``failures``: why there is no evidence, or what ended the run. ``arrays``: by hash; ``kept`` refers to those that
    let any network of the file become the answer later. The other fields are those of ``Evidence``.
    """

    submission: Submission
    environment: Environment | None
    execution: Execution
    cells: tuple[CellResult, ...]
    models: tuple[ModelCapture, ...]
    failures: tuple[Failure, ...]
    adaptations: tuple[Adaptation, ...] = ()
    cut_short: str = ""
    ended_in: int | None = None
    begun: CellResult | None = None
    as_trained: tuple[AsTrained, ...] = ()
    kept: tuple[ArrayRef, ...] = ()
    arrays: Mapping[str, Array]


def executed_of(gathered: Gathered) -> Executed:
    """Return the first stage of stored evidence."""
    evidence = gathered.evidence
    reading = tuple(failure for failure in evidence.failures if failure.stage is Stage.READING)
    cut = failures_of_cut(evidence.execution, evidence.cut_short, evidence.ended_in)
    return Executed(
        submission=evidence.submission,
        environment=evidence.environment,
        execution=evidence.execution,
        cells=evidence.cells,
        models=evidence.models,
        failures=reading or cut,
        adaptations=evidence.adaptations,
        cut_short=evidence.cut_short,
        ended_in=evidence.ended_in,
        begun=evidence.begun,
        as_trained=evidence.as_trained,
        kept=evidence.kept,
        arrays=gathered.arrays,
    )


def failures_of_cut(execution: Execution, cut_short: str, ended_in: int | None) -> tuple[Failure, ...]:
    """Return the failure of a run that ended early, else (); nobody saw its end, so a demonstrator has to look."""
    if not cut_short and execution.ending is Ending.FINISHED:
        return ()
    failure = Failure(
        stage=Stage.EXECUTING,
        cause=FailureCause.CUT_SHORT,
        rationale=cut_short or "It sent the checker something that is not evidence.",
        help="Find the cell that never ends or that takes too much, and run the file from top to bottom.",
        detail=execution.output_tail,
        cell=ended_in,
    )
    return (failure,)
