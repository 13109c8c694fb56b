"""Sessions: settings are complete at once, and options about students' files leave the reference alone."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checker.errors import AssignmentError, DatasetError, UsageError
from checker.records.capture import Environment
from checker.records.job import Progress
from checker.run import places, session, store
from checker.run.session import Purpose, Request
from checker.sandbox import kinds
from checker.wire.frames import message

DEADLINE, UNTIL = "2026-11-30T17:00:00+00:00", "2026-12-02T17:00:00+00:00"


@pytest.fixture
def folder(root, tmp_path):
    """The folder of an assignment with a deadline, whose limit on time has its old name."""
    copy = Path(shutil.copytree(root / "reference" / "ocean_proximity", tmp_path / "ocean"))
    text = (copy / "assignment.toml").read_text(encoding="utf-8").replace("seconds = 720", "wall_seconds = 360")
    (copy / "assignment.toml").write_text(f"deadline = {DEADLINE}\n{text}", encoding="utf-8")
    return copy


def test_settings_are_complete_at_once(folder, tmp_path, make, assignment):
    """All that was typed for a batch is in the settings, the extensions in the output folder, too."""
    (tmp_path / "extensions.csv").write_text(f"student,until\nada,{UNTIL}\ngrace,{UNTIL}\n")
    request = Request(assignment=folder, practice_data=True, model="net", exact=True, out=tmp_path)
    setup = session.prepare(request, [make.submission("ada")])
    settings = setup.settings
    assert (settings.model, settings.exact, settings.dataset.note.practice) == ("net", True, True)
    assert (settings.seeds, settings.further) == (assignment.seeds.grading, assignment.seeds.further)
    assert settings.extensions == {"ada": datetime(2026, 12, 2, 17, tzinfo=UTC)}
    assert setup.notes == ("grace has an extension and has handed in nothing.",)


def test_a_self_check_has_its_own_seeds_and_no_deadline(folder, assignment):
    """A self-check never trains a seed of the grading, and nobody is late for it."""
    settings = session.settings(Request(purpose=Purpose.SELF_CHECK, assignment=folder, practice_data=True))
    assert (settings.all_seeds, settings.assignment.deadline) == (assignment.seeds.self_check, None)
    assert (settings.drawn, len(settings.seeds)) == (3, 40)
    assert session.settings(Request(assignment=folder, practice_data=True)).drawn == 0


def test_a_run_without_an_output_folder_grants_nothing(folder, tmp_path, monkeypatch):
    """A file of extensions that happens to lie where the command was typed has no effect."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "extensions.csv").write_text(f"student,until\nada,{UNTIL}\n")
    setup = session.prepare(Request(assignment=folder, practice_data=True))
    assert (setup.settings.extensions, setup.notes) == ({}, ())


def test_old_keys_are_told_even_where_the_run_cannot_be_prepared(folder, tmp_path):
    """The sentence about an old key needs nothing but the assignment; preparing says what else is missing."""
    request = Request(assignment=folder, data=tmp_path / "nowhere.csv")
    (words,) = session.outdated(request)
    assert "execute.wall_seconds is read as execute.seconds" in words
    with pytest.raises(DatasetError, match="nowhere"):
        session.settings(request)
    with pytest.raises(UsageError, match="Say either --data or --practice-data"):
        session.settings(Request(assignment=folder, data=tmp_path / "housing.csv", practice_data=True))


@pytest.mark.slow
def test_options_for_students_files_leave_the_reference_alone(folder, tmp_path, monkeypatch, fake_sandbox):
    """The variable that a demonstrator names in a student's file, and --exact, do not run the reference again."""

    def guest(job, beside):
        yield message(Environment({}, "3", ""))
        yield message(Progress(1, 1))

    bare = fake_sandbox(guest)
    monkeypatch.setattr(kinds, "choose", lambda kind: bare)
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path / "cache")

    def open_session(**typed):
        settings = session.settings(Request(assignment=folder, practice_data=True, **typed))
        with pytest.raises(AssignmentError, match="the reference solution fails"):
            session.open(settings, lambda name: lambda stage, step: None, lambda name, report: None)
        return sum(len(box.jobs) for box in bare.boxes)

    ran = open_session()
    assert ran > 0
    assert open_session(model="net", exact=True) == ran


@pytest.mark.slow
def test_the_reference_runs_in_the_boxes_that_are_lent(folder, tmp_path, monkeypatch, fake_sandbox):
    """A batch lends boxes in which nothing has run; no others are opened. If the reference fails, nobody waits for all
    seeds of the traditional models."""

    def guest(job, beside):
        yield message(Environment({}, "3", ""))
        yield message(Progress(1, 1))

    pool, told = places.Pool(fake_sandbox(guest)), []

    def watch(name):
        return lambda stage, step: told.append((name, step.at))

    def refused(kind):
        raise AssertionError(f"a sandbox of the kind {kind} was chosen")

    monkeypatch.setattr(kinds, "choose", refused)
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path / "cache")
    settings = session.settings(Request(assignment=folder, practice_data=True))
    with pytest.raises(AssignmentError, match="the reference solution fails"):
        session.open(settings, watch, lambda name, report: None, pool.lend)
    assert len(settings.all_seeds) > 2
    assert max((at for name, at in told if name == "traditional models"), default=0) <= 1
