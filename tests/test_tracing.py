"""Tracing: whatever a student did to the columns, the rows are found again; where they cannot be, it is said."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from checker.gather.rows import tracing
from checker.gather.rows.known_rows import KnownRows
from checker.gather.rows.matching import Matcher
from checker.gather.rows.preparation import ColumnSources
from checker.gather.rows.sources import Sources
from checker.records.arrays import ArrayRef
from checker.records.capture import Fed
from checker.records.network import Development
from checker.records.tracing import REORDERED, FeatureSource
from checker.wire import frames

ROWS = 2_000
TRAINING, DEVELOPMENT, TEST = np.arange(1_280), np.arange(1_280, 1_600), np.arange(1_600, ROWS)
PARTS = (TRAINING, DEVELOPMENT, TEST)
BEDROOMS = 4


def trace(answer, arrays, features, labels, names):
    """Trace a network's data in a data set that is searched for the first time."""
    matcher = Matcher(KnownRows(features, labels))
    honest = Sources(names[: features.shape[1]], features, {})
    told = Sources(names[: matcher.features.shape[1]], matcher.features, {names[-1]: labels.astype(str)})
    return tracing.trace(answer, arrays, matcher, ColumnSources(honest, told, names[-1]), names)


class Student:
    """Two thousand houses, and what a student might do with them."""

    def __init__(self, practice, assignment, make):
        chosen = np.random.default_rng(0).permutation(len(practice.labels))[:ROWS]
        self.features, self.labels = practice.features[chosen], practice.labels[chosen]
        self.names = (*assignment.data.features, assignment.data.target)
        self.make = make
        self.imputed = SimpleImputer(strategy="median").fit(self.features[TRAINING]).transform(self.features)
        self.scaled = StandardScaler().fit(self.imputed[TRAINING]).transform(self.imputed)
        self.few = self.scaled[:, [0, 1, 7]]  # found three times as fast as nine columns

    def trace(self, training, labels=None, watched=None, tested=(), **more):
        """Trace a network that was trained on a table, watched on another, and tested on others."""
        y = self.labels[TRAINING].astype(np.int64) if labels is None else labels
        tables = [training, y, *([] if watched is None else [watched]), *tested]
        arrays = {frames.reference(table).sha256: table for table in tables}
        fit = self.make.fit(
            training=self.make.fed(training, y),
            development=Development.NONE if watched is None else Development.DATA,
            validation=None if watched is None else self.make.fed(watched),
        )
        uses = tuple(self.make.use("evaluate", self.make.fed(x), 9 + n) for n, x in enumerate(tested))
        answer = self.make.model(1, replace(fit, **more), input_width=training.shape[1], uses=uses)
        return trace(answer, arrays, self.features, self.labels, self.names)

    def trace_parts(self, table, rows=None):
        """Trace a network that was fed the three parts of a table as the hand-out does."""
        kept = np.arange(ROWS) if rows is None else rows
        train, watched, tested = (table[np.isin(kept, part)] for part in PARTS)
        return self.trace(train, self.labels[kept[kept < len(TRAINING)]], watched, [tested])


@pytest.fixture(scope="module")
def student(practice, assignment, make):
    return Student(practice, assignment, make)


def require_traced(traced, table, rows=None, share=1.0):
    """Require that exactly these rows were found, and that their inputs are those of the student's table, in such a
    share of them."""
    rows = np.arange(len(table)) if rows is None else rows
    assert traced.tracing.source is FeatureSource.TRACED, traced.tracing.reason
    assert traced.tracing.all_rows == len(rows)
    places = np.searchsorted(traced.rows, rows)
    assert np.array_equal(traced.rows[places], rows)
    assert np.isclose(traced.features[places], table, atol=2e-4 * table.std(), equal_nan=True).mean() >= share
    assert np.isin(rows, traced.trainable).all()
    for ref, array in (("rows", traced.rows), ("features", traced.features), ("trainable", traced.trainable)):
        assert getattr(traced.tracing, ref) == frames.reference(array)


