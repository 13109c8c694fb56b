"""The line of a student's code that makes the inputs or the labels of a training. Pure.

Theory of operation: from an argument of the last ``fit`` of the answer's cell, assignments are followed backwards by
name. Splits and transforms hand their argument on; the first line of another kind is the one that makes the table.
Sources are hostile: they are cut, and no function is recursive.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from checker.judge.questions.view import CodeMatch, View, short

LONGEST = 50_000
"""Limit on the characters of a cell that are read."""
MOST_STEPS = 20
_SPLITS = frozenset({"train_test_split"})
_TRANSFORMS = frozenset({"transform", "fit_transform", "asarray", "array"})
_MAGIC = re.compile(r"^([ \t]*)[!%].*", re.MULTILINE)

Table = Literal["inputs", "labels"]


@dataclass(frozen=True)
class _Line:
    """A statement of a student's own cell, and its first line of code."""

    cell: int
    statement: ast.stmt
    code: str


def making(view: View, table: Table) -> CodeMatch | None:
    """Return the place that makes the inputs or the labels of the answer's training; None if it was not found."""
    lines = list(_lines(view))
    at, name = _fed(view, lines, table)
    for _ in range(MOST_STEPS):
        at = next((before for before in reversed(range(at)) if name in _names(lines[before].statement)), -1)
        if not name or at < 0:
            return None
        before = _handed_on(lines[at].statement, name)
        if not before:
            return CodeMatch(lines[at].cell, short(lines[at].code))
        name = before
    return None


def _lines(view: View) -> Iterator[_Line]:
    """Yield the statements of the student's own cells up to the one that trains; a cell that is no Python has none."""
    for cell in view.own:
        if isinstance(view.trained, int) and cell.index <= view.trained:
            source = _MAGIC.sub(r"\1pass", cell.source[:LONGEST])
            try:
                body = ast.parse(source).body
            except (
                SyntaxError,
                ValueError,
                RecursionError,
                MemoryError,
            ):  # brackets by the thousand raise the last two
                continue
            rows = source.split("\n")
            yield from (_Line(cell.index, node, rows[node.lineno - 1].partition("#")[0].strip()) for node in body)


def _fed(view: View, lines: Sequence[_Line], table: Table) -> tuple[int, str]:
    """Return the last statement of the training's cell that calls ``fit`` on two tables, by its number, and the name of
    one of the two; "" if there is none."""
    place, keyword = (0, "x") if table == "inputs" else (1, "y")
    for at in reversed(range(len(lines))):
        for node in ast.walk(lines[at].statement) if lines[at].cell == view.trained else ():
            if isinstance(node, ast.Call) and _called(node) == "fit":
                given = [*node.args[place : place + 1], *(key.value for key in node.keywords if key.arg == keyword)]
                if given and isinstance(given[0], ast.Name):
                    return at, given[0].id
    return len(lines), ""


def _names(statement: ast.stmt) -> list[str]:
    """Return the names that an assignment binds, in order."""
    targets = statement.targets[-1:] if isinstance(statement, ast.Assign) else []
    parts = [part for of in targets for part in (of.elts if isinstance(of, ast.Tuple | ast.List) else [of])]
    return [part.id if isinstance(part, ast.Name) else "" for part in parts]


def _handed_on(statement: ast.stmt, name: str) -> str:
    """Return the name of the table that an assignment hands on to ``name`` in other parts or in another scale; "" if it
    makes a new one."""
    if not isinstance(statement, ast.Assign):
        return ""
    at, value = _names(statement).index(name), statement.value
    if isinstance(value, ast.GeneratorExp | ast.ListComp):  # as in (scaler.transform(part) for part in (X, X_test))
        value = value.generators[0].iter
    if isinstance(value, ast.Call) and _called(value) in _SPLITS:
        value = value.args[at // 2] if at // 2 < len(value.args) else value
    elif isinstance(value, ast.Tuple | ast.List):
        value = value.elts[at] if at < len(value.elts) else value
    for _ in range(MOST_STEPS):
        if isinstance(value, ast.Call) and _called(value) in _TRANSFORMS and value.args:
            value = value.args[0]
    return value.id if isinstance(value, ast.Name) else ""


def _called(call: ast.Call) -> str:
    """Return the last part of a called function's name."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
