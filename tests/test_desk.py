"""The desk's class, its people, what it says of bad results, and its life as a process."""

import asyncio
import hashlib
import re
import shutil
import ssl
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cohort import a_cohort
from desks import TITLE, Served, Visitor, enter, open_desk, write_results
from reports import DATA, a_fail, a_pass, a_referral

from checker.commands import desk as command
from checker.desk import classroom, events, pages
from checker.desk.classroom import Wanted
from checker.desk.people import People, Session
from checker.desk.presence import GONE, Presence
from checker.desk.results import Class, Results
from checker.errors import UsageError
from checker.formats import files
from checker.gradebooks import decisions
from checker.gradebooks.decision_log import DecisionLog
from checker.records.codec import SCHEMA_VERSION, to_json
from checker.records.decisions import Choice, DecisionEntry
from checker.records.report import Cause, CauseKind, UnderWay, Unfinished
from checker.records.roster import Roster, Row
from checker.records.verdicts import Verdict
from checker.report import html
from checker.report.rosters import roster_json
from checker.run import earlier, tables

VENDORED = {"vendor/htmx.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"}


# -- the class -------------------------------------------------------------------------------------------------


def a_row(name: str, verdict: str | None = "PASS", **more: object) -> Row:
    """Return a row of the index."""
    found = Verdict(verdict) if verdict else None
    return Row(slug=name.lower(), student=name, name=name, sha256="one", verdict=found, **more)


ROWS = (
    a_row("Ada", who="Moodle number 7"),
    a_row("Grace", "FAIL", required=("Wrong loss",)),
    a_row("José", "REFER"),
    a_row("Zoë", None),
)
OF = Class(Roster(schema=SCHEMA_VERSION, title="Practical 4", metric="accuracy", dataset=DATA, rows=ROWS))


def an_entry(choice: Choice, by: str = "Ada", submission: str = "one", **more: object) -> DecisionEntry:
    """Return a decision."""
    made = DecisionEntry(id=1, student="", choice=choice, note="", conditions=(), by=by, at="", based_on=0)
    return replace(made, submission=submission, **more)


def shown(decided: dict[str, DecisionEntry] | None = None, **wanted: str) -> list[str]:
    """Return the names that a class shows to Ada."""
    return [row.name for row in classroom.shown(OF, decided or {}, Wanted(**wanted), "Ada")]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["Ada", "Grace", "José", "Zoë"]),
        ({"text": "JOS"}, ["José"]),
        ({"text": "moo 7"}, ["Ada"]),
        ({"text": "  "}, ["Ada", "Grace", "José", "Zoë"]),
        ({"verdict": "FAIL"}, ["Grace"]),
        ({"verdict": "none"}, ["Zoë"]),
        ({"rule": "Wrong loss"}, ["Grace"]),
        ({"text": "a", "verdict": "PASS"}, ["Ada"]),
    ],
)
def test_a_class_is_searched_and_filtered(wanted: dict[str, str], names: list[str]) -> None:
    """Letters find names, numbers and addresses, whatever their accents and capitals; filters narrow that down."""
    assert shown(**wanted) == names


def test_a_class_is_filtered_by_decision() -> None:
    """One comes to those who need a decision, who were decided, who have conditions open, and to one's own."""
    decided = {
        "Ada": an_entry(Choice.TICK, conditions=("Scale.",)),
        "Grace": an_entry(Choice.RESUBMIT, by="Grace", conditions=("Scale.",)),
        "José": an_entry(Choice.OPEN),
        "Zoë": an_entry(Choice.SECOND_OPINION),
    }
    assert shown(decided, state="decided") == ["Ada", "Grace", "Zoë"]
    assert shown(decided, state="needed") == ["José"]
    assert shown(decided, state="conditions") == ["Grace"]
    assert shown(decided, state="mine") == ["Ada", "Zoë"]
    assert shown(decided, state="second opinion") == ["Zoë"]


