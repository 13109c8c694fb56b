"""The store: file names for any student's name, and evidence that is read back whole or not at all."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from checker.errors import EvidenceError, HarnessError
from checker.formats import files
from checker.records.evidence import Selection
from checker.records.gathered import Gathered
from checker.records.tracing import FeatureSource, Tracing
from checker.run import keys, store
from checker.run.keys import Keys
from checker.wire import frames

KEYS = Keys("run", "key")

# -- names -----------------------------------------------------------------------------------------------

NAMES = [
    "",
    ".",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "C:\\Windows",
    ".bashrc",
    "-rf",
    "a b",
    "a  b",
    "a-b",
    "Müller",
    "Möller",
    "李雷",
    "韩梅梅",
    "con",
    "NUL.txt",
    "com1",
    "x" * 300,
    "x" * 301,
    "<script>",
    "$(rm -rf ~)",
    "a\nb",
    "a\x00b",
    "\x1b[2J",
    "trailing.",
    "M\udcfcller",  # names that are not UTF-8, as archives from other systems leave them
    "M\udcf6ller",
    "index.html",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_slug_is_harmless(name):
    """Whatever a student is called, the file name is short, plain, and no name that a system keeps for itself."""
    slug = files.slug(name)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}", slug)
    assert not slug.endswith(".")
    assert slug.split(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt1"}


def test_every_name_has_its_own_slug():
    """Two names never share a file name, not even where one was made to look like the other's."""
    names = [*NAMES, *(files.slug(name) for name in NAMES if files.slug(name) != name)]
    assert len({files.slug(name) for name in names}) == len(names)


def test_plain_names_stay_as_they_are():
    """A name that is harmless already is its own file name, and any other's does not change from run to run."""
    assert [files.slug(name) for name in ("ada", "ada_l-2", "group7.final")] == ["ada", "ada_l-2", "group7.final"]
    assert files.slug("a b") == "a-b-c8687a08"


def test_names_that_differ_by_case_have_files_of_their_own():
    """Two students whose names differ only by case share no file, not even where the system ignores case."""
    slugs = {files.slug(name).lower() for name in ("anna", "Anna", "ANNA", "anna\u212a", "annaK")}
    assert len(slugs) == 5


# -- evidence --------------------------------------------------------------------------------------------


@pytest.fixture
def gathered(make):
    """Evidence that refers to four arrays."""
    rows, features = np.arange(40, dtype=np.int32), np.random.default_rng(0).random((40, 9))
    trainable = rows[:30]
    outputs = np.random.default_rng(1).random((8, 5)).astype(np.float32)
    named = {
        name: frames.reference(of) for name, of in (("rows", rows), ("features", features), ("trainable", trainable))
    }
    traced = Tracing(source=FeatureSource.TRACED, reason="found", **named)
    evidence = make.evidence(
        models=(make.model(1),),
        failures=(),
        selection=Selection(1, "the only one"),
        tracing=traced,
        runs=(make.run(11, outputs),),
    )
    return Gathered(evidence, {frames.reference(a).sha256: a for a in (rows, features, trainable, outputs)})


def test_evidence_is_read_back(tmp_path, gathered):
    """Evidence and its arrays are read back equal."""
    store.save(tmp_path, "ada", KEYS, gathered)
    back = store.load(tmp_path, "ada", KEYS)
    assert back.evidence == gathered.evidence
    assert set(back.arrays) == set(gathered.arrays)
    assert all(np.array_equal(back.array(ref), gathered.array(ref)) for ref in store._references(back.evidence))


def test_evidence_of_a_hostile_name_stays_in_its_folder(tmp_path, gathered):
    """Evidence of a student called ../../x lies in the folder it was given."""
    folder = tmp_path / "out" / "evidence"
    store.save(folder, "../../x", KEYS, gathered)
    assert store.load(folder, "../../x", KEYS) is not None
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["evidence"]


def test_evidence_under_another_key_is_none(tmp_path, gathered):
    """Evidence that was gathered under other circumstances is not taken, nor that of someone else."""
    store.save(tmp_path, "ada", KEYS, gathered)
    assert store.load(tmp_path, "ada", Keys("other run", "other key")) is None
    assert store.load(tmp_path, "grace", KEYS) is None


def test_only_arrays_that_are_referred_to_are_kept(tmp_path, gathered):
    """Arrays that the evidence does not refer to are not written."""
    other = np.zeros(1_000)
    more = replace(gathered, arrays={**gathered.arrays, frames.reference(other).sha256: other})
    store.save(tmp_path, "ada", KEYS, more)
    assert len(list(tmp_path.glob("ada/*.npz"))) == 4


