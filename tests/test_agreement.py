"""The student's own result is compared with the retraining's on like rows, and disagrees only beyond chance."""

from dataclasses import replace

import numpy as np
import pytest
from record_types import NO_STATISTICS
from reports import a_comparison

from checker.judge import agreement, verdict
from checker.judge.agreement import likely_cause, of_results
from checker.records.arrays import ArrayRef
from checker.records.capture import Fed, Fit
from checker.records.comparison import Agreed, Agreement
from checker.records.evidence import OwnResult, OwnScore, RowKind
from checker.records.network import Development, Recipe
from checker.records.tracing import Column, FeatureSource, Tracing
from checker.records.training import TrainingRun
from checker.records.verdicts import Verdict
from checker.scoring.metrics import METRICS, find

AGAIN = (0.918, 0.921, 0.915, 0.922, 0.919)
BAR = 0.876


def own(trained=None, unseen=None, metric="accuracy", rows=13_209, deviation=0.003, is_random=True, unseen_rows=4_128):
    scores = (
        () if trained is None else (OwnScore(kinds=(RowKind.TRAINED,), rows=rows, score=trained, deviation=deviation),)
    )
    other = (
        None
        if unseen is None
        else OwnScore(kinds=(RowKind.TESTED,), rows=unseen_rows, score=unseen, deviation=0.005, is_random=is_random)
    )
    return OwnResult(
        model=1, cell=5, metric=metric, scores=scores, unseen=other, note="" if scores else "the file was cut short"
    )


def differs(result, trained=AGAIN, held_out=AGAIN, bar=BAR, key="accuracy"):
    return [one.differs for one in of_results(result, trained, held_out, bar, key)[0]]


@pytest.mark.parametrize("score", [0.915, 0.88, 0.87])
def test_results_within_three_points_agree(score):
    """Results agree if they are on one side of the bar, or less than three points apart."""
    assert differs(own(max(score, 0.89))) == [False]
    assert differs(own(0.8755), trained=(0.88, 0.882, 0.879, 0.881, 0.88)) == [False]


def test_a_network_that_was_hardly_trained_disagrees():
    """42 % in the notebook and 92 % trained again do not come from one training."""
    assert differs(own(0.42)) == [True]


def test_a_network_that_was_better_in_the_notebook_disagrees_too():
    """93 % in the notebook and 70 % trained again do not come from one training either."""
    assert differs(own(0.93), trained=(0.70, 0.71, 0.69, 0.70, 0.72)) == [True]


def test_two_poor_results_agree():
    """A difference between results on one side of the bar is not a disagreement."""
    assert differs(own(0.60), trained=(0.75, 0.76, 0.74, 0.75, 0.75)) == [False]


def test_wild_seeds_widen_what_chance_allows():
    """If retrainings vary by ten points, a result that is twelve points off agrees with them."""
    wild = (0.95, 0.80, 0.99, 0.85, 0.93)
    assert differs(own(0.80), trained=wild) == [False]


def test_few_rows_widen_what_chance_allows():
    """A score on thirty rows is too uncertain to disagree."""
    few = own(0.80, rows=30, deviation=float(np.sqrt(0.8 * 0.2 / 30)))
    assert differs(few) == [False]


def test_unseen_rows_take_part_only_where_many_look_random():
    """Scores on the end of a file that is sorted by place, or on a hundred rows, are shown and decide nothing."""
    assert differs(own(0.92, unseen=0.64)) == [False, True]
    assert differs(own(0.92, unseen=0.64, is_random=False)) == [False]
    assert differs(own(0.92, unseen=0.64, unseen_rows=agreement.ENOUGH - 1)) == [False]


def test_errors_of_a_regression_are_compared_by_their_size():
    """In a regression an error of 90,000 disagrees with 55,000 trained again; a smaller error is better."""
    again = (55_000.0, 56_000.0, 54_500.0, 55_200.0, 55_900.0)
    assert differs(own(90_000.0, metric="rmse", deviation=900.0), again, again, 65_000.0, "rmse") == [True]
    assert differs(own(60_000.0, metric="rmse", deviation=900.0), again, again, 65_000.0, "rmse") == [False]


