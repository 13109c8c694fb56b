"""Questions about a network's scores, about chance, and about tools."""

import math
import re
from collections.abc import Sequence

import numpy as np

from checker.judge.questions.view import Details, View, about, as_written, short
from checker.keras_spec.architectures import nonlinear_hidden_layers
from checker.records.comparison import Comparison, confusions
from checker.records.report import Figure, Symptom
from checker.records.tracing import FeatureSource, TargetScale
from checker.scoring.metrics import Unit, find
from checker.scoring.targets import undo

RARE, MOSTLY = 0.01, 0.5
"""A class with less than this share of the rows is rare; one with more than this share of its rows taken for another is
mostly taken for it."""
NEIGHBOURS = (
    "They are neighbours on the map: houses on both sides of their border are alike in all but longitude and latitude, "
    "and the border is crooked."
)
STRAIGHT = "They are neighbours on the map, and this network can draw only straight borders between them."
NEAR, SOME = 0.05, 0.1
"""A network has hardly learnt if it gets no more than this share of the rows beyond the largest class right. A class
has some predictions if it has more than this share of them."""
SEEDED = {
    "Python": r"(?<!np\.)(?<!numpy\.)\brandom\.seed",
    "NumPy": r"\b(np|numpy)\.random\.seed",
    "TensorFlow": r"\bset_seed|\btf\.(compat\.v1\.)?set_random_seed",
}
"""Calls that set the seed of one library alone."""
OUTDONE = {"random forest", "gradient boosting"}
NO_SHIFT = 0.01
"""An offset of targets up to this is none that a student has chosen."""
SPREADS, APART, APART_SHARE = 4.0, 0.03, 0.15
"""Two results differ if they are this many spreads over the seeds apart, and by this much, or by this share of an
error.
"""
USUAL_SPREADS = 2
"""Two trainings of one network are seldom more spreads apart."""
ONE_TRAINING = "One more training says little: the spread over several tells."


# -- the evaluation --------------------------------------------------------------------------------------


def a_claim(view: View) -> Details | None:
    """An output states a score that differs from the measured one."""
    claim = view.report.claim
    if claim is None or not claim.sentence:
        return None
    metric = find(claim.metric, claim.unit)
    flatters = metric.is_better(claim.stated, claim.measured)
    good = (
        "Looks for: a test on rows that were trained on, labels that are not the data's, another metric or model, the "
        "best of many runs, an output of an earlier version of the file."
        if flatters
        else "Looks for: fewer epochs or rows in this run, another model than the answer, an output of an earlier "
        "version of the file, a mistake in the evaluation (test rows that were not scaled)."
    )
    return about(
        claim.cell, stated=metric.unit.value(claim.stated), measured=metric.unit.value(claim.measured), good=good
    )


def own_differs(view: View) -> Details | None:
    """The network did clearly better or worse in the file than retrained, and that is not the verdict's reason."""
    agreed = view.report.agreed
    return None if agreed is not None and agreed.differs else _own(view, differs=True)


def own_result(view: View) -> Details | None:
    """The network did about as well in the notebook as retrained, and the first weights matter."""
    return None if view.is_constant else _own(view, differs=False)


def _own(view: View, differs: bool) -> Details | None:
    own, comparison = view.report.own_result, view.report.comparison
    if own is None or own.unseen is None or comparison is None:
        return None
    again = next((of for of in comparison.measures if of.metric == own.metric), None)
    if again is None:
        return None
    metric, apart = find(own.metric, view.report.unit), abs(own.unseen.score - again.mean)
    unit = metric.unit
    floor = APART if metric.higher_is_better else APART_SHARE * again.mean
    said, mean = unit.value(own.unseen.score), unit.value(again.mean)
    if (apart > max(SPREADS * again.spread, floor)) is not differs or said == mean:
        return None
    spread = unit.plus_minus(again.mean, again.spread) if len(comparison.scores) > 1 else mean
    written = abs(as_written(unit, own.unseen.score) - as_written(unit, again.mean))
    far = _how_far(unit, written, as_written(unit, again.spread)) if len(comparison.scores) > 1 else ONE_TRAINING
    return about(Figure.SCORES, rows=own.unseen.rows, own=said, again=spread, far=far)


