"""A call to ``fit`` as plain data, and the rule by which two calls are one stretch of training."""

import contextlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from pydantic import JsonValue

from checker.guest.plain import plaindata
from checker.guest.plain.plaindata import UnrebuildableError
from checker.guest.watch import fed
from checker.guest.watch.fed import Data
from checker.keras_spec import allow_list
from checker.records.arrays import Array
from checker.records.capture import Fit
from checker.records.job import MAX_EPOCHS
from checker.records.network import Development, KerasObject, Labels, Phase

HARMLESS = frozenset(
    "History TensorBoard ModelCheckpoint CSVLogger ProgbarLogger TerminateOnNaN BackupAndRestore".split()
)
MAX_CLASSES = 100
FALLEN = 0.8
"""A loss below this share of the first loss has fallen, by more than random layers explain."""
STILL = "its loss fell while its weights stayed what they were, so something else than its steps changed them"
REBUILT = frozenset({"EarlyStopping", "ReduceLROnPlateau", "LearningRateScheduler"})


class Seen(Protocol):
    """A training as observed at its epochs: the number of epochs and steps; whether a cap ended it; each epoch's
    learning rate at its start, and the hash of the weights at its end."""

    epochs: int
    steps: int
    is_capped: bool
    rates: list[float]
    weights: list[bytes]


def fit_data(given: Mapping[str, Any], names: Sequence[str]) -> tuple[Data, Data | None, Development]:
    """Return a fit's training data, its development data, and the kind of the latter; ``names`` are the model's
    inputs."""
    data = fed.note(given.get("x"), given.get("y"), names, batches_of(given))
    watched = given.get("validation_data")
    if watched is not None:
        pair = watched if isinstance(watched, tuple | list) else (watched, None)
        steps = given.get("validation_steps")
        return data, fed.note(pair[0], pair[1] if len(pair) > 1 else None, names, steps), Development.DATA
    share = float(given.get("validation_split") or 0.0)
    if not share or len(data.arrays) != 2:
        return data, None, Development.SPLIT if share else Development.NONE
    at = int(len(data.arrays[0]) * (1.0 - share))
    return data.part(slice(at)), data.part(slice(at, None)), Development.SPLIT


def epochs_of(given: Mapping[str, Any]) -> int:
    """Return how many epochs a call of ``fit`` asks for."""
    return int(given.get("epochs") or 1) - int(given.get("initial_epoch") or 0)


def batches_of(given: Mapping[str, Any]) -> int | None:
    """Return how many batches to read for a fit's rows; None if the call does not set the steps of an epoch.

    If an epoch takes few batches, later epochs bring other rows, so up to ``FEW_BATCHES`` of all epochs are read.
    """
    steps = int(given.get("steps_per_epoch") or 0)
    return max(steps, min(steps * epochs_of(given), fed.FEW_BATCHES)) or None


def steps_of(taken: int, epochs: int, rows: int, batch_size: int) -> int:
    """Return how many steps an epoch took; 0 if it went through its rows once, with or without an incomplete last
    batch."""
    steps = max(1, round(taken / epochs)) if taken and epochs else 0
    return 0 if not rows or abs(steps - rows / batch_size) < 1 else steps


def callbacks_of(given: Mapping[str, Any]) -> list[Any]:
    """Return the callbacks of a fit."""
    callbacks = given.get("callbacks")
    if callbacks is None:
        return []
    listed = getattr(callbacks, "callbacks", callbacks)
    return list(listed) if isinstance(listed, list | tuple) else [listed]


def own_kind(callback: Any) -> str:
    """Return the name of a callback's class if it is Keras's own; empty for a student's class, whatever its name."""
    return type(callback).__name__ if plaindata.is_keras_own(type(callback)) else ""


