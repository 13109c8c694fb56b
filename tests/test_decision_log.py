"""The store of decisions: nothing that was answered is lost, and nothing is overwritten."""

import sqlite3
from contextlib import closing

import pytest

from checker.errors import UsageError
from checker.gradebooks import decision_log
from checker.gradebooks.decision_log import DecisionLog
from checker.records.decisions import Choice, Erased, Help, Origin


@pytest.fixture
def log(tmp_path):
    """An open store without entries."""
    with DecisionLog.open(tmp_path) as opened:
        yield opened


def tick(log, student="ada", by="Tina", based_on=0, choice=Choice.TICK, **more):
    values = {"note": "", "conditions": ()} | more
    return log.decide(student, choice, by=by, based_on=based_on, **values)


def test_the_newest_decision_counts_and_all_stay(log, tmp_path):
    """A decision is followed by others, the newest counts, and another process that opens the store sees the same."""
    first = tick(log).entry
    second = tick(
        log, based_on=first.id, choice=Choice.RESUBMIT, note="a\r\nb", conditions=["Add  one.", "", "Add one."]
    )
    other = tick(log, "grace", choice=Choice.ABSENT).entry
    assert second.unseen == ()
    assert (second.entry.note, second.entry.conditions) == ("a\nb", ("Add one.",))
    assert log.history("ada") == (first, second.entry)
    assert log.since(first.id) == (second.entry, other)
    with DecisionLog.open(tmp_path) as again:
        assert again.newest() == {"ada": second.entry, "grace": other}


def test_an_edit_war_keeps_both(log):
    """Who decides without having seen a newer decision is told of it; both stay, and the later one counts."""
    first = tick(log).entry
    mine = tick(log, by="Tina", based_on=first.id, choice=Choice.RESUBMIT)
    theirs = tick(log, by="Otto", based_on=first.id)
    assert theirs.unseen == (mine.entry,)
    assert log.history("ada") == (first, mine.entry, theirs.entry)
    assert log.newest()["ada"] == theirs.entry


def test_a_repeated_request_adds_nothing(log):
    """A page that did not get its answer sends the decision again; there is one entry, and nobody is alarmed."""
    first = tick(log)
    assert tick(log) == first
    assert len(log.history("ada")) == 1


def test_a_stale_decision_does_not_count(log):
    """What a stale table said is kept and told until somebody decides again, and does not count meanwhile."""
    desk = tick(log).entry
    stale = tick(log, by="", choice=Choice.RESUBMIT, origin=Origin.STALE).entry
    assert log.newest() == {"ada": desk}
    assert log.conflicts() == {"ada": (stale,)}
    settled = tick(log, based_on=stale.id).entry
    assert log.newest() == {"ada": settled}
    assert log.conflicts() == {}


def test_answers_and_trials(log):
    """The newest mark of a question is shown, trials are kept in order, and other students' are not."""
    log.answer("ada", "Why relu?", Help.NOT, "Tina")
    log.answer("ada", "Why 8?", None, "Tina")
    log.answer("ada", "Why relu?", Help.WITH_HELP, "Otto")
    log.answer("grace", "Why relu?", Help.ANSWERED, "Otto")
    kept = log.keep_trial("ada", '{"epochs": 5}', "{}", "Tina")
    assert {question: one.help for question, one in log.answers("ada").items()} == {
        "Why relu?": Help.WITH_HELP,
        "Why 8?": None,
    }
    assert log.kept_trials("ada") == (kept,)
    assert log.kept_trials("grace") == ()


def test_conditions_used_before(log):
    """Conditions come back by the number of students that had them."""
    tick(log, "ada", conditions=["Scale.", "Split."])
    tick(log, "grace", conditions=["Split."])
    assert log.conditions_used(5) == ("Split.", "Scale.")
    assert log.conditions_used(1) == ("Split.",)


def test_nothing_is_ever_changed(log):
    """No program can change or remove an entry: the file refuses."""
    tick(log)
    with closing(sqlite3.connect(log.path)) as other:
        for change in ("UPDATE decision SET note = 'x'", "DELETE FROM decision"):
            with pytest.raises(sqlite3.IntegrityError, match="entries of decision are only ever added"):
                other.execute(change)


def test_erasing_leaves_no_trace(log, tmp_path):
    """After erasing, no file holds a student's name or note, others' entries stay, and nothing else can be removed."""
    tick(log, "ada lovelace", note="was here")
    log.answer("ada lovelace", "Why?", Help.NOT, "Tina")
    tick(log, "grace")
    assert log.erase("ada lovelace") == Erased(decisions=1, answers=1)
    assert log.erase("ada") == Erased()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"grace" in content
    assert b"lovelace" not in content
    assert b"was here" not in content
    assert list(log.newest()) == ["grace"]
    test_nothing_is_ever_changed(log)


def test_a_file_of_another_version(tmp_path):
    """A store of another version, and another program's database, are refused in words and stay as they are."""
    with closing(sqlite3.connect(tmp_path / decision_log.FILE)) as other:
        other.executescript("CREATE TABLE decision (id); PRAGMA user_version = 7;")
    before = (tmp_path / decision_log.FILE).read_bytes()
    with pytest.raises(UsageError, match=r"written by another version of the checker \(format 7; this one has 1\)"):
        DecisionLog.open(tmp_path)
    assert (tmp_path / decision_log.FILE).read_bytes() == before


@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file(tmp_path, content):
    """A damaged store is refused in words that say what to do, and stays as it is."""
    (tmp_path / decision_log.FILE).write_bytes(content)
    with pytest.raises(UsageError, match="could not be opened: it is damaged") as told:
        DecisionLog.open(tmp_path)
    assert "a new store begins with these" in told.value.help
    assert (tmp_path / decision_log.FILE).read_bytes() == content


def test_a_full_disk(log):
    """On a full disk a decision is refused in words, and what was saved before stays."""
    kept = tick(log).entry
    log._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(UsageError, match="no room is left on the disk") as told:
        tick(log, based_on=kept.id, note="x" * 50_000)
    assert "nothing of this was saved" in told.value.help
    assert log.history("ada") == (kept,)
