"""A report, and a batch of reports, in the terminal.

All text is made ``visible`` and printed as ``Text`` without markup, so that no name or traceback is read as a
style. Characters that the terminal's encoding lacks become question marks instead of raising an exception.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from checker.formats.text import as_printed, counted, one_line, visible
from checker.records.comparison import Comparison
from checker.records.report import Report, Unfinished
from checker.records.submission import Submission, TimeSource
from checker.records.verdicts import Failure, Importance, Outcome, RuleResult, Verdict
from checker.report import narrow
from checker.report.brief import in_brief
from checker.report.sentences import (
    as_trained,
    by_urgency,
    cause_name,
    failed,
    file_name,
    left_out,
    metric,
    without_inputs,
)
from checker.report.vocabulary import MARK, MEANING
from checker.report.words import size
from checker.scoring.metrics import NONE

MOST = 12
"""Maximum number of failures, notes or reasons that are shown; the page has them all."""

DETAIL = 1_200
NAME = 60
REASON = 120
INDEX = "index.html"

LEAST_REASON = 20
"""Smallest useful width of the reasons, in columns; a narrower list has no reasons."""
GAP = 2

COLOUR = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.REFER: "yellow"}


def print_report(console: Console, report: Report, page: str | None) -> None:
    """Print one report for the student who made the submission; ``page`` is the path of the whole report."""
    _headline(console, report)
    if report.cause:
        _say(console, f"{cause_name(report, report.cause.kind)}: {one_line(report.cause.sentence)}", "bold", indent=1)
        _advice(console, report.cause.help, "")
    for reason in report.reasons[:MOST]:
        _say(console, f"• {one_line(reason)}", indent=1)
    _failures(console, report.failures)
    _rules(console, f"Rules that are not met{_where(report)}", failed(report, Importance.REQUIRED), "red")
    _rules(console, "Rules that could not be checked", _unchecked(report))
    _rules(console, "Advice, with no effect on the verdict", failed(report, Importance.ADVISORY))
    _counts(console, report)
    if report.comparison:
        splits = counted(len(report.comparison.scores), "split")
        _heading(console, f"{metric(report).title} on rows the model had not seen, over {splits}")
        console.print(_scores(console, report.comparison))
        _also(console, report.comparison)
        _say(console, "The grading holds out other rows, so its figures differ by about as much as ± says.")
    if missing := without_inputs(report):
        _say(console, missing, above=1)
    if own := as_trained(report):
        _say(console, one_line(own), above=1)
    if report.claim and report.claim.sentence:
        _say(console, f"Stated otherwise: {one_line(report.claim.sentence)}", "yellow", above=1)
    if report.dataset.practice:
        _say(console, "Made with practice data; not for awarding ticks.", "bold yellow", above=1)
    if page:
        _say(console, f"The whole report: {one_line(page)}", above=1)


def print_summary(
    console: Console, reports: Sequence[Report], unfinished: Sequence[Unfinished], out: str, in_index: str = ""
) -> None:
    """Print a batch: a line for each submission, the count of each verdict, a sentence on the whole index
    (``in_index``), and the page to open."""
    if reports:
        console.print(_cohort(console, reports))
    totals = (f"{sum(r.verdict is verdict for r in reports)} {verdict}" for verdict in Verdict)
    _say(console, f"{counted(len(reports), 'submission')}: {', '.join(totals)}", "bold")
    if in_index:
        _say(console, in_index)
    _times(console, reports)
    for one in unfinished[:MOST]:
        _say(console, f"Not finished: {one_line(one.submission, NAME)}: {one_line(one.message)}", "yellow")
    if len(unfinished) > MOST:
        _say(console, f"… and {len(unfinished) - MOST} more not finished", "yellow")
    if any(not one.is_usage for one in unfinished):
        _say(console, "Not the students' fault; the next batch tries again.", "yellow")
    if any(report.dataset.practice for report in reports):
        _say(console, "Made with practice data; not for awarding ticks.", "bold yellow")
    # Do not wrap: a path that is broken over two lines cannot be copied.
    console.print(text(console, f"Open {one_line(str(Path(out, INDEX)))}"), soft_wrap=True)


# -- parts of a report -------------------------------------------------------------------------------------


def _headline(console: Console, report: Report) -> None:
    badge = text(console, f" {report.verdict} ", f"bold reverse {COLOUR[report.verdict]}")
    who = f"{one_line(report.submission.name, NAME)} ({one_line(file_name(report), NAME) or 'no file'})"
    console.print(Text.assemble(badge, " ", text(console, MEANING[report.verdict], "bold")))
    _say(console, f"{who}, {one_line(report.title)}", "dim")
    if report.submission.note:
        _say(console, one_line(report.submission.note), "dim")
    _companions(console, report.submission)
    if report.timeliness:
        _say(console, one_line(report.timeliness.sentence), "dim")


def _companions(console: Console, submission: Submission) -> None:
    """Print which companion files lay beside the checked one, and which were left out."""
    beside = [f"{one_line(one.name, NAME)} ({size(one.size)})" for one in submission.beside]
    without = [f"{one_line(one.name, NAME)} ({one_line(one.left_out, REASON)})" for one in left_out(submission)]
    for words, named, more in (("Beside it", beside, 0), ("Left out", without, submission.unlisted)):
        if named:
            rest = len(named) - len(named[:MOST]) + more
            _say(console, f"{words}: {', '.join(named[:MOST])}{f' and {rest} more' if rest else ''}.", "dim")


def _failures(console: Console, failures: Sequence[Failure]) -> None:
    if failures:
        _heading(console, "What stopped it")
    for failure in failures[:MOST]:
        where = f", cell {failure.cell}" if failure.cell is not None else ""
        _say(console, f"✗ {one_line(failure.rationale)} (while {failure.stage}{where})", "red", indent=1)
        _advice(console, failure.help, failure.detail)
    if len(failures) > MOST:
        _say(console, f"… and {len(failures) - MOST} more", indent=1)


def _rules(console: Console, heading: str, rules: Sequence[RuleResult], style: str = "yellow") -> None:
    if rules:
        _heading(console, heading)
    for rule in rules:
        is_failed = rule.outcome is Outcome.FAILED
        said = rule.finding if is_failed else rule.sentence
        _say(console, f"{MARK[rule.outcome]} {one_line(said)}", style, indent=1)
        for more in (*([rule.rationale] if rule.rationale and not is_failed else []), *rule.notes[:MOST]):
            _say(console, one_line(more), indent=3)
        _advice(console, rule.help, rule.detail)


def _where(report: Report) -> str:
    """Return in which cells the network is made and trained, for a heading; "" if there is none."""
    answer = report.answer
    if answer is None or not answer.fits:
        return ""
    trained = answer.fits[-1].cell
    where = f"made in cell {answer.cell}, trained in cell {trained}"
    return f" (your network: {f'cell {trained}' if answer.cell == trained else where})"


def _advice(console: Console, help: str, detail: str) -> None:
    if detail:
        _say(console, as_printed(detail, DETAIL), "dim", indent=5)
    if help:
        _say(console, f"What to do: {one_line(help)}", "bold", indent=3)


def _unchecked(report: Report) -> list[RuleResult]:
    """Return the rules that broke, and the required rules without evidence although there was no failure."""
    return [rule for rule in by_urgency(report.rules) if rule.outcome is Outcome.ERROR or _is_missed(rule, report)]


def _is_missed(rule: RuleResult, report: Report) -> bool:
    return rule.outcome is Outcome.UNKNOWN and rule.importance is Importance.REQUIRED and not report.failures


def _counts(console: Console, report: Report) -> None:
    if report.rules:
        passed = sum(rule.outcome is Outcome.PASSED for rule in report.rules)
        _say(console, f"{passed} of {counted(len(report.rules), 'rule')} passed.", above=1)


def _scores(console: Console, comparison: Comparison) -> Table:
    unit = metric(comparison).unit
    table = _table(console, "", "")
    table.show_header = False
    for column in table.columns:
        column.justify = "left"
    for row in (
        ("Yours", unit.plus_minus(comparison.mean, comparison.spread)),
        ("Reference", unit.plus_minus(comparison.reference_mean, comparison.reference_spread)),
        ("Bar", unit.value(comparison.bar)),
        (narrow.cut(comparison.baseline.replace("_", " ").capitalize(), NAME), unit.value(comparison.baseline_mean)),
    ):
        table.add_row(*(text(console, cell) for cell in row))
    return table


def _also(console: Console, comparison: Comparison) -> None:
    """Print the task's other metrics, if it has any."""
    others = (m for m in comparison.measures if m.metric != comparison.metric)
    said = [f"{metric(m).name} {metric(m).unit.plus_minus(m.mean, m.spread)}" for m in others]
    if said:
        _say(console, f"Also: {', '.join(said)}.")


