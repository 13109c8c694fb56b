"""A cohort of fake reports, as large as a course, with names from many languages."""

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from types import MappingProxyType

from reports import a_comparison, a_fail, a_pass, a_referral

from checker.records.report import Report
from checker.records.submission import Identity, Platform
from checker.report.html import Entry, in_order, render_index

GERMAN = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 3 + "Donaudampf"
CHINESE = "王小明诸葛亮司马相如欧阳修" * 15 + "上官婉儿陈"
NAMES = ("Zoë Ångström", "Ada Lovelace", "Grace Hopper", "José Núñez", "李小龙", "Nguyễn Văn A", "Søren Łukasz")


def a_cohort(count: int) -> list[Report]:
    """Return reports of all verdicts, most of them near the bar; the reports are the same every time."""
    drawn = random.Random(0)
    return [_one(number, drawn) for number in range(count)]


def an_index(reports: list[Report], decided: Mapping[int, str] = MappingProxyType({})) -> str:
    """Return the index of the reports as HTML. ``decided``: the decisions on some of them, by number."""
    return render_index("Practical 4", _entries(reports, decided), [], reports[0].dataset)


def an_order(count: int, decided: Mapping[int, str]) -> list[tuple[int, Report]]:
    """Return a cohort's reports with their numbers, in the index's order."""
    entries = in_order(_entries(a_cohort(count), decided))
    return [(int(PurePath(entry.href).stem), entry.report) for entry in entries]


def _entries(reports: list[Report], decided: Mapping[int, str]) -> list[Entry]:
    return [Entry(one, f"reports/{number}.html", decided.get(number, "")) for number, one in enumerate(reports)]


def _one(number: int, drawn: random.Random) -> Report:
    name = {3: GERMAN, 5: CHINESE}.get(number, f"{drawn.choice(NAMES)} {number:03}")
    mean = min(0.99, max(0.2, drawn.gauss(0.905, 0.02) - (drawn.random() < 0.1) * drawn.random() / 2))
    if drawn.random() < 0.1:
        report = a_fail(name)
    else:
        kind = a_fail if mean < 0.887 else a_referral if mean < 0.891 or drawn.random() < 0.05 else a_pass
        report = replace(kind(name), comparison=a_comparison(mean))
    who = Identity(
        platform=Platform.MOODLE, number=str(90_000 + number), name=name, email=f"student{number}@example.org"
    )
    return replace(report, submission=replace(report.submission, identity=who))