def test_an_array_that_is_not_there_is_told(gathered):
    """Asking for an array that was not gathered is an error in evidence, not a crash."""
    with pytest.raises(EvidenceError):
        gathered.array(frames.reference(np.zeros(3)))


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def flip(path):
    """Change some bytes in the compressed middle."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 3
    data[middle : middle + 8] = bytes(byte ^ 0xFF for byte in data[middle : middle + 8])
    path.write_bytes(data)


def other_array(path):
    np.savez_compressed(path, values=np.zeros(3))


def other_key(path):
    np.savez_compressed(path, numbers=np.zeros(3))


def objects(path):
    np.savez_compressed(path, values=np.array([None]))


def bare_array(path):
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))


DAMAGES = [
    pytest.param(damage, id=damage.__name__) for damage in (cut, flip, other_array, other_key, objects, bare_array)
]
DAMAGES += [
    pytest.param(lambda path: path.write_bytes(b""), id="empty"),
    pytest.param(lambda path: path.write_bytes(b"PK\x03\x04" + bytes(40)), id="half an archive"),
    pytest.param(lambda path: path.write_text("hello"), id="text"),
    pytest.param(lambda path: path.unlink(), id="gone"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_array_makes_evidence_none(tmp_path, gathered, damage):
    """Evidence of which an array is damaged, exchanged or gone is gathered anew, not half read."""
    store.save(tmp_path, "ada", KEYS, gathered)
    largest = max(tmp_path.glob("ada/*.npz"), key=lambda path: path.stat().st_size)
    damage(largest)
    assert store.load(tmp_path, "ada", KEYS) is None


def test_a_flipped_byte_is_noticed_anywhere(tmp_path, gathered):
    """Whichever byte of an array's file is flipped, loading gives the evidence unharmed or None, and no crash."""
    store.save(tmp_path, "ada", KEYS, gathered)
    path = max(tmp_path.glob("ada/*.npz"), key=lambda path: path.stat().st_size)
    whole, surprises = path.read_bytes(), set()
    for at in range(0, len(whole), 13):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            loaded = store.load(tmp_path, "ada", KEYS)
        except Exception as error:
            surprises.add(type(error).__name__)
        else:
            assert loaded is None or loaded.evidence == gathered.evidence
    assert not surprises


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": "key"}', '{"key": "key", "evidence": null}'])
def test_a_damaged_record_makes_evidence_none(tmp_path, gathered, content):
    """A record that cannot be read is gathered anew."""
    store.save(tmp_path, "ada", KEYS, gathered)
    (tmp_path / "ada" / "evidence.json").write_text(content)
    assert store.load(tmp_path, "ada", KEYS) is None


def test_a_record_with_a_key_of_the_future_makes_evidence_none(tmp_path, gathered):
    """Evidence of a checker that writes one field more is gathered anew."""
    store.save(tmp_path, "ada", KEYS, gathered)
    path = tmp_path / "ada" / "evidence.json"
    path.write_text('{"colour": 1, ' + path.read_text()[1:])
    assert store.load(tmp_path, "ada", KEYS) is None


def test_a_key_depends_on_every_part():
    """The same parts give the same key; another part, or the same text cut elsewhere, gives another."""
    assert keys.key((), "a", "b") == keys.key((), "a", "b")
    assert len({keys.key((), *parts) for parts in (("a", "b"), ("b", "a"), ("ab",), ("a", "", "b"), ())}) == 5


# -- files -----------------------------------------------------------------------------------------------


def test_a_file_is_written_with_its_folders(tmp_path):
    """A file is written with the folders above it, readable by others, and replaced when written again."""
    path = tmp_path / "a" / "b" / "c.html"
    files.write(path, "naïve \udcff")
    assert path.read_bytes() == "naïve ?".encode()
    files.write(path, b"second")
    assert path.read_bytes() == b"second"
    assert path.stat().st_mode & 0o444 == 0o444
    assert os.listdir(path.parent) == ["c.html"]


