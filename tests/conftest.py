"""Fixtures that the tests share: the assignment, practice data, small records, a fake sandbox; and reasons to skip."""

import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import browser
import pytest
from fakes import FakeSandbox, an_execution
from rich.console import Console

from checker.assignment import dataset, folders
from checker.commands import app, consoles
from checker.records.arrays import Array
from checker.records.assignment import Assignment
from checker.records.capture import CellError, CellResult, Environment, Fed, Fit, ModelCapture, Use
from checker.records.evidence import Evidence, Selection
from checker.records.gathered import Gathered
from checker.records.network import Architecture, Development, KerasObject, Labels, Layer, Node, Phase
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.submission import Submission
from checker.records.training import TrainingRun
from checker.records.verdicts import Failure, FailureCause, Stage
from checker.run.session import Session
from checker.sandbox import bubblewrap
from checker.wire import frames

ROOT = Path(__file__).parent.parent
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it, and all that they start
MARKED_SECONDS = {"wall": 4.0, "slow": 4.0, "browser": 3.0, "tensorflow": 2.0}
"""About how long a test with a mark takes; ``slow(seconds=…)`` says it of one that takes much longer."""
IMPORTS_TENSORFLOW = re.compile(rb"^(?:import|from) (?:tensorflow|keras|tf_keras)\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out modules that import TensorFlow if no test that needs it runs: the import alone takes seconds."""
    is_module = collection_path.suffix == ".py" and "not tensorflow" in config.getoption("markexpr")
    return True if is_module and IMPORTS_TENSORFLOW.search(collection_path.read_bytes()) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip tests that need a wall or a browser if there is none, and say why there is none.

    In one of several processes the longest files come first, so that none of them is left for the end.
    """
    if hasattr(config, "workerinput"):
        _longest_first(items)
    for need, why_not in (("wall", bubblewrap.why_not), ("browser", browser.why_not)):
        needy = [item for item in items if item.get_closest_marker(need)]
        reason = why_not() if needy else ""
        for item in needy if reason else ():
            item.add_marker(pytest.mark.skip(reason=f"no {need} on this machine: {reason}"))


def _longest_first(items: list[pytest.Item]) -> None:
    """Order files by the time that their tests take, as far as their marks tell; a file's tests stay together.

    Tests that keep all processors busy come after all others, because they would slow down whatever runs beside them.
    """
    seconds: dict[Path, float] = {}
    for item in items:
        marks = ((mark.kwargs, MARKED_SECONDS.get(mark.name, 0.0)) for mark in item.iter_markers())
        slowest = max((said.get("seconds", usual) for said, usual in marks), default=0.0)
        seconds[item.path] = seconds.get(item.path, 0.0) + slowest
    busy = {item.path for item in items if item.get_closest_marker("busy")}
    items.sort(key=lambda item: (item.path in busy, -seconds[item.path]))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = browser.launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def assignment() -> Assignment:
    """The committed assignment."""
    return folders.load(ROOT / "reference" / "ocean_proximity")


@pytest.fixture(scope="session")
def regression() -> Assignment:
    """The committed regression assignment."""
    return folders.load(ROOT / "reference" / "house_value")


@pytest.fixture(scope="session")
def prices(regression: Assignment) -> dataset.Dataset:
    """The practice data with house values to predict."""
    return dataset.load(regression.data, practice=True)


@pytest.fixture(scope="session")
def practice(assignment: Assignment) -> dataset.Dataset:
    """The practice data."""
    return dataset.load(assignment.data, practice=True)


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user may enter and write to."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture
def ordinary_user() -> Callable[[], AbstractContextManager[None]]:
    """Makes a context manager that drops a superuser's rights; other users keep theirs."""

    @contextmanager
    def ordinary() -> Iterator[None]:
        if not hasattr(os, "geteuid"):
            pytest.skip("this system has other rights")
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65_534)
        try:
            yield
        finally:
            if is_root:
                os.seteuid(0)

    return ordinary


# -- small records ---------------------------------------------------------------------------------------


def a_phase(**more: Any) -> Phase:
    """Twenty epochs with Adam in batches of 32."""
    phase = Phase(
        optimizer=KerasObject("Adam", {"learning_rate": 0.001}),
        loss=KerasObject("SparseCategoricalCrossentropy", {"from_logits": False}),
        epochs=20,
        batch_size=32,
        labels=Labels.INTEGERS,
    )
    return replace(phase, **more)


def fed(x: Array, y: Array | None = None, index: Array | None = None) -> Fed:
    """The record of feeding these arrays to a model."""
    labels, numbers = (None if array is None else frames.reference(array) for array in (y, index))
    return Fed(rows=len(x), x=frames.reference(x), y=labels, index=numbers)


