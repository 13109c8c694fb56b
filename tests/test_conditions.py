"""Conditions of a decision: what is offered, and what the next submission has met of them."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from reports import HOSTILE, a_pass

from checker.gradebooks import conditions
from checker.gradebooks.conditions import Standing, State
from checker.records.decisions import Choice, DecisionEntry
from checker.records.report import Report
from checker.records.verdicts import Importance, Outcome, RuleResult


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


def test_what_is_offered() -> None:
    """Failed rules come first, required before advice, each with its name; then what was used before, without what was
    offered from rules of others. Rules that hold offer nothing."""
    report = a_report(
        a_rule("test_advice", importance=Importance.ADVISORY),
        a_rule("test_scaled"),
        a_rule("test_fine", Outcome.PASSED),
        a_rule("test_unknown", Outcome.UNKNOWN),
        a_rule("test_many[a-b]"),
    )
    used = ("Explain dropout.", "It holds test_other. [test_other]", "Explain dropout.")
    assert conditions.offered(report, used) == (
        "It holds test_scaled. [test_scaled]",
        "It holds test_many[a-b].",
        "It holds test_advice. [test_advice]",
        "Explain dropout.",
    )


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