@pytest.mark.parametrize(
    ("entry", "is_needed"),
    [
        (None, True),
        (an_entry(Choice.OPEN), True),
        (an_entry(Choice.TICK), False),
        (an_entry(Choice.ABSENT), False),
        (an_entry(Choice.RESUBMIT), False),
        (an_entry(Choice.RESUBMIT, submission="another"), True),
        (an_entry(Choice.RESUBMIT, submission=""), False),
        (an_entry(Choice.SECOND_OPINION, by="Grace"), True),
        (an_entry(Choice.SECOND_OPINION, by="Ada"), False),
    ],
)
def test_who_needs_a_decision(entry: DecisionEntry | None, is_needed: bool) -> None:
    """The undecided, those with a new file after a resubmission, and those for whom another asked for my opinion."""
    assert classroom.needs_decision(ROWS[0], entry, "Ada") is is_needed


@pytest.mark.parametrize(
    ("place", "decided", "looked_at", "expected"),
    [
        ("", (), (), "Ada"),
        ("ada", (), (), "Grace"),
        ("ada", ("Grace",), ("josé",), "Zoë"),
        ("zoë", (), (), "Ada"),
        ("zoë", ("Ada", "Grace", "José"), (), None),
        ("gone", ("Ada",), (), "Grace"),
    ],
)
def test_who_is_next(place: str, decided: tuple[str, ...], looked_at: tuple[str, ...], expected: str | None) -> None:
    """Next is the first after me who needs a decision and whom nobody looks at, then from the beginning; never I."""
    known = dict.fromkeys(decided, an_entry(Choice.TICK))
    found = classroom.next_after(ROWS, place, known, "Ada", looked_at)
    assert (found and found.name) == expected


def test_an_address_with_nonsense_shows_the_class() -> None:
    """What makes no sense in an address is left out."""
    given = {"verdict": "GREAT", "state": "drop table", "text": "x" * 10_000, "from": "-1"}
    want = classroom.wanted(given)
    assert (want.verdict, want.state, len(want.text)) == ("", "", classroom.LONGEST)


def test_the_class_is_counted() -> None:
    """Counts are of the whole class: students, decided ones, verdicts, choices and rules."""
    counts = classroom.counts(OF, {"Ada": an_entry(Choice.TICK), "José": an_entry(Choice.OPEN)})
    assert (counts.students, counts.decided, counts.choices) == (4, 1, {"tick": 1})
    assert counts.verdicts == {"PASS": 1, "FAIL": 1, "REFER": 1, "none": 1}
    assert counts.rules == {"Wrong loss": 1}


# -- people, presence, events ------------------------------------------------------------------------------------


def test_a_name_that_came_with_a_link_stays() -> None:
    """Somebody without a personal link may name themselves; a personal link's name cannot be changed."""
    people = People()
    for is_named, expected in ((False, "Grace H."), (True, "Ada")):
        cookie, session = people.enter(people.invite("Ada", is_named))
        people.rename(session, "  Grace\nH. ")
        assert people.of(cookie).name == expected


def test_presence_is_forgotten() -> None:
    """A page that has fallen silent counts as closed; a browser is at one student at a time; nobody sees themselves."""
    now = [0.0]
    presence, ada, grace = Presence(lambda: now[0]), Session("1", "Ada", ""), Session("2", "Grace", "")
    assert presence.look(ada, "x") == {"x"} and presence.look(ada, "x") == set()
    assert presence.others(grace) == {"x": ("Ada",)} and presence.others(ada) == {}
    assert presence.look(ada, "y") == {"x", "y"}
    now[0] = GONE + 1
    assert presence.others(grace) == {}
    assert presence.sweep() == {"y"} and presence.sweep() == set()


def test_streams_of_events_are_bounded_and_end() -> None:
    """A slow page is told to ask for everything; there is no stream too many; closing ends them all."""

    async def listened() -> list[bytes]:
        hub = events.Hub()
        stream = hub.stream(hub.number)
        first = await anext(stream)
        for _ in range(events.ROOM * 3):
            hub.publish("decision", "ada")
        await asyncio.sleep(0.01)
        told = [first, await anext(stream)]
        hub.close()
        told += [message async for message in stream]
        assert len(hub) == 0 and hub.is_full
        return told

    told = asyncio.run(listened())
    assert told[1] == b'data: {"event": "all", "slug": ""}\n\n'
    assert len(told) <= events.ROOM + 2