def test_a_small_data_set_is_traced_like_a_large_one(make):
    """Of the 150 flowers of the iris data, training, development and test part are found, also the test of 30 rows, as
    one that holds no training rows; a column made of the species is known for it, an area of petals is not."""
    iris = load_iris()
    features, labels, names = iris.data, iris.target.astype(np.int32), (*iris.feature_names, "species")
    known, tested = train_test_split(np.arange(150), test_size=0.2, random_state=42)
    trained, watched = train_test_split(known, test_size=0.2, random_state=42)
    made = np.column_stack([features, labels, features[:, 2] * features[:, 3]])
    scaled = StandardScaler().fit(made[trained]).transform(made).astype(np.float32)
    y = labels[trained].astype(np.int64)
    tables = [scaled[trained], scaled[watched], scaled[tested]]
    fit = make.fit(training=make.fed(tables[0], y), development=Development.DATA, validation=make.fed(tables[1]))
    answer = make.model(1, fit, input_width=6, uses=(make.use("evaluate", make.fed(tables[2])),))
    traced = trace(answer, {frames.reference(of).sha256: of for of in (*tables, y)}, features, labels, names).tracing
    assert (traced.training_rows, traced.left_out, traced.labels_differ) == (96, "", 0)
    assert [(seen.rows, seen.trained_on) for seen in traced.seen] == [(30, 0)]
    assert [column.has_target for column in traced.columns] == [False] * 4 + [True, False]
    assert not traced.columns[5].gives_away(False)


# -- what students do to columns -------------------------------------------------------------------------


def scaled_by(scaler):
    return lambda s: scaler().fit(s.imputed[TRAINING]).transform(s.imputed)


def with_logarithms(s):
    """Logarithms of the counts, and a ratio as a tenth column."""
    logs = np.log1p(s.imputed[:, 3:7])
    ratio = s.imputed[:, 3] / s.imputed[:, 6]
    return StandardScaler().fit_transform(np.column_stack([s.imputed[:, :3], logs, s.imputed[:, 7:], ratio]))


def apart(s):
    """Each part standardised by itself."""
    return np.concatenate([StandardScaler().fit_transform(s.imputed[part]) for part in PARTS])


ALL = "longitude latitude housing_median_age total_rooms total_bedrooms population households median_income".split()
ALL.append("median_house_value")

PREPARATIONS = {
    "standardised": (lambda s: s.scaled, ALL),
    "min-max": (scaled_by(MinMaxScaler), ALL),
    "robust": (scaled_by(RobustScaler), ALL),
    "raw": (lambda s: s.imputed, ALL),
    "single precision": (lambda s: s.scaled.astype(np.float32), ALL),
    "gaps as zeros": (lambda s: np.nan_to_num(s.features), ALL),
    "logarithms": (with_logarithms, [*ALL[:3], "", "", "", "", *ALL[7:], ""]),
    "three columns": (lambda s: s.scaled[:, [0, 1, 7]], [ALL[0], ALL[1], ALL[7]]),
    "another order": (lambda s: s.scaled[:, ::-1].copy(), ALL[::-1]),
    "upside down": (lambda s: np.column_stack([-s.scaled[:, 0], s.scaled[:, 1:]]), ALL),
    "a constant": (lambda s: np.column_stack([np.ones(ROWS), s.scaled]), ["", *ALL]),
    "scaled apart": (apart, ALL),
}


@pytest.mark.parametrize("name", PREPARATIONS)
def test_rows_are_found_behind_any_preparation(student, name):
    """Scaled, raw, reordered, fewer and derived columns all lead back to every row, and keep their values.

    What was scaled part by part has the values that the scaling of the training part gives, but for imputed ones.
    """
    prepare, sources = PREPARATIONS[name]
    table = prepare(student)
    traced = student.trace_parts(table)
    if prepare is apart:
        require_traced(traced, student.scaled, share=0.998)
    else:
        require_traced(traced, table)
    assert [column.source for column in traced.tracing.columns] == sources
    assert (traced.tracing.training_rows, traced.tracing.development_rows) == (1_280, 320)
    assert [(seen.rows, seen.trained_on) for seen in traced.tracing.seen] == [(400, 0)]
    assert traced.tracing.labels_differ == 0