def test_a_file_is_written_in_pieces(tmp_path):
    """Pieces make up one file. If making one fails, the old file stays, and nothing half-written is left."""
    path = tmp_path / "results.json"
    files.write(path, iter(["naïve ", b"second"]))
    assert path.read_bytes() == "naïve second".encode()
    with pytest.raises(ZeroDivisionError):
        files.write(path, (str(1 // left) for left in (1, 0)))
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [(path.name, "naïve second".encode())]


def test_arrays_that_are_there_are_known(tmp_path):
    """An archive holds arrays if names, types, shapes and every bit are theirs; a damaged one holds nothing."""
    path, arrays = tmp_path / "ada.npz", {"x": np.array([0.0, np.nan], np.float32), "rows": np.arange(3)}
    assert not files.holds(path, arrays)
    files.write(path, files.zipped(**arrays))
    assert files.holds(path, arrays)
    for other in ({"x": arrays["x"]}, arrays | {"x": -arrays["x"]}, arrays | {"rows": np.arange(3, dtype=np.int32)}):
        assert not files.holds(path, other)
    path.write_bytes(path.read_bytes()[:-40])
    assert not files.holds(path, arrays)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    """Where writing fails the old file stays as it was, nothing half-written is left, and the harness is to blame."""
    path = tmp_path / "index.html"
    files.write(path, "old")

    def full(*paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(HarnessError, match=r"index\.html could not be written: No space left") as caught:
        files.write(path, "new")
    assert "--out" in caught.value.help
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_a_folder_that_cannot_be_made_is_the_harnesss_fault(tmp_path):
    """A file where a folder must be made is told as what it is."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(HarnessError, match="could not be written"):
        files.write(tmp_path / "out" / "index.html", "new")


def test_what_was_still_being_written_is_cleared(tmp_path):
    """Files half written by a killed process are removed from every folder; whole files stay."""
    for folder in (tmp_path, tmp_path / "evidence" / "ada"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{files.PARTIAL}x1y2z3").write_bytes(b"half")
        (folder / "whole").touch()
    files.clear(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["whole", "whole"]


def test_a_folder_that_may_only_be_read_is_the_harnesss_fault(open_place, ordinary_user):
    """Where an ordinary user may not write, the message says so."""
    open_place.chmod(0o555)
    with ordinary_user(), pytest.raises(HarnessError, match=r"index\.html could not be written: Permission denied"):
        files.write(open_place / "index.html", "new")


FULL = """
import os
from pathlib import Path
from checker.errors import HarnessError
from checker.formats import files
folder = Path(os.environ["FOLDER"])
files.write(folder / "old.html", b"old")
try:
    files.write(folder / "old.html", bytes(10**6))
except HarnessError as error:
    print(error.message, sorted(os.listdir(folder)), (folder / "old.html").read_bytes())
"""


def test_a_full_disk_leaves_what_was_there(tmp_path, root):
    """On a disk that is full the old file stays whole, nothing half-written is left, and the message says why."""
    mount = f'mount -t tmpfs -o size=64k none {tmp_path} && exec {sys.executable} -c "$CODE"'
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c", mount]
    environment = {**os.environ, "PYTHONPATH": str(root), "FOLDER": str(tmp_path), "CODE": FULL}
    try:
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except OSError:
        pytest.skip("no file system can be made here")
    if "unshare" in ended.stderr or "mount:" in ended.stderr:
        pytest.skip(f"no file system can be made here: {ended.stderr.strip()}")
    assert ended.stdout.strip().endswith("No space left on device. ['old.html'] b'old'"), ended.stderr


def test_what_a_run_left_is_read_under_its_own_key(tmp_path, make):
    """Evidence in which only the choice of the answer is outdated gives back the arrays of the student's run, and no
    other; damaged, it gives nothing."""
    values, others = np.arange(6.0).reshape(2, 3), np.zeros(2, np.uint8)
    kept = tuple(map(frames.reference, (values, others)))
    arrays = {ref.sha256: array for ref, array in zip(kept, (values, others), strict=True)}
    store.save(tmp_path, "ada", KEYS, Gathered(make.evidence(kept=kept), arrays))
    assert store.load(tmp_path, "ada", KEYS).arrays == {}, "judging needs none of them"
    back = store.load_run(tmp_path, "ada", Keys("run", "another answer"))
    assert back.arrays.keys() == arrays.keys()
    assert all(np.array_equal(back.arrays[name], arrays[name]) for name in arrays)
    assert store.load_run(tmp_path, "ada", Keys("another run", "key")) is None
    (tmp_path / "ada" / f"{kept[0].sha256}.npz").write_bytes(b"")
    assert store.load_run(tmp_path, "ada", KEYS) is None
    (tmp_path / "ada" / f"{kept[0].sha256}.npz").unlink()
    assert store.load(tmp_path, "ada", KEYS) is None
