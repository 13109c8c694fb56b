"""Matching: which rows of the data set a table holds, however its columns were transformed, and at what cost."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from checker.assignment import dataset
from checker.gather.rows import mixtures, rank_matching
from checker.gather.rows.known_rows import KnownRows
from checker.gather.rows.matching import MAX_IN_VAIN, MAX_VALUES, Matcher
from checker.gather.rows.monotone import MonotoneMap
from checker.records.network import Development
from checker.wire import frames

REAL = os.environ.get(dataset.VARIABLE, "")
ROWS = 6_000


@dataclass(frozen=True)
class Houses:
    """The data: features with gaps, the same features without gaps, and labels."""

    features: np.ndarray
    filled: np.ndarray
    labels: np.ndarray

    @property
    def matcher(self):
        """Return a matcher that has seen no table."""
        return Matcher(KnownRows(self.features, self.labels))

    def parts(self, seed=7, rows=None):
        """Return training, development and test rows."""
        rows = np.arange(len(self.labels)) if rows is None else rows
        rest, test = train_test_split(rows, test_size=0.2, random_state=seed)
        return (*train_test_split(rest, test_size=0.2, random_state=seed), test)


def houses(data, count):
    rows = np.sort(np.random.default_rng(0).permutation(len(data.labels))[:count])
    features, labels = data.features[rows], data.labels[rows]
    return Houses(features, np.where(np.isnan(features), np.nanmedian(features, axis=0), features), labels)


@pytest.fixture(scope="module")
def data(practised, assignment):
    """All of the real data if it is available, else part of the practice data."""
    return houses(dataset.load(assignment.data, given=Path(REAL)), None) if REAL else practised


@pytest.fixture(scope="module")
def practised(practice):
    """Part of the practice data."""
    return houses(practice, ROWS)


def match(matcher, make, tables, labels=(), indices=()):
    """Match the tables of a network that was trained on the first, watched on the second, and tested on the others."""
    labels, indices = ([*some, *[None] * (len(tables) - len(some))] for some in (labels, indices))
    arrays = {frames.reference(a).sha256: a for a in (*tables, *labels, *indices) if a is not None}
    fed = [make.fed(x, y, index) for x, y, index in zip(tables, labels, indices, strict=True)]
    fit = make.fit(training=fed[0])
    if len(fed) > 1:
        fit = make.fit(training=fed[0], development=Development.DATA, validation=fed[1])
    uses = tuple(make.use("evaluate", one) for one in fed[2:])
    model = make.model(1, fit, input_width=tables[0].shape[1], uses=uses)
    matched = matcher.match(model, arrays)
    return matched, [matched.rows.get(one.x.sha256) for one in fed]


def require_rows(found: Sequence[np.ndarray | None], parts: Sequence[np.ndarray], share: float = 1.0):
    """Require that all matched rows are right, and that at least this share was matched."""
    for rows, part in zip(found, parts, strict=True):
        assert rows is not None
        assert np.array_equal(rows[rows >= 0], part[rows >= 0])
        assert (rows >= 0).mean() >= share


def prepared(make_scaler, data, parts):
    scaler = make_scaler().fit(data.filled[parts[0]])
    return [scaler.transform(data.filled[part]) for part in parts]


# -- monotone maps ---------------------------------------------------------------------------------------


class Clip:
    """Clips at quantiles, and standardises."""

    def __init__(self, low, high):
        self.shares = low, high

    def fit(self, x):
        self.ends = np.quantile(x, self.shares, axis=0)
        self.scaler = StandardScaler().fit(np.clip(x, *self.ends))
        return self

    def transform(self, x):
        return self.scaler.transform(np.clip(x, *self.ends))


def of_positive(function):
    """Transform all columns but the coordinates, and standardise."""
    return lambda: make_pipeline(
        FunctionTransformer(lambda x: np.column_stack([x[:, :2], function(np.maximum(x[:, 2:], 1e-3))])),
        StandardScaler(),
    )


MONOTONE = {
    "Yeo-Johnson": PowerTransformer,
    "uniform quantiles": lambda: QuantileTransformer(random_state=0),
    "normal quantiles": lambda: QuantileTransformer(output_distribution="normal", random_state=0),
    "logarithms": of_positive(np.log),
    "roots": of_positive(np.sqrt),
    "squares": of_positive(np.square),
    "reciprocals": of_positive(np.reciprocal),
    "Box-Cox": lambda: make_pipeline(
        FunctionTransformer(lambda x: np.maximum(x[:, 2:], 1e-3)), PowerTransformer("box-cox")
    ),
    "clipped at hundredths": lambda: Clip(0.01, 0.99),
    "clipped at twentieths": lambda: Clip(0.05, 0.95),
    "upside down and reversed": lambda: make_pipeline(PowerTransformer(), FunctionTransformer(lambda x: -x[:, ::-1])),
    "half precision": lambda: make_pipeline(
        StandardScaler(), FunctionTransformer(lambda x: x.astype(np.float16).astype(np.float32))
    ),
    "single precision": lambda: make_pipeline(PowerTransformer(), FunctionTransformer(lambda x: x.astype(np.float32))),
    "ratios too": lambda: make_pipeline(
        FunctionTransformer(lambda x: np.column_stack([x, x[:, 3] / np.maximum(x[:, 6], 1)])), PowerTransformer()
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MONOTONE)
def test_rows_are_found_behind_monotone_maps(data, make, name):
    """If each column is transformed by a rising or falling map, the rows of a random part are found, and none
    wrongly."""
    parts = data.parts()
    matched, found = match(data.matcher, make, prepared(MONOTONE[name], data, parts))
    require_rows(found, parts, 0.999)
    assert len(matched.maps) >= 7


def test_columns_behind_monotone_maps_are_named(practised, make):
    """Each of the nine columns is identified, in any order and also if its map falls."""
    tables = prepared(MONOTONE["upside down and reversed"], practised, practised.parts())
    maps = match(practised.matcher, make, tables)[0].maps
    assert [(m.column, m.source) for m in maps] == [(j, 8 - j) for j in range(9)]
    assert all(isinstance(m, MonotoneMap) for m in maps)


@pytest.mark.slow
@pytest.mark.parametrize("kept", ["complete", "without the highest values"])
def test_rows_are_found_behind_monotone_maps_where_some_were_dropped(practised, make, kept):
    """Dropped rows shift the ranks of the others, which are found all the same."""
    value = practised.features[:, 8]
    rows = np.flatnonzero(
        ~np.isnan(practised.features).any(axis=1) if kept == "complete" else value < np.quantile(value, 0.95)
    )
    parts = practised.parts(rows=rows)
    require_rows(match(practised.matcher, make, prepared(PowerTransformer, practised, parts))[1], parts, 0.999)


@pytest.mark.slow
def test_bins_tell_most_rows_and_none_wrongly(practised, make):
    """With twenty bins for each column some rows are alike; these are not guessed."""
    parts = practised.parts()
    columns = [practised.filled[parts[0], j] for j in range(9)]
    edges = [np.unique(np.quantile(column, np.linspace(0.05, 0.95, 19))) for column in columns]
    table = np.column_stack([np.searchsorted(e, column) for e, column in zip(edges, columns, strict=True)])
    rows = match(practised.matcher, make, [table.astype(np.float32)])[1][0]
    assert (rows >= 0).mean() > 0.9
    assert (rows[rows >= 0] == parts[0][rows >= 0]).mean() > 0.999


def test_ties_go_to_ties():
    """A monotone map may give one value for many of the data's, as at a clipped end, but not two values for one."""
    random = np.random.default_rng(0)
    ours = random.integers(0, 200, 2_000).astype(float)
    rows = np.arange(2_000)
    fit = rank_matching.fit(np.clip(ours, 20, 180)[:, None], rows, rows, ours[:, None])
    assert [(m.column, m.source) for m in fit] == [(0, 0)]
    assert rank_matching.fit((ours + random.random(2_000))[:, None], rows, rows, ours[:, None]) == ()


