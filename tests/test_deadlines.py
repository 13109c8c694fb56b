"""Deadlines: times of handing in, extensions, and lateness in words, which changes no verdict."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zipfile import ZipFile, ZipInfo

import pytest
from rich.console import Console

from checker.errors import UsageError
from checker.formats import timestamps
from checker.gradebooks import moodle, worksheets
from checker.records.codec import from_json, to_json
from checker.records.gathered import Gathered
from checker.records.report import Report
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.submission import Identity, Platform, Submission, TimeSource
from checker.report.html import render_page
from checker.report.tables import results_csv
from checker.report.terminal import print_report
from checker.run import check
from checker.submissions import choice, deadlines
from checker.submissions.deadlines import Extension

DEADLINE = datetime(2026, 11, 30, 17, tzinfo=UTC)
PARIS = timezone(timedelta(hours=1))


def handed_in(at="", platform=Platform.NBGRADER, **more):
    """A submission whose platform says when it was handed in."""
    return Submission(
        name="ada",
        path="ada/t.py",
        is_notebook=False,
        sha256="c0ffee",
        identity=Identity(platform=platform, number="1", name="Ada", submitted_at=at),
        **more,
    )


# -- times as platforms write them -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2015-02-02 14:58:23.948203 America/Los_Angeles", datetime(2015, 2, 2, 22, 58, 23, tzinfo=UTC)),
        ("2026-11-30 16:59:59.123456 UTC", datetime(2026, 11, 30, 16, 59, 59, tzinfo=UTC)),
        ("2026-11-30 16:59 ", datetime(2026, 11, 30, 16, 59, tzinfo=UTC)),
        ("2026-07-01 18:00:00 Europe/London", datetime(2026, 7, 1, 17, tzinfo=UTC)),
        ("2026-01-31 12:00:00.123 Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00.123456789-08:00", datetime(2026, 1, 31, 20, tzinfo=UTC)),
        ("2026-01-31 12:00:00 +0530", datetime(2026, 1, 31, 6, 30, tzinfo=UTC)),
    ],
)
def test_stamps(text, at):
    """The timestamps of nbgrader and Gradescope are read with their zone, or as UTC if they have none."""
    assert timestamps.of_stamp(text) == at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-13-01 12:00:00 UTC",
        "2026-01-31 12:00:00 Mars/Olympus",
        "2026-01-31 12:00:00 ../../etc/passwd",
        "2026-01-31 12:00:00 America",
        "2026-01-31 12:00:00 +99:99",
        "0001-01-01 00:00:00 +14:00",
        "2026-01-31 12:00:00 " + "A" * 1_000,
        "\0",
    ],
)
def test_what_is_no_stamp(text):
    """Other text, and times with no zone or a made-up one, are not read as timestamps and raise nothing."""
    assert timestamps.of_stamp(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Monday, 26 October 2026, 4:55 PM",
        "Monday, 26 October 2026, 4:55\u202fpm",
        "Montag, 26. Oktober 2026, 16:55",
        "lunes, 26 de octubre de 2026, 16:55",
        "lundi 26 octobre 2026, 16:55",
        "lunedì, 26 ottobre 2026, 16:55",
        "maandag, 26 oktober 2026, 16:55",
        "segunda-feira, 26 out. 2026, 16:55",
        "понедельник, 26 октября 2026, 16:55",
    ],
)
def test_moodles_words_for_a_time(text):
    """A worksheet's times are read in all languages of its headings, without a zone."""
    assert timestamps.of_words(text) == datetime(2026, 10, 26, 16, 55)


def test_midnight_and_noon():
    """12 am is midnight, and 12 pm is noon."""
    assert timestamps.of_words("Monday, 26 October 2026, 12:05 AM").hour == 0
    assert timestamps.of_words("Monday, 26 October 2026, 12:05 PM").hour == 12


@pytest.mark.parametrize(
    "text", ["-", "Monday, 26 Ju 2026, 4:55", "31 February 2026, 4:55", "5 May 9999, 1:00", "1 jui 2026, 1:00"]
)
def test_what_is_no_time_in_words(text):
    """A date that does not exist, or whose month is ambiguous, is not read."""
    assert timestamps.of_words(text) is None


# -- on time or late ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "late", "words"),
    [
        (
            "2026-11-30 17:00:00 UTC",
            0,
            "On time: handed in 2026-11-30 17:00 UTC, the deadline was 2026-11-30 17:00 UTC.",
        ),
        ("2026-11-30 09:00:01 America/Los_Angeles", 1, "Late by less than a minute: "),
        ("2026-11-30 18:20:00 UTC", 4_800, "Late by 1 hour and 20 minutes: "),
        ("2026-12-02 20:01:00 UTC", 183_660, "Late by 2 days and 3 hours: "),
        ("2026-12-01 17:00:30 UTC", 86_430, "Late by 1 day: "),
    ],
)
def test_lateness_in_words(at, late, words):
    """Lateness is given in seconds and in its two largest units, with the source of the time."""
    found = deadlines.hold_against(handed_in(at), DEADLINE)
    assert (found.late_seconds, found.is_extended, found.source) == (late, False, TimeSource.TIMESTAMP)
    assert found.sentence.startswith(words)
    assert found.sentence.endswith("The time is from timestamp.txt.")