def test_a_page_that_was_made_before_a_change_is_told() -> None:
    """What happened between a page and its stream is told at once."""

    async def first_event(after: int) -> bytes:
        hub = events.Hub()
        hub.publish("decision", "ada")
        stream = hub.stream(after)
        await anext(stream)
        hub.publish("class")
        return await anext(stream)

    assert b'"all"' in asyncio.run(first_event(0))
    assert b'"class"' in asyncio.run(first_event(1))


@pytest.mark.parametrize("name", VENDORED)
def test_vendored_files_are_as_published(name: str) -> None:
    """Each vendored file is the published one, and has its licence beside it."""
    assert hashlib.sha256((pages.STATIC / name).read_bytes()).hexdigest() == VENDORED[name]
    assert (pages.STATIC / name).with_name("htmx.LICENSE").read_text().startswith("Zero-Clause BSD")


# -- bad results -------------------------------------------------------------------------------------------------


def _empty(folder: Path) -> None:
    folder.mkdir()


def _older(folder: Path) -> None:
    folder.mkdir()
    (folder / tables.RESULTS).write_text("{}")


def _damaged(folder: Path) -> None:
    folder.mkdir()
    (folder / tables.ROSTER).write_text('{"schema": 8')


def _of_another_version(folder: Path) -> None:
    folder.mkdir()
    (folder / tables.ROSTER).write_bytes(to_json(replace(OF.roster, schema=SCHEMA_VERSION + 1)))


def _a_file(folder: Path) -> None:
    folder.write_text("results")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: None, "does not exist"),
        (_empty, "There are no results in"),
        (_a_file, "There are no results in"),
        (_older, "of an earlier version of the checker. Type: checker judge"),
        (_damaged, "cannot be read"),
        (_of_another_version, "written by another version of the checker. Type: checker judge"),
    ],
)
def test_bad_results_are_told_in_words(tmp_path: Path, program, make, words: str) -> None:
    """The command says what is wrong with a folder and what to type, and opens nothing."""
    make(tmp_path / "results")
    code, said = program("desk", tmp_path / "results")
    assert code == 2
    assert words in said
    assert not (tmp_path / "results" / "decisions.sqlite").exists()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results of three students."""
    return write_results(tmp_path / "results", [a_pass("ada"), a_fail("grace"), a_referral("zoe")])


@pytest.fixture
def desk(folder: Path):
    """The desk of three students."""
    opened = open_desk(folder)
    yield opened
    opened.log.close()


def test_a_running_batch_shows(desk, folder: Path) -> None:
    """While a batch writes, the class shows its progress and new students, without a new start."""
    ada = Visitor(desk)
    ends = [a_pass("ada"), a_fail("grace"), a_pass("new")]
    under_way = [UnderWay("zoe", "training its network again"), UnderWay("last")]
    (folder / tables.ROSTER).write_bytes(roster_json(TITLE, ends, DATA, under_way))
    desk.look()
    page = ada.get("/").text
    assert "1 running, 1 waiting" in page and "/student/new" in page


def test_a_void_score_is_marked_in_the_class(desk, folder: Path) -> None:
    """A score that says nothing about the network is grey and named on the page of the class, as in the index."""
    leak = replace(a_pass("ada"), verdict=Verdict.FAIL, cause=Cause(CauseKind.LEAK, "It leaks.", "Take it out."))
    (folder / tables.ROSTER).write_bytes(roster_json(TITLE, [leak, a_pass("sound")], DATA))
    desk.look()
    page = Visitor(desk).get("/").text
    assert '<td class="figure void">91.3% <small>void</small></td>' in page
    assert '<td class="figure">91.3%</td>' in page


def test_damage_while_the_desk_is_open_is_told(desk, folder: Path) -> None:
    """If the index is damaged or gone, the desk goes on with what it knew, and says so."""
    ada = Visitor(desk)
    for spoil in (lambda path: path.write_text("{"), Path.unlink):
        spoil(folder / tables.ROSTER)
        desk.look()
        page = ada.get("/").text
        assert "What you see is older." in page and "/student/ada" in page


def test_a_student_who_vanishes_is_told(desk, folder: Path) -> None:
    """A page of a student who is no longer among the results says so, and what was typed there comes back."""
    ada = Visitor(desk)
    (folder / tables.ROSTER).write_bytes(roster_json(TITLE, [a_pass("ada")], DATA))
    desk.look()
    assert ada.get("/student/zoe").status == 404
    answer = ada.post("/student/zoe/decision", {"choice": "tick", "note": "typed before"})
    assert answer.status == 404 and "typed before" in answer.text


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("{"), Path.unlink], ids=["damaged", "gone"])
def test_without_a_report_one_can_still_decide(desk, folder: Path, spoil) -> None:
    """A report that cannot be read is told; the decision is taken all the same."""
    ada = Visitor(desk)
    spoil(folder / "reports" / "ada.json")
    page = ada.get("/student/ada")
    assert page.status == 200 and "checker judge" in page.text and "Tick" in page.text
    assert ada.post("/student/ada/decision", {"choice": "tick"}).status == 303


def test_a_submission_without_a_verdict_can_be_decided(folder: Path) -> None:
    """Where the checker failed, the page says how, that it is not the student's fault, and takes a decision."""
    (folder / tables.ROSTER).write_bytes(roster_json(TITLE, [Unfinished("eve", "The sandbox fell over.")], DATA))
    opened = open_desk(folder)
    ada = Visitor(opened)
    page = ada.get("/student/eve")
    assert "The sandbox fell over." in page.text and "not the student&#39;s fault" in page.text.replace("'", "&#39;")
    assert ada.post("/student/eve/decision", {"choice": "absent"}).status == 303
    opened.log.close()


