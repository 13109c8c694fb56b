"""Targets: whatever students do to the numbers to predict is found out, and undone."""

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from checker.scoring import targets


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    """House values of three thousand rows: skewed, and capped."""
    drawn = 180_000 * np.random.default_rng(0).lognormal(0, 0.55, 3_000)
    return np.clip(drawn.round(-2), 14_999, 500_001)


def scaled(scaler):
    return lambda t: scaler().fit_transform(t[:, None])[:, 0]


MAPS = {
    "dollars": lambda t: t,
    "hundreds of thousands": lambda t: t / 100_000,
    "standardised": scaled(StandardScaler),
    "min-max": scaled(MinMaxScaler),
    "upside down": lambda t: -t,
    "logarithm": np.log,
    "logarithm to base ten": np.log10,
    "log1p": np.log1p,
    "log1p of hundreds of thousands": lambda t: np.log1p(t / 100_000),
    "logarithm, standardised": lambda t: scaled(StandardScaler)(np.log(t)),
    "single precision": lambda t: (t / 100_000).astype(np.float32).astype(np.float64),
    "rounded to hundreds": lambda t: (t / 100_000).round(3),
}


@pytest.mark.parametrize("name", MAPS)
def test_a_scale_is_found_and_undone(values, name):
    """Affine images of the values and of their logarithms are found row by row, and mapped back to dollars."""
    theirs = MAPS[name](values)
    found = targets.match(theirs, values, values)
    assert found.differ == 0
    back = targets.undo(found.scale, theirs)
    assert np.abs(back - values).max() < (51 if name.startswith("rounded") else 1)
    mapped = targets.apply(found.scale, values)
    assert np.abs(mapped - theirs).max() < 0.01 * theirs.std()


def test_the_constants_are_exact(values):
    """Exact values in the student's targets are exact in the scale."""
    scale = targets.match(values / 100_000, values, values).scale
    assert (scale.factor, scale.offset, scale.shift) == (pytest.approx(1e-5), pytest.approx(0, abs=1e-9), None)
    scale = targets.match(np.log1p(values / 100_000), values, values).scale
    assert (scale.factor, scale.offset, scale.shift) == (pytest.approx(1), pytest.approx(-np.log(1e5)), 100_000)


@pytest.mark.parametrize("name", ["hundreds of thousands", "log1p"])
def test_some_other_targets_are_counted(values, name):
    """A few rows with other targets change no scale, and are counted; so are gaps."""
    theirs = MAPS[name](values)
    expected = targets.match(theirs, values, values).scale
    theirs[:200], theirs[200] = theirs[:200].max() * 2, np.nan
    found = targets.match(theirs, values, values)
    assert found.differ == 201
    assert found.scale.factor == pytest.approx(expected.factor, rel=1e-6)


@pytest.mark.parametrize("name", ["dollars", "standardised", "log1p"])
def test_shuffled_targets_have_a_scale_and_all_differ(values, name):
    """Targets of other rows are recognised by their distribution; none of them counts as the row's own."""
    theirs = np.random.default_rng(1).permutation(MAPS[name](values))
    found = targets.match(theirs, values, values)
    assert found.differ == len(values)
    assert np.sort(targets.undo(found.scale, theirs)) == pytest.approx(np.sort(values), rel=0.01)


@pytest.mark.parametrize(
    "bend", [np.sqrt, np.cbrt, np.square, lambda t: t.round(-4), lambda t: np.digitize(t, np.quantile(t, [0.5, 0.9]))]
)
def test_another_bend_has_no_scale(values, bend):
    """Targets that follow the values in a way the checker does not know have no scale, and nothing is counted."""
    theirs = bend(values).astype(float)
    assert targets.match(theirs, values, values) == targets.TargetMatch(None)


@pytest.mark.parametrize(
    "theirs",
    [np.zeros(3_000), np.full(3_000, np.nan), np.random.default_rng(2).integers(0, 2, 3_000) * 1.0, np.arange(3_000.0)],
)
def test_senseless_targets_have_no_scale(values, theirs):
    """Constants, gaps and numbers of another distribution have no scale."""
    assert targets.match(theirs, values, values).scale is None
    assert targets.by_shape(theirs, values) is None


def test_a_scale_from_a_sample_is_nearly_exact(values):
    """Where rows are not known, the distribution of two thirds of them gives the scale to within a hundredth."""
    some = np.random.default_rng(3).permutation(values)[:2_000]
    scale = targets.by_shape(np.log1p(some), values)
    assert targets.undo(scale, np.log1p(values)) == pytest.approx(values, rel=0.05)


def test_wild_outputs_become_no_infinity(values):
    """An absurd prediction of a logarithm stays a number."""
    scale = targets.match(np.log(values), values, values).scale
    assert np.isfinite(targets.undo(scale, np.array([-1e30, 0, 1e30], dtype=np.float32))).all()
