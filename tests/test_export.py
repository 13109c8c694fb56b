"""Results going back to Moodle, read by its own rules: how it finds rows, and whose feedback is whose."""

import csv
import io
import json
import os
import random
import re
import shutil
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
from rich.console import Console

from checker.commands import app, consoles
from checker.errors import HarnessError, UsageError
from checker.formats import files
from checker.gradebooks import decision_log, decisions, feedback, moodle, worksheets
from checker.gradebooks.decision_log import DecisionLog
from checker.gradebooks.decisions import Decided, Decision
from checker.gradebooks.feedback import Page
from checker.gradebooks.moodle import Entry, Outcome, Words
from checker.records.capture import Environment
from checker.records.decisions import Choice
from checker.records.job import Ending, Progress
from checker.records.submission import Identity, Platform
from checker.run import lock, session
from checker.sandbox import kinds
from checker.submissions import names
from checker.wire.frames import message

TICK, RESUBMIT, *_ = Decision
DEFAULTS = Words()

HEADINGS = ["Identifier", "Full name", "Email address", "Status", "Grade", "Maximum grade", "Grade can be changed",
            "Last modified (submission)", "Online text", "Last modified (grade)", "Feedback comments"]  # fmt: skip
GERMAN = ["ID", "Vollständiger Name", "E-Mail-Adresse", "Status", "Bewertung", "Skala",
          "Bewertung kann geändert werden", "Zuletzt geändert (Abgabe)", "Texteingabe online",
          "Zuletzt geändert (Bewertung)", "Feedback als Kommentar"]  # fmt: skip


# -- Moodle, as far as its importers go ------------------------------------------------------------------------


@dataclass
class Moodle:
    """The receiving side: participants by number, and what is stored of them.

    A comment is stored where it differs from the one before, and shown as HTML. It follows
    ``mod/assign/feedback/offline/importgradeslib.php`` and ``feedback/file/importziplib.php``.
    """

    participants: dict
    hidden_user: str = "Participant "
    headings: tuple = ("Identifier", "Grade", "Last modified (grade)")
    feedback: str = "Feedback comments"

    def import_comments(self, content):
        """Return the comments in a worksheet, by user, as PHP's reader of CSV finds them."""
        text = content.decode("utf-8-sig")
        assert '\\"' not in text, "a backslash before a quotation mark ends no cell"
        rows = csv.DictReader(io.StringIO(text, newline=""))
        found = {row[self.headings[0]][len(self.hidden_user) :]: row[self.feedback] for row in rows}
        return {self.participants[number]: comment for number, comment in found.items() if comment != "-"}

    def import_grades(self, content):
        """Return the grades that a worksheet leads to, by user."""
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        assert {len(line) for line in lines} == {len(lines[0])}, "csvweirdcolumns"
        identifier, grade, _ = (lines[0].index(heading) for heading in self.headings)
        grades = {}
        for line in lines[1:]:
            user = self.participants.get(line[identifier][len(self.hidden_user) :])
            if user is not None and line[grade] != "":
                grades[user] = line[grade]
        return grades

    def import_feedback(self, content, submitted=frozenset()):
        """Return the files that a zip leads to: (user, path) to content."""
        given = {}
        with ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if (found := self._feedback_of(name)) and (*found, archive.read(name)) not in submitted:
                    given[found] = archive.read(name)
        return given

    def _feedback_of(self, path):
        if path.rsplit("/", 1)[-1].startswith((".", "~")):
            return None
        parts = path.split("/")
        while parts:
            info = parts.pop(0).split("_", 4)
            if len(info) < 4 or not re.fullmatch(r"\d+", info[1]) or info[1] not in self.participants:
                continue
            if (info[2], info[3]) not in {("assignsubmission", "file"), ("assignfeedback", "file")}:
                continue
            rest = [info[4] if len(info) > 4 else "", *parts]
            return self.participants[info[1]], "/".join(rest).lstrip("/")
        return None


# -- a course --------------------------------------------------------------------------------------------------

NAMES = [f"{first} {last}" for last in ("Lovelace", "O'Brien", "Núñez_Peña", "de la Tour") for first in
         ("Ada", "Grace", "Alan", "Zoë", "Linus", "Barbara", "Edsger", "Donald", "Radia", "Ken")]  # fmt: skip
ABSENT = ["Mallory Late", "Trent Absent", "Peggy Gone"]
BROKEN, CRASHING = 11, 12
LATE = range(36, 40)
DEADLINE = "2026-11-30T17:00:00+00:00"


def moodles(name):
    """A name as Moodle's file names have it."""
    return re.sub(r"[&<>\"`|':\\/]", "", name.replace("_", " "))


def files_of(at, name, number):
    """What a student's files are called, in every way that there is."""
    own = f"{moodles(name)}_{number}_assignsubmission_file"
    return [
        [f"{own}/tick1.ipynb"],
        [f"{own}_/tick1.ipynb"],
        [f"{own}_tick1.ipynb"],
        [f"{own}/my work/tick1.ipynb", f"{own}/my work/old.py", f"{own}/data.csv"],
        [f"Participant_{number}_assignsubmission_file/tick1.ipynb"],
        [f"Group A-{own}/tick1.py"],
        [f"{own}/tick1.ipynb", f"{own.replace('_file', '_onlinetext')}/onlinetext.html"],
        [f"{own.replace('_file', '_onlinetext')}/onlinetext.html"],
        [f"{own}/essay.pdf"],
        [f"{own}/first.ipynb", f"{own}/second.ipynb"],
    ][at % 10]