def test_rows_are_found_when_rows_were_dropped(student):
    """A student who drops rows with gaps leads back to the rows that were kept."""
    complete = np.flatnonzero(~np.isnan(student.features).any(axis=1))
    assert len(complete) < ROWS
    table = StandardScaler().fit_transform(student.features[complete])
    require_traced(student.trace_parts(table, complete), table, complete)


def test_rows_are_found_in_any_order(student):
    """Shuffled rows are found as well, and their labels with them."""
    order = np.random.default_rng(3).permutation(TRAINING)
    traced = student.trace(student.few[order], student.labels[order].astype(np.int64))
    require_traced(traced, student.few[TRAINING], TRAINING)
    assert traced.tracing.labels_differ == 0


def test_the_whole_data_set_is_found(practice, assignment, make):
    """All 20,640 rows are found at once."""
    table = StandardScaler().fit_transform(np.nan_to_num(practice.features)).astype(np.float32)
    arrays = {frames.reference(table).sha256: table}
    answer = make.model(1, make.fit(training=make.fed(table)))
    traced = trace(answer, arrays, practice.features, practice.labels, assignment.data.features)
    require_traced(traced, table)


# -- what the record says about the columns --------------------------------------------------------------


def test_columns_are_measured_over_training_and_over_all_rows(student):
    """Means and deviations tell a scaling learned from the training part from one learned from all rows."""
    from_training = student.trace_parts(student.scaled).tracing.columns
    assert all(abs(c.train_mean) < 1e-9 and abs(c.train_deviation - 1) < 1e-9 for c in from_training)
    assert any(abs(c.all_mean) > 1e-4 for c in from_training)
    from_all = student.trace_parts(MinMaxScaler().fit_transform(student.imputed)).tracing.columns
    assert all((c.all_low, c.all_high) == pytest.approx((0, 1)) for c in from_all)
    assert any(c.train_high < 0.999 or c.train_low > 0.001 for c in from_all)


def test_rows_that_fit_splits_off_count_as_fitted_on(student):
    """With validation_split the scaling was learned from the watched rows too, so both parts are measured."""
    both = np.concatenate([TRAINING, DEVELOPMENT])
    table = StandardScaler().fit_transform(student.imputed[both])
    train, watched = table[: len(TRAINING)], table[len(TRAINING) :]
    columns = student.trace(train, watched=watched, development=Development.SPLIT).tracing.columns
    assert all(abs(c.train_mean) < 1e-9 and abs(c.train_deviation - 1) < 1e-9 for c in columns)


def test_a_column_that_gives_the_class_away_is_pure(student):
    """One-hot codes of the label among the features have a purity of one, and no honest column comes near."""
    codes = np.eye(5)[student.labels][:, [0, 1, 3, 4]]
    columns = student.trace_parts(np.column_stack([student.scaled, codes])).tracing.columns
    assert [column.label_purity for column in columns[9:]] == [1.0] * 4
    assert max(column.label_purity for column in columns[:9]) < 0.98
    assert [column.source for column in columns[9:]] == [""] * 4


def test_the_label_itself_is_pure(student):
    """The class number as one column, scaled or not, has a purity of one."""
    number = (student.labels - student.labels.mean()) / student.labels.std()
    columns = student.trace_parts(np.column_stack([student.scaled, number])).tracing.columns
    assert columns[9].label_purity == 1.0


# -- what the record says about the rows -----------------------------------------------------------------


def test_tests_on_training_rows_are_counted(student):
    """Of every set of rows that was tested on it is known how many had been trained on."""
    tested = [student.few[rows] for rows in (TEST, TRAINING, np.arange(1_230, 1_430))]
    seen = student.trace(student.few[TRAINING], tested=tested).tracing.seen
    assert [(s.rows, s.trained_on) for s in seen] == [(400, 0), (1_280, 1_280), (200, 50)]
    assert [s.cell for s in seen] == [9, 10, 11]


