"""The exchange between the store of decisions and decisions.csv: people write into both, and nothing is lost."""

import csv
import io
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.errors import UsageError
from checker.formats import files, sheets
from checker.gradebooks import decisions, exchange
from checker.gradebooks.decision_log import DecisionLog
from checker.gradebooks.decisions import Decided, Decision
from checker.gradebooks.exchange import COLUMNS
from checker.records.decisions import Choice, Origin

STUDENTS = {"ada": "aa" * 32, "grace": "bb" * 32}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """No test waits until a file has settled."""
    monkeypatch.setattr(exchange, "SETTLED", 0.0)


class Table:
    """A folder with a store and decisions.csv, in which people write."""

    def __init__(self, folder, log):
        self.path, self.log = folder / decisions.FILE, log

    def exchange(self):
        return exchange.exchange(self.log, STUDENTS)

    def decide(self, student, choice, by="Tina", note="", conditions=()):
        history = self.log.history(student)
        return self.log.decide(student, choice, note, conditions, by, history[-1].id if history else 0).entry

    @property
    def rows(self):
        text = self.path.read_text("utf-8-sig")
        return {row["student"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}

    def write(self, student, rows=None, **cells):
        """Save the table as a spreadsheet does that has read it, or has read ``rows`` before, with other cells."""
        rows = self.rows if rows is None else rows
        rows = {**rows, student: {**rows[student], **cells}}
        with self.path.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[student]))
            writer.writeheader()
            writer.writerows(rows.values())


@pytest.fixture
def table(tmp_path):
    """A table with a row for each of two students, and nothing decided."""
    with DecisionLog.open(tmp_path) as log:
        made = Table(tmp_path, log)
        made.exchange()
        yield made


def row(student, decision="", note="", by="", conditions="", version=""):
    values = student, decision, note, by, conditions, str(version)
    return dict(zip(COLUMNS, values, strict=True))


def test_a_new_table(table):
    """The first exchange gives each student a row, in UTF-8 that a spreadsheet knows by its mark; the next adds
    nothing."""
    content = table.path.read_bytes()
    assert content == "\ufeffstudent,decision,note,by,conditions,version\nada,,,,,\ngrace,,,,,\n".encode()
    assert table.exchange() == exchange.Exchanged({})
    assert table.path.read_bytes() == content


def test_what_the_desk_decides_is_shown(table):
    """The table shows each student's newest decision, with its version, and readers without a store understand it."""
    table.decide("ada", Choice.RESUBMIT, note="see me", conditions=["Scale.", "Split. [test_split]"])
    second = table.decide("grace", Choice.SECOND_OPINION, by="Otto")
    done = table.exchange()
    assert table.rows == {
        "ada": row("ada", "resubmit", "see me", "Tina", "Scale.\nSplit. [test_split]", 1),
        "grace": row("grace", "second opinion", by="Otto", version=second.id),
    }
    expected = {
        "ada": Decided(Decision.RESUBMIT, "see me", "Tina", conditions=("Scale.", "Split. [test_split]")),
        "grace": Decided(Decision.SECOND_OPINION, by="Otto"),
    }
    assert done.decided == decisions.read(table.path.read_bytes()) == expected
    assert expected["ada"].for_student == "see me\n- Scale.\n- Split."
    assert done.lines == ()


def test_a_decision_that_was_taken_back(table):
    """What the desk takes back leaves the table without a decision, and nobody is awarded anything."""
    table.decide("ada", Choice.TICK)
    table.exchange()
    taken = table.decide("ada", Choice.OPEN)
    assert table.exchange().decided["ada"].decision is None
    assert table.rows["ada"] == row("ada", by="Tina", version=taken.id)


def test_a_decision_by_hand(table):
    """What somebody writes into the table becomes a decision, on the file that was handed in, and is told once."""
    table.write("ada", decision="Tick", note="fine", by="Otto")
    done = table.exchange()
    (entry,) = table.log.history("ada")
    assert (entry.choice, entry.note, entry.by, entry.based_on) == (Choice.TICK, "fine", "Otto", 0)
    assert (entry.origin, entry.submission) == (Origin.HAND, STUDENTS["ada"])
    assert done.lines == ("1 decision by hand in decisions.csv: ada (tick).",)
    assert table.rows["ada"] == row("ada", "Tick", "fine", "Otto", version=entry.id)
    assert table.exchange().lines == ()
    table.write("ada", decision="", note="")
    assert table.exchange().decided["ada"] == Decided(None, by="Otto")
    assert [one.choice for one in table.log.history("ada")] == [Choice.TICK, Choice.OPEN]


