"""The terms that a formula may scale: functions of one or two of the data's columns. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from checker.records.arrays import Array

MOST_PAIRED = 16
"""Maximum number of columns that are paired; the first ones are taken."""


@dataclass(frozen=True)
class Term:
    """A function ``of`` the data's columns (k, d), giving (k,)."""

    words: str
    of: Callable[[Array], Array]


FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "{}": np.asarray,
    "log({})": np.log,
    "log1p({})": np.log1p,
    "sqrt({})": np.sqrt,
    "cbrt({})": np.cbrt,
    "{} squared": np.square,
    "1 / {}": np.reciprocal,
    "exp({})": np.exp,
}
OF_TWO: Mapping[str, Callable[[Array, Array], Array]] = {
    "{} / {}": lambda a, b: a / b,
    "{1} / {0}": lambda a, b: b / a,
    "{} * {}": lambda a, b: a * b,
    "{} - {}": lambda a, b: a - b,
    "{} + {}": lambda a, b: a + b,
    "log({} / {})": lambda a, b: np.log(a / b),
    "log1p({} / {})": lambda a, b: np.log1p(a / b),
    "log1p({1} / {0})": lambda a, b: np.log1p(b / a),
}


def all_terms(names: Sequence[str]) -> list[Term]:
    """Return all terms, the simplest first."""
    of_one = [
        Term(words.format(name), partial(_of_one, function, j))
        for words, function in FUNCTIONS.items()
        for j, name in enumerate(names)
    ]
    of_two = [
        Term(words.format(names[j], names[k]), partial(_of_two, function, j, k))
        for words, function in OF_TWO.items()
        for j, k in combinations(range(min(len(names), MOST_PAIRED)), 2)
    ]
    return of_one + of_two


def _of_one(function: Callable[[Array], Array], j: int, features: Array) -> Array:
    return finite(function(features[:, j]))


def _of_two(function: Callable[[Array, Array], Array], j: int, k: int, features: Array) -> Array:
    return finite(function(features[:, j], features[:, k]))


def finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)
