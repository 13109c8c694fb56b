"""Speed-ups of a student's own ``fit`` and ``evaluate`` that leave their results bit-identical.

Theory of operation: nearly all the time of ``fit`` on a small network is Python between two steps. If network and
training are Keras's own, on arrays, each epoch is one loop (``epochs``) that runs only what Keras puts into the graph.
This pays for the shortest training, because Keras traces its own function twice, and the loop is traced once.
Otherwise Keras can take several steps before it returns to Python (``steps_per_execution``), with the same numbers in
the same order. A callback that works at each step would then run once an epoch. So both are done only if none of the
student's code runs at a step: no callbacks except those that work by the epoch, no custom training step, no eager
training. Random layers of legacy Keras also rule both out, because their numbers depend on how often the step was
traced. ``tests/guest/test_executions.py`` shows that the digits stay.

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

from checker.guest.plain import architecture, generation, plaindata
from checker.guest.plain.hooks import Hooks
from checker.guest.watch import epochs, fed, fit_calls
from checker.guest.watch.epochs import Loops
from checker.keras_spec import allow_list

WORTH_IT = 1_000
"""Steps of one call of ``fit`` below which several in one execution save less than tracing them anew costs."""
BY_THE_EPOCH = frozenset("History CSVLogger EarlyStopping ReduceLROnPlateau LearningRateScheduler".split())
EPOCH_IF = {"TensorBoard": "update_freq", "ModelCheckpoint": "save_freq", "BackupAndRestore": "save_freq"}
"""Callbacks that work by the epoch if this attribute is ``"epoch"``."""
LAYERS = frozenset(
    "Sequential Functional InputLayer Dense Activation Dropout GaussianDropout GaussianNoise ReLU LeakyReLU PReLU ELU "
    "Softmax BatchNormalization LayerNormalization Normalization Rescaling Flatten Add Concatenate".split()
)
ACTIVATIONS = frozenset(
    "linear relu relu6 leaky_relu elu selu gelu tanh sigmoid hard_sigmoid softmax softplus softsign exponential "
    "mish".split()
)
"""Layers and activations of a network whose epoch may be one loop. Where several layers multiply, subtract or compare
the same values, TensorFlow sums up their gradients in another order inside of a loop."""
DRAWING = ("Dropout", "Noise", "Random")
MAKING = ("make_train_function", "make_test_function")
AT_A_STEP = ("compute_loss", "compute_metrics", "get_metrics_result", "reset_metrics", "evaluate")
STEP_HOOKS = [f"on_{kind}batch_{when}" for kind in ("", "train_", "test_") for when in ("begin", "end")]
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


class Pace:
    """How fast the students' networks are trained. Each keeps its traced loops, which its next ``fit`` uses again."""

    def __init__(self, tf: Any, keras: Any) -> None:
        self._tf, self._keras = tf, keras
        self._loops: dict[Any, Loops] = {}

    @contextlib.contextmanager
    def whole_epochs(self, model: Any, given: Mapping[str, Any]) -> Iterator[None]:
        """Train an epoch at a time if nothing forbids it, and leave the model as it was."""
        tf, keras, steps = self._tf, self._keras, steps_an_epoch(given)
        total = steps * (int(given.get("epochs") or 1) - int(given.get("initial_epoch") or 0))
        if steps < 1 or not may_skip_python(tf, keras, model):
            yield
        elif may_loop(tf, keras, model, given):
            with self._loops_of(model).in_use():
                yield
        elif (
            steps > 1 and total >= WORTH_IT and all(_by_the_epoch(one, keras) for one in fit_calls.callbacks_of(given))
        ):
            with one_execution(model, steps):
                yield
        else:
            yield

    @contextlib.contextmanager
    def whole_pass(self, model: Any, given: Mapping[str, Any]) -> Iterator[None]:
        """Evaluate in one loop a model that was trained in loops, if nothing forbids it."""
        tf, keras, asked = self._tf, self._keras, {**given, "steps_per_epoch": given.get("steps"), "shuffle": False}
        may_skip = self._has_loops(model) and steps_an_epoch(asked) > 0 and may_skip_python(tf, keras, model)
        if may_skip and may_loop(tf, keras, model, asked):
            with self._loops[model].in_use():
                yield
        else:
            yield

    def _has_loops(self, model: Any) -> bool:
        return model in self._loops and self._loops[model].compiled is epochs.compilation(model)

    def _loops_of(self, model: Any) -> Loops:
        if not self._has_loops(model):
            self._loops[model] = Loops(self._tf, self._keras, model)
        return self._loops[model]


@contextlib.contextmanager
def one_execution(model: Any, steps: int) -> Iterator[None]:
    """Let Keras take ``steps`` steps in one execution. Traced functions keep their number of steps, so Keras makes new
    ones meanwhile."""
    before = {name: getattr(model, name) for name in FUNCTIONS}
    _set(model, dict.fromkeys(FUNCTIONS), steps)
    try:
        yield
    finally:
        _set(model, before, 1)


