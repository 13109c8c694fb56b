"""Notes, inside the student's kernel, every Keras model, and its compilation, training, evaluation and use.

Theory of operation: methods of ``keras.Model`` are wrapped. Each wrapper passes the student's call on unchanged and
records its arguments in the model's record. A model gets a record at the first call of one of these, or when a cell
ends with the model among the notebook's variables.

Training is stopped at the end of the epoch that reaches the cap in steps; a ``train_on_batch`` beyond it does nothing.
Calls of ``train_on_batch`` are the steps of a custom loop (``loops``). Consecutive fits of one model on the same data
with the same settings, as in a loop of ``fit(epochs=1)``, are one stretch of training. All of this is a claim, not
proof: the student's code runs in the same process and could forge it. The clean guest decides.
"""

import contextlib
import functools
import importlib
import inspect
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from checker.guest.plain import generation, plaindata, weights
from checker.guest.plain.hooks import Hooks
from checker.guest.plain.plaindata import UnrebuildableError
from checker.guest.plain.plaindata import reason as _reason
from checker.guest.watch import fed, fit_calls, loops, observer, optimizers
from checker.guest.watch.descent import Origin
from checker.guest.watch.executions import Pace
from checker.guest.watch.fed import Data
from checker.guest.watch.loops import CustomLoop
from checker.guest.watch.model_record import ModelRecord
from checker.guest.watch.origins import Origins
from checker.guest.watch.registry import ModelRegistry, outputs
from checker.guest.watch.replay import Replay
from checker.records.capture import Fit, Use
from checker.records.network import Development, KerasObject, Phase


