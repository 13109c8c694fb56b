"""Run an assignment's rules: pytest functions that get the evidence through fixtures.

Theory of operation: pytest runs in this process, isolated from any configuration files, with one plugin,
``RulesPlugin``. It provides the fixtures and turns each test's report into a ``RuleResult``. A rule is marked
``required`` or ``advisory`` (``help=`` is the advice to the student, ``short=`` names the failure in a few words). Its
docstring is its sentence in the report. The first line of a failed assertion's message is the finding. Any other
exception is an error of the rule itself. A rule that skips does not apply. If evidence that it needs does not exist,
its outcome is ``unknown``. The assignment's ``[rules]`` may give a rule another weight, or turn it off. pytest keeps
global state, so there is one run at a time.
"""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from checker.assignment import former_names
from checker.assignment.rules import NoEvidenceError, own_cells, unknown
from checker.errors import AssignmentError, HarnessError
from checker.records.assignment import Assignment, DatasetNote
from checker.records.capture import CellResult, ModelCapture
from checker.records.comparison import Comparison
from checker.records.network import Architecture, Recipe
from checker.records.tracing import Tracing
from checker.records.training import TrainingRun
from checker.records.verdicts import Importance, Outcome, RuleResult
from checker.wire.frames import ONE_PARSER

OPTIONS = ("--import-mode=importlib", "--capture=no", "--disable-plugin-autoload", "--noconftest")
WITHOUT = "cacheprovider terminal logging warnings faulthandler unraisableexception threadexception junitxml"

T = TypeVar("T")


@dataclass(frozen=True)
class Exhibits:
    """The evidence that rules may use; None if it does not exist. ``data_rows``: number of rows of the data."""

    assignment: Assignment
    dataset: DatasetNote
    data_rows: int
    notebook: tuple[CellResult, ...]
    answer: ModelCapture | None
    recipe: Recipe | None
    tracing: Tracing | None
    training: tuple[TrainingRun, ...]
    comparison: Comparison | None


