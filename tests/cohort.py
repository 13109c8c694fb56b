"""A cohort of fake reports, as large as a course, with names from many languages."""

import random
from dataclasses import replace

from reports import a_comparison, a_fail, a_pass, a_referral

from checker.records.report import Report
from checker.records.submission import Identity, Platform
from checker.report.html import Entry, render_index

GERMAN = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 3 + "Donaudampf"
CHINESE = "王小明诸葛亮司马相如欧阳修" * 15 + "上官婉儿陈"
NAMES = ("Zoë Ångström", "Ada Lovelace", "Grace Hopper", "José Núñez", "李小龙", "Nguyễn Văn A", "Søren Łukasz")


def a_cohort(count: int) -> list[Report]:
    """Return reports of all verdicts, most of them near the bar; the reports are the same every time."""
    drawn = random.Random(0)
    return [_one(number, drawn) for number in range(count)]


def an_index(reports: list[Report]) -> str:
    """Return the index of the reports as HTML."""
    entries = [Entry(report, f"reports/{number}.html") for number, report in enumerate(reports)]
    return render_index("Practical 4", entries, [], reports[0].dataset)


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
