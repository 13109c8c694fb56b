"""An epoch of a student's own ``fit`` as one loop over rows in order, bit-identical to Keras's steps.

Theory of operation: Keras makes a data set from arrays in stages: a row order for each epoch, batches of row numbers,
and batches of rows. On a small network the last two stages, and the function that draws from them, take most of a
step's time. Here Keras's ``fit`` and all callbacks run unchanged. Only two things are swapped. Where Keras would read
an epoch's batches, it reads the first stage of the same data set: the same graph, so the same row order. And its
functions that train and test become one ``tf.function`` each, which gathers the epoch's rows and calls the model's own
``train_step`` or ``test_step`` on one slice after another in a ``tf.while_loop``. Nothing can be created in the loop,
so optimizer and metrics are built before it is traced. Other data, such as the student's own data set, is read and
trained on in Keras's own way.
"""

import contextlib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checker.guest.plain import generation

CHANGED = ("_PrefetchDataset", "_OptionsDataset", "_MapDataset")
BATCHES = ["_ParallelMapDataset", "_ZipDataset"]
NUMBERS = ["_FlatMapDataset", "_PrefetchDataset", "_MapDataset"]
ROWS = ["_RepeatDataset", "_TensorDataset"]


@dataclass(frozen=True)
class Source:
    """The stages of a data set that Keras made from arrays: the data set of row orders, and whether these may differ;
    the rows, as a structure of tensors; the batch size, and whether the last batch is full too."""

    orders: Any
    is_drawn: bool
    rows: Any
    size: int
    is_even: bool


class Epochs:
    """Takes the place of a data set of batches; a pass over it yields the row order of each epoch."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._order: Any = None

    def __iter__(self) -> "Orders":
        return Orders(self.source, self._drawn() if self.source.is_drawn else self._same())

    def _drawn(self) -> Iterator[Any]:
        yield from self.source.orders  # from here on, because Keras makes more passes than it reads

    def _same(self) -> Iterator[Any]:
        while True:
            if self._order is None:
                self._order = next(iter(self.source.orders))
            yield self._order


class Orders(Iterator[Any]):
    """A pass over epochs."""

    def __init__(self, source: Source, orders: Iterator[Any]) -> None:
        self.source, self._orders = source, orders

    def __next__(self) -> Any:
        return next(self._orders)


class Loops:
    """One model's way to train and test an epoch in one loop."""

    def __init__(self, tf: Any, keras: Any, model: Any) -> None:
        self.tf, self.keras, self.model = tf, keras, model
        self.is_legacy = generation.is_legacy(keras)
        self.compiled = compilation(model)
        self.functions = {
            "train_function": Looping(self, "train", model.train_step),
            "test_function": Looping(self, "test", model.test_step),
        }

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Train and test in these loops."""
        before = {name: getattr(self.model, name) for name in self.functions}
        own = vars(self.model)
        for name, function in self.functions.items():
            setattr(self.model, name, function)
            own[f"make_{name}"] = function.make
        try:
            with self._reading_handlers() if self.is_legacy else self._reading_iterators():
                yield
        finally:
            for name, function in self.functions.items():
                setattr(self.model, name, before[name])
                del own[f"make_{name}"]
                function.forget_keras_own()

    @contextlib.contextmanager
    def _reading_iterators(self) -> Iterator[None]:
        """Turn Keras 3's iterators over batches into passes over epochs, in a method that is called before they are
        read."""

        def build(iterator: Any = None, data_batch: Any = None) -> None:
            if iterator is None or iterator.steps_per_epoch is not None:
                return
            epochs = self._epochs(iterator._distributed_dataset)
            if epochs is not None:
                iterator._distributed_dataset, iterator.steps_per_execution = epochs, iterator.num_batches

        vars(self.model)["_maybe_symbolic_build"] = build  # Keras's own does nothing outside a distribution strategy
        try:
            yield
        finally:
            del vars(self.model)["_maybe_symbolic_build"]

    @contextlib.contextmanager
    def _reading_handlers(self) -> Iterator[None]:
        home: Any = importlib.import_module("tf_keras.src.engine.data_adapter")
        original = home.get_data_handler

        def handler(*args: Any, **given: Any) -> Any:
            made = original(*args, **given)
            is_ours = given.get("model") is self.model and given.get("y") is not None
            epochs = self._epochs(made._dataset) if is_ours and given.get("steps_per_epoch") is None else None
            if epochs is not None:
                made._dataset = epochs
                made._steps_per_execution = self.tf.Variable(made.inferred_steps, dtype="int64")
            return made

        home.get_data_handler = handler
        try:
            yield
        finally:
            home.get_data_handler = original

    def _epochs(self, dataset: Any) -> Epochs | None:
        source = None if isinstance(dataset, Epochs) else source_of(dataset, self.tf)
        return None if source is None else Epochs(source)

    def build(self, source: Source) -> None:
        """Create the variables that Keras creates at a model's first step: those of the optimizer and the metrics."""
        tf, model, size = self.tf, self.model, source.size if source.is_even else None
        batch = tf.nest.map_structure(lambda part: tf.TensorSpec([size, *part.shape[1:]], part.dtype), source.rows)
        if not self.is_legacy:
            if not model.optimizer.built:
                with self.keras.name_scope(model.optimizer.name, caller=model.optimizer):
                    model.optimizer.build(model.trainable_variables)
            model._symbolic_build(data_batch=batch)
            return
        outputs = tf.nest.map_structure(lambda output: tf.zeros([source.size, *output.shape[1:]]), model.output)
        if not model.compiled_loss.built:
            model.compiled_loss.build(outputs)
        if not model.compiled_metrics.built:
            model.compiled_metrics.build(outputs, batch[1])
        with tf.name_scope(model.optimizer.name):
            model.optimizer.build(model.trainable_variables)