@pytest.mark.parametrize(
    ("result", "key", "words"),
    [
        (None, "accuracy", agreement.NOT_TRAINED),
        (own(), "accuracy", "the file was cut short"),
        (own(60_000.0, metric="rmse"), "mae", agreement.NOT_BY_METRIC),
    ],
)
def test_what_is_not_known_is_not_compared(result, key, words):
    """If the student's own result is unknown or has another metric, a note says so and nothing is compared."""
    assert of_results(result, AGAIN, AGAIN, BAR, key) == ((), words)


def test_trainings_that_were_replayed_are_not_compared():
    """A replay gives no score on its training rows, so nothing is compared."""
    assert of_results(own(0.9), (), AGAIN, BAR, "accuracy") == ((), agreement.NOT_TRAINED)


def disagreeing(cause="Likely cause: so."):
    return Agreed(
        compared=(
            Agreement(kind=RowKind.TRAINED, rows=13_209, own=0.42, again=0.92, spread=0.002, margin=0.01, differs=True),
        ),
        note="",
        cause=cause,
    )


def test_a_disagreement_is_for_a_human_whichever_way_it_goes():
    """A disagreement turns both a PASS and a FAIL into REFER."""
    metric = find("accuracy", "$1")
    for mean in (0.92, 0.60):
        compared = a_comparison(mean)
        reached, reasons = verdict.decide((), (), compared, metric, agreed=disagreeing())
        assert reached is verdict.Verdict.REFER
        assert "42.0% in the file and is 92.0% ± 0.2 when trained again. Likely cause: so." in reasons[0]


def test_the_likeliest_cause_is_named(make):
    """The recipe's notes are the likeliest cause, then epochs that were not run, then inputs that nothing explains."""
    phase, fit = make.phase(), make.fit()
    noted = Recipe(phases=(phase,), development=False, notes=("sample weights are not part of the retraining",))
    assert "sample weights" in likely_cause(make.model(1), noted, None, True)
    cut = make.model(1, fit.__class__(**{**fit.__dict__, "epochs_asked": 40, "epochs_done": 1}))
    assert likely_cause(cut, None, None, True) == "Likely cause: 1 of 40 epochs asked for were run."
    odd = Tracing(source=FeatureSource.TRACED, reason="", columns=(Column(source="", **NO_STATISTICS),))
    assert "some inputs tell more" in likely_cause(make.model(1), None, odd, False)
    other = Tracing(source=FeatureSource.TRACED, reason="", labels_compared=100, labels_differ=50)
    said = "Likely cause: the file trained it on other labels than the data's."
    assert {likely_cause(cut, recipe, other, True) for recipe in (None, noted)} == {said}
    assert METRICS["accuracy"].higher_is_better


FALLING = (0.80, 0.45, 0.33, 0.27, 0.23, 0.21)


def a_run(losses, seed=1, steps=200):
    return TrainingRun(
        seed=seed,
        history={"loss": tuple(losses)},
        epochs=len(losses),
        steps=steps * len(losses),
        seconds=1.0,
        stopped_early=False,
        predictions=ArrayRef("p", (1,), "<f4"),
    )


def a_stretch(losses, steps=200):
    fed = Fed(rows=12_800)
    done = len(losses)
    history = {"loss": tuple(losses)} if losses else {}
    return Fit(
        cell=3,
        how="fit",
        phase=None,
        unrebuildable="",
        epochs_asked=done,
        epochs_done=done,
        steps_done=steps * done,
        finished=True,
        training=fed,
        development=Development.NONE,
        validation=None,
        history=history,
    )


def curves(losses, again=(FALLING, [1.05 * loss for loss in FALLING]), steps=200):
    return agreement.of_curves([a_stretch(losses, steps)], [a_run(of, seed) for seed, of in enumerate(again)])


@pytest.mark.parametrize("scale", [1.0, 0.2, 1e9])
def test_curves_that_fall_alike_agree_whatever_the_scale_of_the_loss(scale):
    """Curves agree on any scale: sample weights and the unit of targets scale a loss, and say nothing about
    learning."""
    compared = curves([scale * loss * 1.03 for loss in FALLING])
    assert compared is not None
    assert not compared.differs


