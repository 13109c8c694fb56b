"""What an output folder remembers: later commands need no options, and what is gone is said."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from checker.assignment import dataset
from checker.errors import UsageError
from checker.records.codec import SCHEMA_VERSION
from checker.records.settings import RunSettings
from checker.run import remembered
from checker.run.session import Request

TYPED = ("batch", "in")


@pytest.fixture
def settings(root, tmp_path, assignment, practice) -> RunSettings:
    """The settings of a batch with an assignment in a folder of its own."""
    folder = Path(shutil.copytree(root / "reference" / "ocean_proximity", tmp_path / "ocean"))
    own = replace(assignment, folder=str(folder))
    return RunSettings(assignment=own, dataset=practice, seeds=assignment.seeds.grading)


@pytest.fixture
def files(tmp_path, monkeypatch) -> None:
    """Files to be named relative to the present folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(dataset.VARIABLE, raising=False)
    for name in ("housing.csv", "other.csv", "later.csv"):
        Path(name).write_text("")


def test_what_was_typed_is_taken_by_later_commands(settings, files, tmp_path):
    """Assignment, data, extensions and words of a batch come back from its folder, wherever the next command is
    typed; and each that is typed there wins."""
    request = Request(data=Path("housing.csv"), extensions=Path("later.csv"), typed=TYPED)
    remembered.write(request, settings, tmp_path / "out")
    known = remembered.completed(Request(), tmp_path / "out")
    assert known == Request(
        assignment=tmp_path / "ocean",
        data=tmp_path / "housing.csv",
        extensions=tmp_path / "later.csv",
        typed=TYPED,
    )
    own = Request(assignment=Path("ocean"), data=Path("other.csv"), extensions=Path("later.csv"), typed=("judge",))
    assert remembered.completed(own, tmp_path / "out") == own
    practice = remembered.completed(Request(practice_data=True), tmp_path / "out")
    assert (practice.practice_data, practice.data) == (True, None)


def test_extensions_beside_the_results_come_first(settings, files, tmp_path):
    """Extensions that lie in the output folder are read as they are there, whatever file the batch had."""
    remembered.write(Request(extensions=Path("later.csv")), settings, tmp_path / "out")
    (tmp_path / "out" / "extensions.csv").write_text("")
    assert remembered.completed(Request(), tmp_path / "out").extensions is None


def test_practice_data_is_remembered(settings, files, tmp_path):
    """After a batch on practice data, judging takes practice data, unless data is named; another batch never takes it
    unasked."""
    remembered.write(Request(practice_data=True), settings, tmp_path / "out")
    assert remembered.completed(Request(), tmp_path / "out").practice_data
    named = remembered.completed(Request(data=Path("housing.csv")), tmp_path / "out")
    assert (named.practice_data, named.data) == (False, Path("housing.csv"))
    assert not remembered.carried_on(Request(), tmp_path / "out").practice_data


def test_data_from_the_environment_is_remembered(settings, files, tmp_path, monkeypatch):
    """A batch that took its data from where the environment said is judged on it, without the environment."""
    monkeypatch.setenv(dataset.VARIABLE, "housing.csv")
    remembered.write(Request(), settings, tmp_path / "out")
    monkeypatch.delenv(dataset.VARIABLE)
    assert remembered.completed(Request(), tmp_path / "out").data == tmp_path / "housing.csv"


def test_a_further_batch_goes_on_with_what_was_typed(settings, files, tmp_path):
    """A batch into the same folder takes over what is not typed; one with an assignment of its own takes nothing."""
    remembered.write(Request(data=Path("housing.csv"), typed=TYPED), settings, tmp_path / "out")
    again = Request(typed=("batch", "in", "--only", "ada"))
    known = remembered.carried_on(again, tmp_path / "out")
    assert known == replace(again, assignment=tmp_path / "ocean", data=tmp_path / "housing.csv")
    own = Request(assignment=Path("flowers"))
    assert remembered.carried_on(own, tmp_path / "out") == own


def test_what_comes_with_the_checker_is_remembered_by_name(assignment, settings, tmp_path, monkeypatch):
    """An assignment that comes with the checker is found again after the checker was installed elsewhere."""
    settings = replace(settings, assignment=assignment)
    remembered.write(Request(), settings, tmp_path)
    assert json.loads((tmp_path / remembered.FILE).read_bytes())["assignment"] == "ocean_proximity"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ocean_proximity").mkdir()
    assert remembered.completed(Request(), tmp_path).assignment == Path(assignment.folder)
    assert remembered.is_of(tmp_path, settings)
    assert not remembered.is_of(tmp_path, replace(settings, assignment=replace(assignment, folder="/elsewhere")))


def test_what_is_gone_is_said(settings, files, tmp_path):
    """Each remembered path that is gone is named, with the option that says where it is now; what is typed may be."""
    request = Request(data=Path("housing.csv"), extensions=Path("later.csv"))
    remembered.write(request, settings, tmp_path / "out")
    shutil.rmtree(tmp_path / "ocean")
    for name in ("housing.csv", "later.csv"):
        (tmp_path / name).unlink()
    with pytest.raises(UsageError) as caught:
        remembered.completed(Request(), tmp_path / "out")
    for words in (
        f"with the assignment in {tmp_path / 'ocean'}, which is gone. Say where it is now: --assignment PATH.",
        f"with the data {tmp_path / 'housing.csv'}, which is gone. Say where it is now: --data PATH.",
        f"with the extensions in {tmp_path / 'later.csv'}, which is gone. Say where it is now: --extensions PATH.",
    ):
        assert words in caught.value.message
    typed = Request(assignment=Path("a"), data=Path("b"), extensions=Path("c"), typed=TYPED)
    assert remembered.completed(typed, tmp_path / "out") == typed


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff" * 99, b'{"schema": 7}', b'{"data": 1}', b"[" * 99_999],
    ids=["empty", "cut", "bytes", "missing", "type", "deep"],
)
def test_a_damaged_file_is_said(content, tmp_path):
    """From a damaged file nothing is taken; the message says what to do."""
    (tmp_path / remembered.FILE).write_bytes(content)
    with pytest.raises(UsageError, match=r"run\.json is damaged") as caught:
        remembered.completed(Request(), tmp_path)
    assert caught.value.help == "Remove that file, and say --assignment and --data."


def test_the_file_of_another_version_is_said(settings, tmp_path):
    """A file of another schema is not guessed at; a folder of an older version, which has none, needs options."""
    remembered.write(Request(), settings, tmp_path)
    path = tmp_path / remembered.FILE
    path.write_text(path.read_text().replace(f'"schema": {SCHEMA_VERSION}', '"schema": 1'))
    with pytest.raises(UsageError, match="another version"):
        remembered.read(tmp_path)
    path.unlink()
    assert remembered.completed(Request(), tmp_path) == Request()
