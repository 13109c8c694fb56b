"""The table of blame: each event and the verdict that it leads to."""

from dataclasses import replace

import pytest
from reports import a_fail

from checker.judge import blame
from checker.judge.verdict import decide, hangs_on_seeds, wants_confirmation
from checker.records.comparison import Baseline, Comparison, Likeness, MissingGroup, MissingRows, SeedScore
from checker.records.report import Cause, CauseKind
from checker.records.verdicts import Failure, FailureCause, Importance, Outcome, RuleResult, Stage, Verdict
from checker.scoring.metrics import METRICS

PASS, FAIL, REFER = Verdict
CUT = "Training was cut short by the cap."


def accuracy(mean, bar=0.88, band=0.005, baseline=0.7):
    scores = (SeedScore(11, mean, bar + 0.02, baseline),)
    return Comparison(
        metric="accuracy",
        scores=scores,
        mean=mean,
        spread=0,
        reference_mean=bar + 0.02,
        reference_spread=0,
        baseline_mean=baseline,
        bar=bar,
        band=band,
        training_mean=None,
        confusion=((1,),),
        recalls=(1.0,),
        baseline="logistic regression",
        higher_is_better=True,
    )


def error(mean, bar=60_000.0, band=300.0, baseline=70_000.0):
    """A comparison of a regression, where less is better."""
    scores = (SeedScore(11, mean, bar - 10_000, baseline),)
    return Comparison(
        metric="rmse",
        scores=scores,
        mean=mean,
        spread=0,
        reference_mean=bar - 10_000,
        reference_spread=0,
        baseline_mean=baseline,
        bar=bar,
        band=band,
        training_mean=None,
        confusion=(),
        recalls=(),
        baseline="linear regression",
        higher_is_better=False,
    )


CAUSES = {FAIL: FailureCause.NO_ANSWER, REFER: FailureCause.CUT_SHORT}


def failure(verdict=FAIL, stage=Stage.EXECUTING, words="It broke."):
    return Failure(stage=stage, cause=CAUSES[verdict], rationale=words, help="Mend it.")


def rule(outcome, importance=Importance.REQUIRED):
    return RuleResult(
        name="test_r",
        sentence="It is so.",
        importance=importance,
        outcome=outcome,
        rationale="" if outcome == "passed" else "Found 3.",
    )


GOOD, BAD = accuracy(0.91), accuracy(0.80)
PASSED, FAILED, SKIPPED, BROKEN, UNKNOWN = map(rule, Outcome)
NOTED, ADVICE_BROKEN = rule(Outcome.FAILED, Importance.ADVISORY), rule(Outcome.ERROR, Importance.ADVISORY)