def test_watched_rows_that_were_trained_on_are_no_development_rows(student):
    """A student who watches the training rows themselves has no development rows."""
    found = student.trace(student.few[TRAINING], watched=student.few[TRAINING]).tracing
    assert (found.training_rows, found.development_rows) == (1_280, 0)


def test_a_few_predicted_rows_are_found_by_the_known_maps(student):
    """A handful of rows, too few to match by themselves, are read with what the training data showed."""
    traced = student.trace(student.few[TRAINING], tested=[student.few[TEST[:5]]])
    require_traced(traced, student.few[np.r_[TRAINING, TEST[:5]]], np.r_[TRAINING, TEST[:5]])


def test_a_second_stretch_of_training_counts_as_well(student, make):
    """Rows of an earlier stretch of training have been trained on when the model is tested."""
    first, second, tested = student.few[:1_000], student.few[800:1_500], student.few[900:1_100]
    arrays = {frames.reference(x).sha256: x for x in (first, second, tested)}
    fits = [make.fit(training=make.fed(x)) for x in (first, second)]
    answer = make.model(1, *fits, uses=(make.use("predict", make.fed(tested)),))
    found = trace(answer, arrays, student.features, student.labels, student.names).tracing
    assert found.training_rows == 1_500
    assert [(s.rows, s.trained_on) for s in found.seen] == [(200, 200)]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(lambda y: y, id="numbers"),
        pytest.param(lambda y: y[:, None], id="a column"),
        pytest.param(lambda y: np.array([3, 0, 4, 1, 2])[y], id="other numbers"),
        pytest.param(lambda y: np.eye(5, dtype=np.float32)[y], id="one-hot"),
        pytest.param(lambda y: np.eye(5)[:, ::-1][y], id="one-hot, other order"),
    ],
)
def test_labels_in_any_code_agree(student, code):
    """Whatever numbers a student gave the classes, true labels differ from the data set's nowhere."""
    labels = code(student.labels[TRAINING].astype(np.int64))
    assert student.trace(student.few[TRAINING], labels).tracing.labels_differ == 0


def test_labels_that_differ_are_counted(student):
    """Changed labels are counted one by one, and shuffled ones differ in about as many rows as chance says."""
    true = student.labels[TRAINING].astype(np.int64)
    changed = true.copy()
    changed[:100] = np.where(true[:100] == 0, 1, 0)
    assert student.trace(student.few[TRAINING], changed).tracing.labels_differ == 100
    shuffled = np.random.default_rng(5).permutation(true)
    assert student.trace(student.few[TRAINING], shuffled).tracing.labels_differ > 0.4 * len(true)


# -- what cannot be traced -------------------------------------------------------------------------------


def swapped(s):
    """Each column shuffled by itself: no row of it exists."""
    rng = np.random.default_rng(1)
    return np.column_stack([rng.permutation(column) for column in s.scaled[TRAINING].T])


def invented(s):
    return np.random.default_rng(2).normal(size=(1_280, 9))


@pytest.mark.slow
@pytest.mark.parametrize("prepare", [swapped, invented])
def test_rows_that_do_not_exist_are_not_traced(student, prepare):
    """Swapped or invented rows are not traced, nothing takes their place, and what was tried is said."""
    traced = student.trace(prepare(student))
    assert (traced.tracing.source, traced.rows, traced.features) == (FeatureSource.NOWHERE, None, None)
    assert "scaled and shifted, and by their ranks" in traced.tracing.reason
    assert (traced.tracing.columns, traced.arrays) == ((), {})


def test_a_few_invented_rows_do_not_hide_the_others(student):
    """Among real rows a few invented ones are counted, told, and left out."""
    table = student.few[TRAINING].copy()
    table[:30] = np.random.default_rng(2).normal(size=(30, 3))
    traced = student.trace(table)
    require_traced(traced, student.few[TRAINING[30:]], TRAINING[30:])
    assert traced.tracing.reason.endswith("; 30 were not.")


