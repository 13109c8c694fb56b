"""Questions about the answer's training: its loss, its optimizer, and the findings of the retrainings."""

import math
import re
from collections.abc import Sequence
from itertools import dropwhile, pairwise
from statistics import fmean

from checker.formats.text import counted
from checker.judge.questions.view import Details, View, about, as_written, short
from checker.keras_spec import watched
from checker.records.network import KerasObject, Phase
from checker.records.report import CauseKind, Figure, Symptom
from checker.records.verdicts import Verdict
from checker.scoring.metrics import find

FEW_EPOCHS = 3
CLEARLY = 0.02
"""A loss that falls by this share falls clearly."""
JUMP, JUMPS = 0.1, 2
"""A loss does not settle if it rises this many times by this share in an epoch, and then falls as often."""
ENTROPIES = ("SparseCategoricalCrossentropy", "CategoricalCrossentropy")
OF_NETWORK = (
    "what in it is learnt",
    "Walks through it with the shapes (rows × columns), and names the variables that gradients change. Shows that it "
    "reads no file, no label and no ready-made weights. Could it have been written with Keras's own layers?",
)
OF_LOSS = (
    "when is it zero",
    "Walks through it with the shapes (rows × columns). Shows that it reads nothing but the labels and outputs that it "
    "is given, and holds no weights. Would one of Keras's own losses have done?",
)
"""What to ask besides about own code in a network, or about an own loss, and a good answer."""
BOUNDED = frozenset({"Adam", "AdamW", "Adamax", "Nadam"})
"""Optimizers whose steps are about as large as the learning rate at most."""

IN_WORDS = {
    "MeanSquaredError": "the mean squared error",
    "MeanAbsoluteError": "the mean absolute error",
    "Huber": "the Huber loss",
    "LogCosh": "the logarithm of the hyperbolic cosine",
}


# -- what went wrong -------------------------------------------------------------------------------------


def replayed_code(view: View) -> Details | None:
    """The network could not be rebuilt, and its own code trained it again."""
    why = view.report.replayed.rstrip(".")
    if not why:
        return None
    named = re.search(r"`(\w+)`", why)
    place = view.find(rf"\b(?:class|def)\s+{named[1]}\b") or view.find(rf"\b{named[1]}\b") if named else None
    name = f"`{short(named[1])}`" if named else "your own code here"
    part = f"your {name} layer" if name == "`Lambda`" else name
    learnt, good = OF_LOSS if why.startswith("the loss") else OF_NETWORK
    return about(place.cell if place else view.trained, part=part, learnt=learnt, good=good)


def not_repeatable(view: View) -> Details | None:
    """The retraining does not agree with the student's own training, on the same labels."""
    agreed = view.report.agreed
    if agreed is None or not agreed.differs or agreed.impossible or view.report.replayed or view.has_other_labels:
        return None
    ask = (
        "Trained again, your network gives other results than in your file. What in your training is more than its "
        "calls of `fit`, and does it come out alike a second time"
    )
    if named := re.search(r"the callback (\w+)", agreed.cause):
        ask = f"What does `{short(named[1])}` do in each epoch, and what would your score be without it"
    return about(view.trained, ask=ask, cause=agreed.cause or "Looks for what else changes weights, loss or rows.")


def cut_training(view: View) -> Details | None:
    """The training was cut short by the limit on steps."""
    cause = view.report.cause
    is_of_file = bool(view.report.failures) or (cause is not None and cause.kind is CauseKind.FILE_CUT)
    return about(view.trained) if view.report.cut_short and not is_of_file else None


# -- the loss --------------------------------------------------------------------------------------------


def _loss(view: View) -> str:
    return view.phase.loss.class_name if view.phase else ""


def _in_words(view: View) -> str:
    return IN_WORDS.get(_loss(view), _loss(view))


def cross_entropy(view: View) -> Details | None:
    """The loss is a cross-entropy over classes."""
    return about(view.trained) if view.classes and _loss(view) in ENTROPIES else None


def first_loss(view: View) -> Details | None:
    """The loss after the first epoch is below that of random guesses."""
    losses, phase = view.losses("loss"), view.phases[0] if view.phases else None
    if not losses or phase is None or not view.classes or not view.rows or phase.class_weight:
        return None
    chance = math.log(view.classes)
    if phase.loss.class_name not in ENTROPIES or losses[0] > chance:
        return None
    steps = phase.steps_an_epoch(view.rows)
    return about(Figure.CURVES, classes=view.classes, chance=f"{chance:.2f}", first=f"{losses[0]:.2f}", steps=steps)