@pytest.fixture(scope="module")
def numbers():
    """Numbers that Moodle has made up, in no order."""
    return {name: str(10_000 + 7_919 * at % 9_973) for at, name in enumerate(NAMES + ABSENT)}


@pytest.fixture(scope="module")
def download(numbers, tmp_path_factory):
    """The zip of a course's 40 submissions."""
    path = tmp_path_factory.mktemp("download") / "ML-Tick 1-4711.zip"
    with ZipFile(path, "w") as archive:
        for at, name in enumerate(NAMES):
            content = {BROKEN: "broken", CRASHING: "crashing"}.get(at, "x = 1")
            for member in files_of(at, name, numbers[name]):
                archive.writestr(member, content)
    return path


def submitted(at):
    """When a student handed in, as Moodle writes it."""
    return f"Monday, 30 November 2026, {5 if at in LATE else 4}:{at:02} PM"


def quoted(values):
    return ",".join('"' + v.replace('"', '""') + '"' if v and not v.isdigit() else v for v in values)


def worksheet_of(numbers, headings=HEADINGS, maximum="1.00", no="No", bom=True, hidden_user="Participant ", **changed):
    """A worksheet with a row for everybody; ``changed`` are cells by heading for students by first name."""
    lines = [quoted(headings)]
    for name, number in numbers.items():
        row = dict.fromkeys(headings, "-")
        row |= dict(zip(headings, (f"{hidden_user}{number}", name, "", "Submitted, \nlate", "", maximum), strict=False))
        row[headings[6]] = "Yes"
        row[headings[7]] = submitted(NAMES.index(name)) if name in NAMES else "-"
        row |= changed.get(name.replace(" ", "_"), {})
        lines.append(quoted(row.values()))
    return (("\ufeff" if bom else "") + "\r\n".join(lines) + "\r\n").encode()


