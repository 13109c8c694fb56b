"""Hooks: whatever they replace is as before once their context is left."""

import sys
import types
from typing import Any

import pytest

from checker.guest.compat import adaptation, wrappers
from checker.guest.plain.hooks import Hooks, keras_homes
from checker.guest.watch import executions
from checker.guest.watch.capture import Capture
from checker.guest.watch.registry import ModelRegistry
from checker.guest.watch.staticgraph import StaticGraphs
from checker.guest.watch.tape import Tapes
from checker.records.assignment import Caps


class Base:
    """A class with a method to inherit."""

    def inherited(self) -> str:
        return "inherited"


class Owner(Base):
    """A class with methods of each kind."""

    value = 1

    @staticmethod
    def still() -> str:
        return "still"

    @property
    def shown(self) -> str:
        return "shown"


class Lazy(types.ModuleType):
    """A module that looks its attributes up elsewhere, as TensorFlow's do."""

    def __init__(self) -> None:
        super().__init__("lazy")
        object.__setattr__(self, "_there", types.SimpleNamespace(old=1))

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_there"), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(object.__getattribute__(self, "_there"), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(object.__getattribute__(self, "_there"), name)


def change(hooks: Hooks, lazy: Lazy, items: dict[str, Any], things: list[int]) -> None:
    """Replace, wrap, add, put, insert and append something, some of it twice."""
    for name in ("value", "still", "shown", "inherited", "new"):
        hooks.replace(Owner, name, f"first {name}")
    hooks.wrap(Owner, "value", lambda before: f"second after {before}")
    hooks.add(Owner, "value", "never")
    hooks.add(Owner, "newer", 3)
    for name in ("old", "new"):
        hooks.replace(lazy, name, 2)
    for key in ("a", "b"):
        hooks.put(items, key, "changed")
    hooks.insert(things, 0, 7)
    hooks.append(things, 8)
    assert (Owner.value, Owner.newer, lazy.new) == ("second after first value", 3, 2)  # type: ignore[attr-defined]
    assert (items, things) == ({"a": "changed", "b": "changed"}, [7, 1, 2, 8])


def change_and_fail(lazy: Lazy, items: dict[str, Any], things: list[int], within: bool) -> None:
    """The same with an error, within the context or while it is left."""
    with Hooks() as hooks:
        change(hooks, lazy, items, things)
        hooks.callback(lambda: 1 / (1 if within else 0))
        _ = 1 / (0 if within else 1)


@pytest.mark.parametrize("within", [False, True])
def test_all_is_as_before_after_the_context(within: bool) -> None:
    """Values, descriptors, inherited methods, lazy modules, mappings and lists: also after an error within."""
    before, lazy, items, things = dict(vars(Owner)), Lazy(), {"a": 1}, [1, 2]
    with Hooks() as hooks:
        change(hooks, lazy, items, things)
    with pytest.raises(ZeroDivisionError):
        change_and_fail(lazy, items, things, within=within)
    assert dict(vars(Owner)) == before
    assert (Owner.inherited, lazy.old, hasattr(lazy, "new")) == (Base.inherited, 1, False)
    assert (items, things) == ({"a": 1}, [1, 2])


def test_what_is_gone_already_is_no_error() -> None:
    """Code that runs within may delete what was added."""
    things: list[int] = []
    with Hooks() as hooks:
        hooks.replace(Owner, "new", 1)
        hooks.put(vars(sys.modules[__name__]), "gone", 1)
        hooks.append(things, 1)
        del Owner.new, sys.modules[__name__].gone  # type: ignore[attr-defined]
        things.clear()
    assert not hasattr(Owner, "new")


@pytest.mark.tensorflow
def test_what_the_kernel_replaces_in_libraries_is_as_before(tf: Any) -> None:
    """After the hooks of the kernel, no attribute of Keras, TensorFlow, NumPy, pandas or scikit-learn differs."""
    import numpy as np
    import pandas as pd
    from sklearn import metrics, preprocessing

    keras = tf.keras
    v1, checkpoint = tf.compat.v1, keras.callbacks.ModelCheckpoint
    assert tf.losses.Loss, "TensorFlow loads it when it is first used"
    parts = ("models", "utils", "optimizers", "initializers", "losses")
    homes = [home for part in parts for home in keras_homes(keras, part)]
    owners = [np, pd, pd.DataFrame, pd.Series, metrics, preprocessing, preprocessing.OneHotEncoder, tf, tf.nn,
              tf.GradientTape, type(tf.function(len)), tf.data.Dataset, keras.losses.Loss, checkpoint,
              v1.Session, v1.train.Optimizer, *keras.Model.__mro__, *keras.layers.Dense.__mro__,
              *keras.optimizers.Adam.__mro__, *homes]  # fmt: skip
    registry = ModelRegistry(tf, Caps(100, 150, 1_000, 10_000), lambda *said: None, lambda: 1)
    capture = Capture(tf, registry)
    notes: list[str] = []
    before = [dict(vars(owner)) for owner in owners]
    modules = dict(sys.modules)
    with Hooks() as hooks:
        adaptation.install(hooks, tf, notes.append, legacy=False)
        wrappers.install(hooks, keras, notes.append)
        capture.install(hooks)
        adaptation.accept_former_epochs(hooks, keras, notes.append)
        executions.stop_tuning(hooks, tf)
        StaticGraphs(tf, registry).install(hooks)
        Tapes(tf, capture).install(hooks)
        assert [dict(vars(owner)) for owner in owners] != before
    for owner, values in zip(owners, before, strict=True):
        now = dict(vars(owner))
        assert {name for name in values.keys() | now.keys() if values.get(name) is not now.get(name)} <= {"__doc__"}
    assert {name for name in modules if sys.modules.get(name) is not modules[name]} == set()
