"""Decisions going back to nbgrader, Gradescope and GitHub Classroom, each read by the receiving side's own rules."""

import base64
import csv
import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from zipfile import ZipFile

import pytest

from checker.commands import app
from checker.errors import HarnessError, UsageError
from checker.formats.files import slug
from checker.gradebooks import awards, decisions, nbgrader
from checker.gradebooks.decisions import Decided, Decision
from checker.gradebooks.moodle import Entry, Outcome, Words
from checker.records.capture import Environment
from checker.records.job import Progress
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.submission import Identity, Platform
from checker.run import batch, places
from checker.submissions import choice, names
from checker.wire.frames import message

TICK, RESUBMIT, *_ = Decision
DEFAULTS = Words()
PLATFORM_FILES = {
    "gradescope": {
        "submission_metadata.yml": "".join(
            f"submission_{n}:\n  :submitters:\n  - :name: {name}\n    :email: {name}@example.org\n"
            for n, name in ((71, "Ada"), (72, "Grace"), (73, "Linus"), (74, "Barbara"))
        ),
        "submission_71/tick.py": "x = 1",
        "submission_72/tick.py": "x = 2",
        "submission_73/tick.py": "broken",
        "submission_74/essay.pdf": "",
        "by hand/tick.py": "x = 3",
    },
    "nbgrader": {
        f"submitted/{student}/{tick}/{name}": content
        for student in ("ada", "grace", "linus", "barbara")
        for tick in ("tick1", "tick2")
        for name, content in (
            ("tick.ipynb", "broken" if student == "linus" else f"{student} {tick}"),
            ("timestamp.txt", "2026-11-30 16:00:00 UTC"),
        )
    },
    "classroom": {
        "tick-1-ada/solution.py": "x = 1",
        "tick-1-grace/solution.py": "x = 2",
        "tick-1-linus/solution.py": "broken",
        "tick-1-=evil/solution.py": "x = 3",
    },
}


# -- the receiving sides ---------------------------------------------------------------------------------------


class Gradescope:
    """A course's submissions there, as far as ``docs/specs.md`` of its autograder samples goes."""

    TEXTS = ("text", "html", "simple_format", "md", "ansi")
    VISIBILITIES = ("hidden", "after_due_date", "after_published", "visible")

    def __init__(self, folder, autograder):
        self.place = folder / "autograder"
        with ZipFile(io.BytesIO(autograder)) as archive:
            assert {"setup.sh", "run_autograder"} <= set(archive.namelist()), "not at the root of the zip"
            archive.extractall(self.place / "source")
            assert archive.getinfo("run_autograder").external_attr >> 16 & 0o111, "not executable"
        script = (self.place / "source" / "run_autograder").read_text()
        assert script.startswith("#!")
        (self.place / "run_autograder").write_text(script.replace("/autograder/", f"{self.place}/"))

    def run(self, number):
        """Return what is stored of a submission after its autograder has run; None where that failed."""
        (self.place / "submission_metadata.json").write_text(json.dumps({"assignment": {"id": 9}, "id": number}))
        path = self.place / "results" / "results.json"
        path.unlink(missing_ok=True)
        ended = subprocess.run(["bash", "run_autograder"], cwd=self.place, capture_output=True, env={**os.environ})
        if ended.returncode or not path.exists():
            return None
        return self.read(json.loads(path.read_text()))

    def read(self, results):
        tests = results.get("tests", [])
        assert "score" in results or (tests and all("score" in test for test in tests))
        assert isinstance(results["score"], int | float)
        for key in ("output_format", "test_output_format", "test_name_format"):
            assert results.get(key, "text") in self.TEXTS
        for test in tests:
            assert set(test) <= {"score", "max_score", "status", "name", "number", "output", "tags", "visibility"}
            assert test.get("status", "passed") in ("passed", "failed")
        for one in (results, *tests):
            assert one.get("visibility", "visible") == "visible", "students would not see the total"
        return results


def classroom_reports(encoded):
    """What GitHub Classroom's reporter makes of a runner's result: points, of how many, and whether the run is red."""
    results = json.loads(base64.b64decode(encoded, validate=True))
    tests, most = results["tests"], results["max_score"]
    assert most, "nothing would be reported"
    summed = sum(test["score"] for test in tests)
    share = sum(test["status"] == "pass" for test in tests) / len(tests) * most
    assert summed == share, "its table and its notice would differ"
    return summed, most, results["status"] in ("fail", "error")