@pytest.fixture(scope="module")
def checked(download, numbers, root, fake_sandbox, without_reference, tmp_path_factory):
    """One command over the course's zip, with the worksheet and extensions: what it wrote, and what it said.

    Its fakes are the sandbox and the reference's standard. Verdicts are of all kinds, and one submission is unfinished.
    """

    def guest(job, beside):
        if beside[0].payload == b"broken":
            raise HarnessError("The sandbox fell over.")
        yield message(Environment({}, "3", ""))
        yield message(Progress(1, 1))
        if beside[0].payload == b"crashing":
            yield Ending.CRASHED

    place = tmp_path_factory.mktemp("course")
    assignment = shutil.copytree(root / "reference" / "ocean_proximity", place / "assignment")
    with (assignment / "assignment.toml").open("r+") as stream:
        text = stream.read()
        stream.seek(0)
        stream.write(f"deadline = {DEADLINE}\n{text}")
    (place / "grades.csv").write_bytes(worksheet_of(numbers))
    late, absent = NAMES[LATE[0]], ABSENT[0]
    (place / "ext.csv").write_text(f"student,until\n{late},2026-12-01T17:00:00+00:00\n{absent},2026-12-02T17:00:00Z\n")
    words = ["batch", download, "--assignment", assignment, "--practice-data", "--out", place / "results", "--jobs", 2,
             "--moodle-worksheet", place / "grades.csv", "--extensions", place / "ext.csv"]  # fmt: skip
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kinds, "choose", lambda kind: fake_sandbox(guest))
        patch.setattr(session, "open", without_reference)
        patch.setattr(consoles, "output", Console(file=out, width=200))
        patch.setattr(sys, "argv", ["checker", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            app.main()
    said, out = out.getvalue(), place / "results"
    return SimpleNamespace(code=ended.value.code, said=said, results=out, assignment=assignment)


@pytest.fixture(scope="module")
def results(checked):
    """The folder of results."""
    return checked.results


@pytest.fixture
def export(results, numbers, tmp_path, monkeypatch, capsys):
    """Run the command on these results with these decisions, and a worksheet; return what it wrote and said."""

    def run(decided, sheet, *more):
        content = (results / decisions.FILE).read_bytes()
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        with (results / decisions.FILE).open("w", encoding="utf-8", newline="") as stream:
            rows = [[s, decided.get(s.rsplit(" ", 1)[-1], ""), "well done", "Tina"] for s, *_ in lines[1:]]
            csv.writer(stream).writerows([lines[0], *rows])
        (tmp_path / "grades.csv").write_bytes(sheet)
        words = ["--moodle-worksheet", tmp_path / "grades.csv", "--to", tmp_path / "filled.csv", *more]
        monkeypatch.setattr(sys, "argv", ["checker", "export", *map(str, [results, *words])])
        monkeypatch.setenv("COLUMNS", "200")
        try:
            with pytest.raises(SystemExit) as ended:
                app.main()
        finally:
            (results / decisions.FILE).write_bytes(content)
        said = capsys.readouterr()
        filled = tmp_path / "filled.csv"
        written = filled.read_bytes() if filled.exists() else b""
        return SimpleNamespace(code=ended.value.code, said=said.out + said.err, content=written)

    return run


# -- there and back ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_whole_course_there_and_back(export, results, numbers):
    """Of 40 submissions in every form, decided ones get their grade in Moodle, and nobody else gets any."""
    decided = {numbers[name]: "tick" for name in NAMES[:20]} | {numbers[name]: "resubmit" for name in NAMES[20:37]}
    done = export(decided, worksheet_of(numbers))
    grades = Moodle({number: name for name, number in numbers.items()}).import_grades(done.content)
    assert grades == dict.fromkeys(NAMES[:20], "1") | dict.fromkeys(NAMES[20:37], "0")
    assert done.code == 1
    assert "37 filled, 3 left as it was, 3 no submission" in done.said
    assert "18 ticked against FAIL" in done.said
    assert "37 notes for students to read, in the worksheet's feedback comments." in done.said
    assert done.said.count("and nobody has decided") == 3
    assert f"Participant {numbers['Ken de la Tour']} Ken de la Tour: left as it was: FAIL" in done.said
    assert "The newest versions of Moodle take 0 for no grade" in done.said
    gone = ", ".join(f"Participant {numbers[name]} {name}" for name in ABSENT)
    assert f"No submission: {gone}" in done.said
    assert f"Participant {numbers[NAMES[37]]} {NAMES[37]}: left as it was: FAIL, and nobody has decided" in done.said


def rows_of(results):
    return list(csv.DictReader(io.StringIO((results / "results.csv").read_text(encoding="utf-8"))))


@pytest.mark.slow
def test_one_command_checks_a_course_and_says_who_was_late(checked, numbers):
    """The command ends with what is unfinished, and tells who was late by the worksheet's times and the extensions."""
    assert checked.code == 4
    assert "39 submissions: 0 PASS, 38 FAIL, 1 REFER" in checked.said
    assert "On time 36, late 3, not known 0; no verdict depends on it." in checked.said
    assert f"{moodles(NAMES[37])} {numbers[NAMES[37]]}: Late by 37 minutes: handed in 2026-11-30 17:37" in checked.said
    assert f"{ABSENT[0]} has an extension and has handed in nothing." in checked.said
    table = {row["number"]: row for row in rows_of(checked.results)}
    extended, late = (table[numbers[NAMES[at]]] for at in LATE[:2])
    assert (extended["late_seconds"], late["late_seconds"]) == ("0", "2220")
    assert extended["timeliness"].startswith("On time: handed in 2026-11-30 17:36")
    assert "the extended deadline was 2026-12-01 17:00" in extended["timeliness"]
    assert extended["verdict"] == late["verdict"] == "FAIL"
    page = (checked.results / "reports" / f"{files.slug(late['submission'])}.html").read_text(encoding="utf-8")
    assert "Late by 37 minutes: handed in" in page
    told = json.loads((checked.results / "results.json").read_bytes())["reports"]
    by_number = {report["submission"]["identity"]["number"]: report["timeliness"] for report in told}
    assert by_number[numbers[NAMES[37]]]["late_seconds"] == 2220


@pytest.mark.slow
def test_extensions_beside_the_results(checked, tmp_path, monkeypatch, capsys, without_reference):
    """Judging again keeps the times that the worksheet told, and reads the extensions that lie beside the results."""
    out = shutil.copytree(checked.results, tmp_path / "results")
    (out / "extensions.csv").write_text(f"student,until\n{NAMES[38]},2026-12-01T17:00:00+00:00\n")
    words = ["judge", out, "--assignment", checked.assignment, "--practice-data"]
    monkeypatch.setattr(session, "open", without_reference)
    monkeypatch.setattr(sys, "argv", ["checker", *map(str, words)])
    with pytest.raises(SystemExit):
        app.main()
    assert "On time 36, late 3, not known 0" in capsys.readouterr().out
    told = {row["student"]: row for row in rows_of(out)}
    assert told[moodles(NAMES[38])]["late_seconds"] == "0"
    assert told[moodles(NAMES[36])]["late_seconds"] == str(36 * 60)


def test_a_batch_lists_everybody(results, numbers):
    """All 40 have a row of decisions, a verdict or a reason, and their number in every table."""
    rows = list(csv.DictReader(io.StringIO((results / decisions.FILE).read_text("utf-8-sig"))))
    assert len(rows) == 40
    assert {tuple(row.values())[1:] for row in rows} == {("", "", "")}
    table = rows_of(results)
    assert {row["number"] for row in table} == {numbers[name] for at, name in enumerate(NAMES) if at != BROKEN}
    essay = next(row for row in table if row["number"] == numbers["Radia Lovelace"])
    assert essay["verdict"] == "FAIL"
    assert "only essay.pdf" in essay["reasons"]
    for at in (0, 8):
        found = next(row for row in table if row["number"] == numbers[NAMES[at]])
        page = (results / "reports" / f"{files.slug(found['submission'])}.html").read_text()
        assert f"Moodle number {found['number']}" in page
        assert f"Moodle number {found['number']}" in (results / "index.html").read_text()


def test_undecided_rows_stay_whatever_the_verdict(export, numbers):
    """Without any decision the worksheet comes back byte for byte, and everybody is listed with their verdict."""
    sheet = worksheet_of(numbers)
    done = export({}, sheet)
    assert done.content == sheet
    assert done.said.count("left as it was: FAIL") == 38
    assert done.said.count("left as it was: REFER") == 1
    assert done.said.count("left as it was: unfinished") == 1


def test_only_cells_of_grades_and_comments_are_touched(export, numbers):
    """Whatever else is in the worksheet, in whatever form, comes back byte for byte; and the comment of whoever is not
    decided, though there is a note."""
    odd = {"Online text": 'He said ""so"",\r\n;\t', "Feedback comments": " keep, me "}
    sheet = worksheet_of(numbers, Ada_Lovelace=odd, Grace_Lovelace=odd).replace(b'"-"', b"-")
    done = export({numbers["Ada Lovelace"]: "tick"}, sheet)
    before, after = sheet.split(b'"Ada Lovelace",', 1)
    after = after.replace(b',,"1.00"', b',1,"1.00"', 1).replace(b'" keep, me "', b'"well done"', 1)
    assert done.content == before + b'"Ada Lovelace",' + after
    assert b'" keep, me "' in done.content
    assert "nothing becomes 1, with the note in place of the old comment (ticked against FAIL)" in done.said


def test_feedback_reaches_the_right_students(export, results, numbers, tmp_path):
    """The student's edition of each page comes to its student, under a name that is no file of theirs."""
    export({}, worksheet_of(numbers), "--moodle-feedback", tmp_path / "feedback.zip")
    moodle = Moodle({number: name for name, number in numbers.items()})
    given = moodle.import_feedback((tmp_path / "feedback.zip").read_bytes())
    assert sorted(user for user, _ in given) == sorted(name for at, name in enumerate(NAMES) if at != BROKEN)
    for (user, path), content in given.items():
        assert re.fullmatch(r"checker-report-[0-9a-f]{12}\.html", path)
        assert f"Moodle number {numbers[user]}".encode() in content
        assert b"index.html" not in content
    students = {path.read_bytes() for path in (results / "students").glob("*.html")}
    assert set(given.values()) <= students
    assert not set(given.values()) & {path.read_bytes() for path in (results / "reports").glob("*.html")}


def test_evidence_that_was_changed_has_no_verdict_and_no_page(export, results, numbers, tmp_path):
    """Whose evidence is not as the batch left it is told by name, and has no verdict, and no page goes out; of others
    all is as ever, and so is all where only pages and tables were kept."""
    sheet, zipped = worksheet_of(numbers), tmp_path / "feedback.zip"
    path = next((results / "evidence").glob("*Lovelace*/evidence.json"))
    content, listed = path.read_bytes(), (results / "digests.json").read_bytes()
    before = export({}, sheet, "--moodle-feedback", zipped)
    pages = len(ZipFile(zipped).namelist())
    try:
        path.write_bytes(content + b" ")
        done = export({}, sheet, "--moodle-feedback", zipped)
        (results / "digests.json").unlink()
        without_list = export({}, sheet)
    finally:
        path.write_bytes(content)
        (results / "digests.json").write_bytes(listed)
    assert "is not as a batch left it" not in before.said + without_list.said
    assert done.said.count("Its evidence is not as a batch left it here") == 1
    assert done.said.count("unfinished, and nobody has decided") == before.said.count("unfinished, and nobody") + 1
    assert len(ZipFile(zipped).namelist()) == pages - 1


@pytest.fixture
def at_desk(results, numbers, tmp_path, monkeypatch, capsys):
    """A copy of the results in which a desk has a store: two decided there, two by hand, one of these too late. With
    it, a function that exports, and returns what it said and the grades."""
    out = shutil.copytree(results, tmp_path / "results")
    table, students = out / decisions.FILE, {name: moodles(name) for name in NAMES[:5]}
    students = {name: f"{label} {numbers[name]}" for name, label in students.items()}
    with DecisionLog.open(out) as log:
        log.decide(students[NAMES[0]], Choice.RESUBMIT, "see me", ["Scale. [test_scaled]"], "Tina", 0)
        log.decide(students[NAMES[1]], Choice.ABSENT, "", [], "Tina", 0)
        log.decide(students[NAMES[2]], Choice.SECOND_OPINION, "", [], "Tina", 0)
    text = table.read_text("utf-8-sig")
    for name, word in ((NAMES[0], "tick"), (NAMES[3], "tick")):
        text = text.replace(f"{students[name]},,", f"{students[name]},{word},")
    table.write_text(text, "utf-8-sig")
    (tmp_path / "grades.csv").write_bytes(worksheet_of(numbers))
    words = ["export", out, "--moodle-worksheet", tmp_path / "grades.csv", "--to", tmp_path / "filled.csv"]
    monkeypatch.setattr(sys, "argv", ["checker", *map(str, words)])
    monkeypatch.setenv("COLUMNS", "200")

    def run():
        with pytest.raises(SystemExit):
            app.main()
        content = (tmp_path / "filled.csv").read_bytes()
        grades = Moodle({number: name for name, number in numbers.items()}).import_grades(content)
        return capsys.readouterr().out, grades, content.decode("utf-8-sig")

    return SimpleNamespace(out=out, run=run, students=students)


def test_what_the_desk_decided_goes_back(at_desk):
    """With a store the newest decisions go back, conditions with the notes; what was written by hand, stale rows, and
    decisions that give no grade are told."""
    said, grades, filled = at_desk.run()
    assert grades == {NAMES[0]: "0", NAMES[3]: "1"}
    assert "see me<br>- Scale." in filled
    assert "test_scaled" not in filled
    assert f"1 decision by hand in decisions.csv: {at_desk.students[NAMES[3]]} (tick)." in said
    assert f"{at_desk.students[NAMES[0]]}: decisions.csv said tick, written without the newer decision" in said
    assert "left as it was: FAIL, and the student was absent" in said
    assert "left as it was: FAIL, and it waits for a second opinion" in said
    assert "1 absent, 1 second opinion: no grade goes back." in said
    assert "by hand" not in at_desk.run()[0]


def test_export_waits_for_nobody(at_desk):
    """While a batch holds the folder, and a desk the store, decisions go back all the same, and it is told that
    verdicts may change."""
    with lock.held(at_desk.out), DecisionLog.open(at_desk.out):
        said, grades, _ = at_desk.run()
    assert grades == {NAMES[0]: "0", NAMES[3]: "1"}
    assert f"is in use by process {os.getpid()}, since" in said
    assert "verdicts are those of the last command that has ended" in said


def test_export_from_a_folder_that_cannot_be_written_to(at_desk, monkeypatch):
    """From a folder without write access, decisions at the desk and by hand go back, and all files stay as they are."""
    before = {name: (at_desk.out / name).read_bytes() for name in (decisions.FILE, decision_log.FILE)}
    monkeypatch.setattr(os, "access", lambda path, mode, **more: mode != os.W_OK)
    said, grades, _ = at_desk.run()
    assert grades == {NAMES[0]: "0", NAMES[3]: "1"}
    assert "1 decision by hand" in said
    assert {name: (at_desk.out / name).read_bytes() for name in before} == before


def test_feedback_alone(results, numbers, tmp_path, monkeypatch, capsys):
    """Pages go back without a worksheet being filled, and without any decision."""
    (tmp_path / "grades.csv").write_bytes(worksheet_of(numbers))
    words = [results, "--moodle-worksheet", tmp_path / "grades.csv", "--moodle-feedback", tmp_path / "fb.zip"]
    monkeypatch.setattr(sys, "argv", ["checker", "export", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 0
    assert "39 pages" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fb.zip", "grades.csv"]


def test_feedback_is_split_at_the_limit(numbers):
    """No zip is larger than the limit, unless a single page is; together they hold all pages once."""
    noise = random.Random(0)
    made = [Page(number, "", noise.randbytes(20_000)) for number in numbers.values()]
    made.append(Page("5", "", noise.randbytes(200_000)))
    zips = feedback.pack(made, 100_000)
    assert [len(content) <= 100_000 for content in zips] == [True] * (len(zips) - 1) + [False]
    moodle = Moodle({page.number: page.number for page in made})
    given = [found for content in zips for found in moodle.import_feedback(content).items()]
    assert {(user, content) for (user, _), content in given} == {(page.number, page.content) for page in made}
    assert len(given) == len(made)


def test_a_limit_is_kept_by_the_command(export, numbers, tmp_path):
    """Where one zip is enough it has the name asked for; there are no pages left out."""
    done = export({}, worksheet_of(numbers), "--moodle-feedback", tmp_path / "fb.zip", "--upload-limit", "500")
    assert "39 pages" in done.said
    assert sorted(path.name for path in tmp_path.glob("fb*.zip")) == ["fb.zip"]


# -- rows of a worksheet -------------------------------------------------------------------------------------------


def entry(name, number, platform=Platform.MOODLE):
    return Entry(f"{name} {number}".strip(), Identity(platform=platform, number=number, name=name), "PASS")


def settle(sheet, found, decision=TICK, words=DEFAULTS, note=""):
    """Fill a worksheet with one decision for all."""
    decided = {names.student(one.name): Decided(decision, note, "Tina") for one in found}
    return moodle.fill(worksheets.read(sheet), found, decided, words)


PEOPLE = {"Ada Lovelace": "12", "Grace Hopper": "345"}
ADA = entry("Ada Lovelace", "12")


def test_german_scale(numbers):
    """A worksheet in German with a scale gets the scale's own words, and Moodle in German finds everybody."""
    more = {"headings": GERMAN, "maximum": "nicht bestanden\nbestanden", "hidden_user": "Teilnehmer/in", "bom": False}
    moodle = Moodle({"12": "Ada", "345": "Grace"}, "Teilnehmer/in", (GERMAN[0], GERMAN[4], GERMAN[9]))
    for decision, word in ((TICK, "bestanden"), (RESUBMIT, "nicht bestanden")):
        filled = settle(worksheet_of(PEOPLE, **more), [ADA], decision)
        assert moodle.import_grades(filled.content) == {"Ada": word}
        assert not filled.warnings


LANGUAGES = {
    "it": (["Identificativo", "Nome", "Indirizzo email", "Stato", "Valutazione", "Valutazione massima",
            "La valutazione può essere cambiata", "Ultima modifica (consegna)", "Testo online",
            "Ultima modifica (valutazione)", "Commenti"], "Partecipante ", "No"),
    "nl": (["Identificatie", "Volledige naam", "E-mailadres", "Status", "Cijfer", "Maximaal cijfer",
            "Het cijfer kan gewijzigd worden", "Laatst gewijzigd (inzending)", "Online tekst",
            "Laatst gewijzigd (beoordeling)", "Feedback"], "Deelnemer ", "Nee"),
    "pt_br": (["Identificador", "Nome completo", "Endereço de email", "Status", "Nota", "Nota máxima",
               "Nota pode ser alterada", "Última modificação (envio)", "Texto online",
               "Última modificação (nota)", "Comentários de feedback"], "Participante ", "Não"),
    "ru": (["Идентификатор", "Полное имя", "Адрес электронной почты", "Статус", "Оценка", "Максимальная оценка",
            "Оценка может быть изменена", "Последнее изменение (ответ)", "Ответ в виде текста",
            "Последнее изменение (оценка)", "Отзыв в виде комментария"], "Участник", "Нет"),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_worksheets_in_other_languages(language):
    """In each language whose headings are known, Moodle in that language gets the grade and the note, and locked rows
    are left."""
    headings, hidden_user, no = LANGUAGES[language]
    locked = {"Grace_Hopper": {headings[6]: no}}
    sheet = worksheet_of(PEOPLE, headings=headings, hidden_user=hidden_user, **locked)
    filled = settle(sheet, [ADA, entry("Grace Hopper", "345")], note="so!")
    moodle = Moodle({"12": "Ada", "345": "Grace"}, hidden_user, (headings[0], headings[4], headings[9]), headings[10])
    assert moodle.import_grades(filled.content) == {"Ada": "1"}
    assert moodle.import_comments(filled.content) == {"Ada": "so!"}
    assert filled.lines[1].words == "its grade cannot be changed in Moodle"
    other = settle(worksheet_of(PEOPLE, headings=headings, hidden_user=hidden_user), [entry("Mallory", "12")])
    assert other.lines[0].outcome is Outcome.UNMATCHED


NOTES = [
    ("well done", "well done"),
    ("first line\nsecond <b>line</b> & more", "first line<br>second &lt;b&gt;line&lt;/b&gt; &amp; more"),
    ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    (' "quoted" \\', "&quot;quoted&quot; &#92;"),
    ("=1+1", "&#61;1+1"),
    ("-5 points", "&#45;5 points"),
    ("@SUM(A1)", "&#64;SUM(A1)"),
    ("\t=1+1", "&#61;1+1"),
    ("\uff1d1", "&#65309;1"),
    ("\x1b[31mred\u202e", "&#9243;[31mred\ufffd"),
    ("хорошо 🎉", "хорошо 🎉"),
]


@pytest.mark.parametrize(("note", "comment"), NOTES)
def test_a_note_does_nothing_in_moodle_or_a_spreadsheet(note, comment):
    """A note becomes a comment in which no character acts in HTML, as a formula, or for PHP's reader of CSV; exported
    once more it is left as it is."""
    decided = {"Ada Lovelace 12": Decided(TICK, note=note)}
    sheet = worksheet_of(PEOPLE, Ada_Lovelace={"Feedback comments": ""})
    filled = moodle.fill(worksheets.read(sheet), [ADA], decided, DEFAULTS)
    assert Moodle({"12": "Ada", "345": "Grace"}).import_comments(filled.content) == {"Ada": comment}
    assert filled.warnings == ("1 note for students to read, in the worksheet's feedback comments.",)
    again = moodle.fill(worksheets.read(filled.content), [ADA], decided, DEFAULTS)
    assert (again.content, again.lines[0].outcome, again.warnings) == (filled.content, Outcome.KEPT, ())


def test_a_note_in_another_encoding():
    """What the worksheet's encoding has no letters for is written as HTML can say it."""
    sheet = "ID;Bewertung;Zuletzt geändert (Bewertung);Feedback als Kommentar\nTeilnehmer/in12;;-;\n".encode("latin-1")
    decided = {"Ada Lovelace 12": Decided(TICK, note="schön: хо")}
    filled = moodle.fill(worksheets.read(sheet), [ADA], decided, Words("1"))
    assert '"schön: &#1093;&#1086;"'.encode("latin-1") in filled.content


def test_notes_have_nowhere_to_go():
    """Where the worksheet has no column for comments grades are filled in, and it says how to get one."""
    sheet = worksheet_of(PEOPLE, headings=HEADINGS[:-1])
    filled = moodle.fill(worksheets.read(sheet), [ADA], {"Ada Lovelace 12": Decided(TICK, note="so")}, DEFAULTS)
    assert filled.lines[0].words == "tick: nothing becomes 1"
    assert filled.warnings[0].startswith("1 note cannot go back, for the worksheet has no column of feedback comments")


@pytest.mark.parametrize(
    ("decision", "verdict", "against"),
    [
        (TICK, "FAIL", "ticked against FAIL"),
        (RESUBMIT, "PASS", "resubmit against PASS"),
        (TICK, "PASS", ""),
        (TICK, "REFER", ""),
        (RESUBMIT, "FAIL", ""),
        (TICK, "unfinished", ""),
    ],
)
def test_a_decision_against_the_verdict_is_told(decision, verdict, against):
    """A tick in spite of FAIL, and none in spite of PASS, is told, for a slip of the hand looks the same."""
    entry = Entry("Ada Lovelace 12", Identity(platform=Platform.MOODLE, number="12", name="Ada Lovelace"), verdict)
    filled = moodle.fill(worksheets.read(worksheet_of(PEOPLE)), [entry], {entry.name: Decided(decision)}, DEFAULTS)
    assert filled.lines[0].against == against


def test_a_scale_in_one_line():
    """A scale whose lines were made one is cut at its wide spaces; without these, words must be given."""
    sheet = worksheet_of(PEOPLE, headings=GERMAN, maximum="nicht bestanden    bestanden", hidden_user="Teilnehmer/in")
    assert settle(sheet, [ADA]).lines[0].words == "tick, by Tina: nothing becomes bestanden"
    sheet = worksheet_of(PEOPLE, headings=GERMAN, maximum="bestanden", hidden_user="Teilnehmer/in")
    assert settle(sheet, [ADA]).lines[0].outcome is Outcome.LEFT
    assert settle(sheet, [ADA], words=Words("bestanden")).lines[0].outcome is Outcome.FILLED


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_separators_and_encodings(separator, encoding):
    """Whatever separator and encoding a worksheet was downloaded in, it goes back in the same."""
    rows = [
        ["ID", "Bewertung", "Bestwertung", "Zuletzt geändert (Bewertung)"],
        ["Teilnehmer/in12", "", "2,5", "für;ihn,\tso"],
    ]
    text = "\n".join(separator.join(f'"{cell}"' if cell else "" for cell in row) for row in rows)
    filled = settle(text.encode(encoding), [ADA]).content
    assert filled.decode(encoding) == text.replace(f"{separator}{separator}", f"{separator}2.5{separator}")


def test_a_grade_that_the_encoding_has_no_letters_for():
    """A word that a worksheet's encoding cannot hold is refused in words."""
    sheet = "ID;Bewertung;Zuletzt geändert (Bewertung)\nTeilnehmer/in12;;-\n".encode("latin-1")
    with pytest.raises(UsageError, match="cannot be written in the worksheet's encoding, latin-1: з"):
        settle(sheet, [ADA], words=Words("зачёт"))


def test_older_headings():
    """Headings count without regard to case, as older versions write some of them."""
    sheet = worksheet_of(PEOPLE).replace(b"Maximum grade", b"Maximum Grade")
    assert settle(sheet, [ADA]).lines[0].outcome is Outcome.FILLED


@pytest.mark.parametrize(
    ("changed", "words", "outcome", "said"),
    [
        ({"Grade can be changed": "No"}, Words(), Outcome.LEFT, "cannot be changed"),
        ({"Grade": "1.00"}, Words(), Outcome.KEPT, "tick, by Tina: 1"),
        ({"Grade": "1,00"}, Words(), Outcome.KEPT, "tick, by Tina: 1"),
        ({"Grade": "0.00"}, Words(), Outcome.FILLED, "0.00 becomes 1"),
        ({}, Words("5"), Outcome.LEFT, "“5” is no number from 0 to 1"),
        ({}, Words("yes"), Outcome.LEFT, "“yes” is no number from 0 to 1"),
        ({"Maximum grade": "-"}, Words(), Outcome.LEFT, "neither a maximum nor the words of a scale"),
        ({"Full name": "Mallory"}, Words(), Outcome.UNMATCHED, "is it the worksheet of this assignment?"),
    ],
)
def test_what_becomes_of_a_row(changed, words, outcome, said):
    """Locked rows, grades that are there already, impossible grades and other people's numbers are left and told."""
    sheet = worksheet_of(PEOPLE, Ada_Lovelace=changed)
    filled = settle(sheet, [ADA], words=words)
    assert filled.lines[0].outcome is outcome
    assert said in filled.lines[0].words
    assert (filled.content == sheet) is (outcome is not Outcome.FILLED)


def test_submissions_and_decisions_without_a_row():
    """A submission that Moodle does not know, one from elsewhere, and a decision about nobody are all told."""
    found = [entry("Nobody", "99"), entry("Ada Lovelace", "12", Platform.CANVAS)]
    decided = {"Ada Lovelace 12": Decided(TICK), "Grace": Decided(TICK), "Empty": Decided(None)}
    filled = moodle.fill(worksheets.read(worksheet_of(PEOPLE)), found, decided, Words())
    told = [(line.who, line.outcome) for line in filled.lines if line.outcome is not Outcome.ABSENT]
    assert told == [
        ("Nobody 99", Outcome.UNMATCHED),
        ("Ada Lovelace 12", Outcome.UNMATCHED),
        ("Grace", Outcome.UNMATCHED),
    ]
    assert not filled.is_complete


TEAM = [*HEADINGS[:4], "Group", *HEADINGS[4:]]


def team_sheet(groups, headings=TEAM):
    lines = [quoted(headings)]
    for at, (name, group) in enumerate(groups, start=76):
        row = dict.fromkeys(headings, "-") | {"Identifier": f"Participant {at}", "Full name": name, "Group": group}
        row |= {"Grade": "", "Maximum grade": "1", "Grade can be changed": "Yes"}
        lines.append(quoted([row[heading] for heading in headings]))
    return "\n".join(lines).encode()


def test_teams():
    """A team's decision is for each of its members, a group's number is nobody's, and those in no group are a team."""
    sheet = team_sheet([("Ada", "Team: A"), ("Mallory", "Group B"), ("Grace", "Team: A"), ("Linus", "Default group")])
    found = [entry("Team A", "77"), entry("Default group", "")]
    grades = Moodle({"76": "Ada", "77": "Mallory", "78": "Grace", "79": "Linus"}).import_grades(
        settle(sheet, found).content
    )
    assert grades == {"Ada": "1", "Grace": "1", "Linus": "1"}


def test_teams_without_names():
    """In a blind worksheet of teams, a group's number is not taken for a participant's."""
    headings = [heading for heading in TEAM if heading != "Full name"]
    sheet = team_sheet([("", "A"), ("", "B")], headings)
    filled = settle(sheet, [entry("C", "77")])
    assert filled.content == sheet
    assert [line.outcome for line in filled.lines] == [Outcome.ABSENT, Outcome.UNMATCHED, Outcome.UNMATCHED]


def test_blind_marking():
    """Without names the number alone counts."""
    headings = [heading for heading in HEADINGS if heading not in ("Full name", "Email address")]
    sheet = (quoted(headings) + "\n" + quoted(["Participant 12", "-", "", "1", "Yes", "-", "-", "-", "-"])).encode()
    assert settle(sheet, [entry("Participant", "12")]).lines[0].outcome is Outcome.FILLED


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no grading worksheet"),
        (b"name,grade\nada,1\n", "no grading worksheet"),
        ("Идентификатор,Оценка\n".encode(), "no grading worksheet"),
        ("Identifikátor,Známka,Poslední změna (známka)\n".encode(), "in English, German, Spanish, French"),
        (b"Identifier,Grade,Last modified (grade)\nParticipant 1,,-,more\n", "Row 2 of the worksheet has 4 cells"),
        (b'Identifier,Grade,Last modified (grade)\nParticipant 1,"a"b,-\n', "quotation mark in its middle"),
    ],
)
def test_what_is_no_worksheet(content, words):
    """A file that Moodle would not take back is refused with the reason."""
    with pytest.raises(UsageError, match=words):
        worksheets.read(content)


def test_a_backslash_before_a_quotation_mark_is_told():
    """Moodle reads such a cell otherwise than it writes it: the output says so."""
    sheet = worksheet_of(PEOPLE, Grace_Hopper={"Online text": 'C:\\"x'})
    assert "backslash" in settle(sheet, [ADA]).warnings[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "--moodle-worksheet", "README.md", "--to", "x.csv"], "no grading worksheet"),
        (["nowhere", "--moodle-worksheet", "none.csv", "--to", "x.csv"], "none.csv cannot be read"),
        (["nowhere", "--moodle-worksheet", "none.csv"], "There is nothing to write."),
        (["nowhere", "--nbgrader", "none.csv"], "There is nothing to write."),
        (["nowhere", "--nbgrader", "none.csv", "--to", "x.csv"], "none.csv cannot be read"),
        (["nowhere", "--nbgrader", "README.md", "--to", "x.csv"], "no table of grades of nbgrader's"),
        (["nowhere", "--gradescope", "x.zip"], "There are no results in nowhere."),
        (["nowhere", "--to", "x.csv"], "To which platform? Say one of"),
        (["nowhere", "--gradescope", "x.zip", "--to", "x.csv"], "--to is for what is filled in"),
        (["nowhere", "--gradescope", "x.zip", "--moodle-feedback", "x.zip"], "needs the numbers"),
        (["nowhere", "--gradescope", "x.zip", "--nbgrader", "x.csv"], "To which platform? Say one of"),
        (["nowhere", "--moodle-worksheet", "x.csv", "--to", "./x.csv"], "would overwrite the downloaded one"),
    ],
)
def test_wrong_usage(root, monkeypatch, capsys, words, said):
    """A command that cannot be carried out ends with 2 and says why."""
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "argv", ["checker", "export", *words])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_the_worksheet_of_another_assignment(export, numbers, tmp_path):
    """Where no row is anybody's, nothing is written, neither worksheet nor zip, and it says so."""
    sheet = worksheet_of({name: f"9{number}" for name, number in numbers.items()})
    done = export({numbers[NAMES[0]]: "tick"}, sheet, "--moodle-feedback", tmp_path / "feedback.zip")
    assert (done.code, done.content) == (1, b"")
    assert "Nothing matched, so nothing was written: is" in done.said
    assert "No page is anybody's here: is" in done.said
    assert "Wrote" not in done.said
    assert not (tmp_path / "feedback.zip").exists()


def test_no_results(numbers, tmp_path, monkeypatch, capsys):
    """A folder without results is wrong usage."""
    (tmp_path / "g.csv").write_bytes(worksheet_of(PEOPLE))
    words = [str(tmp_path), "--moodle-worksheet", str(tmp_path / "g.csv"), "--to", str(tmp_path / "x.csv")]
    monkeypatch.setattr(sys, "argv", ["checker", "export", *words])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 2
    assert "There are no results in" in capsys.readouterr().err
