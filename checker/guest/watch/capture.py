"""Notes, inside the student's kernel, every Keras model and how it is compiled, trained, tested and used.

Theory of operation: methods of ``keras.Model`` are wrapped. Each wrapper lets the student's call go through
unchanged and notes in the ``Ledger`` what went in. A model becomes known the first time one of these is called on
it, or when a cell ends with a model among the notebook's variables.

Training is stopped at the end of the epoch that reaches the cap in steps; a ``train_on_batch`` beyond it
does nothing. Consecutive fits of one model on the same data with the same settings, as in a loop of
``fit(epochs=1)``, are one stretch of training. All of this is a claim, not proof: the student's code runs in
the same process and could say anything. The clean guest decides.
"""

import contextlib
import functools
import importlib
import inspect
import math
import os
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from checker.guest.compat.adaptation import replace as replace_function
from checker.guest.plain import generation, plaindata, weights
from checker.guest.plain.plaindata import UnrebuildableError
from checker.guest.plain.plaindata import reason as _reason
from checker.guest.watch import executions, fed, fit_calls, observer, optimizers
from checker.guest.watch.descent import Origin
from checker.guest.watch.fed import Data
from checker.guest.watch.origins import Origins
from checker.guest.watch.registry import Known, Ledger, outputs
from checker.guest.watch.replay import Replay
from checker.records.capture import Fit, Use
from checker.records.network import Development, KerasObject, Phase


