"""Speed-ups of a student's own ``fit`` that leave its results bit-identical.

Theory of operation: nearly all the time of ``fit`` on a small network is Python between two steps. Keras can take
several steps before it returns to Python (``steps_per_execution``), with the same numbers in the same order
(``tests/guest/test_executions.py`` shows it). A callback that works at each step would then run once an epoch. So this
is done only if none of the student's code runs at a step: no callbacks except Keras's own that work by the epoch, no
custom training step, no eager training. Random layers of legacy Keras also rule it out, because their numbers depend on
how the step was traced.

TensorFlow tunes a data set's parallelism and buffers while it is read, in an autotune thread that sleeps for 10 ms,
then 20, then 40 and so on. ``fit`` drops the iterator after each epoch. Dropping it wakes the thread before the stop
flag is set. On an idle core the thread checks too early and sleeps another full period, about as long as an epoch. A
single thread leaves nothing to tune, so data sets are read untuned.
"""

import contextlib
import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from checker.guest.plain import generation
from checker.guest.plain.hooks import Hooks
from checker.guest.watch import fed, fit_calls

WORTH_IT = 1_000
"""Steps of one call of ``fit`` below which tracing anew costs more than it saves."""
BY_THE_EPOCH = frozenset("History CSVLogger EarlyStopping ReduceLROnPlateau LearningRateScheduler".split())
EPOCH_IF = {"TensorBoard": "update_freq", "ModelCheckpoint": "save_freq", "BackupAndRestore": "save_freq"}
"""Callbacks that work by the epoch if this attribute is ``"epoch"``."""
DRAWING = ("Dropout", "Noise", "Random")
FUNCTIONS = ("train_function", "test_function", "predict_function")


def stop_tuning(hooks: Hooks, tf: Any) -> None:
    """Switch autotune off for every data set that is read from now on."""
    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    original = tf.data.Dataset.__iter__

    @functools.wraps(original)
    def read(dataset: Any) -> Any:
        return original(dataset.with_options(untuned) if tf.executing_eagerly() else dataset)

    hooks.replace(tf.data.Dataset, "__iter__", read)


@contextlib.contextmanager
def whole_epochs(tf: Any, keras: Any, model: Any, given: Mapping[str, Any]) -> Iterator[None]:
    """Train with one execution an epoch if nothing forbids it, and restore the model's setting afterwards."""
    steps = steps_an_epoch(given)
    epochs = int(given.get("epochs") or 1) - int(given.get("initial_epoch") or 0)
    if steps < 2 or steps * epochs < WORTH_IT or not _may(tf, keras, model, given):
        yield
        return
    model.steps_per_execution = steps
    _forget_functions(model)
    try:
        yield
    finally:
        model.steps_per_execution = 1
        _forget_functions(model)


def steps_an_epoch(given: Mapping[str, Any]) -> int:
    """Return how many steps an epoch of this call takes; 0 if it is unclear."""
    x: Any = given.get("x")
    watched = given.get("validation_data")
    pair = watched if isinstance(watched, tuple | list) else (watched,)
    if given.get("steps_per_epoch") or given.get("validation_steps") or not (watched is None or _has_end(pair[0])):
        return 0
    if not _has_end(x):
        return 0
    if hasattr(x, "element_spec"):
        return int(x.cardinality())
    rows = fed.length(x) * (1.0 - float(given.get("validation_split") or 0.0))
    return math.ceil(int(rows) / int(given.get("batch_size") or 32))


def _has_end(x: Any) -> bool:
    """Tell whether this is an array, or a data set of known length."""
    if hasattr(x, "element_spec"):
        return int(x.cardinality()) > 0
    return not fed.is_in_batches(x) and not hasattr(x, "__next__") and fed.length(x) > 0


def _may(tf: Any, keras: Any, model: Any, given: Mapping[str, Any]) -> bool:
    if not tf.executing_eagerly() or tf.config.functions_run_eagerly() or getattr(model, "run_eagerly", True):
        return False
    if generation.is_legacy(keras) and any(word in kind for kind in _layer_kinds(model) for word in DRAWING):
        return False
    own = ("train_step", "test_step", "make_train_function", "make_test_function")
    if any(getattr(type(model), name) is not getattr(keras.Model, name) for name in own):
        return False
    so_far = model.steps_per_execution
    callbacks = fit_calls.callbacks_of(given)
    return (so_far is None or int(so_far) == 1) and all(_by_the_epoch(one, keras) for one in callbacks)


def _layer_kinds(model: Any) -> set[str]:
    return {type(layer).__name__ for layer in model._flatten_layers()}


def _by_the_epoch(callback: Any, keras: Any) -> bool:
    name = type(callback).__name__
    if type(callback) is not getattr(keras.callbacks, name, None):
        return False
    return name in BY_THE_EPOCH or (name in EPOCH_IF and getattr(callback, EPOCH_IF[name], None) == "epoch")


def _forget_functions(model: Any) -> None:
    """Make Keras trace its functions anew: each keeps the number of steps with which it was traced."""
    for name in FUNCTIONS:
        setattr(model, name, None)