@pytest.mark.parametrize(
    ("failures", "rules", "comparison", "verdict", "words"),
    [
        # all is well
        ([], [], GOOD, PASS, "Accuracy 91.0% reaches the bar of 88.0%."),
        ([], [PASSED, SKIPPED], GOOD, PASS, "reaches the bar"),
        # a cell raises, no model, a wrong width, NaN; a limit reached
        ([failure()], [], None, FAIL, "It broke."),
        ([failure(stage=Stage.SELECTING)], [SKIPPED], None, FAIL, "It broke."),
        ([failure(stage=Stage.RETRAINING)], [PASSED], None, FAIL, "It broke."),
        ([failure()], [PASSED], GOOD, FAIL, "It broke."),
        # still training at the end; replayed; not traced; vanished
        ([failure(REFER)], [], None, REFER, "It broke."),
        ([failure(REFER, Stage.RETRAINING)], [PASSED], None, REFER, "It broke."),
        ([failure(REFER)], [PASSED], GOOD, REFER, "It broke."),
        # rules
        ([], [FAILED], GOOD, FAIL, "Found 3."),
        ([], [NOTED], GOOD, PASS, "reaches the bar"),
        ([], [BROKEN], GOOD, REFER, "The rule “It is so.” broke"),
        ([], [ADVICE_BROKEN], GOOD, PASS, "reaches the bar"),
        ([], [UNKNOWN], GOOD, REFER, "The rule “It is so.” could not be checked: Found 3."),
        ([], [rule(Outcome.UNKNOWN, Importance.ADVISORY)], GOOD, PASS, "reaches the bar"),
        ([], [UNKNOWN], BAD, FAIL, "below the bar"),
        ([failure(stage=Stage.SELECTING)], [UNKNOWN], None, FAIL, "It broke."),
        ([], [BROKEN, FAILED], GOOD, FAIL, "Found 3."),
        # accuracy
        ([], [], BAD, FAIL, "Accuracy 80.0% is below the bar of 88.0%."),
        (
            [],
            [],
            accuracy(0.65),
            FAIL,
            "The accuracy of 65.0% is worse than logistic regression's 70.0%; a PASS needs 88.0%.",
        ),
        ([], [], accuracy(0.883), REFER, "too close to the bar of 88.0%: within ± 0.5"),
        ([], [], accuracy(0.877), REFER, "too close to the bar"),
        ([], [], accuracy(0.88, band=0), PASS, "reaches the bar"),
        (
            [],
            [],
            accuracy(0.9, baseline=0.9),
            FAIL,
            "The accuracy of 90.0% is no better than logistic regression's 90.0%",
        ),
        ([], [PASSED], None, REFER, "The accuracy could not be measured."),
        # errors, of which less is better
        ([], [], error(55_000), PASS, "RMSE $55,000 is below the bar of $60,000 (lower is better)."),
        ([], [], error(65_000), FAIL, "RMSE $65,000 is above the bar of $60,000."),
        ([], [], error(71_000), FAIL, "The RMSE of $71,000 is worse than linear regression's $70,000"),
        ([], [], error(60_200), REFER, "RMSE $60,200 is too close to the bar"),
        # no score is too good by itself
        ([], [PASSED], accuracy(1.0, band=0), PASS, "reaches the bar"),
        ([], [FAILED], accuracy(0.99), FAIL, "Found 3."),
        ([], [PASSED], error(16_000), PASS, "is below the bar"),
        # FAIL outweighs REFER, and REFER outweighs PASS
        ([failure(REFER)], [FAILED], None, FAIL, "Found 3."),
        ([failure(REFER)], [PASSED], BAD, FAIL, "below the bar"),
        ([], [BROKEN], BAD, FAIL, "below the bar"),
    ],
)
def test_the_table_of_blame(failures, rules, comparison, verdict, words):
    """Each event leads to its verdict, with a reason that names it."""
    reached, reasons = decide(failures, rules, comparison, METRICS["accuracy"])
    assert reached is verdict
    assert words in " ".join(reasons)


@pytest.mark.parametrize(
    ("rules", "comparison", "verdict", "words"),
    [
        ([PASSED], accuracy(0.97), REFER, "Accuracy 97.0% reaches the bar of 88.0%, but they may tell."),
        ([PASSED], error(16_000), REFER, "RMSE $16,000 is below the bar of $60,000, but they may tell."),
        ([PASSED], "missing", REFER, "Accuracy 99.0% reaches the bar of 88.0%, but they may tell."),
        ([FAILED], accuracy(0.97), FAIL, "Found 3."),
    ],
)
def test_whose_inputs_may_give_the_answer_away_does_not_pass(rules, comparison, verdict, words):
    """If the inputs are under suspicion there is no PASS, whichever rows have no inputs, and the reason says why."""
    of = missing(0.80, of=accuracy(0.99)) if comparison == "missing" else comparison
    reached, reasons = decide([], rules, of, METRICS[of.metric], suspicion="They may tell.")
    assert reached is verdict
    assert words in " ".join(reasons)


