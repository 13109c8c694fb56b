"""Settings and methods that Keras has dropped since the practical was set, translated into today's.

Theory of operation: a student's code was written for the versions of its day. A name or setting that was only renamed,
or that today's Keras can express exactly, is translated when it is used. Each translation that was used is noted once,
so that the report lists it. Nothing is translated that would train another network. ``libraries`` does the same for
NumPy, pandas, scikit-learn and matplotlib.
"""

import functools
import importlib
import importlib.util
import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from checker.guest.compat import libraries
from checker.guest.plain.hooks import Hooks, keras_homes
from checker.guest.plain.notes import Note, noted
from checker.keras_spec import allow_list

MODEL_ENDINGS = (".keras", ".h5", ".hdf5")
WEIGHTS_ENDING = ".weights.h5"


def install(hooks: Hooks, tf: Any, note: Note, legacy: bool) -> None:
    """Make TensorFlow, Keras, NumPy, pandas, scikit-learn and matplotlib accept their former names and settings."""
    keras = tf.keras
    for name in allow_list.OPTIMIZERS:
        made = getattr(keras.optimizers, name, None)
        if made is not None:
            hooks.replace(made, "__init__", _in_todays_words(made.__init__, name, keras, note))
    if not legacy:
        _add_learning_rate_alias(hooks, keras.optimizers.Optimizer)
        _accept_file_endings(hooks, keras, note)
    _add_former_names(hooks, keras, legacy)
    _accept_former_settings(hooks, keras, note)
    _add_methods(hooks, keras.Model, note)
    hooks.replace_in_keras(keras, "utils", "plot_model", _plot_model)
    if not hasattr(tf, "set_random_seed"):
        set_seed = noted(tf.random.set_seed, "`tf.set_random_seed` is `tf.random.set_seed` today", note)
        hooks.replace(tf, "set_random_seed", set_seed)
        hooks.replace(tf.random, "set_random_seed", set_seed)
    libraries.install(hooks, note)


def _in_todays_words(original: Callable[..., None], name: str, keras: Any, note: Note) -> Callable[..., None]:
    """Return an optimizer's ``__init__`` that takes ``lr``, ``decay``, whole-number rates and ``epsilon=None``."""
    parameters = inspect.signature(original).parameters
    names = list(parameters)[1:]

    @functools.wraps(original)
    def initialise(self: Any, *args: Any, **kwargs: Any) -> None:
        if args and names[0] == "learning_rate":
            kwargs["learning_rate"], args = args[0], args[1:]
        if kwargs.get("lr") is not None:
            note(f"`{name}(lr=…)` is `{name}(learning_rate=…)` today")
            kwargs["learning_rate"] = kwargs["lr"]
        kwargs.pop("lr", None)
        rate = kwargs.get("learning_rate")
        if isinstance(rate, int) and not isinstance(rate, bool):
            note(f"the learning rate {rate} of `{name}` was written without a decimal point")
            kwargs["learning_rate"] = float(rate)
        if kwargs.get("decay"):
            note(f"`{name}(decay=…)` is a schedule, `InverseTimeDecay`, today")
            start = kwargs.get("learning_rate", parameters["learning_rate"].default)
            kwargs["learning_rate"] = keras.optimizers.schedules.InverseTimeDecay(start, 1, float(kwargs["decay"]))
        kwargs.pop("decay", None)
        if "epsilon" in kwargs and kwargs["epsilon"] is None:
            del kwargs["epsilon"]
        rest = dict(zip(names[1:], args, strict=False))
        original(self, **rest, **kwargs)

    return initialise


def _add_former_names(hooks: Hooks, keras: Any, legacy: bool) -> None:
    """Restore former names of optimizers and initialisers, and the backend's session in legacy Keras."""
    for home in keras_homes(keras, "optimizers"):
        former = {name.lower(): getattr(home, name, None) for name in allow_list.OPTIMIZERS}
        versioned = ("adam", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "ftrl", "gradient_descent")
        _add(hooks, home, former | {f"{name}_v2": home for name in versioned})
    for home in keras_homes(keras, "initializers"):
        _add(hooks, home, {"normal": home.RandomNormal, "uniform": home.RandomUniform})
    if legacy:
        session = importlib.import_module("tf_keras.src.backend")
        for home in keras_homes(keras, "backend"):
            _add(hooks, home, {name: getattr(session, name) for name in ("get_session", "set_session")})


