"""The commands: exit codes, words for every way to fail, and nothing hostile on the screen."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import checker
from checker import run as run_package
from checker.assignment import dataset
from checker.commands import app
from checker.errors import HarnessError
from checker.records.capture import Environment
from checker.records.job import Progress
from checker.records.report import Finding
from checker.run import batch, doctor, lock, session
from checker.sandbox import kinds, trials
from checker.wire.frames import message

HOSTILE = "evil\x1b[2J\x1b]0;pwned\x07\u202egnp.ipynb"


@pytest.fixture
def run(root, program, monkeypatch, tmp_path_factory):
    """Run the program in this process, beside the project's files and without earlier results; return its exit code
    and all that it wrote."""
    place = tmp_path_factory.mktemp("project")
    for path in root.iterdir():
        if path.name != "results":
            (place / path.name).symlink_to(path)
    monkeypatch.chdir(place)
    return program


@pytest.fixture
def empty_handed(tmp_path):
    """A folder with one submission."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada.ipynb").write_text("{}")
    return tmp_path / "in"


@pytest.fixture
def with_guest(monkeypatch, fake_sandbox, without_reference):
    """Make batches run in a fake sandbox, against made-up reference results."""

    def set_up(guest):
        made = fake_sandbox(guest)
        monkeypatch.setattr(kinds, "choose", lambda kind: made)
        monkeypatch.setattr(session, "open", without_reference)
        return made

    return set_up


# -- exit codes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["batch", "nowhere"], "There is nothing at nowhere."),
        (["batch", "n" * 300], "cannot be opened: File name too long"),
        (["batch", "submissions", "--assignment", "n" * 300], "assignment.toml is missing"),
        (["batch", "submissions", "--data", "n" * 300], "The data cannot be read: "),
        (["batch", "submissions", "--out", "n" * 300], "cannot be used as a folder for results: File name too long"),
        (["batch", "docs"], "There is no notebook (.ipynb) or module (.py) in"),
        (["batch", "submissions", "--sandbox", "paper"], "--sandbox paper: there is bubblewrap and none."),
        (["batch", "submissions", "--sandbox", "none", "--scheduler", "x"], "Workers run nothing without a sandbox"),
        (["batch", "submissions", "--only", "nobody"], "There is no submission nobody. There are: "),
        (["batch", "submissions", "--assignment", "tests"], "There is no assignment in tests"),
        (["batch", "submissions", "--data", "nowhere.csv"], "The data cannot be read: nowhere.csv"),
        (["batch", "submissions", "--data", "README.md"], "is not the file this assignment is about"),
        (["judge", "docs"], "There is no evidence in docs."),
        (["self-check", "nowhere.ipynb"], "There is no file nowhere.ipynb."),
        (["batch", "submissions", "--practice-data", "--data", "x.csv"], "Say either --data or --practice-data."),
        (["self-check", "README.md", "--practice-data", "--data", "x"], "Say either --data or --practice-data."),
        (["batch", "submissions", "--jobs", "0"], "--jobs"),
        (["batch"], "SUBMISSIONS"),
        (["no-such-command"], "no-such-command"),
        (["batch", "--no-such-option"], "--no-such-option"),
    ],
)
def test_wrong_usage_is_2(run, words, said):
    """A command with invalid options ends with exit code 2 and says what is wrong."""
    code, text = run(*words)
    assert code == 2
    assert said in text


def test_a_broken_assignment_is_3(run, tmp_path, empty_handed):
    """An assignment that cannot be read ends with exit code 3. The message names its file."""
    (tmp_path / "assignment.toml").write_text("id = ")
    for words in (["batch", empty_handed, "--assignment", tmp_path], ["reference", tmp_path]):
        code, text = run(*words)
        assert code == 3
        assert "assignment.toml: not TOML" in text


def test_a_reference_without_its_solution_is_3(run, root, tmp_path):
    """Grading needs the reference solution. Where it is missing, the message names its file."""
    folder = shutil.copytree(root / "reference" / "ocean_proximity", tmp_path / "ocean")
    (folder / "solution.ipynb").unlink()
    code, text = run("reference", folder, "--practice-data")
    assert code == 3
    assert "the file solution.ipynb is missing" in text


def test_a_submission_that_does_not_pass_is_1(run, with_guest, empty_handed, tmp_path):
    """A batch with a FAIL writes all reports and ends with exit code 1."""

    def guest(job, beside):
        yield message(Environment({}, "3", ""))
        yield message(Progress(1, 1))

    with_guest(guest)
    code, text = run("batch", empty_handed, "--practice-data", "--out", tmp_path / "out")
    assert code == 1
    assert "1 FAIL" in text
    assert (tmp_path / "out" / "index.html").exists()