def nbgrader_scores(content):
    """The scores in a table of nbgrader's, by student and assignment; its rule for them holds in every row."""
    scores = {}
    for row in csv.DictReader(io.StringIO(content.decode()), strict=True):
        assert None not in row, "more values than headings"
        assert float(row["score"]) == max(0.0, float(row["raw_score"]) - float(row["late_submission_penalty"]))
        scores[row["student_id"], row["assignment"]] = float(row["score"])
    return scores


# -- there and back ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results_of(assignment, practice, fake_sandbox, tmp_path_factory):
    """Return what a batch over a platform's download wrote."""

    def guest(job, beside):
        if beside[0].payload == b"broken":
            raise HarnessError("The sandbox fell over.")
        yield message(Environment({}, "3", ""))
        yield message(Progress(1, 1))

    def run(platform):
        place = tmp_path_factory.mktemp(platform)
        with ZipFile(place / "in.zip", "w") as archive:
            for name, content in PLATFORM_FILES[platform].items():
                archive.writestr(name, content)
        settings = RunSettings(assignment=assignment, dataset=practice, seeds=(11,))
        found = choice.find(place / "in.zip")
        nothing = ReferenceResults(scores={}, baselines={})
        with ThreadPoolExecutor(2) as executor:
            batch.run(
                found,
                settings,
                nothing,
                place,
                executor,
                lambda s: lambda a, b: None,
                lambda n, e: None,
                places.Pool(fake_sandbox(guest)),
            )
        return place

    return run


@pytest.fixture
def export(monkeypatch, capsys):
    """Run the command with these decisions, by name; return its exit code and what it said."""

    def run(out, decided, *words):
        lines = list(csv.reader(io.StringIO((out / decisions.FILE).read_text("utf-8-sig"))))
        rows = [[student, decided.get(student, ""), "", "Tina"] for student, *_ in lines[1:]]
        with (out / decisions.FILE).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([lines[0], *rows])
        monkeypatch.setattr(sys, "argv", ["checker", "export", *map(str, [out, *words])])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            app.main()
        said = capsys.readouterr()
        return SimpleNamespace(code=ended.value.code, said=said.out + said.err)

    return run


def test_gradescope_there_and_back(results_of, export, tmp_path):
    """Decided submissions get their score from an autograder that runs nothing; for others it fails and writes none."""
    out = results_of("gradescope")
    decided = {"Ada 71": "tick", "Barbara 74": "resubmit", "Linus 73": "tick"}
    done = export(out, decided, "--gradescope", tmp_path / "autograder.zip")
    there = Gradescope(tmp_path, (tmp_path / "autograder.zip").read_bytes())
    ada, linus, barbara = there.run(71), there.run(73), there.run(74)
    assert (ada["score"], linus["score"], barbara["score"]) == (1, 1, 0)
    assert there.run(72) is None and there.run(99) is None
    assert ada["output"].startswith("Ticked.\nWhat the checker found: FAIL.")
    assert {test["name"] for test in ada["tests"]} and linus["tests"] == []
    assert done.code == 1
    assert "3 filled, 1 left as it was, 1 not matched" in done.said
    assert "Grace 72: left as it was: FAIL, and nobody has decided" in done.said
    assert "by hand: not matched: its folder's name ends in no submission's number" in done.said


def test_points_are_as_asked(results_of, export, tmp_path):
    """What a tick is worth, and what handing in again, is the lecturer's choice."""
    out = results_of("gradescope")
    export(out, {"Ada 71": "tick", "Grace 72": "resubmit"}, "--gradescope", tmp_path / "a.zip", "--tick", "2,5",
           "--resubmit", "1")  # fmt: skip
    there = Gradescope(tmp_path, (tmp_path / "a.zip").read_bytes())
    assert (there.run(71)["score"], there.run(72)["score"]) == (2.5, 1)


