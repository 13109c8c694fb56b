"""Ranking: which networks are clearly worse than the best as trained, and which are folds or twins."""

from dataclasses import replace

import numpy as np
import pytest

from checker.gather import ranking
from checker.gather.own_results import KINDS, Own
from checker.keras_spec import kin
from checker.records.evidence import RowKind
from checker.records.network import Layer

ROWS = 4_000
TRAINED, WATCHED, TESTED, _ = (KINDS.index(kind) for kind in RowKind)
PARTS = np.repeat([TRAINED, WATCHED, TESTED], [2_500, 500, 1_000])


@pytest.fixture
def own(make):
    """Return a network with random losses: it is wrong for such a share of the rows, the same rows for the same
    seed."""

    def with_share(number, wrong, seed=1, kinds=PARTS, **more):
        is_wrong = np.random.default_rng(seed).random(ROWS) < wrong
        return Own(make.model(number, variable=f"net{number}", **more), kinds, is_wrong.astype(float))

    return with_share


def why_not(*owns, trusted=None):
    trusted = [own.model.id for own in owns] if trusted is None else trusted
    return ranking.why_not(owns, trusted, "accuracy", "$1")


# -- clearly worse ---------------------------------------------------------------------------------------


def test_a_poor_network_after_a_good_one_is_outdone(own):
    """A network is clearly worse if it is two points worse, beyond chance, on rows that neither was trained on; the
    reason says so."""
    reasons = why_not(own(1, 0.09), own(2, 0.30, seed=2))
    assert list(reasons) == [2]
    assert reasons[2].startswith("as trained, it did clearly worse than `net1`: ")
    assert reasons[2].endswith(" on 1,500 rows that neither was trained on")


@pytest.mark.parametrize(
    ("worse", "seed"), [pytest.param(0.10, 2, id="a point, by chance"), pytest.param(0.105, 1, id="a point, surely")]
)
def test_nearly_as_good_is_not_outdone(own, worse, seed):
    """A network less than two points worse stays the answer, however certain the difference."""
    assert why_not(own(1, 0.09), own(2, worse, seed=seed)) == {}


def test_few_rows_prove_nothing(own):
    """Three points on a hundred rows may be chance, so the later network stays the answer."""
    few = np.where(np.arange(ROWS) < 100, TESTED, TRAINED)
    first, second = own(1, 0.08, seed=3, kinds=few), own(2, 0.12, seed=4, kinds=few)
    found = ranking.compare(second, first, "accuracy")
    assert found is not None
    assert (found.rows, found.is_clear) == (100, False)


def test_rows_that_either_was_trained_on_do_not_count(own):
    """If one network was trained on rows that the other was tested on, only rows that neither saw are compared."""
    others = np.repeat([TESTED, TRAINED], [1_500, 2_500])
    found = ranking.compare(own(2, 0.3, kinds=others), own(1, 0.0), "accuracy")
    assert found is not None
    assert (found.were_trained_on, found.rows) == (True, 1_000)


def test_a_final_fit_on_all_rows_is_not_outdone_where_it_fits_them_as_well(own):
    """A network without unseen rows gives way only if it fits the rows that both were trained on clearly worse."""
    everything = np.full(ROWS, TRAINED)
    chosen = own(1, 0.09)
    assert why_not(chosen, own(2, 0.08, kinds=everything)) == {}
    reasons = why_not(chosen, own(2, 0.40, seed=5, kinds=everything))
    assert "that both were trained on" in reasons[2]


def test_a_network_of_which_nothing_is_known_is_never_outdone(own):
    """A network without predictions is never clearly worse."""
    unknown = own(2, 0.0)
    assert why_not(own(1, 0.09), replace(unknown, losses=np.full(ROWS, np.nan))) == {}


def test_the_best_is_looked_for_among_the_trusted(own):
    """A network that knows the label, or is linear, is no standard for others, unless there are only such networks."""
    leaky, honest = own(1, 0.0), own(2, 0.09)
    assert why_not(leaky, honest, trusted=[2]) == {}
    assert list(why_not(leaky, honest, trusted=[])) == [2]
    assert list(why_not(leaky, honest)) == [2]


def test_errors_of_a_regression_are_compared_as_shares(make):
    """An error larger by a twentieth, beyond chance, is clearly worse; one larger by a hundredth is not."""
    drawn = np.random.default_rng(0).normal(0, 50_000, ROWS)
    first, alike, worse = (
        Own(make.model(n, variable=f"net{n}"), PARTS, np.square(drawn * by)) for n, by in ((1, 1), (2, 1.01), (3, 1.2))
    )
    reasons = ranking.why_not([first, alike, worse], [1, 2, 3], "rmse", "$1")
    assert list(reasons) == [3]
    assert "clearly worse than `net1`: $" in reasons[3] and "against $" in reasons[3]


# -- nearly as good --------------------------------------------------------------------------------------


UNTESTED = np.where(PARTS == TESTED, WATCHED, PARTS)


