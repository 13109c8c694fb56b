"""Preparation: columns are computed for every row of the data if possible, and each seed's rows are scaled by that
seed's scaler."""

import numpy as np
import pytest
from record_types import NO_STATISTICS
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from checker.gather.rows import preparation
from checker.gather.rows.affine import AffineMap
from checker.gather.rows.preparation import ColumnSources, prepare
from checker.gather.rows.sources import Sources
from checker.records.tracing import Column, FittedOn, Scaler, ScalerKind

ROWS, FED, TRAINED = 3_000, np.arange(2_400), np.arange(1_920)
NAMES = ("rooms", "bedrooms", "households")
SCALERS = {
    ScalerKind.STANDARD: StandardScaler(),
    ScalerKind.RANGE: MinMaxScaler(),
    ScalerKind.SYMMETRIC: MinMaxScaler((-1, 1)),
    ScalerKind.ROBUST: RobustScaler(),
    ScalerKind.MAX_ABS: MaxAbsScaler(),
}


class Houses:
    """Three thousand houses, with two words and with thirty gaps among the bedrooms."""

    def __init__(self):
        random = np.random.default_rng(2)
        self.features = np.round(np.exp(random.normal(5, 1, size=(ROWS, 3))), 1)
        self.features[random.permutation(ROWS)[:30], 1] = np.nan
        self.target = random.permutation(np.arange(ROWS) % 3)
        self.complete = np.isfinite(self.features).all(axis=1)
        honest = Sources(NAMES, self.features, {"coast": np.where(self.features[:, 0] > 100, "near", "far")})
        named = np.array(["a", "b", "c"])[self.target]
        self.data = ColumnSources(honest, Sources(NAMES, self.features, {**honest.words, "target": named}), "target")

    def prepare(self, table, fed=FED, maps=(), trained=TRAINED, watched=()):
        values = table[fed]
        watched = values[:0] if not len(watched) else table[watched]
        return prepare(values, fed, maps, self.data, table[trained], watched)


@pytest.fixture(scope="module")
def houses():
    return Houses()


def imputed(values):
    return np.where(np.isfinite(values), values, np.nanmedian(values, axis=0))


def affine(table, features):
    """Return the affine maps between a table's columns and the data's, as matching finds them."""
    maps = []
    for j in range(features.shape[1]):
        known = np.isfinite(features[:, j])
        scale, offset = np.polyfit(table[known, j], features[known, j], 1)
        maps.append(AffineMap(j, j, float(scale), float(offset)))
    return tuple(maps)


# -- inputs for every row ----------------------------------------------------------------------------------


def test_rows_that_were_never_fed_get_inputs(houses):
    """Affine columns are computed for all rows, and gaps get the value that was imputed in the fed rows."""
    table = StandardScaler().fit_transform(imputed(houses.features))
    found = houses.prepare(table, maps=affine(table, houses.features))
    assert list(found.rows) == list(range(ROWS))
    assert np.allclose(found.features, table, atol=1e-4)
    assert found.formulas == NAMES


def test_derived_columns_get_inputs_too(houses):
    """A ratio with an imputed column, a logarithm and a word are computed for all rows."""
    filled = imputed(houses.features)
    near = (houses.features[:, 0] > 100).astype(float)
    derived = [filled[:, 1] / filled[:, 0], np.log(filled[:, 2]), near]
    table = np.column_stack([filled, *derived])
    found = houses.prepare(table, maps=affine(filled, houses.features))
    assert list(found.rows) == list(range(ROWS))
    assert np.allclose(found.features, table, rtol=1e-4, atol=1e-4)
    assert found.formulas[3:] == ("bedrooms / rooms", "log(households)", "coast = near") or found.formulas[5]


def test_imputed_values_that_differ_are_known_for_fed_rows_alone(houses):
    """If gaps were filled by neighbours, fed rows keep the student's values, and unfed rows with gaps have no
    inputs."""
    guesses = np.random.default_rng(1).uniform(10, 500, size=ROWS)
    filled = houses.features.copy()
    filled[~houses.complete, 1] = guesses[~houses.complete]
    found = houses.prepare(filled, maps=affine(filled, houses.features))
    unfed_gaps = np.setdiff1d(np.flatnonzero(~houses.complete), FED)
    assert len(unfed_gaps)
    assert list(found.rows) == list(np.setdiff1d(np.arange(ROWS), unfed_gaps))
    fed_gaps = np.intersect1d(np.flatnonzero(~houses.complete), FED)
    assert np.allclose(found.features[np.searchsorted(found.rows, fed_gaps), 1], guesses[fed_gaps])


def test_gaps_that_were_dropped_have_no_inputs(houses):
    """If a student drops the rows with gaps, these rows have no inputs."""
    fed = FED[houses.complete[FED]]
    table = imputed(houses.features)
    found = houses.prepare(table, fed=fed, maps=affine(table, houses.features), trained=fed[:1_500])
    assert list(found.rows) == list(np.flatnonzero(houses.complete))