@pytest.mark.parametrize(
    ("about", "hangs"),
    [
        ({}, True),
        ({"rules": (NOTED, SKIPPED, ADVICE_BROKEN)}, True),
        ({"comparison": GOOD}, False),
        ({"comparison": BAD}, False),
        ({"comparison": None}, False),
        ({"rules": (PASSED, FAILED)}, False),
        ({"rules": (BROKEN,)}, False),
        ({"rules": (UNKNOWN,)}, False),
        ({"failures": (failure(REFER),)}, False),
        ({"replayed": "a layer of the student's own"}, False),
    ],
)
def test_when_further_seeds_may_decide(about, hangs):
    """Further seeds are requested only if the network is too close to the bar and nothing else is in doubt."""
    assert hangs_on_seeds(**{"failures": (), "rules": (PASSED,), "comparison": accuracy(0.883), **about}) is hangs


def test_all_reasons_of_a_verdict_are_given():
    """A submission that fails for several reasons gets all of them, and no reason of another verdict."""
    _, reasons = decide([failure(words="One."), failure(REFER, words="Two.")], [FAILED], BAD, METRICS["accuracy"])
    assert reasons == ("One.", "Found 3.", "Accuracy 80.0% is below the bar of 88.0%.")


@pytest.mark.parametrize("comparison", [None, GOOD])
@pytest.mark.parametrize("cause", FailureCause)
def test_a_failure_never_passes(comparison, cause):
    """No cause of a failure leads to PASS, whatever the guest claims."""
    failed = Failure(stage=Stage.RETRAINING, cause=cause, rationale="It broke.", help="")
    reached, _ = decide([failed], [PASSED], comparison, METRICS["accuracy"])
    assert reached is blame.VERDICTS[cause]


def missing(strict, likeness=Likeness.UNLIKE, of=GOOD):
    """A comparison without the rows of one class, which count as wrong in the mean ``strict``."""
    standing = None if strict is None else replace(of.standing, mean=strict)
    groups = (MissingGroup("ISLAND rows", 5, 5),)
    return replace(of, missing=MissingRows(likeness=likeness, missing=5, rows=100, groups=groups, strict=standing))


@pytest.mark.parametrize(
    ("comparison", "verdict", "words"),
    [
        (missing(0.90), PASS, "with rows without inputs counted as wrong, 90.0% still reaches the bar of 88.0%."),
        (missing(0.882), REFER, "With them counted as wrong, 88.2% is too close to the bar of 88.0%."),
        (missing(0.80), REFER, "With them counted as wrong, 80.0% is below the bar of 88.0%."),
        (missing(0.80), REFER, "There are no inputs for 5 of 5 ISLAND rows, and these are not like the others."),
        (missing(0.80, of=accuracy(0.882)), REFER, "Without them: accuracy 88.2% is too close to the bar"),
        (missing(0.70, of=BAD), FAIL, "Accuracy 80.0% is below the bar of 88.0%. Rows without inputs do not count"),
        (missing(0.90, of=BAD), REFER, "With them counted as wrong, 90.0% reaches the bar"),
        (missing(None, Likeness.ALIKE), PASS, "Accuracy 91.0% reaches the bar of 88.0%."),
        (missing(None, Likeness.FEW), PASS, "Accuracy 91.0% reaches the bar of 88.0%."),
        (missing(None, Likeness.ALIKE, BAD), FAIL, "Accuracy 80.0% is below the bar of 88.0%."),
        (missing(None, Likeness.UNKNOWN), REFER, "How the reference does on the others is not known here"),
        (missing(None, Likeness.UNKNOWN, BAD), REFER, "How the reference does on the others is not known here"),
        (missing(57_000, of=error(55_000)), PASS, "counted as wrong, $57,000 is still below the bar of $60,000."),
        (missing(90_000, of=error(55_000)), REFER, "With them counted as wrong, $90,000 is above the bar of $60,000."),
    ],
)
def test_rows_without_inputs_pass_nobody_and_fail_nobody(comparison, verdict, words):
    """A PASS must hold with missing rows counted as wrong, and a FAIL without them. In between the verdict is REFER,
    and the reason says which rows have no inputs."""
    reached, reasons = decide([], [PASSED], comparison, METRICS[comparison.metric])
    assert reached is verdict
    assert words in " ".join(reasons)