def test_a_map_knows_between_which_values_a_row_lies():
    """A value that no row showed lies between the images of its neighbours, also if the map falls."""
    falls = MonotoneMap(0, 0, np.array([1.0, 2.0, 4.0]), np.array([9.0, 5.0, 1.0]), np.array([0.9, 0.5, 0.1]))
    low, high, is_known = falls.bounds(np.array([2.0, 3.0, 0.0, 5.0]))
    assert list(low) == [5.0, 1.0, 9.0, -np.inf]
    assert list(high) == [5.0, 5.0, np.inf, 1.0]
    assert list(is_known) == [True, False, False, False]
    assert list(falls.of_table(np.array([9.0, 5.0, 1.0]))) == [0.9, 0.5, 0.1]


@pytest.mark.slow
@pytest.mark.parametrize("scaled", [False, True])
def test_swapped_columns_are_no_rows(practised, make, scaled):
    """Columns that were each shuffled separately have the data's distributions, but none of its rows."""
    random = np.random.default_rng(1)
    table = (prepared(PowerTransformer, practised, practised.parts()) if scaled else [practised.filled])[0]
    swapped = np.column_stack([random.permutation(column) for column in table.T])
    assert match(practised.matcher, make, [swapped])[1] == [None]


# -- rows that are alike ---------------------------------------------------------------------------------


