"""Rebuilds a model from plain data and trains it once for each seed, like ``model.fit`` but faster.

Theory of operation: nearly all the time of ``fit`` on a small network is Python between steps. Here the rows are sorted
into an epoch's order beforehand, and one ``tf.function`` loops over them, a slice for each batch. With the same initial
state and the same row order the weights are bit-identical to those of ``fit`` (``tests/guest/test_training.py`` shows
it). The row order is ``default_rng([seed, epoch]).permutation(n)``. Metrics, development data and early stopping
(Keras's own callback) are handled once an epoch.

For long recipes XLA compiles the epoch, which is several times as fast again. The results are then no longer
bit-identical, but equal within 1e-5 after 20 steps, and statistically equivalent afterwards. The choice of the loop
depends only on the network, the recipe and the number of rows. XLA compiles for one shape. So the full batches are one
array (batches, rows, features), as long as the largest seed's, and the loop gets the number of steps. The smaller last
batch goes through the graph loop.

All seeds share one traced function: each seed makes a fresh model, whose initial state, including that of random
generators, is copied into the traced one, and optimizers go back to the state in which they were built. Seeding lets
TensorFlow forget its optimized graphs, so all models are made before the first is trained. Networks with layers whose
state is no variable are made and traced anew for each seed: ``Normalization``, whose statistics are constants of the
graph, and legacy Keras's random layers.
"""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import JsonValue

from checker.guest.plain import architecture, generation, plaindata, weights
from checker.guest.plain.plaindata import UnrebuildableError
from checker.guest.train import updates
from checker.guest.train.labels import ClassNumbers, Numbers
from checker.guest.train.updates import Update
from checker.keras_spec import allow_list, watched
from checker.records.arrays import Array
from checker.records.job import RetrainJob
from checker.records.network import KerasObject, Labels, Phase
from checker.records.training import Epoch, Loop, TrainingRun, Weights
from checker.scoring import outputs
from checker.wire import frames

LONG = 20_000
"""Minimum number of steps over all seeds at which compiling clearly saves time."""
WIDE = "--xla_cpu_prefer_vector_width=512"
"""By default XLA uses vectors half as wide as some processors have, which slows an optimizer's update down."""
COMPILED = allow_list.MERGING | frozenset(
    "InputLayer Dense Activation ReLU LeakyReLU ELU Softmax BatchNormalization LayerNormalization Rescaling".split()
)
RANDOM = frozenset({"Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout"})


@dataclass(frozen=True)
class SeedData:
    """One seed's part of a job: training rows, development rows (maybe none), and features of the held-out rows."""

    x: Array
    y: Array
    x_development: Array
    y_development: Array
    x_held_out: Array


Trained = tuple[TrainingRun, Array, Array]
"""A run, its outputs for the held-out rows, and its class numbers or values for the training rows."""


OnEpoch = Callable[[Epoch], None]


class Outcome:
    """The results of one seed's training so far; ``tell`` is called with each epoch as it ends."""

    def __init__(self, seed: int = 0, tell: OnEpoch | None = None) -> None:
        self.seed, self._tell = seed, tell
        self.history: dict[str, list[float | None]] = {}
        self.epochs = 0
        self.steps = 0
        self.stopped_early = False

    def note(self, values: Mapping[str, float], steps: int) -> None:
        """Add an epoch's metrics and steps."""
        self.epochs += 1
        self.steps += steps
        finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
        for name, value in finite.items():
            self.history.setdefault(name, []).append(value)
        if self._tell is not None:
            self._tell(Epoch(self.seed, self.epochs, finite))


def loop_of(job: RetrainJob, rows: int) -> Loop:
    """Return the kind of loop over an epoch's batches, for ``rows`` training rows."""
    phases = job.recipe.phases
    steps = (job.alike or len(job.seeds)) * sum(phase.epochs * phase.steps_an_epoch(rows) for phase in phases)
    is_plain = all(layer.class_name in COMPILED for layer in job.architecture.layers)
    return Loop.XLA if is_plain and steps >= LONG else Loop.GRAPH