class Capture:
    """The state that the hooks of ``keras.Model`` share."""

    def __init__(self, tf: Any, registry: ModelRegistry, exact: bool = False) -> None:
        self.tf, self.keras, self.registry = tf, tf.keras, registry
        self.pace = None if exact else Pace(tf, tf.keras)
        self.depth = 0
        self.files: dict[str, ModelRecord] = {}
        self.batch_loops: dict[int, CustomLoop] = {}
        self.replay: Replay | None = None
        self.origins = Origins(tf, registry)

    def install(self, hooks: Hooks) -> None:
        """Wrap the methods of ``keras.Model``."""
        self.origins.install(hooks)
        around = {
            "compile": self._on_compile,
            "fit": self._on_fit,
            "train_on_batch": self._on_train_on_batch,
            "evaluate": self._on_use,
            "predict": self._on_use,
            "save": self._on_save,
            "save_weights": self._on_save,
            "load_weights": self._on_load_weights,
            "set_weights": self._on_set_weights,
        }
        for owner, name in {(_owner(made, name), name) for made in _model_classes(self.keras) for name in around}:
            hooks.replace(owner, name, _wrapped(getattr(owner, name), around[name]))
        hooks.replace_in_keras(self.keras, "models", "load_model", self._loading(self.keras.models.load_model))

    def scan(self, variables: Mapping[str, Any]) -> None:
        """Record the models among these variables, with their names; end step-by-step training; check the origin of
        weights that were set."""
        for name, value in list(variables.items()):
            if isinstance(value, self.keras.Model) and not name.startswith("_"):
                record = self.registry.record_of(value)
                if record.rename(name):
                    self.registry.publish(record)
        for record in self.registry.records:
            self._end_stretches(record)
            if record.has_foreign_weights and not record.fits:
                self.registry.check_origin(record)
                self.registry.publish(record)

    def _end_stretches(self, record: ModelRecord) -> None:
        """Turn step-by-step training into finished fit calls; note the uses between the steps."""
        self._end_batches(record)
        if record.loop is not None:
            record.loop.close()
        if record.usage_log is not None:
            record.usage_log.join()

    @contextlib.contextmanager
    def inside(self) -> Iterator[bool]:
        """Tell whether this call is the student's own, and not one that Keras makes from within another."""
        self.depth += 1
        try:
            yield self.depth == 1
        finally:
            self.depth -= 1

    def _pace(self, model: Any, asked: Mapping[str, Any]) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self.pace is None else self.pace.whole_epochs(model, asked)

    # -- hooks -----------------------------------------------------------------------------------------

    def _on_compile(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        record = self.registry.record_of(model)
        self._end_stretches(record)
        record.note_compiled()
        return original()

    def _on_use(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        how = "evaluate" if "y" in given else "predict"
        with self.inside() as students_own:
            pace = self.pace if students_own and how == "evaluate" else None
            with contextlib.nullcontext() if pace is None else pace.whole_pass(model, given):
                result = original()
        if students_own:
            record = self.registry.record_of(model)
            self._end_batches(record)
            self.origins.settle()
            if record.loop is None:
                self.registry.check_origin(record)
            data = fed.note(given.get("x"), given.get("y"), _input_names(model), given.get("steps"))
            if record.usage_log is not None and data.arrays:
                record.usage_log.add(how, *data.arrays)
                return result
            self.registry.note_use(record, Use(self.registry.cell(), how, data.fed), data)
        return result

    def _on_train_on_batch(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        record = self.registry.record_of(model)
        loop = self.batch_loops.get(record.id)
        if loop is None or not loop.is_open:
            if self.registry.is_capped(0):
                return 0.0
            self.registry.check_origin(record)
            plan = functools.partial(self._optimizer_and_loss, model)
            loop = loops.begin_batches(self.registry, record, plan, _input_names(model))
            self.batch_loops[record.id] = loop
        if not loop.step():
            return 0.0
        loss = math.nan
        try:
            with self.inside():
                result = original()
            loss = fit_calls.loss_of_batch(result) if given.get("reset_metrics", True) else math.nan
        finally:
            loop.feed(given["x"], given.get("y"), loss=loss)
        self.origins.forget_waiting()
        return result

    def _on_fit(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        with self.inside() as students_own:
            if not students_own:
                return original()
            record = self.registry.record_of(model)
            given = dict(given)  # the student's own arguments, which the call may change
            self._end_stretches(record)
            data, validation, development = fit_calls.fit_data(given, _input_names(model))
            record.note_width(data.width)
            self.registry.before_training(record, goes_on=not record.is_recompiled)
            planned = self._plan(record, given, data, validation, development)
            record.begin_fit(planned)
            self.registry.publish(record, data, validation)
            seen, heard = observer.watch(self.registry), list[Any]()
            changed: dict[str, Any] = {"callbacks": [*fit_calls.callbacks_of(given), seen]}
            if inspect.isgenerator(given.get("x")):
                changed["x"] = fed.listen(given["x"], heard)
            replayed = self.replay is not None and self.replay.concerns(record, data)
            if self.replay is not None and replayed:
                changed |= self.replay.changed(given, data, development)
            asked = {**given, **changed, "callbacks": fit_calls.callbacks_of(given)}
            try:
                with self._pace(model, asked):
                    history = original(**changed)
            except BaseException:
                if seen.epochs:  # the student may catch it and use the weights trained so far
                    self._end_fit(record, planned, given, seen, getattr(model, "history", None))
                raise
            self.origins.forget_waiting()
            if self.replay is not None and replayed:
                self.replay.after(model, given, history, seen.epochs, seen.steps)
            if heard:
                data = fed.from_batches(heard, _input_names(model))
                planned = self._plan(record, given, data, validation, development)
                self.registry.publish(record, data)
            self._end_fit(record, planned, given, seen, history)
            return history

    def _end_fit(
        self, record: ModelRecord, planned: Fit, given: Mapping[str, Any], seen: fit_calls.Seen, history: Any
    ) -> None:
        """Replace the planned fit by the actual one, and remember the weights after each epoch."""
        noted = fit_calls.history(history)
        fit, before = fit_calls.ended(planned, given, seen, noted), record.fits[:-1]
        best = fit_calls.best_epochs(given, noted)
        for number, digest in enumerate(seen.weights, 1):
            self.registry.descent.note(digest, Origin((*before, fit), number, best.get(number)))
        record.end_fit(fit)
        now = weights.digest(record.model, self.tf)
        restores = fit.phase is not None and fit.phase.restores
        if now in seen.weights[:-1] and now != seen.weights[-1] and not restores:
            self._go_back(record.model)  # a callback of the student's restored earlier weights
        elif restores or now not in seen.weights:
            self.registry.descent.note(now, Origin(record.fits))
        self.registry.publish(record)

    def _on_save(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        result = original()
        self.files[_place(given)] = self.registry.record_of(model)
        return result

    def _on_load_weights(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        result = self._on_set_weights(original, model, given)
        if not self._go_back(model):
            self._descend(model, _place(given))
        return result

    def _on_set_weights(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        with self.inside() as students_own:
            self.origins.settle()
            if not students_own or not isinstance(model, self.keras.Model):
                return original()
            record = self.registry.record_of(model)
            self.registry.before_weights_change(record)
            result = original()
        if not self._go_back(model):
            record.note_weights_set()
        return result

    def _loading(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def load_model(filepath: Any, *args: Any, **kwargs: Any) -> Any:
            model = original(filepath, *args, **kwargs)
            if not isinstance(model, self.keras.Model):
                return model
            if self._go_back(model) or self._descend(model, _place({"filepath": filepath})):
                self.registry.record_of(model).note_restored(getattr(model, "optimizer", None) is not None)
            return model

        return load_model

    def _go_back(self, model: Any) -> bool:
        """If a model's weights were seen before, give it the training that led to them."""
        origin = self.registry.descent.of(weights.digest(model, self.tf))
        record = self.registry.record_of(model)
        if origin is None:
            return False
        self._end_stretches(record)
        record.return_to(origin.training())
        self.registry.note_changed(record)
        self.registry.publish(record)
        return True

    def _descend(self, model: Any, place: str) -> bool:
        """If a model took over all weights of another, give it the training of that one."""
        writer = self.files.get(place) or self.origins.twin(model)
        record = self.registry.record_of(model)
        if writer is None or writer is record or not _have_same_shapes(model, writer.model):
            record.note_weights_loaded("" if writer is not None else Path(place).name[:100])
            return False
        self._end_stretches(writer)
        record.inherit(writer)
        self.registry.note_changed(record)
        self.registry.publish(record)
        return True

    # -- records ---------------------------------------------------------------------------------------

    def _plan(
        self, record: ModelRecord, given: Mapping[str, Any], data: Data, watched: Data | None, development: Development
    ) -> Fit:
        phase, unrebuildable, notes = None, "", fit_calls.left_out(given)
        notes += (record.unwatched,) if record.unwatched else ()
        asked = max(1, fit_calls.epochs_of(given))
        size = int(given.get("batch_size") or data.batch or 32)
        try:
            class_weight, passed_over = fit_calls.weights_of(given, data)
            settings, _ = fit_calls.watchers(given)
            phase = replace(self._phase(record, data, asked, size), class_weight=class_weight, **settings)
            notes = (*notes, *passed_over, *fit_calls.precision(record.model))
        except Exception as error:  # noqa: BLE001  # see _reason
            unrebuildable = _reason(error)
        return Fit(
            cell=self.registry.cell(),
            how="fit",
            phase=phase,
            unrebuildable=unrebuildable,
            epochs_asked=asked,
            epochs_done=0,
            steps_done=0,
            finished=False,
            training=data.fed,
            development=development,
            validation=watched.fed if watched else None,
            notes=notes,
        )

    def _phase(self, record: ModelRecord, data: Data, epochs: int, batch_size: int) -> Phase:
        optimizer, loss = self._optimizer_and_loss(record.model)
        return Phase(
            optimizer=optimizer,
            loss=loss,
            epochs=epochs,
            batch_size=batch_size,
            labels=fit_calls.label_form(data),
            recompiled=record.is_recompiled,
        )

    def _optimizer_and_loss(self, model: Any) -> tuple[KerasObject, KerasObject]:
        """Return a compiled model's optimizer and loss; UnrebuildableError if the checker cannot train with them."""
        if getattr(model, "optimizer", None) is None or not getattr(model, "loss", None):
            raise UnrebuildableError("the model has no optimizer or no loss of Keras's own")
        if outputs(model) > 1:
            raise UnrebuildableError(f"the network has {outputs(model)} outputs, and the task is about one")
        return _plain_optimizer(model.optimizer), plaindata.loss_object(model.loss)

    def _end_batches(self, record: ModelRecord) -> None:
        """Turn the calls of ``train_on_batch`` so far into a fit call."""
        loop = self.batch_loops.pop(record.id, None)
        if loop is not None and loop.is_open:
            loop.close()


def _plain_optimizer(optimizer: Any) -> KerasObject:
    """Return a compiled optimizer as plain data; legacy Keras wraps those of TensorFlow 1."""
    if type(optimizer).__name__ == "TFOptimizer" and plaindata.is_keras_own(type(optimizer)):
        return optimizers.describe(optimizer.optimizer)
    return plaindata.optimizer_object(optimizer)


def _owner(model: Any, name: str) -> Any:
    """Return the class that defines a method. The method is replaced there, or Keras would take it for overridden."""
    return next(kind for kind in model.__mro__ if name in vars(kind))


def _input_names(model: Any) -> list[str]:
    """Return the names of a model's inputs, by which ``fit`` may be passed several; [] if it has none."""
    try:
        return [str(tensor.name).partition(":")[0] for tensor in model.inputs or ()]
    except Exception:  # noqa: BLE001  # Keras raises different errors for models without symbolic inputs
        return []


def _have_same_shapes(one: Any, other: Any) -> bool:
    """Tell whether two models have variables of the same shapes; also if one has no variables yet."""
    try:
        ours, theirs = ([tuple(variable.shape) for variable in model.weights] for model in (one, other))
    except Exception:  # noqa: BLE001  # Keras raises different errors for models that are not built
        return True
    return not ours or not theirs or ours == theirs


def _place(given: Mapping[str, Any]) -> str:
    """Return the file that a call writes or reads, under either name of that argument; "" if there is none."""
    path = given.get("filepath", given.get("path", ""))
    return str(Path(path).resolve()) if isinstance(path, str | os.PathLike) else ""


def _wrapped(method: Callable[..., Any], hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method with a hook around it; the hook gets the call's arguments by name."""
    signature = inspect.signature(method)

    @functools.wraps(method)
    def wrapper(model: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(model, *args, **kwargs)
        except TypeError:
            return method(model, *args, **kwargs)
        bound.apply_defaults()

        def original(**changed: Any) -> Any:
            if not changed:
                return method(model, *args, **kwargs)
            bound.arguments.update(changed)
            return method(*bound.args, **bound.kwargs)

        return hook(original, model, bound.arguments)

    return wrapper


def _model_classes(keras: Any) -> list[Any]:
    """Return ``keras.Model``, and its stand-in where legacy Keras runs without eager execution."""
    if not generation.is_legacy(keras):
        return [keras.Model]
    return [keras.Model, importlib.import_module("tf_keras.src.engine.training_v1").Model]
