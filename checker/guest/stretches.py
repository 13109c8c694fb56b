"""What a call to ``fit`` asks for, as plain data, and when two calls are one stretch of training."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from checker import vocabulary
from checker.guest import fed, plaindata
from checker.guest.fed import Data
from checker.guest.plaindata import UnrebuildableError
from checker.records import Development, Fit, KerasObject, Labels

HARMLESS = frozenset(
    "History TensorBoard ModelCheckpoint CSVLogger ProgbarLogger TerminateOnNaN BackupAndRestore".split()
)
REBUILT = frozenset({"EarlyStopping", "ReduceLROnPlateau", "LearningRateScheduler"})


def fit_data(given: Mapping[str, Any], names: Sequence[str]) -> tuple[Data, Data | None, Development]:
    """Return what a fit trains on, what it watches, and how; ``names`` are those of the model's inputs."""
    data = fed.note(given.get("x"), given.get("y"), names, given.get("steps_per_epoch"))
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


def epochs_of(given: Mapping[str, Any], data: Data) -> int:
    """Return how many times a fit goes through its rows; a generator's epoch may be shorter or longer than that."""
    epochs = max(1, _epochs_asked(given))
    steps = given.get("steps_per_epoch")
    if not steps or not data.batch or not data.fed.rows:
        return epochs
    return max(1, round(epochs * int(steps) * data.batch / data.fed.rows))


def _epochs_asked(given: Mapping[str, Any]) -> int:
    return int(given.get("epochs") or 1) - int(given.get("initial_epoch") or 0)


def callbacks_of(given: Mapping[str, Any]) -> list[Any]:
    """Return the callbacks that a fit was given."""
    callbacks = given.get("callbacks")
    if callbacks is None:
        return []
    listed = getattr(callbacks, "callbacks", callbacks)
    return list(listed) if isinstance(listed, list | tuple) else [listed]


def watcher(callback: Any) -> KerasObject:
    """Return an EarlyStopping or ReduceLROnPlateau as plain data; Keras keeps its settings as attributes only."""
    keys = vocabulary.CALLBACKS[type(callback).__name__].split()
    config = {key: getattr(callback, key) for key in keys if hasattr(callback, key)}
    config["min_delta"] = abs(float(config.get("min_delta") or 0.0))
    return plaindata.describe(callback, vocabulary.CALLBACKS, config)


def left_out(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the retraining will leave out."""
    kinds = sorted({type(c).__name__ for c in callbacks_of(given)} - HARMLESS - REBUILT)
    left_out = [f"the callback {kind}" for kind in kinds]
    if given.get("sample_weight") is not None:
        left_out.append("sample weights")
    return tuple(f"{what[:100]} is not part of the retraining" for what in left_out)


def class_weight(weights: Any) -> dict[str, float]:
    """Return class weights by class number."""
    try:
        return {str(int(label)): float(weight) for label, weight in dict(weights or {}).items()}
    except (TypeError, ValueError):
        raise UnrebuildableError("the class weights are not a number for each class") from None


def label_form(data: Data) -> Labels:
    """Tell class numbers from one-hot rows."""
    y = data.fed.y
    return Labels.ONE_HOT if y is not None and len(y.shape) == 2 and y.shape[1] > 1 else Labels.INTEGERS


def rates(given: Mapping[str, Any], history: Mapping[str, tuple[float | None, ...]]) -> tuple[float, ...]:
    """Return the learning rate in each epoch as Keras noted it, where a function of the student's own set it."""
    if not any(type(callback).__name__ == "LearningRateScheduler" for callback in callbacks_of(given)):
        return ()
    noted = history.get("learning_rate") or history.get("lr") or ()
    return tuple(rate for rate in noted if rate is not None)


def as_ended(fit: Fit, given: Mapping[str, Any], done: int) -> Fit:
    """Return a fit with the epochs that it went through where something of the student's own ended it.

    What Keras's own early stopping ended keeps the epochs that were asked for, for that is repeated.
    """
    asked = _epochs_asked(given)
    stopped = any(type(c).__name__ == "EarlyStopping" and c.stopped_epoch for c in callbacks_of(given))
    if fit.phase is None or stopped or not 0 < done < asked:
        return fit
    epochs = max(1, round(fit.phase.epochs * done / asked))
    note = f"it was ended after {done:,} of {asked:,} epochs, which is how long it is trained again"
    return replace(fit, phase=replace(fit.phase, epochs=epochs), notes=(*fit.notes, note))


def history(history: Any) -> dict[str, tuple[float | None, ...]]:
    """Return the numbers in what ``fit`` returned."""
    kept: dict[str, tuple[float | None, ...]] = {}
    for name, values in list(getattr(history, "history", {}).items())[:20]:
        with contextlib.suppress(TypeError, ValueError):
            kept[str(name)[:100]] = tuple(float(value) for value in values[:5_000])
    return kept


def merge_last(fits: list[Fit]) -> None:
    """Make one stretch of the last two, where the second only goes on with the first."""
    if len(fits) < 2:
        return
    first, second = fits[-2:]
    if first.phase is None or second.phase is None or second.phase.recompiled or second.phase.early_stopping:
        return
    same = replace(first.phase, epochs=0, recompiled=False) == replace(second.phase, epochs=0)
    if same and first.training == second.training and first.validation == second.validation:
        fits[-2:] = [_joined(first, second)]


def _joined(first: Fit, second: Fit) -> Fit:
    assert first.phase is not None and second.phase is not None
    return replace(
        second,
        phase=replace(first.phase, epochs=first.phase.epochs + second.phase.epochs),
        epochs_asked=first.epochs_asked + second.epochs_asked,
        epochs_done=first.epochs_done + second.epochs_done,
        steps_done=first.steps_done + second.steps_done,
        calls=first.calls + second.calls,
        history={k: (first.history.get(k, ()) + v)[:5_000] for k, v in second.history.items()},
    )