def watchers(given: Mapping[str, Any], history: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
    """Return the early stopping and the plateau of a fit that will be repeated, as settings of a phase, and notes on
    others.

    Keras ignores a callback whose metric is not measured; ``history`` shows this once the fit is over. Of several
    early stoppings, the one that ended the training counts.
    """
    settings: dict[str, Any] = {}
    notes = []
    for kind, setting in (("EarlyStopping", "early_stopping"), ("ReduceLROnPlateau", "plateau")):
        callbacks = [callback for callback in callbacks_of(given) if own_kind(callback) == kind]
        working = [callback for callback in callbacks if not history or str(callback.monitor) in history]
        working.sort(key=lambda callback: not getattr(callback, "stopped_epoch", 0))
        idle = [callback for callback in callbacks if callback not in working]
        notes += [f"{kind} watched {str(c.monitor)[:100]}, which was not measured, so it did nothing" for c in idle]
        notes += [
            f"a further {kind} that watched {str(c.monitor)[:100]} is not part of the retraining" for c in working[1:]
        ]
        settings[setting] = watcher(working[0], int(given.get("initial_epoch") or 0)) if working else None
    return settings, notes


def watcher(callback: Any, first: int = 0) -> KerasObject:
    """Return an EarlyStopping or ReduceLROnPlateau as plain data; Keras keeps its settings as attributes only.

    Epochs are counted from 0, even if the student's count starts from ``first``.
    """
    keys = allow_list.CALLBACKS[type(callback).__name__].split()
    config = {key: getattr(callback, key) for key in keys if hasattr(callback, key)}
    config["min_delta"] = abs(float(config.get("min_delta") or 0.0))
    if first and config.get("start_from_epoch"):
        config["start_from_epoch"] = max(0, int(config["start_from_epoch"]) - first)
    return plaindata.describe(callback, allow_list.CALLBACKS, config)


def left_out(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a note on each callback that the retraining will leave out."""
    others = (c for c in callbacks_of(given) if own_kind(c) not in HARMLESS | REBUILT)
    kinds = sorted({type(callback).__name__ for callback in others})
    return tuple(f"the callback {kind[:100]} is not part of the retraining" for kind in kinds)


def precision(model: Any) -> list[str]:
    """Return a note if a model's layers do not compute in 32-bit numbers, as every rebuilt model does."""
    policies = (getattr(layer, "dtype_policy", None) for layer in model.layers)
    others = sorted({str(policy.name)[:40] for policy in policies if policy is not None} - {"float32"})
    return [f"it was trained in {' and '.join(others)}, and is trained again in float32"] if others else []


def class_weight(weights: Any) -> dict[str, float]:
    """Return class weights by class number."""
    try:
        return {str(int(label)): float(weight) for label, weight in dict(weights or {}).items()}
    except (TypeError, ValueError):
        raise UnrebuildableError("the class weights are not a number for each class") from None


def weights_of(given: Mapping[str, Any], data: Data) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the class weights that combine a fit's class weights and sample weights, and notes on weights that are
    ignored.

    Raises UnrebuildableError if most rows have weight 0.
    """
    weights, passed_over = class_weight(given.get("class_weight")), ("sample weights are not part of the retraining",)
    spec = getattr(given.get("x"), "element_spec", ())
    if given.get("sample_weight") is None:
        return weights, passed_over if isinstance(spec, tuple) and len(spec) == 3 else ()
    array = fed.as_array(given["sample_weight"])
    if array is None or len(array) < data.fed.rows or array.size != len(array):
        return weights, passed_over
    each = array.reshape(-1)[: data.fed.rows or None].astype(np.float64)
    if np.mean(each == 0) > 0.5:
        raise UnrebuildableError("most rows had a sample weight of 0, so it was not trained on them")
    classes = _classes(data)
    if classes is None:
        return weights, () if (each == 1).all() else passed_over
    by_class = {int(label): np.unique(each[classes == label]) for label in np.unique(classes)}
    if any(len(values) > 1 for values in by_class.values()):
        return weights, passed_over
    together = {str(label): float(one[0]) * weights.get(str(label), 1.0) for label, one in by_class.items()}
    return {} if set(together.values()) == {1.0} else together, ()


def _classes(data: Data) -> Array | None:
    """Return each row's class number; None if the labels are no classes."""
    if len(data.arrays) != 2 or not data.arrays[1].size:
        return None
    y = data.arrays[1]
    if label_form(data) is Labels.ONE_HOT:
        return np.asarray(y.argmax(axis=1))
    flat = y.reshape(-1)
    is_class = len(flat) == len(y) and bool(((flat >= 0) & (flat < MAX_CLASSES) & (flat == np.floor(flat))).all())
    return flat.astype(np.int64) if is_class else None


def label_form(data: Data) -> Labels:
    """Return the form of the labels: one-hot rows, or else class numbers."""
    y = data.fed.y
    return Labels.ONE_HOT if y is not None and len(y.shape) == 2 and y.shape[1] > 1 else Labels.INTEGERS


def rates(phase: Phase, given: Mapping[str, Any], seen: Sequence[float]) -> tuple[float, ...]:
    """Return the learning rate of each epoch if the student's own code set it; else an empty tuple.

    A schedule and a ``ReduceLROnPlateau`` are repeated by themselves.
    """
    rate = _plain_rate(phase)
    is_scheduled = any(own_kind(callback) == "LearningRateScheduler" for callback in callbacks_of(given))
    if rate is None or not seen or (phase.plateau is not None and not is_scheduled):
        return ()
    return () if all(math.isclose(one, rate, rel_tol=1e-6) for one in seen) else tuple(seen[:MAX_EPOCHS])


def _plain_rate(phase: Phase) -> float | None:
    rate = phase.optimizer.config.get("learning_rate")
    return float(rate) if isinstance(rate, int | float) else None


def ended(fit: Fit, given: Mapping[str, Any], seen: Seen, noted: Mapping[str, tuple[float | None, ...]]) -> Fit:
    """Return a finished fit with its actual epochs, steps and rates in place of those asked for."""
    done = replace(fit, epochs_done=seen.epochs, steps_done=seen.steps, finished=True, history=noted)
    if fit.phase is None:
        return done
    settings, notes = watchers(given, noted)
    phase = replace(fit.phase, **settings)
    phase = replace(
        phase,
        rates=rates(phase, given, seen.rates),
        steps=steps_of(seen.steps, seen.epochs, fit.training.rows, phase.batch_size),
    )
    if phase.rates and left_out(given):
        notes.append("the learning rates of its epochs are repeated as they were")
    done = replace(done, phase=phase, notes=(*fit.notes, *notes))
    if stands_still(seen.weights, noted.get("loss", ())):
        return replace(done, phase=None, unrebuildable=STILL)
    return done if seen.is_capped else as_ended(done, given, seen.epochs)


def stands_still(weights: Sequence[bytes], losses: Sequence[float | None]) -> bool:
    """Tell whether the reported loss fell while the weights, by their hashes after each epoch, mostly did not
    change."""
    stayed = sum(one == other and one != b"" for one, other in itertools.pairwise(weights))
    known = [loss for loss in losses if loss is not None and loss >= 0]
    return 2 * stayed > len(weights) > 2 and len(known) == len(losses) > 1 and min(known) < FALLEN * known[0]


def as_ended(fit: Fit, given: Mapping[str, Any], done: int) -> Fit:
    """Return a fit with the number of epochs that it went through, if the student's own code ended it.

    A fit that Keras's own early stopping ended keeps the number asked for, because the early stopping is repeated.
    """
    asked = epochs_of(given)
    stopped = any(own_kind(callback) == "EarlyStopping" and callback.stopped_epoch for callback in callbacks_of(given))
    if fit.phase is None or stopped or not 0 < done < asked:
        return fit
    note = f"it was ended after {done:,} of {asked:,} epochs, which is how long it is trained again"
    return replace(fit, phase=replace(fit.phase, epochs=done), notes=(*fit.notes, note))


def best_epochs(given: Mapping[str, Any], noted: Mapping[str, tuple[float | None, ...]]) -> dict[int, KerasObject]:
    """Return, by epoch from 1, each ``ModelCheckpoint`` with ``save_best_only`` that saved this epoch last, as plain
    data."""
    found: dict[int, KerasObject] = {}
    for callback in callbacks_of(given):
        values = noted.get(str(getattr(callback, "monitor", "")))
        if own_kind(callback) != "ModelCheckpoint" or not callback.save_best_only or not values:
            continue
        is_more = "greater" in str(getattr(callback.monitor_op, "__name__", ""))
        worst = -math.inf if is_more else math.inf
        plain = [worst if value is None or math.isnan(value) else value for value in values]
        best = plain.index((max if is_more else min)(plain)) + 1
        config: dict[str, JsonValue] = {"monitor": str(callback.monitor)[:100], "mode": "max" if is_more else "min"}
        found.setdefault(best, KerasObject("ModelCheckpoint", config))
    return found


def back_at(fit: Fit, epochs: int, best: KerasObject | None) -> Fit:
    """Return a fit whose weights after ``epochs`` epochs the student restored, as the ``best`` or for another
    reason."""
    if fit.phase is None or (best is None and epochs >= fit.epochs_done):
        return fit
    if best is not None:
        return replace(fit, phase=replace(fit.phase, checkpoint=best))
    note = (
        f"its weights are those after {epochs:,} of {fit.epochs_done:,} epochs, which is how long it is trained again"
    )
    return replace(fit, phase=replace(fit.phase, epochs=epochs, early_stopping=None), notes=(*fit.notes, note))


def history(history: Any) -> dict[str, tuple[float | None, ...]]:
    """Return the numbers in the result of ``fit``."""
    kept: dict[str, tuple[float | None, ...]] = {}
    for name, values in list(getattr(history, "history", {}).items())[:20]:
        with contextlib.suppress(TypeError, ValueError):
            kept[str(name)[:100]] = tuple(float(value) for value in values[:MAX_EPOCHS])
    return kept


def loss_of_batch(result: Any) -> float:
    """Return the loss in the result of ``train_on_batch``; NaN if there is none."""
    first: Any = result.get("loss") if isinstance(result, Mapping) else result
    with contextlib.suppress(TypeError, ValueError, IndexError):
        return float(first[0] if isinstance(first, list | tuple) else first)
    return math.nan


def history_of_batches(losses: Sequence[float], epochs: int) -> dict[str, tuple[float | None, ...]]:
    """Return the mean loss of each epoch of a batch-by-batch training, as ``fit`` would report it; empty if any batch's
    loss is unknown."""
    if not losses or epochs > min(len(losses), MAX_EPOCHS) or not np.isfinite(losses).all():
        return {}
    return {"loss": tuple(float(part.mean()) for part in np.array_split(np.asarray(losses, np.float64), epochs))}


def merge_last(fits: list[Fit]) -> None:
    """Join the last two stretches if the second only continues the first."""
    if len(fits) < 2:
        return
    first, second = fits[-2:]
    if first.phase is None or second.phase is None or second.phase.recompiled:
        return
    same = _settings(first.phase) == _settings(second.phase)
    if same and first.training == second.training and first.validation == second.validation:
        phase = _phases_joined(first.phase, second.phase)
        fits[-2:] = [_joined(first, second, phase)] if phase is not None else [first, second]


def _settings(phase: Phase) -> Phase:
    """Return the settings that two phases must share to be one: all but the number of epochs and the learning rates."""
    plain = replace(phase, epochs=0, rates=(), recompiled=False)
    if _plain_rate(phase) is None:
        return plain
    return replace(plain, optimizer=replace(phase.optimizer, config={**phase.optimizer.config, "learning_rate": 0.0}))


def _phases_joined(first: Phase, second: Phase) -> Phase | None:
    """Return both as one phase, with learning rates by epoch if they change; None if that would be another training."""
    if second.early_stopping or first.checkpoint or second.checkpoint:
        return None
    epochs = first.epochs + second.epochs
    rate = _plain_rate(second)
    if not first.rates and not second.rates and rate == _plain_rate(first):
        return replace(first, epochs=epochs)
    if rate is None or first.plateau is not None or epochs > MAX_EPOCHS:
        return None
    return replace(first, epochs=epochs, rates=(*_by_epoch(first), *_by_epoch(second)))


def _by_epoch(phase: Phase) -> list[float]:
    rates = phase.rates or (_plain_rate(phase) or 0.0,)
    return [rates[min(epoch, len(rates) - 1)] for epoch in range(phase.epochs)]


def _joined(first: Fit, second: Fit, phase: Phase) -> Fit:
    return replace(
        second,
        phase=phase,
        notes=tuple(dict.fromkeys((*first.notes, *second.notes))),
        epochs_asked=first.epochs_asked + second.epochs_asked,
        epochs_done=first.epochs_done + second.epochs_done,
        steps_done=first.steps_done + second.steps_done,
        calls=first.calls + second.calls,
        history={k: (first.history.get(k, ()) + v)[:MAX_EPOCHS] for k, v in second.history.items()},
    )
