"""Notes training in TensorFlow 1 graphs: ``Session.run`` with feeds instead of ``fit``.

Theory of operation: three things are hooked. An optimizer's ``compute_gradients`` and ``apply_gradients`` show which
operation is a training step, of which loss, with which optimizer. A layer's call shows which layer made which tensor.
``Session.run`` sees each run. If its fetches lead to a training step, the tensors that matter (inputs, labels, learning
rate, dropout rates, the loss) are fetched along with them, whether they were fed, read from a pipeline or computed.
``dataflow`` reads the network.

The loss of the optimizer is compared, as a number, with the mean over rows of the cross-entropy in the graph. It may be
equal, or a constant multiple such as a sum over the batch. For plain gradient descent the multiple goes into the
learning rate. Anything else is not rebuilt.
"""

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from checker.guest.plain import generation, plaindata
from checker.guest.plain.hooks import Hooks
from checker.guest.watch import dataflow
from checker.guest.watch.dataflow import Call, Reader, Reading
from checker.guest.watch.graph_network import Network, Reached, StaticGraph, Training
from checker.guest.watch.loops import CustomLoop, begin
from checker.guest.watch.registry import ModelRegistry, NotNowError
from checker.guest.watch.usage_log import UsageLog
from checker.records.network import KerasObject

HOW = "Session.run loop"
UPDATES = ("Assign", "Apply", "ResourceApply", "SparseApply", "ResourceSparseApply")

Original = Callable[..., Any]
Args = tuple[Any, ...]
Given = Mapping[str, Any]