def test_arrays_that_were_not_kept_are_not_traced(student, make):
    """A model that was fed from a generator is not traced, and the reason says so."""
    answer = make.model(1, make.fit(training=Fed(rows=13_209, note="a generator")))
    found = trace(answer, {}, student.features, student.labels, student.names).tracing
    assert found.source is FeatureSource.NOWHERE
    assert "is not at hand" in found.reason


# -- what only a hostile guest would say -----------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(np.full(1_280, np.nan), id="NaN"),
        pytest.param(np.zeros(100, dtype=np.int64), id="too few"),
        pytest.param(np.zeros(9_999, dtype=np.int64), id="too many"),
        pytest.param(np.zeros((1_280, 5, 2)), id="three dimensions"),
        pytest.param(np.zeros((0, 5)), id="none"),
        pytest.param(np.zeros((1_280, 0)), id="no columns"),
        pytest.param(np.int64(1).reshape(()), id="one number"),
    ],
)
def test_senseless_labels_break_nothing(student, labels):
    """Labels of the wrong size or without numbers do not keep the rows from being found."""
    require_traced(student.trace(student.few[TRAINING], labels), student.few[TRAINING], TRAINING)


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(np.zeros((1_280, 0)), id="no columns"),
        pytest.param(np.zeros((0, 9)), id="no rows"),
        pytest.param(np.full((1_280, 9), np.nan), id="NaN"),
        pytest.param(np.full((1_280, 9), np.inf), id="infinite"),
        pytest.param(np.full((1_280, 9), 1e308), id="huge"),
        pytest.param(np.zeros((1_280, 9), dtype=bool), id="truth values"),
        pytest.param(np.zeros((60, 1)), id="one column"),
    ],
)
def test_senseless_tables_are_not_traced(student, table):
    """A table without rows, columns or usable numbers is not traced, and breaks nothing."""
    assert student.trace(table).tracing.source is not FeatureSource.TRACED


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_senseless_column_hides_no_row(student, value):
    """One column without usable numbers among good ones does not keep the rows from being found."""
    table = np.column_stack([student.few[TRAINING], np.full(len(TRAINING), value)])
    assert np.isin(TRAINING, student.trace(table).rows).all()


def test_a_lie_about_a_shape_breaks_nothing(student, make):
    """A reference that claims another shape than its array has is not believed."""
    flat = np.arange(1_000.0)
    lie = ArrayRef(frames.reference(flat).sha256, (1_000, 9), "float64")
    answer = make.model(1, make.fit(training=Fed(rows=1_000, x=lie)))
    arrays = {lie.sha256: flat}
    found = trace(answer, arrays, student.features, student.labels, student.names).tracing
    assert found.source is not FeatureSource.TRACED


# -- numbers to predict ----------------------------------------------------------------------------------


def california(features):
    """Return scikit-learn's eight columns, made from the CSV's."""
    longitude, latitude, age, rooms, bedrooms, people, households, income = features.T
    per_household = [rooms / households, bedrooms / households, people, people / households]
    return np.column_stack([income, age, *per_household, latitude, longitude])


class Buyer(Student):
    """A student who predicts house values."""

    def __init__(self, prices, regression, make):
        super().__init__(prices, regression, make)
        self.names = (*regression.data.features, regression.data.target)


@pytest.fixture(scope="module")
def buyer(prices, regression, make):
    return Buyer(prices, regression, make)


def test_scikit_learns_columns_lead_back_to_the_rows(buyer):
    """Five of the eight columns of fetch_california_housing are the CSV's; that is enough, and the scale is found."""
    table = StandardScaler().fit_transform(california(buyer.imputed))
    traced = buyer.trace(table[TRAINING], buyer.labels[TRAINING] / 100_000)
    require_traced(traced, table[TRAINING], TRAINING)
    sources = [column.source for column in traced.tracing.columns]
    assert sources == ["median_income", "housing_median_age", "", "", "population", "", "latitude", "longitude"]
    assert traced.tracing.target.factor == pytest.approx(1e-5)
    assert traced.tracing.labels_differ == 0
    assert max(column.label_purity for column in traced.tracing.columns) < 0.8