def test_times_without_a_zone_are_read_in_the_deadlines():
    """17:55 in a worksheet is late for a deadline at five in London, and on time for one at six in Paris."""
    submission = handed_in("Monday, 30 November 2026, 5:55 PM", Platform.MOODLE)
    late = deadlines.hold_against(submission, DEADLINE)
    on_time = deadlines.hold_against(submission, DEADLINE.astimezone(PARIS))
    assert (late.late_seconds, on_time.late_seconds) == (55 * 60, 0)
    assert on_time.sentence == (
        "On time: handed in 2026-11-30 17:55 UTC+01:00, the deadline was 2026-11-30 18:00 UTC+01:00. The time is from "
        "Moodle's worksheet, which tells no time zone: it is read in that of the deadline."
    )


def test_the_zips_own_times_are_the_last_to_be_asked():
    """A zip's time counts only if no other source has one, and the sentence says what it may be."""
    submission = handed_in("", Platform.MOODLE, changed="2026-11-30T17:30:00")
    found = deadlines.hold_against(submission, DEADLINE)
    assert (found.source, found.late_seconds) == (TimeSource.ZIP, 1_800)
    assert found.sentence.endswith("it is read in that of the deadline, and may be when the file was saved.")
    told = replace(submission, identity=replace(submission.identity, submitted_at="30 November 2026, 16:00"))
    assert deadlines.hold_against(told, DEADLINE).source is TimeSource.WORKSHEET
    told = replace(submission, identity=replace(submission.identity, submitted_at="the day before"))
    assert deadlines.hold_against(told, DEADLINE).source is TimeSource.ZIP


def test_where_nothing_tells():
    """Without any time the sentence says that none is known, and gives Canvas's mark as such."""
    found = deadlines.hold_against(handed_in(), DEADLINE)
    assert (found.handed_in, found.late_seconds, found.source) == (None, None, TimeSource.NOTHING)
    assert found.sentence == "Nothing tells whether it was on time; the deadline was 2026-11-30 17:00 UTC."
    marked = Submission(
        name="ada",
        path="t.py",
        is_notebook=False,
        sha256="",
        identity=Identity(platform=Platform.CANVAS, number="1", name="ada", is_late=True),
    )
    found = deadlines.hold_against(marked, DEADLINE)
    assert (found.source, found.late_seconds) == (TimeSource.MARK, None)
    assert found.sentence.startswith("Late by Canvas's mark, nobody knows by how much")


def test_an_extension_counts_instead_of_the_deadline():
    """An extension replaces the deadline, and the sentence calls it an extension."""
    found = deadlines.hold_against(handed_in("2026-12-01 12:00:00 UTC"), DEADLINE, DEADLINE + timedelta(days=2))
    assert (found.late_seconds, found.is_extended, found.deadline.day) == (0, True, 2)
    assert "the extended deadline was 2026-12-02 17:00 UTC" in found.sentence


def test_lateness_changes_no_verdict_and_is_in_the_report(make, assignment, practice, fake_sandbox):
    """The same evidence gives the same verdict and reasons, however late; only the report's timeliness differs."""
    reports = []
    for at in ("2026-11-30 16:00:00 UTC", "2027-01-01 00:00:00 UTC"):
        evidence = make.evidence(submission=handed_in(at))
        settings = RunSettings(assignment=replace(assignment, deadline=DEADLINE), dataset=practice, seeds=(11, 23))
        reports.append(check.judge(Gathered(evidence, {}), settings, ReferenceResults(scores={}, baselines={})))
    early, late = reports
    assert (early.verdict, early.reasons) == (late.verdict, late.reasons)
    assert (early.timeliness.late_seconds, late.timeliness.late_seconds > 0) == (0, True)
    assert from_json(Report, to_json(late)) == late
    assert late.timeliness.sentence in render_page(late)
    assert late.timeliness.sentence in results_csv([late])
    out = io.StringIO()
    print_report(Console(file=out, width=1_000), late, None)
    assert late.timeliness.sentence in out.getvalue()
    settings = replace(settings, extensions={"ada": datetime(2027, 1, 2, tzinfo=UTC)})
    assert (
        check.judge(Gathered(evidence, {}), settings, ReferenceResults(scores={}, baselines={})).timeliness.late_seconds
        == 0
    )
    settings = replace(settings, assignment=assignment)
    assert check.judge(Gathered(evidence, {}), settings, ReferenceResults(scores={}, baselines={})).timeliness is None


# -- where the times come from -----------------------------------------------------------------------------


def zipped(path, *members):
    with ZipFile(path, "w") as archive:
        for name, *date in members:
            archive.writestr(ZipInfo(name, tuple(date)), "x = 1")
    return choice.find(path)


