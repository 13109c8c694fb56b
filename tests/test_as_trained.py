"""How networks did in the student's own hands: by the data's labels, and which of them did clearly worse."""

from dataclasses import replace

import numpy as np
import pytest

from checker import as_trained, frames
from checker.as_trained import Own
from checker.matching import Matched
from checker.records import AsTrained, Layer, RowKind, TableOutputs, TargetScale

ROWS = 4_000
TRAINED, WATCHED, TESTED, UNUSED = (as_trained.KINDS.index(kind) for kind in RowKind)
PARTS = np.repeat([TRAINED, WATCHED, TESTED], [2_500, 500, 1_000])


@pytest.fixture
def own(make):
    """Return a network whose losses are drawn: wrong for such a share of the rows, the same rows for the same seed."""

    def with_share(number, wrong, seed=1, kinds=PARTS, **more):
        is_wrong = np.random.default_rng(seed).random(ROWS) < wrong
        return Own(make.model(number, variable=f"net{number}", **more), kinds, is_wrong.astype(float))

    return with_share


def why_not(*owns, trusted=None):
    trusted = [own.model.id for own in owns] if trusted is None else trusted
    return as_trained.why_not(owns, trusted, "accuracy", "$1")


# -- clearly worse ---------------------------------------------------------------------------------------


def test_a_poor_network_after_a_good_one_is_outdone(own):
    """Two points worse on rows that neither was trained on, and beyond chance, is clearly worse; the words say so."""
    reasons = why_not(own(1, 0.09), own(2, 0.30, seed=2))
    assert list(reasons) == [2]
    assert reasons[2].startswith("as trained, it did clearly worse than `net1`: ")
    assert reasons[2].endswith(" on 1,500 rows that neither was trained on")


@pytest.mark.parametrize(
    ("worse", "seed"), [pytest.param(0.10, 2, id="a point, by chance"), pytest.param(0.105, 1, id="a point, surely")]
)
def test_nearly_as_good_is_not_outdone(own, worse, seed):
    """Less than two points are no reason to take an earlier network, however sure they are."""
    assert why_not(own(1, 0.09), own(2, worse, seed=seed)) == {}


def test_few_rows_prove_nothing(own):
    """Three points on a hundred rows may be chance, and then the later network is not outdone."""
    few = np.where(np.arange(ROWS) < 100, TESTED, TRAINED)
    first, second = own(1, 0.08, seed=3, kinds=few), own(2, 0.12, seed=4, kinds=few)
    found = as_trained.compare(second, first, "accuracy")
    assert found is not None
    assert (found.rows, found.is_clear) == (100, False)


def test_rows_that_either_was_trained_on_do_not_count(own):
    """Where the one was trained on what the other was tested on, only what neither saw is compared."""
    others = np.repeat([TESTED, TRAINED], [1_500, 2_500])
    found = as_trained.compare(own(2, 0.3, kinds=others), own(1, 0.0), "accuracy")
    assert found is not None
    assert (found.were_trained_on, found.rows) == (True, 1_000)


def test_a_final_fit_on_all_rows_is_not_outdone_where_it_fits_them_as_well(own):
    """A network without unseen rows gives way only where it fits the rows that both were trained on clearly worse."""
    everything = np.full(ROWS, TRAINED)
    chosen = own(1, 0.09)
    assert why_not(chosen, own(2, 0.08, kinds=everything)) == {}
    reasons = why_not(chosen, own(2, 0.40, seed=5, kinds=everything))
    assert "that both were trained on" in reasons[2]


def test_a_network_of_which_nothing_is_known_is_never_outdone(own):
    """Where there are no answers nobody is held to be worse."""
    unknown = own(2, 0.0)
    assert why_not(own(1, 0.09), replace(unknown, losses=np.full(ROWS, np.nan))) == {}


def test_the_best_is_looked_for_among_the_trusted(own):
    """A network that knows the label, or is linear, sets no measure for others; where none is trusted, all do."""
    leaky, honest = own(1, 0.0), own(2, 0.09)
    assert why_not(leaky, honest, trusted=[2]) == {}
    assert list(why_not(leaky, honest, trusted=[])) == [2]
    assert list(why_not(leaky, honest)) == [2]


