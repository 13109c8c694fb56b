"""Small helps that change no meaning: settings and methods that libraries have dropped since the practical was set.

Theory of operation: a student's code was written for the versions of its day. What has only been renamed, or
can be said in today's words exactly, is translated when it is used, and every translation that was used is noted
once, so that the report lists it. Nothing is translated that would train another network.
"""

import ast
import functools
import importlib
import importlib.util
import inspect
import os
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from checker.guest.plain.hooks import Hooks, keras_homes
from checker.guest.plain.notes import Note
from checker.keras_spec import allow_list

MODEL_ENDINGS = (".keras", ".h5", ".hdf5")
WEIGHTS_ENDING = ".weights.h5"


def install(hooks: Hooks, tf: Any, note: Note, legacy: bool) -> None:
    """Make TensorFlow, Keras, NumPy, pandas, scikit-learn and matplotlib understand what they once did."""
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
        set_seed = _noted(tf.random.set_seed, "`tf.set_random_seed` is `tf.random.set_seed` today", note)
        hooks.replace(tf, "set_random_seed", set_seed)
        hooks.replace(tf.random, "set_random_seed", set_seed)
    _adapt_numpy(hooks, note)
    _adapt_pandas(hooks, note)
    _adapt_sklearn(hooks, note)
    _adapt_matplotlib(hooks, note)


def _noted(function: Callable[..., Any], words: str, note: Note) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        note(words)
        return function(*args, **kwargs)

    return wrapper


# -- Keras ---------------------------------------------------------------------------------------------


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
    """Give back names of optimizers and initialisers, and the backend's session where Keras still has one."""
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
    """Let layers be made with the names that their settings had in Keras 1."""
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
    """Let ``fit`` take its epochs by their name in Keras 1: around all that watches ``fit``, which knows today's."""
    trainer: Any = next(kind for kind in keras.Model.__mro__ if "fit" in vars(kind))
    hooks.replace(trainer, "fit", _renaming(trainer.fit, "fit", {"nb_epoch": "epochs"}, note))