def test_a_broken_harness_is_4(run, with_guest, empty_handed, tmp_path):
    """A batch in which the checker failed on a submission ends with exit code 4."""

    def guest(job, beside):
        raise HarnessError("The sandbox fell over.")

    with_guest(guest)
    code, text = run("batch", empty_handed, "--practice-data", "--out", tmp_path / "out")
    assert code == 4
    assert "The sandbox fell over." in text
    assert "Not the students' fault" in text


def test_a_folder_in_use_is_2(run, with_guest, empty_handed, tmp_path):
    """A second command in the same folder runs nothing, names the first, and ends with exit code 2."""
    made = with_guest(lambda job, beside: iter(()))
    with lock.held(tmp_path / "out"):
        code, text = run("batch", empty_handed, "--practice-data", "--out", tmp_path / "out")
    assert code == 2
    assert f"out is in use by process {os.getpid()}, since " in " ".join(text.split())
    assert not made.boxes


def test_an_interruption_is_130(run, with_guest, empty_handed, monkeypatch, tmp_path):
    """An interrupted batch says what it has kept and ends with exit code 130."""

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with_guest(None)
    monkeypatch.setattr(batch, "run", interrupted)
    code, text = run("batch", empty_handed, "--practice-data", "--out", tmp_path / "out")
    assert code == 130
    assert "Interrupted; what was finished is kept. To go on, type:" in text
    assert f"checker batch {empty_handed} --practice-data --out {tmp_path / 'out'}" in text


def test_the_index_is_there_while_the_reference_is_trained(run, with_guest, empty_handed, monkeypatch, tmp_path):
    """The index lists waiting submissions from the start. A batch that is interrupted before any has run leaves them
    there."""
    index, seen = tmp_path / "out" / "index.html", []

    def interrupted(settings, watch, on_end, lend):
        seen.append(index.read_text())
        raise KeyboardInterrupt

    with_guest(None)
    monkeypatch.setattr(session, "open", interrupted)
    code, _ = run("batch", empty_handed, "--practice-data", "--out", tmp_path / "out")
    assert code == 130
    assert "0 running, 1 waiting" in seen[0]
    assert "Interrupted: 1 submission is still to be checked" in index.read_text()


def test_a_partial_batch_tells_of_its_own_submissions_alone(run, with_guest, empty_handed, tmp_path):
    """With --only the exit code depends on the named submission alone. The summary counts all."""

    def guest(job, beside):
        if beside[0].payload == b"{}":
            raise HarnessError("The sandbox fell over.")
        yield message(Environment({}, "3", ""))
        yield message(Progress(1, 1))

    with_guest(guest)
    (empty_handed / "grace.py").write_text("1")
    words = ("batch", empty_handed, "--practice-data", "--out", tmp_path / "out")
    code, text = run(*words)
    assert code == 4
    assert "in the index" not in text
    code, text = run(*words, "--only", "grace")
    assert code == 1
    assert "1 submission: 0 PASS, 1 FAIL, 0 REFER 1 checked again, 2 in the index." in text
    assert "The sandbox fell over." in (tmp_path / "out" / "index.html").read_text()


def test_a_mistake_in_the_checker_is_4(run, with_guest, empty_handed, monkeypatch, tmp_path):
    """A fault of the checker ends with exit code 4, and no student is blamed."""

    def mistaken(*arguments):
        raise IndexError("list index out of range")

    with_guest(None)
    monkeypatch.setattr(batch, "run", mistaken)
    code, text = run("batch", empty_handed, "--practice-data", "--out", tmp_path / "out")
    assert code == 4
    assert "a mistake in the checker, not in any submission" in text


# -- what was typed --------------------------------------------------------------------------------------


