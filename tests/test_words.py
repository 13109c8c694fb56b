"""Every member of every enum that a report may hold has words wherever a report is shown."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree

import pytest
from record_types import ALL
from reports import DATA, a_fail, a_pass
from rich.console import Console

from checker.records.comparison import Decider, Likeness, MissingRows
from checker.records.evidence import OwnResult, OwnScore, RowKind
from checker.records.job import Ending, Execution
from checker.records.network import Development, Labels, Recipe
from checker.records.report import Cause, CauseKind, Figure, Observation, Question, Report, Symptom, Topic
from checker.records.submission import Identity, Platform, Timeliness, TimeSource
from checker.records.tracing import FeatureSource, FittedOn, Scaler, ScalerKind
from checker.records.training import Loop
from checker.records.verdicts import FailureCause, Importance, Outcome, Stage, Verdict
from checker.report import vocabulary
from checker.report.html import Entry, render_index, render_page, render_student_page
from checker.report.tables import junit_xml, results_csv, results_json
from checker.report.terminal import print_report, print_summary
from checker.report.words import memory

DESKS = ("decisions", "changes", "variants")
"""Modules of records that are in no report: the desk shows them."""
ENUMS = [kind for kind in ALL.values() if isinstance(kind, type) and issubclass(kind, StrEnum)]
ENUMS = [kind for kind in ENUMS if kind is not StrEnum and kind.__module__.rpartition(".")[2] not in DESKS]


# -- where each enum stands in a report --------------------------------------------------------------------


def of_verdict(verdict: Verdict) -> Report:
    """Return a report with this verdict."""
    return replace(a_fail(), verdict=verdict, failures=())


def of_rule(**more: Any) -> Report:
    """Return a report with one rule, which is so."""
    rule = replace(a_pass().rules[1], **more)
    return replace(a_pass(), rules=(rule, replace(rule, importance=Importance.REQUIRED)))


def of_ending(ending: Ending) -> Report:
    """Return a report whose jobs all ended in this way."""
    ended = Execution(
        ending=ending,
        exit_code=1,
        wall_seconds=1.0,
        cpu_seconds=1.0,
        peak_memory_mib=1.0,
        output_tail="",
        sandbox="fake",
    )
    return replace(a_pass(), execution=ended, retraining=ended, further=ended)


def of_development(development: Development) -> Report:
    """Return a report whose answer watched a development set in this way."""
    answer = a_pass().answer
    assert answer is not None
    return replace(a_pass(), answer=replace(answer, fits=(replace(answer.fits[0], development=development),)))


def of_labels(labels: Labels) -> Report:
    """Return a report whose answer was fed labels of this form."""
    recipe = a_pass().recipe
    assert recipe is not None
    return replace(a_pass(), recipe=Recipe(phases=(replace(recipe.phases[0], labels=labels),), development=True))


def of_source(source: FeatureSource) -> Report:
    """Return a report whose features come from there."""
    tracing = a_pass().tracing
    assert tracing is not None
    return replace(a_pass(), tracing=replace(tracing, source=source))


def of_scaler(scaler: Scaler) -> Report:
    """Return a report one of whose columns was scaled in this way."""
    tracing = a_pass().tracing
    assert tracing is not None
    columns = (replace(tracing.columns[0], scaler=scaler, formula="log(households)"),)
    return replace(a_pass(), tracing=replace(tracing, columns=columns))


def of_platform(platform: Platform) -> Report:
    """Return a report of what was downloaded from there."""
    return replace(
        a_pass(), submission=replace(a_pass().submission, identity=Identity(platform=platform, number="12", name="Ada"))
    )


def of_time(source: TimeSource) -> Report:
    """Return a report whose time is known from there."""
    at = datetime(2026, 11, 30, tzinfo=UTC)
    return replace(
        a_pass(),
        timeliness=Timeliness(
            deadline=at, is_extended=False, source=source, handed_in=at, late_seconds=60, sentence="A minute late."
        ),
    )


def of_rows(kind: RowKind) -> Report:
    """Return a report whose answer did this well, in the student's run, on rows of this kind."""
    answer = a_pass().answer
    assert answer is not None
    score = OwnScore(kinds=(kind,), rows=400, score=0.9)
    return replace(
        a_pass(), own_results=(OwnResult(model=answer.id, cell=5, metric="accuracy", scores=(score,), unseen=score),)
    )