def _renaming(function: Callable[..., Any], of: str, names: Mapping[str, str], note: Note) -> Callable[..., Any]:
    """Return a function that takes settings by their former names too."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for name in [name for name in names if name in kwargs]:
            note(f"`{of}({name}=…)` is `{of}({names[name]}=…)` today")
            kwargs[names[name]] = kwargs.pop(name)
        return function(*args, **kwargs)

    wrapper.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # Keras asks without unwrapping
    return wrapper


def _add_learning_rate_alias(hooks: Hooks, optimizer: Any) -> None:
    def read(self: Any) -> Any:
        return self.learning_rate

    def write(self: Any, value: Any) -> None:
        self.learning_rate = value

    hooks.replace(optimizer, "lr", property(read, write))


def _add_methods(hooks: Hooks, model: Any, note: Note) -> None:
    """Give back ``predict_classes`` and the methods for generators, which ``fit`` and its kin do today."""

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
    """Stand in for the drawing of a network, which needs graphviz and fails the cell without it."""
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


# -- around Keras --------------------------------------------------------------------------------------


def tell_written(hooks: Hooks, shell: Any, note: Note) -> None:
    """Say where a cell writes numbers with ``repr``."""

    class Written(ast.NodeVisitor):
        def visit(self, node: ast.AST) -> Any:
            is_repr = isinstance(node, ast.Name) and node.id == "repr"
            if is_repr or (isinstance(node, ast.FormattedValue) and node.conversion == ord("r")):
                note("`repr` writes NumPy's numbers as `5.0`, as before NumPy 2, not as `np.float64(5.0)`")
            self.generic_visit(node)
            return node

    hooks.append(shell.ast_transformers, Written())


def _adapt_numpy(hooks: Hooks, note: Note) -> None:
    import numpy as np

    hooks.callback(np.set_printoptions, legacy=np.get_printoptions()["legacy"])
    np.set_printoptions(legacy="1.25")
    former = {"float": float, "int": int, "object": object, "str": str, "complex": complex, "float_": np.float64,
              "complex_": np.complex128, "cfloat": np.complex128, "longfloat": np.longdouble, "string_": np.bytes_,
              "unicode_": np.str_, "Inf": np.inf, "Infinity": np.inf, "infty": np.inf, "PINF": np.inf,
              "NINF": -np.inf, "NaN": np.nan, "NAN": np.nan, "product": np.prod, "cumproduct": np.cumprod,
              "round_": np.round, "alltrue": np.all, "sometrue": np.any, "in1d": np.isin, "trapz": np.trapezoid,
              "row_stack": np.vstack}  # fmt: skip
    original: Any = np.__getattr__

    def look_up(name: str) -> Any:
        if name in former:
            note(f"`np.{name}` has another name in today's NumPy")
            return former[name]
        return original(name)

    hooks.replace(np, "__getattr__", look_up)


def _adapt_pandas(hooks: Hooks, note: Note) -> None:
    import pandas as pd
    from pandas.core.groupby import DataFrameGroupBy

    def append(self: Any, other: Any, ignore_index: bool = False, **kwargs: Any) -> Any:
        note("`append` of a table is `pd.concat` today")
        rows = pd.DataFrame([other]) if isinstance(other, dict) else other
        return pd.concat([self, rows], ignore_index=ignore_index)

    original = pd.get_dummies

    @functools.wraps(original)
    def get_dummies(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("dtype") is None and len(args) < 8:
            note("`pd.get_dummies` gives 0 and 1, as before pandas 2, not False and True")
            kwargs["dtype"] = "uint8"
        return original(*args, **kwargs)

    hooks.replace(pd, "get_dummies", get_dummies)
    for name in ("corr", "cov", "corrwith", "mean", "median", "std", "var", "sem", "skew", "kurt", "quantile"):
        for owner in (pd.DataFrame, DataFrameGroupBy):
            if hasattr(owner, name):
                hooks.replace(owner, name, _of_numbers(getattr(owner, name), name, note))
    hooks.replace(pd.DataFrame, "drop", _with_axis(pd.DataFrame.drop, note))
    for kind in (pd.DataFrame, pd.Series):
        known: Any = kind
        for name, method in (
            ("append", append),
            ("iteritems", _noted(known.items, "`iteritems` is `items` today", note)),
            ("as_matrix", _noted(known.to_numpy, "`as_matrix` is `to_numpy` today", note)),
            ("ix", property(lambda self: _Ix(self, note))),
        ):
            hooks.add(known, name, method)


def _of_numbers(original: Callable[..., Any], name: str, note: Note) -> Callable[..., Any]:
    """Return a statistic of a table that leaves out columns of words where it fails with them, as before pandas 2."""

    @functools.wraps(original)
    def statistic(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        except (TypeError, ValueError):
            if "numeric_only" in kwargs:
                raise
            try:
                found = original(self, *args, **kwargs, numeric_only=True)
            except (TypeError, ValueError):
                found = None
            if found is None:
                raise
        note(f"`{name}` of a table left out its columns of words, as before pandas 2 (`numeric_only=True`)")
        return found

    return statistic


def _with_axis(original: Callable[..., Any], note: Note) -> Callable[..., Any]:
    """Return ``drop`` that takes its axis without its name."""

    @functools.wraps(original)
    def drop(self: Any, labels: Any = None, *args: Any, **kwargs: Any) -> Any:
        if args and "axis" not in kwargs:
            note("`drop(labels, 1)` is `drop(labels, axis=1)` today")
            kwargs["axis"], args = args[0], args[1:]
        return original(self, labels, *args, **kwargs)

    return drop


class _Ix:
    """``ix`` of a table, which took labels and, where there were none, positions."""

    def __init__(self, table: Any, note: Note) -> None:
        self._table, self._note = table, note

    def _place(self, key: Any) -> Any:
        self._note("`ix` is `loc` or `iloc` today")
        labels = self._table.index
        return "iloc" if labels.inferred_type != "integer" and _is_position(key) else "loc"

    def _split(self, key: Any) -> Any:
        """Return rows by ``loc``'s key, where the columns are given as positions."""
        if isinstance(key, tuple) and len(key) == 2 and _is_position(key[1]):
            columns = self._table.columns
            return key[0], columns[key[1]] if columns.inferred_type != "integer" else key[1]
        return key

    def __getitem__(self, key: Any) -> Any:
        return getattr(self._table, self._place(key))[self._split(key) if self._place(key) == "loc" else key]

    def __setitem__(self, key: Any, value: Any) -> None:
        getattr(self._table, self._place(key))[self._split(key) if self._place(key) == "loc" else key] = value


def _is_position(key: Any) -> bool:
    if isinstance(key, tuple):
        return bool(key) and all(map(_is_position, key))
    if isinstance(key, slice):
        ends = [end for end in (key.start, key.stop) if end is not None]
        return bool(ends) and all(isinstance(end, int) for end in ends)
    return isinstance(key, int) or (isinstance(key, list) and bool(key) and all(type(one) is int for one in key))