@pytest.mark.parametrize(
    ("mean", "verdict", "words"),
    [
        (0.89, PASS, "Accuracy 89.0% reaches the bar of 88.0%, and each of the 1 seeds reaches its own."),
        (0.87, FAIL, "Accuracy 87.0% is below the bar of 88.0%, and each of the 1 seeds misses its own."),
    ],
)
def test_reasons_say_where_each_seed_decided(mean, verdict, words):
    """The reason says so if every seed on one side decided instead of the mean, and does not if the mean decided."""
    scattered = replace(accuracy(mean, band=0.04), unanimous=True)
    assert decide([], [PASSED], scattered, METRICS["accuracy"]) == (verdict, (words,))
    _, by_mean = decide([], [PASSED], replace(scattered, band=0.001), METRICS["accuracy"])
    assert "its own" not in by_mean[0]


@pytest.mark.parametrize(
    ("comparison", "is_open"),
    [
        (missing(0.90), False),
        (missing(0.882), True),
        (missing(0.80), False),
        (missing(0.80, of=accuracy(0.882)), True),
        (missing(0.882, of=BAD), False),
        (missing(None, Likeness.ALIKE, accuracy(0.882)), True),
        (missing(None, Likeness.UNKNOWN, accuracy(0.882)), False),
    ],
)
def test_further_seeds_are_trained_where_they_might_decide(comparison, is_open):
    """If missing rows count in two ways, further seeds are requested if one of the means is too close to the bar and
    the other does not settle the verdict."""
    assert hangs_on_seeds([], [PASSED], comparison) is is_open


@pytest.mark.parametrize("verdict", [FAIL, REFER])
def test_a_failure_without_words_counts(verdict):
    """A failure with an empty message still counts."""
    reached, _ = decide([failure(verdict, words="")], [PASSED], None, METRICS["accuracy"])
    assert reached is verdict


@pytest.mark.parametrize(
    ("failures", "rules", "comparison", "verdict"),
    [
        ([failure()], [], None, REFER),
        ([failure(stage=Stage.RETRAINING)], [PASSED], None, REFER),
        ([failure()], [FAILED], BAD, REFER),
        ([], [FAILED], GOOD, REFER),
        ([], [], BAD, REFER),
        ([], [], accuracy(0.65), REFER),
        ([], [], error(65_000), REFER),
        ([], [], None, REFER),
        ([], [BROKEN], GOOD, REFER),
        ([], [PASSED], GOOD, PASS),
        ([], [NOTED], error(55_000), PASS),
    ],
)
def test_what_was_cut_short_never_fails(failures, rules, comparison, verdict):
    """A file or training that was cut short passes or is referred, and the first reason says that it was cut."""
    reached, reasons = decide(failures, rules, comparison, METRICS["accuracy"], cut=CUT)
    assert reached is verdict
    assert reasons[0] == CUT
    assert len(reasons) > 1


def test_what_stopped_it_is_why_rules_could_not_be_checked():
    """After an earlier failure, rules without evidence add no reason of their own."""
    reached, reasons = decide([failure(REFER)], [UNKNOWN, UNKNOWN], None, METRICS["accuracy"])
    assert (reached, reasons) == (REFER, ("It broke.",))