@pytest.mark.parametrize("losses", [[1.67] * 6, [0.0] * 6, [1.67, 1.66, 1.66, 1.65, 1.65, 1.65], [900, 5, 1, 1, 1, 1]])
def test_a_loss_that_did_not_fall_as_it_does_trained_again_disagrees(losses):
    """The curve reveals a learning rate of 0, weights of 0 for all rows, and a loss of the student's own."""
    compared = curves(losses)
    assert compared is not None
    assert compared.differs


def test_an_unlucky_first_epoch_is_no_disagreement():
    """A loss that begins far higher and ends alike agrees."""
    compared = curves([5.1, 0.5, 0.34, 0.28, 0.24, 0.22])
    assert compared is not None
    assert not compared.differs


def test_only_the_epochs_that_all_went_through_are_compared():
    """Only epochs that all trainings reached are compared, because early stopping ends each at another one."""
    compared = curves([*FALLING, 0.1, 0.05], again=(FALLING[:4], FALLING))
    assert compared is not None
    assert compared.epochs == 4
    assert compared.own_lowest == pytest.approx(0.27)


@pytest.mark.parametrize(
    ("losses", "again", "steps"),
    [
        ([0.8], (FALLING,), 200),
        ([], (FALLING,), 200),
        ([0.8, None, 0.2], ([0.8, 0.4, 0.2],), 200),
        ([-1.0, -2.0], ([-1.0, -2.0],), 200),
        ([1.67] * 6, (FALLING,), 20),
        ([1.67] * 6, (), 200),
    ],
)
def test_curves_that_are_not_like_each_other_are_not_compared(losses, again, steps):
    """Curves are not compared if one has a single epoch, an unknown loss, a loss below 0, or epochs of a tenth of the
    steps."""
    assert curves(losses, again, steps) is None


@pytest.mark.parametrize(("loss", "differs"), [(0.27, False), (0.2, False), (1e-9, False), (1.68, True)])
def test_the_loss_of_a_single_epoch_may_not_have_stayed_far_higher(loss, differs):
    """In a single long epoch, only a far higher mean loss disagrees; a low one may come from the loss's scale."""
    compared = curves([loss], again=([0.25], [0.26]))
    assert compared is not None and compared.differs is differs
    reached, reasons = verdict.decide(
        [], [], a_comparison(0.92), find("accuracy", "$1"), agreed=Agreed(curves=compared)
    )
    assert reached is (verdict.Verdict.REFER if differs else verdict.Verdict.PASS)
    assert not differs or "in its one epoch the training loss was 1.68 in the file, and 0.255 when" in reasons[0]


def test_the_loss_of_a_single_epoch_with_weights_is_not_compared():
    """Sample weights scale a loss, and a single epoch does not show how far it falls."""
    fit = replace(a_stretch([1.68]), notes=("sample weights are not part of the retraining",))
    assert agreement.of_curves([fit], [a_run([0.25])]) is None


def test_curves_that_disagree_are_for_a_human_with_both_in_words():
    """If the notebook's fit learned nothing, a network that reaches the bar trained again is referred, with both curves
    in words."""
    agreed = Agreed(curves=curves([1.67] * 6), cause="Likely cause: something.")
    reached, reasons = verdict.decide([], [], a_comparison(0.92), find("accuracy", "$1"), agreed=agreed)
    assert reached is Verdict.REFER
    assert "from 1.67 to 1.67 in the file" in reasons[0]
    assert "in 6 epochs" in reasons[0]


@pytest.mark.parametrize(
    ("score", "history", "expected"),
    [
        (0.91, (), True),
        (0.70, (0.9, 0.3), False),
        (None, (0.9, 0.3), True),
        (None, (0.9, 0.9), False),
        (None, (0.9, None), False),
        (None, (), False),
    ],
)
def test_what_had_learned_before_its_retraining_diverged(make, score, history, expected):
    """A network had learned the task if its own score reaches the bar; without a score, if its loss fell and stayed
    finite."""
    fits = (replace(make.fit(), history={"loss": history}),)
    assert agreement.survived(own(score), fits, BAR, "accuracy") is expected
