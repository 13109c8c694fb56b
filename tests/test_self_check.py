"""Self-checks: what lies beside the notebook is found, progress is shown, and outdated scores are noticed."""

import shutil
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from checker.assignment import bundle, dataset, folders, scores
from checker.errors import UsageError
from checker.records.capture import Environment
from checker.records.codec import to_json
from checker.records.job import Progress
from checker.run import references, session
from checker.run.session import Purpose, Request, Session
from checker.sandbox import kinds
from checker.wire.frames import message


@pytest.fixture
def course(root, tmp_path, assignment, practice):
    """The folder of an assignment that is about the practice data, as if it were the published data."""
    folder = Path(shutil.copytree(root / "reference" / "ocean_proximity", tmp_path / "course" / "ocean"))
    toml = folder / folders.FILE
    text = toml.read_text(encoding="utf-8").replace(assignment.data.sha256, practice.note.sha256)
    toml.write_text(text.replace(assignment.data.url, "http://127.0.0.1:9/housing.csv"), encoding="utf-8")
    return folder


@pytest.fixture
def laptop(tmp_path, course, monkeypatch, fake_sandbox):
    """A student's folder with a notebook that makes no network, and nothing else."""

    def guest(job, beside):
        yield message(Environment({}, "3", ""))
        yield message(Progress(1, 2))
        yield message(Progress(2, 2))

    monkeypatch.setattr(kinds, "choose", lambda kind: fake_sandbox(guest))
    monkeypatch.setattr(dataset.pooch, "os_cache", lambda project: tmp_path / "cache")
    monkeypatch.delenv(dataset.VARIABLE, raising=False)
    place = tmp_path / "laptop"
    place.mkdir()
    (place / "mine.ipynb").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def zipped(laptop, course):
    """The assignment's zip beside the notebook."""
    path = laptop / "tick4.zip"
    path.write_bytes(bundle.pack(folders.load(course)))
    return path


@pytest.fixture
def data(laptop):
    """The data beside the notebook."""
    return Path(shutil.copy(dataset.PRACTICE, laptop / "housing.csv"))


# -- what lies beside ------------------------------------------------------------------------------------


def test_zip_and_data_beside_the_notebook_are_enough(program, zipped, data, tmp_path, monkeypatch):
    """Nothing has to be named, from any folder, and what was taken is said."""
    monkeypatch.chdir(tmp_path)
    code, said = program("self-check", zipped.parent / "mine.ipynb")
    assert code == 1
    assert "Assignment: Practical 4: predict ocean proximity (tick4.zip, beside your file)." in said
    assert "Data: housing.csv, beside your file." in said
    assert "There is no model for this task" in said
    assert (tmp_path / "checker-report.html").exists()


def test_an_unpacked_zip_is_found(program, zipped, data):
    """Some browsers unpack what they download."""
    with ZipFile(zipped) as archive:
        archive.extractall(zipped.parent / "tick4")
    zipped.unlink()
    assert "(tick4, beside your file)" in program("self-check", "mine.ipynb")[1]


def test_of_zip_and_folder_the_zip_is_taken(program, zipped, data):
    """They are one assignment, and the zip is as it was handed out."""
    with ZipFile(zipped) as archive:
        archive.extractall(zipped.parent / "tick4")
    assert "(tick4.zip, beside your file)" in program("self-check", "mine.ipynb")[1]


def test_other_zips_are_passed_over(program, zipped, data):
    """A zip of something else, or one that is broken, is no assignment."""
    (zipped.parent / "broken.zip").write_bytes(b"no zip")
    with ZipFile(zipped.parent / "photos.zip", "w") as archive:
        archive.writestr("cat.png", b"")
    assert "(tick4.zip, beside your file)" in program("self-check", "mine.ipynb")[1]


def test_of_two_assignments_one_must_be_named(program, zipped, data):
    """Which one is meant nobody can tell; one that is named is taken."""
    shutil.copy(zipped, zipped.parent / "tick5.zip")
    code, said = program("self-check", "mine.ipynb")
    assert code == 2
    assert "Several assignments lie beside mine.ipynb: tick4.zip, tick5.zip. Name one: --assignment tick4.zip." in said
    assert program("self-check", "mine.ipynb", "--assignment", "tick5.zip")[0] == 1


def test_without_an_assignment_the_student_is_told_where_the_zip_goes(program, laptop):
    """Where none is here, the message is about the zip, in words."""
    code, said = program("self-check", "mine.ipynb")
    assert code == 2
    assert "Put the zip that your course gave you beside your notebook, or name it: --assignment PATH." in said
    assert "reference" not in said


