"""Conditions of a decision: what is offered, and what the next submission has met of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports import HOSTILE, a_pass

from checker.gradebooks import conditions
from checker.gradebooks.conditions import Standing, State
from checker.judge import blame, suspicion
from checker.keras_spec import foreign_weights
from checker.records.comparison import Agreed
from checker.records.decisions import Choice, DecisionEntry
from checker.records.report import Cause, CauseKind, Report
from checker.records.verdicts import Failure, FailureCause, Importance, Outcome, RuleResult, Stage, Verdict
from checker.scoring import targets


def a_rule(name: str, outcome: Outcome = Outcome.FAILED, importance: Importance = Importance.REQUIRED) -> RuleResult:
    return RuleResult(
        name=name, sentence=f"It holds {name}.", importance=importance, outcome=outcome, rationale="Column 3 lacks it."
    )


def a_report(*rules: RuleResult) -> Report:
    return replace(a_pass(), rules=rules)


def decided(*asked: str) -> DecisionEntry:
    return DecisionEntry(
        id=1, student="ada", choice=Choice.RESUBMIT, note="", conditions=asked, by="", at="", based_on=0
    )


def doubted(why: str) -> Failure:
    return Failure(stage=Stage.RETRAINING, cause=FailureCause.NOT_RETRAINED, rationale=why, help="")


def test_what_is_offered() -> None:
    """Failed rules come first, required before advice, each with its name; then what was used before, without what was
    offered from rules or reports of others, and without single letters. Rules that hold offer nothing."""
    report = a_report(
        a_rule("test_advice", importance=Importance.ADVISORY),
        a_rule("test_scaled"),
        a_rule("test_fine", Outcome.PASSED),
        a_rule("test_unknown", Outcome.UNKNOWN),
        a_rule("test_many[a-b]"),
    )
    used = ("Explain dropout.", "It holds test_other. [test_other]", "Explain dropout.", "n", conditions.RUNS)
    assert conditions.offered(report, used) == (
        "It holds test_scaled. [test_scaled]",
        "It holds test_many[a-b].",
        "It holds test_advice. [test_advice]",
        "Explain dropout.",
    )


def a_failure(cause: FailureCause, rationale: str = "It failed.") -> Report:
    failure = Failure(stage=Stage.EXECUTING, cause=cause, rationale=rationale, help="")
    verdict = blame.VERDICTS[cause]
    return replace(a_report(a_rule("test_scaled")), verdict=verdict, failures=(failure,), cut_short="", cause=None)


def test_few_earlier_conditions_are_offered() -> None:
    """Of many earlier conditions those used most are offered, however many of rules are used more."""
    rules, typed = [f"It holds. [test_{at}]" for at in range(50)], [f"Explain point {at}." for at in range(50)]
    assert conditions.offered(a_report(), [*rules, *typed]) == tuple(typed[: conditions.MOST_EARLIER])


@pytest.mark.parametrize(
    ("report", "first"),
    [
        (a_failure(FailureCause.NO_ANSWER), "It trains a network with Keras."),
        (
            a_failure(FailureCause.NO_ANSWER, "Cell 2 reads `train.csv`, which was not handed in."),
            "The file that it needs is handed in.",
        ),
        (
            a_failure(FailureCause.NO_ANSWER, "Cell 2 imports `mine`, which was not handed in."),
            "The module that it needs is handed in.",
        ),
        (a_failure(FailureCause.CUT_SHORT), "It runs to its end."),
        (a_failure(FailureCause.NOT_RETRAINED), "The network is trained on the data alone."),
        (replace(a_report(), verdict=Verdict.REFER, cut_short="It was stopped."), "It runs to its end."),
        (replace(a_report(), verdict=Verdict.FAIL, cause=None), "The score reaches the bar."),
        (
            replace(a_report(), verdict=Verdict.FAIL, cause=Cause(CauseKind.LEAK, "s", "h")),
            "The target is not among the inputs.",
        ),
        (
            replace(
                a_report(a_rule("test_first"), a_rule("test_inputs_are_scaled")),
                verdict=Verdict.FAIL,
                cause=Cause(CauseKind.UNSCALED, "s", "h"),
            ),
            "It holds test_inputs_are_scaled. [test_inputs_are_scaled]",
        ),
    ],
)
def test_what_the_page_asks_first_is_offered_first(report: Report, first: str) -> None:
    """What the page leads with is the first condition: the missing file, the run's end, the cause, or the bar. If a
    rule says the same, its condition comes first, so that the next file can meet it."""
    offered = conditions.offered(report)
    assert offered[0] == first
    assert len(set(offered)) == len(offered)


@pytest.mark.parametrize(
    ("more", "first"),
    [
        ({"failures": (doubted(f"The weights are set, and {foreign_weights.ELSEWHERE}."),)}, "The weights come from"),
        ({"failures": (doubted(f"{targets.UNKNOWN}."),)}, "The file shows how the targets are made."),
        ({"failures": (doubted("3 rows were not found in the data."),)}, "All rows that `fit` gets"),
        ({"failures": (doubted("It is unusual."),)}, "The network is trained on the data alone."),
        ({"replayed": "the layer `Residual` is not a built-in Keras layer"}, "`Residual` uses only its inputs"),
        ({"replayed": "a layer is the student's own"}, "The own code uses only its inputs"),
        ({"agreed": Agreed(impossible="It was trained before it was made.")}, "Another training gives the same score."),
        ({"reasons": (f"But {suspicion.SUSPECTED}.",)}, "Each input is computed from its row alone"),
    ],
)
def test_what_the_page_looks_for_is_offered_first(more: dict, first: str) -> None:
    """On a page for a demonstrator the first condition is what a new file must answer. It is offered nowhere else."""
    (condition, *_) = conditions.offered(replace(a_report(), verdict=Verdict.REFER, **more))
    assert condition.startswith(first)
    assert conditions.offered(a_report(), [condition]) == ()


def test_what_is_met() -> None:
    """A condition from a rule is met if the rule holds now, and not met if it fails, with what it found; what no rule
    says is for a person."""
    outcomes = {"a": Outcome.PASSED, "b": Outcome.FAILED, "c": Outcome.UNKNOWN, "d": Outcome.SKIPPED}
    report = a_report(*(a_rule(f"test_{letter}", outcome) for letter, outcome in outcomes.items()))
    asked = ["A. [test_a]", "B. [test_b]", "C. [test_c]", "D. [test_d]", "E. [test_e]", "test_b", "[test_b] first"]
    assert conditions.standings(decided(*asked), report) == (
        Standing("A. [test_a]", "A.", State.MET),
        Standing("B. [test_b]", "B.", State.NOT_MET, "Column 3 lacks it."),
        Standing("C. [test_c]", "C.", State.OPEN),
        Standing("D. [test_d]", "D.", State.OPEN),
        Standing("E. [test_e]", "E.", State.OPEN),
        Standing("test_b", "test_b", State.OPEN),
        Standing("[test_b] first", "[test_b] first", State.OPEN),
    )


def test_without_a_decision_or_a_report() -> None:
    """Nothing is asked where nobody has decided; where nothing is judged, a person says what is met."""
    assert conditions.standings(None, a_report()) == ()
    assert [one.state for one in conditions.standings(decided("A. [test_a]"), None)] == [State.OPEN]


def test_hostile_words_of_rules() -> None:
    """The words of a rule are cut and shown, and the rule's name stays behind them."""
    (offered,) = conditions.offered(a_report(replace(a_rule("test_a"), sentence=HOSTILE * 50)))
    assert offered.isprintable()
    assert len(offered) <= conditions.LONGEST + len(" [test_a]")
    assert conditions.rule_of(offered) == "test_a"


@given(st.text(max_size=30), st.from_regex(r"test_[a-z_0-9]{1,20}", fullmatch=True))
def test_a_rules_name_comes_back(words: str, name: str) -> None:
    """Whatever the words of a rule are, its name is found in the condition, and people read the words alone."""
    (offered,) = conditions.offered(a_report(replace(a_rule(name), sentence=words)))
    assert conditions.rule_of(offered) == name
    assert f"[{name}]" not in conditions.words(offered) or f"[{name}]" in words
