"""Submissions: what counts as one, which file of several is taken, and what is left alone."""

import hashlib
import os
from pathlib import Path
from zipfile import ZipFile

import pytest

from checker.errors import UsageError
from checker.formats import files
from checker.judge import blame
from checker.records.verdicts import Verdict
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
    found = choice.find(folder)
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
    assert [s.is_notebook for s in choice.find(tmp_path)] == [False, True, True, False]


def test_a_single_file(tmp_path):
    """A single file is one submission under its own name, with the hash of its bytes."""
    put(tmp_path, "ada.IPYNB", "grace.ipynb")
    (found,) = choice.find(tmp_path / "ada.IPYNB")
    assert (found.name, found.is_notebook, found.note) == ("ada", True, "")
    assert found.sha256 == hashlib.sha256(b"# ada.IPYNB").hexdigest()
    assert choice.read(found) == b"# ada.IPYNB"


@pytest.mark.parametrize(
    ("name", "is_notebook", "words"),
    [
        ("Tick 4.ipynb.txt", True, "ends in .txt; it was read as the notebook Tick 4.ipynb"),
        ("Tick 4.IPYNB.TXT", True, "ends in .TXT"),
        ("Tick 4.ipynb.json", True, "ends in .json"),
        ("Tick 4.py.txt", False, "read as the module Tick 4.py"),
        ("Tick 4.ipynb (1).txt", True, "ends in (1).txt; it was read as the notebook Tick 4.ipynb"),
        ("Tick 4.ipynb.json (2)", True, "ends in .json (2)"),
        ("Tick 4.ipynb - Copy", True, "ends in - Copy"),
        ("Tick 4.ipynb.download", True, "ends in .download"),
        ("Tick 4.py(1)", False, "ends in (1); it was read as the module Tick 4.py"),
        ("Tick 4.pyw", False, ""),
        ("Tick 4.ipynb", True, ""),
        ("Tick 4.ipynb.py", False, ""),
    ],
)
def test_a_second_ending(tmp_path, name, is_notebook, words):
    """What browsers and mail programs add to a file's name changes nothing but a word in the report."""
    put(tmp_path, name, "notes.txt", "package.json")
    for place in (tmp_path, tmp_path / name):
        (found,) = choice.find(place)
        assert (found.name, found.is_notebook) == (
            "Tick 4.ipynb" if name.endswith(".ipynb.py") else "Tick 4",
            is_notebook,
        )
        said = [adaptation.what for adaptation in choice.misnamed(found)]
        assert bool(said) == bool(words)
        assert words in "".join(said)


def test_a_second_ending_in_a_students_folder(tmp_path):
    """A notebook with a second ending is taken from a student's folder too, before a module."""
    put(tmp_path, "ada/tick.ipynb.txt", "ada/tick.py", "ada/notes.txt")
    assert taken(tmp_path) == {"ada": "ada/tick.ipynb.txt"}


def test_the_hash_is_of_the_content(tmp_path):
    """Changed content is a changed submission; another name is not."""
    for name, content in (("a", "x = 1"), ("b", "x = 1"), ("c", "x = 2")):
        (tmp_path / f"{name}.py").write_text(content, encoding="utf-8")
    a, b, c = choice.find(tmp_path)
    assert a.sha256 == b.sha256 != c.sha256


def test_nothing_there(tmp_path):
    """A path that leads nowhere, and a folder without notebooks and modules, are wrong usage."""
    put(tmp_path, "ada/essay.pdf", "notes.txt")
    with pytest.raises(UsageError, match="There is nothing at"):
        choice.find(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"no notebook \(\.ipynb\) or module \(\.py\)"):
        choice.find(tmp_path)


def test_a_single_file_of_another_kind(tmp_path):
    """A single file that is neither a notebook nor a module is refused, not run."""
    put(tmp_path, "notes.txt")
    with pytest.raises(UsageError, match=r"no notebook \(\.ipynb\) or module \(\.py\)"):
        choice.find(tmp_path / "notes.txt")


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
    (found,) = choice.find(tmp_path)
    (other,) = set(files) - {chosen}
    assert Path(chosen).name in found.note
    assert Path(other).name in found.note


def test_the_next_files_are_there_to_be_tried(tmp_path):
    """A submission knows the student's next two files in the order in which they are tried, each with its own hash."""
    folder = tmp_path / "ada"
    folder.mkdir()
    for number, name in enumerate(("d.py", "c.ipynb", "b.ipynb", "a.ipynb")):
        (folder / name).write_text(name)
        os.utime(folder / name, (1_000_000 + number, 1_000_000 + number))
    (found,) = choice.find(tmp_path)
    assert [Path(file.path).name for file in (found, *found.others)] == ["a.ipynb", "b.ipynb", "c.ipynb"]
    assert len({file.sha256 for file in (found, *found.others)}) == 3
    assert {file.name for file in found.others} == {"ada"}
    assert all(file.others == () for file in found.others)