def test_changed_data_beside_the_notebook_is_not_used(program, zipped, data):
    """The course's data counts, and that another file was passed over is said; here it is nowhere else."""
    data.write_text(data.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    code, said = program("self-check", "mine.ipynb")
    assert code == 2
    assert "housing.csv beside your file is not used: it is not the course's, or was changed." in said


def test_without_network_and_data_the_student_is_told_what_to_download(program, zipped):
    """The message has no error of a library: what is missing, from where, and where it goes."""
    code, said = program("self-check", "mine.ipynb")
    assert code == 2
    assert "The data (housing.csv) could not be downloaded: this machine has no connection to its address." in said
    assert "Download http://127.0.0.1:9/housing.csv in a browser, put it beside your notebook, and try again." in said
    assert "HTTPConnectionPool" not in said


# -- progress --------------------------------------------------------------------------------------------


def test_the_progress_is_the_students_own(program, zipped, data):
    """Each cell and each training gets a line where there is no terminal; the reference is not mentioned."""
    _, said = program("self-check", "mine.ipynb")
    for words in ("Starting TensorFlow", "Running your file: cell 1 of 2 …", "Running your file: cell 2 of 2 …"):
        assert words in said
    assert "reference ocean_proximity" not in said


# -- the scores that it compares with --------------------------------------------------------------------


def test_scores_of_another_solution_are_noticed(course, practice):
    """After a change of the solution, or of a setting that trainings depend on, they are refused; limits are none."""
    own = session.settings(Request(purpose=Purpose.SELF_CHECK, assignment=course, practice_data=True))
    assert len(references.of_scores(own).scores) == 40
    longer = replace(own.assignment, execute=replace(own.assignment.execute, seconds=1.0), title="Another")
    assert len(references.of_scores(replace(own, assignment=longer)).scores) == 40
    fewer = replace(own.assignment, caps=replace(own.assignment.caps, retrain_steps=7))
    with pytest.raises(UsageError, match="another solution or of other settings"):
        references.of_scores(replace(own, assignment=fewer))
    solution = course / folders.SOLUTION
    solution.write_text(solution.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="another solution") as caught:
        references.of_scores(own)
    assert "--write-scores" in caught.value.help
    assert bundle.current_scores(own.assignment) == []


def test_a_bundle_trains_the_reference_once_where_scores_are_outdated(program, course, laptop, data, monkeypatch):
    """After a change of the solution it is trained for the whole pool; the next bundle takes what it wrote."""
    own = session.settings(Request(purpose=Purpose.SELF_CHECK, assignment=course, practice_data=True))
    results, opened = references.of_scores(own), []

    def train(settings, *display):
        opened.append(settings.seeds)
        return Session(settings=settings, reference_evidence=None, reference=results)

    monkeypatch.setattr(session, "open", train)
    with (course / folders.SOLUTION).open("a", encoding="utf-8") as solution:
        solution.write("\n")
    code, said = program("bundle", course, "-o", "tick4.zip", "--data", data)
    assert code == 0
    assert "The reference is trained for 40 seeds, once" in said
    assert program("bundle", course, "-o", "again.zip")[0] == 0
    assert opened == [own.seeds]
    assert Path("tick4.zip").read_bytes() == Path("again.zip").read_bytes()


def test_a_zip_of_an_older_version_still_works(program, course, laptop, data):
    """It has a pool of three seeds, and scores without a key."""
    toml = course / folders.FILE
    text = toml.read_text(encoding="utf-8")
    start = text.index("self_check = [")
    toml.write_text(f"{text[:start]}self_check = [201, 202, 203]{text[text.index(']', start) + 1 :]}", "utf-8")
    (known,) = [one for one in folders.scores(folders.load(course)) if one.dataset_sha256 in text]
    older = replace(
        known, seeds=known.seeds[:3], scores=known.scores[:3], baselines=known.baselines[:3], outputs=(),
        baseline_outputs=(), solution_sha256="", key="",
    )  # fmt: skip
    (course / folders.SCORES).write_bytes(to_json((older,)))
    (course / folders.SOLUTION).unlink()
    code, said = program("self-check", "mine.ipynb", "--assignment", course)
    assert code == 1
    assert "There is no model for this task" in said


def test_a_key_leaves_nothing_out_that_scores_depend_on(assignment):
    """Each of these is another key: the solution, the data, the seeds, and what trains and measures."""
    seeds, bar = assignment.seeds.self_check, assignment.bar
    changed = [
        replace(assignment, keras="2"),
        replace(assignment, answer="net"),
        replace(assignment, splits=replace(assignment.splits, test=0.3)),
        replace(assignment, data=replace(assignment.data, features=assignment.data.features[1:])),
        replace(assignment, bar=replace(bar, baseline="majority_class")),
        replace(assignment, caps=replace(assignment.caps, parameters=1)),
    ]
    of = [(assignment, seeds, "d", "s"), (assignment, seeds, "d", "t"), (assignment, seeds, "e", "s"),
          (assignment, seeds[1:], "d", "s"), *((one, seeds, "d", "s") for one in changed)]  # fmt: skip
    assert len({scores.key_of(*parts) for parts in of}) == len(of)
    for same in (replace(assignment, title="x"), replace(assignment, bar=replace(bar, tolerance=0.5))):
        assert scores.key_of(same, seeds, "d", "s") == scores.key_of(assignment, seeds, "d", "s")