def _add(hooks: Hooks, home: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if value is not None:
            hooks.add(home, name, value)


def _accept_former_settings(hooks: Hooks, keras: Any, note: Note) -> None:
    """Let layers accept the names that their settings had in Keras 1."""
    weights = {"init": "kernel_initializer", "W_regularizer": "kernel_regularizer", "b_regularizer": "bias_regularizer",
               "W_constraint": "kernel_constraint", "b_constraint": "bias_constraint"}  # fmt: skip
    renamed = {
        "Dense": {"output_dim": "units", "bias": "use_bias", **weights},
        "Dropout": {"p": "rate"},
        "GaussianDropout": {"p": "rate"},
        "GaussianNoise": {"sigma": "stddev"},
        "Concatenate": {"concat_axis": "axis"},
    }
    for name, settings in renamed.items():
        made = getattr(keras.layers, name)
        hooks.replace(made, "__init__", _renaming(made.__init__, name, settings, note))


def accept_former_epochs(hooks: Hooks, keras: Any, note: Note) -> None:
    """Let ``fit`` accept ``nb_epoch``, Keras 1's name for its epochs. This wraps the watchers of ``fit``, which use
    today's name."""
    trainer: Any = next(kind for kind in keras.Model.__mro__ if "fit" in vars(kind))
    hooks.replace(trainer, "fit", _renaming(trainer.fit, "fit", {"nb_epoch": "epochs"}, note))


def _renaming(function: Callable[..., Any], of: str, names: Mapping[str, str], note: Note) -> Callable[..., Any]:
    """Return a function that also accepts settings by their former names."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for name in [name for name in names if name in kwargs]:
            note(f"`{of}({name}=…)` is `{of}({names[name]}=…)` today")
            kwargs[names[name]] = kwargs.pop(name)
        return function(*args, **kwargs)

    wrapper.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # Keras does not unwrap
    return wrapper


def _add_learning_rate_alias(hooks: Hooks, optimizer: Any) -> None:
    def read(self: Any) -> Any:
        return self.learning_rate

    def write(self: Any, value: Any) -> None:
        self.learning_rate = value

    hooks.replace(optimizer, "lr", property(read, write))


def _add_methods(hooks: Hooks, model: Any, note: Note) -> None:
    """Restore ``predict_classes``, ``predict_proba`` and the generator methods, which today are ``predict``, ``fit``
    and ``evaluate``."""

    def predict_classes(self: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        note("`predict_classes` is the argmax of `predict` today")
        outputs = self.predict(x, *args, **kwargs)
        return outputs.argmax(axis=-1) if outputs.shape[-1] > 1 else (outputs > 0.5).astype("int32")

    def predict_proba(self: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        note("`predict_proba` is `predict` today")
        return self.predict(x, *args, **kwargs)

    for name, method in (("predict_classes", predict_classes), ("predict_proba", predict_proba)):
        hooks.add(model, name, method)
    for name in ("fit", "evaluate", "predict"):
        hooks.add(model, f"{name}_generator", _of_generators(name, note))


def _of_generators(name: str, note: Note) -> Callable[..., Any]:
    def method(self: Any, generator: Any, *args: Any, **kwargs: Any) -> Any:
        note(f"`{name}_generator` is `{name}` today")
        for dropped in ("max_queue_size", "workers", "use_multiprocessing", "pickle_safe", "max_q_size"):
            kwargs.pop(dropped, None)
        return getattr(self, name)(generator, *args, **kwargs)

    return method


def _plot_model(*args: Any, **kwargs: Any) -> None:
    """Replace the drawing of a network, which fails the cell if graphviz is missing."""
    print("The network is not drawn while a notebook is checked.")


def _accept_file_endings(hooks: Hooks, keras: Any, note: Note) -> None:
    """Let Keras 3 write and read models under any file name, as legacy Keras does."""

    def model_path(path: Any) -> Any:
        return _completed(path, MODEL_ENDINGS, ".keras", note)

    def weights_path(path: Any) -> Any:
        return _completed(path, (WEIGHTS_ENDING, ".keras"), WEIGHTS_ENDING, note)

    model = keras.Model
    hooks.replace(model, "save", _with_path(model.save, model_path))
    hooks.replace(model, "save_weights", _with_path(model.save_weights, weights_path))
    load_weights = _with_path(model.load_weights, lambda path: path if _is_file(path) else weights_path(path))
    hooks.replace(model, "load_weights", load_weights)
    load = _with_path(keras.models.load_model, lambda path: path if _is_file(path) else model_path(path), first=0)
    hooks.replace_in_keras(keras, "models", "load_model", load)
    checkpoint = keras.callbacks.ModelCheckpoint
    original = checkpoint.__init__

    @functools.wraps(original)
    def initialise(self: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("period", None)
        weights_only = kwargs.get("save_weights_only") or (len(args) > 3 and args[3])
        endings, ending = ((WEIGHTS_ENDING,), WEIGHTS_ENDING) if weights_only else ((".keras", ".h5"), ".keras")
        original(self, _completed(filepath, endings, ending, note), *args, **kwargs)

    hooks.replace(checkpoint, "__init__", initialise)


def _is_file(path: Any) -> bool:
    return isinstance(path, str | os.PathLike) and Path(path).is_file()


def _completed(path: Any, endings: tuple[str, ...], ending: str, note: Note) -> Any:
    if not isinstance(path, str | os.PathLike) or str(path).endswith(endings):
        return path
    note(f"Keras 3 wants file names that end in `{ending}`: it was added")
    return f"{path}{ending}"


def _with_path(method: Callable[..., Any], change: Callable[[Any], Any], first: int = 1) -> Callable[..., Any]:
    """Return a function whose argument number ``first``, a path, goes through ``change``."""
    name = list(inspect.signature(method).parameters)[first]

    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if len(args) > first:
            args = (*args[:first], change(args[first]), *args[first + 1 :])
        elif name in kwargs:
            kwargs[name] = change(kwargs[name])
        return method(*args, **kwargs)

    return wrapper