def sparse(view: View) -> Details | None:
    """The loss is the sparse cross-entropy."""
    return about(view.trained) if view.classes and _loss(view) == ENTROPIES[0] else None


def binary_cross_entropy(view: View) -> Details | None:
    """The loss is the binary cross-entropy, with several classes."""
    if view.classes < 3 or _loss(view) != "BinaryCrossentropy":
        return None
    others = view.classes - 1
    return about(view.trained, classes=view.classes, others=others, share=f"{others / view.classes:.0%}")


def squared_error_of_classes(view: View) -> Details | None:
    """The loss of a classification is the mean squared error."""
    return about(view.trained, loss=_in_words(view)) if view.classes and _loss(view) == "MeanSquaredError" else None


def squared_error(view: View) -> Details | None:
    """The loss of a regression is made for numbers."""
    if view.classes or _loss(view) not in IN_WORDS:
        return None
    squares = (
        "Squared, the one counts for 400 of the others, so four times as much as the hundred together; with absolute "
        "errors the hundred count five times as much. A few odd houses pull a squared loss."
    )
    gentler = (
        "Absolute, it counts for 20 of the others, so the hundred count five times as much; squared, it would count "
        "four times as much as the hundred together. Says what that means for odd houses."
    )
    return about(view.trained, loss=_in_words(view), good=squares if "Squared" in _loss(view) else gentler)


def cross_entropy_of_numbers(view: View) -> Details | None:
    """The loss of a regression is made for classes."""
    if view.classes or "entropy" not in _loss(view).lower():
        return None
    ask = "What does a cross-entropy measure, and why is a price no such thing"
    good = "How well a probability distribution hits a class. A price is an amount: what counts is how far off it is."
    if _loss(view) == "BinaryCrossentropy":
        ask = "What does it take a target of 0.7 for, and which value does it have when the prediction is exactly right"
        good = (
            "For the probability of a class. The value is not zero then: -0.7 ln 0.7 - 0.3 ln 0.3 = 0.61. It says "
            "nothing in dollars, and targets beyond 0 and 1 make no sense to it."
        )
    return about(view.trained, loss=_loss(view), ask=ask, good=good)


def class_weights(view: View) -> Details | None:
    """Classes are weighted."""
    return about(view.trained) if view.classes and view.phase and view.phase.class_weight else None


def loss_or_accuracy(view: View) -> Details | None:
    """A classification was trained with a cross-entropy."""
    return cross_entropy(view)


# -- the optimizer ---------------------------------------------------------------------------------------


def _said(view: View, *symptoms: Symptom) -> str:
    """Return the first observation with one of these symptoms; "" if there is none."""
    return next((seen.sentence for seen in view.report.observations if seen.symptom in symptoms), "")


def diverged(view: View) -> Details | None:
    """The loss rose, or became NaN."""
    sentence = _said(view, Symptom.DIVERGED)
    return about(Figure.CURVES, sentence=sentence) if sentence else None


def _rate(optimizer: KerasObject) -> float | None:
    rate = optimizer.config.get("learning_rate")
    return rate if isinstance(rate, float) and 0 < rate < math.inf else None


def learning_rate(view: View) -> Details | None:
    """The optimizer has a constant learning rate, on which the result depends."""
    rate = _rate(view.phase.optimizer) if view.phase else None
    if view.phase is None or rate is None or view.is_constant or view.has_foreign_weights:
        return None
    name, larger, smaller = view.phase.optimizer.class_name, f"{10 * rate:.3g}", f"{rate / 10:.3g}"
    return about(view.trained, optimiser=name, rate=f"{rate:.3g}", larger=larger, smaller=smaller)


def sgd(view: View) -> Details | None:
    """The optimizer is stochastic gradient descent."""
    return about(view.trained) if view.phase and view.phase.optimizer.class_name == "SGD" else None


def batches(view: View) -> Details | None:
    """Training went in batches."""
    if view.phase is None or view.phase.steps or not 0 < view.phase.batch_size < view.rows:
        return None
    batch = view.phase.batch_size
    return about(view.trained, batch=batch, rows=view.rows, steps=math.ceil(view.rows / batch))