def twins():
    """Two thousand rows of three columns, each with a twin of another class."""
    random = np.random.default_rng(4)
    features = np.repeat(np.round(random.normal(size=(1_000, 3)) * [1, 5, 20], 3), 2, axis=0)
    return features, np.tile(np.array([0, 1], dtype=np.int32), 1_000)


@pytest.mark.parametrize(
    "code", [lambda y: y, lambda y: np.eye(2)[1 - y], lambda y: 7 - y], ids=["own", "hot", "other"]
)
def test_rows_that_are_alike_are_told_apart_by_their_labels(make, code):
    """Of two rows with the same features, the one with the table's label is matched, however classes are numbered."""
    features, labels = twins()
    features[:800] = np.round(np.random.default_rng(5).normal(size=(800, 3)) * [1, 5, 20], 3)
    order = np.random.default_rng(6).permutation(2_000)
    table = ((features - 1) / 3)[order]
    assert (match(Matcher(KnownRows(features, labels)), make, [table])[1][0] >= 0).sum() == 800
    rows = match(Matcher(KnownRows(features, labels)), make, [table], [code(labels[order].astype(np.int64))])[1][0]
    assert np.array_equal(rows, order)


@pytest.mark.slow
def test_rows_that_are_alike_are_told_apart_by_their_targets(make, prices):
    """Rows that three columns cannot tell apart are told apart by the price, in any unit."""
    order = np.random.default_rng(6).permutation(len(prices.labels))[:13_000]
    table = StandardScaler().fit_transform(prices.features[:, :3])[order]
    known = KnownRows(prices.features, prices.labels)
    without = match(Matcher(known), make, [table])[1][0]
    rows = match(Matcher(known), make, [table], [np.log(prices.labels[order])])[1][0]
    require_rows([rows], [order], 0.98)
    assert without is None or (without >= 0).sum() <= (rows >= 0).sum()


def test_labels_of_other_rows_tell_nothing_apart(make):
    """Shuffled labels are not used, so rows that are alike stay unmatched."""
    features, labels = twins()
    features[:800] = np.round(np.random.default_rng(5).normal(size=(800, 3)) * [1, 5, 20], 3)
    order = np.random.default_rng(6).permutation(2_000)
    shuffled = np.random.default_rng(7).permutation(labels).astype(np.int64)
    assert (match(Matcher(KnownRows(features, labels)), make, [features[order]], [shuffled])[1][0] >= 0).sum() == 800


def test_rows_that_are_alike_stand_where_the_order_of_the_others_puts_them(make):
    """If all matched rows are in the file's order, rows that are alike are matched in that order too."""
    features, labels = twins()
    features[:800] = np.round(np.random.default_rng(5).normal(size=(800, 3)) * [1, 5, 20], 3)
    assert np.array_equal(match(Matcher(KnownRows(features, labels)), make, [features / 2])[1][0], np.arange(2_000))


# -- tables of which a part is made up -------------------------------------------------------------------


def with_made_up(table, rows, times, random):
    """Add rows interpolated between two others, as SMOTE does; shuffle all."""
    first, second = random.integers(0, len(table), (2, int(times * len(table))))
    share = random.uniform(0.2, 0.8, (len(first), 1))
    made = table[first] * share + table[second] * (1 - share)
    order = random.permutation(len(table) + len(made))
    return np.concatenate([table, made])[order], np.concatenate([rows, np.full(len(made), -1)])[order]


@pytest.mark.slow
@pytest.mark.parametrize("scaler", [StandardScaler, PowerTransformer])
def test_made_up_rows_are_left_out(practised, make, scaler):
    """If more than half of a training table is made up, its rows are found by the maps of its development table."""
    parts = practised.parts()
    training, *others = prepared(scaler, practised, parts)
    table, rows = with_made_up(training, parts[0], 1.2, np.random.default_rng(3))
    found = match(practised.matcher, make, [table, *others])[1]
    assert np.mean(found[0] == rows) > 0.995
    assert set(found[0][found[0] >= 0]) >= set(parts[0])
    require_rows(found[1:], parts[1:], 0.999)