class StaticGraphs:
    """The state that the hooks share."""

    def __init__(self, tf: Any, registry: ModelRegistry) -> None:
        self.tf, self.registry = tf, registry
        self.calls: dict[Any, dict[str, Call]] = {}
        self.losses: dict[int, tuple[Any, Any, list[Any]]] = {}
        self.trainings: dict[Any, Training] = {}
        self.networks: list[Network] = []
        self.reached: dict[Any, dict[tuple[Any, ...], Reached]] = {}
        self.plain_run: Original = lambda *args: None

    def install(self, hooks: Hooks) -> None:
        """Hook sessions, optimizers, and legacy Keras's layers outside eager execution."""
        v1 = self.tf.compat.v1
        self.plain_run = v1.Session.run
        for session in (v1.Session, v1.InteractiveSession):
            hooks.replace(session, "run", _hooked(session.run, self._on_run))
            hooks.replace(session, "close", _closing(session.close, self._on_close))
        optimizer = v1.train.Optimizer
        hooks.replace(optimizer, "compute_gradients", _hooked(optimizer.compute_gradients, self._on_compute))
        hooks.replace(optimizer, "apply_gradients", _hooked(optimizer.apply_gradients, self._on_apply))
        if generation.is_legacy(self.tf.keras):
            layer: Any = importlib.import_module("tf_keras.src.engine.base_layer_v1").Layer
            hooks.replace(layer, "__call__", _hooked(layer.__call__, self._on_layer))
            made = self.tf.keras.optimizers.Optimizer
            readable = _readable(made._serialize_hyperparameter, self.tf)
            hooks.replace(made, "_serialize_hyperparameter", readable)

    # -- while the graph is made -----------------------------------------------------------------------------

    def _on_layer(self, original: Original, layer: Any, args: Args, given: Given) -> Any:
        outputs = original()
        inputs = args[0] if args else given.get("inputs")
        if dataflow.is_tensor(outputs):
            training = given.get("training", False)
            calls = self.calls.setdefault(outputs.graph, {})
            calls.setdefault(outputs.name, Call(layer, inputs, False if training is None else training))
        return outputs

    def _on_compute(self, original: Original, optimizer: Any, args: Args, given: Given) -> Any:
        pairs = original()
        loss = args[0] if args else given.get("loss")
        if dataflow.is_tensor(loss):
            self.losses[id(optimizer)] = (optimizer, loss, [gradient for gradient, _ in pairs])
        return pairs

    def _on_apply(self, original: Original, optimizer: Any, args: Args, given: Given) -> Any:
        made = original()
        operation = getattr(made, "op", made)
        if not hasattr(operation, "control_inputs"):
            return made
        pairs = list(args[0] if args else given.get("grads_and_vars", ()))
        _, loss, gradients = self.losses.get(id(optimizer), (None, None, []))
        training = Training(operation, optimizer, loss)
        if loss is None:
            training.obstacle = "the optimizer was given gradients whose loss is not known"
        elif not all(any(g is known for known in gradients) for g, _ in pairs if g is not None):
            training.obstacle = "the gradients are changed before they are applied"
        self.trainings[operation] = training
        return made

    # -- while it runs ---------------------------------------------------------------------------------------

    def _on_run(self, original: Original, session: Any, args: Args, given: Given) -> Any:
        fetches = args[0] if args else given.get("fetches")
        reached = self._reach(session.graph, fetches)
        if reached is None:
            return original()
        fed = (args[1] if len(args) > 1 else given.get("feed_dict")) or {}
        if reached.training is None:
            return self._use(original, fetches, reached, session, fed)
        training = reached.training
        network = self._network(training, fed)
        if network is None:
            return original()
        network.ran(session, fed, is_use=False)
        return self._train(original, fetches, training, network)

    def _on_close(self, session: Any) -> None:
        """Record the outputs of a session's networks before the session closes."""
        for network in self.networks:
            if network.session is session:
                network.is_closing = True
                if network.record.loop is not None:
                    network.record.loop.close()
                network.uses.join()
                self.registry.look_at(network.record)
                network.session = None

    def _give(self, network: Network, rows: Any, is_last: bool) -> Any:
        """Return a network's outputs for other rows, in its session."""
        outputs, x = network.reading.target.outputs, network.reading.x
        if network.session is None:
            raise NotNowError
        if x is None or outputs is None or not outputs.graph.is_feedable(x):
            raise ValueError("its inputs cannot be fed")
        draws = any(op.type.startswith("Random") for op in dataflow.ancestors([outputs.op]))
        if draws and not (is_last or network.is_closing):
            raise NotNowError
        if draws and not network.was_used:
            raise ValueError("it was never used without dropout")
        feeds = {tensor: value for tensor, value in network.feeds.items() if tensor is not x}
        return self.plain_run(network.session, outputs, {**feeds, x: rows})

    def _train(self, original: Original, fetches: Any, training: Training, network: Network) -> Any:
        loop = self._loop(training, network)
        key = tuple(map(str, self.tf.nest.flatten(fetches)))
        if not loop.step() and key in training.last:  # beyond the cap
            return training.last[key]
        wanted = _watched(training, network.reading)
        result, seen = original((fetches, wanted))
        training.last[key] = result
        try:
            _note_values(training, network.reading, seen)
            loop.feed(seen.get("x"), seen.get("y"), seen.get("rate"), _ratio(seen))
        except (TypeError, ValueError) as error:  # settings that are no single numbers
            training.obstacle = training.obstacle or plaindata.reason(error)
        return result

    def _loop(self, training: Training, network: Network) -> CustomLoop:
        record = network.record
        if network.is_fresh:
            network.is_fresh = False
            record.start_over()
        if training.loop is None or not training.loop.is_open:
            anew = training is not network.trained_by
            training.loop = begin(network.uses, HOW, training.plan, anew)
            network.trained_by = training
            record.describe_by(functools.partial(dataflow.describe, network.reading, training.values))
        return training.loop

    def _use(self, original: Original, fetches: Any, reached: Reached, session: Any, fed: Given) -> Any:
        names = {op.name for op in reached.operations}
        for network in self.networks:
            target, x = network.reading.target, network.reading.x
            if network.initial and network.initial <= names:
                network.is_fresh = True
            if x is None or target.outputs is None or target.outputs.op not in reached.operations:
                continue
            has_labels = target.labels.op in reached.operations
            wanted = {"x": x} | ({"y": target.labels} if has_labels else {})
            if not all(t.graph.is_fetchable(t) for t in wanted.values()):
                continue
            result, seen = original((fetches, wanted))
            network.ran(session, fed, is_use=True)
            network.uses.add("evaluate" if has_labels else "predict", seen["x"], seen.get("y"))
            return result
        return original()

    def _reach(self, graph: Any, fetches: Any) -> Reached | None:
        """Return the operations and the training step behind fetches; None if these are no elements of the graph."""
        try:
            flat = [graph.as_graph_element(f) for f in self.tf.nest.flatten(fetches)]
            roots = tuple(dict.fromkeys(getattr(f, "op", f) for f in flat))
        except (TypeError, ValueError, KeyError, AttributeError):
            return None
        cache = self.reached.setdefault(graph, {})
        if roots not in cache:
            operations = frozenset(dataflow.ancestors(list(roots)))
            cache[roots] = Reached(self._training(graph, operations), operations)
        return cache[roots]

    def _training(self, graph: Any, operations: frozenset[Any]) -> Training | None:
        known = {op.name: self.trainings[op] for op in operations if op in self.trainings}
        if known:
            return known[max(known)]
        trainable = {dataflow.home(v) for v in graph.get_collection("trainable_variables")}
        for op in operations:
            changes = op.type.startswith(UPDATES) and op.inputs and op.inputs[0].op.name in trainable
            if changes and any(before.type in dataflow.PRODUCTS for before in dataflow.ancestors([op])):
                return self.trainings.setdefault(op, Training(op))
        return None

    def _network(self, training: Training, fed: Given) -> Network | None:
        """Return the network that a step trains, read when it is first needed; None if it is given no table, as in an
        example that adds numbers."""
        if training.network is None:
            graph = training.operation.graph
            reader = Reader(graph, self.calls.get(graph, {}), self.tf)
            root = training.operation if training.loss is None else training.loss.op
            target = dataflow.find_target([root], reader)
            reading = self._unknown(training, root, reader, fed) if target is None else reader.read(target, fed)
            if reading.x is None:
                return None
            same = [n for n in self.networks if target is not None and n.reading.target.outputs is target.outputs]
            training.network = same[0] if same else self._new(reader, reading, root)
        return training.network

    def _unknown(self, training: Training, root: Any, reader: Reader, fed: Given) -> Reading:
        """Return a placeholder for a network whose loss is not listed."""
        training.obstacle = training.obstacle or "its loss is none that the checker knows"
        nowhere = dataflow.Target(KerasObject("none"), None, None)
        return Reading(nowhere, reader.some_input(root, fed), obstacle=training.obstacle)

    def _new(self, reader: Reader, reading: Reading, root: Any) -> Network:
        outputs = reading.target.outputs
        name = "graph" if outputs is None else str(outputs.name).split(":")[0]
        ends_in = reader.width(root if outputs is None else outputs.op)
        widths = _width(reading.x), _width(outputs) or ends_in
        model = StaticGraph(name, *widths, sum(step.weights for step in reading.steps))
        record = self.registry.record_of(model)
        starts = frozenset() if outputs is None else reader.starts(outputs)
        network = Network(reading, record, UsageLog(self.registry, record), starts)
        record.answer_by(functools.partial(self._give, network))
        self.networks.append(network)
        return network