def test_everything_that_is_wrong_is_said_at_once(run, tmp_path):
    """Contradictory options and missing paths are all reported at once, before anything runs."""
    (tmp_path / "essay.txt").write_text("")
    code, text = run(
        *("batch", "nowhere", "--assignment", "flowers", "--data", "none.csv", "--extensions", "later.csv"),
        *("--moodle-worksheet", "grades.csv", "--out", tmp_path, "--sandbox", "paper", "--practice-data"),
    )
    assert code == 2
    for words in (
        "8 things are wrong with the command:",
        "• --sandbox paper: there is bubblewrap and none.",
        "• There is nothing at nowhere.",
        "• Say either --data or --practice-data.",
        "• There is no assignment in flowers: assignment.toml is missing. Name an assignment's folder, or one that "
        "comes with the checker: house_value, ocean_proximity.",
        "• The data cannot be read: none.csv: No such file or directory.",
        "• The file of extensions cannot be read: later.csv: No such file",
        "• The worksheet cannot be read: grades.csv: No such file",
        f"• {tmp_path} holds something else than results: essay.txt. Choose an empty or a new folder with --out.",
    ):
        assert words in text
    for command in ("judge", "tensorboard"):
        code, text = run(command, tmp_path, "--assignment", "flowers", "--data", "none.csv")
        assert (code, "3 things are wrong" in text) == (2, True)


def test_an_assignment_is_chosen_by_name(run, with_guest, empty_handed, tmp_path, monkeypatch):
    """--assignment takes the name of a shipped assignment in any folder. Without it, an assignment is looked for."""
    with_guest(None)
    monkeypatch.setattr(batch, "run", lambda *arguments: batch.Result((), ()))
    monkeypatch.chdir(tmp_path)
    words = ("batch", "in", "--practice-data")
    code, text = run(*words, "--assignment", "house_value")
    assert (code, "Practical 4: predict the median house value, on practice data." in text) == (0, True)
    assert "The seeds for grading house_value are public" in text
    assert "house_value, change the numbers of seeds.grading and seeds.further in assignment.toml there" in text
    assert "are public" not in run(*words)[1]
    code, text = run(*words, "--out", "other")
    assert (code, "Practical 4: predict ocean proximity, on practice data. 1 submission, " in text) == (0, True)


def test_an_output_folder_with_something_else_is_refused(run, with_guest, empty_handed, tmp_path, monkeypatch):
    """A batch writes into a folder that is new, empty, or holds results, even beside other files. It refuses all
    others."""
    made = with_guest(None)
    monkeypatch.setattr(batch, "run", lambda *arguments: batch.Result((), ()))
    out = tmp_path / "out"
    words = ("batch", empty_handed, "--practice-data", "--out", out)
    out.mkdir()
    (out / "extensions.csv").write_text("")  # this is where a lecturer puts it before the first batch
    (out / ".DS_Store").write_text("")
    (out / "notes.txt").write_text("")
    code, text = run(*words)
    assert (code, f"{out} holds something else than results: notes.txt." in text) == (2, True)
    assert sorted(path.name for path in out.iterdir()) == [".DS_Store", "extensions.csv", "notes.txt"]
    assert made.boxes == []
    for left in ("notes.txt", "extensions.csv"):
        (out / left).unlink()
    assert run(*words)[0] == 0
    (out / "notes.txt").write_text("")
    assert run(*words)[0] == 0
    code, text = run(*words[:-1], empty_handed / "ada.ipynb")
    assert (code, "ada.ipynb cannot be used as a folder for results: Not a directory" in text) == (2, True)


# -- options ---------------------------------------------------------------------------------------------


def test_only_the_named_are_checked(run, with_guest, tmp_path, monkeypatch):
    """With --only, given twice, two of three submissions are checked."""
    (tmp_path / "in").mkdir()
    for name in ("ada", "grace", "linus"):
        (tmp_path / "in" / f"{name}.ipynb").write_text("{}")
    checked = []

    def run_none(chosen, settings, reference, out, executor, *rest):
        checked.extend(submission.name for submission in chosen)
        assert isinstance(executor, ThreadPoolExecutor)
        return batch.Result((), ())

    with_guest(None)
    monkeypatch.setattr(batch, "run", run_none)
    words = ("batch", tmp_path / "in", "--practice-data", "--out", tmp_path / "out")
    code, _ = run(*words, "--only", "ada", "--only", "linus")
    assert (code, checked) == (0, ["ada", "linus"])


def test_no_sandbox_is_said_loudly(run, with_guest, empty_handed, monkeypatch, tmp_path):
    """A batch without a sandbox warns what that means."""
    with_guest(None)
    monkeypatch.setattr(batch, "run", lambda *arguments: batch.Result((), ()))
    words = ("batch", empty_handed, "--practice-data", "--out", tmp_path / "out")
    code, text = run(*words, "--sandbox", "none")
    assert code == 0
    assert "No sandbox: the files run as you, with your rights, on your machine." in text
    assert "No sandbox" not in run(*words)[1]