def test_a_store_that_cannot_be_written_is_told(desk) -> None:
    """If the disk refuses a decision, the page says so, nothing of it is saved, and what was typed comes back."""
    ada = Visitor(desk)
    desk.log._connection.execute("PRAGMA query_only = ON")
    answer = ada.post("/student/ada/decision", {"choice": "tick", "note": "well explained"})
    assert answer.status == 507
    assert "cannot be written" in answer.text and "well explained" in answer.text
    desk.log._connection.execute("PRAGMA query_only = OFF")
    assert desk.log.history("ada") == ()


def test_two_tabs_of_one_person_keep_both(desk) -> None:
    """A second tab that has not seen what the first saved loses neither decision, and says so."""
    ada = Visitor(desk)
    ada.post("/student/ada/decision", {"choice": "tick", "based_on": "0"})
    ada.post("/student/ada/decision", {"choice": "resubmit", "note": "no, look at cell 3", "based_on": "0"})
    assert [one.choice for one in desk.log.history("ada")] == ["tick", "resubmit"]
    assert "had not seen the decision of Ada" in ada.get("/student/ada").text


def test_a_note_alone_keeps_the_decision(desk) -> None:
    """A note without a choice leaves decision, conditions and the file that it was taken on as they are; an emptied
    note is gone."""
    ada = Visitor(desk)
    ada.post("/student/ada/decision", {"choice": "resubmit", "condition": ["Scale.", "Explain."]})
    ada.post("/student/ada/decision", {"choice": "", "note": "comes on Friday"})
    entry = desk.log.newest()["ada"]
    assert (entry.choice, entry.note, entry.conditions) == (Choice.RESUBMIT, "comes on Friday", ("Scale.", "Explain."))
    ada.post("/student/ada/decision", {"choice": "", "note": "  "})
    entry = desk.log.newest()["ada"]
    assert (entry.choice, entry.note, entry.conditions) == (Choice.RESUBMIT, "", ("Scale.", "Explain."))


def test_the_form_holds_what_counts(desk) -> None:
    """Note and conditions of the decision that counts stand in the form, so that the next decision keeps them."""
    ada = Visitor(desk)
    ada.post("/student/ada/decision", {"choice": "resubmit", "note": "<b> & co", "other": "Explain."})
    page = ada.get("/student/ada").text
    assert re.search(r"<textarea[^>]*>&lt;b&gt; &amp; co</textarea>", page)
    assert re.search(r'value="Explain\." id="condition-\d" checked', page)
    assert 'aria-pressed="true">↺ resubmit' in page