def test_equally_old_files_go_by_name(tmp_path):
    """Of files changed at the same moment the first by name is taken, on every machine."""
    put(tmp_path, "a/zebra.ipynb", "a/apple.ipynb", "a/mango.ipynb")
    for path in (tmp_path / "a").iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert taken(tmp_path) == {"a": "a/apple.ipynb"}


def test_the_note_is_short(tmp_path):
    """A folder of a thousand notebooks gives a note of one line."""
    put(tmp_path, *(f"a/{number:03}.ipynb" for number in range(100)))
    (found,) = choice.find(tmp_path)
    assert found.note.count(".ipynb") == 11


def test_left_overs_are_no_submissions(tmp_path):
    """Caches, checkpoints, archives' left-overs and hidden files are looked at on no level; who has no others has
    handed in nothing."""
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
    ada, grace = choice.find(tmp_path)
    assert (ada.name, ada.sha256) == ("ada", "")
    assert Path(grace.path) == tmp_path / "grace" / "tick.ipynb"


def test_hidden_files_are_named(tmp_path):
    """Files of a student's whose names begin with a dot are named in the report, at most ten; a hidden
    folder by itself, and what programs leave behind not at all. They are nobody's who has no other file beside them."""
    put(
        tmp_path,
        "ada/tick.ipynb",
        "ada/.better.ipynb",
        "ada/deep/.git/hooks/commit.py",
        "ada/deep/.git/config",
        "ada/.DS_Store",
        "ada/.ipynb_checkpoints/tick-checkpoint.ipynb",
        "grace/essay.pdf",
        "grace/.solution.py",
        "hazel/tick.py",
        "hazel/other.py",
        *(f"hazel/.{number:02}" for number in range(12)),
        "linus.py",
        ".hidden.py",
        ".git/hook.py",
    )
    with ZipFile(tmp_path.parent / "all.zip", "w") as archive:
        for path in sorted(tmp_path.rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
    for place in (tmp_path, tmp_path.parent / "all.zip"):
        ada, grace, hazel, linus = choice.find(place)
        assert ada.note == "Not looked at, because the name begins with a dot: .better.ipynb, .git."
        assert grace.failure is not None
        assert grace.note == "Not looked at, because the name begins with a dot: .solution.py."
        assert "was checked" in hazel.note and ".09 and 2 more." in hazel.note
        assert linus.note == ""


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
    found = choice.find(tmp_path)
    assert {Path(s.path) for s in found} == {tmp_path / name for name in files}
    assert len({s.name for s in found}) == len(files)
    assert all(s.name.startswith("a") for s in found)


def test_a_file_that_is_too_large_stops_nobody_else(tmp_path, monkeypatch):
    """A student who hands in gigabytes does not keep the others from being checked."""
    monkeypatch.setattr(choice, "MAX_BYTES", 100)
    put(tmp_path, "ada.ipynb", "grace.ipynb")
    (tmp_path / "ada.ipynb").write_bytes(bytes(101))
    ada, grace = choice.find(tmp_path)
    assert "clear its outputs" in ada.note
    assert len(choice.read(ada)) == 100
    assert grace.note == ""


# -- odd but honest --------------------------------------------------------------------------------------

ODD_NAMES = [
    "Zoë Müller-Lüdenscheidt",
    "李雷 (1)",
    "Ада Лавлейс",
    "a" * 200,
    "  spaces  ",
    "final.version.2.",
    "...",
    "CON",
    "nul.tar",
    "a:b?c*d",
    'it\'s "mine"',
    "-rf",
    "\N{PILE OF POO}",
    "e\u0301",
    "new\nline",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_of_students(tmp_path, name):
    """Whatever a student or a file is called, it is found under that name, and its page has a harmless one."""
    put(tmp_path, f"{name}/my tick.ipynb", f"other {name}.py")
    if name.startswith("."):
        assert list(taken(tmp_path).values()) == [f"other {name}.py"]
        return
    assert sorted(taken(tmp_path)) == sorted([name, f"other {name}"])
    assert len({files.slug(submission.name) for submission in choice.find(tmp_path)}) == 2


def test_files_without_a_byte(tmp_path):
    """An empty notebook and an empty module are submissions: what is missing is said when they are read."""
    put(tmp_path, "ada/tick.ipynb", "grace.py")
    for place in taken(tmp_path).values():
        (tmp_path / place).write_bytes(b"")
    assert [choice.read(found) for found in choice.find(tmp_path)] == [b"", b""]


def test_a_folder_without_a_file(tmp_path):
    """A student's folder that is empty, or holds only left-overs or hidden files, is a submission of nothing, in a
    folder as in a zip; an empty folder beside a student's files is not."""
    put(tmp_path, "ada/tick.ipynb", "grace/.ipynb_checkpoints/tick.ipynb", "linus/__MACOSX/._tick.ipynb")
    put(tmp_path, "hazel/deep/.tick.ipynb", ".git/hook.py", "__pycache__/tick.pyc")
    for empty in ("barbara/data", "ada/data"):
        (tmp_path / empty).mkdir(parents=True)
    with ZipFile(tmp_path.parent / "all.zip", "w") as archive:
        for path in sorted(tmp_path.rglob("*")):
            if path.is_file() or path.name == "data":  # as most programs, which list only folders without files
                archive.write(path, path.relative_to(tmp_path))
    for place in (tmp_path, tmp_path.parent / "all.zip"):
        ada, *others = choice.find(place)
        assert (ada.name, ada.failure, ada.companions, ada.note) == ("ada", None, (), "")
        assert [found.name for found in others] == ["barbara", "grace", "hazel", "linus"]
        for found in others:
            assert found.failure is not None
            assert found.failure.rationale == "Nothing was handed in: the upload holds no file."
        assert "the name begins with a dot: .tick.ipynb" in others[2].note


def test_an_empty_folder_keeps_its_platform(tmp_path):
    """Whose an empty folder is, is read from its name as for others; a download without folders stays one."""
    (tmp_path / "moodle" / "Ada Lovelace_7_assignsubmission_file").mkdir(parents=True)
    put(tmp_path, "moodle/Grace Hopper_8_assignsubmission_file/tick.ipynb", "canvas/lovelaceada_1234_98765_tick.ipynb")
    (tmp_path / "canvas" / "empty").mkdir()
    put(tmp_path, "course/submitted/ada/tick4/tick.ipynb")
    (tmp_path / "course" / "submitted" / "grace" / "tick4").mkdir(parents=True)
    found = {part: [one.name for one in choice.find(tmp_path / part)] for part in ("moodle", "canvas", "course")}
    assert found == {
        "moodle": ["Ada Lovelace 7", "Grace Hopper 8"],
        "canvas": ["lovelaceada 1234"],
        "course": ["ada", "grace"],
    }


def test_files_deep_down(tmp_path):
    """A notebook under very many folders is found."""
    deep = "/".join(["d"] * 200)
    put(tmp_path, f"ada/{deep}/tick.ipynb", "grace/tick.ipynb")
    assert taken(tmp_path)["ada"] == f"ada/{deep}/tick.ipynb"


def test_links_in_circles(tmp_path):
    """Links that lead to themselves or to nowhere keep nobody from being found."""
    put(tmp_path, "ada/tick.ipynb")
    (tmp_path / "ada" / "round").symlink_to(tmp_path / "ada")
    (tmp_path / "ada" / "itself.ipynb").symlink_to("itself.ipynb")
    (tmp_path / "grace.ipynb").symlink_to("nowhere.ipynb")
    assert taken(tmp_path) == {"ada": "ada/tick.ipynb"}


def test_files_that_may_only_be_read(tmp_path):
    """Files and folders that nobody may write to are found and read, and stay as they were."""
    put(tmp_path, "ada/tick.ipynb")
    (tmp_path / "ada" / "tick.ipynb").chmod(0o444)
    (tmp_path / "ada").chmod(0o555)
    try:
        (found,) = choice.find(tmp_path)
        assert choice.read(found) == b"# ada/tick.ipynb"
    finally:
        (tmp_path / "ada").chmod(0o755)


def test_things_that_are_no_files(tmp_path):
    """A pipe or a socket among submissions is never opened, for whoever opens it waits for ever."""
    put(tmp_path, "ada/tick.ipynb")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "ada" / "newer.ipynb")
        os.mkfifo(tmp_path / "grace.ipynb")
    assert taken(tmp_path) == {"ada": "ada/tick.ipynb"}


def test_a_file_that_may_not_be_read(open_place, ordinary_user):
    """A file that we may not read is its submission's affair alone, and is referred."""
    put(open_place, "ada/tick.ipynb", "grace/tick.ipynb")
    (open_place / "ada" / "tick.ipynb").chmod(0)
    with ordinary_user():
        ada, grace = choice.find(open_place)
    assert ada.failure.rationale == "tick.ipynb could not be read: Permission denied."
    assert (blame.VERDICTS[ada.failure.cause], grace.failure) == (Verdict.REFER, None)


def test_a_folder_that_may_not_be_opened(open_place, ordinary_user):
    """A folder that we may not open is told by its name before anything is run."""
    put(open_place, "ada/tick.ipynb", "grace/tick.ipynb")
    (open_place / "ada").chmod(0)
    with ordinary_user(), pytest.raises(UsageError, match=r"ada cannot be opened: Permission denied\."):
        choice.find(open_place)