def _times(console: Console, reports: Sequence[Report]) -> None:
    """Print which submissions were late; lateness changes no verdict."""
    known = [(report, report.timeliness) for report in reports if report.timeliness]
    if not known:
        return
    late = [(report, found) for report, found in known if found.late_seconds or found.source is TimeSource.MARK]
    unknown = sum(found.source is TimeSource.NOTHING for _, found in known)
    on_time = len(known) - len(late) - unknown
    _say(console, f"On time {on_time}, late {len(late)}, not known {unknown}; no verdict depends on it.")
    for report, found in late[:MOST]:
        _say(console, f"{one_line(report.submission.name, NAME)}: {one_line(found.sentence)}", indent=1)
    if len(late) > MOST:
        _say(console, f"… and {len(late) - MOST} more", indent=1)


def _cohort(console: Console, reports: Sequence[Report]) -> Table:
    """Return a table with a line for each submission, fitted to the console's width."""
    names = [narrow.shortened(report.submission.name, min(NAME, console.width * 3 // 8)) for report in reports]
    scores = [_score(report.comparison) for report in reports]
    heading = metric(reports[0]).title
    columns = (["Submission", *names], ["Verdict", *Verdict], [heading, *scores])
    room = console.width - sum(max(map(cell_len, column)) + GAP for column in columns)
    table = _table(console, "Submission", "Verdict", heading, *(["Reason"] if room >= LEAST_REASON else []))
    for column in (*table.columns[:2], *table.columns[3:]):
        column.justify = "left"
    for report, name, score in zip(reports, names, scores, strict=True):
        said = in_brief(report) if report.verdict is not Verdict.PASS else ""
        reason = narrow.cut(said, max(room, LEAST_REASON))
        verdict = text(console, report.verdict, f"bold {COLOUR[report.verdict]}")
        cells = (text(console, name), verdict, text(console, score), text(console, reason))
        table.add_row(*cells[: len(table.columns)])
    return table


def _score(comparison: Comparison | None) -> str:
    return NONE if comparison is None else metric(comparison).unit.value(comparison.mean)


# -- saying it ---------------------------------------------------------------------------------------------


def text(console: Console, words: str, style: str = "") -> Text:
    """Return words as text that the terminal can show. All text goes through this function."""
    return Text(visible(words).encode(console.encoding, "replace").decode(console.encoding), style)


def _say(console: Console, words: str, style: str = "", indent: int = 0, above: int = 0) -> None:
    """Print wrapped words, with all lines indented by ``indent``, after ``above`` empty lines."""
    console.print("\n" * above, end="")
    for line in text(console, words, style).wrap(console, max(console.width - indent, 20)):
        console.print(Text(" " * indent) + line, soft_wrap=True)


def _heading(console: Console, words: str) -> None:
    _say(console, words, "bold underline", above=1)


def _table(console: Console, *headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(text(console, heading), justify="right", no_wrap=True)
    return table
