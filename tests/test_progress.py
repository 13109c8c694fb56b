"""Progress: what a person sees while a batch runs, on a terminal and in a pipe."""

import io
import re
import shutil
from itertools import count
from pathlib import Path

import pytest
from reports import a_pass
from rich.cells import cell_len
from rich.console import Console

from checker.commands import consoles, steps
from checker.errors import AssignmentError
from checker.records.capture import Environment
from checker.records.job import Progress
from checker.records.report import Unfinished
from checker.records.verdicts import Stage
from checker.report import narrow
from checker.report.progress import Display, stage_in_words, time_in_words
from checker.run import session, store
from checker.run.session import Request
from checker.sandbox import kinds
from checker.wire.frames import message

LONG = "Wolfeschlegelsteinhausenbergerdorff, Hubert Blaine 12345"
STEPS = ((Stage.STARTING, Progress(0, 1)), (Stage.EXECUTING, Progress(3, 12)), (Stage.RETRAINING, Progress(4, 5)))


def shown(*names: str, is_terminal: bool = False, stored: tuple[str, ...] = ()) -> str:
    """Return what is shown while submissions of these names run one after another, each for a minute."""
    out, ticks = io.StringIO(), count(0, 60)
    console = Console(file=out, width=80, force_terminal=is_terminal, legacy_windows=False)
    display = Display(console, len(names), clock=lambda: next(ticks))
    with display.shown():
        for name in names:
            for stage, at in STEPS if name not in stored else ():
                display.watch(name)(stage, at)
                display._bars.refresh()
            display.end(name, a_pass(name))
    return out.getvalue()


def test_a_pipe_has_a_line_for_each_verdict() -> None:
    """In a pipe each submission has one line as it ends, which fits 80 columns, and no bars are drawn."""
    lines = shown("ada", LONG).splitlines()
    assert lines == ["[1/2] ada: PASS", "[2/2] Wolfeschlegelsteinha…Hubert Blaine 12345: PASS"]
    out = io.StringIO()
    Display(Console(file=out, width=80), 1).end("ada", Unfinished("ada", "disk full"))
    assert out.getvalue() == "[1/1] ada: no verdict\n"


def test_a_terminal_has_verdicts_above_bars() -> None:
    """A terminal has the same lines and, below, a bar for each that runs with its stage, and one for all of them."""
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown("ada", LONG, is_terminal=True))
    for words in ("[1/2] ada: PASS", "[2/2] Wolfeschlegelsteinha…Hubert Blaine 12345: PASS", "0 of 2", "1 of 2"):
        assert words in text
    for words in ("starting", "running cell 3 of 12", "training seed 5 of 5"):
        assert re.search(rf"ada +━.* {words} +\d:\d\d:\d\d", text)
    assert max(cell_len(line) for line in re.split(r"[\r\n]", text)) <= 80


def test_a_single_submission_has_a_single_bar() -> None:
    """Where only one is checked there is no bar of all beside its own."""
    assert "0 of 1" not in shown("ada", is_terminal=True)


def test_the_time_left_is_told_after_a_few() -> None:
    """After three that ran, the rest is estimated from them; those that were stored tell nothing of the rest."""
    names = [f"student {number}" for number in range(6)]
    said = [line.partition(": PASS")[2] for line in shown(*names).splitlines()]
    assert said[:2] == ["", ""]
    assert all(re.fullmatch(r" \(about \d+ min left\)", words) for words in said[2:5])
    assert said[5] == ""
    assert "left" not in shown(*names, stored=tuple(names[:4]))
    assert re.search(r"3 of 6, about \d+ min left", shown(*names, is_terminal=True))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "about 10 s"), (34, "about 30 s"), (59, "about 1 min"), (750, "about 12 min"), (9_000, "about 2.5 h")],
)
def test_a_rough_time_in_words(seconds: float, words: str) -> None:
    """The time left has no more digits than are known."""
    assert time_in_words(seconds) == words


@pytest.mark.parametrize(
    ("stage", "at", "words"),
    [
        (Stage.EXECUTING, Progress(0, 1), "running its cells"),
        (Stage.EXECUTING, Progress(12, 12), "running cell 12 of 12"),
        (Stage.TRACING, Progress(0, 1), "finding its rows in the data"),
        (Stage.RETRAINING, Progress(0, 5), "training seed 1 of 5"),
        (Stage.RETRAINING, Progress(5, 5), "training seed 5 of 5"),
    ],
)
def test_stages_have_names(stage: Stage, at: Progress, words: str) -> None:
    """A cell is told as it begins, a seed as it ends; both are shown as what runs now."""
    assert stage_in_words(stage, at) == words


@pytest.mark.parametrize("name", ["ada", LONG, "王小明" * 20, "a\x1b[2Jb" * 30, "e\u0301" * 40])
@pytest.mark.parametrize("width", [5, 24, 40])
def test_a_long_name_keeps_both_ends(name: str, width: int) -> None:
    """A name that is too long for its columns is cut in the middle; it holds no control characters."""
    short = narrow.shortened(name, width)
    assert cell_len(short) <= width
    assert "\x1b" not in short
    assert short[0] == name[0]
    assert short == narrow.shortened(name, 1_000) or (short.count("…") == 1 and not short.endswith("…"))


@pytest.mark.slow
def test_the_reference_is_announced_where_it_is_trained(root, tmp_path, monkeypatch, capsys, fake_sandbox) -> None:
    """Training the reference is announced, once; where its evidence is stored nothing is said of it."""

    def guest(job, beside):
        yield message(Environment({}, "3", ""))
        yield message(Progress(1, 1))

    bare = fake_sandbox(guest)
    folder = Path(shutil.copytree(root / "reference" / "ocean_proximity", tmp_path / "ocean"))
    monkeypatch.setattr(kinds, "choose", lambda kind: bare)
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(consoles, "output", Console(highlight=False, width=80))
    settings = session.settings(Request(assignment=folder, practice_data=True))
    for said in ("Training the reference solution, once: about a minute.\n", ""):
        with pytest.raises(AssignmentError, match="the reference solution fails"):
            steps.open_session(settings)
        assert capsys.readouterr().out == said
