"""Submissions without inputs for some held-out rows are compared on the other rows, or strictly as well."""

import html
import io
from dataclasses import replace

import missing
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from missing import FURTHER, ROWS, SEEDS, gathered_of, measured, outputs_of, reference_of
from reports import a_pass, a_price
from rich.console import Console

from checker.judge import scores
from checker.judge.comparison import strict_score
from checker.judge.verdict import decide
from checker.records.comparison import Likeness, MissingGroup, MissingRows
from checker.records.verdicts import Verdict
from checker.report.html import render_page, render_student_page
from checker.report.sentences import without_inputs
from checker.report.terminal import print_report
from checker.run import check
from checker.scoring.held_out import held_out_rows
from checker.scoring.metrics import METRICS

settings = missing.settings


def without(settings, *labels):
    """Return the known rows of a submission that leaves out classes, or the upper eighth of the prices."""
    if settings.assignment.data.is_regression:
        return settings.dataset.labels < np.quantile(settings.dataset.labels, 0.875)
    return ~np.isin(settings.dataset.labels, labels)


def verdict_of(compared, settings):
    return decide([], [], compared, METRICS[settings.assignment.bar.metric])[0]


def test_with_all_rows_nothing_is_missing(settings, make):
    """If no row is missing, scores of all held-out rows are compared, whether or not the reference has outputs by
    row."""
    full, reference = gathered_of(settings, make, np.ones(ROWS, bool)), reference_of(settings)
    compared = scores.compare(full, settings, reference)
    assert compared.missing is None
    assert [score.reference for score in compared.scores] == [reference.scores[seed] for seed in SEEDS]
    assert compared == scores.compare(full, settings, replace(reference, outputs={}, baseline_outputs={}))


def test_rows_like_the_others_are_left_out_for_everyone(settings, make):
    """If rows are missing at random, everyone is scored on the other rows, and these decide."""
    known = np.random.default_rng(3).random(ROWS) > 0.05
    reference = reference_of(settings)
    compared = scores.compare(gathered_of(settings, make, known), settings, reference)
    assert compared.missing.likeness is Likeness.ALIKE
    assert compared.missing.strict is None
    for score in compared.scores:
        rows = held_out_rows(score.seed, settings)
        of_known = outputs_of(settings, np.random.default_rng(1).random(ROWS) < 0.1)
        assert score.reference == pytest.approx(measured(settings, of_known, rows[known[rows]]), rel=1e-6)
        assert score.reference != reference.scores[score.seed]
        assert score.baseline != reference.baselines[score.seed]
    assert compared.baselines[0].mean == compared.baseline_mean
    assert verdict_of(compared, settings) is Verdict.PASS


def test_dropped_classes_or_prices_are_referred(settings, make):
    """A submission that leaves out rows by choice does not pass by the other rows alone."""
    compared = scores.compare(gathered_of(settings, make, without(settings, 2, 3)), settings, reference_of(settings))
    missing = compared.missing
    assert missing.likeness is Likeness.UNLIKE
    assert compared.standing.passes and missing.strict.fails
    assert verdict_of(compared, settings) is Verdict.REFER
    if settings.assignment.data.is_regression:
        assert "rows with a target from" in missing.in_words
    else:
        assert missing.groups[0].missing == missing.groups[0].rows
        assert missing.in_words.endswith("NEAR BAY rows and 5 of 5 ISLAND rows") or "4 of 4" in missing.in_words


def test_the_strict_count_is_compared_with_the_reference_on_all_rows(settings, make):
    """Rows without inputs that count as wrong count for the reference too, so it keeps its own score and bar."""
    reference = reference_of(settings)
    missing = scores.compare(gathered_of(settings, make, without(settings, 2, 3)), settings, reference).missing
    assert missing.strict.reference_mean == pytest.approx(np.mean([reference.scores[seed] for seed in SEEDS]))
    assert missing.strict.baseline_mean == pytest.approx(np.mean([reference.baselines[seed] for seed in SEEDS]))


