"""What everything else follows from: one cause leads a report, and silences what only follows from it. Pure.

Theory of operation: causes are looked for in the order in which one makes others meaningless. Of a file that did not
reach its end nobody knows the rest. A network that learned other labels, or was told the answer, learned another task,
and no score or curve says anything of it. A training that was capped tells neither of size nor of settings. Four kinds
of network learn badly whatever else is done: one whose inputs a failed cell should have made or changed, one that left
out rows by choice, a linear one, and one whose inputs are of very different sizes. These lead only where a network
learned badly.
With or without a cause, of advice that contradicts other advice (larger, smaller; longer, shorter) one direction is
kept: what the loss on development rows says comes before what that on training rows says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from checker.keras_spec.architectures import describe, nonlinear_hidden_layers, normalises_inputs
from checker.records.comparison import Comparison
from checker.records.network import Architecture
from checker.records.report import Cause, CauseKind, Observation, Symptom
from checker.records.tracing import Column, Tracing
from checker.records.verdicts import Importance, Outcome, RuleResult

LARGE = 10
"""A mean or deviation beyond this is no sensible size of an input."""
FOLLOWS = "This follows from what is said first on this page."
CONTRADICTS = "What the trainings show besides points the other way."

TENDENCIES = {"test_no_strong_overfitting": Symptom.OVERFITS, "test_no_underfitting": Symptom.UNDERFITS}
"""Advice, by the names of rules, that says the same as a symptom does."""

COMPATIBLE: Mapping[Symptom, frozenset[Symptom]] = MappingProxyType(
    {
        Symptom.DIVERGED: frozenset({Symptom.DIVERGED}),
        Symptom.OVERFITS: frozenset({Symptom.OVERFITS}),
        Symptom.UNDERFITS: frozenset({Symptom.UNDERFITS, Symptom.IMPROVING}),
        Symptom.IMPROVING: frozenset({Symptom.UNDERFITS, Symptom.IMPROVING}),
    }
)
"""Tendencies, the most telling first, and which others may be spoken of beside each."""

_ALL = frozenset({*COMPATIBLE, Symptom.NEVER_PREDICTED})
SYMPTOMS: Mapping[CauseKind, frozenset[Symptom]] = MappingProxyType(
    {
        CauseKind.FILE_CUT: frozenset(),
        CauseKind.LABELS: _ALL,
        CauseKind.LEAK: _ALL - {Symptom.DIVERGED},
        CauseKind.CELL_FAILED: frozenset(),
        CauseKind.ROWS: frozenset({Symptom.NEVER_PREDICTED}),
        CauseKind.TRAINING_CUT: frozenset({Symptom.UNDERFITS, Symptom.IMPROVING}),
        CauseKind.LINEAR: _ALL - {Symptom.DIVERGED},
        CauseKind.UNSCALED: _ALL,
    }
)
"""What trainings show that only follows from a cause."""

_AT_THE_END = (
    "test_final_test_on_unseen_rows",
    "test_tensorboard_is_used",
    "test_confusion_matrix_is_made",
    "test_predictions_are_drawn",
    "test_traditional_model_is_compared",
)
RULES: Mapping[CauseKind, frozenset[str]] = MappingProxyType(
    {kind: frozenset(_AT_THE_END if kind is CauseKind.FILE_CUT else ()) for kind in CauseKind}
)
"""Advice, by the names of rules, that only follows from a cause, besides what says the same as a silenced symptom."""


@dataclass(frozen=True)
class Findings:
    """What a cause may be found in. ``file_cut``, ``training_cut``: what was cut short, as sentences, "" for nothing;
    ``inputs``: the data's columns that may be features; ``is_regression``: the target is a number; ``spoiled``: the
    error of a cell that should have made what the answer was trained on, and what to do, as sentences."""

    tracing: Tracing | None
    architecture: Architecture | None
    comparison: Comparison | None
    observations: Sequence[Observation]
    inputs: Sequence[str]
    is_regression: bool
    file_cut: str = ""
    training_cut: str = ""
    spoiled: tuple[str, str] | None = None

    @property
    def has_learned_badly(self) -> bool:
        """It fell below the bar, or underfits."""
        below = self.comparison is not None and not self.comparison.reaches_bar
        return below or any(seen.symptom is Symptom.UNDERFITS for seen in self.observations)


def find(of: Findings) -> Cause | None:
    """Return the cause that leads; None where nothing else follows from anything."""
    return next(_causes(of), None)


def heard(
    observations: Sequence[Observation], rules: Sequence[RuleResult], cause: Cause | None
) -> tuple[Observation, ...]:
    """Return what is still to be said of the trainings."""
    kept = _kept(observations, rules, cause)
    return tuple(seen for seen in observations if seen.symptom in kept)


def quieted(
    rules: Sequence[RuleResult], observations: Sequence[Observation], cause: Cause | None
) -> tuple[RuleResult, ...]:
    """Return the rules, without advice that only follows from the cause, or that contradicts other advice."""
    silent, kept = RULES[cause.kind] if cause else frozenset[str](), _kept(observations, rules, cause)
    gone = SYMPTOMS[cause.kind] if cause else frozenset[Symptom]()
    found = []
    for rule in rules:
        tendency = TENDENCIES.get(rule.name)
        if _is_advice(rule) and (rule.name in silent or tendency in gone):
            rule = replace(rule, outcome=Outcome.SKIPPED, rationale=FOLLOWS, help="", detail="")
        elif _is_advice(rule) and tendency is not None and tendency not in kept:
            rule = replace(rule, outcome=Outcome.SKIPPED, rationale=CONTRADICTS, help="", detail="")
        found.append(rule)
    return tuple(found)


def _is_advice(rule: RuleResult) -> bool:
    return rule.outcome is Outcome.FAILED and rule.importance is Importance.ADVISORY


def _kept(observations: Sequence[Observation], rules: Sequence[RuleResult], cause: Cause | None) -> frozenset[Symptom]:
    """Return the symptoms that may be spoken of."""
    allowed = frozenset(Symptom) - (SYMPTOMS[cause.kind] if cause else frozenset())
    shown = {seen.symptom for seen in observations}
    shown |= {TENDENCIES[rule.name] for rule in rules if _is_advice(rule) and rule.name in TENDENCIES}
    leading = next((symptom for symptom in COMPATIBLE if symptom in shown & allowed), None)
    return (
        allowed if leading is None else allowed & (COMPATIBLE[leading] | (frozenset(Symptom) - frozenset(COMPATIBLE)))
    )


# -- what leads ------------------------------------------------------------------------------------------


def _causes(of: Findings) -> Iterator[Cause]:
    if of.file_cut:
        yield Cause(CauseKind.FILE_CUT, of.file_cut, "See that the file runs from top to bottom within the limits.")
    if of.tracing and of.tracing.has_other_labels:
        yield Cause(CauseKind.LABELS, of.tracing.labels_in_words, _help_with_labels(of.tracing.labels_look))
    yield from _leak(of)
    if of.training_cut:
        help = "Train for fewer epochs, in larger batches or with early stopping, so that training comes to its end."
        yield Cause(CauseKind.TRAINING_CUT, of.training_cut, help)
    if of.has_learned_badly and of.spoiled is not None:
        yield Cause(CauseKind.CELL_FAILED, *of.spoiled)
    if of.has_learned_badly and of.tracing and of.tracing.has_left_out_rows:
        words = f"The training left out rows of the data: {of.tracing.left_out}. The test takes rows of all kinds."
        yield Cause(CauseKind.ROWS, words, "Train on rows of all kinds that the data has.")
    if not of.has_learned_badly or of.architecture is None:
        return
    if not nonlinear_hidden_layers(of.architecture):
        help = "Put a hidden layer with an activation before the output layer."
        yield Cause(CauseKind.LINEAR, f"The network is linear: {describe(of.architecture)}.", help)
    large = [column for column in _columns(of) if _is_large(column)]
    if large and not normalises_inputs(of.architecture):
        words = f"{len(large)} of {len(_columns(of))} inputs are large numbers, which make training slow and unsteady."
        help = "Standardise the features, or start with a Normalization layer."
        yield Cause(CauseKind.UNSCALED, words, help)


def _help_with_labels(look: str) -> str:
    if look.startswith("merged"):
        return "Give each class a number of its own."
    if look.startswith("made from another column"):
        return "Take the labels from the target's column."
    return "Keep features and labels in the same order: split, shuffle and drop rows of both together."


def _leak(of: Findings) -> Iterator[Cause]:
    what = "number" if of.is_regression else "class"
    leaks = [
        f"column {number}"
        for number, column in enumerate(_columns(of), start=1)
        if column.gives_away(of.is_regression) and column.source not in of.inputs
    ]
    if leaks:
        named = " and ".join(leaks[:3])
        words = f"Of {len(_columns(of))} inputs, {named} alone gives the {what} away, so that no score tells anything."
        yield Cause(CauseKind.LEAK, words, "Take the target, and all made from it, out of the inputs.")


def _columns(of: Findings) -> tuple[Column, ...]:
    return of.tracing.columns if of.tracing else ()


def _is_large(column: Column) -> bool:
    return abs(column.train_mean) > LARGE or column.train_deviation > LARGE
