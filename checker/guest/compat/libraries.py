"""Settings and methods that NumPy, pandas, scikit-learn and matplotlib have dropped since the practical was set.

As in ``adaptation``, a former name or setting is translated into today's when it is used, and noted once.
"""

import ast
import functools
import importlib
import importlib.util
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from checker.guest.plain.hooks import Hooks
from checker.guest.plain.notes import Note, noted


def install(hooks: Hooks, note: Note) -> None:
    """Make NumPy, pandas, scikit-learn and matplotlib accept their former names and settings."""
    _adapt_numpy(hooks, note)
    _adapt_pandas(hooks, note)
    _adapt_sklearn(hooks, note)
    _adapt_matplotlib(hooks, note)


def tell_written(hooks: Hooks, shell: Any, note: Note) -> None:
    """Note the cells that format numbers with ``repr``."""

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
            ("iteritems", noted(known.items, "`iteritems` is `items` today", note)),
            ("as_matrix", noted(known.to_numpy, "`as_matrix` is `to_numpy` today", note)),
            ("ix", property(lambda self: _Ix(self, note))),
        ):
            hooks.add(known, name, method)


def _of_numbers(original: Callable[..., Any], name: str, note: Note) -> Callable[..., Any]:
    """Return a table statistic that retries without text columns if it fails, as before pandas 2."""

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
    """Return a ``drop`` that accepts ``axis`` as a positional argument."""

    @functools.wraps(original)
    def drop(self: Any, labels: Any = None, *args: Any, **kwargs: Any) -> Any:
        if args and "axis" not in kwargs:
            note("`drop(labels, 1)` is `drop(labels, axis=1)` today")
            kwargs["axis"], args = args[0], args[1:]
        return original(self, labels, *args, **kwargs)

    return drop


class _Ix:
    """The former ``ix`` of a table: selects by label, or by position if the index has no integer labels."""

    def __init__(self, table: Any, note: Note) -> None:
        self._table, self._note = table, note

    def _place(self, key: Any) -> Any:
        self._note("`ix` is `loc` or `iloc` today")
        labels = self._table.index
        return "iloc" if labels.inferred_type != "integer" and _is_position(key) else "loc"

    def _split(self, key: Any) -> Any:
        """Return the key for ``loc``: column positions become labels."""
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
    hooks.replace(encoder, "get_feature_names", noted(encoder.get_feature_names_out, words, note))
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
    """Add a former module, whose contents have moved, unless a module of that name exists."""
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