def test_who_is_bad_on_what_there_is_fails(settings, make):
    """Rows without inputs do not keep a bad network from failing, whether or not they are left out."""
    bad = np.random.default_rng(4).random(ROWS) < 0.6
    compared = scores.compare(
        gathered_of(settings, make, without(settings, 2, 3), bad), settings, reference_of(settings)
    )
    assert compared.missing.likeness is Likeness.UNLIKE
    assert verdict_of(compared, settings) is Verdict.FAIL


def test_who_passes_though_missing_rows_count_as_wrong_passes(settings, make):
    """A submission passes if it does so even with its missing rows counted as wrong."""
    known = without(settings, 3) | (np.random.default_rng(5).random(ROWS) > 0.08)
    good = np.random.default_rng(2).random(ROWS) < 0.08
    compared = scores.compare(gathered_of(settings, make, known, good), settings, reference_of(settings))
    assert compared.missing.likeness is Likeness.UNLIKE
    assert compared.missing.strict.passes
    assert verdict_of(compared, settings) is Verdict.PASS


def test_without_outputs_of_the_reference_a_person_decides(settings, make):
    """Scores of an older version have no outputs by row, so rows without inputs are referred, good or bad."""
    reference = replace(reference_of(settings), outputs={}, baseline_outputs={})
    for wrong in (0.1, 0.6):
        drawn = np.random.default_rng(6).random(ROWS) < wrong
        compared = scores.compare(gathered_of(settings, make, without(settings, 3), drawn), settings, reference)
        assert compared.missing.likeness is Likeness.UNKNOWN
        assert verdict_of(compared, settings) is Verdict.REFER


def test_very_few_rows_decide_nothing(settings, make):
    """Two missing rows are too few to matter, even if they are all of a class or the cheapest; scores hardly change."""
    known = np.ones(ROWS, bool)
    held_out = held_out_rows(SEEDS[0], settings)
    known[held_out[np.argsort(settings.dataset.labels[held_out])[:2]]] = False
    full, reference = gathered_of(settings, make, np.ones(ROWS, bool)), reference_of(settings)
    compared = scores.compare(gathered_of(settings, make, known), settings, reference)
    assert compared.missing.likeness is Likeness.FEW
    all_rows = scores.compare(full, settings, reference)
    assert compared.mean == pytest.approx(all_rows.mean, rel=0.005)
    assert verdict_of(compared, settings) is verdict_of(all_rows, settings)


def test_further_seeds_change_nothing_of_what_is_missing(settings, make):
    """The likeness of missing rows is known from all seeds, whether or not they were trained."""
    known = without(settings, 2, 3)
    few, many = (gathered_of(settings, make, known, seeds=seeds) for seeds in (SEEDS, (*SEEDS, *FURTHER)))
    first, later = (scores.compare(of, settings, reference_of(settings)).missing for of in (few, many))
    assert (first.rows, first.missing, first.groups) == (later.rows, later.missing, later.groups)


def test_no_row_at_all_is_no_comparison(settings, make):
    """There is no comparison if a seed holds out none of the rows with inputs."""
    known = np.zeros(ROWS, bool)
    assert scores.compare(gathered_of(settings, make, known), settings, reference_of(settings)) is None


