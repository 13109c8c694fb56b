"""Derived columns: the formula behind a student's column, its value in every row, and what the formula leaves out."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from checker.assignment import dataset
from checker.gather.rows.fitting import TOLERANCE
from checker.gather.rows.formulas import FormulaFinder, find
from checker.gather.rows.sources import Sources

REAL = os.environ.get(dataset.VARIABLE, "")
AGE, ROOMS, BEDROOMS, POPULATION, HOUSEHOLDS, INCOME = range(2, 8)
TRAINING = 0.64


@dataclass(frozen=True)
class Houses:
    """The data, the same data without gaps, and the rows that a student's tables hold together."""

    sources: Sources
    filled: np.ndarray
    rows: np.ndarray
    finder: FormulaFinder

    @property
    def complete(self):
        """Return rows without gaps."""
        return np.isfinite(self.sources.features).all(axis=1)

    @property
    def places(self):
        """Return the number of each row's word."""
        return self.sources.words["ocean_proximity"]

    def find(self, column):
        """Find the formula of a column of all rows, given the student's rows in single precision."""
        return self.finder.find(column[self.rows].astype(np.float32), self.rows)


@pytest.fixture(scope="module")
def data(assignment):
    """The real data if it is available, else the practice data: the rows of a training part."""
    table = pd.read_csv(Path(REAL) if REAL else dataset.PRACTICE)
    names = list(assignment.data.features)
    features = table[names].to_numpy(dtype=np.float64)
    sources = Sources(names, features, {"ocean_proximity": table["ocean_proximity"].to_numpy(dtype=str)})
    filled = np.where(np.isnan(features), np.nanmedian(features, axis=0), features)
    rows = np.random.default_rng(7).permutation(len(features))[: int(TRAINING * len(features))]
    return Houses(sources, filled, rows, FormulaFinder(sources))


def standard(column):
    """Return one column, standardised."""
    return (column - np.nanmean(column)) / np.nanstd(column)


def off(found, column):
    """Return how far computed values are off, in deviations; NaN if there are none."""
    return np.abs(found.values - column) / np.std(column)


# -- functions of one column and of two ------------------------------------------------------------------

TERMS = {
    "total_rooms": lambda x: x[:, ROOMS],
    "median_income": lambda x: 3 - x[:, INCOME],
    "log(total_rooms)": lambda x: np.log(x[:, ROOMS]),
    "log1p(population)": lambda x: np.log1p(x[:, POPULATION]),
    "sqrt(households)": lambda x: np.sqrt(x[:, HOUSEHOLDS]),
    "cbrt(total_rooms)": lambda x: np.cbrt(x[:, ROOMS]),
    "median_income squared": lambda x: x[:, INCOME] ** 2,
    "1 / median_income": lambda x: 1 / x[:, INCOME],
    "exp(median_income)": lambda x: np.exp(x[:, INCOME]),
    "total_rooms / households": lambda x: x[:, ROOMS] / x[:, HOUSEHOLDS],
    "households / population": lambda x: x[:, HOUSEHOLDS] / x[:, POPULATION],
    "total_rooms * median_income": lambda x: x[:, ROOMS] * x[:, INCOME],
    "longitude + latitude": lambda x: x[:, 0] + x[:, 1],
    "population - households": lambda x: x[:, POPULATION] - x[:, HOUSEHOLDS],
    "log(population / households)": lambda x: np.log(x[:, POPULATION] / x[:, HOUSEHOLDS]),
}


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("words", TERMS)
def test_functions_of_one_or_two_columns_are_found(data, words, scaled):
    """A column computed from one or two columns gets a formula and a value in every row, also if it was
    standardised."""
    column = TERMS[words](data.filled)
    column = standard(column) if scaled else column
    found = data.find(column)
    assert found.words == words
    assert off(found, column).max() < 1e-5


def test_a_gap_stays_a_gap(data):
    """A gap in the source leaves a gap in the column; all other rows have values, however the student filled the
    gaps."""
    column = data.filled[:, BEDROOMS] / data.filled[:, ROOMS]
    found = data.find(standard(column))
    assert found.words == "total_bedrooms / total_rooms"
    assert np.array_equal(np.isnan(found.values), np.isnan(data.sources.features[:, BEDROOMS]))