def _how_far(unit: Unit, apart: float, spread: float) -> str:
    """Return what the distance of one result from the mean of others with this spread says; both as written."""
    here = f"(here ± {unit.size(USUAL_SPREADS * spread)})"
    if apart <= USUAL_SPREADS * spread or math.isclose(apart, USUAL_SPREADS * spread):
        return f"One training may lie about two spreads away {here}, so {unit.amount(apart)} mean nothing."
    return (
        f"One training seldom lies more than two spreads away {here}. {unit.amount(apart)} are more: asks whether "
        "rows, labels and epochs were alike."
    )


def never_predicted(view: View) -> Details | None:
    """A class is never predicted, and if it is rare, no other class is mostly taken for another."""
    c = view.report.comparison
    counts = c.confusion if c else ()
    total = sum(map(sum, counts))
    never = [label for label, row in enumerate(counts) if sum(row) and not any(other[label] for other in counts)]
    if c is None or not never:
        return None
    largest = max(never, key=lambda label: sum(counts[label]))
    count, label = sum(counts[largest]), short(view.report.classes[largest])
    is_rare = count < RARE * total
    if is_rare and any(share > MOSTLY for share, _, _ in confusions(counts)):
        return None
    seeds = len(c.scores)
    rows = f"{seeds} × {total // seeds:,}" if seeds > 1 and not total % seeds else f"{total:,}"
    held_out = f"Of {rows} held-out rows {count:,} {'is' if count == 1 else 'are'} {label}."
    of_data = next((said for said in _never(view) if said.startswith(f"{view.report.classes[largest]} is ")), held_out)
    if is_rare:  # the page says that it is
        return about(
            Figure.CONFUSION,
            ask=f"What would you change so that {label} is found, and what would it cost",
            good=f"{of_data} Class weights, or its rows several times over, make the loss care; more such rows would "
            "be better. It costs some rows of other classes, which are then taken for it: its precision is low, and "
            "the accuracy hardly changes or falls. So few rows may be learnt by heart.",
        )
    return about(
        Figure.CONFUSION,
        ask=f"{label} is never predicted, and it is not rare. Where would you look for the cause",
        good="For its rows in the training part, at its labels, and whether the loss fell at all. "
        f"{count / total:.0%} of the held-out rows are {label}, and all of them are lost.",
    )


def _never(view: View) -> list[str]:
    """Return the observations on classes that are never predicted."""
    return [seen.sentence for seen in view.report.observations if seen.symptom is Symptom.NEVER_PREDICTED]


def mostly_confused(view: View) -> Details | None:
    """Most rows of a class that is not rare are taken for another class."""
    counts = view.report.comparison.confusion if view.report.comparison else ()
    share, _, _ = max(confusions(counts), default=(0.0, 0, 0))
    is_linear = view.architecture is not None and not nonlinear_hidden_layers(view.architecture)
    why = STRAIGHT if is_linear else NEIGHBOURS
    return _of_confused(view, counts, why) if share > MOSTLY else None


def most_confused(view: View) -> Details | None:
    """Some rows of a class that is not rare are taken for another class, but never most of them."""
    counts = view.report.comparison.confusion if view.report.comparison else ()
    share, _, _ = max(confusions(counts), default=(0.0, 0, 0))
    return _of_confused(view, counts, NEIGHBOURS) if 0 < share <= MOSTLY else None


def _of_confused(view: View, counts: Sequence[Sequence[int]], why: str) -> Details:
    share, label, to = max(confusions(counts))
    one, other = (short(view.report.classes[at]) for at in (label, to))
    rows = counts[label]
    why = _hardly_learnt(view.report.classes, counts) or why
    return about(
        Figure.CONFUSION,
        ask=f"{share:.1%} of {one} is taken for {other}. Why",
        good=f"{why} These are {rows[to]:,} of {sum(rows):,} rows; {rows[label]:,} are right, so the recall of {one} "
        f"is {rows[label] / sum(rows):.1%}.",
    )