@pytest.mark.slow
def test_made_up_rows_behind_the_others_are_left_out(practised, make):
    """If there is no other table, the first rows of a long one show its preparation."""
    parts = practised.parts()
    training = prepared(StandardScaler, practised, parts)[0]
    noise = training + np.random.default_rng(3).normal(0, 0.1, training.shape)
    rows = match(practised.matcher, make, [np.concatenate([training, noise])])[1][0]
    assert np.array_equal(rows, np.concatenate([parts[0], np.full(len(noise), -1)]))


@pytest.mark.slow
def test_less_than_half_of_a_training_part_is_not_enough(practised, make):
    """A few real rows among made-up ones are not matched."""
    few = practised.parts()[0][: ROWS // 4]
    table = StandardScaler().fit_transform(practised.filled)[few]
    mixed, _ = with_made_up(table, few, 3, np.random.default_rng(3))
    assert match(practised.matcher, make, [mixed])[1] == [None]


# -- orders ----------------------------------------------------------------------------------------------

MIXED = {
    "principal components": lambda: make_pipeline(StandardScaler(), PCA(5)),
    "whitened": lambda: make_pipeline(StandardScaler(), PCA(whiten=True)),
    "components of products": lambda: make_pipeline(StandardScaler(), PolynomialFeatures(2), PCA(10)),
    "components of powers": lambda: make_pipeline(PowerTransformer(), PCA(5)),
    "directions": lambda: make_pipeline(StandardScaler(), Normalizer()),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "are_complete"), [*((name, False) for name in MIXED), ("components of products", True)]
)
def test_the_hand_outs_split_is_found_behind_mixtures(data, make, name, are_complete):
    """If no column is one of the data's, the hand-out's split is tried, and matches if the columns follow from its
    rows."""
    rows = np.flatnonzero(~np.isnan(data.features).any(axis=1)) if are_complete else None
    parts = data.parts(42, rows)
    require_rows(match(data.matcher, make, prepared(MIXED[name], data, parts))[1], parts, 0.98)


@pytest.mark.slow
def test_the_files_order_is_found_behind_mixtures(practised, make):
    """All rows in the file's order are found, and so are its first rows."""
    table = MIXED["principal components"]().fit_transform(practised.filled)
    rows = np.arange(len(table))
    require_rows(match(practised.matcher, make, [table])[1], [rows])
    first, last = np.split(rows, [int(0.8 * ROWS)])
    require_rows(match(practised.matcher, make, [table[first], table[last]])[1], [first, last], 0.98)


def test_a_table_read_by_its_order_tells_of_others(practised, make):
    """The mixture of the training table finds test rows that are in no order."""
    parts = practised.parts(42)
    training, _, test = prepared(MIXED["whitened"], practised, parts)
    order = np.random.default_rng(2).permutation(len(test))
    require_rows(match(practised.matcher, make, [training, test[order]])[1], [parts[0], parts[2][order]], 0.9)


@pytest.mark.slow
@pytest.mark.parametrize("name", MIXED)
def test_an_order_is_not_believed_without_its_columns(practised, make, name):
    """Mixtures of another split with as many rows do not follow from the hand-out's split."""
    assert match(practised.matcher, make, prepared(MIXED[name], practised, practised.parts(7))[:1])[1] == [None]


def test_splits_are_scikit_learns(practised):
    """The hand-out's split equals that of ``train_test_split``."""
    rows = mixtures.MixtureRows(practised.features)
    rest, test = train_test_split(np.arange(rows.count), test_size=0.2, random_state=42)
    training, watched = train_test_split(rest, test_size=0.2, random_state=42)
    for part in (training, watched, test, rest):
        assert any(np.array_equal(part, candidate) for candidate in rows.candidates(len(part)))


# -- an index --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dropped"),
    [
        *((name, "none") for name in MIXED),
        ("directions", "those with gaps"),
        ("components of powers", "those with gaps, and counted anew"),
    ],
)
def test_an_index_leads_behind_mixtures_of_any_split(data, make, name, dropped):
    """The index of the training labels alone gives all rows of its table, and the mixture that finds the other
    tables."""
    complete = np.flatnonzero(~np.isnan(data.features).any(axis=1))
    parts = data.parts(7, None if dropped == "none" else complete)
    index = np.searchsorted(complete, parts[0]) if "anew" in dropped else parts[0]
    found = match(data.matcher, make, prepared(MIXED[name], data, parts), indices=[index])[1]
    require_rows(found[:1], parts[:1])
    require_rows(found[1:], parts[1:], 0.98)