def test_a_decision_that_counts_already_is_not_stored_again(desk) -> None:
    """The same word, note and conditions, by whomever, add nothing, and the page says so. A new file is another
    matter."""
    ada, grace = Visitor(desk), Visitor(desk, "Grace")
    fields = {"choice": "resubmit", "note": "soon", "condition": ["Scale."]}
    ada.post("/student/ada/decision", fields)
    said = grace.post("/student/ada/decision", fields)
    assert said.status == 200 and "This counts already (↺ resubmit, by Ada); nothing new was stored." in said.text
    assert len(desk.log.history("ada")) == 1
    assert "There is no note to keep" in ada.post("/student/zoe/decision", {"choice": "", "note": " "}).text
    desk.log.decide("zoe", Choice.RESUBMIT, "soon", ["Scale."], "Ada", 0, "the file before")
    assert ada.post("/student/zoe/decision", fields).status == 303
    assert len(desk.log.history("zoe")) == 2


@pytest.mark.parametrize("choice", ["tick", "absent"])
def test_a_decision_that_asks_for_nothing_has_no_conditions(desk, choice: str) -> None:
    """A tick and an absence store no conditions, whatever is chosen in the form; a second opinion keeps them."""
    ada = Visitor(desk)
    asked = {"condition": ["Scale."], "other": "n", "note": "well"}
    ada.post("/student/ada/decision", {"choice": choice} | asked)
    assert (desk.log.newest()["ada"].conditions, desk.log.newest()["ada"].note) == ((), "well")
    ada.post("/student/ada/decision", {"choice": "second opinion"} | asked | {"other": ""})
    assert desk.log.newest()["ada"].conditions == ("Scale.",)


def test_a_letter_is_no_condition(desk) -> None:
    """A typed condition of one letter is refused in words, and comes back; one that is known is not offered."""
    ada = Visitor(desk)
    answer = ada.post("/student/ada/decision", {"choice": "resubmit", "other": " n ", "note": "typed"})
    assert answer.status == 400 and "“n” is no condition; nothing was saved." in answer.text and "typed" in answer.text
    assert desk.log.history("ada") == ()
    desk.log.decide("zoe", Choice.RESUBMIT, "", ["n", "Name the loss."], "Ada", 0)
    page = ada.get("/student/ada").text
    assert 'value="Name the loss."' in page and 'value="n"' not in page


def test_undo_goes_back_step_by_step(desk) -> None:
    """Undo takes back one's own decisions one after the other, with note and conditions, until there is none; each step
    is a new entry. It names what it takes back, and leaves other people's decisions."""
    ada, grace = Visitor(desk), Visitor(desk, "Grace")

    def undo(who: Visitor = ada) -> tuple[str, str, tuple[str, ...]]:
        who.post("/student/ada/undo", {"based_on": str(desk.log.last())})
        newest = desk.log.newest()["ada"]
        return newest.choice, newest.note, newest.conditions

    ada.post("/student/ada/decision", {"choice": "resubmit", "note": "one", "condition": ["Scale."]})
    ada.post("/student/ada/decision", {"choice": "tick", "note": "one"})
    ada.post("/student/ada/decision", {"choice": "", "note": "two"})
    assert "Undo: note" in ada.get("/student/ada").text and "Undo:" not in grace.get("/student/ada").text
    assert undo(grace) == ("tick", "two", ())
    assert undo() == ("tick", "one", ())
    assert "Undo: ticked" in ada.get("/student/ada").text
    assert undo() == ("resubmit", "one", ("Scale.",))
    ada.post("/student/ada/decision", {"choice": "absent"})
    assert undo() == ("resubmit", "one", ("Scale.",))
    assert undo() == ("open", "", ())
    assert "Undo:" not in ada.get("/student/ada").text
    assert undo() == ("open", "", ())
    assert [one.origin for one in desk.log.history("ada")].count("by undo") == 4
    assert len(desk.log.history("ada")) == 8


