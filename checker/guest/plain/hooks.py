"""Replacements of functions, methods and modules that can be undone.

Theory of operation: the kernel replaces methods of Keras, TensorFlow, NumPy, ``os`` and others by its own. All of these
go through one ``Hooks``, which remembers the former values. Leaving the context restores them in reverse order, so a
method that was wrapped twice is unwrapped twice. The kernel opens one context for its life, a test one for its own.
"""

import contextlib
import functools
import importlib
from collections.abc import Callable, MutableMapping, MutableSequence
from typing import Any

_ABSENT: Any = object()


class Hooks(contextlib.ExitStack):
    """A context manager; leaving it undoes every replacement, also after an error. ``callback`` adds other clean-up."""

    def replace(self, owner: Any, name: str, new: Any) -> None:
        """Set an attribute of a module, class or object, whether or not there was one before."""
        own, before = vars(owner).get(name, _ABSENT), getattr(owner, name, _ABSENT)
        setattr(owner, name, new)
        self.callback(_restore, owner, name, own, before)

    def wrap(self, owner: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
        """Replace an attribute by the result of ``wrapper`` for it."""
        self.replace(owner, name, wrapper(getattr(owner, name)))

    def add(self, owner: Any, name: str, new: Any) -> None:
        """Set an attribute only if there is none."""
        if not hasattr(owner, name):
            self.replace(owner, name, new)

    def replace_in_keras(self, keras: Any, part: str, name: str, new: Any) -> None:
        """Set an attribute of a part of Keras, such as "utils", under every name that students may import it by."""
        for home in keras_homes(keras, part):
            self.replace(home, name, new)

    def put(self, mapping: MutableMapping[str, Any], key: str, value: Any) -> None:
        """Set an item of a mapping, such as ``sys.modules``."""
        before = mapping.get(key, _ABSENT)
        mapping[key] = value
        self.callback(_put_back, mapping, key, before)

    def insert(self, sequence: MutableSequence[Any], at: int, item: Any) -> None:
        """Insert an item into a list, such as ``sys.path_hooks``."""
        sequence.insert(at, item)
        self.callback(_take_out, sequence, item)

    def append(self, sequence: MutableSequence[Any], item: Any) -> None:
        """Append an item to a list, such as ``sys.meta_path``."""
        self.insert(sequence, len(sequence), item)


def keras_homes(keras: Any, part: str) -> list[Any]:
    """Return the modules that are a part of Keras, such as "utils": each name of Keras leads to a module of its own."""
    found = []
    for root in (keras, importlib.import_module("keras"), importlib.import_module("tensorflow.keras")):
        home = functools.reduce(lambda module, name: getattr(module, name, None), part.split("."), root)
        if home is not None:
            found.append(home)
    with contextlib.suppress(ImportError):
        found.append(importlib.import_module(f"tensorflow.keras.{part}"))
    return found


def _restore(owner: Any, name: str, own: Any, before: Any) -> None:
    """Give an attribute its former value. ``own``: the value in the owner itself; ``before``: the value that reading
    returned, which may be inherited by a class or looked up by a lazy module."""
    if own is not _ABSENT:
        setattr(owner, name, own)
    elif name in vars(owner):
        delattr(owner, name)
    elif before is not _ABSENT:  # a lazy module keeps its attributes elsewhere
        setattr(owner, name, before)
    elif hasattr(owner, name):
        delattr(owner, name)


def _put_back(mapping: MutableMapping[str, Any], key: str, before: Any) -> None:
    if before is _ABSENT:
        mapping.pop(key, None)
    else:
        mapping[key] = before


def _take_out(sequence: MutableSequence[Any], item: Any) -> None:
    if item in sequence:
        sequence.remove(item)