def test_a_zip_of_one_moment_tells_nothing(tmp_path):
    """Moodle and Canvas give every file the time of the download, so such times are ignored."""
    names = [f"Ada_{n}_assignsubmission_file/t.py" for n in range(1, 4)]
    at_once = [(name, 2026, 12, 1, 9, 30, 2 * n) for n, name in enumerate(names)]
    assert {found.changed for found in zipped(tmp_path / "a.zip", *at_once)} == {""}
    apart = [(name, 2026, 11, 28 + n, 9, 30, 0) for n, name in enumerate(names)]
    assert [found.changed for found in zipped(tmp_path / "b.zip", *apart)] == [
        "2026-11-28T09:30:00",
        "2026-11-29T09:30:00",
        "2026-11-30T09:30:00",
    ]


def test_members_without_a_date(tmp_path):
    """The first of January 1980 means that a member has no date."""
    found = zipped(tmp_path / "a.zip", ("ada/t.py", 1980, 1, 1, 0, 0, 0), ("bob/t.py", 2026, 11, 30, 9, 0, 0),
                   ("eve/t.py", 2026, 11, 20, 9, 0, 0))  # fmt: skip
    assert [one.changed for one in found] == ["", "2026-11-30T09:00:00", "2026-11-20T09:00:00"]


SHEET = (
    "Identifier,Full name,Group,Grade,Last modified (submission),Last modified (grade)\n"
    'Participant 12,Ada,,,"Monday, 30 November 2026, 4:55 PM",-\n'
    'Participant 13,Mallory,,,"Monday, 30 November 2026, 1:00 PM",-\n'
    "Participant 14,Linus,,,-,-\n"
    'Participant 15,Grace,Group A,,"Monday, 30 November 2026, 6:00 PM",-\n'
)


def test_a_worksheet_tells_when_each_was_handed_in():
    """A row's time goes to its submission, a team's to the team's submission, and to no other."""
    found = [
        Submission(
            name=name,
            path="t.py",
            is_notebook=False,
            sha256="",
            identity=Identity(platform=Platform.MOODLE, number=number, name=name),
        )
        for name, number in (("Ada", "12"), ("Eve", "13"), ("Linus", "14"), ("Group A", "77"))
    ]
    told = moodle.with_times(found, worksheets.read(SHEET.encode()))
    assert [one.identity.submitted_at for one in told] == [
        "Monday, 30 November 2026, 4:55 PM",
        "",
        "",
        "Monday, 30 November 2026, 6:00 PM",
    ]


# -- extensions --------------------------------------------------------------------------------------------

KNOWN = {
    "Ada 12": ("Ada 12", "Ada", "ada@example.org", "12"),
    "Ada 13": ("Ada 13", "Ada", "", "13"),
    "Grace 14": ("Grace 14", "Grace", "", "14"),
}


@pytest.mark.parametrize(
    "content",
    [
        "student,until\nAda 12,2026-12-02T17:00:00+00:00\n",
        "\ufeffStudent;Until;why\r\nADA 12 ;2026-12-02T18:00:00+01:00;ill\r\n;;\r\n",
        "until\tstudent\n2026-12-02 17:00Z\tada 12\n2026-12-02 17:00Z\tada 12\n",
    ],
)
def test_extensions_as_spreadsheets_save_them(content):
    """Separators, order of columns, case and time zones may differ; equal rows count once."""
    (found,) = deadlines.read(content.encode(), DEADLINE)
    assert found.until == DEADLINE + timedelta(days=2)
    assert deadlines.grant([found], KNOWN).until == {"Ada 12": found.until}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no columns student and until"),
        ("student,decision\nada,tick\n", "no columns student and until"),
        ("student,until\nada,02/12/2026 17:00\n", "Row 2 of the extensions: “02/12/2026 17:00” is no time"),
        ("student,until\nada,\n", "Row 2 of the extensions: “” is no time"),
        ("student,until\nada,2026-12-02T17:00:00\n", "Row 2 of the extensions: .* has no time zone"),
        ("student,until\nada,2026-11-02T17:00:00Z\n", "Row 2 of the extensions: .* is before the deadline"),
        ("student,until\n,2026-12-02T17:00:00Z\n", "Row 2 of the extensions names no student"),
        (
            "student,until\nada,2026-12-02T17:00:00Z\nADA,2026-12-03T17:00:00Z\n",
            "Row 3 of the extensions: “ADA” has another extension above",
        ),
    ],
)
def test_what_is_no_table_of_extensions(content, words):
    """A mistake in the table is reported with its row, and not guessed at."""
    with pytest.raises(UsageError, match=words):
        deadlines.read(content.encode(), DEADLINE)


def test_whose_extension_it_is():
    """A student is identified as in decisions.csv, or by a name, number or e-mail address that is unique."""
    until = DEADLINE + timedelta(days=1)
    for student, name in (("grace", "Grace 14"), ("13", "Ada 13"), ("ADA@example.org", "Ada 12")):
        assert deadlines.grant([Extension(student, until)], KNOWN).until == {name: until}
    assert deadlines.grant([Extension("Trent", until)], KNOWN) == deadlines.Granted({}, ("Trent",))
    with pytest.raises(UsageError, match="may be for Ada 12 or Ada 13"):
        deadlines.grant([Extension("Ada", until)], KNOWN)