def test_github_classroom_there_and_back(results_of, export, tmp_path):
    """Each decided repository gets a file that the reporter turns into points; no other repository gets any."""
    out = results_of("classroom")
    evil = names.student("tick-1-=evil")
    decided = {"tick-1-ada": "tick", "tick-1-grace": "resubmit", evil: "tick"}
    done = export(out, decided, "--github-classroom", tmp_path / "runners")
    files = {path.name: path.read_text() for path in (tmp_path / "runners").iterdir()}
    assert set(files) == {"tick-1-ada.txt", "tick-1-grace.txt", f"{slug('tick-1-=evil')}.txt"}
    assert classroom_reports(files["tick-1-ada.txt"]) == (1, 1, False)
    assert classroom_reports(files["tick-1-grace.txt"]) == (0, 1, True)
    assert done.code == 1
    assert "tick-1-linus: left as it was: unfinished, and nobody has decided" in done.said
    assert "Wrote 3 files into" in done.said
    assert "tick-1-ada: filled: tick, by Tina: 1 (ticked against FAIL)" in done.said
    assert "2 ticked against FAIL" in done.said


HEADINGS = ",".join(
    ("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
     "late_submission_penalty", "score", "max_score")
)  # fmt: skip


def table(*rows):
    """A table as ``nbgrader export`` writes it: student, assignment, raw score, penalty, maximum."""
    lines = [
        f"{tick},2026-11-30 17:00:00,2026-11-30 16:00:00,{student},L{student},F,,{raw},{penalty},"
        f"{max(0.0, raw - penalty)},{most}"
        for student, tick, raw, penalty, most in rows
    ]
    return "\n".join([HEADINGS, *lines, ""]).encode()


def test_nbgrader_there_and_back(results_of, export, tmp_path):
    """Of two assignments each decision goes to its own row, by nbgrader's rule; rows without one keep their bytes."""
    people = ("ada", "grace", "linus", "barbara", "trent")
    penalties = {"grace": 0.5}
    before = table(*((who, tick, 1.0, penalties.get(who, 0.0), 3.0) for tick in ("tick1", "tick2") for who in people))
    (tmp_path / "grades.csv").write_bytes(before)
    decided = {"ada tick1": "tick", "grace tick1": "tick", "linus tick2": "tick", "barbara tick2": "resubmit"}
    out = results_of("nbgrader")
    done = export(out, decided, "--nbgrader", tmp_path / "grades.csv", "--to", tmp_path / "filled.csv")
    after = (tmp_path / "filled.csv").read_bytes()
    scores, old = nbgrader_scores(after), nbgrader_scores(before)
    changed = {key: score for key, score in scores.items() if score != old[key]}
    assert changed == {
        ("ada", "tick1"): 3.0,
        ("grace", "tick1"): 2.5,
        ("linus", "tick2"): 3.0,
        ("barbara", "tick2"): 0.0,
    }
    kept = [line for line in before.splitlines() if line not in after.splitlines()]
    assert len(kept) == 4
    assert "4 filled, 4 left as it was, 2 no submission" in done.said
    assert "No submission: trent tick1, trent tick2" in done.said
    assert "grace tick1: filled: tick, by Tina: 0.5 becomes 2.5 (nbgrader's penalty for lateness is 0.5)" in done.said
    assert "linus tick1: left as it was: unfinished, and nobody has decided" in done.said


def test_nothing_decided_changes_nothing(results_of, export, tmp_path):
    """Without decisions nothing goes back anywhere, whatever the verdicts are."""
    before = table(("ada", "tick1", 0.0, 0.0, 1.0))
    (tmp_path / "grades.csv").write_bytes(before)
    export(results_of("nbgrader"), {}, "--nbgrader", tmp_path / "grades.csv", "--to", tmp_path / "filled.csv")
    assert (tmp_path / "filled.csv").read_bytes() == before
    for platform, option in (("gradescope", "--gradescope"), ("classroom", "--github-classroom")):
        done = export(results_of(platform), {}, option, tmp_path / "there")
        assert done.code == 1
        assert "Nobody has decided, so nothing was written." in done.said
        assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("option", ["--nbgrader", "--gradescope", "--github-classroom"])
def test_the_wrong_platform_gets_nothing(results_of, export, tmp_path, option):
    """Where no submission is from the platform, nothing is written, and it says so."""
    platform = "classroom" if option == "--gradescope" else "gradescope"
    (tmp_path / "grades.csv").write_bytes(table(("ada", "tick1", 0.0, 0.0, 1.0)))
    there = tmp_path / "there"
    words = (option, tmp_path / "grades.csv", "--to", there) if option == "--nbgrader" else (option, there)
    decided = {"Ada 71": "tick", "tick-1-ada": "tick"}
    done = export(results_of(platform), decided, *words)
    assert done.code == 1
    assert "Nothing matched, so nothing was written: " in done.said
    assert "Wrote" not in done.said
    assert not there.exists()