def test_an_old_key_is_said_once(run, with_guest, empty_handed, monkeypatch, tmp_path, root):
    """An assignment may use the former name of its time limit. The command prints the new name."""
    folder = Path(shutil.copytree(root / "reference" / "ocean_proximity", tmp_path / "old"))
    settings = folder / "assignment.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("seconds = 720", "wall_seconds = 360"), "utf-8")
    with_guest(None)
    monkeypatch.setattr(batch, "run", lambda *arguments: batch.Result((), ()))
    words = ("batch", empty_handed, "--practice-data", "--out", tmp_path / "out", "--sandbox", "none")
    code, text = run(*words, "--assignment", folder)
    assert code == 0
    assert text.count("execute.wall_seconds is read as execute.seconds") == 1
    assert "is read as" not in run(*words, "--assignment", "ocean_proximity")[1]
    for command in ("bundle", "reference"):
        assert (
            "is read as execute.seconds"
            in run(command, folder, *(["-o", tmp_path / "x.zip"] * (command == "bundle")))[1]
        )


def test_a_scheduler_without_tls_is_said_loudly(run, monkeypatch):
    """A scheduler that others can reach without a certificate leads to a warning that says what that means."""
    cluster = pytest.importorskip("checker.run.cluster", reason="needs the extra `cluster`")
    monkeypatch.setattr(cluster, "work", lambda address, boxes, announce: None)
    code, text = run("worker", "tcp://10.0.0.7:8786")
    assert code == 0
    assert "tcp://10.0.0.7:8786 has no TLS: whoever reaches it can run programs on its workers" in text
    assert run("worker", "tcp://127.0.0.1:8786") == (0, "")


