"""Erasing a person: nothing of theirs stays in the folder, nothing of others goes, and what is not reached is said."""

import io
import json
import shutil
import sys
from dataclasses import replace

import pytest
from reports import DATA, a_fail, a_pass, a_referral

from checker.commands import app
from checker.errors import HarnessError, UsageError
from checker.formats import files
from checker.gradebooks import decisions, exchange
from checker.gradebooks.decision_log import DecisionLog
from checker.records.codec import to_json
from checker.records.decisions import Choice, Erased, Help
from checker.records.report import Unfinished
from checker.report import html, paths
from checker.run import answers, erasing, lock, store, tables
from checker.run.answers import Chosen
from checker.run.store import Digests
from checker.run.tables import Overview, name_of
from checker.submissions import names

ADA, ANN, EVIL, ZENOBIA = "Ada Lovelace", "Ann", "=cmd()\x1b[2J/../x", "Zenobia"
WORDS = b"a secret of this person"


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder with four submissions, one of them unfinished, and everything that can be stored of each."""
    monkeypatch.setattr(exchange, "SETTLED", 0.0)
    out = tmp_path / "results"
    ends = [
        a_pass(ADA),
        a_fail(ANN),
        replace(a_referral(), submission=a_pass(EVIL).submission),
        Unfinished(ZENOBIA, "x"),
    ]
    for end in ends:
        slug = files.slug(name_of(end))
        for path in (
            *(one.format(slug) for one in erasing.FILES),
            *(f"{one}/{slug}/x.json" for one in erasing.FOLDERS),
        ):
            files.write(out / path, WORDS + slug.encode())
        if not isinstance(end, Unfinished):
            files.write(out / paths.page_of(end.submission), html.render_page(end, "../index.html"))
        files.write(out / "evidence" / slug / "evidence.json", WORDS + slug.encode())
    files.write(out / store.DIGESTS, to_json(Digests({files.slug(name_of(end)): "ab" for end in ends})))
    for end in ends:
        choice = Chosen(sha256="ab", model=1, called=f"{WORDS.decode()}{name_of(end)}", by="Tina", at="")
        answers.store_choice(out, files.slug(name_of(end)), choice)
    with DecisionLog.open(out) as log:
        for end in ends:
            student = names.student(name_of(end))
            log.decide(student, Choice.TICK, f"note on {student}", [], "Tina", 0)
            log.answer(student, f"question for {student}?", Help.NOT, "Tina")
    tables.write(Overview({files.slug(name_of(end)): end for end in ends}), "Practical 4", DATA, out)
    return out


def run(monkeypatch, *words):
    """Run the command; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["checker", "erase", *map(str, words)])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        app.main()
    return ended.value.code


def holding(out, *words):
    """Return the files whose path or content holds any of these words."""
    return sorted(
        str(path.relative_to(out))
        for path in out.rglob("*")
        if path.is_file() and any(word.encode() in path.read_bytes() + str(path).encode() for word in words)
    )


def theirs(out, name):
    """Return the files that lie under a person's name."""
    return sorted(path for path in out.rglob("*") if path.is_file() and files.slug(name) in str(path))


@pytest.mark.parametrize("name", [ADA, EVIL, ZENOBIA])
def test_nothing_of_a_person_stays(results, monkeypatch, capsys, name):
    """After the command no file of the folder holds the person's name, under which their files lie, or words; the
    others have all that they had."""
    others = [one for one in (ADA, ANN, EVIL, ZENOBIA) if one != name]
    before = {one: theirs(results, one) for one in others}
    assert all(len(found) == len(erasing.FILES) + len(erasing.FOLDERS) + 1 for found in before.values())
    assert run(monkeypatch, results, name, "--yes") == 0
    said = capsys.readouterr().out
    assert holding(results, name, files.slug(name), names.student(name)) == []
    assert "1 decision, 1 answer in decisions.sqlite" in said
    assert "reports" in said and f"{files.slug(name)}.html" in said
    assert "copies and backups of this folder" in said
    assert "\x1b" not in said
    assert {one: theirs(results, one) for one in others} == before
    assert decisions.read((results / decisions.FILE).read_bytes()).keys() == {names.student(one) for one in others}
    with DecisionLog.open(results) as log:
        assert set(log.newest()) == {names.student(one) for one in others}
    with pytest.raises(UsageError, match="There is no submission"):
        erasing.find(results, name)