def test_a_stale_row_that_nobody_touched(table):
    """A spreadsheet saves what it had read before; rows in it that nobody has touched change nothing."""
    table.decide("ada", Choice.RESUBMIT)
    table.exchange()
    before = table.rows
    newest = table.decide("ada", Choice.TICK)
    table.exchange()
    table.write("grace", before, decision="tick")
    done = table.exchange()
    assert done.lines == ("1 decision by hand in decisions.csv: grace (tick).",)
    assert table.rows["ada"] == row("ada", "tick", by="Tina", version=newest.id)
    assert len(table.log.history("ada")) == 2


def test_a_conflict_keeps_both(table):
    """A row that was changed without the newest decision of the desk is kept and told, until somebody decides; the
    desk's counts meanwhile. Saved again, it is not a second one."""
    before = table.rows
    desk = table.decide("ada", Choice.RESUBMIT)
    table.exchange()
    for _ in range(2):
        table.write("ada", before, decision="tick", by="Otto")
        done = table.exchange()
        assert done.decided["ada"].decision is Decision.RESUBMIT
        assert done.lines == (
            "ada: decisions.csv said tick, by Otto, written without the newer decision of the desk, resubmit, by Tina. "
            "Both are kept. The desk's counts, until somebody decides again.",
        )
        assert table.rows["ada"] == row("ada", "resubmit", by="Tina", version=desk.id)
    assert [one.origin for one in table.log.history("ada")] == [Origin.DESK, Origin.STALE]
    assert table.exchange().lines == done.lines
    table.write("ada", decision="tick", by="Otto")
    done = table.exchange()
    assert done.lines == ("1 decision by hand in decisions.csv: ada (tick).",)
    assert table.exchange().decided["ada"].decision is Decision.TICK


def test_an_undo_at_the_desk_is_a_newer_decision(table):
    """A row that was changed by somebody who had not seen an undo of the desk is stale, as after any decision there."""
    desk = table.decide("ada", Choice.TICK)
    table.exchange()
    before = table.rows
    table.log.decide("ada", Choice.OPEN, "", (), "Tina", desk.id, "", Origin.UNDO)
    table.exchange()
    table.write("ada", before, decision="resubmit")
    assert table.exchange().decided["ada"].decision is None
    assert [one.origin for one in table.log.history("ada")] == [Origin.DESK, Origin.UNDO, Origin.STALE]


def test_a_table_that_stays_open(table):
    """Who writes all evening into one open table, which never shows the new versions, is understood each time."""
    opened = table.rows
    for word in ("tick", "resubmit", "tick"):
        table.write("ada", opened, decision=word)
        assert table.exchange().decided["ada"].decision == word
        opened["ada"]["decision"] = word


def test_a_table_from_before_the_desk(table):
    """The first exchange takes over what was decided in a table without versions, and keeps its rows and columns."""
    table.path.write_bytes(b"seat,by,decision,student\r\n12,Tina,tick,ada\r\n7,,,gone\r\n3,,yes,grace\r\n")
    done = table.exchange()
    assert done.decided == {
        "ada": Decided(Decision.TICK, by="Tina"),
        "grace": Decided(None, problem="“yes” is neither tick nor resubmit"),
    }
    assert "grace: “yes” is neither tick nor resubmit (decisions.csv)." in done.lines
    heading = "seat,by,decision,student,note,conditions,version\r\n"
    assert table.path.read_bytes() == f"\ufeff{heading}12,Tina,tick,ada,,,1\r\n7,,,gone,,,\r\n3,,yes,grace\r\n".encode()
    assert table.exchange().by_hand == ()


def test_excel_with_semicolons(table):
    """Separators, line ends, order of rows, people's own columns and cells survive; letters that an old encoding lacks
    come back, and are no change by hand."""
    table.decide("ada", Choice.TICK, note="α → β\n“so”", by="Łucja")
    table.exchange()
    heading = "Student;Decision;Seat;Note;By;Conditions;Version;;\r\n"
    rows = 'grace;;"a;b\r\nc";;;;;x;y\r\nada;TICK;5;"? ? ?\n“so”";?ucja;;1;;\r\n'
    table.path.write_bytes((heading + rows).encode("cp1252"))
    assert table.exchange().lines == ()
    assert table.path.read_bytes() == (
        f'\ufeff{heading}grace;;"a;b\r\nc";;;;;x;y\r\nada;TICK;5;"α → β\n“so”";Łucja;;1;;\r\n'.encode()
    )
    content = table.path.read_bytes()
    assert table.exchange().lines == ()
    assert table.path.read_bytes() == content