def test_the_report_says_what_is_missing(settings, make):
    """The report has the missing rows, both means, and a question."""
    report = check.judge(gathered_of(settings, make, without(settings, 3)), settings, reference_of(settings))
    assert report.verdict in (Verdict.REFER, Verdict.FAIL)  # rules find more to say of made-up evidence
    assert report.comparison.missing.strict.mean != report.comparison.mean
    assert any("Why did you leave these rows out" in question.ask for question in report.questions)


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.98), st.sampled_from(["accuracy", "rmse", "mae", "r2"]))
def test_the_strict_count_is_never_better(seed, share, name):
    """A score with missing rows counted as wrong is never better than without these rows, whatever is missing or
    predicted."""
    random, metric = np.random.default_rng(seed), METRICS[name]
    known = random.random(60) < share
    known[:2] = True
    if name == "accuracy":
        labels, given = random.integers(0, 4, 60), random.random((int(known.sum()), 4))
        guess = None
    else:
        labels = random.normal(size=60) * 10 ** random.uniform(0, 6)
        given, guess = random.normal(size=int(known.sum())), float(random.normal())
    strict = strict_score(metric, given, labels, known, guess)
    assert not metric.is_better(strict, metric.measure(given, labels[known]))


def test_a_missing_row_is_a_miss():
    """If two of ten rows have no inputs and the others are right, eight of ten are right."""
    labels = np.arange(10) % 3
    known = np.arange(10) > 1
    assert strict_score(METRICS["accuracy"], np.eye(3)[labels[known]], labels, known, None) == 0.8


def test_a_missing_price_is_guessed():
    """Of four prices two are right and two are guessed, each 100 off."""
    labels = np.array([100.0, 300.0, 150.0, 250.0])
    known = np.array([False, False, True, True])
    assert strict_score(METRICS["mae"], labels[known], labels, known, 200.0) == 50.0


# -- how it is said --------------------------------------------------------------------------------------


def with_missing(report, likeness, **more):
    """Return a report whose answer has no inputs for some rows."""
    missing = MissingRows(likeness=likeness, missing=1_315, rows=18_432, **more)
    return replace(report, comparison=replace(report.comparison, missing=missing))


def shown(report):
    """Return the text about it that both editions of the page and the terminal share."""
    out = io.StringIO()
    print_report(Console(file=out, width=2_000), report, None)
    pages = [render_page(report), render_student_page(report), html.escape(out.getvalue(), quote=False)]
    said = html.escape(without_inputs(report), quote=False)
    assert all(said in page for page in pages)
    return said


def test_pages_say_that_rows_are_left_out_for_everyone():
    """Pages have one sentence on the number of rows, and one on what follows."""
    assert shown(with_missing(a_pass(), Likeness.ALIKE)) == (
        "Of 18,432 distinct held-out rows, 1,315 have no inputs: the network was never given them. They are like the "
        "others, "
        "so all models are scored without them."
    )


def test_pages_say_which_rows_a_student_chose():
    """Pages have the number of missing rows by class, and both means."""
    groups = (MissingGroup("NEAR BAY rows", 1_310, 1_310), MissingGroup("ISLAND rows", 5, 5))
    strict = replace(a_pass().comparison.standing, mean=0.84)
    report = with_missing(
        a_pass(), Likeness.UNLIKE, groups=groups, reference_missing=0.55, reference_known=0.93, strict=strict
    )
    said = shown(report)
    assert "Missing are 1,310 of 1,310 NEAR BAY rows and 5 of 5 ISLAND rows." in said
    assert "Counted as wrong they make it 84.0%, where the bar is 88.9%." in said
    assert "The reference gets 55.0% of them right, and 93.0% of the others." in said


def test_pages_of_a_regression_say_it_in_its_unit():
    """The reference's errors on missing and on other rows are in dollars."""
    strict = replace(a_price().comparison.standing, mean=90_000.0)
    report = with_missing(
        a_price(), Likeness.UNLIKE, reference_missing=110_000.0, reference_known=50_000.0, strict=strict
    )
    assert "Counted as wrong they make it $90,000, where the bar is $63,410." in shown(report)
    assert "The reference has an RMSE of $110,000 on them, and $50,000 else." in shown(report)


def test_where_nothing_is_missing_nothing_is_said():
    """A page without missing rows does not mention them."""
    assert without_inputs(a_pass()) == ""
    assert "have no inputs" not in render_page(a_pass())
