"""The cause that leads a report; it silences findings that only follow from it. Pure.

Theory of operation: causes are tried in order: each makes the later ones meaningless. If a file did not reach its end,
the rest of it is unknown. A network that learned other labels, or had the answer among its inputs, learned another
task, so its scores and curves mean nothing. A capped training is no evidence about size or settings. Four kinds of
network learn badly regardless of other settings: one with inputs that a failed cell should have made or changed, one
that left out rows by choice, a linear one, and one with inputs of very different sizes. These lead only if a network
learned badly. If advice contradicts other advice (larger, smaller; longer, shorter), one direction is kept, with or
without a cause. The loss on development rows takes precedence over the loss on training rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from checker.formats.text import counted
from checker.keras_spec.architectures import hidden_layers, linear_in_words, nonlinear_hidden_layers, normalises_inputs
from checker.records.comparison import Comparison
from checker.records.network import Architecture
from checker.records.report import Cause, CauseKind, Observation, Symptom
from checker.records.tracing import Column, Tracing
from checker.records.verdicts import Importance, Outcome, RuleResult
from checker.scoring import metrics

FEW_UNITS = 10
"""A hidden layer with up to this many units is small for data of ten columns."""
LARGE = 10
"""A mean or deviation beyond this is too large for an input."""
UNTIL: Mapping[CauseKind, str] = MappingProxyType(
    {
        CauseKind.FILE_CUT: "This cannot be judged: the file did not run to its end.",
        CauseKind.LEAK: "This cannot be judged while the target is among the inputs.",
        CauseKind.TRAINING_CUT: "This cannot be judged while the training is cut short.",
        CauseKind.LINEAR: "This cannot be judged while the network is linear.",
        CauseKind.UNSCALED: "This cannot be judged before the inputs are scaled.",
    }
)
"""Why a rule that only follows from a cause is not checked, by the cause."""
TOGETHER = (
    "Whatever reorders or drops rows (sorting, shuffling, splitting) must do it to features and {label}s together."
)
"""What to do about labels in another order than the rows, if the line that reorders them is not known."""
NO_EVIDENCE = "With a wrong output or loss, the trainings cannot tell."
CONTRADICTS = "The trainings show the opposite more clearly."

HELP_BY_SYMPTOM: Mapping[Symptom, str] = MappingProxyType(
    {
        Symptom.DIVERGED: "Use a smaller learning rate, or scale the inputs.",
        Symptom.OVERFITS: "Stop earlier (early stopping), make the network smaller, or add dropout.",
        Symptom.UNDERFITS: "Make the layers larger, train longer, or try another learning rate.",
        Symptom.IMPROVING: "Train for more epochs.",
        Symptom.NEVER_PREDICTED: "Find out why one class is never predicted: are its rows in the training part?",
    }
)
"""Advice about a score below the bar, by symptom, the most telling first."""

SAME: Mapping[CauseKind, str] = MappingProxyType(
    {
        CauseKind.LABELS: "test_labels_are_the_datas",
        CauseKind.LEAK: "test_target_is_not_a_feature",
        CauseKind.LINEAR: "test_nonlinear_hidden_layer",
        CauseKind.UNSCALED: "test_inputs_are_scaled",
    }
)
"""Rules, by name, whose failure says the same as a cause."""

TENDENCIES = {"test_no_strong_overfitting": Symptom.OVERFITS, "test_no_underfitting": Symptom.UNDERFITS}
"""Advisory rules, by name, that say the same as a symptom."""

COMPATIBLE: Mapping[Symptom, frozenset[Symptom]] = MappingProxyType(
    {
        Symptom.DIVERGED: frozenset({Symptom.DIVERGED}),
        Symptom.OVERFITS: frozenset({Symptom.OVERFITS}),
        Symptom.UNDERFITS: frozenset({Symptom.UNDERFITS, Symptom.IMPROVING}),
        Symptom.IMPROVING: frozenset({Symptom.UNDERFITS, Symptom.IMPROVING}),
    }
)
"""Tendencies, the most telling first, and the tendencies that may be reported beside each."""

_ALL = frozenset({*COMPATIBLE, Symptom.NEVER_PREDICTED})
SYMPTOMS: Mapping[CauseKind, frozenset[Symptom]] = MappingProxyType(
    {
        CauseKind.FILE_CUT: frozenset(),
        CauseKind.LABELS: frozenset(),  # training again takes the data's labels
        CauseKind.LEAK: _ALL - {Symptom.DIVERGED},
        CauseKind.CELL_FAILED: frozenset(),
        CauseKind.ROWS: frozenset({Symptom.NEVER_PREDICTED}),
        CauseKind.TRAINING_CUT: frozenset({Symptom.UNDERFITS, Symptom.IMPROVING}),
        CauseKind.LINEAR: _ALL - {Symptom.DIVERGED},
        CauseKind.UNSCALED: _ALL,
    }
)
"""Symptoms of trainings that only follow from a cause."""

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
"""Advisory rules, by name, that only follow from a cause, besides those that say the same as a silenced symptom."""

SPOILING = frozenset(
    {
        "test_output_is_one_distribution",
        "test_loss_fits_labels_and_output",
        "test_output_is_one_number",
        "test_loss_is_one_of_regression",
    }
)
"""Required rules, by name, on output and loss. If one fails, the trainings are no evidence about size, time or rate."""


@dataclass(frozen=True)
class Findings:
    """The evidence for causes. ``inputs``: the data's columns that may be features; ``target``: its column to predict;
    ``is_regression``: the target is a number; ``file_cut``, ``training_cut``: sentences on a file or training that was
    cut short, "" for none; ``spoiled``: the error of a cell that should have made the answer's training data, and what
    to do, as sentences."""

    tracing: Tracing | None
    architecture: Architecture | None
    comparison: Comparison | None
    observations: Sequence[Observation]
    inputs: Sequence[str]
    target: str
    is_regression: bool
    file_cut: str = ""
    training_cut: str = ""
    spoiled: tuple[str, str] | None = None

    @property
    def label(self) -> str:
        """The word for what is predicted in a row."""
        return "target" if self.is_regression else "label"

    @property
    def has_learned_badly(self) -> bool:
        """Whether the network is below the bar or underfits."""
        below = self.comparison is not None and not self.comparison.reaches_bar
        return below or any(seen.symptom is Symptom.UNDERFITS for seen in self.observations)


def most_telling(observations: Sequence[Observation]) -> Symptom | None:
    """Return the symptom whose advice comes first; None if there is none with advice."""
    seen = {observation.symptom for observation in observations}
    return next((symptom for symptom in HELP_BY_SYMPTOM if symptom in seen), None)


def help_against(symptom: Symptom, architecture: Architecture | None) -> str:
    """Return advice about a symptom; on a network with few hidden units, with their number."""
    hidden = hidden_layers(architecture) if architecture else ()
    units = [layer.config.get("units") for layer in hidden]
    few = [number for number in units if isinstance(number, int) and number <= FEW_UNITS]
    help = HELP_BY_SYMPTOM[symptom]
    if symptom is not Symptom.UNDERFITS or not few or len(few) < len(units):
        return help
    which = "the hidden layer has" if len(few) == 1 else "no hidden layer has more than"
    return help.replace("the layers larger", f"the layers larger ({which} {counted(max(few), 'unit')})")


def find(of: Findings) -> Cause | None:
    """Return the leading cause; None if there is none."""
    found = _causes(of)
    first = next(found, None)
    if first is not None and first.kind is CauseKind.LABELS:
        return replace(first, help=" ".join(filter(None, (first.help, _once_right(of, next(found, None))))))
    return first


def heard(
    observations: Sequence[Observation], rules: Sequence[RuleResult], cause: Cause | None
) -> tuple[Observation, ...]:
    """Return the observations of the trainings that are not silenced."""
    kept = _kept(observations, rules, cause)
    return tuple(seen for seen in observations if seen.symptom in kept)


def quieted(
    rules: Sequence[RuleResult], observations: Sequence[Observation], cause: Cause | None
) -> tuple[RuleResult, ...]:
    """Return the rules; advice that only follows from the cause, or that contradicts other advice, is skipped, and so
    is a rule that trainings with a wrong output or loss are no evidence for."""
    silent, kept = RULES[cause.kind] if cause else frozenset[str](), _kept(observations, rules, cause)
    gone, spoiled = _silenced(rules, cause), _is_spoiled(rules)
    found = []
    for rule in rules:
        tendency = TENDENCIES.get(rule.name)
        if _is_advice(rule) and (rule.name in silent or tendency in gone):
            why = UNTIL.get(cause.kind, NO_EVIDENCE) if cause else NO_EVIDENCE
            rule = replace(rule, outcome=Outcome.SKIPPED, rationale=why, help="", detail="")
        elif _is_advice(rule) and tendency is not None and tendency not in kept:
            rule = replace(rule, outcome=Outcome.SKIPPED, rationale=CONTRADICTS, help="", detail="")
        elif spoiled and tendency is not None and rule.outcome is Outcome.PASSED:
            rule = replace(rule, outcome=Outcome.SKIPPED, rationale=NO_EVIDENCE, help="", detail="", notes=())
        found.append(rule)
    return tuple(found)


def _is_advice(rule: RuleResult) -> bool:
    return rule.outcome is Outcome.FAILED and rule.importance is Importance.ADVISORY


def _silenced(rules: Sequence[RuleResult], cause: Cause | None) -> frozenset[Symptom]:
    """Return the symptoms that only follow from the cause, or from a wrong output or loss."""
    return (SYMPTOMS[cause.kind] if cause else frozenset()) | (_ALL if _is_spoiled(rules) else frozenset())


def _is_spoiled(rules: Sequence[RuleResult]) -> bool:
    """Tell whether a wrong output or loss spoils the trainings."""
    return any(rule.outcome is Outcome.FAILED and rule.name in SPOILING for rule in rules)


def _kept(observations: Sequence[Observation], rules: Sequence[RuleResult], cause: Cause | None) -> frozenset[Symptom]:
    """Return the symptoms that may be reported."""
    allowed = frozenset(Symptom) - _silenced(rules, cause)
    shown = {seen.symptom for seen in observations}
    shown |= {TENDENCIES[rule.name] for rule in rules if _is_advice(rule) and rule.name in TENDENCIES}
    leading = next((symptom for symptom in COMPATIBLE if symptom in shown & allowed), None)
    return (
        allowed if leading is None else allowed & (COMPATIBLE[leading] | (frozenset(Symptom) - frozenset(COMPATIBLE)))
    )


# -- what leads ------------------------------------------------------------------------------------------


def _causes(of: Findings) -> Iterator[Cause]:
    if of.file_cut:
        yield Cause(CauseKind.FILE_CUT, of.file_cut, "Make the file run from top to bottom within the limits.")
    if of.tracing and of.tracing.has_other_labels:
        help = _help_with_labels(of.tracing.labels_look, of.target, of.label)
        yield Cause(CauseKind.LABELS, of.tracing.labels_in_words(of.label), help)
    yield from _leak(of)
    if of.training_cut:
        help = "Train for fewer epochs, in larger batches or with early stopping, so that training ends by itself."
        yield Cause(CauseKind.TRAINING_CUT, of.training_cut, help)
    if of.has_learned_badly and of.spoiled is not None:
        yield Cause(CauseKind.CELL_FAILED, *of.spoiled)
    if of.has_learned_badly and of.tracing and of.tracing.has_left_out_rows:
        words = f"The training left out rows of the data: {of.tracing.left_out}. The test takes rows of all kinds."
        yield Cause(
            CauseKind.ROWS, words, "Train on rows of all kinds: keep the rows that the code drops or filters out."
        )
    if not of.has_learned_badly or of.architecture is None:
        return
    if not nonlinear_hidden_layers(of.architecture):
        help = "Put a hidden layer with an activation before the output layer."
        yield Cause(CauseKind.LINEAR, linear_in_words(of.architecture, of.is_regression), help)
    large = [column for column in _columns(of) if _is_large(column)]
    if large and not normalises_inputs(of.architecture):
        inputs = counted(len(_columns(of)), "input")
        words = f"{len(large)} of {inputs} hold large numbers, which make training slow and unsteady."
        help = "Standardise the features, or start with a `Normalization` layer that was adapted to the training rows."
        yield Cause(CauseKind.UNSCALED, words, help)


def _help_with_labels(look: str, target: str, label: str) -> str:
    if look.startswith("merged"):
        return "Give each class a number of its own."
    if look.startswith("made from another column"):
        return f"Take the {label}s from `{target}`."
    return TOGETHER.format(label=label)


def _once_right(of: Findings, following: Cause | None) -> str:
    """Return sentences on the score of the retraining, which takes the data's labels, and on what else a PASS needs; ""
    if there is no score, or it would mean nothing either."""
    compared = of.comparison
    if compared is None or (following is not None and following.kind is CauseKind.LEAK):
        return ""
    metric = metrics.find(compared.metric, compared.unit)
    mean, bar = metric.unit.value(compared.mean), metric.unit.value(compared.bar)
    reached = f"With the data's {of.label}s this network reaches {mean}"
    if compared.is_borderline:
        return f"{reached}, too close to the bar of {bar} to tell them apart."
    if compared.reaches_bar:
        return f"{reached}, {'above' if metric.higher_is_better else 'within'} the bar of {bar}."
    symptom = most_telling(of.observations)
    help = following.help if following is not None else help_against(symptom, of.architecture) if symptom else ""
    also = f"So also {help[0].lower()}{help[1:]}" if help else "So this alone is not enough."
    return f"{reached}; a PASS needs {bar}. {also}"


def _leak(of: Findings) -> Iterator[Cause]:
    said = of.tracing.leaks_in_words(of.inputs, of.target, of.is_regression) if of.tracing else ""
    if said:
        last = f"Column {len(_columns(of))} of the inputs"
        if said.startswith(f"{last} is"):
            said = f"{last} (the last column){said.removeprefix(last)}"
        score = _score_at_bar(of.comparison)
        follows = f"That explains the {score}; the score" if score else "So the score"
        words = f"{said} {follows} says nothing about the network."
        yield Cause(CauseKind.LEAK, words, "Take the target, and everything computed from it, out of the inputs.")


def _score_at_bar(compared: Comparison | None) -> str:
    """Return a score that reaches the bar; "" for any other."""
    if compared is None or not compared.reaches_bar:
        return ""
    metric = metrics.find(compared.metric, compared.unit)
    return f"{metric.name} of {metric.unit.value(compared.mean)}"


def _columns(of: Findings) -> tuple[Column, ...]:
    return of.tracing.columns if of.tracing else ()


def _is_large(column: Column) -> bool:
    return abs(column.train_mean) > LARGE or column.train_deviation > LARGE
