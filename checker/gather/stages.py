"""The later stages of gathering, and their conversion to evidence.

A submission's run is ``Executed``. If one of its networks is the answer, it becomes ``Answered`` and then
``Retrained``. If there is no answer, it becomes ``Unanswered``. Nothing is filled in later: each stage holds the one
before it, and ``evidence_of`` converts the last to evidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from checker.gather.executed import Executed, executed_of
from checker.gather.rows.tracing import TracedInputs
from checker.records.arrays import Array
from checker.records.capture import ModelCapture
from checker.records.evidence import Evidence, OwnResult, Selection
from checker.records.gathered import Gathered
from checker.records.job import Execution
from checker.records.network import Recipe
from checker.records.training import TrainingRun
from checker.records.verdicts import Failure, Stage


@dataclass(frozen=True, kw_only=True)
class Unanswered:
    """A run without an answer. ``failures``: the reasons."""

    executed: Executed
    selection: Selection
    failures: tuple[Failure, ...]
    own_results: tuple[OwnResult, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A run with its answer and the answer's traced inputs. ``failures``: earlier ones that are not forgiven."""

    executed: Executed
    selection: Selection
    answer: ModelCapture
    traced: TracedInputs
    failures: tuple[Failure, ...] = ()
    own_results: tuple[OwnResult, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Retrained:
    """An answer that was retrained, or why it was not. The fields are those of ``Evidence``.

    ``failures`` are those of the retraining. ``arrays``: outputs of the trainings, by hash.
    """

    answered: Answered
    recipe: Recipe | None = None
    retraining: Execution | None = None
    further: Execution | None = None
    runs: tuple[TrainingRun, ...] = ()
    failures: tuple[Failure, ...] = ()
    replayed: str = ""
    replay: str = ""
    replay_cells: tuple[int, ...] = ()
    arrays: Mapping[str, Array]


def evidence_of(stage: Unanswered | Retrained, seeds: tuple[int, ...]) -> Gathered:
    """Return the last stage as evidence, with all arrays."""
    if isinstance(stage, Unanswered):
        return Gathered(_evidence(stage, None, seeds), stage.executed.arrays)
    arrays = {**stage.answered.executed.arrays, **stage.answered.traced.arrays, **stage.arrays}
    return Gathered(_evidence(stage.answered, stage, seeds), arrays)


def _evidence(before: Unanswered | Answered, trained: Retrained | None, seeds: tuple[int, ...]) -> Evidence:
    executed = before.executed
    return Evidence(
        submission=executed.submission,
        environment=executed.environment,
        execution=executed.execution,
        cells=executed.cells,
        models=executed.models,
        failures=(*before.failures, *(trained.failures if trained else ())),
        selection=before.selection,
        tracing=before.traced.tracing if isinstance(before, Answered) else None,
        recipe=trained.recipe if trained else None,
        seeds=seeds,
        retraining=trained.retraining if trained else None,
        runs=trained.runs if trained else (),
        adaptations=executed.adaptations,
        replayed=trained.replayed if trained else "",
        replay=trained.replay if trained else "",
        replay_cells=trained.replay_cells if trained else (),
        further=trained.further if trained else None,
        cut_short=executed.cut_short,
        ended_in=executed.ended_in,
        begun=executed.begun,
        as_trained=executed.as_trained,
        own_results=before.own_results,
        kept=executed.kept,
    )


def retrained_of(gathered: Gathered) -> Retrained:
    """Return the last stage of stored evidence with a retrained answer."""
    evidence = gathered.evidence
    assert evidence.answer is not None and evidence.tracing is not None
    answered = Answered(
        executed=executed_of(gathered),
        selection=evidence.selection,
        answer=evidence.answer,
        traced=traced_of(gathered),
        failures=tuple(f for f in evidence.failures if f.stage is not Stage.RETRAINING),
        own_results=evidence.own_results,
    )
    return Retrained(
        answered=answered,
        recipe=evidence.recipe,
        retraining=evidence.retraining,
        further=evidence.further,
        runs=evidence.runs,
        failures=tuple(f for f in evidence.failures if f.stage is Stage.RETRAINING),
        replayed=evidence.replayed,
        replay=evidence.replay,
        replay_cells=evidence.replay_cells,
        arrays=gathered.arrays,
    )


def traced_of(gathered: Gathered) -> TracedInputs:
    """Return an answer's traced inputs from evidence in which its rows were matched."""
    found = gathered.evidence.tracing
    assert found is not None and found.rows is not None and found.features is not None and found.trainable is not None
    return TracedInputs(found, *(gathered.array(ref) for ref in (found.rows, found.features, found.trainable)))
