"""Editions: a student's page gives away nothing of the reference, the splits, or what will be asked."""

import io
import re
import sys
from dataclasses import replace

import pytest
from reports import a_fail, a_pass, a_price, a_referral
from rich.console import Console

from checker.commands import app
from checker.records.capture import Environment
from checker.records.network import Architecture, KerasObject, Labels, Layer, Node, Phase, Recipe
from checker.records.report import Figure, Question, Topic
from checker.report.editions import for_students
from checker.report.html import render_page, render_student_page
from checker.report.terminal import print_report
from checker.run import check
from checker.sandbox import kinds
from checker.wire.frames import message

SEEDS = (70_011, 70_023, 70_037, 70_041, 70_059)
SECRETS = ("8641", "SecretOptimizer", "SecretLoss", "6,007", "secretly noted", "secretly asked", "secretly answered",
           "--secret-option", "secret tail", *map(str, SEEDS))  # fmt: skip
"""Texts that each stand for something that students are not to know."""


def with_secrets(report):
    """Return a report with a reference, seeds, questions and the rest, each with a text of its own."""
    layers = (Layer("in", "InputLayer", {"shape": [9]}), Layer("d", "Dense", {"units": 8641, "activation": "relu"}))
    phase = Phase(
        optimizer=KerasObject("SecretOptimizer"),
        loss=KerasObject("SecretLoss"),
        epochs=6_007,
        batch_size=32,
        labels=Labels.INTEGERS,
    )
    scores = report.comparison.scores
    return replace(
        report,
        reference_architecture=Architecture(layers, (Node("in", ()), Node("d", (0,))), (1,), 95_051),
        reference_recipe=Recipe(phases=(phase,), development=True, capped_epochs=0, notes=("secretly noted",)),
        questions=(
            Question(topic=Topic.DATA, ask="secretly asked", good="secretly answered", cell=None, figure=Figure.SCORES),
        ),
        comparison=replace(
            report.comparison,
            scores=tuple(replace(score, seed=seed) for score, seed in zip(scores, SEEDS, strict=True)),
        ),
        runs=tuple(replace(run, seed=seed) for run, seed in zip(report.runs, SEEDS, strict=False)),
        reproduce="checker batch --secret-option",
        retraining=replace(report.retraining, output_tail="secret tail"),
    )


def printed(report):
    """Return what the terminal shows of a report."""
    out = io.StringIO()
    print_report(Console(file=out, width=120), report, "report.html")
    return out.getvalue()


@pytest.mark.parametrize("report", [a_pass(), a_price(), a_referral()], ids=["pass", "price", "referral"])
def test_nothing_is_given_away(report):
    """Of what demonstrators see of the reference, seeds and questions, the student's page and terminal have none."""
    report = with_secrets(report)
    assert [secret for secret in SECRETS if secret not in render_page(report)] == []
    shown = render_student_page(report) + printed(for_students(report))
    assert [secret for secret in SECRETS if secret in shown] == []


@pytest.mark.parametrize("report", [a_pass(), a_price()], ids=["pass", "price"])
def test_a_student_s_page_does_not_depend_on_what_it_hides(report):
    """Letter by letter the same page comes of reports that differ in nothing but what is hidden."""
    comparison = replace(report.comparison, sample=((1.0, 2.0),) if report.comparison.sample else ())
    other = with_secrets(replace(report, comparison=comparison))
    assert render_student_page(report) == render_student_page(other)
    assert printed(for_students(report)) == printed(for_students(other))
    assert render_page(report) != render_page(other)


def test_held_out_rows_are_not_drawn():
    """Predicted and true values of a regression's held-out rows are on the demonstrator's page alone."""
    assert "Residuals of 98 rows" in render_page(a_price())
    assert "esiduals" not in render_student_page(a_price())


def test_the_rest_is_the_same():
    """Verdict, reasons, rules, scores beside the reference's, curves, confusion and cells are on both pages."""
    demonstrators, students = render_page(a_pass()), render_student_page(a_pass())
    for words in (
        *("reaches the bar of 88.9%", "Hidden layers bend their outputs", "91.9% ± 0.2", "Learning curves"),
        *("Which classes are confused", 'id="cell-13"', "Other figure", "random forest"),
    ):
        assert words in demonstrators
        assert words in students
    rows = re.findall(r'<tr><th scope="row">(\d+)</th><td>([^<]*)</td><td>([^<]*)</td>', students)
    assert [int(seed) for seed, *_ in rows[:5]] == [1, 2, 3, 4, 5]
    assert rows[0][1:] == ("90.9%", "91.7%")


def test_demonstrators_find_the_student_s_edition():
    """The demonstrator's page links to the index and the student's edition, the student's to nothing beside itself."""
    page = render_page(a_pass(), "../index.html", "../students/ada.html")
    assert re.findall(r'href="(\./[^"]*)"', page) == ["./../index.html", "./../students/ada.html"]
    assert re.findall(r'href="([^#"][^"]*)"', render_student_page(a_fail())) == []


def test_a_self_check_shows_the_student_s_edition(root, monkeypatch, capsys, tmp_path, fake_sandbox):
    """Neither the page that it writes nor the terminal has what students are not to know."""
    monkeypatch.chdir(root)
    monkeypatch.setattr(kinds, "choose", lambda kind: fake_sandbox(guest))
    monkeypatch.setattr(check, "judge", lambda *of: with_secrets(a_pass()))
    (tmp_path / "mine.ipynb").write_text("{}")
    words = ["self-check", tmp_path / "mine.ipynb", "--practice-data", "--report", tmp_path / "page.html"]
    monkeypatch.setattr(sys, "argv", ["checker", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 0
    said, page = capsys.readouterr().out, (tmp_path / "page.html").read_text()
    assert page == render_student_page(with_secrets(a_pass()), is_self_check=True)
    assert "reaches the bar" in said
    assert [secret for secret in SECRETS if secret in page + said] == []


def guest(job, beside):
    """Run nothing."""
    yield message(Environment({}, "3", ""))