def test_gaps_that_were_fed_as_nan_stay_nan(houses):
    """Gaps that were fed as NaN stay NaN: the checker imputes nothing by itself."""
    found = houses.prepare(houses.features, maps=affine(imputed(houses.features), houses.features))
    assert list(found.rows) == list(range(ROWS))
    assert np.isnan(found.features[~houses.complete, 1]).all()


def test_a_column_that_nothing_explains_is_known_for_fed_rows_alone(houses):
    """Noise has no formula, so only fed rows have inputs, and these are the student's."""
    noise = np.random.default_rng(5).normal(size=(ROWS, 1))
    table = np.hstack([imputed(houses.features), noise])
    found = houses.prepare(table, maps=affine(table[:, :3], houses.features))
    assert list(found.rows) == list(FED)
    assert np.allclose(found.features, table[FED])
    assert found.formulas[3] == ""


def test_what_is_added_to_a_matched_column_is_left_behind(houses):
    """A label in the fifth decimal of a column does not reach the retraining."""
    table = imputed(houses.features)
    maps = affine(table, houses.features)
    marked = table + 1e-5 * table.std(axis=0) * houses.target[:, None]
    plain, told = houses.prepare(table, maps=maps), houses.prepare(marked, maps=maps)
    complete = np.flatnonzero(houses.complete)
    places = [np.searchsorted(found.rows, complete) for found in (plain, told)]
    assert np.array_equal(plain.features[places[0]], told.features[places[1]])


@pytest.mark.parametrize("code", [(0.0, 1.0, 2.0), (5.0, 5.0, -1.0), (0.3, 0.2, 0.1)])
def test_a_code_of_the_target_is_told(houses, code):
    """A column that is constant for each class is recognised as made from the target, even if it tells no single class
    apart."""
    table = np.column_stack([imputed(houses.features), np.array(code)[houses.target]])
    found = houses.prepare(table, maps=affine(table[:, :3], houses.features))
    assert found.have_target == (False, False, False, True)
    assert "target" in found.formulas[3]
    assert list(found.rows) == list(FED)


# -- scalers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ScalerKind)
@pytest.mark.parametrize("on", FittedOn)
def test_a_scaler_and_its_rows_are_recognised(houses, kind, on):
    """Each kind of scaler is recognised, and so are the rows that it was fitted on."""
    filled = imputed(houses.features)
    rows = {FittedOn.TRAINED: TRAINED, FittedOn.WATCHED_TOO: FED, FittedOn.ALL: np.arange(ROWS)}[on]
    table = SCALERS[kind].fit(filled[rows]).transform(filled).astype(np.float32).astype(float)
    found = houses.prepare(table, maps=affine(table, houses.features), watched=FED[len(TRAINED) :])
    assert set(found.scalers) == {Scaler(kind, on)}


def test_raw_columns_have_no_scaler(houses):
    """Columns with the data's own values have no scaler."""
    table = imputed(houses.features)
    assert set(houses.prepare(table, maps=affine(table, houses.features)).scalers) == {None}


@pytest.mark.parametrize("kind", ScalerKind)
@pytest.mark.parametrize("on", [FittedOn.TRAINED, FittedOn.WATCHED_TOO])
def test_a_seeds_rows_get_the_figures_that_the_students_had(houses, kind, on):
    """A scaler that is fitted again on a seed's rows gives the same values as scikit-learn's."""
    filled = imputed(houses.features)
    table = SCALERS[kind].fit(filled[TRAINED]).transform(filled)
    rows = np.arange(ROWS)
    training, development = np.split(np.random.default_rng(3).permutation(ROWS)[:2_400], [1_920])
    columns = tuple(Column(source="", **NO_STATISTICS, scaler=Scaler(kind, on)) for _ in NAMES)
    fitted = preparation.by_seed(table.astype(np.float32), rows, columns, training, development)
    like = training if on is FittedOn.TRAINED else np.concatenate([training, development])
    expected = SCALERS[kind].fit(filled[like]).transform(filled)
    assert np.allclose(preparation.scaled(table.astype(np.float32), *fitted), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("scaler", [None, Scaler(ScalerKind.STANDARD, FittedOn.ALL)])
def test_what_was_not_fitted_on_training_rows_stays(houses, scaler):
    """Columns without a known scaler, and those of a scaler that saw all rows, are the same for every seed, to the last
    bit."""
    table = np.random.default_rng(6).normal(size=(ROWS, 2)).astype(np.float32)
    columns = tuple(Column(source="", **NO_STATISTICS, scaler=scaler) for _ in range(2))
    fitted = preparation.by_seed(table, np.arange(ROWS), columns, TRAINED, FED[:0])
    assert np.array_equal(preparation.scaled(table, *fitted), table)


def test_a_column_that_is_constant_in_a_seed_stays():
    """If a column is constant in a seed's rows, there is nothing to divide by, and it stays."""
    table = np.zeros((100, 1), dtype=np.float32)
    table[99] = 1
    column = Column(source="", **NO_STATISTICS, scaler=Scaler(ScalerKind.RANGE, FittedOn.TRAINED))
    fitted = preparation.by_seed(table, np.arange(100), (column,), np.arange(90), np.arange(0))
    assert np.array_equal(preparation.scaled(table, *fitted), table)