def _set(model: Any, functions: Mapping[str, Any], steps: int) -> None:
    model.steps_per_execution = steps
    for name, function in functions.items():
        setattr(model, name, function)


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


def may_skip_python(tf: Any, keras: Any, model: Any) -> bool:
    """Tell whether a model's steps need nothing but what is traced once, in Keras's own way."""
    so_far = model.steps_per_execution
    is_legacy, swish = generation.is_legacy(keras), (keras.activations.swish, tf.nn.swish)  # fused unless in a loop
    return (
        tf.executing_eagerly()
        and not tf.config.functions_run_eagerly()
        and not getattr(model, "run_eagerly", True)
        and not (is_legacy and any(word in kind for kind in _layer_kinds(model) for word in DRAWING))
        and not any(getattr(layer, "activation", None) in swish for layer in model._flatten_layers())
        and all(_is_keras_own(model, keras, name) for name in ("train_step", "test_step", *MAKING))
        and (so_far is None or int(so_far) == 1)
    )


def may_loop(tf: Any, keras: Any, model: Any, given: Mapping[str, Any]) -> bool:
    """Tell whether an epoch may be one loop: all that is traced is Keras's own and was shown to give the same digits;
    no code of the student's runs at a step; rows are arrays in one order for an epoch."""
    is_legacy = generation.is_legacy(keras)
    return (
        _is_plain(tf, keras, model)
        and all(_is_keras_own(model, keras, name) for name in AT_A_STEP)
        and not model.jit_compile
        and not tf.distribute.has_strategy()
        and not fit_calls.precision(model)
        and not (is_legacy and type(model.optimizer).__name__ == "Nadam")  # counts how often its graph was made
        and (is_legacy or all(layer.trainable == was for layer, was in model._compiled_trainable_state.items()))
        and all(_hears_epochs(callback, keras) for callback in fit_calls.callbacks_of(given))
        and given.get("shuffle") in (True, False)
        and given.get("y") is not None
    )


def _is_plain(tf: Any, keras: Any, model: Any) -> bool:
    """Tell whether layers, optimizer, loss and metrics are Keras's own, and listed."""
    if not _layer_kinds(model) <= LAYERS or not model.loss:
        return False
    try:
        made = architecture.describe(model, keras, tf)
        plaindata.optimizer_object(model.optimizer)
        plaindata.loss_object(model.loss)
    except Exception:  # noqa: BLE001  # see plaindata.reason
        return False
    activations = [layer.config.get("activation") for layer in made.layers]
    own = [*keras.utils.get_custom_objects().values(), type(model.optimizer)]
    return (
        all(name is None or (isinstance(name, str) and name in ACTIVATIONS) for name in activations)
        and all(map(plaindata.is_keras_own, own))
        and all(map(_is_own_metric, _metrics(model)))
        and type(model.optimizer).__name__ in allow_list.OPTIMIZERS
        and isinstance(model.optimizer, keras.optimizers.Optimizer)  # not one of those before Keras 2.11
    )


def _metrics(model: Any) -> list[Any]:
    """Return the metrics that a model was compiled with: names, functions and objects."""
    compiled = getattr(model, "_compile_metrics", None) or getattr(model, "compiled_metrics", None)
    found = [getattr(compiled, name, None) for name in ("_user_metrics", "_user_weighted_metrics")]
    flat = []
    while found:
        one = found.pop()
        if isinstance(one, list | tuple):
            found += one
        elif isinstance(one, Mapping):
            found += one.values()
        elif one is not None:
            flat.append(one)
    return flat


def _is_own_metric(metric: Any) -> bool:
    if isinstance(metric, str):
        return True
    is_own = plaindata.is_keras_own(metric if hasattr(metric, "__qualname__") else type(metric))
    return is_own and plaindata.is_keras_own(getattr(metric, "_fn", type(metric)))


def _is_keras_own(model: Any, keras: Any, name: str) -> bool:
    of_all = getattr(keras.Model, name)
    return name not in vars(model) and getattr(type(model), name) is of_all and plaindata.is_keras_own(of_all)


def _layer_kinds(model: Any) -> set[str]:
    return {type(layer).__name__ for layer in model._flatten_layers()}


def _by_the_epoch(callback: Any, keras: Any) -> bool:
    name = type(callback).__name__
    if type(callback) is not getattr(keras.callbacks, name, None):
        return False
    return name in BY_THE_EPOCH or (name in EPOCH_IF and getattr(callback, EPOCH_IF[name], None) == "epoch")


def _hears_epochs(callback: Any, keras: Any) -> bool:
    """Tell whether a callback does nothing at a step."""
    kind, silent = type(callback), keras.callbacks.Callback
    if plaindata.is_keras_own(kind) and kind is not keras.callbacks.LambdaCallback:
        is_checkpoint = kind is keras.callbacks.ModelCheckpoint and callback.save_freq == "epoch"
        return is_checkpoint or kind.__name__ in BY_THE_EPOCH
    own = (hook in vars(callback) or getattr(kind, hook, None) is not getattr(silent, hook) for hook in STEP_HOOKS)
    return isinstance(callback, silent) and not any(own)
