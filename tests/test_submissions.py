"""Submissions: what counts as one, which file of several is taken, and what is left alone."""

import hashlib
import os
from pathlib import Path

import pytest

from checker import submissions
from checker.errors import UsageError
from checker.submissions import choice


def put(folder: Path, *names: str) -> None:
    """Make files with a content of their own; later ones are younger."""
    for age, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}", encoding="utf-8")
        os.utime(path, (1_700_000_000 + age, 1_700_000_000 + age))


def taken(folder: Path) -> dict[str, str]:
    """Return the chosen file of each submission that holds one, relative to the folder."""
    found = submissions.find(folder)
    return {s.name: Path(s.path).relative_to(folder).as_posix() for s in found if s.failure is None}


def test_folders_and_loose_files(tmp_path):
    """A folder of students' folders, of loose files, or of both gives one submission each, sorted by name."""
    put(tmp_path, "grace/tick.ipynb", "ada/deep/down/p4.py", "linus.py", "barbara.ipynb")
    assert list(taken(tmp_path).items()) == [
        ("ada", "ada/deep/down/p4.py"),
        ("barbara", "barbara.ipynb"),
        ("grace", "grace/tick.ipynb"),
        ("linus", "linus.py"),
    ]
    assert [s.is_notebook for s in submissions.find(tmp_path)] == [False, True, True, False]


def test_a_single_file(tmp_path):
    """A single file is one submission under its own name, with the hash of its bytes."""
    put(tmp_path, "ada.IPYNB", "grace.ipynb")
    (found,) = submissions.find(tmp_path / "ada.IPYNB")
    assert (found.name, found.is_notebook, found.note) == ("ada", True, "")
    assert found.sha256 == hashlib.sha256(b"# ada.IPYNB").hexdigest()
    assert submissions.read(found) == b"# ada.IPYNB"


def test_the_hash_is_of_the_content(tmp_path):
    """Changed content is a changed submission; another name is not."""
    for name, content in (("a", "x = 1"), ("b", "x = 1"), ("c", "x = 2")):
        (tmp_path / f"{name}.py").write_text(content, encoding="utf-8")
    a, b, c = submissions.find(tmp_path)
    assert a.sha256 == b.sha256 != c.sha256


def test_nothing_there(tmp_path):
    """A path that leads nowhere, and a folder without notebooks and modules, are wrong usage."""
    put(tmp_path, "ada/essay.pdf", "notes.txt")
    with pytest.raises(UsageError, match="There is nothing at"):
        submissions.find(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"no notebook \(\.ipynb\) or module \(\.py\)"):
        submissions.find(tmp_path)


def test_a_single_file_of_another_kind(tmp_path):
    """A single file that is neither a notebook nor a module is refused, not run."""
    put(tmp_path, "notes.txt")
    with pytest.raises(UsageError, match=r"no notebook \(\.ipynb\) or module \(\.py\)"):
        submissions.find(tmp_path / "notes.txt")


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["a/old.ipynb", "a/new.ipynb"], "a/new.ipynb"),
        (["a/tick.ipynb", "a/newer.py"], "a/tick.ipynb"),
        (["a/one.py", "a/sub/two.py"], "a/sub/two.py"),
    ],
)
def test_one_of_several_is_taken(tmp_path, files, chosen):
    """A notebook goes before a module, then the file changed last; the note names the others."""
    put(tmp_path, *files)
    assert taken(tmp_path) == {"a": chosen}
    (found,) = submissions.find(tmp_path)
    (other,) = set(files) - {chosen}
    assert Path(chosen).name in found.note
    assert Path(other).name in found.note


def test_equally_old_files_go_by_name(tmp_path):
    """Of files changed at the same moment the first by name is taken, on every machine."""
    put(tmp_path, "a/zebra.ipynb", "a/apple.ipynb", "a/mango.ipynb")
    for path in (tmp_path / "a").iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert taken(tmp_path) == {"a": "a/apple.ipynb"}


def test_the_note_is_short(tmp_path):
    """A folder of a thousand notebooks gives a note of one line."""
    put(tmp_path, *(f"a/{number:03}.ipynb" for number in range(100)))
    (found,) = submissions.find(tmp_path)
    assert found.note.count(".ipynb") == 11


def test_left_overs_are_no_submissions(tmp_path):
    """Caches, checkpoints, archives' left-overs and hidden files are looked at on no level."""
    put(
        tmp_path,
        "ada/.ipynb_checkpoints/tick-checkpoint.ipynb",
        "ada/__pycache__/tick.py",
        "ada/.venv/lib/module.py",
        "ada/.hidden.ipynb",
        "__MACOSX/ada/._tick.ipynb",
        ".git/hook.py",
        ".hidden.py",
        "grace/tick.ipynb",
    )
    assert taken(tmp_path) == {"grace": "grace/tick.ipynb"}


def test_links_are_not_followed(tmp_path):
    """A symbolic link, to a file or a folder, on any level, leads to no submission."""
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    put(outside, "secret.py", "folder/secret.ipynb")
    put(inside, "grace/tick.ipynb", "ada/essay.txt")
    (inside / "linked.py").symlink_to(outside / "secret.py")
    (inside / "folder").symlink_to(outside / "folder")
    (inside / "ada" / "tick.ipynb").symlink_to(outside / "secret.py")
    (inside / "ada" / "deep").symlink_to(outside / "folder")
    assert taken(inside) == {"grace": "grace/tick.ipynb"}


@pytest.mark.parametrize(
    "files",
    [
        ["a/tick.ipynb", "a.ipynb"],
        ["a.ipynb", "a.py"],
        ["a/tick.py", "a.ipynb", "a.py", "a.ipynb.py"],
    ],
)
def test_every_submission_has_a_name_of_its_own(tmp_path, files):
    """A folder ``a`` beside ``a.ipynb`` beside ``a.py`` are different submissions with different names."""
    put(tmp_path, *files)
    found = submissions.find(tmp_path)
    assert {Path(s.path) for s in found} == {tmp_path / name for name in files}
    assert len({s.name for s in found}) == len(files)
    assert all(s.name.startswith("a") for s in found)


def test_a_file_that_is_too_large_stops_nobody_else(tmp_path, monkeypatch):
    """A student who hands in gigabytes does not keep the others from being checked."""
    monkeypatch.setattr(choice, "MAX_BYTES", 100)
    put(tmp_path, "ada.ipynb", "grace.ipynb")
    (tmp_path / "ada.ipynb").write_bytes(bytes(101))
    ada, grace = submissions.find(tmp_path)
    assert "clear its outputs" in ada.note
    assert len(submissions.read(ada)) == 100
    assert grace.note == ""
