"""Packages that are not installed: their stand-ins, and their sentences for the report.

Theory of operation: a package that only decorates becomes a ``Decoration``, which does nothing. Any other becomes
``Missing``, which raises an explanation when it is used.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Iterator
from typing import Any

from checker.guest.plain.hooks import Hooks

DECORATION = frozenset(
    "altair ann_visualizer bokeh clearml codecarbon colorama comet_ml cufflinks dataframe_image eli5 folium "
    "google.colab graphviz ipympl ipywidgets jupyterthemes keras_visualizer lime line_profiler livelossplot "
    "memory_profiler mglearn missingno mlflow mlxtend mpl_toolkits.basemap neptune netron pandas_profiling plotly "
    "prettytable pydot pydot_ng pydotplus pyecharts seaborn shap streamlit sweetviz tabulate "
    "tensorboard_plugin_profile tensorboardcolab tensorboardX termcolor visualkeras watermark ydata_profiling "
    "yellowbrick".split()
)
"""Packages that draw, print, ask or keep a log, and on which no network depends."""
COURSE = ("seaborn", "scikeras", "keras_tuner", "pydot")
"""Packages that the optional ``course`` extra installs."""
WELL_KNOWN = frozenset(
    "albumentations autokeras boto3 bs4 cartopy catboost cv2 dask datasets deap fastai feature_engine "
    "flax gdown geopandas geopy gensim gym h2o hyperas hyperopt imblearn jax joblib kaggle kerastuner lightgbm "
    "lightning mxnet nltk numba openpyxl optuna pycaret pyspark pytorch_lightning ray requests skimage "
    "skopt spacy statsmodels sympy talos tensorflow_addons tensorflow_datasets tensorflow_decision_forests "
    "tensorflow_hub tensorflow_probability theano torch torchvision tpot transformers umap xgboost".split()
)
"""Packages that are not in the course environment, and that nobody would upload as a file."""


class Missing:
    """Stand-in for a module or name that could not be imported; any use raises ModuleNotFoundError."""

    def __init__(self, words: str) -> None:
        object.__setattr__(self, "_words", words)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ModuleNotFoundError(self._words)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise ModuleNotFoundError(self._words)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> Any:
        raise ModuleNotFoundError(self._words)


class Decoration:
    """Stand-in for a package that draws: every attribute and call does nothing."""

    def __init__(self, **given: Any) -> None:
        vars(self).update(given)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return a decorated function unchanged, as by ``@interact``; else a stand-in with the given ``value``, as a
        slider has."""
        if args and callable(args[0]) and not isinstance(args[0], Decoration):
            return args[0]
        return Decoration(value=kwargs["value"]) if "value" in kwargs else self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __getitem__(self, key: Any) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *ending: object) -> None:
        return None


def offered() -> str:
    """Return, in words, the packages that students may import besides the standard library."""
    found = [name for name in COURSE if is_there(name)]
    return ", ".join(["tensorflow", "keras", "numpy", "pandas", "scikit-learn", "scipy", "matplotlib", *found])


def is_there(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def made_module(hooks: Hooks, name: str, **contents: Any) -> types.ModuleType:
    """Register a module made by us under a name that students import, and return it."""
    made = types.ModuleType(name)
    vars(made).update(contents)
    hooks.put(sys.modules, name, made)
    return made