def train(
    job: RetrainJob, data: Mapping[int, SeedData], tf: Any, keras: Any, tell: OnEpoch | None = None
) -> Iterator[tuple[TrainingRun, Array, Array]]:
    """Yield, for each seed, the run, the model's outputs for the held-out features, and its class numbers or values for
    the training rows. ``tell`` is called with each epoch as it ends.

    Raises UnrebuildableError if the record does not describe a network of listed layers, or describes one with more
    than ``job.parameters`` parameters.
    """
    own = {"Normalization"} | (RANDOM if generation.is_legacy(keras) else frozenset())
    shareable = not own & {layer.class_name for layer in job.architecture.layers}
    rows = max(len(part.x) for part in data.values())
    loop = loop_of(job, rows)
    trainer: Trainer | None = None
    started = time.perf_counter()
    networks: Iterable[Any] = (seeded(seed, job, data[seed].x, keras) for seed in job.seeds)
    if shareable:
        networks = list(networks)
    for seed, network in zip(job.seeds, networks, strict=True):
        if trainer is not None and shareable:
            trainer.begin_again(network)
        else:
            trainer = Trainer(job, network, rows, tf, keras, loop)
        before = weights.histograms(trainer.model)
        outcome = trainer.run(seed, data[seed], tell)
        predictions = trainer.predict(data[seed].x_held_out)
        trained = outputs.said(trainer.predict_in_parts(data[seed].x, len(predictions)))
        after = weights.histograms(trainer.model)
        run = TrainingRun(
            seed=seed,
            history={name: tuple(values) for name, values in outcome.history.items()},
            epochs=outcome.epochs,
            steps=outcome.steps,
            seconds=time.perf_counter() - started,
            stopped_early=outcome.stopped_early,
            predictions=frames.reference(predictions),
            loop=loop,
            weights=tuple(Weights(name, before[name], after[name]) for name in before),
            trained=frames.reference(trained),
        )
        yield run, predictions, trained
        started = time.perf_counter()


def seeded(seed: int, job: RetrainJob, x: Array, keras: Any) -> Any:
    """Return a job's model with a seed's initial weights, for training rows ``x``."""
    keras.utils.set_random_seed(seed)
    model = architecture.rebuild(job.architecture, keras, x)
    if model.count_params() > job.parameters:
        raise UnrebuildableError(f"it has {model.count_params():,} parameters, over {job.parameters:,}")
    if model.input_shape[1:] != x.shape[1:]:
        raise UnrebuildableError(f"it takes inputs of shape {model.input_shape[1:]}")
    return model


class Trainer:
    """A rebuilt model, and for each phase of its recipe an optimizer and a traced epoch. ``rows``: the number of
    training rows of the seed that has most."""

    def __init__(self, job: RetrainJob, model: Any, rows: int, tf: Any, keras: Any, loop: Loop = Loop.GRAPH) -> None:
        self.tf, self.keras, self.classes = tf, keras, len(job.classes)
        self.model, self.rows, self.loop = model, rows, loop
        self.phases: list[CompiledPhase] = []
        for phase in job.recipe.phases:
            earlier = None if phase.recompiled or not self.phases else self.phases[-1].update
            self.phases.append(CompiledPhase(self, phase, earlier))
        self._forward = tf.function(lambda x: self.model(x, training=False), autograph=False)
        self._built = State([variable for phase in self.phases for variable in updates.state(phase.update.optimizer)])

    def begin_again(self, model: Any) -> None:
        """Take over the weights and random generators of another model of the same job, with optimizers as built."""
        for target, source in zip(self.model.variables, model.variables, strict=True):
            target.assign(source)
        self._built.restore()

    def run(self, seed: int, data: SeedData, tell: OnEpoch | None = None) -> Outcome:
        """Train through all phases."""
        outcome = Outcome(seed, tell)
        if tell is not None and self.loop is Loop.XLA and not self.phases[0].phase.rates:
            tell(Epoch(seed, 1, self.phases[0].look_ahead(seed, data)))
        for phase in self.phases:
            phase.run(seed, data, outcome)
        return outcome

    def predict(self, x: Array) -> Array:
        """Return the model's outputs for all rows in one call, float32."""
        return np.asarray(self._forward(self.tf.constant(x)), dtype=np.float32)

    def predict_in_parts(self, x: Array, size: int) -> Array:
        """Return the outputs for many rows, ``size`` rows at a time, for which the graph is already traced; (0, 1) for
        no rows."""
        size = max(size, 1)
        parts = [x[at : at + size] for at in range(0, len(x), size)]
        filled = (np.resize(part, (size, *x.shape[1:])) for part in parts)
        given = [self.predict(whole)[: len(part)] for whole, part in zip(filled, parts, strict=True)]
        return np.concatenate(given) if given else np.zeros((0, 1), dtype=np.float32)


class State:
    """The values of variables, to go back to."""

    def __init__(self, variables: Sequence[Any]) -> None:
        self._pairs = [(variable, np.array(variable.numpy())) for variable in variables]

    def restore(self) -> None:
        """Give the variables their values back."""
        for variable, value in self._pairs:
            variable.assign(value)


