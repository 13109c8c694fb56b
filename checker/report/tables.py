"""Reports for other programs: ``results.json``, ``results.csv``, and JUnit XML."""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from checker.formats import sheets
from checker.formats.text import BLOCK, as_printed, one_line
from checker.records.assignment import DatasetNote
from checker.records.codec import SCHEMA_VERSION, record, to_plain
from checker.records.report import Report, Unfinished
from checker.records.submission import Timeliness
from checker.records.verdicts import Importance, Outcome, RuleResult, Verdict
from checker.report.sentences import failed, file_name
from checker.scoring.metrics import METRICS

BEFORE = ("submission", "file", "sha256", "verdict")
SCORES = ("spread", "reference", "difference", "bar", "baseline", "training", "as_trained")
AFTER = ("failed_required", "failed_advisory", "failures", "reasons", "practice")
CAUSE = ("cause",)
IDENTITY = ("platform", "number", "student", "email", "submitted_at", "late")
TIMES = ("deadline", "handed_in", "late_seconds", "timeliness")
"""Column headings; the metric's own name precedes ``SCORES``, and the names of other metrics follow it."""


# -- JSON --------------------------------------------------------------------------------------------------


@record
@dataclass(frozen=True)
class Results:
    """The contents of ``results.json``."""

    schema: int
    dataset: DatasetNote
    reports: tuple[Report, ...]
    unfinished: tuple[Unfinished, ...]


def results_json(reports: Sequence[Report], unfinished: Sequence[Unfinished], dataset: DatasetNote) -> bytes:
    """Return all reports as one ``Results``, without cells, histories and samples, in plain ASCII."""
    return b"".join(results_pieces(reports, unfinished, dataset))


def results_pieces(
    reports: Sequence[Report], unfinished: Sequence[Unfinished], dataset: DatasetNote
) -> Iterator[bytes]:
    """Yield the bytes of ``results_json``, report by report: as one text, thousands take much memory."""
    yield f'{{\n  "schema": {SCHEMA_VERSION},\n  "dataset": {_indented(dataset, 2)},\n'.encode("ascii")
    yield b'  "reports": '
    yield from _listed(map(light, reports))
    yield b',\n  "unfinished": '
    yield from _listed(unfinished)
    yield b"\n}\n"


def _listed(records: Iterable[object]) -> Iterator[bytes]:
    """Yield records as a list, each in a piece of its own."""
    start = "["
    for one in records:
        yield f"{start}\n    {_indented(one, 4)}".encode("ascii")
        start = ","
    yield b"[]" if start == "[" else b"\n  ]"


def _indented(value: object, by: int) -> str:
    """Return a record as JSON, with all lines but the first indented."""
    return json.dumps(sound(to_plain(value)), indent=2, allow_nan=False).replace("\n", "\n" + " " * by)


def light(report: Report) -> Report:
    """Return the report without its bulk: cells, histories and weights of trainings, and the sample of pairs."""
    answer = report.answer
    fits = tuple(replace(fit, history={}) for fit in answer.fits) if answer else ()
    return replace(
        report,
        comparison=replace(report.comparison, sample=()) if report.comparison else None,
        cells=(),
        runs=tuple(replace(run, history={}, weights=()) for run in report.runs),
        answer=replace(answer, fits=fits) if answer else None,
    )


def sound(value: Any) -> Any:
    """Return plain values that JSON can hold: no lone surrogates, and null for numbers that are not finite."""
    match value:
        case dict():
            return {sound(key): sound(item) for key, item in value.items()}
        case list():
            return [sound(item) for item in value]
        case str():
            return value.encode(errors="replace").decode()
        case float() if not math.isfinite(value):
            return None
    return value


# -- CSV ---------------------------------------------------------------------------------------------------