def test_of_equals_those_that_were_tested_outdo_those_that_were_not(own):
    """An untested network that is nearly as good as an earlier tested one is not the answer."""
    reasons = why_not(own(1, 0.09), own(2, 0.10, kinds=UNTESTED))
    assert reasons == {2: "it was not tested on rows of its own, as `net1` was, and did not clearly better"}
    assert why_not(own(1, 0.09, kinds=UNTESTED), own(2, 0.09, kinds=UNTESTED)) == {}, "nobody tested anything"


def test_a_clearly_better_network_needs_no_test(own):
    """A weak network that was tested gives way to a strong one that was not."""
    assert list(why_not(own(1, 0.30), own(2, 0.09, seed=2, kinds=UNTESTED))) == [1]


def test_a_final_fit_on_all_rows_has_none_left_to_be_tested_on(own):
    """A network without unseen rows need not have been tested."""
    assert why_not(own(1, 0.09), own(2, 0.08, kinds=np.full(ROWS, TRAINED))) == {}


def unasked(make, number, accuracy):
    """A network without predictions, whose training reports this accuracy on the watched rows."""
    fit = make.fit(history={"loss": (0.4, 0.3), "val_accuracy": (0.3, accuracy)})
    return Own(make.model(number, fit, variable=f"net{number}"), PARTS, np.full(ROWS, np.nan))


def test_a_training_speaks_for_itself_where_the_network_gave_no_answers(own, make):
    """If a network gave no predictions, its training history shows whether it or another network is clearly worse."""
    reasons = why_not(unasked(make, 1, 0.90), own(2, 0.50))
    assert reasons[2].startswith("by the training's own word `net1` did far better: 90.0% against ")
    assert list(why_not(own(1, 0.09), unasked(make, 2, 0.55))) == [2]
    assert list(why_not(unasked(make, 1, 0.90), unasked(make, 2, 0.55))) == [2]


def test_a_trainings_own_word_decides_nothing_close(own, make):
    """If a history differs by less than five points from the other network, or is missing, the latest network stays the
    answer."""
    assert why_not(unasked(make, 1, 0.92), own(2, 0.09)) == {}
    assert why_not(own(1, 0.5), replace(unasked(make, 2, 0.9), model=make.model(2))) == {}


# -- folds -----------------------------------------------------------------------------------------------


def a_fold(number, folds=5):
    return np.where(np.arange(ROWS) % folds == number, WATCHED, TRAINED)


def test_folds_are_not_ranked_and_the_last_stands_for_them(own):
    """Networks of one kind, each trained on other rows, give way to the last of them, even if that is the worst."""
    folds = [own(n + 1, 0.09 + 0.05 * n, kinds=a_fold(n)) for n in range(5)]
    reasons = why_not(*folds)
    assert list(reasons) == [1, 2, 3, 4]
    assert set(reasons.values()) == {"it is one of 5 folds, of which the last, `net5`, stands for all"}


def test_networks_of_other_kinds_are_no_folds(own, make):
    """Networks that differ in layers or recipe are a search, and are ranked."""
    wider = make.architecture()
    wider = replace(wider, layers=(*wider.layers[:1], Layer("hidden", "Dense", {"units": 9}), *wider.layers[2:]))
    longer = make.fit(phase=make.phase(epochs=40))
    models = [own(1, 0.09, kinds=a_fold(0)), own(2, 0.09, kinds=a_fold(1), architecture=wider)]
    models.append(Own(make.model(3, longer), a_fold(2), models[0].losses))
    assert ranking.folds_of(models) == []


def test_a_final_fit_after_folds_is_none_of_them(own):
    """A network trained on all rows after a cross-validation is the answer."""
    folds = [own(n + 1, 0.09, kinds=a_fold(n)) for n in range(5)]
    final = own(6, 0.08, kinds=np.full(ROWS, TRAINED))
    assert 6 not in why_not(*folds, final)


def test_a_network_trained_twice_on_the_same_rows_is_its_twin(make):
    """Networks with the same layers, recipe and rows are twins, whatever their names; a network is not its own twin."""
    x = np.zeros((3, 9))
    fit = make.fit(training=make.fed(x))
    one, two = make.model(1, fit), make.model(2, fit, variable="again")
    assert kin.are_twins(one, two)
    assert not kin.are_twins(one, one)
    assert not kin.are_twins(one, make.model(3, make.fit(training=make.fed(x + 1))))
    assert not kin.are_twins(one, make.model(4, fit, architecture=None))


def test_looks_at_a_twin_are_looks_at_the_answer(make):
    """Tests of a network's twin count as tests of the network; those of other networks do not."""
    x, tested, elsewhere = (make.fed(np.full((3, 9), number)) for number in (0.0, 1.0, 2.0))
    fit = make.fit(training=x)
    twin = make.model(1, fit, uses=(make.use("evaluate", tested),))
    other = make.model(2, make.fit(training=elsewhere), uses=(make.use("evaluate", elsewhere),))
    answer = make.model(3, fit, uses=(make.use("evaluate", x),))
    looked_at = kin.with_looks_at_twins(answer, [twin, other, answer])
    assert [use.fed for use in looked_at.uses] == [tested, x]