@pytest.mark.slow
def test_tables_with_an_index_are_found_whole(data, make):
    """Rows with gaps, whose images are unknown, are matched by the index that the other rows confirm."""
    parts = data.parts(7)
    tables = prepared(MIXED["principal components"], data, parts)
    require_rows(match(data.matcher, make, tables, indices=parts)[1], parts)


@pytest.mark.slow
def test_products_are_found_by_an_index(data, make):
    """With an index, polynomial features are found to follow from the rows, even without the features themselves."""
    parts = data.parts(7)
    products = make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False))
    tables = [table[:, 9:].astype(np.float32) for table in prepared(lambda: products, data, parts)]
    require_rows(match(data.matcher, make, tables, indices=parts[:1])[1], parts, 0.98)


@pytest.mark.slow
def test_an_index_that_comes_later_is_searched_too(practised, make):
    """An unmatched table is searched once more if another network is given an index with it."""
    parts = practised.parts(7)
    matcher, tables = practised.matcher, prepared(MIXED["whitened"], practised, parts)[:1]
    assert match(matcher, make, tables)[1] == [None]
    require_rows(match(matcher, make, tables, indices=parts[:1])[1], parts[:1])


def test_rows_that_repeat_are_found_by_their_index(practised, make):
    """Training rows that were drawn several times repeat their index, and are found."""
    training = np.random.default_rng(8).choice(practised.parts(7)[0], ROWS)
    table = prepared(MIXED["whitened"], practised, [training])[0]
    require_rows(match(practised.matcher, make, [table], indices=[training])[1], [training])


@pytest.mark.parametrize("scaler", [StandardScaler, PowerTransformer])
def test_rows_that_are_alike_are_told_apart_by_an_index(make, scaler):
    """If all matched rows agree with their index, rows that are alike are matched by it."""
    features, labels = twins()
    features[:800] = np.round(np.random.default_rng(5).normal(size=(800, 3)) * [1, 5, 20], 3)
    order = np.random.default_rng(6).permutation(2_000)
    table = scaler().fit_transform(features)[order]
    assert np.array_equal(match(Matcher(KnownRows(features, labels)), make, [table], indices=[order])[1][0], order)
    wrong = np.where(order < 800, order, order ^ 2)  # the twins of others
    rows = match(Matcher(KnownRows(features, labels)), make, [table], indices=[wrong])[1][0]
    assert not (rows[order >= 800] >= 0).any()


@pytest.mark.slow
@pytest.mark.parametrize("name", MIXED)
def test_a_false_index_is_not_believed(practised, make, name):
    """The right row numbers in a wrong order match nothing, neither for a training table nor for the tables beside
    it."""
    parts = practised.parts(7)
    tables = prepared(MIXED[name], practised, parts)
    false = [np.random.default_rng(9).permutation(part) for part in parts]
    assert match(practised.matcher, make, tables[:1], indices=false[:1])[1] == [None]
    found = match(practised.matcher, make, tables, indices=[parts[0], *false[1:]])[1]
    require_rows(found, parts, 0.98)


def test_a_row_with_a_gap_is_not_taken_at_its_word(practised, make):
    """A row with a gap is matched only if filling the gap gives the table's row."""
    training = practised.parts(7)[0]
    table = prepared(MIXED["principal components"], practised, [training])[0]
    has_gap = np.isnan(practised.features[training]).any(axis=1)
    table[has_gap] = np.random.default_rng(3).permutation(table[~has_gap])[: has_gap.sum()]
    rows = match(practised.matcher, make, [table], indices=[training])[1][0]
    assert has_gap.any()
    assert np.array_equal(rows, np.where(has_gap, -1, training))


@pytest.mark.slow
def test_few_rows_that_repeat_prove_nothing(practised, make):
    """If a table has fewer rows than fitted numbers, everything follows from its rows, so it is not believed."""
    random = np.random.default_rng(0)
    index = random.choice(ROWS, 40)[random.integers(0, 40, 3_000)]
    table = random.normal(size=(ROWS, 6))[index]
    assert match(practised.matcher, make, [table], indices=[index])[1] == [None]


# -- what only a hostile guest would send ----------------------------------------------------------------