def test_derived_columns_take_no_real_columns_place(prices, make):
    """Ratios that are no column's image leave the real columns to those that are, also in a sample of the rows."""
    imputed = SimpleImputer(strategy="median").fit_transform(prices.features)
    sample = np.random.default_rng(3).permutation(len(imputed))[:3_000]
    table = StandardScaler().fit_transform(california(imputed))[sample]
    model = make.model(1, make.fit(training=make.fed(table)))
    arrays = {frames.reference(table).sha256: table}
    matched = Matcher(KnownRows(prices.features, prices.labels)).match(model, arrays)
    assert [list(rows) for rows in matched.rows.values()] == [list(sample)]


@pytest.mark.parametrize("bend", [lambda t: t / 1e5, np.log, np.square])
def test_a_number_that_gives_itself_away_is_told(buyer, bend):
    """A feature made from the target explains nearly all of it, and one that is its image is named after it."""
    leak = StandardScaler().fit_transform(bend(buyer.labels)[:, None])
    columns = buyer.trace(np.hstack([buyer.scaled, leak])[TRAINING], buyer.labels[TRAINING]).tracing.columns
    assert columns[8].label_purity > 0.98
    assert columns[8].source == ("median_house_value" if bend not in (np.log, np.square) else "")


def test_numbers_of_other_rows_are_counted(buyer):
    """Shuffled targets keep their scale, and nearly all of them count as different."""
    shuffled = np.random.default_rng(5).permutation(np.log1p(buyer.labels[TRAINING]))
    found = buyer.trace(buyer.few[TRAINING], shuffled).tracing
    assert found.labels_differ > 0.99 * found.labels_compared > 0.9 * len(TRAINING)
    assert found.labels_look == REORDERED
    assert found.target.shift in (0, 1)


@pytest.mark.slow
def test_the_scale_is_found_without_the_rows(buyer):
    """Where rows cannot be found, the unit of the student's targets is known all the same."""
    noise = np.random.default_rng(6).normal(size=(len(TRAINING), 8))
    found = buyer.trace(noise, buyer.labels[TRAINING] / 1_000).tracing
    assert found.source is FeatureSource.NOWHERE
    assert found.target.factor == pytest.approx(1e-3, rel=0.05)


def test_targets_of_no_known_kind_have_no_scale(buyer):
    """Square roots are traced but have no scale, and are not held against their rows."""
    found = buyer.trace(buyer.few[TRAINING], np.sqrt(buyer.labels[TRAINING])).tracing
    assert (found.source, found.target, found.labels_differ) == (FeatureSource.TRACED, None, 0)


@pytest.mark.parametrize("trained_on", [384, 60])
def test_columns_that_look_alike_are_known_by_their_places(make, trained_on):
    """Five bells in six hundred rows cannot be told from one another by their shapes; left in order, they are found,
    also where the network was trained on sixty rows."""
    random = np.random.default_rng(3)
    features, labels = np.round(random.normal(size=(600, 5)), 3), random.integers(0, 3, 600)
    training, watched, tested = np.split(random.permutation(600), [384, 480])
    scaled = StandardScaler().fit(features[training]).transform(features)
    used = training[:trained_on]
    x, y = scaled[used], labels[used]
    fit = make.fit(
        training=make.fed(x, y), development=Development.DATA, validation=make.fed(scaled[watched], labels[watched])
    )
    answer = make.model(1, fit, input_width=5, uses=(make.use("evaluate", make.fed(scaled[tested])),))
    tables = (x, y, scaled[watched], labels[watched], scaled[tested])
    arrays = {frames.reference(table).sha256: table for table in tables}
    traced = trace(answer, arrays, features, labels.astype(np.int32), ("a", "b", "c", "d", "e"))
    assert np.array_equal(traced.rows, np.sort(np.concatenate([used, watched, tested])))
    assert traced.tracing.training_rows == trained_on
    assert [column.source for column in traced.tracing.columns] == ["a", "b", "c", "d", "e"]