# -- rows of nbgrader's table --------------------------------------------------------------------------------------


def ada(assignment="tick1"):
    return Entry("ada", Identity(platform=Platform.NBGRADER, number="ada", assignment=assignment), "PASS")


def settle(content, entry=None, decision=TICK, words=DEFAULTS):
    return awards.fill(nbgrader.read(content), [entry or ada()], {"ada": Decided(decision, by="Tina")}, words)


@pytest.mark.parametrize(
    ("row", "words", "outcome", "said"),
    [
        (("ada", "tick1", 0.0, 0.0, 2.0), Words(), Outcome.FILLED, "0.0 becomes 2"),
        (("ada", "tick1", 2.0, 0.0, 2.0), Words(), Outcome.KEPT, "tick, by Tina: 2"),
        (("ada", "tick1", 0.0, 0.0, 0), Words(), Outcome.LEFT, "its maximum is 0: say --tick"),
        (("ada", "tick1", 0.0, 0.0, 0), Words("1"), Outcome.FILLED, "0.0 becomes 1"),
        (("ada", "tick1", 0.0, 0.0, 2.0), Words("3"), Outcome.LEFT, "3 is more than the maximum of 2"),
        (("ada", "tick1", 0.0, 0.0, 2.0), Words("yes"), Outcome.LEFT, "must be numbers"),
        (("ada", "tick1", 0.0, 0.0, ""), Words(), Outcome.LEFT, "the table tells no maximum"),
        (("ada", "tick2", 0.0, 0.0, 2.0), Words(), Outcome.ABSENT, "nothing was handed in"),
        (("Ada", "tick1", 0.0, 0.0, 2.0), Words(), Outcome.ABSENT, "nothing was handed in"),
    ],
)
def test_what_becomes_of_a_row(row, words, outcome, said):
    """Scores that are there already, impossible ones, other assignments and other people are left and told."""
    content = table(row)
    filled = settle(content, words=words)
    assert filled.lines[0].outcome is outcome
    assert said in filled.lines[0].words
    assert (filled.content == content) is (outcome is not Outcome.FILLED)


def test_a_comma_in_a_name():
    """nbgrader quotes nothing: a row that a comma has shifted is left as it is and told, and others are filled."""
    content = table(("ada", "tick1", 0.0, 0.0, 2.0), ("bob", "tick1", 0.0, 0.0, 2.0)).replace(b"Lada", b"La, da")
    filled = settle(content)
    assert (filled.content, filled.lines[0].outcome) == (content, Outcome.LEFT)
    assert filled.lines[0].words == "it has 12 cells, the headings are 11"


def test_which_assignment_may_be_open_if_there_is_only_one():
    """Results that do not tell the assignment fit a table of one, and no row of a table of several."""
    one, two = ("ada", "tick1", 0.0, 0.0, 2.0), ("ada", "tick2", 0.0, 0.0, 2.0)
    assert settle(table(one), ada("")).lines[0].outcome is Outcome.FILLED
    lines = settle(table(one, two), ada("")).lines
    assert [line.outcome for line in lines] == [Outcome.ABSENT, Outcome.ABSENT, Outcome.UNMATCHED]


@pytest.mark.parametrize("content", [b"", b"student_id,score\nada,1\n", b"\x00\xff"])
def test_what_is_no_table_of_nbgraders(content):
    """Another file is refused in words."""
    with pytest.raises(UsageError, match="no table of grades of nbgrader's"):
        nbgrader.read(content)


# -- points ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (Words("yes"), "--tick yes: a number"),
        (Words("", "-1"), "--resubmit -1: a number"),
        (Words("0"), "has to be worth"),
    ],
)
def test_points_that_make_no_sense(words, said):
    """A tick must be a number above 0, and handing in again one from 0 on."""
    with pytest.raises(UsageError, match=said):
        awards.award([], {}, Platform.NONE, words)


def test_submissions_from_elsewhere_are_told():
    """Nothing goes back to a platform for a submission that was not downloaded there."""
    made = awards.award([ada()], {"ada": Decided(TICK), "eve": Decided(TICK)}, Platform.GRADESCOPE, DEFAULTS)
    assert made.awards == ()
    assert [(line.outcome, line.words) for line in made.lines] == [
        (Outcome.UNMATCHED, "it is from nbgrader"),
        (Outcome.UNMATCHED, "there is a decision, but no such submission in these results"),
    ]