def test_names_that_an_encoding_lacks(tmp_path):
    """A student whose name an old encoding lacks keeps the row."""
    with DecisionLog.open(tmp_path) as log:
        (tmp_path / decisions.FILE).write_bytes("student;decision;ä\r\n?ucja;tick;\r\n".encode("cp1252"))
        exchange.exchange(log, {"Łucja": ""})
        assert list(log.newest()) == ["Łucja"]
        assert "Łucja;tick;;;" in (tmp_path / decisions.FILE).read_text("utf-8-sig")


def test_rows_that_cannot_be_understood(table):
    """A word that is no decision, and rows that contradict each other, decide nothing, are told, and stay as they are,
    also where the desk has decided."""
    table.decide("ada", Choice.TICK)
    heading = ",".join(COLUMNS)
    content = f"{heading}\nada,perhaps,,,,\ngrace,tick,,,,\ngrace,resubmit,,,,\n".encode()
    table.path.write_bytes(content)
    done = table.exchange()
    assert done.decided == {
        "ada": Decided(None, problem="“perhaps” is neither tick nor resubmit"),
        "grace": Decided(None, problem="two rows that contradict each other"),
    }
    assert len(done.lines) == 2
    assert table.path.read_bytes() == content


def test_a_table_that_was_sorted_in_part(table):
    """Where versions stand in other students' rows, a spreadsheet has sorted some columns only: nothing counts, and
    what the rows say is kept and told."""
    for student, choice in (("ada", Choice.TICK), ("grace", Choice.RESUBMIT)):
        table.decide(student, choice)
    table.exchange()
    rows = table.rows
    ada, grace = ({**rows[one], "student": one} for one in rows)
    table.write("ada", {"ada": {**grace, "student": "ada"}, "grace": {**ada, "student": "grace"}})
    done = table.exchange()
    assert {student: one.decision for student, one in done.decided.items()} == {"ada": "tick", "grace": "resubmit"}
    assert set(done.conflicts) == {"ada", "grace"}
    assert table.rows == rows


@pytest.mark.parametrize("content", [b"x", b"student,verdict\nada,PASS\n", b'student,decision\nada,"tick\n'])
def test_what_is_no_table_stays(table, content):
    """A file that is not a table of decisions is refused in words and stays; the store has everything."""
    table.path.write_bytes(content)
    with pytest.raises(UsageError, match=r"decisions\.csv has no columns student and decision"):
        table.exchange()
    assert table.path.read_bytes() == content


def test_a_lost_table_comes_back(table):
    """If somebody has deleted the table, the store writes it again."""
    table.decide("ada", Choice.TICK)
    table.decide("gone", Choice.RESUBMIT)
    table.path.unlink()
    table.exchange()
    assert list(table.rows) == ["ada", "grace", "gone"]
    assert table.rows["ada"]["decision"] == "tick"


def test_a_table_that_another_program_holds(table, monkeypatch):
    """Where the file cannot be replaced, that is said, what was written by hand is taken all the same, once, and the
    next exchange shows it."""

    def refuse(path, content):
        raise_from = PermissionError(13, "Permission denied")
        raise files.HarnessError(f"{path} could not be written") from raise_from

    table.decide("grace", Choice.TICK)
    table.write("ada", decision="tick")
    content = table.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(files, "write", refuse)
        for _ in range(2):
            done = table.exchange()
            assert done.unwritten.startswith(
                f"{table.path} could not be replaced: close the program that has it open, or "
            )
            assert done.lines[-1] == done.unwritten
    assert table.path.read_bytes() == content
    assert len(table.log.history("ada")) == 1
    assert table.exchange().unwritten == ""
    assert [one["decision"] for one in table.rows.values()] == ["tick", "tick"]


def test_a_table_that_changes_meanwhile(table, monkeypatch):
    """If somebody saves the file between reading and replacing it, what they wrote is taken, too."""
    take = exchange._take

    def meanwhile(*arguments):
        found = take(*arguments)
        monkeypatch.setattr(exchange, "_take", take)
        table.write("grace", decision="resubmit")
        return found

    table.write("ada", decision="tick")
    monkeypatch.setattr(exchange, "_take", meanwhile)
    done = table.exchange()
    assert [(one.student, one.choice) for one in done.by_hand] == [("ada", "tick"), ("grace", "resubmit")]
    assert [one["decision"] for one in table.rows.values()] == ["tick", "resubmit"]