def run(path: Path, exhibits: Exhibits) -> tuple[RuleResult, ...]:
    """Run all rules of a file and return their results in the file's order.

    Raises AssignmentError if the file is broken or empty, has an unmarked rule, or lacks a rule that the assignment
    names.
    """
    plugin = RulesPlugin(exhibits)
    without = [word for name in WITHOUT.split() for word in ("-p", f"no:{name}")]
    # Without --confcutdir, pytest lists every folder above the file, too. That takes longer than all rules.
    folders = ["--rootdir", str(path.parent), "--confcutdir", str(path.parent)]
    arguments = ["-c", os.devnull, *folders, *OPTIONS, *without, str(path)]
    with ONE_PARSER:  # the lock also keeps pytest's global state to one run at a time
        namesake = sys.modules.pop(path.stem, None)
        kept = {name: os.environ.pop(name, None) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")}
        try:
            status = pytest.main(arguments, plugins=[plugin])
        finally:
            sys.modules.pop(path.stem, None)  # otherwise the next assignment would get these rules again
            if namesake is not None:
                sys.modules[path.stem] = namesake
            os.environ.update({name: value for name, value in kept.items() if value is not None})
    if plugin.all_are_off:
        return ()
    if plugin.lacks_a_former_name and (advice := former_names.advice(path.read_text(encoding="utf-8"))):
        raise AssignmentError(f"{path}, {'; '.join(advice)}")
    if plugin.broken or status in (pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.USAGE_ERROR):
        raise AssignmentError(f"{path}: {plugin.broken or 'holds no rules'}")
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise HarnessError(f"pytest stopped with {status} while running {path}")
    return tuple(plugin.results)


class RulesPlugin:
    """The pytest plugin: fixtures in, results out."""

    def __init__(self, exhibits: Exhibits) -> None:
        self.exhibits = exhibits
        self.results: list[RuleResult] = []
        self.broken = ""
        self.lacks_a_former_name = False
        self.all_are_off = False

    # -- fixtures --------------------------------------------------------------------------------------

    @pytest.fixture
    def assignment(self) -> Assignment:
        return self.exhibits.assignment

    @pytest.fixture
    def dataset(self) -> DatasetNote:
        return self.exhibits.dataset

    @pytest.fixture
    def data_rows(self) -> int:
        return self.exhibits.data_rows

    @pytest.fixture
    def notebook(self) -> tuple[CellResult, ...]:
        return _existing(self.exhibits.notebook or None, "nothing was run")

    @pytest.fixture
    def own_code(self, assignment: Assignment, notebook: tuple[CellResult, ...]) -> str:
        """Code of the cells that are not in the hand-out, without comments."""
        own = [cell.source for cell in own_cells(assignment, notebook)]
        return re.sub(r"#.*", "", "\n".join(own))

    @pytest.fixture
    def answer(self) -> ModelCapture:
        return _existing(self.exhibits.answer, "no model for this task was found")

    @pytest.fixture
    def architecture(self) -> Architecture:
        answer = _existing(self.exhibits.answer, "no model for this task was found")
        return _existing(answer.architecture, "its layers are its own code, which cannot be read off")

    @pytest.fixture
    def recipe(self) -> Recipe:
        return _existing(self.exhibits.recipe, "how the network was trained is not known")

    @pytest.fixture
    def tracing(self) -> Tracing:
        found = _existing(self.exhibits.tracing, "the network was not given any data")
        return _existing(found if found.rows is not None else None, "its rows were not found in the data set")

    @pytest.fixture
    def training(self) -> tuple[TrainingRun, ...]:
        return _existing(self.exhibits.training or None, "the network was not retrained")

    @pytest.fixture
    def comparison(self) -> Comparison:
        return _existing(self.exhibits.comparison, "the network was not retrained")

    @pytest.fixture
    def note(self, request: pytest.FixtureRequest) -> Callable[[str], None]:
        """Attach a remark to a rule that passes."""
        properties = request.node.user_properties
        return lambda words: properties.append(("note", words))

    # -- hooks -----------------------------------------------------------------------------------------

    def pytest_configure(self, config: pytest.Config) -> None:
        config.option.tbstyle = "native"  # nobody reads these tracebacks; other styles take twice as long
        for importance in Importance:
            config.addinivalue_line(
                "markers", f"{importance}(help, short): a rule, what to do where it fails, its name"
            )

    def pytest_exception_interact(self, call: pytest.CallInfo[Any]) -> None:
        if call.excinfo is not None:
            error = call.excinfo.value  # if a file cannot be imported, pytest wraps the cause in its own error
            self.lacks_a_former_name |= any(map(former_names.is_missed, (error, error.__cause__)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken = str(report.longrepr)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        unmarked = [item.name for item in items if _mark(item) is None or not _sentence(item)]
        if unmarked:
            self.broken = f"rules need a docstring and @pytest.mark.required or advisory: {', '.join(unmarked)}"
        given, names = self.exhibits.assignment.rules, list(dict.fromkeys(map(_name, items)))
        if strange := [name for name in given.named if name not in names]:
            words = f"[rules] of assignment.toml names what is no rule here: {', '.join(strange)}"
            self.broken = self.broken or f"{words}. There are: {', '.join(names)}"
        kept = [item for item in items if _name(item) not in given.off]
        self.all_are_off = bool(items) and not kept and not self.broken
        items[:] = kept

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report = yield
        mark = _mark(item)
        if mark is not None and (report.when == "call" or (report.when == "setup" and not report.passed)):
            self.results.append(_result(item, mark, self._importance(item, mark), call))
        return report

    def _importance(self, item: pytest.Item, mark: pytest.Mark) -> Importance:
        """Return a rule's weight: the assignment's setting, or else the rule's mark."""
        given = self.exhibits.assignment.rules
        said = {Importance.REQUIRED: given.required, Importance.ADVISORY: given.advisory}
        return next((weight for weight, names in said.items() if _name(item) in names), Importance(mark.name))


def _existing(value: T | None, otherwise: str) -> T:
    return unknown(otherwise) if value is None else value


def _name(item: pytest.Item) -> str:
    """Return a rule's name, without the case of a parametrised one."""
    return getattr(item, "originalname", None) or item.name


def _mark(item: pytest.Item) -> pytest.Mark | None:
    return next((m for m in map(item.get_closest_marker, Importance) if m is not None), None)


def _sentence(item: pytest.Item) -> str:
    return " ".join((getattr(getattr(item, "obj", None), "__doc__", "") or "").split())


def _result(item: pytest.Item, mark: pytest.Mark, importance: Importance, call: pytest.CallInfo[None]) -> RuleResult:
    outcome, words = _outcome(call)
    rationale, _, detail = words.partition("\n")
    return RuleResult(
        name=item.name,
        sentence=_sentence(item),
        importance=importance,
        outcome=outcome,
        rationale=rationale,
        help=str(mark.kwargs.get("help", "")) if outcome is Outcome.FAILED else "",
        detail=detail,
        notes=tuple(str(words) for name, words in item.user_properties if name == "note"),
        short=str(mark.kwargs.get("short", "")),
    )


def _outcome(call: pytest.CallInfo[None]) -> tuple[Outcome, str]:
    if call.excinfo is None:
        return Outcome.PASSED, ""
    error = call.excinfo.value
    if isinstance(error, NoEvidenceError):
        return Outcome.UNKNOWN, str(error)
    if isinstance(error, pytest.skip.Exception):
        return Outcome.SKIPPED, str(error.msg)
    if isinstance(error, AssertionError):
        return Outcome.FAILED, _message(error)
    return Outcome.ERROR, f"{type(error).__name__}: {error}"


def _message(error: AssertionError) -> str:
    """Return a failed assertion's message as it was written.

    In a rule file pytest rewrites assertions: it indents the message's further lines and appends the expression. It
    does not rewrite assertions in modules that a rule file imports.
    """
    words, rewritten, _ = str(error).partition("\nassert ")
    return words.replace("\n  ", "\n") if rewritten else words
