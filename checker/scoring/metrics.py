"""The table of metrics for all tasks: each with its computation, its better direction, and its unit. Pure.

A metric compares a network's outputs for some rows with their labels. For a classification these are class scores (n,
classes) and class numbers (n,); for a regression, values (n,) and true values (n,), both in the data's unit.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checker.keras_spec.watched import ACCURACY
from checker.records.assignment import Bar

Array = NDArray[Any]

NONE = "\N{EN DASH}"
"""Stands for a missing value."""

_MINUS = "\N{MINUS SIGN}"


# -- units ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unit:
    """The format of numbers of one kind. Differences of percentages are in points."""

    factor: float = 1
    decimals: int = 0
    prefix: str = ""
    suffix: str = ""
    points: str = ""

    @property
    def in_words(self) -> str:
        """The unit of a regression's data: "dollars"."""
        return "dollars" if self.prefix == "$" else self.suffix.strip() or "the data's unit"

    def value(self, number: float | None, more: int = 0) -> str:
        """Return 0.9132 as "91.3%", 61204.7 as "$61,205"; ``more``: extra decimals."""
        if number is None or not math.isfinite(number):
            return NONE
        return f"{'-' if number < 0 else ''}{self.size(number, more)}{self.suffix}"

    def size(self, number: float, more: int = 0) -> str:
        """Return the size of a difference: "0.4", "$812"."""
        return f"{self.prefix}{abs(number) * self.factor:,.{self.decimals + more}f}"

    def amount(self, number: float) -> str:
        """Return the size of a difference, for a sentence: "3.5 points", "$9,000"."""
        return self.size(number) + self.points

    def fine_amount(self, number: float) -> str:
        """Return the size of a small difference, with one more decimal if there are any: "0.21 points", "$213"."""
        return self.size(number, 1 if self.decimals else 0) + self.points

    def difference(self, number: float) -> str:
        """Return a difference with its sign, using a true minus sign: "+1.2", "+$812"."""
        if not math.isfinite(number):
            return NONE
        return f"{_MINUS if math.copysign(1, number) < 0 else '+'}{self.size(number)}"

    def plus_minus(self, mean: float, spread: float) -> str:
        """Return "91.3% ± 0.4", "$61,205 ± $812"."""
        return f"{self.value(mean)} ± {self.size(spread)}"

    def ticks(self, values: Sequence[float]) -> list[tuple[float, str]]:
        """Return an axis's numbers with their labels, with no more decimals than needed."""
        names: list[str] = []
        for decimals in range(5):
            names = [self.value(value, decimals - self.decimals) for value in values]
            if len(set(names)) == len(names):
                break
        return list(zip(values, names, strict=True))


STEP = re.compile(r"([$€£¥]?)(1|0\.0{0,5}1)( \S{1,12})?")
"""The smallest amount that is written, with its unit: "$1", "0.01 kg"."""

PERCENT = Unit(factor=100, decimals=1, suffix="%", points=" points")
DOLLARS = Unit(prefix="$")
PLAIN = Unit(decimals=3)


def unit_of(step: str) -> Unit:
    """Return the unit whose smallest amount is written like this: "$1", "0.01 kg"."""
    found = STEP.fullmatch(step)
    if found is None:
        raise ValueError(f"no amount: {step!r}")
    prefix, number, unit = found.groups(default="")
    return Unit(decimals=len(number.partition(".")[2]), prefix=prefix, suffix=unit, points=unit)


# -- metrics ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Metric:
    """A measure of how good a network is.

    ``in_history``: its name in a training's history, if the history has it in the same unit. ``baseline``: the
    traditional model of its task.
    """

    name: str
    plural: str
    task: str
    baseline: str
    higher_is_better: bool
    unit: Unit
    measure: Callable[[Array, Array], float]
    in_history: str = ""

    @property
    def title(self) -> str:
        """The name, capitalised for the beginning of a sentence."""
        return self.name[0].upper() + self.name[1:]

    @property
    def reaches(self) -> str:
        """The verb for scores at the bar or better."""
        return "reaches" if self.higher_is_better else "is below"

    @property
    def worse(self) -> str:
        """The side of the bar for scores that do not reach it."""
        return "below" if self.higher_is_better else "above"

    def bar(self, bar: Bar, reference: float, baseline: float) -> float:
        """Return the bar, from the means of the reference and of the baseline.

        The bar lies a tolerance off the reference, but at most ``bar.share`` of the way to the baseline.
        """
        tolerance = bar.tolerance if bar.share is None else min(bar.tolerance, bar.share * abs(reference - baseline))
        return reference - tolerance if self.higher_is_better else reference + tolerance

    def error(self, value: float) -> float:
        """Return the distance of a value from the best possible one."""
        return abs((1.0 if self.higher_is_better else 0.0) - value)

    def is_better(self, one: float, other: float) -> bool:
        """Tell whether one value is better than another."""
        return one > other if self.higher_is_better else one < other


def accuracy(outputs: Array, labels: Array) -> float:
    """Return the share of rows (n, classes) whose largest output is the label's."""
    return float(np.mean(outputs.argmax(axis=1) == labels))


def rmse(values: Array, true: Array) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(np.mean(np.square(values - true))))


def mae(values: Array, true: Array) -> float:
    """Return the mean absolute error."""
    return float(np.mean(np.abs(values - true)))


def r2(values: Array, true: Array) -> float:
    """Return the share of the true values' variance that is explained: 1 at best, 0 for predicting their mean."""
    spread = float(np.var(true))
    return 1 - float(np.mean(np.square(values - true))) / spread if spread else 0.0


GUESSES = {"classification": "majority_class", "regression": "mean"}
"""The baseline of each task that ignores the features."""
_REGRESSION = ("regression", "linear_regression")

METRICS = {
    "accuracy": Metric(
        "accuracy", "accuracies", "classification", "logistic_regression", True, PERCENT, accuracy, ACCURACY.name
    ),
    "rmse": Metric("RMSE", "errors", *_REGRESSION, False, DOLLARS, rmse),
    "mae": Metric("MAE", "errors", *_REGRESSION, False, DOLLARS, mae),
    "r2": Metric("R²", "shares of variance explained", *_REGRESSION, True, PLAIN, r2),
}


def find(name: str, step: str) -> Metric:
    """Return a metric; an error metric gets the assignment's unit."""
    metric = METRICS[name]
    return replace(metric, unit=unit_of(step)) if metric.unit is DOLLARS else metric
