"""Notes training by ``tf.GradientTape``: a custom loop around a Keras model, a loss and an optimizer.

Theory of operation: four calls are hooked, and each is an event: a model is called on ``x``, a loss on ``y`` and the
outputs of that call, a gradient is taken of a number, an optimizer changes the model's weights. An event is noted as
soon as its numbers are known: in eager execution, immediately. While a ``tf.function`` is traced, the hook puts a
``tf.numpy_function`` into the graph, which notes the event with the numbers of that step each time the graph runs. So
batches are seen whether the function is given them or loops over a data set itself. XLA graphs cannot hold such a call;
there the hook only notes that a step was taken. Keras's own calls inside ``fit`` and similar methods are left alone.

A model that is called and then changed was trained on that batch. Without a change the call is only a use. The
differentiated number is compared with the mean of each loss that was called: one of them must be the training loss, up
to a constant factor. Beyond the cap an optimizer does nothing, and a ``tf.function`` that trains returns its last
result.
"""

import contextlib
import functools
import importlib
import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from checker.guest.plain import generation, plaindata
from checker.guest.plain.hooks import Hooks
from checker.guest.watch.capture import Capture
from checker.guest.watch.learner import NO_LOSS, Called, Learner, Plan, Traced, identity
from checker.guest.watch.loops import CustomLoop, begin
from checker.guest.watch.usage_log import UsageLog
from checker.keras_spec import allow_list
from checker.records.network import KerasObject

HOW = "GradientTape loop"
OF_LOGITS = {
    "sparse_softmax_cross_entropy_with_logits": "SparseCategoricalCrossentropy",
    "softmax_cross_entropy_with_logits": "CategoricalCrossentropy",
}
KERAS = ("keras", "tf_keras")
CLOSE = 1e-4

Original = Callable[..., Any]


