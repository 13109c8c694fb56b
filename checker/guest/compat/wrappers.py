"""``keras.wrappers.scikit_learn`` as it was: Keras networks as estimators of scikit-learn.

Keras dropped the module in 2023. Packages that replaced it take other parameters and return other scores. This one
keeps the former meaning: ``build_fn`` makes the network, every other parameter goes to whichever of ``build_fn``,
``fit``, ``predict`` and ``evaluate`` has one of that name, and ``model`` is the trained network.

The classes have a module of their own, so that joblib's processes can import them.
"""

import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from checker.guest.compat.absent import made_module
from checker.guest.plain.hooks import Hooks
from checker.guest.plain.notes import Note

WORDS = "`keras.wrappers.scikit_learn` is no part of Keras today; it was here as it was"


class Wrapper(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The common part of both kinds of estimators."""

    note: Note = staticmethod(lambda words: None)

    def __init__(self, build_fn: Any = None, **sk_params: Any) -> None:
        self.build_fn, self.sk_params = build_fn, sk_params

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters as they were given."""
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> Any:
        """Replace parameters, or add some."""
        self.build_fn = params.pop("build_fn", self.build_fn)
        self.sk_params.update(params)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a network."""
        return hasattr(self, "model")

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Make a network, train it, and return its history."""
        self.note(WORDS)
        build = self.build_fn if self.build_fn is not None else self.__call__
        known = build if inspect.isroutine(build) else build.__call__
        self.model = build(**self._settings(known))
        if _is_one_hot(self.model) and np.ndim(y) != 2:
            y = np.eye(int(np.max(y)) + 1)[np.asarray(y, dtype=int)]
        settings = self._settings(type(self.model).fit)
        if "nb_epoch" in self.sk_params:
            settings.setdefault("epochs", self.sk_params["nb_epoch"])
        return self.model.fit(x, y, **{**settings, **kwargs})

    def _settings(self, function: Callable[..., Any], **given: Any) -> dict[str, Any]:
        """Return the parameters that a function accepts, updated with ``given``."""
        names = inspect.signature(function).parameters
        return {**{name: value for name, value in self.sk_params.items() if name in names}, **given}

    def _outputs(self, x: Any, **kwargs: Any) -> Any:
        return self.model.predict(x, **self._settings(type(self.model).predict, **kwargs))

    def _tested(self, x: Any, y: Any, **kwargs: Any) -> dict[str, float]:
        settings = self._settings(type(self.model).evaluate, **kwargs)
        found: dict[str, float] = self.model.evaluate(x, y, **{**settings, "return_dict": True})
        return found


class KerasClassifier(ClassifierMixin, Wrapper):  # type: ignore[misc]  # as above
    """A network that predicts classes."""

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Train a network on class labels of any kind, or on one-hot columns."""
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        else:
            self.classes_ = np.unique(y)
            y = np.searchsorted(self.classes_, y)
        self.n_classes_ = len(self.classes_)
        return super().fit(x, y, **kwargs)

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """Return the predicted class of each row."""
        outputs = self._outputs(x, **kwargs)
        if outputs.shape[-1] > 1:
            return self.classes_[outputs.argmax(axis=-1)]
        return self.classes_[(outputs > 0.5).astype("int32")]

    def predict_proba(self, x: Any, **kwargs: Any) -> Any:
        """Return a column of probabilities for each class."""
        outputs = self._outputs(x, **kwargs)
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Return the accuracy, which the network must have been compiled to measure."""
        y = np.asarray(y)
        if y.ndim == 1 or y.shape[1] == 1:
            y = np.searchsorted(self.classes_, y)
            if _is_one_hot(self.model):
                y = np.eye(self.n_classes_)[y.reshape(-1)]
        found = self._tested(x, y, **kwargs)
        for name in ("accuracy", "acc"):
            if name in found:
                return float(found[name])
        raise ValueError("The network was not compiled to tell its accuracy: give compile metrics=['accuracy'].")


class KerasRegressor(RegressorMixin, Wrapper):  # type: ignore[misc]  # as above
    """A network that predicts a number."""

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """Return the predicted number for each row."""
        outputs = self._outputs(x, **kwargs)
        return np.squeeze(outputs, axis=-1) if outputs.ndim > 1 and outputs.shape[-1] == 1 else outputs

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Return the negative loss."""
        return -float(self._tested(x, y, **kwargs)["loss"])


def _is_one_hot(model: Any) -> bool:
    return bool(getattr(model.loss, "__name__", model.loss) == "categorical_crossentropy")


def install(hooks: Hooks, keras: Any, note: Note) -> None:
    """Make the module importable under each name that students use, and reachable as an attribute."""
    hooks.replace(Wrapper, "note", staticmethod(note))
    made = made_module(
        hooks, "keras.wrappers.scikit_learn", KerasClassifier=KerasClassifier, KerasRegressor=KerasRegressor
    )
    for name in ("keras", "tensorflow.keras"):
        root: Any = importlib.import_module(name)
        for home in (root, keras):
            if not hasattr(home, "wrappers"):
                hooks.replace(home, "wrappers", made_module(hooks, f"{name}.wrappers", __path__=[]))
            hooks.replace(home.wrappers, "scikit_learn", made)
        hooks.put(sys.modules, f"{name}.wrappers", sys.modules.get(f"{name}.wrappers", root.wrappers))
        hooks.put(sys.modules, f"{name}.wrappers.scikit_learn", made)