def results_csv(reports: Sequence[Report]) -> str:
    """Return a CSV table with a row for each report, safe to open in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    metric = reports[0].metric if reports else "accuracy"
    others = [key for key, other in METRICS.items() if other.task == METRICS[metric].task and key != metric]
    writer.writerow((*BEFORE, metric, *SCORES, *others, *AFTER, *IDENTITY, *TIMES, *CAUSE))
    writer.writerows([_cell(value) for value in _row(report, others)] for report in reports)
    return out.getvalue()


def _row(report: Report, others: Sequence[str]) -> Iterator[object]:
    c = report.comparison
    yield from (report.submission.name, file_name(report), report.submission.sha256, str(report.verdict))
    if c:
        difference = c.mean - c.reference_mean
        yield from (c.mean, c.spread, c.reference_mean, difference, c.bar, c.baseline_mean, c.training_mean)
        yield _as_trained(report)
        means = {measured.metric: measured.mean for measured in c.measures}
        yield from (means.get(other) for other in others)
    else:
        yield from (*[None] * 7, _as_trained(report), *[None] * len(others))
    for importance in Importance:
        yield "; ".join(rule.name for rule in failed(report, importance))
    yield "; ".join(failure.rationale for failure in report.failures)
    yield " ".join(report.reasons)
    yield "yes" if report.dataset.practice else "no"
    who = report.submission.identity
    yield from (str(who.platform), who.number, who.name, who.email, who.submitted_at, "yes" if who.is_late else "")
    yield from _times(report.timeliness)
    yield str(report.cause.kind) if report.cause else ""


def _as_trained(report: Report) -> float | None:
    """Return the answer's score in the student's run on rows that it was not trained on."""
    own = report.own_result
    return own.unseen.score if own and own.unseen else None


def _times(found: Timeliness | None) -> tuple[object, ...]:
    if found is None:
        return (None,) * len(TIMES)
    handed_in = found.handed_in.isoformat() if found.handed_in else None
    return found.deadline.isoformat(), handed_in, found.late_seconds, found.sentence


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return sheets.guarded(str(value))


# -- JUnit -------------------------------------------------------------------------------------------------


def junit_xml(reports: Sequence[Report], unfinished: Sequence[Unfinished]) -> bytes:
    """Return XML with a suite for each submission: a case for each rule and one for the verdict."""
    root = Element("testsuites", name="checker")
    for report in reports:
        _suite(root, report)
    for one in unfinished:
        suite = SubElement(root, "testsuite", name=one_line(one.submission), time="0")
        _mark(_case(suite, suite.get("name", ""), "verdict"), "error", one.message)
    for suite in root:
        _count(suite, ("failures", "errors", "skipped"))
    _count(root, ("failures", "errors"))  # Jenkins's schema knows no skipped here
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _suite(root: Element, report: Report) -> None:
    name, seconds = one_line(report.submission.name), report.execution.wall_seconds
    seconds += sum(execution.wall_seconds for execution in (report.retraining, report.further) if execution)
    suite = SubElement(root, "testsuite", name=name, time=f"{seconds:.3f}")
    for rule in report.rules:
        _rule(_case(suite, f"{report.assignment}.{name}", rule.name), rule)
    verdict = _case(suite, f"{report.assignment}.{name}", "verdict", seconds)
    blamed = "\n".join(f"{failure.rationale}\n{failure.detail}" for failure in report.failures)
    if report.verdict is not Verdict.PASS:
        kind = "failure" if report.verdict is Verdict.FAIL else "error"
        _mark(verdict, kind, " ".join(report.reasons), blamed)


def _rule(case: Element, rule: RuleResult) -> None:
    text = "\n".join(filter(None, (rule.sentence, rule.rationale, rule.help, *rule.notes, rule.detail)))
    match rule.outcome, rule.importance:
        case Outcome.FAILED, Importance.REQUIRED:
            _mark(case, "failure", rule.rationale or rule.sentence, text)
        case Outcome.FAILED, Importance.ADVISORY:
            SubElement(case, "system-out").text = as_printed(f"advice: {text}", BLOCK)
        case Outcome.ERROR, _:
            _mark(case, "error", rule.rationale or rule.sentence, text)
        case Outcome.UNKNOWN, Importance.REQUIRED:
            _mark(case, "error", f"could not be checked: {rule.rationale}", text)
        case Outcome.SKIPPED | Outcome.UNKNOWN, _:
            _mark(case, "skipped", rule.rationale or rule.sentence)


def _case(suite: Element, classname: str, name: str, seconds: float = 0) -> Element:
    return SubElement(suite, "testcase", classname=one_line(classname), name=one_line(name), time=f"{seconds:.3f}")


def _mark(case: Element, kind: str, message: str, text: str = "") -> None:
    SubElement(case, kind, message=one_line(message)).text = as_printed(text, BLOCK)


def _count(element: Element, attributes: Iterable[str]) -> None:
    """Set an element's number of cases, and the number of each of these kinds."""
    found = [{child.tag for child in case} for case in element.iter("testcase")]
    element.set("tests", str(len(found)))
    for attribute in attributes:
        tag = attribute.removesuffix("s")
        element.set(attribute, str(sum(tag in tags for tags in found)))