def a_fit(rows: int = 13_209, cell: int = 7, **more: Any) -> Fit:
    """A stretch of training that reached its end."""
    fit = Fit(
        cell=cell,
        how="fit",
        phase=a_phase(),
        unrebuildable="",
        epochs_asked=20,
        epochs_done=20,
        steps_done=8_260,
        finished=True,
        training=Fed(rows=rows),
        development=Development.NONE,
        validation=None,
        history={"loss": tuple(0.9 - 0.03 * epoch for epoch in range(20))},
    )
    return replace(fit, **more)


def an_architecture(inputs: int = 9, outputs: int = 5) -> Architecture:
    """One hidden layer of fifty units."""
    layers = (
        Layer("input", "InputLayer", {"shape": [inputs]}),
        Layer("hidden", "Dense", {"units": 50, "activation": "relu"}),
        Layer("output", "Dense", {"units": outputs, "activation": "softmax"}),
    )
    nodes = (Node("input", ()), Node("hidden", (0,)), Node("output", (1,)))
    return Architecture(layers, nodes, (2,), 50 * (inputs + 1) + outputs * 51)


def a_model(number: int = 1, *fits: Fit, **more: Any) -> ModelCapture:
    """A network for the task, trained once unless there are other fits."""
    model = ModelCapture(
        id=number,
        name=f"sequential_{number}",
        variable=f"model_{number}",
        class_name="Sequential",
        cell=6,
        input_width=9,
        output_width=5,
        parameters=755,
        architecture=an_architecture(),
        unrebuildable="",
        fits=fits or (a_fit(),),
    )
    return replace(model, **more)


def a_run(seed: int, outputs: Array, **more: Any) -> TrainingRun:
    """One seed's training run, with these outputs at its end."""
    run = TrainingRun(
        seed=seed,
        history={"accuracy": (0.5, 0.9)},
        epochs=2,
        steps=800,
        seconds=1.5,
        stopped_early=False,
        predictions=frames.reference(outputs),
    )
    return replace(run, **more)


def a_cell(index: int, source: str = "x = 1", error: str = "") -> CellResult:
    """A code cell that ran, or raised a ValueError with this message."""
    failed = CellError("ValueError", error, f"ValueError: {error}") if error else None
    return CellResult(index=index, source=source, outputs=(), error=failed, seconds=0.1)


def a_submission(name: str = "ada", content_hash: str = "c0ffee") -> Submission:
    """A submitted notebook."""
    return Submission(name=name, path=f"/submissions/{name}/practical4.ipynb", is_notebook=True, sha256=content_hash)


def some_evidence(**more: Any) -> Evidence:
    """Evidence of a notebook without any model."""
    failure = Failure(
        stage=Stage.SELECTING,
        cause=FailureCause.NO_ANSWER,
        rationale="There is no model for this task.",
        help="Add one.",
    )
    evidence = Evidence(
        submission=a_submission(),
        environment=Environment({"python": "3.11"}, "3", "no idiom of the legacy Keras"),
        execution=an_execution(),
        cells=(a_cell(1),),
        models=(),
        failures=(failure,),
        selection=Selection(None, "no model for this task found"),
        tracing=None,
        recipe=None,
        seeds=(11, 23),
        retraining=None,
        runs=(),
    )
    return replace(evidence, **more)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Builders of small records; keyword arguments replace fields."""
    return SimpleNamespace(
        phase=a_phase,
        fed=fed,
        fit=a_fit,
        architecture=an_architecture,
        model=a_model,
        use=lambda how, data, cell=9: Use(cell, how, data),
        run=a_run,
        cell=a_cell,
        submission=a_submission,
        execution=an_execution,
        evidence=some_evidence,
    )


@pytest.fixture(scope="session")
def fake_sandbox() -> type[FakeSandbox]:
    """A kind of sandbox whose guests are functions."""
    return FakeSandbox


@pytest.fixture(scope="session")
def without_reference() -> Callable[..., Session]:
    """Opens a session in place of ``session.open``, with a reference that was never trained."""

    def opened(settings: RunSettings, *told: object) -> Session:
        results = ReferenceResults(scores={}, baselines={})
        return Session(settings=settings, reference_evidence=Gathered(some_evidence(), {}), reference=results)

    return opened


# -- the program -----------------------------------------------------------------------------------------


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[Any, str]]:
    """Runs the program in this process; returns its exit code and its output with runs of white space as one space."""
    monkeypatch.setattr(consoles, "output", Console(highlight=False, width=200))
    monkeypatch.setattr(consoles, "errors", Console(highlight=False, width=200, stderr=True))

    def run_command(*words: object) -> tuple[Any, str]:
        monkeypatch.setattr(sys, "argv", ["checker", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        said = capsys.readouterr()
        return ended.value.code, " ".join((said.out + said.err).split())

    return run_command