def test_what_was_erased_meanwhile_does_not_come_back(table, monkeypatch):
    """If a student is erased between reading the file and taking its rows, the old row is not taken for a decision."""
    settled = exchange._settled

    def then_erased(path):
        content = settled(path)
        monkeypatch.setattr(exchange, "_settled", settled)
        exchange.erase(path.parent, "ada")
        return content

    table.write("ada", decision="tick")
    monkeypatch.setattr(exchange, "_settled", then_erased)
    done = exchange.exchange(table.log, {"grace": ""})
    assert done == exchange.Exchanged({})
    assert table.log.history("ada") == ()
    assert list(table.rows) == ["grace"]


def test_a_note_that_is_too_long(table):
    """A note that the store does not take is told, and stays in the table."""
    table.write("ada", note="x" * 100_001)
    done = table.exchange()
    assert done.decided["ada"].problem.startswith("The note has 100,001 characters")
    assert len(table.rows["ada"]["note"]) == 100_001


STEPS = st.one_of(
    st.tuples(st.just("desk"), st.sampled_from(["ada", "grace"]), st.sampled_from(Choice)),
    st.tuples(st.just("hand"), st.sampled_from(["ada", "grace"]), st.sampled_from(["tick", "resubmit", "absent", ""])),
    st.just(("reopen",)),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_whatever_people_do_nothing_is_lost(tmp_path_factory, steps):
    """Somebody writes into a table that was opened at some time, others decide at the desk: all that anybody wrote is
    in the history, once; what the desk decided counts, or what was written with its knowledge; the table shows just
    that."""
    folder = tmp_path_factory.mktemp("table")
    with DecisionLog.open(folder) as log:
        table = Table(folder, log)
        table.exchange()
        opened, seen, expected = table.rows, {}, {}
        for at, (kind, *what) in enumerate(steps):
            if kind == "reopen":
                opened, seen = table.rows, dict(expected)
            elif kind == "desk":
                expected[what[0]] = ("desk", table.decide(*what, note=f"{at}").note)
            else:
                student, word = what
                opened[student] |= {"decision": word, "note": f"{at}"}
                table.write(student, opened)
                counts = expected.get(student)
                if counts is None or counts[0] == "hand" or counts == seen.get(student):
                    expected[student] = ("hand", f"{at}")
            done = table.exchange()
            assert done.unwritten == ""
            assert table.exchange().by_hand == ()
            assert {one.note for one in log.since(0)} == {f"{n}" for n in range(at + 1) if steps[n][0] != "reopen"}
            assert {student: one.note for student, one in log.newest().items()} == {
                student: note for student, (_, note) in expected.items()
            }
            assert {student: row["note"] for student, row in table.rows.items() if row["note"]} == {
                student: note for student, (_, note) in expected.items()
            }
        assert len(log.since(0)) == sum(step[0] != "reopen" for step in steps)


TEXTS = st.text(
    st.one_of(st.sampled_from("'=+-@;,\t\"\n\r\\ ＝\ufeff\u202e\x00\x1b"), st.sampled_from(string.printable)),
    max_size=12,
)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(
    note=TEXTS,
    by=TEXTS,
    conditions=st.lists(TEXTS, max_size=3),
    choice=st.sampled_from(Choice),
    separator=st.sampled_from(",;\t"),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_is_written_comes_back(note, by, conditions, choice, separator, ending, tmp_path_factory):
    """Quotes, line breaks, formulas and control characters in notes, names and conditions come through the file and
    through a spreadsheet with its separator and line ends, and are no change."""
    folder = tmp_path_factory.mktemp("table")
    with DecisionLog.open(folder) as log:
        entry = log.decide("ada", choice, note, conditions, by, 0).entry
        assert exchange.exchange(log, STUDENTS).lines == ()
        path = folder / decisions.FILE
        rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
        assert not any(sheets.guarded(cell)[:1] == "'" != cell[:1] for cell in rows[1])
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, delimiter=separator, lineterminator=ending).writerows(rows)
        assert exchange.exchange(log, STUDENTS).lines == ()
        assert log.history("ada") == (entry,)
