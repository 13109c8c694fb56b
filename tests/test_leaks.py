"""Leaks: which inputs reveal the target, among those that no column of the data explains."""

from dataclasses import replace

import numpy as np
import pytest
from record_types import NO_STATISTICS

from checker.judge import leaks
from checker.records.tracing import Column
from checker.scoring.metrics import METRICS

ROWS = 1_500
RANDOM = np.random.default_rng(5)
DATA = RANDOM.normal(size=(ROWS, 4))
CLASSES = (DATA[:, 0] + DATA[:, 1] * DATA[:, 2] + RANDOM.normal(size=ROWS) > 0).astype(np.int32) + (DATA[:, 3] > 1)
VALUES = 100_000 + 30_000 * (DATA[:, 0] + DATA[:, 1] * DATA[:, 2] + RANDOM.normal(size=ROWS))
MASK = RANDOM.random(ROWS) * 50
NOISE = RANDOM.normal(size=ROWS)

both_tasks = pytest.mark.parametrize(("labels", "metric"), [(CLASSES, "accuracy"), (VALUES, "rmse")])


def found(labels, metric, *columns):
    """Search columns for a leak; the data have one column of their own, which is not among them."""
    inputs = np.column_stack([DATA[:, 0], *columns]).astype(np.float32)
    of = METRICS[metric]
    return leaks.find(inputs, DATA, labels, range(1, inputs.shape[1]), of.measure, of.error)


def unit(labels):
    return (labels - labels.mean()) / labels.std()


@pytest.mark.slow
@both_tasks
def test_a_column_that_holds_the_label_is_named(labels, metric):
    """A column with labels is named and a column of noise beside it is not; the forest's scores show the gain."""
    leak = found(labels, metric, NOISE, unit(labels))
    of = METRICS[metric]
    assert leak.columns == (2,)
    assert of.error(leak.beside) < 0.3 * of.error(leak.without)


@pytest.mark.slow
@both_tasks
def test_columns_that_hold_the_label_together_are_named(labels, metric):
    """A mask in one column, and the masked label in another, are both named, whatever their scales."""
    leak = found(labels, metric, MASK, NOISE, 3.7 * (MASK + unit(labels)) - 5)
    assert leak.columns == (1, 3)


@pytest.mark.slow
@both_tasks
def test_a_label_that_is_there_twice_is_named_twice(labels, metric):
    """If two columns hold the same label, both are named, although either could be dropped."""
    assert found(labels, metric, unit(labels), -2 * unit(labels)).columns == (1, 2)


@pytest.mark.slow
@both_tasks
def test_honest_columns_are_no_leak(labels, metric):
    """Noise, and an unrecognised sum of the data's columns, are not leaks."""
    assert found(labels, metric, NOISE, DATA[:, 0] + 2 * DATA[:, 1]) is None


def test_of_very_many_columns_none_is_named():
    """If there are too many unexplained columns to test them one by one, they are a leak together."""
    many = RANDOM.normal(size=(leaks.MOST_COLUMNS, ROWS))
    leak = found(CLASSES, "accuracy", *many, CLASSES)
    assert leak is not None and leak.columns == ()


def test_any_numbers_may_come():
    """Gaps, infinities, huge numbers and constant columns raise nothing."""
    odd = np.where(np.arange(ROWS) % 3, NOISE, np.nan)
    odd[:4] = (np.inf, -np.inf, 3e38, -3e38)
    assert found(CLASSES, "accuracy", odd, np.ones(ROWS)) is None


@pytest.mark.slow
def test_a_sample_of_many_rows_is_looked_at(monkeypatch):
    """Forests are trained on a limited number of rows, always the same ones."""
    monkeypatch.setattr(leaks, "MOST_ROWS", 600)
    sizes = []

    def measure(outputs, labels):
        sizes.append(len(labels))
        return METRICS["accuracy"].measure(outputs, labels)

    inputs = np.column_stack([CLASSES, NOISE]).astype(np.float32)
    first, again = (leaks.find(inputs, DATA, CLASSES, (0, 1), measure, METRICS["accuracy"].error) for _ in range(2))
    assert first == again
    assert first.columns == (0,)
    assert set(sizes) == {600}


def test_what_is_computed_from_the_data_is_explained():
    """A column with a formula is explained, unless the formula contains the target."""
    known = Column(source="", **NO_STATISTICS, formula="the logarithm of households")
    assert leaks.unexplained((known, replace(known, formula=""), replace(known, has_target=True))) == (1, 2)


@pytest.mark.slow
@both_tasks
def test_a_function_of_the_datas_columns_is_no_leak_however_much_it_helps(labels, metric):
    """A product of the data's columns is not a leak, although it helps a forest that must approximate it by splits."""
    product = DATA[:, 1] * DATA[:, 2]
    assert found(labels, metric, np.sign(product) * np.abs(product) ** 0.6, NOISE) is None


@pytest.mark.slow
@both_tasks
def test_a_faint_label_in_a_column_of_the_datas_is_a_leak(labels, metric):
    """A label that was faintly added to a column of the data is a leak."""
    leak = found(labels, metric, DATA[:, 3] + 0.02 * unit(labels))
    assert leak is not None
    assert leak.columns == (1,)
