"""Python as notebooks mean it: what of a cell can be parsed is run, and what cannot is told with its line.

Theory of operation: what Python parses stays as it is. Else IPython's transformer makes Python of magics and shell
commands. Where that does not parse either, the cell is read statement by statement: one grows by whole lines until it
is complete; each goes through the same two steps; and what still is no Python is left out, a line of it where that is
enough, so that line numbers stay. Time is bounded: a cell that takes more is left as it is, for Python to refuse.
"""

import ast
import codeop
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from checker.guest.adaptation import Note

MOST_PARSED = 4_000_000
"""Characters, each counted as often as it is parsed, after which a cell is left as it is."""
MOST_LINES = 500
"""Lines, without those that are indented, that one statement may have where others are no Python."""
MOST_LEFT_OUT = 20
"""Lines of one statement that may be left out of it; beyond, it is left out whole."""
MOST_TOLD = 5
"""Lines of one cell that are told each by itself."""
_INCOMPLETE = ast.PyCF_ONLY_AST | codeop.PyCF_ALLOW_INCOMPLETE_INPUT  # type: ignore[attr-defined]  # typeshed lacks it
_GOES_ON = re.compile(r"[\s)\]}#]|(?:else|elif|except|finally)\b|$")
"""How a line begins that begins no statement."""

Transform = Callable[[str], str]


@dataclass(frozen=True)
class Problem:
    """What could not be parsed: the line, from 1, what stands there, and what Python says about it."""

    line: int
    text: str
    why: str


@dataclass(frozen=True)
class Statement:
    """A statement at the top level: the line it begins in, from 0, and the one behind it; Python for it; problems."""

    first: int
    end: int
    code: str
    problems: tuple[Problem, ...] = ()


def python_of(source: str, transform: Transform) -> tuple[str, tuple[Problem, ...]]:
    """Return Python for a cell, and what of the cell that leaves out."""
    if can_parse(source):
        return source, ()
    whole = _transformed(source, transform)
    if whole is not None:
        return whole, ()
    found = statements(source, transform)
    if found is None:
        return source, ()
    problems = tuple(problem for statement in found for problem in statement.problems)
    return "\n".join(statement.code for statement in found), problems


def can_parse(source: str) -> bool:
    """Whether source is Python as it is."""
    return _error_of(source) is None


def statements(source: str, transform: Transform) -> list[Statement] | None:
    """Return the statements of code of which not all can be parsed; None where finding them takes too long."""
    lines = re.sub(r"\r\n?", "\n", source).split("\n")
    room = MOST_PARSED
    found: list[Statement] = []
    first = 0
    while first < len(lines):
        end, parsed = _end_of(lines, first, room)
        room -= parsed
        if room < 0:
            return None
        found.append(_statement(lines, first, end, transform))
        room -= sum(map(len, lines[first:end])) * (1 + len(found[-1].problems))
        first = end
    return found


def _end_of(lines: list[str], first: int, room: int) -> tuple[int, int]:
    """Return the line behind a statement, and how many characters were parsed to find it."""
    beyond = range(first + 1, len(lines))
    starts = (at for at in beyond if not _GOES_ON.match(lines[at]) and not lines[at - 1].startswith("@"))
    shortest, parsed = len(lines), 0
    for number, end in enumerate(itertools.chain(starts, [len(lines)])):
        shortest = min(shortest, end)
        block = "\n".join(lines[first:end]) + "\n"
        parsed += len(block)
        if number > MOST_LINES or parsed > room:
            break
        if not _is_incomplete(block):
            return end if can_parse(block) else shortest, parsed
    return shortest, parsed


def _is_incomplete(block: str) -> bool:
    try:
        compile(block, "<cell>", "exec", _INCOMPLETE, dont_inherit=True)
    except SyntaxError as error:
        return error.msg == "incomplete input"
    except (ValueError, RecursionError, MemoryError):
        pass
    return False


def _statement(lines: list[str], first: int, end: int, transform: Transform) -> Statement:
    block = lines[first:end]
    source = "\n".join(block)
    code = source if can_parse(source) else _transformed(source, transform)
    if code is not None:
        return Statement(first, end, code)
    left, at_fault = _without_faults(block)
    problems = tuple(Problem(first + at + 1, block[at].strip()[:120], why) for at, why in at_fault)
    return Statement(first, end, "\n".join(left), problems)


