"""Metrics: what is measured, which way is better, and how values are written."""

import numpy as np
import pytest

from checker.records.assignment import Bar
from checker.run import baselines
from checker.scoring import metrics
from checker.scoring.metrics import DOLLARS, METRICS, PERCENT, PLAIN


def test_accuracy_is_the_share_of_rows_called_right():
    """A row is right where its largest output is its label's."""
    accuracy = METRICS["accuracy"].measure
    outputs = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.4, 0.5, 0.1], [0.9, 0.0, 0.1]])
    assert accuracy(outputs, np.array([0, 2, 0, 1])) == 0.5
    assert accuracy(outputs * 1_000 - 5, np.array([0, 2, 1, 0])) == 1.0


def test_errors_are_measured():
    """Errors are in the unit of the values; R² compares them with those of the mean."""
    true = np.array([100.0, 200.0, 300.0, 400.0])
    values = true + np.array([30.0, -10.0, 10.0, -30.0])
    measured = {key: METRICS[key].measure(values, true) for key in ("rmse", "mae", "r2")}
    assert measured == pytest.approx({"rmse": np.sqrt(500), "mae": 20, "r2": 1 - 500 / 12_500})
    assert METRICS["r2"].measure(np.full(4, 250.0), true) == pytest.approx(0)
    assert METRICS["r2"].measure(true, np.full(4, 7.0)) == 0


@pytest.mark.parametrize(
    ("unit", "value", "written"),
    [
        (PERCENT, 0.91324, ("91.3%", "+91.3", "91.3 points")),
        (PERCENT, -0.0016, ("-0.2%", "\N{MINUS SIGN}0.2", "0.2 points")),
        (DOLLARS, 61_204.7, ("$61,205", "+$61,205", "$61,205")),
        (DOLLARS, -812.0, ("-$812", "\N{MINUS SIGN}$812", "$812")),
        (PLAIN, 0.74561, ("0.746", "+0.746", "0.746")),
    ],
)
def test_values_are_written_in_their_unit(unit, value, written):
    """Values, differences and sizes are written as people write them in that unit."""
    assert (unit.value(value), unit.difference(value), unit.amount(value)) == written


@pytest.mark.parametrize("unit", [PERCENT, DOLLARS, PLAIN])
def test_what_is_no_number_is_a_dash(unit):
    """Missing values and infinities are written as a dash."""
    assert {unit.value(v) for v in (None, float("nan"), float("inf"))} == {"\N{EN DASH}"}
    assert unit.difference(float("nan")) == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("unit", "values", "names"),
    [
        (PERCENT, [0.8, 0.9, 1.0], ["80%", "90%", "100%"]),
        (PERCENT, [0.9, 0.905], ["90.0%", "90.5%"]),
        (DOLLARS, [50_000, 60_000], ["$50,000", "$60,000"]),
        (DOLLARS, [-100_000, 0], ["-$100,000", "$0"]),
        (PLAIN, [0.5, 1.0], ["0", "1"]),
    ],
)
def test_ticks_have_no_more_decimals_than_they_need(unit, values, names):
    """Neighbouring ticks differ in their names, which are as short as that allows."""
    assert [name for _, name in unit.ticks(values)] == names


def test_the_bar_lies_on_the_side_that_is_worse():
    """The tolerance is forgiven: below a reference of which more is better, above one of which less is."""
    assert METRICS["accuracy"].bar(
        Bar(metric="accuracy", tolerance=0.02, baseline="logistic_regression"), 0.9, 0.8
    ) == pytest.approx(0.88)
    assert METRICS["rmse"].bar(Bar(metric="rmse", tolerance=5.0, baseline="linear_regression"), 50, 70) == 55
    assert (
        METRICS["rmse"].bar(Bar(metric="rmse", tolerance=5.0, baseline="linear_regression", share=0.75), 50, 54) == 53
    )


def test_the_better_of_two_values():
    """More accuracy is better, and less error."""
    assert METRICS["accuracy"].is_better(0.9, 0.8)
    assert METRICS["mae"].is_better(4, 5)
    assert not METRICS["mae"].is_better(5, 5)


def test_every_metric_has_its_tasks_baseline():
    """The baselines that metrics name exist, and predict what the metrics measure."""
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 2))
    labels = {"classification": (x[:, 0] > 0).astype(np.int32), "regression": 3 * x[:, 0] + 5}
    rows = np.arange(300)
    for metric in METRICS.values():
        y = labels[metric.task]
        predicted = baselines.predict(metric.task, metric.baseline, x, y, rows[:200], rows[200:])
        perfect = 1.0 if metric.higher_is_better else 0.0
        assert metric.measure(predicted, y[200:]) == pytest.approx(perfect, abs=0.05)


@pytest.mark.parametrize(
    ("step", "value", "difference", "amount"),
    [
        ("$1", "$61,205", "+$812", "$812"),
        ("0.01 kg", "61,204.70 kg", "+812.35", "812.35 kg"),
        ("0.001", "61,204.700", "+812.346", "812.346"),
        ("€0.1", "€61,204.7", "+€812.3", "€812.3"),
        ("1 people", "61,205 people", "+812", "812 people"),
    ],
)
def test_errors_are_written_in_the_assignments_unit(step, value, difference, amount):
    """The smallest amount says how many decimals there are, and what stands before and after them."""
    unit = metrics.find("rmse", step).unit
    assert (unit.value(61_204.7), unit.difference(812.3456), unit.amount(812.3456)) == (value, difference, amount)
    assert metrics.find("r2", step).unit == metrics.PLAIN
    assert metrics.find("accuracy", step).unit == metrics.PERCENT


@pytest.mark.parametrize("step", ["", "2", "$", "0.5 kg", "1kg", "0.01 kilo gram", "1 <b>kilogrammes</b>"])
def test_what_is_no_smallest_amount_is_refused(step):
    """Other texts are no unit."""
    with pytest.raises(ValueError, match="no amount"):
        metrics.unit_of(step)
