"""Python code from plain data: literals, and calls of Keras's classes.

Theory of operation: the data is a student's, and the code will run on a demonstrator's machine without any sandbox.
So a value enters only as a literal of its type, and a name (of a class, of a setting) only if ``allow_list`` lists
exactly that name. Every value that a template of ``environment`` prints becomes a literal. Only ``Code``, which is
built here, passes unchanged.
"""

import json
import math
from collections.abc import Mapping
from functools import cache

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import JsonValue

from checker.errors import EvidenceError
from checker.keras_spec import allow_list
from checker.records.network import KerasObject

WIDTH = 100
"""Maximum number of characters of a line; in a longer one, the contents of brackets go onto separate lines."""

_USUAL: Mapping[str, JsonValue] = {
    "use_bias": True,
    "kernel_initializer": {"class_name": "GlorotUniform", "config": {}},
    "bias_initializer": {"class_name": "Zeros", "config": {}},
    "beta_initializer": {"class_name": "Zeros", "config": {}},
    "gamma_initializer": {"class_name": "Ones", "config": {}},
    "moving_mean_initializer": {"class_name": "Zeros", "config": {}},
    "moving_variance_initializer": {"class_name": "Ones", "config": {}},
    **dict.fromkeys(
        "kernel_regularizer bias_regularizer activity_regularizer beta_regularizer gamma_regularizer "
        "embeddings_regularizer kernel_constraint bias_constraint embeddings_constraint "
        "clipnorm global_clipnorm clipvalue baseline".split()
    ),
    "use_ema": False,
    "ema_momentum": 0.99,
    "amsgrad": False,
}
"""Defaults, the same for every class with the setting; only other values are written."""


class Code(str):
    """Python code that was built here."""

    __slots__ = ()


@cache
def environment() -> Environment:
    """Return the jinja2 environment that renders scripts."""
    made = Environment(  # noqa: S701  # no HTML: every printed value becomes a Python literal
        loader=PackageLoader("checker.report"),
        undefined=StrictUndefined,
        finalize=literal,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"indented": indented, "verbatim": Code}
    return made


def literal(value: object) -> Code:
    """Return a plain value as a Python literal."""
    if isinstance(value, Code):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return Code(f"float({str(value)!r})")
    if value is None or isinstance(value, bool | int | float | str):
        return Code(repr(value))
    if isinstance(value, Mapping):
        return bracketed("{", [f"{literal(k)}: {literal(v)}" for k, v in value.items()], "}")
    if isinstance(value, list | tuple):
        return bracketed("[", [literal(part) for part in value], "]")
    raise TypeError(f"{type(value).__name__} is no plain value")


def keras_object(thing: KerasObject, home: str, allowed: Mapping[str, str]) -> Code:
    """Return the call that makes a Keras object, such as ``keras.layers.Dense(units=50, activation='relu')``.

    Raises EvidenceError for a class or a setting that is not in ``allowed``.
    """
    keys = allowed.get(thing.class_name, "").split()
    if thing.class_name not in allowed or set(thing.config) - set(keys):
        raise EvidenceError("a class of Keras, or a setting of one, is not in the vocabulary")
    named = {key: value for key, value in thing.config.items() if not _is_usual(key, value)}
    arguments = [f"{key}={_setting(key, value)}" for key, value in named.items()]
    return bracketed(f"keras.{home}.{thing.class_name}(", arguments, ")")


def _is_usual(key: str, value: JsonValue) -> bool:
    return key in _USUAL and json.dumps(_USUAL[key]) == json.dumps(value)


def _setting(key: str, value: JsonValue) -> Code:
    if isinstance(value, dict):
        config = value.get("config")
        inner = KerasObject(str(value.get("class_name")), config if isinstance(config, dict) else {})
        return keras_object(inner, _home(key), allow_list.nested(key))
    if isinstance(value, list):
        return bracketed("[", [_setting(key, part) for part in value], "]")
    if key == "learning_rate" and isinstance(
        value, float
    ):  # Keras keeps it as float32: 0.001, not 0.0010000000474974513
        return literal(float(str(np.float32(value))))
    return literal(value)


def _home(key: str) -> str:
    """Return the module of Keras that has the classes of a setting's values."""
    ending = key.rpartition("_")[2]
    if ending in ("initializer", "regularizer", "constraint"):
        return f"{ending}s"
    return "layers" if key == "activation" else "optimizers.schedules"


def bracketed(start: str, parts: list[str], end: str) -> Code:
    """Return parts between brackets: on one line if they fit, else each on a line of its own."""
    line = f"{start}{', '.join(parts)}{end}"
    if not parts or (len(line) <= WIDTH and "\n" not in line):
        return Code(line)
    return Code("\n".join([start, *(f"    {indented(part)}," for part in parts), end]))


def indented(code: str, columns: int = 4) -> Code:
    """Return code with all lines after the first indented by ``columns``.

    A literal never holds a line break of its own: ``repr`` escapes it.
    """
    return Code(code.replace("\n", "\n" + " " * columns))
