"""Causes: which one leads a report, which findings only follow from it, and that no two pieces of advice contradict
each other."""

from dataclasses import replace
from itertools import chain, combinations, product

import pytest
from reports import a_comparison, a_network, a_pass

from checker.judge import causes, questions
from checker.judge.causes import CONTRADICTS, UNTIL, Findings, find, heard, help_against, quieted
from checker.judge.questions import candidates
from checker.records.report import Cause, CauseKind, Observation, Symptom
from checker.records.tracing import REORDERED
from checker.records.verdicts import Importance, Outcome, RuleResult, Verdict
from checker.report.html import render_page, render_student_page
from checker.run.question_words import templates

CUT = "It ran longer than the time allowed and was stopped after cell 3."
CAPPED = "Training was cut short by the cap: 100 of 120 epochs asked for were not run."
INPUTS = ("longitude", "latitude", "housing_median_age", "total_rooms")
UNDERFITS = Observation(Symptom.UNDERFITS, "It underfits.")


def found(report=None, observations=(), **more):
    """Return the findings of a report in which nothing is wrong but what the arguments say."""
    report = report or a_pass()
    network = report.answer.architecture
    known = Findings(report.tracing, network, report.comparison, observations, INPUTS, "kind", is_regression=False)
    return replace(known, **more)


def other_labels():
    return replace(a_pass().tracing, labels_differ=6_000, labels_look=REORDERED)


def leaky():
    columns = (*a_pass().tracing.columns, replace(a_pass().tracing.columns[0], source="", label_purity=1.0))
    return replace(a_pass().tracing, columns=columns)


def unscaled():
    columns = tuple(replace(column, train_mean=2_600.0) for column in a_pass().tracing.columns)
    return replace(a_pass().tracing, columns=columns)


def partial():
    return replace(a_pass().tracing, left_out="all 2,290 NEAR BAY rows", left_out_rows=2_290)


BELOW = a_comparison(0.8)

WRONG = {
    CauseKind.FILE_CUT: {"file_cut": CUT},
    CauseKind.LABELS: {"tracing": other_labels()},
    CauseKind.LEAK: {"tracing": leaky()},
    CauseKind.TRAINING_CUT: {"training_cut": CAPPED},
    CauseKind.CELL_FAILED: {"spoiled": ("Cell 5 failed: NameError.", "Correct cell 5."), "comparison": BELOW},
    CauseKind.ROWS: {"tracing": partial(), "comparison": BELOW},
    CauseKind.LINEAR: {"architecture": a_network(5), "comparison": BELOW},
    CauseKind.UNSCALED: {"tracing": unscaled(), "comparison": BELOW},
}


@pytest.mark.parametrize("kind", CauseKind)
def test_each_cause_is_found_by_itself(kind):
    """Each cause is found alone, with a sentence and with help."""
    cause = find(found(**WRONG[kind]))
    assert cause is not None
    assert cause.kind is kind
    assert cause.sentence.endswith(".")
    assert cause.help.endswith(".")


@pytest.mark.parametrize(("first", "second"), list(combinations(CauseKind, 2)))
def test_of_two_causes_the_first_leads(first, second):
    """Of two causes, the one that comes first among the kinds leads, if one report can have both."""
    both = {**WRONG[second], **WRONG[first]}
    if not WRONG[first].keys() & WRONG[second].keys() - {"comparison"}:
        assert find(found(**both)).kind is first


def test_nothing_wrong_has_no_cause():
    """A sound submission has no cause."""
    assert find(found()) is None
    assert find(found(tracing=None, architecture=None, comparison=None)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"architecture": a_network(5)},
        {"tracing": unscaled()},
        {"tracing": partial()},
        {"spoiled": ("Cell 5 failed.", "Correct it.")},
    ],
)
def test_what_does_no_harm_is_no_cause(wrong):
    """A linear network, unscaled inputs, a failed cell and rows left out are causes only if the network scored
    badly."""
    assert find(found(**wrong)) is None
    assert find(found(**wrong, observations=(UNDERFITS,))) is not None


def test_the_data_s_own_column_is_no_leak():
    """A column of the task's data is not a leak, however much it tells of the target."""
    columns = tuple(replace(column, label_purity=1.0) for column in a_pass().tracing.columns)
    assert find(found(tracing=replace(a_pass().tracing, columns=columns))) is None


def test_a_leak_names_the_column_and_what_it_explains():
    """A leak's sentence says which column it is and how it is computed, or what it must be made from; and a score that
    reaches the bar is explained by it."""
    code = replace(a_pass().tracing.columns[0], source="", formula="a code of kind", has_target=True, label_purity=1.0)
    columns = a_pass().tracing.columns
    known = find(found(tracing=replace(a_pass().tracing, columns=(*columns, code))))
    number = len(columns) + 1
    assert known.sentence == (
        f"Column {number} of the inputs (the last column) is a code of `kind`, so it gives the class away. That "
        "explains the accuracy of 91.3%; the score says nothing about the network."
    )
    unknown = find(found(tracing=leaky(), comparison=BELOW))
    assert unknown.sentence == (
        f"Column {number} of the inputs alone gives the class away: it is, or was made from, `kind`. So the score says "
        "nothing about the network."
    )