class Tapes:
    """The state that the hooks share."""

    def __init__(self, tf: Any, capture: Capture) -> None:
        self.tf, self.keras, self.capture = tf, tf.keras, capture
        self.learners: dict[int, Learner] = {}
        self.traced: dict[int, Traced] = {}
        self.running: list[Traced] = []
        self.inside = 0
        self.compiled = 0

    def install(self, hooks: Hooks) -> None:
        """Hook models, losses, tapes, optimizers and tf.function."""
        keras, tf = self.keras, self.tf
        for owner, name, hook in [
            (keras.Model, "__call__", self._on_model),
            (keras.losses.Loss, "__call__", self._on_loss),
            (tf.GradientTape, "gradient", self._on_gradient),
            *((kind, name, self._on_apply) for kind, name in _optimizers(keras)),
        ]:
            hooks.replace(owner, name, self._hooked(getattr(owner, name), hook))
        for name, function in inspect.getmembers(keras.losses, inspect.isfunction):
            if name not in ("get", "serialize", "deserialize"):
                homes = (keras.losses, tf.losses, importlib.import_module("keras").losses)
                self._hook_loss(hooks, homes, name, function)
        for name in OF_LOGITS:
            self._hook_loss(hooks, (tf.nn,), name, getattr(tf.nn, name))
        kind: Any = type(tf.function(len))
        hooks.replace(kind, "__call__", _like(kind.__call__, self._calling(kind.__call__)))

    def _hook_loss(self, hooks: Hooks, homes: tuple[Any, ...], name: str, function: Original) -> None:
        """Replace a loss function by a hooked one."""
        hooked = self._hooked(function, functools.partial(self._on_loss_function, function))
        for home in homes:
            if getattr(home, name, None) is function:
                hooks.replace(home, name, hooked)

    def _hooked(self, function: Original, hook: Original) -> Original:
        """Return a function with a hook around the student's own calls of it."""

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if self.capture.depth or self.inside:
                return function(*args, **kwargs)

            def original(*changed: Any) -> Any:
                with self._within():
                    return function(*(changed or args), **({} if changed else kwargs))

            return hook(original, *args, **kwargs)

        return _like(function, wrapper)

    @contextlib.contextmanager
    def _within(self) -> Iterator[None]:
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    def _emit(self, event: Callable[..., Any], *values: Any) -> None:
        """Note an event, now or each time the graph that is being traced runs; values become arrays."""

        def note(*arrays: Any) -> list[Any]:
            with contextlib.suppress(Exception):  # errors of our hooks are not errors of the student's cell
                event(*arrays)
            return []

        with self._within(), contextlib.suppress(TypeError, ValueError):
            if self.tf.executing_eagerly():
                note(*(np.asarray(value) for value in values))
            elif self.running and not self.compiled:
                self.tf.numpy_function(note, list(values), [])

    # -- models and losses -----------------------------------------------------------------------------------

    def _on_model(self, original: Original, model: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = original()
        x = args[0] if args else kwargs.get("inputs")
        parts = self.tf.nest.flatten(x)
        if parts and all(_is_data(part, self.tf) for part in parts):
            learner = self._learner(model)
            learner.outputs = outputs
            self._emit(functools.partial(self._called, learner), *parts)
        return outputs

    def _learner(self, model: Any) -> Learner:
        if id(model) not in self.learners:
            record = self.capture.registry.record_of(model)
            self.learners[id(model)] = Learner(model, record, UsageLog(self.capture.registry, record))
        return self.learners[id(model)]

    def _called(self, learner: Learner, *parts: Any) -> None:
        learner.uses.see(parts[0] if len(parts) == 1 else tuple(parts))
        learner.losses, learner.chosen, learner.ratio = [], None, None

    def _on_loss(self, original: Original, loss: Any, *args: Any, **kwargs: Any) -> Any:
        value = original()
        obstacle = ""
        if str(getattr(loss, "reduction", "")).startswith("sum") and "over" not in str(loss.reduction):
            obstacle = "the loss is summed over the batch"
        self._note_loss(lambda: plaindata.loss_object(loss), obstacle, value, args, kwargs)
        return value

    def _on_loss_function(self, function: Original, original: Original, *args: Any, **kwargs: Any) -> Any:
        value = original()

        def plain() -> KerasObject:
            name = getattr(function, "__name__", "").removesuffix("_v2")
            if name in OF_LOGITS:
                return KerasObject(OF_LOGITS[name], {"from_logits": True})
            made = plaindata.loss_object(function)
            flags = {k: v for k, v in kwargs.items() if k in allow_list.LOSSES[made.class_name].split()}
            return KerasObject(made.class_name, flags)

        self._note_loss(plain, "", value, args, kwargs)
        return value

    def _note_loss(self, plain: Callable[[], KerasObject], obstacle: str, value: Any, args: Any, given: Any) -> None:
        labels = args[0] if args else given.get("y_true", given.get("labels"))
        outputs = args[1] if len(args) > 1 else given.get("y_pred", given.get("logits"))
        learner = next((one for one in self.learners.values() if one.outputs is outputs), None)
        if learner is None or outputs is None or not _is_data(labels, self.tf):
            return
        loss = None
        try:
            loss = plain()
        except Exception as error:  # noqa: BLE001  # a student's own loss may raise anything
            obstacle = plaindata.reason(error)
        if len(args) > 2 or given.get("sample_weight") is not None:
            obstacle = obstacle or "the loss is weighted by sample weights"
        with self._within():
            mean = self.tf.reduce_mean(value)

        def note(y: Any, mean: Any) -> None:
            learner.losses.append(Called(loss, obstacle, y, float(mean)))
            learner.uses.label(y)

        self._emit(note, labels, mean)

    # -- gradients and steps -----------------------------------------------------------------------------------

    def _on_gradient(self, original: Original, tape: Any, *args: Any, **kwargs: Any) -> Any:
        target = args[0] if args else kwargs.get("target")
        sources = args[1] if len(args) > 1 else kwargs.get("sources")
        learner = self._owner([v for v in self.tf.nest.flatten(sources) if v is not None])
        if learner is not None and self.tf.is_tensor(target):
            with self._within():
                penalties = self.tf.add_n(learner.model.losses) if learner.model.losses else self.tf.constant(0.0)
                total = self.tf.reduce_sum(target)
            self._emit(functools.partial(self._differentiated, learner), total, penalties)
        gradients = original()
        if learner is not None:
            learner.gradients = self.tf.nest.flatten(gradients)
        return gradients

    def _differentiated(self, learner: Learner, total: Any, penalties: Any) -> None:
        """Choose the loss whose mean was differentiated, unchanged or multiplied by a constant."""
        numbers = float(total), float(total) - float(penalties)
        learner.total = numbers[0]
        for called in learner.losses:
            if any(abs(number - called.mean) <= CLOSE * abs(called.mean) for number in numbers):
                learner.chosen, learner.ratio = called, 1.0
                return
        if len(learner.losses) == 1 and learner.losses[0].mean:
            learner.chosen, learner.ratio = learner.losses[0], numbers[0] / learner.losses[0].mean

    def _on_apply(self, original: Original, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        if not args:
            return original()
        first = list(args[0])  # a zip can be read only once
        variables, gradients = _updated(optimizer, first, args[1] if len(args) > 1 else None, kwargs)
        learner = self._owner(variables)
        if learner is None:
            return original(optimizer, first, *args[1:])
        if learner.plan is None:
            self.capture.registry.check_origin(learner.record)
        obstacle = learner.hindrance(variables, gradients)
        rate = _rate(optimizer, self.tf)
        if self.tf.executing_eagerly():
            if self._step(learner, optimizer, obstacle, *(np.asarray(value) for value in rate)):
                return original(optimizer, first, *args[1:])
            return optimizer.iterations
        for traced in self.running:
            traced.learner = learner
        self._emit(functools.partial(self._step, learner, optimizer, obstacle), *rate)
        return original(optimizer, first, *args[1:])

    def _owner(self, variables: list[Any]) -> Learner | None:
        """Return the model to which variables belong."""
        wanted = {identity(v) for v in variables}
        found = [one for one in self.learners.values() if wanted & one.variables()]
        return found[-1] if found else None

    def _step(self, learner: Learner, optimizer: Any, obstacle: str, *rate: Any) -> bool:
        """Note a training step; return False if it is beyond the cap."""
        called, learner.chosen = learner.chosen, None
        loss = called.loss if called is not None else None
        obstacle = obstacle or (NO_LOSS if called is None else called.obstacle)
        plan = learner.plan
        loop = learner.loop
        if plan is None or loop is None or not plan.holds(optimizer, loss):
            plan, loop = self._new_plan(learner, optimizer, loss)
        plan.obstacle = plan.obstacle or obstacle
        x, y = learner.uses.take()
        if not loop.step():
            return False
        total, learner.total = learner.total, math.nan
        labels = called.labels if called is not None else y
        loop.feed(x, labels, float(rate[0]) if rate else None, learner.ratio, total)
        return True

    def _new_plan(self, learner: Learner, optimizer: Any, loss: KerasObject | None) -> tuple[Plan, CustomLoop]:
        anew = learner.plan is None or learner.plan.optimizer is not optimizer
        plan = Plan(optimizer, loss)
        plan.loop = begin(learner.uses, HOW, plan.plain, anew)
        learner.plan = plan
        return plan, plan.loop

    # -- tf.function -------------------------------------------------------------------------------------------

    def _calling(self, original: Original) -> Original:
        def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            home = str(getattr(function._python_function, "__module__", "")).partition(".")[0]
            if self.capture.depth or self.inside or home in KERAS:
                with self._within():
                    return original(function, *args, **kwargs)
            traced = self.traced.setdefault(id(function), Traced(function))
            if self.running or not self.tf.executing_eagerly():
                return self._run(traced, original, args, kwargs)
            if traced.learner is not None and traced.learner.is_capped(traced.steps):
                return traced.result
            before = traced.taken()
            traced.result = self._run(traced, original, args, kwargs)
            if traced.learner is not None and function._jit_compile:
                self._step(traced.learner, None, "its steps are compiled by XLA, where the batches cannot be seen")
            traced.steps = traced.taken() - before
            return traced.result

        return call

    def _run(self, traced: Traced, original: Original, args: Any, kwargs: Any) -> Any:
        self.running.append(traced)
        self.compiled += bool(traced.function._jit_compile)
        try:
            return original(traced.function, *args, **kwargs)
        finally:
            self.compiled -= bool(traced.function._jit_compile)
            self.running.pop()


def _like(function: Original, wrapper: Original) -> Original:
    """Give a wrapper its function's name and signature, and keep autograph from translating it."""
    made: Any = functools.wraps(function)(wrapper)
    made.autograph_info__ = {}
    return made  # type: ignore[no-any-return]  # the wrapper has the function's type


def _optimizers(keras: Any) -> list[tuple[Any, str]]:
    """Return the classes of optimizers and the method through which each step goes."""
    if not generation.is_legacy(keras):
        return [(keras.optimizers.Optimizer, "apply")]
    return [(kind, "apply_gradients") for kind in (keras.optimizers.Optimizer, keras.optimizers.legacy.Optimizer)]


def _updated(optimizer: Any, first: list[Any], second: Any, given: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Return the variables of a step, and the gradients."""
    if hasattr(optimizer, "apply"):
        variables = second if second is not None else given.get("trainable_variables")
        return list(optimizer._trainable_variables if variables is None else variables), first
    return [variable for _, variable in first], [gradient for gradient, _ in first]


def _is_data(value: Any, tf: Any) -> bool:
    """Tell whether a value is numbers, or a tensor that will hold some, and no symbol of Keras's."""
    if type(value).__name__ == "KerasTensor":
        return False
    return bool(tf.is_tensor(value)) or hasattr(value, "__array__") or isinstance(value, list)


def _rate(optimizer: Any, tf: Any) -> tuple[Any, ...]:
    """Return the learning rate as a tensor; nothing if it follows a Keras schedule, which is described instead."""
    rate = getattr(optimizer, "_learning_rate", None)
    rate = optimizer.learning_rate if rate is None else rate
    return () if hasattr(rate, "get_config") or callable(rate) else (tf.convert_to_tensor(rate),)
