"""Decisions: what people wrote stays, new students are added, and odd words are told."""

import pytest

from checker.errors import UsageError
from checker.formats import files
from checker.gradebooks import decisions
from checker.gradebooks.decisions import Decided, Decision
from checker.submissions import names

HEAD = "student,decision,note,by\n"


def test_a_new_table():
    """The first batch gives every student an empty row, in UTF-8 that a spreadsheet knows by its mark."""
    made = decisions.extended(b"", ["ada", "Zoë, B"])
    assert made == ("\ufeff" + HEAD + 'ada,,,\n"Zoë, B",,,\n').encode()
    assert decisions.read(made) == {"ada": Decided(None), "Zoë, B": Decided(None)}


def test_what_was_filled_in_stays():
    """A later batch adds new students below, and no row is lost, not even of those who are not there any more."""
    before = ("\ufeff" + HEAD + "gone,tick,fine,Tina\nada,resubmit,,\n").encode()
    after = decisions.extended(before, ["ada", "grace"])
    assert after == before + b"grace,,,\n"
    assert decisions.extended(after, ["ada", "grace"]) == after


@pytest.mark.parametrize(
    "before",
    [
        b"student;decision;note;by\r\nada;tick;;Tina",
        "student;decision;note;by;ähnlich\r\nada;tick;;Tina;ä\r\n".encode("cp1252"),
        b"Student\tDecision\r\nada\tTick \r\n",
        b"by,decision,student\nTina,TICK,ada\n",
    ],
)
def test_what_a_spreadsheet_makes_of_it(before):
    """Other separators, encodings, orders of columns and cases are read and added to."""
    assert decisions.read(before)["ada"].decision is Decision.TICK
    after = decisions.read(decisions.extended(before, ["ada", "grâce"]))
    assert {student: one.decision for student, one in after.items()} == {"ada": Decision.TICK, "grâce": None}


def test_words_that_are_no_decision():
    """A word that is neither tick nor resubmit, and rows that contradict each other, decide nothing and are told."""
    read = decisions.read((HEAD + "ada,yes,,\ngrace,tick,,\ngrace,resubmit,,\nlinus,tick,,\nlinus,tick,,\n").encode())
    assert read["ada"].problem == "“yes” is neither tick nor resubmit"
    assert read["grace"] == Decided(None, problem="two rows that contradict each other")
    assert read["linus"].decision is Decision.TICK


@pytest.mark.parametrize("content", [b"x", b"student,verdict\nada,PASS\n", b"\x00\xff\x00"])
def test_what_is_no_table_is_never_overwritten(content):
    """A file that is not a table of decisions is refused, in words, rather than replaced."""
    for use in (decisions.read, lambda content: decisions.extended(content, ["ada"])):
        with pytest.raises(UsageError, match=r"decisions\.csv has no columns student and decision"):
            use(content)


def test_names_that_a_spreadsheet_would_compute():
    """A name that is a formula or holds control characters stands in the table under its page's name."""
    assert names.student("Ada Lovelace 12") == "Ada Lovelace 12"
    for name in ("=cmd()", "evil\x1b[2J", "+1", " ada"):
        assert names.student(name) == files.slug(name)