WITH_RIGHT_LABELS = "With the data's labels this network reaches "


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "91.3%, above the bar of 88.9%."),
        ({"comparison": BELOW}, "80.0%; a PASS needs 88.9%. So this alone is not enough."),
        (
            {"comparison": BELOW, "observations": (UNDERFITS,)},
            "80.0%; a PASS needs 88.9%. So also make the layers larger, train longer, or try another learning rate.",
        ),
        (
            {"comparison": BELOW, "architecture": a_network(5)},
            "80.0%; a PASS needs 88.9%. So also put a hidden layer with an activation before the output layer.",
        ),
        ({"comparison": replace(a_comparison(), band=0.1)}, "91.3%, too close to the bar of 88.9% to tell them apart."),
    ],
)
def test_other_labels_say_what_the_right_ones_would_reach(more, said):
    """Training again takes the data's labels, so its score tells whether these are enough, and what else to do."""
    help = find(found(**{"tracing": other_labels(), **more})).help
    assert help.endswith(f" {WITH_RIGHT_LABELS}{said}")


@pytest.mark.parametrize(
    "more", [{"comparison": None}, {"tracing": replace(leaky(), labels_differ=6_000, labels_look=REORDERED)}]
)
def test_no_score_and_a_leak_say_nothing_about_the_right_labels(more):
    """Without a score, or with the answer among the inputs, nothing is said about the data's labels."""
    assert WITH_RIGHT_LABELS not in find(found(**{"tracing": other_labels(), **more})).help


def test_labels_without_relation_are_in_another_order():
    """Labels in another order, shuffled or sorted, are said to be so, with what to do."""
    cause = find(found(tracing=other_labels()))
    assert cause.sentence.endswith("The labels seem to be in another order than the rows.")
    assert "(sorting, shuffling, splitting) must do it to features and labels together." in cause.help


def test_with_other_labels_trainings_still_say_something():
    """Training again takes the data's labels, so what it shows does not follow from the file's."""
    report = silenced((Symptom.UNDERFITS,), ("test_no_underfitting",), CauseKind.LABELS)
    assert [seen.symptom for seen in report.observations] == [Symptom.UNDERFITS]
    assert report.rules[0].outcome is Outcome.FAILED


# -- what is silenced ------------------------------------------------------------------------------------

LONGER, SHORTER, LARGER, SMALLER = "longer", "shorter", "larger", "smaller"
SAYS = {
    Symptom.OVERFITS: {SHORTER, SMALLER},
    Symptom.UNDERFITS: {LONGER, LARGER},
    Symptom.IMPROVING: {LONGER},
    "test_no_strong_overfitting": {SHORTER, SMALLER},
    "test_no_underfitting": {LONGER, LARGER},
    "overfits": {SHORTER, SMALLER},
    "underfits": {LONGER, LARGER},
    "still_improving": {LONGER},
}
"""The advice, by symptoms, rules and questions."""


def advice(name):
    return RuleResult(
        name=name,
        sentence="It is so.",
        importance=Importance.ADVISORY,
        outcome=Outcome.FAILED,
        rationale="Not so.",
        help="Do it.",
    )


def subsets(of):
    return chain.from_iterable(combinations(of, count) for count in range(len(of) + 1))


def silenced(symptoms, names, kind):
    """Return a report with these symptoms and these failed rules, led by a cause of the kind."""
    cause = Cause(kind, "So it is.", "Do otherwise.") if kind else None
    seen = [Observation(symptom, f"So it is: {symptom}.") for symptom in symptoms]
    rules = [advice(name) for name in names]
    said, left = heard(seen, rules, cause), quieted(rules, seen, cause)
    return replace(a_pass(), observations=said, rules=left, cause=cause)


def directions(report):
    """Return all directions of a report's advice: in observations, in rules, and in every question that suits."""
    said = [seen.symptom for seen in report.observations]
    said += [rule.name for rule in report.rules if rule.outcome is Outcome.FAILED]
    said += [candidate.name for candidate in candidates(report, templates())]
    return set().union(*(SAYS.get(name, set()) for name in said))


@pytest.mark.parametrize("kind", [None, *CauseKind])
def test_no_two_pieces_of_advice_contradict_each_other(kind):
    """For all combinations of symptoms, rules and causes, no report advises both longer and shorter, or both larger and
    smaller."""
    tendencies = (*causes.COMPATIBLE, Symptom.STOPPED_EARLY)
    for symptoms, names in product(subsets(tendencies), subsets(tuple(causes.TENDENCIES))):
        advised = directions(silenced(symptoms, names, kind))
        assert not {LONGER, SHORTER} <= advised, (symptoms, names)
        assert not {LARGER, SMALLER} <= advised, (symptoms, names)