class CompiledPhase:
    """One phase of training, with the model compiled for it and the loop over an epoch traced."""

    def __init__(self, trainer: Trainer, phase: Phase, update: Update | None) -> None:
        if phase.batch_size < 1:
            raise UnrebuildableError("its batches hold no rows")
        self.trainer, self.phase = trainer, phase
        keras = trainer.keras
        self.labels = self._label_form()
        self.loss = plaindata.build(phase.loss, allow_list.LOSSES, keras.losses, keras)
        self.update = update or self._make_update()
        self.room = trainer.rows // phase.batch_size if trainer.loop is Loop.XLA else 0
        self._epoch: Any = None
        self._compiled_epoch: Any = None
        self._validate: Any = None

    def _label_form(self) -> ClassNumbers | Numbers:
        form, trainer = self.phase.labels, self.trainer
        if form is Labels.NUMBERS:
            return Numbers(trainer.tf)
        return ClassNumbers(trainer.tf, trainer.classes, form is Labels.ONE_HOT)

    def _make_update(self) -> Update:
        keras = self.trainer.keras
        made = plaindata.build(self.phase.optimizer, allow_list.OPTIMIZERS, keras.optimizers, keras)
        return updates.build(made, self.trainer.model, keras, self.trainer.tf)

    def _trace(self) -> None:
        """Compile the model for this phase and trace its graphs. The model must not be compiled for another phase
        before tracing is complete, so this happens when the phase first runs."""
        tf, model, update = self.trainer.tf, self.trainer.model, self.update
        model.compile(optimizer=update.optimizer, loss=self.loss)
        count, zero = self.labels.count, self.labels.zero

        def step(x: Any, y: Any, weight: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape, update.weights(tape) as trained:
                outputs = model(x, training=True)
                loss = model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight)
            update.apply(tape.gradient(loss, trained))
            return loss, count(y, outputs)

        def epoch(stride: int, cut: Callable[[Any, Any], Any]) -> Callable[..., tuple[Any, Any]]:
            """Return a loop over batches, each cut out of the arrays at a place ``stride`` after the last."""

            def loop(steps: Any, *arrays: Any) -> tuple[Any, Any]:
                def body(at: Any, total: Any, counted: Any) -> tuple[Any, Any, Any]:
                    x, y, *weight = (cut(array, at) for array in arrays)
                    loss, more = step(x, y, weight[0] if weight else None)
                    return at + stride, total + loss * tf.cast(tf.shape(x)[0], loss.dtype), counted + more

                update.begin()
                start = (tf.constant(0), tf.constant(0.0), zero)
                _, total, counted = tf.while_loop(lambda *_: True, body, start, maximum_iterations=steps)
                update.end()
                return total, counted

            return loop

        def validate(x: Any, y: Any) -> tuple[Any, Any]:
            outputs = model(x, training=False)
            return model.compute_loss(x=x, y=y, y_pred=outputs), count(y, outputs)

        size = self.phase.batch_size
        # A concrete function saves the lookup at each call, a third of a millisecond.
        rows = epoch(size, lambda array, at: array[at : at + size])
        self._epoch = tf.function(rows, self._signature(None), autograph=False).get_concrete_function()
        if self.room:
            os.environ.setdefault("XLA_FLAGS", WIDE)  # read when XLA compiles for the first time
            batches, spec = epoch(1, lambda array, at: array[at]), self._signature(self.room, size)
            compiled = tf.function(batches, spec, autograph=False, jit_compile=True)
            self._compiled_epoch = compiled.get_concrete_function()
        self._validate = tf.function(validate, reduce_retracing=True, autograph=False)

    def _signature(self, *shape: int | None) -> list[Any]:
        tf, model = self.trainer.tf, self.trainer.model
        x = tf.TensorSpec([*shape, *model.input_shape[1:]], tf.float32)
        y = tf.TensorSpec([*shape, *self.labels.shape], self.labels.kind)
        weight = [tf.TensorSpec(shape, tf.float32)] if self.phase.class_weight else []
        return [tf.TensorSpec([], tf.int32), x, y, *weight]

    def run(self, seed: int, data: SeedData, outcome: Outcome) -> None:
        """Train for the phase's epochs, or until early stopping ends it or the loss is not finite."""
        if self._epoch is None:
            self._trace()
        model = self.trainer.model
        rate = self.phase.optimizer.config.get("learning_rate")
        if isinstance(rate, int | float):  # an earlier seed or phase may have changed it
            model.optimizer.learning_rate = rate
        best = self._make_best()
        watchers = [*self._make_watchers(), *best]
        model.stop_training = False
        for watcher in watchers:
            watcher.on_train_begin()
        for epoch in range(self.phase.epochs):
            if self.phase.rates:
                model.optimizer.learning_rate = self.phase.rates[min(epoch, len(self.phase.rates) - 1)]
            logs, steps = self._run_epoch(np.random.default_rng([seed, outcome.epochs]), data)
            outcome.note(logs, steps)
            for watcher in watchers:
                watcher.on_epoch_end(epoch, logs)
            if model.stop_training or not math.isfinite(logs["loss"]):
                outcome.stopped_early = bool(model.stop_training)
                break
        for watcher in watchers:
            watcher.on_train_end()
        for watcher in best:
            model.set_weights(watcher.best_weights)  # only one Keras generation does this itself

    def look_ahead(self, seed: int, data: SeedData) -> dict[str, float | None]:
        """Return the first epoch's metrics as the graph loop measures them, and leave the state as it was.

        XLA compiles for a second before its own first epoch, which differs in the sixth digit.
        """
        if self._epoch is None:
            self._trace()
        before = State([*self.trainer.model.variables, *updates.state(self.update.optimizer)])
        room, self.room = self.room, 0
        logs, _ = self._run_epoch(np.random.default_rng([seed, 0]), data)
        self.room = room
        before.restore()
        return {name: value if math.isfinite(value) else None for name, value in logs.items()}

    def _make_best(self) -> list[Any]:
        """Return a callback that restores the best epoch's weights at the end, as students do with a checkpoint
        file."""
        wanted = self.phase.checkpoint
        if wanted is None:
            return []
        keeps: dict[str, JsonValue] = {"patience": self.phase.epochs, "restore_best_weights": True}
        watching = KerasObject("EarlyStopping", {**wanted.config, **keeps})
        made = self._watcher(watching, self.trainer.keras.callbacks)
        made.set_model(self.trainer.model)
        return [made]

    def _make_watchers(self) -> list[Any]:
        wanted = (self.phase.early_stopping, self.phase.plateau)
        made = [self._watcher(one, self.trainer.keras.callbacks) for one in wanted if one is not None]
        for watcher in made:
            watcher.set_model(self.trainer.model)
        return made

    def _watcher(self, wanted: KerasObject, callbacks: Any) -> Any:
        """Build the student's callback, with its monitor mapped to our metrics."""
        config = watched.as_measured_here(wanted.config, self.labels.metric)
        return plaindata.build(
            KerasObject(wanted.class_name, config), allow_list.CALLBACKS, callbacks, self.trainer.keras
        )

    def _run_epoch(self, random: np.random.Generator, data: SeedData) -> tuple[dict[str, float], int]:
        name = self.labels.metric.name
        y, weight = self.labels.encode(data.y), self._weigh(data.y)
        arrays = [data.x, y] if weight is None else [data.x, y, weight]
        steps = self.phase.steps_an_epoch(len(data.x))
        total, counted, seen = 0.0, 0.0, 0
        for order in self._orders(random, len(data.x), steps):
            more, hits = self._go_through(order, arrays)
            total, counted, seen = total + more, counted + hits, seen + len(order)
        logs = {"loss": total / seen, name: counted / seen}
        if len(data.x_development):
            loss, counted = self._validate(data.x_development, self.labels.encode(data.y_development))
            logs |= {"val_loss": float(loss), f"val_{name}": float(counted) / len(data.x_development)}
        return logs, steps

    def _orders(self, random: np.random.Generator, rows: int, steps: int) -> Iterator[Array]:
        """Yield a new row order for each pass over the rows, until an epoch of ``steps`` steps is complete."""
        size = self.phase.batch_size
        while steps > 0 and rows:
            order = random.permutation(rows)[: steps * size]
            steps -= math.ceil(len(order) / size)
            yield order

    def _go_through(self, order: Array, arrays: list[Array]) -> tuple[float, float]:
        """Take the steps of one pass over the rows in this order; return the same as ``_take``."""
        size = self.phase.batch_size
        steps, full = math.ceil(len(order) / size), len(order) // size if self.room else 0
        total, counted = 0.0, 0.0
        if full:
            rows = np.resize(order[: full * size], (self.room, size))
            total, counted = self._take(self._compiled_epoch, full, rows, arrays)
        if full < steps:
            more, hits = self._take(self._epoch, steps - full, order[full * size :], arrays)
            total, counted = total + more, counted + hits
        return total, counted

    def _take(self, epoch: Any, steps: int, rows: Array, arrays: list[Array]) -> tuple[float, float]:
        """Take steps on these rows; return the sum of their losses and the sum of the metric."""
        constant = self.trainer.tf.constant
        total, counted = epoch(constant(steps), *(constant(array.take(rows, axis=0)) for array in arrays))
        return float(total), float(counted)

    def _weigh(self, labels: Array) -> Array | None:
        if not self.phase.class_weight:
            return None
        weights = [self.phase.class_weight.get(str(k), 1.0) for k in range(self.trainer.classes)]
        return np.asarray(weights, dtype=np.float32)[labels]