class Capture:
    """The hooks' shared state."""

    def __init__(self, tf: Any, ledger: Ledger, exact: bool = False) -> None:
        self.tf, self.keras, self.ledger, self.exact = tf, tf.keras, ledger, exact
        self.depth = 0
        self.files: dict[str, Known] = {}
        self.replay: Replay | None = None
        self.origins = Origins(tf, ledger)

    def install(self) -> None:
        """Wrap the methods of ``keras.Model``."""
        self.origins.install()
        hooks = {
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
        for owner, name in {(_owner(made, name), name) for made in _model_classes(self.keras) for name in hooks}:
            setattr(owner, name, _wrapped(getattr(owner, name), hooks[name]))
        replace_function(self.keras, "models", "load_model", self._loading(self.keras.models.load_model))

    def scan(self, variables: Mapping[str, Any]) -> None:
        """Learn of models that are only variables so far, and of the names of those already known."""
        for name, value in list(variables.items()):
            if isinstance(value, self.keras.Model) and not name.startswith("_"):
                known = self.ledger.know(value)
                if known.variable != name:
                    known.variable = name
                    self.ledger.tell(known)
        for known in list(self.ledger.known.values()):
            self._end_stretches(known)
            if known.was_given and not known.fits:
                self.ledger.look_at_origin(known)
                self.ledger.tell(known)

    def _end_stretches(self, known: Known) -> None:
        """Make finished stretches of what was trained step by step."""
        self._flush(known)
        if known.loop is not None:
            known.loop.close()
        if known.looks is not None:
            known.looks.join()

    @contextlib.contextmanager
    def inside(self) -> Iterator[bool]:
        """Tell whether this call is the student's own, not one that Keras makes from within another."""
        self.depth += 1
        try:
            yield self.depth == 1
        finally:
            self.depth -= 1

    def _pace(self, model: Any, asked: Mapping[str, Any]) -> contextlib.AbstractContextManager[None]:
        if self.exact:
            return contextlib.nullcontext()
        return executions.whole_epochs(self.tf, self.keras, model, asked)

    # -- hooks -----------------------------------------------------------------------------------------

    def _on_compile(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        known = self.ledger.know(model)
        self._end_stretches(known)
        known.recompiled = True
        return original()

    def _on_use(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        with self.inside() as students_own:
            result = original()
        if students_own:
            known = self.ledger.know(model)
            self._flush(known)
            self.origins.settle()
            if known.loop is None:
                self.ledger.look_at_origin(known)
            data = fed.note(given.get("x"), given.get("y"), _input_names(model), given.get("steps"))
            how = "evaluate" if "y" in given else "predict"
            if known.looks is not None and data.arrays:
                known.looks.add(how, *data.arrays)
                return result
            self.ledger.note_use(known, Use(self.ledger.cell(), how, data.fed), data)
        return result

    def _on_train_on_batch(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        known = self.ledger.know(model)
        if not known.batches:
            self.ledger.about_to_train(known, goes_on=True)
        known.batch_steps += 1
        if self.ledger.is_capped(known.batch_steps - 1):
            return 0.0
        self.ledger.steps += 1
        if sum(batch.arrays[0].nbytes for batch in known.batches if batch.arrays) < fed.MAX_BYTES:
            known.batches.append(fed.note(given["x"], given.get("y"), _input_names(model)))
        with self.inside():
            result = original()
        known.batch_losses.append(fit_calls.loss_of_batch(result) if given.get("reset_metrics", True) else math.nan)
        self.origins.forget_waiting()
        return result

    def _on_fit(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        with self.inside() as students_own:
            if not students_own:
                return original()
            known, given = (
                self.ledger.know(model),
                dict(given),
            )  # as the student gave it, whatever is changed in the call
            self._end_stretches(known)
            data, validation, development = fit_calls.fit_data(given, _input_names(model))
            known.width = data.width or known.width
            self.ledger.about_to_train(known, goes_on=not known.recompiled)
            planned = self._plan(known, given, data, validation, development)
            known.fits.append(planned)
            self.ledger.tell(known, data, validation)
            seen, heard = observer.watch(self.ledger), list[Any]()
            changed: dict[str, Any] = {"callbacks": [*fit_calls.callbacks_of(given), seen]}
            if inspect.isgenerator(given.get("x")):
                changed["x"] = fed.listen(given["x"], heard)
            replayed = self.replay is not None and self.replay.concerns(known, data)
            if self.replay is not None and replayed:
                changed |= self.replay.changed(given, data, development)
            asked = {**given, **changed, "callbacks": fit_calls.callbacks_of(given)}
            try:
                with self._pace(model, asked):
                    history = original(**changed)
            except BaseException:
                if seen.epochs:  # the student may catch it and go on with what was trained so far
                    self._end_fit(known, planned, given, seen, getattr(model, "history", None))
                raise
            self.origins.forget_waiting()
            if self.replay is not None and replayed:
                self.replay.after(model, given, history, seen.epochs, seen.steps)
            if heard:
                data = fed.from_batches(heard, _input_names(model))
                planned = self._plan(known, given, data, validation, development)
                self.ledger.tell(known, data)
            self._end_fit(known, planned, given, seen, history)
            return history

    def _end_fit(
        self, known: Known, planned: Fit, given: Mapping[str, Any], seen: fit_calls.Seen, history: Any
    ) -> None:
        """Put what happened in the place of what was planned, and remember what the weights were meanwhile."""
        known.recompiled = False
        noted = fit_calls.history(history)
        fit, before = fit_calls.ended(planned, given, seen, noted), tuple(known.fits[:-1])
        best = fit_calls.best_epochs(given, noted)
        for number, digest in enumerate(seen.weights, 1):
            self.ledger.descent.note(digest, Origin((*before, fit), number, best.get(number)))
        known.fits[-1] = fit
        fit_calls.merge_last(known.fits)
        now = weights.digest(known.model, self.tf)
        restores = fit.phase is not None and fit.phase.restores
        if now in seen.weights[:-1] and now != seen.weights[-1] and not restores:
            self._go_back(known.model)  # a callback of the student's own has put them back
        elif restores or now not in seen.weights:
            self.ledger.descent.note(now, Origin(tuple(known.fits)))
        self.ledger.tell(known)

    def _on_save(self, original: Callable[..., Any], model: Any, given: Mapping[str, Any]) -> Any:
        result = original()
        self.files[_place(given)] = self.ledger.know(model)
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
            known = self.ledger.know(model)
            self.ledger.about_to_change(known)
            result = original()
        if not self._go_back(model):
            known.was_given, known.file = True, ""
        return result

    def _loading(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def load_model(filepath: Any, *args: Any, **kwargs: Any) -> Any:
            model = original(filepath, *args, **kwargs)
            if not isinstance(model, self.keras.Model):
                return model
            if self._go_back(model) or self._descend(model, _place({"filepath": filepath})):
                self.ledger.know(model).recompiled = getattr(model, "optimizer", None) is None
            return model

        return load_model

    def _go_back(self, model: Any) -> bool:
        """Let a model whose weights were seen before have been trained as those were."""
        origin = self.ledger.descent.of(weights.digest(model, self.tf))
        known = self.ledger.know(model)
        if origin is None:
            return False
        self._end_stretches(known)
        known.fits = origin.training()
        self.ledger.changed.add(known.id)
        self.ledger.tell(known)
        return True

    def _descend(self, model: Any, place: str) -> bool:
        """Let a model that took over all of another's weights take over how they were trained."""
        writer = self.files.get(place) or self.origins.twin(model)
        known = self.ledger.know(model)
        if writer is None or writer is known or not _have_same_shapes(model, writer.model):
            known.was_given, known.file = True, "" if writer is not None else Path(place).name[:100]
            return False
        self._end_stretches(writer)
        known.fits, known.origin, known.file = list(writer.fits), writer.origin, writer.file
        known.width = writer.width
        self.ledger.changed.add(known.id)
        self.ledger.tell(known)
        return True

    # -- records ---------------------------------------------------------------------------------------

    def _plan(
        self, known: Known, given: Mapping[str, Any], data: Data, watched: Data | None, development: Development
    ) -> Fit:
        phase, unrebuildable, notes = None, "", fit_calls.left_out(given)
        notes += (known.unwatched,) if known.unwatched else ()
        asked = max(1, fit_calls.epochs_of(given))
        size = int(given.get("batch_size") or data.batch or 32)
        try:
            class_weight, passed_over = fit_calls.weights_of(given, data)
            settings, _ = fit_calls.watchers(given)
            phase = replace(self._phase(known, data, asked, size), class_weight=class_weight, **settings)
            notes = (*notes, *passed_over, *fit_calls.precision(known.model))
        except Exception as error:  # noqa: BLE001  # see _reason
            unrebuildable = _reason(error)
        return Fit(
            cell=self.ledger.cell(),
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

    def _phase(self, known: Known, data: Data, epochs: int, batch_size: int) -> Phase:
        model = known.model
        if getattr(model, "optimizer", None) is None or not getattr(model, "loss", None):
            raise UnrebuildableError("the model has no optimizer or no loss of Keras's own")
        if outputs(model) > 1:
            raise UnrebuildableError(f"the network has {outputs(model)} outputs, and the task is about one")
        return Phase(
            optimizer=_plain_optimizer(model.optimizer),
            loss=plaindata.loss_object(model.loss),
            epochs=epochs,
            batch_size=batch_size,
            labels=fit_calls.label_form(data),
            recompiled=known.recompiled,
        )

    def _flush(self, known: Known) -> None:
        """Turn a run of ``train_on_batch`` calls into one stretch of training."""
        if not known.batches:
            return
        batches, steps, losses = known.batches, known.batch_steps, known.batch_losses
        known.batches, known.batch_steps, known.batch_losses = [], 0, []
        data = fed.merge(batches)
        known.width = data.width or known.width
        rows = [batch.fed.rows for batch in batches]
        size = max(1, statistics.mode(rows))  # the last batch of an epoch is smaller
        epochs = max(1, round(steps * statistics.fmean(rows) / max(1, data.fed.rows)))
        phase, unrebuildable = None, ""
        try:
            phase = self._phase(known, data, epochs, size)
        except Exception as error:  # noqa: BLE001  # see _reason
            unrebuildable = _reason(error)
        done = min(steps, self.ledger.caps.fit_steps)
        went = max(1, round(epochs * done / steps))
        known.fits.append(
            Fit(
                cell=self.ledger.cell(),
                how="train_on_batch",
                phase=phase,
                unrebuildable=unrebuildable,
                epochs_asked=epochs,
                epochs_done=went,
                steps_done=done,
                finished=True,
                training=data.fed,
                development=Development.NONE,
                validation=None,
                history=fit_calls.history_of_batches(losses, went),
            )
        )
        known.recompiled = False
        fit_calls.merge_last(known.fits)
        self.ledger.tell(known, data)


def _plain_optimizer(optimizer: Any) -> KerasObject:
    """Return a compiled optimizer as plain data; legacy Keras wraps those of TensorFlow 1."""
    if type(optimizer).__name__ == "TFOptimizer" and plaindata.is_keras_own(type(optimizer)):
        return optimizers.describe(optimizer.optimizer)
    return plaindata.optimizer_object(optimizer)


def _owner(model: Any, name: str) -> Any:
    """Return the class that defines a method; Keras asks whether a model's is still that class's own."""
    return next(kind for kind in model.__mro__ if name in vars(kind))


def _input_names(model: Any) -> list[str]:
    """Return the names by which a model with several inputs may be given them."""
    try:
        return [str(tensor.name).partition(":")[0] for tensor in model.inputs or ()]
    except Exception:  # noqa: BLE001  # Keras raises different errors for models without symbolic inputs
        return []


def _have_same_shapes(one: Any, other: Any) -> bool:
    """Tell whether two models have the same variables, as far as both have some yet."""
    try:
        ours, theirs = ([tuple(variable.shape) for variable in model.weights] for model in (one, other))
    except Exception:  # noqa: BLE001  # Keras raises different errors for models that are not built
        return True
    return not ours or not theirs or ours == theirs


def _place(given: Mapping[str, Any]) -> str:
    """Return which file a call writes or reads, whatever Keras calls that argument."""
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