def of_decider(member: Decider) -> Report:
    close = replace(a_pass().comparison, band=0.2, further=5, unanimous=True)
    return replace(a_pass(), comparison=close if member is Decider.EACH_SEED else a_pass().comparison)


def of_missing(likeness: Likeness) -> Report:
    """Return a report whose answer has no inputs for some rows, which are so to the others."""
    comparison = a_pass().comparison
    assert comparison is not None
    return replace(
        a_pass(), comparison=replace(comparison, missing=MissingRows(likeness=likeness, missing=41, rows=18_432))
    )


PLACES: dict[type[StrEnum], Callable[[Any], Report]] = {
    Verdict: of_verdict,
    Outcome: lambda outcome: of_rule(outcome=outcome),
    Importance: lambda importance: of_rule(importance=importance),
    Stage: lambda stage: replace(a_fail(), failures=(replace(a_fail().failures[0], stage=stage),)),
    FailureCause: lambda cause: replace(a_fail(), failures=(replace(a_fail().failures[0], cause=cause),)),
    Ending: of_ending,
    Development: of_development,
    Labels: of_labels,
    CauseKind: lambda kind: replace(a_fail(), cause=Cause(kind, "So it is.", "Do otherwise.")),
    Symptom: lambda symptom: replace(a_pass(), observations=(Observation(symptom, "So it is."),)),
    Topic: lambda topic: replace(
        a_pass(), questions=(Question(topic=topic, ask="Why?", good="So.", cell=13, figure=None),)
    ),
    Figure: lambda figure: replace(
        a_pass(), questions=(Question(topic=Topic.DATA, ask="Why?", good="So.", cell=None, figure=figure),)
    ),
    FeatureSource: of_source,
    ScalerKind: lambda kind: of_scaler(Scaler(kind, FittedOn.TRAINED)),
    FittedOn: lambda rows: of_scaler(Scaler(ScalerKind.STANDARD, rows)),
    Platform: of_platform,
    Loop: lambda loop: replace(a_pass(), runs=tuple(replace(run, loop=loop) for run in a_pass().runs)),
    TimeSource: of_time,
    RowKind: of_rows,
    Likeness: of_missing,
    Decider: of_decider,
}


def test_each_enum_has_its_place() -> None:
    """No enum is in the records whose members this file does not put into a report."""
    assert set(ENUMS) == set(PLACES)


@pytest.mark.parametrize("member", [member for kind in PLACES for member in kind], ids=repr)
def test_each_member_is_shown_everywhere(member: StrEnum) -> None:
    """Both editions of the page, the index, the terminal and the tables have words for it."""
    report = PLACES[type(member)](member)
    for page in (render_page(report), render_student_page(report), render_index("T", [Entry(report, "a")], (), DATA)):
        assert page.rstrip().endswith("</html>")
    out = io.StringIO()
    console = Console(file=out, width=100)
    print_report(console, report, "report.html")
    print_summary(console, [report], (), "results")
    assert report.verdict in out.getvalue()
    assert json.loads(results_json([report], (), DATA))["reports"]
    assert report.verdict in results_csv([report])
    assert ElementTree.fromstring(junit_xml([report], ())).findall(".//testcase")


def test_tables_of_words_leave_no_member_out() -> None:
    """A table that has words for one member of an enum has some for each, and for each others."""
    tables = [
        table
        for name, table in vars(vocabulary).items()
        if name.isupper() and name[0] != "_" and isinstance(table, dict)
    ]
    assert len(tables) >= 6
    for table in tables:
        kind = type(next(iter(table)))
        assert set(table) == set(kind)
        assert len(set(table.values())) == len(table)


@pytest.mark.parametrize(("mib", "said"), [(121.4, "121 MiB"), (1024, "1.0 GiB"), (4288, "4.2 GiB")])
def test_memory_has_the_unit_of_its_limit(mib, said):
    """Much memory is in GiB, as the limits are."""
    assert memory(mib) == said