@pytest.mark.parametrize(
    ("sentence", "rules", "first"),
    [("Other labels.", [FAILED], "Other labels."), ("Found 3.", [BROKEN, FAILED], "Found 3.")],
)
def test_the_cause_is_the_first_reason(sentence, rules, first):
    """The cause is the first reason after a cut: in its own words, or in those of a rule that says the same."""
    cause = Cause(CauseKind.LABELS, sentence, "Mend it.")
    for cut in ("", CUT):
        _, reasons = decide([failure()], rules, BAD, METRICS["accuracy"], cut=cut, cause=cause)
        assert reasons[bool(cut)] == first
        assert len(set(reasons)) == len(reasons)
    assert sentence not in decide([], [PASSED], GOOD, METRICS["accuracy"], cause=cause)[1]


def test_what_is_a_reason_twice_is_said_once():
    """A failure that repeats the words of the cut is not a second reason."""
    assert decide([failure(words=CUT)], [], None, METRICS["accuracy"], cut=CUT) == (REFER, (CUT,))


@pytest.mark.parametrize("mean", [0.92, 0.93, 0.94, 0.95, 0.96])
def test_whoever_is_honestly_better_passes(mean):
    """On the real data, where the reference reaches 91.08 %, a network as good as boosted trees is not suspected."""
    real = replace(accuracy(mean, bar=0.8758), reference_mean=0.9108)
    assert decide([], [PASSED], real, METRICS["accuracy"])[0] is PASS


def test_a_traditional_model_shows_what_the_data_allow():
    """If a traditional model is nearly perfect, as on easy data, a network may be nearly perfect too."""
    easy = replace(accuracy(0.99), baselines=(Baseline("random forest", 0.98, 0.0),))
    assert decide([], [PASSED], easy, METRICS["accuracy"])[0] is PASS


# -- replays ---------------------------------------------------------------------------------------------


def one_seed(score):
    return accuracy(score, band=0.0)


def five_seeds(score):
    return replace(accuracy(score), scores=accuracy(score).scores * 5)


def test_a_replay_that_reaches_the_bar_is_referred_with_how_far_it_went():
    """A replay that reaches the bar is referred, and its reason says how many seeds ran."""
    reached, reasons = decide([], [], one_seed(0.91), METRICS["accuracy"], "a layer.", replay="1 of 5 seeds was run.")
    assert reached is REFER
    assert reasons == ("The checker cannot rebuild the network: a layer. 1 of 5 seeds was run.",)


def test_one_seed_of_a_replay_fails_nobody():
    """A replay below the bar fails only if further seeds confirm the first."""
    reached, reasons = decide([], [], one_seed(0.80), METRICS["accuracy"], "a layer")
    assert (reached, reasons[1]) == (
        REFER,
        "Accuracy 80.0% is below the bar of 88.0%. One seed is not enough for a FAIL.",
    )
    assert decide([], [], five_seeds(0.80), METRICS["accuracy"], "a layer")[0] is FAIL


@pytest.mark.parametrize(
    ("about", "wants"),
    [
        ({}, True),
        ({"comparison": one_seed(0.91)}, False),
        ({"comparison": five_seeds(0.80)}, False),
        ({"comparison": None}, False),
        ({"failures": (failure(REFER),)}, False),
        ({"rules": (FAILED,)}, False),
        ({"cut_short": "It ran too long."}, False),
    ],
)
def test_when_a_replay_wants_other_seeds(about, wants):
    """Further seeds are requested if a first seed below the bar is the only evidence against a replayed network."""
    report = replace(a_fail(), replayed="a layer", failures=(), rules=(PASSED,), agreed=None, cut_short="")
    assert wants_confirmation(replace(report, **{"comparison": one_seed(0.80), **about})) is wants


def test_an_error_before_the_cut_comes_first():
    """If an error took the answer away before the file was cut short, the error is the first reason."""
    found = [failure(REFER, Stage.SELECTING, words="Cell 3 failed."), failure(REFER, words="It was stopped.")]
    reached, reasons = decide(found, [], None, METRICS["accuracy"], cut="It was stopped.")
    assert (reached, reasons) == (REFER, ("Cell 3 failed.", "It was stopped."))