def test_what_will_be_removed_is_said_first(results, monkeypatch, capsys):
    """Without a person to ask, and without --yes, the command says what it would remove, and removes nothing."""
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file() and path.name != lock.FILE}
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run(monkeypatch, results, ADA) == 2
    said = capsys.readouterr()
    assert f"All of {ADA} in {results} will be removed:" in said.out
    assert "the row in decisions.csv" in said.out
    assert "nothing was removed. Add --yes." in " ".join(said.err.split())
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("asked", "help"),
    [
        ("Ada Lovelance", "Did you mean Ada Lovelace?"),
        ("ann", "Did you mean Ann?"),
        ("..", "Names are exact"),
        ("", "Names are exact"),
        ("*", "Names are exact"),
        (EVIL.replace("x", "y"), "Did you mean"),
    ],
)
def test_names_are_exact(results, asked, help):
    """A name that is not quite one of these removes nobody; similar ones are offered, harmless to print."""
    with pytest.raises(UsageError, match="There is no submission") as told:
        erasing.find(results, asked)
    assert help in told.value.help
    assert "\x1b" not in told.value.help + told.value.message


def test_who_is_left_in_the_decisions_alone(results):
    """A student of whom only decisions are left is found by the name in these, and erased."""
    with DecisionLog.open(results) as log:
        log.decide("gone", Choice.TICK, "", [], "Tina", 0)
    person = erasing.find(results, "gone")
    assert (person.paths, person.entries) == ((), Erased(decisions=1))
    erasing.erase(results, person)
    assert holding(results, "gone") == []


def test_without_a_store_of_decisions(results):
    """In a folder that no desk has used, the row in decisions.csv goes, and no store comes."""
    for path in results.glob("decisions.sqlite*"):
        path.unlink()
    erasing.erase(results, erasing.find(results, ADA))
    assert holding(results, ADA) == []
    assert not list(results.glob("decisions.sqlite*"))


def test_a_folder_in_use(results, monkeypatch, capsys):
    """While a batch uses the folder, nothing is removed."""
    with lock.held(results):
        assert run(monkeypatch, results, ADA, "--yes") == 2
    assert "is in use by process" in " ".join(capsys.readouterr().err.split())
    assert (results / "reports" / f"{files.slug(ADA)}.html").exists()


def test_a_table_that_is_open_elsewhere(results, monkeypatch):
    """Where decisions.csv cannot be replaced, nothing at all is removed, and it is said why."""
    person, before = erasing.find(results, ADA), holding(results, ADA)

    def refuse(path, content):
        raise HarnessError("it could not be written") from PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "write", refuse)
    with pytest.raises(UsageError, match="close the program that has it open"):
        erasing.erase(results, person)
    assert holding(results, ADA) == before
    with DecisionLog.open(results) as log:
        assert log.newest()[ADA].choice is Choice.TICK


def test_erasing_may_be_interrupted(results, monkeypatch):
    """If the command is ended in the middle, the same again removes the rest."""
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erasing.erase(results, erasing.find(results, ADA))
    assert holding(results, files.slug(ADA)) != []
    erasing.erase(results, erasing.find(results, ADA))
    assert holding(results, ADA, files.slug(ADA)) == []


def test_what_cannot_be_reached(results):
    """The uploaded file, and files of the folder that the lecturer wrote and that name the person, are told."""
    (results / "extensions.csv").write_text(f"student,until\n{ADA},2026-12-01\n")
    (results / "run.json").write_text(json.dumps({"typed": ["batch", f"in/{ADA}"]}))
    told = erasing.not_reached(results, erasing.find(results, ADA))
    assert told[0] == f"the uploaded file: {a_pass(ADA).submission.path}"
    assert told[1:3] == tuple(f"{results / name}, which holds the name" for name in ("extensions.csv", "run.json"))
    assert not any("holds the name" in line for line in erasing.not_reached(results, erasing.find(results, ZENOBIA)))