def test_undo_takes_back_only_what_was_seen(desk) -> None:
    """Undo restores what counted before, as a new entry; a newer decision of somebody else stays."""
    ada = Visitor(desk)
    ada.post("/student/ada/decision", {"choice": "resubmit", "note": "first"})
    ada.post("/student/ada/decision", {"choice": "tick", "based_on": "1"})
    ada.post("/student/ada/undo", {"based_on": "1"})
    assert desk.log.newest()["ada"].choice is Choice.TICK
    ada.post("/student/ada/undo", {"based_on": "2"})
    assert (desk.log.newest()["ada"].choice, desk.log.newest()["ada"].note) == (Choice.RESUBMIT, "first")
    assert len(desk.log.history("ada")) == 3


def test_the_table_of_decisions_follows(desk, folder: Path) -> None:
    """What is decided at the desk stands in decisions.csv, and what is written there by hand comes to the desk."""
    ada = Visitor(desk)
    ada.post("/student/ada/decision", {"choice": "tick", "note": "good"})
    desk.table._next = 0
    desk.look()
    path = folder / decisions.FILE
    assert decisions.read(path.read_bytes())["ada"].decision == "tick"
    lines = path.read_text("utf-8-sig").replace("grace,,", "grace,resubmit,by hand")
    path.write_text(lines, encoding="utf-8")
    desk.table._next = 0
    desk.look()
    assert desk.decisions["grace"].choice is Choice.RESUBMIT
    assert "by hand" in ada.get("/").text


def test_a_table_that_cannot_be_read_is_told(desk, folder: Path) -> None:
    """A decisions.csv that is no table any more is told in the class; decisions go on."""
    ada = Visitor(desk)
    (folder / decisions.FILE).write_text("hello")
    desk.table._next = 0
    desk.look()
    assert "decisions.csv has no columns student and decision" in ada.get("/").text
    assert ada.post("/student/ada/decision", {"choice": "tick"}).status == 303


def test_erased_decisions_leave_the_desk(desk, folder: Path) -> None:
    """What another program erases is gone from the desk's pages, too."""
    ada = Visitor(desk)
    ada.post("/student/ada/decision", {"choice": "tick"})
    with DecisionLog.open(folder) as other:
        other.remove("ada")
    desk._next_whole = 0
    desk.look()
    assert desk.decisions == {} and "undecided" in ada.get("/?text=ada").text


# -- the command -------------------------------------------------------------------------------------------------