class Looping:
    """A model's function that trains or tests: given a pass over epochs, it takes all steps of the next epoch."""

    def __init__(self, loops: Loops, name: str, step: Any) -> None:
        self.loops, self.name, self.step = loops, name, step
        self._traced: dict[Any, Any] = {}
        self._keras_own: Any = None

    def __call__(self, iterator: Any) -> Any:
        if not isinstance(iterator, Orders):
            self._keras_own = self._keras_own or self._made_by_keras()
            return self._keras_own(iterator)
        tf, source = self.loops.tf, iterator.source
        spec = tf.nest.map_structure(lambda part: tf.TensorSpec([None, *part.shape[1:]], part.dtype), source.rows)
        key = source.size, source.is_even, str(spec)
        if key not in self._traced:
            self.loops.build(source)
            self._traced[key] = self._trace(source.size, source.is_even, spec)
        return self._traced[key](next(iterator), source.rows)

    def _trace(self, size: int, is_even: bool, spec: Any) -> Any:
        tf, model = self.loops.tf, self.loops.model
        counter = getattr(model, f"_{self.name}_counter") if self.loops.is_legacy else None

        def cut(part: Any, at: Any) -> Any:
            batch = part[at : at + size]
            batch.set_shape([size if is_even else None, *part.shape[1:]])  # constants of the graph depend on it
            return batch

        def epoch(order: Any, rows: Any) -> Any:
            ordered = tf.nest.map_structure(lambda part: tf.gather(part, order, axis=0), rows)

            def step(at: Any) -> Any:
                self.step(tf.nest.map_structure(lambda part: cut(part, at), ordered))
                if counter is not None:
                    counter.assign_add(1)
                return at + size

            tf.while_loop(lambda at: at < tf.size(order), step, [tf.constant(0)])
            return model.get_metrics_result()

        function = tf.function(epoch, [tf.TensorSpec([None], tf.int64), spec], autograph=False)
        return function.get_concrete_function()

    def _made_by_keras(self) -> Any:
        model, name = self.loops.model, f"{self.name}_function"
        if not self.loops.is_legacy:
            return model._make_function(self.step)
        made = getattr(type(model), f"make_{name}")(model, force=True)
        setattr(model, name, self)
        return made

    def make(self, force: bool = False) -> "Looping":
        """Replace ``make_train_function`` or ``make_test_function``; a callback may call it to have the function traced
        anew."""
        model, name = self.loops.model, f"{self.name}_function"
        if force or getattr(model, name) is None:
            self._traced.clear()
            setattr(model, name, self)
        return self

    def forget_keras_own(self) -> None:
        """Drop Keras's own function, so that Keras makes it anew when it is next needed."""
        self._keras_own = None


def compilation(model: Any) -> Any:
    """Return an object of the model that every call of ``compile`` replaces."""
    return getattr(model, "_loss_tracker", None) or model.compiled_loss


def source_of(dataset: Any, tf: Any) -> Source | None:
    """Return the stages of a data set that Keras made from arrays; None for any other."""
    further = []
    while type(dataset).__name__ in CHANGED:
        if type(dataset).__name__ == "_MapDataset":  # legacy Keras gives rows the weights of their classes
            further.append(dataset._map_func._func)
        (dataset,) = dataset._inputs()
    if not _is_made_of(dataset, BATCHES):
        return None
    batches, (numbers, repeated) = dataset.element_spec, dataset._inputs()[0]._inputs()
    if not _is_made_of(numbers, NUMBERS) or not _is_made_of(repeated, ROWS):
        return None
    tensors, orders = repeated._inputs()[0], numbers._inputs()[0]._inputs()[0]
    if not all(isinstance(spec, tf.TensorSpec) for spec in tf.nest.flatten(tensors.element_spec)):
        return None
    rows = tf.nest.pack_sequence_as(tensors.element_spec, tensors._tensors)
    for change in reversed(further):
        rows = change(*rows)
    plain = tf.data.Options()
    plain.experimental_optimization.apply_default_optimizations = False
    return Source(
        orders=orders.with_options(plain),
        is_drawn=_draws(orders),
        rows=rows,
        size=int(next(iter(numbers)).shape[0]),
        is_even=all(spec.shape[0] is not None for spec in tf.nest.flatten(batches)),
    )


def _draws(orders: Any) -> bool:
    """Tell whether passes over a data set of row orders may differ. Each pass over one seeded order draws it again."""
    shuffles = [op for op in orders._map_func.function.graph.get_operations() if op.type == "RandomShuffle"]
    is_seeded = all(op.get_attr("seed") or op.get_attr("seed2") for op in shuffles)
    return bool(shuffles) and not (is_seeded and int(orders.cardinality()) == 1)


def _is_made_of(dataset: Any, kinds: list[str]) -> bool:
    """Tell whether a data set and those below it, each the first input of the one above, are of these classes."""
    for at, kind in enumerate(kinds):
        if type(dataset).__name__ != kind:
            return False
        if at + 1 < len(kinds):
            dataset = dataset._inputs()[0]
    return True