def _hardly_learnt(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Return a sentence on a network that is near the majority class; "" for others."""
    total, largest = sum(map(sum, counts)), max(map(sum, counts))
    if sum(row[label] for label, row in enumerate(counts)) - largest > NEAR * (total - largest):
        return ""
    columns = enumerate(zip(*counts, strict=True))
    taken = [short(classes[at]) for at, column in columns if sum(column) > SOME * total]
    *before, last = taken or [""]
    if before:
        return f"It has hardly learnt: it spreads all classes over {', '.join(before)} and {last}."
    return f"It has hardly learnt: it takes nearly all rows for {last}." if last else ""


def majority(view: View) -> Details | None:
    """The classes are of different sizes."""
    c = view.report.comparison
    sizes = [sum(row) for row in c.confusion] if c else []
    if not any(sizes):
        return None
    largest = sizes.index(max(sizes))
    return about(Figure.FIELD, label=short(view.report.classes[largest]), share=f"{max(sizes) / sum(sizes):.0%}")


def below_baseline(view: View) -> Details | None:
    """The network is no better than the baseline."""
    c = view.report.comparison
    if c is None or c.beats_baseline:
        return None
    return None if view.is_constant else _beside(c, c.baseline, c.baseline_mean, "baseline")


def constant_prediction(view: View) -> Details | None:
    """A regression's network predicts the same price for every house, and always the mean was measured beside it."""
    c, scale = view.report.comparison, view.report.tracing.target if view.report.tracing else None
    mean = next((b.mean for b in c.baselines if b.name == "mean"), None) if c else None
    if c is None or mean is None or scale is None or view.classes or not view.is_constant:
        return None
    metric = find(c.metric, c.unit)
    write, price = metric.unit.value, view.unit.value(float(undo(scale, np.ones(1))[0]))
    return about(Figure.FIELD, price=price, metric=metric.name, theirs=write(mean), own=write(c.mean))


def above_baseline(view: View) -> Details | None:
    """The network is better than the baseline."""
    c = _earned(view)
    return _beside(c, c.baseline, c.baseline_mean, "baseline") if c and c.beats_baseline else None


def outdone(view: View) -> Details | None:
    """A forest or boosted trees do better than the network, which is better than the baseline."""
    c = _earned(view)
    if c is None or not c.beats_baseline:
        return None
    better = [b for b in c.baselines if b.name in OUTDONE and find(c.metric, c.unit).is_better(b.mean, c.mean)]
    return _beside(c, better[0].name, better[0].mean, "model", Figure.FIELD) if better else None


def _earned(view: View) -> Comparison | None:
    """Return the comparison if no column gives the target away; else None."""
    columns = view.report.tracing.columns if view.report.tracing else ()
    return None if any(column.gives_away(not view.classes) for column in columns) else view.report.comparison


def _beside(c: Comparison, model: str, score: float, name: str, figure: Figure = Figure.SCORES) -> Details:
    write = find(c.metric, c.unit).unit.value
    named = model[0].upper() + model[1:] if name == "baseline" else model
    return about(figure, **{name: named, "theirs": write(score), "own": write(c.mean)})


def _measured(view: View, metric: str) -> str:
    """Return the measured value of a further metric, in words; "" if it was not measured."""
    measures = view.report.comparison.measures if view.report.comparison else ()
    found = next((m for m in measures if m.metric == metric), None)
    return find(found.metric, found.unit).unit.value(found.mean) if found else ""


def errors(view: View) -> Details | None:
    """Both errors of a regression were measured."""
    mae, rmse = _measured(view, "mae"), _measured(view, "rmse")
    return about(Figure.SCORES, mae=mae, rmse=rmse) if mae and rmse else None


def explained(view: View) -> Details | None:
    """The share of explained variance was measured."""
    r2 = _measured(view, "r2")
    return about(Figure.SCORES, r2=r2) if r2 else None


def capped_prices(view: View) -> Details | None:
    """Many true values are the highest value."""
    sample = view.report.comparison.sample if view.report.comparison else ()
    highest = max((true for true, _ in sample), default=0.0)
    is_capped = sum(true == highest for true, _ in sample) > 0.02 * len(sample)
    return about(Figure.RESIDUALS, highest=view.unit.value(highest)) if is_capped else None


def scaled_target(view: View) -> Details | None:
    """The targets of a regression are logarithms of the data's numbers, or shifted."""
    scale = _known_scale(view)
    if scale is None or _unit_of(scale):
        return None
    made = "the logarithm of the price" if scale.shift is not None else "shifted and scaled prices"
    return about(Figure.FEATURES, scale=made)


def target_unit(view: View) -> Details | None:
    """The targets of a regression are the data's numbers in a larger unit."""
    scale, unit = _known_scale(view), view.unit
    size = _unit_of(scale) if scale else 0.0
    if size < 2:
        return None
    half, root = unit.value(0.5 * size), unit.value(math.sqrt(0.5) * size)
    return about(Figure.FEATURES, unit=unit.value(size), own=unit.in_words, half=half, root=root)


def _known_scale(view: View) -> TargetScale | None:
    """Return the scale of a regression's targets if it was found row by row, and not from the targets' distribution
    alone."""
    tracing = view.report.tracing
    if tracing is None or tracing.source is not FeatureSource.TRACED or tracing.has_other_labels:
        return None
    return tracing.target if tracing.target and tracing.target.factor else None


def _unit_of(scale: TargetScale) -> float:
    """Return the unit of targets that are the data's numbers in another unit, or in the same; 0 for other targets."""
    is_plain = scale.shift is None and abs(scale.offset) <= NO_SHIFT and scale.factor > 0
    return 1 / scale.factor if is_plain else 0.0


# -- randomness ------------------------------------------------------------------------------------------


def spread(view: View) -> Details | None:
    """The network was retrained for several seeds, and its scores differ by more than the split."""
    c = view.report.comparison
    if c is None or len(c.scores) < 2 or view.is_constant:
        return None
    scores, write = [score.score for score in c.scores], find(c.metric, c.unit).unit.value
    low, high = write(min(scores)), write(max(scores))
    return about(Figure.SCORES, seeds=len(scores), low=low, high=high) if low != high else None


def seeds_set(view: View) -> Details | None:
    """The student's own code sets seeds."""
    match = view.find(r"\b(set_random_seed|set_seed|random\.seed)\s*\(")
    if match is None:
        return None
    return about(match.cell, code=match.code, fixed=_fixed_by(match.code))


def _fixed_by(code: str) -> str:
    """Return a sentence on what code that sets seeds fixes: one of Keras's calls sets those of all libraries."""
    seeded = [library for library, call in SEEDED.items() if re.search(call, code)]
    if not seeded or len(seeded) == len(SEEDED):
        return "The random draws of Python, NumPy and TensorFlow: first weights, shuffling, splits."
    return f"The random draws of {' and '.join(seeded)} alone: what another library draws has a seed of its own."


def no_seeds(view: View) -> Details | None:
    """The student's own code sets no seeds, and the first weights matter."""
    if view.report.answer is None or seeds_set(view) or view.is_constant:
        return None
    return about(view.trained, metric=view.metric.name)


# -- tools -----------------------------------------------------------------------------------------------


def tensorboard(view: View) -> Details | None:
    """TensorBoard is used."""
    match = view.find(r"\bTensorBoard\s*\(")
    return about(match.cell) if match else None


def no_tensorboard(view: View) -> Details | None:
    """TensorBoard is not used."""
    return about(view.trained) if view.report.answer and not tensorboard(view) else None


def sessions(view: View) -> Details | None:
    """The code builds a graph and runs it in a session."""
    if not view.find(r"\b(Session|InteractiveSession)\s*\("):
        return None
    match = view.find(r"\btf\.(layers\.dense|matmul|nn\.\w+|reduce_mean)\s*\(|\bplaceholder\s*\(")
    return about(match.cell, code=match.code) if match else None


def tape(view: View) -> Details | None:
    """The code takes gradients from a tape."""
    match = view.find(r"\bGradientTape\s*\(")
    return about(match.cell) if match else None


def own_loop(view: View) -> Details | None:
    """The student's own loop trains the answer batch by batch."""
    match = view.find(r"\btrain_on_batch\s*\(")
    return about(match.cell, how="train_on_batch") if match else None


def none_in_summary(view: View) -> Details | None:
    """The student's own code prints a summary."""
    match = view.find(r"\.summary\s*\(")
    return about(match.cell) if match else None


def tuner(view: View) -> Details | None:
    """The code searches for hyperparameters."""
    match = view.find(
        r"\b(RandomSearch|GridSearch|Hyperband|BayesianOptimization|GridSearchCV|RandomizedSearchCV)\s*\("
    )
    return about(match.cell, metric=view.metric.name) if match else None


def checkpoint(view: View) -> Details | None:
    """The code restores weights."""
    match = view.find(r"\b(load_weights|load_model)\s*\(")
    return about(match.cell, code=match.code) if match else None