def one_step(view: View) -> Details | None:
    """Training went in batches."""
    fits = view.report.answer.fits if view.report.answer else ()
    return about(view.trained) if fits and fits[-1].how == "fit" else None


def two_phases(view: View) -> Details | None:
    """The answer was compiled and trained more than once."""
    if sum(phase.recompiled for phase in view.phases) < 2:
        return None
    words = ", then ".join(f"{counted(p.epochs, 'epoch')} with {p.optimizer.class_name}" for p in view.phases[:4])
    return about(view.trained, phases=len(view.phases), words=words)


def changing_rate(view: View) -> Details | None:
    """The learning rate changes in the course of training."""
    if view.phase is None:
        return None
    words = _changes(view.phase)
    return about(view.trained, words=words) if words else None


def _changes(phase: Phase) -> str:
    """Return how a phase's learning rate changes; "" if it does not change."""
    if phase.plateau:
        return "it is cut when the loss no longer falls"
    if len(set(phase.rates)) > 1:
        return f"from {phase.rates[0]:.3g} to {phase.rates[-1]:.3g}"
    schedule = phase.optimizer.config.get("learning_rate")
    return f"a schedule, {schedule['class_name']}" if isinstance(schedule, dict) and "class_name" in schedule else ""


# -- over- and underfitting ------------------------------------------------------------------------------


def overfits(view: View) -> Details | None:
    """The retrainings show overfitting."""
    sentence = _said(view, Symptom.OVERFITS)
    return about(Figure.CURVES, sentence=sentence) if sentence else None


def underfits(view: View) -> Details | None:
    """The retrainings show underfitting."""
    sentence = _said(view, Symptom.UNDERFITS)
    return about(Figure.CURVES, sentence=sentence, end=_end_of_loss(view)) if sentence else None


def _end_of_loss(view: View) -> str:
    """Return a sentence on the training loss over the last fifth of the epochs; "" if there are too few."""
    losses = view.losses("loss")
    last = len(losses) // 5 or 1
    if len(losses) < 2:
        return ""
    since = f"over the last {last} epochs of {len(losses)}" if last > 1 else f"in the last epoch of {len(losses)}"
    return f"Here it went from {losses[-1 - last]:.3g} to {losses[-1]:.3g} {since}. "


def still_improving(view: View) -> Details | None:
    """The loss was still falling when training ended."""
    sentence, epochs = _said(view, Symptom.IMPROVING), max((run.epochs for run in view.report.runs), default=0)
    return about(Figure.CURVES, sentence=sentence, epochs=epochs) if sentence else None


def stopped_early(view: View) -> Details | None:
    """Training uses early stopping."""
    stopping = view.phase.early_stopping if view.phase else None
    if stopping is None:
        return None
    restores = stopping.config.get("restore_best_weights") is True
    weights = (
        "Then restore_best_weights puts those of the best epoch back."
        if restores
        else ("Without restore_best_weights those of the last epoch stay, which is not the best one.")
    )
    patience = stopping.config.get("patience", 0)
    monitor = stopping.config.get("monitor", watched.BY_DEFAULT)
    return about(view.trained, monitor=monitor, patience=patience, weights=weights)


def no_development_set(view: View) -> Details | None:
    """No development set: `fit` got no `validation_data`, or rows that it was trained on."""
    recipe = view.report.recipe
    if recipe is None or (recipe.development and not recipe.watched_itself):
        return None
    had = "only training rows to watch" if recipe.watched_itself else "no development rows"
    if view.report.verdict is Verdict.FAIL:  # the page says that it is missing, and which part to take
        return about(
            view.trained,
            ask="If your network overfitted, what would you see in the losses of training and development rows, and "
            "which epoch's weights would you take",
            good="The development loss rises while the training loss still falls; the weights of the epoch where it is "
            f"lowest. `fit` here had {had}, so its loss alone cannot show overfitting.",
        )
    what = "Your development set holds only training rows." if recipe.watched_itself else "You used no development set."
    return about(
        view.trained,
        ask=f"{what} How did you choose the number of epochs, and how would you notice overfitting",
        good="One cannot: the training loss falls anyway. A development part (validation_data or validation_split); "
        "the test part must not serve for it.",
    )


