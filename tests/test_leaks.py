"""Leaks: which inputs, of those that follow from no column of the data, tell its target."""

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
    """Look at columns beside one of the data's own, which is none of the suspects."""
    inputs = np.column_stack([DATA[:, 0], *columns]).astype(np.float32)
    of = METRICS[metric]
    return leaks.find(inputs, DATA, labels, range(1, inputs.shape[1]), of.measure, of.error)


def unit(labels):
    return (labels - labels.mean()) / labels.std()


@pytest.mark.slow
@both_tasks
def test_a_column_that_holds_the_label_is_named(labels, metric):
    """A column with labels is named, and one of noise beside it is not; the forest's scores tell how much it gives."""
    leak = found(labels, metric, NOISE, unit(labels))
    of = METRICS[metric]
    assert leak.columns == (2,)
    assert of.error(leak.beside) < 0.3 * of.error(leak.without)


@pytest.mark.slow
@both_tasks
def test_columns_that_hold_the_label_together_are_named(labels, metric):
    """A mask in one column, and label and mask in another, each scaled in its way, are both named."""
    leak = found(labels, metric, MASK, NOISE, 3.7 * (MASK + unit(labels)) - 5)
    assert leak.columns == (1, 3)


@pytest.mark.slow
@both_tasks
def test_a_label_that_is_there_twice_is_named_twice(labels, metric):
    """A column that could be done without, as another tells the same, is named all the same."""
    assert found(labels, metric, unit(labels), -2 * unit(labels)).columns == (1, 2)


@pytest.mark.slow
@both_tasks
def test_honest_columns_are_no_leak(labels, metric):
    """Noise, and a sum of the data's columns that nobody has recognised, tell no more than the data do."""
    assert found(labels, metric, NOISE, DATA[:, 0] + 2 * DATA[:, 1]) is None


def test_of_very_many_columns_none_is_named():
    """Where more columns are unexplained than are looked at one by one, they are a leak all together."""
    many = RANDOM.normal(size=(leaks.MOST_COLUMNS, ROWS))
    leak = found(CLASSES, "accuracy", *many, CLASSES)
    assert leak is not None and leak.columns == ()


def test_any_numbers_may_come():
    """Gaps, infinite and huge numbers in a column, and a constant one, break nothing."""
    odd = np.where(np.arange(ROWS) % 3, NOISE, np.nan)
    odd[:4] = (np.inf, -np.inf, 3e38, -3e38)
    assert found(CLASSES, "accuracy", odd, np.ones(ROWS)) is None


@pytest.mark.slow
def test_a_sample_of_many_rows_is_looked_at(monkeypatch):
    """Forests are asked of a bounded number of rows, the same ones each time."""
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
    """A column with a formula is explained, unless the target is in it."""
    known = Column(source="", **NO_STATISTICS, formula="the logarithm of households")
    assert leaks.unexplained((known, replace(known, formula=""), replace(known, has_target=True))) == (1, 2)


@pytest.mark.slow
@both_tasks
def test_a_function_of_the_datas_columns_is_no_leak_however_much_it_helps(labels, metric):
    """A product helps a forest that has to find it by splits; whoever computes it from the data hides nothing in it."""
    product = DATA[:, 1] * DATA[:, 2]
    assert found(labels, metric, np.sign(product) * np.abs(product) ** 0.6, NOISE) is None


@pytest.mark.slow
@both_tasks
def test_a_faint_label_in_a_column_of_the_datas_is_a_leak(labels, metric):
    """What follows from the data's columns hides no label that was added to it."""
    leak = found(labels, metric, DATA[:, 3] + 0.02 * unit(labels))
    assert leak is not None
    assert leak.columns == (1,)