@pytest.mark.parametrize("kind", [CauseKind.LEAK, CauseKind.TRAINING_CUT, CauseKind.LINEAR])
def test_nobody_is_told_to_train_longer_whom_that_would_not_help(kind):
    """If longer training would not help, no observation, rule or question advises it."""
    report = silenced((Symptom.UNDERFITS, Symptom.IMPROVING), ("test_no_underfitting",), kind)
    assert LONGER not in directions(report)
    assert report.observations == ()
    assert [(rule.outcome, rule.help) for rule in report.rules] == [(Outcome.SKIPPED, "")]


def test_without_a_cause_what_is_shown_is_said():
    """Without a cause, a single symptom stays, and so does the rule that says the same."""
    report = silenced((Symptom.OVERFITS, Symptom.NEVER_PREDICTED), ("test_no_strong_overfitting",), None)
    assert [seen.symptom for seen in report.observations] == [Symptom.OVERFITS, Symptom.NEVER_PREDICTED]
    assert report.rules[0].outcome is Outcome.FAILED


@pytest.mark.parametrize("name", sorted(causes.SPOILING))
def test_with_a_wrong_output_or_loss_trainings_say_nothing(name):
    """If output or loss are wrong, nobody reads that the network is too small, or was trained too briefly."""
    wrong = replace(advice(name), importance=Importance.REQUIRED)
    seen, rules = (Observation(Symptom.UNDERFITS, "It is poor."),), (wrong, advice("test_no_underfitting"))
    assert causes.heard(seen, rules, None) == ()
    assert [rule.outcome for rule in quieted(rules, seen, None)] == [Outcome.FAILED, Outcome.SKIPPED]


def test_required_rules_are_never_silenced():
    """A required rule is shown, whatever the cause."""
    rule = replace(advice("test_no_underfitting"), importance=Importance.REQUIRED)
    for kind in CauseKind:
        assert quieted([rule], (), Cause(kind, "So it is.", "Do otherwise.")) == (rule,)


def test_what_stands_at_the_end_of_a_file_is_not_missed_where_it_was_cut():
    """If a file was cut short, advice about its last cells is silenced."""
    report = silenced((), ("test_confusion_matrix_is_made", "test_inputs_are_scaled"), CauseKind.FILE_CUT)
    assert [rule.outcome for rule in report.rules] == [Outcome.SKIPPED, Outcome.FAILED]


def test_questions_name_causes_that_answer_them():
    """Every cause silences some question, and the question about the cause itself is still asked."""
    named = set(chain.from_iterable(template.unless for template in templates().values()))
    assert named >= set(CauseKind)
    assert not templates()["leak"].unless
    assert not templates()["labels_differ"].unless
    assert questions.choose(silenced((), (), CauseKind.LABELS), templates())


# -- where it is shown -----------------------------------------------------------------------------------


def test_a_cause_comes_first_on_both_pages():
    """The cause is shown before the reasons, with its help, and only once."""
    cause = Cause(CauseKind.TRAINING_CUT, CAPPED, "Train for fewer epochs.")
    report = replace(a_pass(), verdict=Verdict.FAIL, cause=cause, reasons=(CAPPED, "It is below the bar."))
    for page in (render_page(report), render_student_page(report)):
        assert page.count(CAPPED) == 1
        assert page.index("Train for fewer epochs.") < page.index("It is below the bar.")


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ((2, 5), "Make the layers larger (the hidden layer has 2 units), train longer"),
        ((4, 1, 5), "Make the layers larger (no hidden layer has more than 4 units), train longer"),
        ((100, 2, 5), "Make the layers larger, train longer"),
    ],
)
def test_advice_to_a_small_network_names_its_size(units, said):
    """Advice to make the layers larger says how many units they have, if all have few."""
    assert help_against(Symptom.UNDERFITS, a_network(*units)).startswith(said)


@pytest.mark.parametrize(("kind", "why"), UNTIL.items())
def test_advice_that_follows_from_a_cause_says_what_must_be_right_first(kind, why):
    """Advice that only follows from the cause is not checked, and says until when."""
    rules = (advice("test_no_underfitting"), advice("test_no_strong_overfitting"), advice("test_tensorboard_is_used"))
    left = [rule for rule in quieted(rules, (), Cause(kind, "It is so.", "")) if rule.outcome is Outcome.SKIPPED]
    assert why in {rule.rationale for rule in left} <= {why, CONTRADICTS}


def test_trainings_with_a_wrong_output_are_no_evidence_for_a_rule():
    """With a wrong output or loss, nobody is said to have trained long enough; other rules that are met stay met."""
    met = replace(advice("test_no_underfitting"), outcome=Outcome.PASSED)
    seeded = replace(advice("test_random_seeds_are_set"), outcome=Outcome.PASSED)
    wrong = replace(advice("test_output_is_one_number"), importance=Importance.REQUIRED)
    left = quieted((wrong, met, seeded), (), None)
    assert [rule.outcome for rule in left] == [Outcome.FAILED, Outcome.SKIPPED, Outcome.PASSED]
    assert quieted((met, seeded), (), None) == (met, seeded)
