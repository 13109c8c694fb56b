"""The index for other programs holds what the page of the index shows."""

from dataclasses import replace

from cohort import a_cohort
from reports import DATA, HOSTILE, a_fail, a_pass, poisoned

from checker.formats import files
from checker.records.codec import from_json
from checker.records.report import Cause, CauseKind, UnderWay, Unfinished
from checker.records.roster import Roster
from checker.records.verdicts import Verdict
from checker.report.rosters import roster_json


def test_a_row_says_what_the_index_says() -> None:
    """A submission's row has its verdict, its reason, its score and the rules that it failed."""
    roster = from_json(Roster, roster_json("Practical 4", [a_fail("Grace Hopper")], DATA))
    (row,) = roster.rows
    assert (row.slug, row.student, row.name) == (files.slug("Grace Hopper"), "Grace Hopper", "Grace Hopper")
    assert row.verdict == "FAIL" and row.required and row.reason


def test_rows_are_sorted_and_nobody_is_missing() -> None:
    """Rows are sorted as in a list of people, and hold submissions without a verdict; what is under way is listed."""
    ends = [*a_cohort(20), Unfinished("Aaron", "The sandbox fell over.")]
    roster = from_json(Roster, roster_json("Practical 4", ends, DATA, [UnderWay("Zoë", "starting")], is_stopped=True))
    assert len(roster.rows) == 21
    assert roster.rows[0].name == "Aaron" and roster.rows[0].verdict is None
    assert roster.rows[0].reason == "The sandbox fell over."
    assert roster.under_way == (UnderWay("Zoë", "starting"),) and roster.is_stopped


def test_hostile_names_can_be_stored() -> None:
    """Names that no encoding can hold are stored with marks in the place of what cannot be shown."""
    ends = [poisoned(a_pass()), Unfinished(HOSTILE, HOSTILE)]
    roster = from_json(Roster, roster_json(HOSTILE, ends, DATA, [UnderWay(HOSTILE)]))
    assert not any("\x1b" in row.name or "\udc80" in row.name for row in roster.rows)


def test_a_score_that_says_nothing_is_marked_in_the_roster() -> None:
    """The score of a network that reads the answer from its inputs is void, as in the index."""
    leak = replace(a_pass("Leaky"), verdict=Verdict.FAIL, cause=Cause(CauseKind.LEAK, "It leaks.", "Take it out."))
    roster = from_json(Roster, roster_json("Practical 4", [leak, a_pass("Sound"), a_fail("None")], DATA))
    assert [(row.name, row.score_note) for row in roster.rows] == [("Leaky", "void"), ("None", ""), ("Sound", "")]