def gap(view: View) -> Details | None:
    """The score on training rows is known, and neither overfitting nor underfitting is clear."""
    c = view.report.comparison
    if c is None or c.training_mean is None or _said(view, Symptom.OVERFITS, Symptom.UNDERFITS):
        return None
    unit, distance = find(c.metric, c.unit).unit, c.training_mean - c.mean
    written = as_written(unit, c.training_mean) - as_written(unit, c.mean)
    overfits, is_good = distance > 0.03, c.reaches_bar
    good = (
        "Some overfitting: what it has learnt by heart of its training rows does not help on others."
        if overfits
        else (
            "Neither to speak of: good on both."
            if is_good
            else "Hardly overfitting; weak on both points to underfitting."
        )
    )
    return about(
        Figure.SCORES,
        training=unit.value(c.training_mean),
        held_out=unit.value(c.mean),
        gap=unit.amount(written),
        good=good,
    )


def curves(view: View) -> Details | None:
    """A development loss was recorded, and it changed."""
    losses = view.losses("val_loss")
    if len(losses) < FEW_EPOCHS or view.is_constant:
        return None
    training, best = view.losses("loss"), losses.index(min(losses))
    if _jumps(losses) and _jumps(training):
        first = " Scale the inputs first." if _is_caused_by(view, CauseKind.UNSCALED) else ""
        chance = f"the lowest point ({losses[best]:.3g}, epoch {best + 1}) is chance"
        return about(Figure.CURVES, here=f"Nowhere: neither curve settles, so {chance}.{first}")
    at = f"{losses[best]:.3g} after epoch {best + 1} of {len(losses)}"
    end = _end_of_curves(at, losses, training, best)
    return about(Figure.CURVES, here=f"Where the development loss is lowest. {end}")


def _is_caused_by(view: View, kind: CauseKind) -> bool:
    return view.report.cause is not None and view.report.cause.kind is kind


def _jumps(losses: Sequence[float]) -> bool:
    """Tell whether a loss jumps up and down from epoch to epoch."""
    steps = [after / before - 1 for before, after in pairwise(losses) if before > 0]
    from_first_rise = list(dropwhile(lambda step: step <= JUMP, steps))
    rises, falls = sum(step > JUMP for step in from_first_rise), sum(step < -JUMP for step in from_first_rise)
    return min(rises, falls) >= JUMPS


def _end_of_curves(at: str, losses: Sequence[float], training: Sequence[float], best: int) -> str:
    """Return a sentence on the development loss from its lowest value on; ``at``: that value and its epoch."""
    if best == len(losses) - 1:
        return f"Not yet here: it is lowest at the end, {at}."
    if len(training) < len(losses):
        return f"Here: {at}."
    fall = training[best] - max(training[-1], fmean(training[best + 1 :]))
    if fall > CLEARLY * abs(training[best]):
        return f"Here: {at}; afterwards only the training loss goes on falling."
    if fall > 0:
        return f"Here: {at}; afterwards the training loss hardly falls either."
    return f"Here: {at}; afterwards the training loss does not fall any more either."


def small_training(view: View) -> Details | None:
    """The answer held weights of unknown source before it was trained."""
    phase, epochs = view.phase, sum(phase.epochs for phase in view.phases)
    if phase is None or not view.has_foreign_weights or not view.rows or not epochs:
        return None
    rate, steps = _rate(phase.optimizer), sum(of.epochs * of.steps_an_epoch(view.rows) for of in view.phases)
    most = ""
    if rate is not None and len(view.phases) == 1 and phase.optimizer.class_name in BOUNDED:
        most = (
            f" With {phase.optimizer.class_name} a step moves a weight by about the learning rate at most: here "
            f"{counted(epochs, 'epoch')} × {counted(phase.steps_an_epoch(view.rows), 'batch', 'batches')} = "
            f"{counted(steps, 'step')}, × {rate:.3g} = {steps * rate:.3g} in all."
        )
    at = f" at a learning rate of {rate:.3g}" if rate is not None else ""
    return about(view.trained, epochs=counted(epochs, "epoch"), rate=at, most=most)


def few_epochs(view: View) -> Details | None:
    """Training was very short, and began with the weights' random start."""
    epochs = sum(phase.epochs for phase in view.phases)
    if not 0 < epochs <= FEW_EPOCHS or not view.rows or view.is_constant or view.has_foreign_weights:
        return None
    steps = sum(phase.epochs * phase.steps_an_epoch(view.rows) for phase in view.phases)
    return about(view.trained, epochs=counted(epochs, "epoch"), steps=steps)