def _adapt_sklearn(hooks: Hooks, note: Note) -> None:
    from sklearn import impute, metrics, model_selection, preprocessing

    original = preprocessing.OneHotEncoder.__init__

    @functools.wraps(original)
    def initialise(self: Any, **kwargs: Any) -> None:
        if "sparse" in kwargs:
            note("`OneHotEncoder(sparse=…)` is `sparse_output=…` today")
            kwargs["sparse_output"] = kwargs.pop("sparse")
        original(self, **kwargs)

    encoder = preprocessing.OneHotEncoder
    hooks.replace(encoder, "__init__", initialise)
    words = "`get_feature_names` is `get_feature_names_out` today"
    hooks.replace(encoder, "get_feature_names", _noted(encoder.get_feature_names_out, words, note))
    error = metrics.mean_squared_error

    @functools.wraps(error)
    def mean_squared_error(*args: Any, **kwargs: Any) -> Any:
        squared = kwargs.pop("squared", True)
        return error(*args, **kwargs) if squared else error(*args, **kwargs) ** 0.5

    hooks.replace(metrics, "mean_squared_error", mean_squared_error)

    def imputer(missing_values: Any = "NaN", strategy: str = "mean", axis: int = 0, **kwargs: Any) -> Any:
        if axis != 0:
            raise TypeError("`Imputer(axis=1)` filled gaps by rows, which today's SimpleImputer does not")
        note("`Imputer` is `sklearn.impute.SimpleImputer` today")
        gap = float("nan") if missing_values == "NaN" else missing_values
        return impute.SimpleImputer(missing_values=gap, strategy=strategy, copy=kwargs.get("copy", True))

    def categorical(encoding: str = "onehot", **kwargs: Any) -> Any:
        note("`CategoricalEncoder` is `OneHotEncoder` or `OrdinalEncoder` today")
        if encoding == "ordinal":
            return preprocessing.OrdinalEncoder()
        return preprocessing.OneHotEncoder(sparse_output=encoding == "onehot", **kwargs)

    def shown(display: str) -> Callable[..., Any]:
        def plot(*args: Any, **kwargs: Any) -> Any:
            note(f"the former way to plot is `{display}.from_estimator` today")
            return getattr(metrics, display).from_estimator(*args, **kwargs)

        return plot

    gone: dict[Any, dict[str, Callable[..., Any]]] = {
        preprocessing: {"Imputer": imputer, "CategoricalEncoder": categorical},
        metrics: {
            "plot_confusion_matrix": shown("ConfusionMatrixDisplay"),
            "plot_roc_curve": shown("RocCurveDisplay"),
            "plot_precision_recall_curve": shown("PrecisionRecallDisplay"),
        },
    }
    for home, functions in gone.items():
        for name, function in functions.items():
            hooks.add(home, name, function)
    names = ("train_test_split", "cross_val_score", "cross_val_predict", "GridSearchCV", "RandomizedSearchCV")
    for former in ("cross_validation", "grid_search"):
        _move(
            hooks,
            f"sklearn.{former}",
            {name: getattr(model_selection, name) for name in names},
            "model_selection",
            note,
        )
    _move(hooks, "sklearn.externals", {}, "", note)
    _move(hooks, "sklearn.externals.joblib", vars(importlib.import_module("joblib")), "joblib", note)


def _move(hooks: Hooks, name: str, contents: Mapping[str, Any], today: str, note: Note) -> None:
    """Make a former module, whose contents are elsewhere today, where there is none of its name."""
    if importlib.util.find_spec(name) is None:
        made = types.ModuleType(name)
        made.__path__ = []

        def look_up(wanted: str) -> Any:
            if wanted.startswith("__") or wanted not in contents:
                raise AttributeError(f"module {name!r} has no attribute {wanted!r}; it is no longer in scikit-learn")
            note(f"`{name}` is `{today}` today")
            return contents[wanted]

        made.__getattr__ = look_up  # type: ignore[method-assign]
        hooks.put(sys.modules, name, made)
        home, _, part = name.rpartition(".")
        hooks.replace(sys.modules[home], part, made)


def _adapt_matplotlib(hooks: Hooks, note: Note) -> None:
    import matplotlib.style

    original = matplotlib.style.use

    @functools.wraps(original)
    def use(style: Any) -> None:
        if isinstance(style, str) and style.startswith("seaborn") and "v0_8" not in style:
            style = style.replace("seaborn", "seaborn-v0_8", 1)
        original(style)

    hooks.replace(matplotlib.style, "use", use)