def _width(tensor: Any) -> int | None:
    """Return how many columns a table has; None if its graph does not define it."""
    shape = getattr(tensor, "shape", None)
    return shape.as_list()[-1] if shape is not None and shape.rank == 2 else None


def _watched(training: Training, reading: Reading) -> dict[str, Any]:
    """Return the tensors to fetch along with a step of training."""
    target = reading.target
    wanted = {"x": reading.x, "y": target.labels, "loss": training.loss, "each": target.each, "log": target.log}
    wanted["rate"] = training.rate
    wanted |= {tensor.name: tensor for tensor in reading.tensors()}
    return {k: t for k, t in wanted.items() if dataflow.is_tensor(t) and t.graph.is_fetchable(t)}


def _note_values(training: Training, reading: Reading, seen: Mapping[str, Any]) -> None:
    """Keep the values that settings have during training."""
    for tensor in reading.tensors():
        if tensor.name in seen:
            training.values[tensor.name] = float(seen[tensor.name])
    if "rate" in seen:
        training.values["rate"] = float(seen["rate"])
    if "x" in seen and np.ndim(seen["x"]) == 2:
        training.values["width"] = seen["x"].shape[-1]


def _ratio(seen: Mapping[str, Any]) -> float | None:
    """Return the ratio of the loss to the mean of the rows' losses; NaN if that is unknown, None without a loss."""
    if "loss" not in seen:
        return None
    each = seen.get("each")
    if "log" in seen and "y" in seen and np.shape(seen["log"]) == np.shape(seen["y"]):
        each = -(seen["y"] * seen["log"]).sum(axis=-1)
    mean = float(np.mean(each)) if each is not None else 0.0
    return float(np.sum(seen["loss"])) / mean if mean else float("nan")


def _readable(serialize: Original, tf: Any) -> Original:
    """Make a legacy Keras optimizer's settings readable outside eager execution too, where compiling reads them."""

    @functools.wraps(serialize)
    def wrapper(optimizer: Any, setting: Any) -> Any:
        if isinstance(setting, tf.Variable) and not tf.executing_eagerly():
            found = tf.get_static_value(setting.initial_value)
            return serialize(optimizer, setting if found is None else found.item())
        return serialize(optimizer, setting)

    return wrapper


def _closing(method: Original, before: Callable[[Any], None]) -> Original:
    """Return a session's ``close`` that calls ``before`` first."""

    @functools.wraps(method)
    def wrapper(session: Any, *args: Any, **kwargs: Any) -> Any:
        before(session)
        return method(session, *args, **kwargs)

    return wrapper


def _hooked(method: Callable[..., Any], hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method with a hook around it; ``original`` takes a new first argument, if any."""
    first = list(inspect.signature(method).parameters)[1]

    @functools.wraps(method)
    def wrapper(thing: Any, *args: Any, **kwargs: Any) -> Any:
        def original(*changed: Any) -> Any:
            if not changed:
                return method(thing, *args, **kwargs)
            return method(thing, *changed, *args[1:], **{k: v for k, v in kwargs.items() if k != first})

        return hook(original, thing, args, kwargs)

    return wrapper