DEGENERATE = {
    "one value": lambda n: np.zeros((n, 9)),
    "two values": lambda n: np.random.default_rng(0).integers(0, 2, (n, 9)).astype(np.float64),
    "no numbers": lambda n: np.full((n, 9), np.nan),
    "huge": lambda n: np.random.default_rng(0).choice([np.inf, 1e38, -1e38, 0.0, 1.0], (n, 9)),
    "one value and no numbers": lambda n: np.where(np.arange(n)[:, None] % 2, np.nan, np.ones((n, 9))),
    "five hundred columns": lambda n: np.random.default_rng(0).normal(size=(n // 100, 500)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_tables_are_no_rows(practised, make, name):
    """Tables without a row of the data are not matched, and raise nothing."""
    assert match(practised.matcher, make, [DEGENERATE[name](20_000)])[1] == [None]


def test_one_column_repeated_is_no_row(practised, make):
    """A few values that hundreds of rows share identify no row, however often the column is repeated."""
    table = np.tile(practised.filled[:, [2]], (10, 9))
    rows = match(practised.matcher, make, [table])[1][0]
    assert rows is None


def test_searches_in_vain_are_limited(practised, make, monkeypatch):
    """After the limit on tables without a match, the rest of a file's tables are not searched."""
    searched = []
    monkeypatch.setattr(Matcher, "_search", lambda self, table, y, tables: searched.append(len(table)))
    random = np.random.default_rng(0)
    match(practised.matcher, make, [random.normal(size=(100, 9)) for _ in range(3 * MAX_IN_VAIN)])
    assert len(searched) == MAX_IN_VAIN


def test_a_networks_tables_are_limited(practised, make):
    """Tables beyond a network's limit on values are not searched; smaller ones still are."""
    scaled = StandardScaler().fit_transform(practised.filled)
    huge = np.tile(scaled.astype(np.float32), (MAX_VALUES // scaled.size + 1, 1))
    found = match(practised.matcher, make, [huge, scaled])[1]
    assert found[0] is None
    require_rows(found[1:], [np.arange(ROWS)])


def test_a_long_table_is_searched_by_a_sample(practised, make):
    """A table many times as long as the data is matched row by row once a sample has shown its maps."""
    random = np.random.default_rng(0)
    order = random.integers(0, ROWS, 50_000)
    table = StandardScaler().fit_transform(practised.filled)[order]
    require_rows(match(practised.matcher, make, [table])[1], [order])


HOSTILE = {
    "too short": lambda rows: rows[:-1],
    "too long": lambda rows: np.append(rows, 0),
    "empty": lambda rows: rows[:0],
    "two axes": lambda rows: rows[:, None],
    "none of the data's": lambda rows: np.full(len(rows), -1),
    "huge": lambda rows: np.where(np.arange(len(rows)) % 2, 10**18, np.iinfo(np.int64).min),
    "fractions": lambda rows: rows + 0.5,
    "no numbers": lambda rows: np.full(len(rows), np.nan),
    "yes and no": lambda rows: rows % 2 == 0,
    "one row": lambda rows: np.full(len(rows), 5),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_index_does_no_harm(practised, make, name):
    """With a useless index, the same rows are found as without it."""
    parts = practised.parts(7)
    index = HOSTILE[name](parts[0])
    for scaler in (StandardScaler, PowerTransformer):
        require_rows(
            match(practised.matcher, make, prepared(scaler, practised, parts[:1]), indices=[index])[1], parts[:1]
        )
    assert match(practised.matcher, make, prepared(MIXED["whitened"], practised, parts[:1]), indices=[index])[1] == [
        None
    ]


@pytest.mark.slow
@pytest.mark.parametrize("numbers", ["any", "of rows with gaps", "true ones, and of rows with gaps"])
def test_an_index_costs_bounded_time(practised, make, numbers):
    """The largest table that is searched takes seconds, whatever its index: an index is one more order to try."""
    random = np.random.default_rng(0)
    count = MAX_VALUES // 9
    gapped = np.flatnonzero(np.isnan(practised.features).any(axis=1))
    index = random.integers(0, ROWS, count) if numbers == "any" else random.choice(gapped, count)
    table = random.normal(size=(count, 9))
    if numbers.startswith("true"):
        index[::2] = random.integers(0, ROWS, len(index[::2]))
        mixed = make_pipeline(StandardScaler(), PolynomialFeatures(2), PCA(9)).fit_transform(practised.filled)
        table[::2] = mixed[index[::2]]
    began = time.process_time()
    rows = match(practised.matcher, make, [table], indices=[index])[1][0]
    assert time.process_time() - began < 60
    assert rows is None or not (rows[1::2] >= 0).any()
