"""Short tables for the terminal: a reference's scores and costs, and the findings on a machine."""

import statistics
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from checker.formats.text import as_printed
from checker.judge.odds import Odds, Prospects
from checker.records.assignment import Assignment, Bar
from checker.records.report import Finding
from checker.scoring import metrics
from checker.scoring.metrics import Metric

FEW_REFERRED = 0.05
"""Largest share of REFER, among networks as good as the reference, without a warning."""


def print_reference(
    console: Console,
    title: str,
    scores: Mapping[int, float],
    baselines: Mapping[int, float],
    metric: Metric,
    bar: Bar,
    tolerance: str,
) -> None:
    """Print a reference's score by seed, its mean and spread, the baseline's, the bar, and its ``tolerance``."""
    unit, mean = metric.unit, statistics.fmean
    console.print(Text(as_printed(title), "italic"), soft_wrap=True)
    table = Table("seed", "reference", "baseline")
    for seed, score in scores.items():
        table.add_row(str(seed), unit.value(score, 1), unit.value(baselines[seed], 1))
    for word, of in (("mean", statistics.fmean), ("spread", statistics.stdev)):
        table.add_row(word, unit.value(of(scores.values()), 1), unit.value(of(baselines.values()), 1), style="bold")
    console.print(table)
    at_bar = unit.value(metric.bar(bar, mean(scores.values()), mean(baselines.values())), 1)
    console.print(Text(f"The bar: {at_bar}. To move it, change {as_printed(tolerance)}."), soft_wrap=True)


def print_field(console: Console, baselines: Mapping[str, Mapping[int, float]], metric: Metric) -> None:
    """Print each traditional model's mean over the seeds."""
    means = {name.replace("_", " "): statistics.fmean(of.values()) for name, of in baselines.items()}
    words = ", ".join(f"{name} {metric.unit.value(mean, 1)}" for name, mean in means.items())
    console.print(f"Traditional models: {words}", soft_wrap=True)


def print_prospects(console: Console, found: Prospects, assignment: Assignment) -> None:
    """Print the odds of verdicts on honest networks; in yellow, with advice, if many will be referred."""
    unit = metrics.find(assignment.bar.metric, assignment.bar.unit).unit
    is_rare = found.as_good.referred <= FEW_REFERRED
    words = (
        f"With {found.held_out:,} held-out rows a seed, scores vary by ± {unit.fine_amount(found.spread)} by chance. "
        f"Of 100 honest networks as good as the reference, {_verdicts(found.as_good)}; of 100 half way from it to the "
        f"bar, {_verdicts(found.half_way)}."
    )
    console.print(words, soft_wrap=True, style="" if is_rare else "yellow")
    if not is_rare:
        console.print(
            "So many REFER are yours to decide. More rows or a larger tolerance make them fewer.",
            soft_wrap=True,
            style="yellow",
        )


def _verdicts(of: Odds) -> str:
    shares = (("PASS", of.passed), ("REFER", of.referred), ("FAIL", of.failed))
    return ", ".join(f"{round(100 * share)} get {verdict}" for verdict, share in shares if round(100 * share))


def print_cost(console: Console, each: float, students: int, jobs: int) -> None:
    """Print the time for one submission, and the estimate for those of ``students``."""
    minutes = each * students / jobs / 60
    console.print(
        f"One like the reference takes {each:.0f} seconds on this machine, {students:,} students about "
        f"{minutes:,.0f} minutes, {jobs} at a time.",
        soft_wrap=True,
    )


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Print the findings on a machine, and what to do about each problem."""
    for finding in findings:
        mark, style = ("ok", "green") if finding.is_well else ("--", "red")
        line = Text.assemble((f"{mark} ", style), (f"{finding.what}: ", "bold"), as_printed(finding.state))
        console.print(line, soft_wrap=True)
        if finding.help:
            console.print(Text(f"   {as_printed(finding.help)}"), soft_wrap=True)