def test_a_cluster_needs_its_extra(run, monkeypatch):
    """Without Dask, a command that needs a cluster says what to install. Other commands work."""
    monkeypatch.delattr(run_package, "cluster", raising=False)
    monkeypatch.delitem(sys.modules, "checker.run.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setitem(sys.modules, "dask", None)
    code, text = run("worker", "tcp://127.0.0.1:8786")
    assert code == 2
    assert "dask is not installed. Type: pip install 'checker[cluster]'." in text


def test_the_version_is_printed(program):
    """--version prints one line and needs no command."""
    assert program("--version") == (0, f"checker {checker.__version__}")


# -- help ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_program_alone_teaches():
    """Without a command, the program lists its commands with a line for each, as a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "checker", "--help"], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0
    for words in ("batch", "self-check", "reference", "doctor", "Check your own solution"):
        assert words in ended.stdout


COMMANDS = "batch judge export tensorboard self-check new reference bundle doctor worker".split()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_fits_and_has_an_example(run, command, monkeypatch, capsys):
    """The help of each command has an example, which the command takes as it stands, and fits 80 columns; so does the
    list of commands, whose sentences are whole."""
    monkeypatch.setenv("COLUMNS", "80")
    for words in (["--help"], [command, "--help"]):
        monkeypatch.setattr(sys, "argv", ["checker", *words])
        with pytest.raises(SystemExit):
            app.main()
        text = capsys.readouterr().out
        assert max(map(len, text.splitlines())) <= 80
        assert "..." not in text.replace("COMMAND [ARGS]...", "")
    (example,) = re.findall(r"Example:\s+checker (.*)", text)
    name, *given = shlex.split(example)
    assert name == command
    app.imported(name).make_context(name, given)  # raises if it cannot be parsed


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("batch", ["--assignment", "--data", "--practice-data", "--out", "--jobs", "--only", "--fresh", "--sandbox"]),
        ("worker", ["--boxes"]),
        ("self-check", ["--assignment", "--data", "--practice-data", "--report"]),
        ("reference", ["--data", "--practice-data", "--write-scores"]),
    ],
)
def test_each_command_teaches_by_example(run, command, options):
    """A command's help names its options as one types them."""
    code, text = run(command, "--help")
    assert code == 0
    assert f"Example: checker {command} " in text
    assert all(option in text for option in options)


def test_exit_codes_are_taught(run):
    """The help of batch explains each exit code."""
    _, text = run("batch", "--help")
    for words in ("0: all pass", "1: some fail", "2: wrong usage", "3: the assignment", "4: the checker"):
        assert words in text


# -- doctor ----------------------------------------------------------------------------------------------


@pytest.fixture
def healthy(monkeypatch, tmp_path):
    """A machine with a working sandbox and without the data."""
    monkeypatch.setattr(doctor.bubblewrap, "why_not", lambda: "")
    monkeypatch.setattr(dataset.pooch, "os_cache", lambda project: tmp_path)
    monkeypatch.delenv(dataset.VARIABLE, raising=False)


def test_the_doctor_says_what_is_missing(run, healthy):
    """doctor lists versions, sandbox, assignment and memory, says how to get missing data, and ends with exit code
    1."""
    code, text = run("doctor")
    assert code == 1
    for words in ("ok Python:", "ok tensorflow:", "ok sandbox: bubblewrap works", "ok assignment:", "ok room:"):
        assert words in text
    assert "-- data: The data (housing.csv) is not on this machine." in text
    assert "--data PATH" in text


def test_the_doctor_says_how_to_get_a_sandbox(run, healthy, monkeypatch):
    """doctor says why the sandbox does not work, and what to type."""
    monkeypatch.setattr(doctor.bubblewrap, "why_not", lambda: "the command bwrap is not installed.")
    _, text = run("doctor")
    assert "-- sandbox: none: the command bwrap is not installed." in text
    assert doctor.bubblewrap.how_to_get() in text


def test_the_doctor_goes_on_without_an_assignment(run, healthy, tmp_path):
    """doctor says that there is no assignment, among its other findings."""
    code, text = run("doctor", "--assignment", tmp_path)
    assert code == 1
    assert "-- assignment: There is no assignment in" in text


def test_a_healthy_machine_is_0(run, monkeypatch):
    """doctor ends with exit code 0 if nothing is missing."""
    monkeypatch.setattr(doctor, "examine", lambda folder, data: (Finding("all", "is well", True),))
    assert run("doctor") == (0, "ok all: is well")


def test_the_doctor_tries_the_wall_when_asked(run, monkeypatch, make):
    """doctor --full runs hostile files, counts for each group how many were stopped, and names those that were not."""
    snippets = trials.load()
    tried = [trials.Trial(snippet, make.execution(), "") for snippet in snippets]
    through = next(number for number, snippet in enumerate(snippets) if snippet.name == "network/tcp")
    tried[through] = replace(tried[through], broken=("connected to the host's server (tcp)",))
    monkeypatch.setattr(doctor, "examine", lambda folder, data: ())
    monkeypatch.setattr(doctor.bubblewrap, "why_not", lambda: "")
    monkeypatch.setattr(doctor.trials, "run", lambda sandbox, snippets: tried)
    code, text = run("doctor", "--full")
    assert code == 1
    assert "ok files: 18 of 18 hostile files came to nothing" in text
    assert "-- network: 9 of 10 hostile files came to nothing" in text
    assert "-- network/tcp: Connects to a server of the host over TCP. It got through: connected to" in text


def test_the_doctor_tries_nothing_without_a_wall(run, monkeypatch):
    """doctor --full runs no hostile file if the machine has no wall."""
    monkeypatch.setattr(doctor, "examine", lambda folder, data: ())
    monkeypatch.setattr(doctor.bubblewrap, "why_not", lambda: "the command bwrap is not installed.")
    monkeypatch.setattr(doctor.trials, "run", None)
    code, text = run("doctor", "--full")
    assert code == 1
    assert "-- hostile files: not tried, for there is no wall: the command bwrap is not installed." in text


# -- hostile names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["batch", HOSTILE],
        ["self-check", HOSTILE],
        ["reference", HOSTILE],
        ["batch", "submissions", "--only", HOSTILE],
        ["batch", "submissions", "--data", HOSTILE],
        ["batch", "submissions", "--sandbox", HOSTILE],
        ["doctor", "--assignment", HOSTILE],
        [HOSTILE],
    ],
    ids=lambda words: " ".join(word for word in words if word != HOSTILE) or "command",
)
def test_a_hostile_name_paints_nothing(run, healthy, words):
    """A typed file name with terminal escapes or reversed text is printed as harmless text."""
    code, text = run(*words)
    assert code != 0
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "evil" in text


def test_hostile_names_of_submissions_paint_nothing(run, with_guest, tmp_path):
    """A submission's hostile name is printed as harmless text in the list, the progress and the summary."""

    def guest(job, beside):
        yield message(Environment({}, "3", ""))
        yield message(Progress(1, 1))

    with_guest(guest)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / HOSTILE).write_text("{}")
    for more in ([], ["--only", "nobody"]):
        _, text = run("batch", tmp_path / "in", "--practice-data", "--out", tmp_path / "out", *more)
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        assert "evil" in text