def test_a_few_rows_that_were_filled_otherwise_do_not_matter(data):
    """A source is found although the student filled its gaps otherwise in a few rows."""
    column = standard(data.filled[:, ROOMS] / data.filled[:, HOUSEHOLDS])
    own = column.copy()
    own[data.rows[:: len(data.rows) // 5]] += np.random.default_rng(1).uniform(1, 3)
    found = data.find(own)
    assert found.words == "total_rooms / households"
    assert off(found, column).max() < 1e-5


@pytest.mark.parametrize(("name", "scaler"), [("Yeo-Johnson", PowerTransformer()), ("Box-Cox", None)])
def test_power_transformations_are_found(data, name, scaler):
    """The exponent of scikit-learn's power transformations is recovered."""
    kept = [AGE, ROOMS, POPULATION, HOUSEHOLDS, INCOME]
    scaler = (scaler or PowerTransformer("box-cox")).fit(data.filled[data.rows][:, kept])
    table = scaler.transform(data.filled[:, kept])
    for source, column in zip(kept, table.T, strict=True):
        found = data.find(column)
        assert found.words == f"{name}({data.sources.names[source]})"
        assert off(found, column).max() < 1e-5


def test_one_function_stands_for_a_column_and_a_finder_for_many(data):
    """The function for one column and the finder for many columns find the same formula."""
    column = np.log(data.filled[:, ROOMS])[data.rows]
    one, other = find(column, data.rows, data.sources), data.finder.find(column, data.rows)
    assert one.words == other.words
    assert np.array_equal(one.values, other.values)


# -- words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_word_is_found_however_rare(data, scaled, turned):
    """Each one-hot column is named after its word, also if the word is rare."""
    for word in np.unique(data.places[data.rows]):
        column = (data.places == word).astype(np.float64)
        column = 1 - column if turned else column
        column = standard(column) if scaled else column
        found = data.find(column)
        assert found.words == f"ocean_proximity = {word}"
        assert off(found, column).max() < 1e-5


def test_any_code_of_words_is_found(data):
    """Words may be coded as ordinal numbers, or as the mean of another column for each word."""
    words, numbers = np.unique(data.places, return_inverse=True)
    means = np.array([data.filled[data.places == word, INCOME].mean() for word in words])
    for column in (numbers.astype(np.float64), means[numbers]):
        found = data.find(column)
        assert found.words == "a code of ocean_proximity"
        seen = np.isin(data.places, data.places[data.rows])
        assert np.nanmax(off(found, column)[seen]) < 1e-5


def test_a_number_of_few_is_found_as_a_word_is(data):
    """One-hot columns of ages are found like those of words."""
    column = (data.filled[:, AGE] == 52).astype(np.float64)
    found = data.find(column)
    assert found.words == "housing_median_age = 52"
    assert np.array_equal(found.values, column)


def test_a_constant_is_found(data):
    """A column with a single value has it in every row."""
    found = data.find(np.full(len(data.filled), 3.0))
    assert found.words == "constant"
    assert (found.values == 3).all()


# -- mixtures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whiten", [False, True])
def test_principal_components_are_weighted_sums(data, whiten):
    """Components of standardised columns are computed for all rows without gaps."""
    scaler = make_pipeline(StandardScaler(), PCA(whiten=whiten)).fit(data.filled[data.rows])
    for column in scaler.transform(data.filled).T:
        found = data.find(column)
        assert found.words.startswith("a weighted sum of")
        assert off(found, column)[data.complete].max() < TOLERANCE
        assert np.isnan(found.values[~data.complete]).all()


@pytest.mark.slow
def test_polynomial_features_are_found(data):
    """Products of standardised columns are found, and so are sums of these products."""
    table = make_pipeline(StandardScaler(), PolynomialFeatures(2)).fit_transform(data.filled)
    mixed = PCA(3).fit_transform(table)
    for column in (table[:, 20], table[:, 54], mixed[:, 0], mixed[:, 2]):
        found = data.find(column)
        assert found.words == "a weighted sum of columns and their products"
        assert off(found, column)[data.complete].max() < TOLERANCE


def test_rows_of_length_one_are_found(data):
    """The output of scikit-learn's ``Normalizer`` is found."""
    column = Normalizer().fit_transform(data.filled)[:, ROOMS]
    found = data.find(column)
    assert found.words.endswith("divided by its row's length")
    assert off(found, column)[data.complete].max() < TOLERANCE


# -- monotone images -------------------------------------------------------------------------------------


BENT = {
    "uniform quantiles": (QuantileTransformer(random_state=0), 0.97),
    "normal quantiles": (QuantileTransformer(output_distribution="normal", random_state=0), 0.97),
    "hundred quantiles": (QuantileTransformer(n_quantiles=100, random_state=0), 0.995),
    "twice": (make_pipeline(StandardScaler(), PowerTransformer()), 0.98),
    "bins": (KBinsDiscretizer(20, encode="ordinal", subsample=None, quantile_method="averaged_inverted_cdf"), 0.99),
}


@pytest.mark.parametrize("name", BENT)
def test_monotone_images_are_found(data, name):
    """Quantiles, powers of scaled columns, and bins are found, and nearly all other rows get values."""
    scaler, share = BENT[name]
    kept = [1, ROOMS, POPULATION, INCOME]
    table = scaler.fit(data.filled[data.rows][:, kept]).transform(data.filled[:, kept])
    for source, column in zip(kept, table.T, strict=True):
        found = data.find(column)
        assert found.words == f"a monotone image of {data.sources.names[source]}"
        assert np.mean(off(found, column) < TOLERANCE) > share


@pytest.mark.parametrize(
    "bend",
    [
        lambda x: np.clip(x, *np.quantile(x, [0.01, 0.99])),
        lambda x: -np.clip(x, *np.quantile(x, [0.05, 0.95])),
        lambda x: np.round(x, 1),
        lambda x: np.tanh((x - 4) / 2),
    ],
    ids=["clipped", "clipped and falling", "rounded", "tanh"],
)
def test_clipped_and_rounded_columns_are_found(data, bend):
    """Maps that tie values together, or bend, are found."""
    column = bend(data.filled[:, INCOME])
    found = data.find(column)
    assert found.words == "a monotone image of median_income"
    assert np.mean(off(found, column) < TOLERANCE) > 0.97


def test_beyond_what_is_known_only_a_flat_end_goes_on(data):
    """Beyond the student's highest values, a clipped map continues with the same value; a rising one gives none."""
    income = data.filled[:, INCOME]
    rows = np.flatnonzero(income < np.quantile(income, 0.95))
    beyond = income > income[rows].max()
    clipped = find(np.clip(income, 2, 5)[rows], rows, data.sources)
    rising = find(np.arctan(income - 4)[rows], rows, data.sources)
    assert (clipped.values[beyond] == pytest.approx(5)) and not np.isnan(clipped.values).any()
    assert np.isnan(rising.values[beyond]).all()


# -- what is not found, and what is left behind ----------------------------------------------------------


def test_noise_is_no_formula(data):
    """A column with noise of a thousandth of a deviation has no formula, and neither have random numbers."""
    random = np.random.default_rng(2)
    size = len(data.filled)
    near = [TERMS["median_income"], TERMS["log(total_rooms)"], TERMS["total_rooms / households"]]
    for column in [standard(make(data.filled)) for make in near]:
        assert data.find(column + 1e-3 * random.normal(size=size)) is None
    for column in (random.normal(size=size), random.integers(0, 2, size), random.integers(0, 9, size) * 1.0):
        assert data.find(column) is None


@pytest.mark.parametrize("words", ["median_income", "log(total_rooms)", "total_rooms / households"])
def test_a_label_on_top_is_left_behind(data, words):
    """If something is added to a column row by row, the computed values do not contain it."""
    column = standard(TERMS[words](data.filled))
    label = (data.places == "INLAND") * 1.0
    clean, found = data.find(column), data.find(column + 1e-5 * label)
    assert found.words == words
    line = np.polynomial.Polynomial.fit(clean.values, found.values, 1)
    assert np.abs(line(clean.values) - found.values).max() < 1e-9
    assert abs(line.convert().coef[1] - 1) < 1e-4


def test_a_label_on_top_of_a_mixture_is_left_behind(data):
    """A label added to a weighted sum is kept only as far as it is itself a weighted sum of the columns."""
    scaler = make_pipeline(StandardScaler(), PCA()).fit(data.filled[data.rows])
    column = standard(scaler.transform(data.filled)[:, 3])
    label = (data.places == "INLAND") * 1.0
    clean, found = data.find(column), data.find(column + 1e-5 * label)
    kept = (found.values - clean.values)[data.complete]
    terms = np.column_stack([np.ones(data.complete.sum()), standard(data.filled[data.complete].T[0])])
    terms = np.column_stack([terms, *[standard(one) for one in data.filled[data.complete].T]])
    weights = np.linalg.lstsq(terms, kept, rcond=None)[0]
    assert np.abs(terms @ weights - kept).max() < 1e-9


def test_a_label_on_top_of_a_monotone_image_is_left_behind(data):
    """A label added to a monotone image does not reach the computed values."""
    income = data.filled[:, INCOME]
    column = standard(np.tanh((income - 4) / 2))
    label = np.random.default_rng(3).integers(0, 2, len(income)) * 1.0
    clean, found = data.find(column), data.find(column + 1e-5 * label)
    assert found.words == "a monotone image of median_income"
    kept = found.values - clean.values
    known = data.rows[np.isfinite(kept[data.rows])]
    assert abs(np.corrcoef(kept[known], label[known])[0, 1]) < 0.05


def test_random_steps_along_a_column_are_no_monotone_image(data):
    """A column that rises by a random step for each value of another has no formula: it could hide anything."""
    random = np.random.default_rng(4)
    _, place = np.unique(data.filled[:, INCOME], return_inverse=True)
    steps = np.cumsum(random.exponential(size=place.max() + 1))
    assert data.find(steps[place]) is None


@pytest.mark.parametrize(
    "strange",
    [
        lambda size: np.full(size, np.nan),
        lambda size: np.full(size, np.inf),
        lambda size: np.where(np.arange(size) % 2, 1e300, -1e300),
        lambda size: np.where(np.arange(size) % 2, np.nan, 1.0),
        lambda size: np.where(np.arange(size) == 5, 1e11, 0.0),
        lambda size: np.where(np.arange(size) % 2, 1e11, 1e11 + 1),
        lambda size: np.arange(size) * 1e-300,
    ],
)
def test_what_is_no_column_comes_from_nothing(data, strange):
    """Gaps, infinities, huge and tiny numbers, and one value far from all others have no formula."""
    assert data.finder.find(strange(len(data.rows)), data.rows) is None


def test_few_rows_tell_nothing(data):
    """No formula is believed on twenty rows."""
    assert data.finder.find(data.filled[:20, ROOMS], np.arange(20)) is None
    assert data.finder.find(data.filled[:0, ROOMS], np.arange(0)) is None


def test_sources_that_tell_nothing_are_survived():
    """Sources without a number, with a single value, or with infinities neither give a formula nor prevent one."""
    random = np.random.default_rng(5)
    good = random.lognormal(size=1_000)
    features = np.column_stack([np.full(1_000, np.nan), np.ones(1_000), np.full(1_000, np.inf), good])
    sources = Sources(["none", "one", "infinite", "good"], features, {"word": np.full(1_000, "same")})
    assert find(np.log(good), np.arange(1_000), sources).words == "log(good)"
    assert find(random.normal(size=1_000), np.arange(1_000), sources) is None


@pytest.mark.slow
def test_what_columns_in_vain_cost_is_measured(data, record_property):
    """Five hundred columns without a formula are searched; the tests' report has the time."""
    random = np.random.default_rng(6)
    rows = np.arange(len(data.filled))
    start = time.perf_counter()
    for _ in range(500):
        assert data.finder.find(random.normal(size=len(rows)), rows) is None
    record_property("seconds for 500 columns", round(time.perf_counter() - start, 2))


def test_a_word_of_three_rows_is_found_wherever_they_are():
    """A code for a word of three rows is found, whichever half of the rows they are in."""
    random = np.random.default_rng(7)
    words = np.where(random.random(3_000) < 0.4, "inland", "coast").astype("<U8")
    words[[20, 1_400, 2_600]] = "island"
    sources = Sources(("age",), random.normal(size=(3_000, 1)), {"place": words})
    is_island = (words == "island").astype(float)
    rows = np.arange(3_000)
    for scale in np.linspace(1, 2, 12):  # each is another half
        found = find(is_island * scale, rows, sources)
        assert found is not None
        assert found.words == "place = island"
        assert np.array_equal(found.values, is_island * scale)