def _without_faults(block: list[str]) -> tuple[list[str], list[tuple[int, str]]]:
    """Return a statement without the lines that are no Python, or without all of its lines, and what they were."""
    kept, at_fault = list(block), list[tuple[int, str]]()
    without_comma = re.sub(r",\s*(?:#.*)?$", "", block[0])
    for _ in range(MOST_LEFT_OUT):
        error = _error_of("\n".join(kept))
        if error is None:
            return kept, at_fault
        at = min(max((getattr(error, "lineno", None) or 1) - 1, 0), len(block) - 1)
        why = str(getattr(error, "msg", error))[:200]
        if at == 0 and block[0].startswith(("import ", "from ")) and can_parse(without_comma):
            kept[0] = without_comma
            at_fault.append((0, f"{why}; the names in it were imported all the same"))
            continue
        is_inside = at > 0 and not isinstance(error, IndentationError) and at not in dict(at_fault)
        at_fault = [*at_fault, (at, why)] if is_inside or not at_fault else at_fault
        if not is_inside:
            break
        kept[at] = f"{block[at][: len(block[at]) - len(block[at].lstrip())]}pass"
    return [""] * len(block), at_fault[:1]


def _error_of(source: str) -> Exception | None:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two for thousands of brackets
        return error
    return None


def _transformed(source: str, transform: Transform) -> str | None:
    """Return what IPython makes of code, if it is Python."""
    if len(source) > MOST_PARSED or not re.search(r"[%!?]|^\s|>>>|In \[|^[,;/]", source):
        return None
    try:
        made = transform(source)
    except Exception:  # noqa: BLE001  # the transformer raises many kinds of errors on what is no Python
        return None
    return made if can_parse(made) else None


# -- cells of a module -----------------------------------------------------------------------------------


def paragraphs(source: str, transform: Transform) -> Iterator[int]:
    """Yield the lines, from 0, in which paragraphs of code begin of which not all can be parsed: behind blank lines
    between statements, and where a cell's magic stands."""
    lines = source.split("\n")
    for before, after in itertools.pairwise(statements(source, transform) or ()):
        if not lines[before.end - 1].strip() or lines[after.first].startswith("%%"):
            yield after.first


# -- in the kernel ---------------------------------------------------------------------------------------


class Reader:
    """Takes the place of a shell's own transformation of cells, and tells after each what was left out.

    ``line_of_cell``: how many lines of the file stand before the running cell; None where lines are the cell's own.
    """

    def __init__(self, shell: Any, note: Note, line_of_cell: Callable[[], int | None]) -> None:
        self.shell, self.note, self.line_of_cell = shell, note, line_of_cell
        self._transform: Transform = shell.transform_cell
        self._problems: list[Problem] = []
        self._is_over = False
        shell.transform_cell = self.read

    def read(self, source: str) -> str:
        """Return Python for a cell."""
        if self._is_over:
            return ""
        if self._is_magic(source):
            return self._transform(source)
        code, problems = python_of(source, self._transform)
        self._problems += problems
        return code

    def end(self) -> None:
        """Read no further cell."""
        self._is_over = True

    def tell(self, result: Any) -> None:
        """Tell what of the cell that has ended was left out; where nothing else failed, as the cell's error."""
        problems, self._problems = self._problems, []
        if not problems:
            return
        before = self.line_of_cell()
        lines = [problem.line + (before or 0) for problem in problems]
        where = "" if before is not None else " of the cell"
        for line, problem in list(zip(lines, problems, strict=True))[:MOST_TOLD]:
            self.note(
                f"line {line}{where} is no valid Python, `{problem.text}`: {problem.why}; everything else was run"
            )
        if len(problems) > MOST_TOLD:
            self.note(
                f"{len(problems) - MOST_TOLD} more lines{where} from line {lines[MOST_TOLD]} on are no valid Python"
            )
        if result.success:
            first, place = problems[0], "module" if before is not None else "cell"
            error = SyntaxError(first.why, (f"<{place}>", lines[0], 1, first.text))
            told = [f"line {line}: {problem.text}" for line, problem in zip(lines, problems, strict=True)][:MOST_TOLD]
            self.shell._showtraceback(SyntaxError, error, [*told, f"SyntaxError: {error}"])

    def _is_magic(self, source: str) -> bool:
        """Whether a cell is a magic's name, and what belongs to it, as ``ls -l``, and the name is not the student's."""
        words = source.split()
        is_line = bool(words) and "\n" not in source.strip() and words[0].isidentifier()
        return is_line and words[0] not in self.shell.user_ns and self.shell.find_line_magic(words[0]) is not None
