"""What students are given: nothing in it that they may not see, all in it that a self-check needs, opened safely."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import pytest

from checker.assignment import bundle, folders
from checker.errors import AssignmentError, UsageError
from checker.records.capture import Environment
from checker.records.job import Progress
from checker.sandbox import kinds
from checker.wire.frames import message

SECRET_SEEDS = (918273, 564738, 102938)
SECRET_FURTHER = 770_077
SECRET_SCORE = 0.8123456789


@pytest.fixture(params=["ocean_proximity", "house_value"])
def secretive(request, root, tmp_path):
    """A copy of an assignment with grading seeds and scores that are easy to search for."""
    folder = shutil.copytree(root / "reference" / request.param, tmp_path / request.param)
    toml = folder / "assignment.toml"
    text = toml.read_text(encoding="utf-8")
    seeds = ", ".join(map(str, SECRET_SEEDS))
    assert "grading = [11, 23, 37, 41, 59]" in text
    text = text.replace("grading = [11, 23, 37, 41, 59]", f"# secret: {seeds}\ngrading = [{seeds}]")
    assert "further = [67, 71, 83, 97, 103]" in text
    text = text.replace("further = [67, 71, 83, 97, 103]", f"further = [{SECRET_FURTHER}]")
    toml.write_text(text, encoding="utf-8")
    scores = json.loads((folder / "scores.json").read_bytes())
    of_grading = {"seeds": SECRET_SEEDS, "scores": [SECRET_SCORE] * 3, "baselines": [SECRET_SCORE] * 3}
    (folder / "scores.json").write_text(json.dumps([*scores, {**scores[0], **of_grading}]), encoding="utf-8")
    (folder / "examples").mkdir(exist_ok=True)
    (folder / "examples" / "answer.ipynb").write_text("{}", encoding="utf-8")
    return folder


@pytest.fixture
def packed(root, tmp_path):
    """The zip of the classification assignment, on disk."""
    path = tmp_path / "tick4.zip"
    path.write_bytes(bundle.pack(folders.load(root / "reference" / "ocean_proximity")))
    return path


def members(content):
    with ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, files):
    """Write a zip with these members."""
    with ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def cells(path):
    return ["".join(cell["source"]) for cell in json.loads(path.read_bytes())["cells"]]


def test_outputs_by_row_are_packed(packed, root):
    """The bundle holds the reference's results for the held-out rows of the self-check's seeds."""
    with bundle.opened(str(packed)) as folder:
        found, whole = (folders.scores(folders.load(of)) for of in (folder, root / "reference/ocean_proximity"))
    assert found == whole
    assert all(len(scores.outputs) == len(scores.baseline_outputs) == 40 for scores in found)


# -- what is in it ---------------------------------------------------------------------------------------


def test_nothing_tells_the_solution(secretive):
    """The zip has four files, and none holds a line of the solution that the hand-out does not have."""
    found = members(bundle.pack(folders.load(secretive)))
    assert set(found) == {"assignment.toml", "scores.json", "starter.ipynb", "test_rules.py"}
    handed_out = "\n".join(cells(secretive / "starter.ipynb"))
    lines = {line.strip() for cell in cells(secretive / "solution.ipynb") for line in cell.splitlines()}
    own = {line for line in lines if len(line) > 25 and line not in handed_out}
    assert len(own) > 20
    given = "\n".join(cells_or_text(name, content) for name, content in found.items())
    assert {line for line in own if line in given} <= {f"classes = {json.dumps(classes_of(found))}"}  # known to all


def classes_of(found):
    return tomllib.loads(found["assignment.toml"].decode())["data"]["classes"]


def cells_or_text(name, content):
    return "\n".join(cells_in(content)) if name.endswith(".ipynb") else content.decode()


def cells_in(content):
    return ["".join(cell["source"]) for cell in json.loads(content)["cells"]]


def test_nothing_tells_the_grading_splits(secretive):
    """No file of the zip holds a grading seed or a score for one."""
    whole = folders.load(secretive)
    assert (whole.seeds.grading, whole.seeds.further) == (SECRET_SEEDS, (SECRET_FURTHER,))
    content = bundle.pack(whole)
    for name, data in members(content).items():
        for secret in (*SECRET_SEEDS, SECRET_FURTHER, SECRET_SCORE):
            assert str(secret).encode() not in data, name
    assert re.findall(rb"[gG]rading *=", members(content)["assignment.toml"]) == []


def test_all_else_of_the_settings_is_there(secretive, tmp_path):
    """The assignment read from the zip equals the original, except for its folder and the grading seeds."""
    whole = folders.load(secretive)
    path = tmp_path / "given.zip"
    path.write_bytes(bundle.pack(whole))
    with bundle.opened(str(path)) as folder:
        given = folders.load(folder)
        scores = folders.scores(given)
    assert given.seeds.grading == given.seeds.further == ()
    assert {k: v for k, v in vars(given).items() if k not in ("folder", "seeds")} == {
        k: v for k, v in vars(whole).items() if k not in ("folder", "seeds")
    }
    assert given.seeds.self_check == whole.seeds.self_check
    assert [s for s in folders.scores(whole) if s.seeds == given.seeds.self_check] == list(scores) != []
    with pytest.raises(UsageError, match="no seeds for grading"):
        folders.grading_seeds(given)


def test_the_same_folder_gives_the_same_bytes(secretive):
    """Two zips of the same assignment have the same bytes, so a published hash stays valid."""
    whole = folders.load(secretive)
    assert bundle.pack(whole) == bundle.pack(whole)


def test_without_scores_there_is_no_zip(secretive):
    """A bundle without scores is refused, because a self-check could compare with nothing. The message says how to
    make them."""
    (secretive / "scores.json").unlink()
    with pytest.raises(UsageError, match="no scores") as caught:
        bundle.pack(folders.load(secretive))
    assert "--write-scores" in caught.value.help


# -- how it is opened ------------------------------------------------------------------------------------


def test_a_folder_is_taken_as_it_is(root):
    """The folder of an unpacked zip or of the whole assignment can be named as well."""
    with bundle.opened(str(root / "reference" / "house_value")) as folder:
        assert folder == root / "reference" / "house_value"


def test_nothing_is_left_behind(packed):
    """The folder of an unpacked zip is removed afterwards."""
    with bundle.opened(str(packed)) as folder:
        assert folders.load(folder).id == "ocean_proximity"
    assert not folder.exists()


@pytest.mark.parametrize("digest", ["", "right", "RIGHT", "wrong"])
def test_a_hash_is_looked_at(packed, digest):
    """A zip on disk may be named with its hash in upper or lower case, and is refused if the hash differs."""
    right = hashlib.sha256(packed.read_bytes()).hexdigest()
    known = {"": "", "right": f"#sha256={right}", "RIGHT": f"#sha256={right.upper()}", "wrong": f"#sha256={'0' * 64}"}
    if digest == "wrong":
        with pytest.raises(UsageError, match="its sha256 differs"), bundle.opened(f"{packed}{known[digest]}"):
            pass
    else:
        with bundle.opened(f"{packed}{known[digest]}") as folder:
            assert folders.load(folder).id == "ocean_proximity"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.write_bytes(b"no zip"), "cannot be read as a zip"),
        (lambda path: rewrite(path, {"readme.txt": "hello"}), "assignment.toml: it is not there"),
        (lambda path: rewrite(path, {"tick4/assignment.toml": "id = 1"}), "assignment.toml: it is not there"),
        (lambda path: rewrite(path, {"../assignment.toml": "id = 1"}), "assignment.toml: its path leads out"),
        (lambda path: rewrite(path, {"assignment.toml": b"x" * (bundle.MOST_BYTES + 1)}), "it has more than 64 MiB"),
    ],
)
def test_what_is_no_assignment_is_refused(packed, change, said):
    """The message says what a zip lacks, or holds in another place or too large."""
    change(packed)
    with pytest.raises(UsageError) as caught, bundle.opened(str(packed)):
        pass
    assert said in caught.value.message


def test_no_path_in_a_zip_leads_anywhere(packed, tmp_path):
    """Other members of a zip are never written, and the name of a data file cannot lead out of the folder."""
    with ZipFile(packed, "a") as archive:
        archive.writestr("../../escaped.txt", "out")
        archive.writestr("/tmp/escaped.txt", "out")
        archive.writestr("conftest.py", "raise SystemExit")
    before = set(tmp_path.rglob("*"))
    with bundle.opened(str(packed)) as folder:
        assert {path.name for path in folder.parent.rglob("*") if path.is_file()} == {
            "assignment.toml", "scores.json", "starter.ipynb", "test_rules.py"}  # fmt: skip
    assert set(tmp_path.rglob("*")) == before
    with ZipFile(packed) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if "escaped" not in name}
    toml = files["assignment.toml"].replace(b'file = "housing.csv"', b'file = "../housing.csv"')
    rewrite(packed, {**files, "assignment.toml": toml})
    with pytest.raises(AssignmentError, match="a plain name"), bundle.opened(str(packed)):
        pass


@pytest.fixture
def served(packed, monkeypatch, tmp_path):
    """The zip's address on a local web server; the test has its own cache of downloads."""

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    monkeypatch.setattr(bundle.pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    handler = partial(Silent, directory=str(packed.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/{packed.name}"
        running.shutdown()


def test_an_address_needs_the_right_hash(served, packed):
    """A zip from the network needs a hash. Once downloaded, it works without a network."""
    right = hashlib.sha256(packed.read_bytes()).hexdigest()
    with pytest.raises(UsageError, match="its hash is missing"), bundle.opened(served):
        pass
    with pytest.raises(UsageError, match="could not be downloaded"), bundle.opened(f"{served}#sha256={'0' * 64}"):
        pass
    with bundle.opened(f"{served}#sha256={right}") as folder:
        assert folders.load(folder).id == "ocean_proximity"
    packed.unlink()
    with bundle.opened(f"{served}#sha256={right}") as folder:
        assert folders.load(folder).id == "ocean_proximity"


# -- how it is used --------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path, program, monkeypatch):
    """Run the program in this process, in a folder without assignments; return its exit code and what it wrote."""
    (tmp_path / "laptop").mkdir()
    monkeypatch.chdir(tmp_path / "laptop")
    return program


def test_the_command_says_what_students_type(run, root, tmp_path):
    """`checker bundle` writes the zip and prints its hash."""
    path = tmp_path / "tick4.zip"
    code, text = run("bundle", root / "reference" / "ocean_proximity", "-o", path)
    assert code == 0
    assert f"tick4.zip#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}" in text


def test_a_self_check_needs_nothing_else(run, packed, tmp_path, fake_sandbox, monkeypatch):
    """A self-check with the zip alone judges a notebook without a network, and writes its page."""

    def guest(job, beside):
        yield message(Environment({}, "3", ""))
        yield message(Progress(1, 1))

    monkeypatch.setattr(kinds, "choose", lambda kind: fake_sandbox(guest))
    Path("mine.ipynb").write_text("{}", encoding="utf-8")
    code, text = run("self-check", "mine.ipynb", "--assignment", packed, "--practice-data")
    assert code == 1
    assert "There is no model for this task" in text
    assert Path("checker-report.html").exists()


@pytest.mark.parametrize("command", ["batch", "reference", "judge"])
def test_grading_with_it_is_refused(run, packed, command):
    """A batch with the students' zip is refused: grading needs the whole assignment."""
    with ZipFile(packed) as archive:
        archive.extractall("given")
    Path("mine.ipynb").write_text("{}", encoding="utf-8")
    Path("results/evidence/mine").mkdir(parents=True)
    Path("results/evidence/mine/evidence.json").write_text("{}", encoding="utf-8")
    words = {
        "batch": ["mine.ipynb", "--assignment", "given"],
        "reference": ["given"],
        "judge": ["results", "--assignment", "given"],
    }
    code, text = run(command, *words[command], "--practice-data")
    assert code == 2
    assert "has no seeds for grading" in text


@pytest.mark.tensorflow
def test_a_student_passes_in_an_empty_home(root, packed, tmp_path):
    """A good solution passes a self-check with the zip and real guests, with nothing else of the course there."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(root / "submissions" / "plain-sequential" / "practical4.ipynb", home)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    ran = subprocess.run(
        [sys.executable, "-m", "checker", "self-check", "practical4.ipynb", "--assignment", packed, "--practice-data"],
        cwd=home,
        env=kept | {"HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "reaches the bar" in ran.stdout
    assert "over 3 splits" in ran.stdout
    assert "reference" in (home / "checker-report.html").read_text(encoding="utf-8")