def test_errors_of_a_regression_are_compared_as_shares(make):
    """A twentieth more error, beyond chance, is clearly worse; a hundredth more is not."""
    drawn = np.random.default_rng(0).normal(0, 50_000, ROWS)
    first, alike, worse = (
        Own(make.model(n, variable=f"net{n}"), PARTS, np.square(drawn * by)) for n, by in ((1, 1), (2, 1.01), (3, 1.2))
    )
    reasons = as_trained.why_not([first, alike, worse], [1, 2, 3], "rmse", "$1")
    assert list(reasons) == [3]
    assert "clearly worse than `net1`: $" in reasons[3] and "against $" in reasons[3]


# -- folds -----------------------------------------------------------------------------------------------


def a_fold(number, folds=5):
    return np.where(np.arange(ROWS) % folds == number, WATCHED, TRAINED)


def test_folds_are_not_ranked_and_the_last_stands_for_them(own):
    """Networks of one kind, each trained on other rows, give way to the last of them, even where that is the worst."""
    folds = [own(n + 1, 0.09 + 0.05 * n, kinds=a_fold(n)) for n in range(5)]
    reasons = why_not(*folds)
    assert list(reasons) == [1, 2, 3, 4]
    assert set(reasons.values()) == {"it is one of 5 folds, of which the last, `net5`, stands for all"}


def test_networks_of_other_kinds_are_no_folds(own, make):
    """What differs in layers or in recipe is a search, and is ranked."""
    wider = make.architecture()
    wider = replace(wider, layers=(*wider.layers[:1], Layer("hidden", "Dense", {"units": 9}), *wider.layers[2:]))
    longer = make.fit(phase=make.phase(epochs=40))
    models = [own(1, 0.09, kinds=a_fold(0)), own(2, 0.09, kinds=a_fold(1), architecture=wider)]
    models.append(Own(make.model(3, longer), a_fold(2), models[0].losses))
    assert as_trained.folds_of(models) == []


def test_a_final_fit_after_folds_is_none_of_them(own):
    """A network trained on all rows after a cross-validation is the answer."""
    folds = [own(n + 1, 0.09, kinds=a_fold(n)) for n in range(5)]
    final = own(6, 0.08, kinds=np.full(ROWS, TRAINED))
    assert 6 not in why_not(*folds, final)


def test_a_network_trained_twice_on_the_same_rows_is_its_twin(make):
    """The same layers, recipe and rows make a twin; names do not matter, and a network is not its own twin."""
    x = np.zeros((3, 9))
    fit = make.fit(training=make.fed(x))
    one, two = make.model(1, fit), make.model(2, fit, variable="again")
    assert as_trained.are_twins(one, two)
    assert not as_trained.are_twins(one, one)
    assert not as_trained.are_twins(one, make.model(3, make.fit(training=make.fed(x + 1))))
    assert not as_trained.are_twins(one, make.model(4, fit, architecture=None))


def test_looks_at_a_twin_are_looks_at_the_answer(make):
    """What a network's twin was tested on counts as what the network was tested on; others' tests do not."""
    x, tested, elsewhere = (make.fed(np.full((3, 9), number)) for number in (0.0, 1.0, 2.0))
    fit = make.fit(training=x)
    twin = make.model(1, fit, uses=(make.use("evaluate", tested),))
    other = make.model(2, make.fit(training=elsewhere), uses=(make.use("evaluate", elsewhere),))
    answer = make.model(3, fit, uses=(make.use("evaluate", x),))
    looked_at = as_trained.with_looks_at_twins(answer, [twin, other, answer])
    assert [use.fed for use in looked_at.uses] == [tested, x]


# -- row by row ------------------------------------------------------------------------------------------