def test_a_missing_package_is_told(folder: Path, program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the command says in a sentence what to install."""
    monkeypatch.setattr(command, "NEEDED", ("no_such_package",))
    code, said = program("desk", folder)
    assert code == 2 and "pip install 'checker[desk]'" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "192.0.2.1"], "needs a certificate and a link for each person"),
        (["--host", "desk.example.org", "--demonstrator", "Ada"], "needs a certificate and a link for each person"),
        (["--certificate", "a.pem"], "belong together"),
        (["--certificate", "a.pem", "--key", "b.pem"], "cannot be used"),
    ],
)
def test_options_that_would_open_the_desk_too_far_are_refused(folder: Path, program, options, words: str) -> None:
    """Beyond this machine there is no desk without encryption and a link for each person."""
    code, said = program("desk", folder, *options)
    assert code == 2 and words in said


@pytest.mark.slow
def test_the_desk_ends_at_once(folder: Path) -> None:
    """Interrupted, the desk ends its streams at once, says that all is kept, and has printed no cookie or used link."""
    served = Served(folder)
    connection, cookie = enter(served.links[0])
    connection.request("GET", "/events", headers={"Cookie": cookie.partition(";")[0]})
    stream = connection.getresponse()
    assert stream.readline().startswith(b"retry")
    ended = []
    reader = threading.Thread(target=lambda: ended.append((stream.read(), time.monotonic())))
    reader.start()
    began = time.monotonic()
    code, said = served.end()
    reader.join(5)
    stream.close()
    connection.close()
    assert (code, len(ended)) == (0, 1)
    assert "all decisions are kept" in said and "Traceback" not in said
    assert ended[0][1] - began < 5
    assert not any(secret in said for secret in (served.links[0].rpartition("/")[2], cookie[19:40]))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl makes a certificate")
def test_several_people_come_encrypted(folder: Path, tmp_path: Path) -> None:
    """With a certificate each person has a link of their own over https, and a cookie that travels only there."""
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    options = ("--certificate", str(certificate), "--key", str(key), "--demonstrator", "Ada", "--demonstrator", "Grace")
    served = Served(folder, *options)
    assert len(served.links) == 2 and all(link.startswith("https://127.0.0.1:") for link in served.links)
    for link, name in zip(served.links, ("Ada", "Grace"), strict=True):
        connection, cookie = enter(link, context=ssl.create_default_context(cafile=str(certificate)))
        assert "; Secure" in cookie
        connection.request("GET", "/", headers={"Cookie": cookie.partition(";")[0]})
        page = connection.getresponse().read().decode()
        assert name in page and 'action="/me"' not in page
        connection.close()
    assert served.end()[0] == 0


def test_a_port_that_is_taken_is_told(folder: Path) -> None:
    """A port that another program has is refused in words if it was asked for; else a free one is taken."""
    from checker.desk import serving

    with serving.listening("127.0.0.1", None) as first:
        port = first.getsockname()[1]
        with pytest.raises(UsageError, match="cannot listen"):
            serving.listening("127.0.0.1", port)
        with serving.listening("localhost", None) as second:
            assert second.getsockname()[1] != port


def test_results_are_read_again_only_if_they_changed(folder: Path) -> None:
    """Looking at an index that is as it was costs nothing and changes nothing."""
    results = Results(folder)
    before = results.now()
    assert not results.look() and results.now() is before


def test_a_new_file_shows_what_changed(desk, folder: Path) -> None:
    """After a resubmission the page lists what changed since the file before, and leads to that file's report."""
    ada, now = Visitor(desk), a_pass("ada")
    before = replace(a_fail("ada"), submission=replace(now.submission, sha256="the file before"))
    assert "What changed" not in ada.get("/student/ada").text
    files.write(folder / earlier.FOLDER / "ada" / "1.json", to_json(before))
    files.write(folder / earlier.FOLDER / "ada" / "1.html", html.as_earlier(html.render_page(before, "../index.html")))
    page = ada.get("/student/ada").text
    assert "FAIL before, PASS now." in page
    assert 'href="/results/earlier/ada/1.html"' in page
    shown = ada.get("/results/earlier/ada/1.html")
    assert shown.status == 200 and shown.headers["content-security-policy"].startswith("sandbox;")
    for path in ("2.html", "1.json", "..%2f..%2findex.html", "1.html%00"):
        assert ada.get(f"/results/earlier/ada/{path}").status == 404


def test_next_keeps_the_list(desk) -> None:
    """From a list that was searched or filtered one goes on within that list, and is told at its end."""
    ada = Visitor(desk)
    assert ada.get("/next?verdict=FAIL").headers["location"] == "/student/grace?verdict=FAIL"
    end = ada.get("/next?verdict=FAIL&after=grace").headers["location"]
    assert end == "/?verdict=FAIL&nobody"
    assert "Nobody in this list is waiting" in ada.get(end).text


def test_a_class_of_hundreds_comes_in_parts(tmp_path: Path) -> None:
    """A request moves fifty rows at most, whatever part is asked for."""
    opened = open_desk(write_results(tmp_path, [], rows=a_cohort(120)))
    ada = Visitor(opened)
    counts = {start: ada.get(f"/?from={start}").text.count("data-row") for start in ("0", "50", "100", "9999", "x")}
    assert counts == {"0": 50, "50": 50, "100": 20, "9999": 20, "x": 50}
    opened.log.close()


def test_somebody_may_let_in_another_browser_of_theirs(desk) -> None:
    """The page makes a link for another browser, which carries the same name and works once."""
    ada, phone = Visitor(desk), Visitor(desk, is_in=False)
    page = ada.post("/me/link").text
    secret = re.search(r'value="http://127\.0\.0\.1:8400/in/([\w-]+)"', page)[1]
    assert phone.get(f"/in/{secret}").status == 200
    assert "<bdi>Ada</bdi>" in phone.get("/").text
    assert Visitor(desk, is_in=False).get(f"/in/{secret}").status == 403