@pytest.fixture
def practical(make):
    """A network that was trained on four rows and tested on two, and what it gave for them and two others."""
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    tables = [np.arange(8.0).reshape(4, 2), np.ones((2, 2)), np.full((2, 2), 7.0)]
    rows = [np.array([0, 1, 2, 3]), np.array([4, -1]), np.array([6, 7])]
    given = [np.array([0, 1, 2, 2], np.uint8), np.array([1, 1], np.uint8), np.array([0, 255], np.uint8)]
    model = make.model(1, make.fit(training=make.fed(tables[0])), uses=(make.use("evaluate", make.fed(tables[1])),))
    names = [frames.reference(table).sha256 for table in tables]
    outputs = tuple(TableOutputs(n, frames.reference(g)) for n, g in zip(names, given, strict=True))
    answers = {frames.reference(g).sha256: g for g in given}
    matched = Matched(dict(zip(names[:2], tables[:2], strict=True)), dict(zip(names[:2], rows[:2], strict=True)))
    return model, AsTrained(1, 5, outputs), answers, matched, {names[2]: rows[2]}, labels


def test_answers_are_held_against_the_datas_labels(practical):
    """Each matched row is right or wrong by the data's own label, and belongs to what the run did with it."""
    model, answered, answers, matched, others, labels = practical
    own = as_trained.own_of(model, answered, answers, matched, others, labels, {0: 0, 1: 1, 2: 2}, None)
    assert own.losses[[0, 1, 2, 3, 4, 6, 7]].tolist() == [0, 0, 0, 1, 0, 0, 1]
    assert np.isnan(own.losses[5])
    assert own.kinds.tolist() == [TRAINED] * 4 + [TESTED, as_trained.UNKNOWN, UNUSED, UNUSED]
    result = as_trained.result_of(own, answered, "accuracy")
    assert [(of.kinds[0], of.rows, of.score) for of in result.scores] == [
        (RowKind.TRAINED, 4, 0.75),
        (RowKind.TESTED, 1, 1.0),
        (RowKind.UNUSED, 2, 0.5),
    ]
    assert (result.trained.rows, result.unseen.rows, result.cell) == (4, 3, 5)


def test_a_students_own_numbers_of_classes_are_understood(practical):
    """Where the student numbers classes otherwise, the labels that were trained on tell which is which."""
    *_, matched, _, labels = practical
    (rows, _) = matched.rows.values()
    theirs = np.array([2, 0, 1, 2])
    assert as_trained.class_names(theirs, rows, labels, 3) == {2: 0, 0: 1, 1: 2}
    assert as_trained.class_names(np.eye(3)[theirs], rows, labels, 3) == {2: 0, 0: 1, 1: 2}
    same = {0: 0, 1: 1, 2: 2}
    assert as_trained.class_names(None, rows, labels, 3) == same
    assert as_trained.class_names(np.array([0, 1, 1, 1]), np.array([0, 0, 3, 3]), labels, 3) == same


def test_values_of_a_regression_come_back_in_the_datas_unit(practical):
    """Values in the student's unit are mapped back and cut to the range of the data; a loss is a squared error."""
    model, answered, answers, matched, others, _ = practical
    labels = np.array([1e5, 2e5, 3e5, 4e5, 1e5, 2e5, 3e5, 5e5])
    values = {name: np.array([1, 2, 3.5, 9][: len(given)], np.float32) for name, given in answers.items()}
    own = as_trained.own_of(model, answered, values, matched, others, labels, {}, TargetScale(1e-5, 0.0))
    assert own.losses[:4].tolist() == pytest.approx([0, 0, 0.25e10, 1e10])
    unknown = as_trained.own_of(model, answered, values, matched, others, labels, {}, None)
    assert not np.isfinite(unknown.losses).any()


def test_why_nothing_is_known_is_said(practical):
    """Without answers, with a note instead, or with rows of nobody, the result has no score and says why."""
    model, answered, *_ = practical
    lost = Own(model, np.full(8, as_trained.UNKNOWN), np.full(8, np.nan))
    assert as_trained.result_of(lost, None, "accuracy").note == "its answers did not arrive"
    assert as_trained.result_of(lost, AsTrained(1, 5, (), "it is so"), "accuracy").note == "it is so"
    assert "not found in the data set" in as_trained.result_of(lost, answered, "accuracy").note
    assert "targets" in as_trained.result_of(replace(lost, kinds=np.full(8, TRAINED)), answered, "rmse").note
