"""Python as notebooks write it: the statements of a cell that can be parsed are run, and the others are reported by
line.

Theory of operation: a cell that Python compiles stays unchanged. Else IPython's transformer translates its magics and
shell commands. If the result does not compile either, the cell is read statement by statement. A statement grows by
whole lines until it is complete, and goes through the same two steps. If it still does not compile, it is left out; if
leaving out one line suffices, only that line is. Line numbers do not change. Before all this, invisible characters and
the prompts and outputs of a pasted session are removed. The time is bounded: a cell that takes more is left unchanged,
and Python reports its error.
"""

import ast
import codeop
import itertools
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from checker.guest.plain.hooks import Hooks
from checker.guest.plain.notes import Note

MOST_PARSED = 4_000_000
"""Characters, counted each time they are parsed, after which a cell is left unchanged."""
MOST_LINES = 500
"""Unindented lines that one statement may have, in a cell with syntax errors."""
MOST_LEFT_OUT = 20
"""Lines that may be left out of one statement; beyond that, the whole statement is left out."""
MOST_TOLD = 5
"""Lines of one cell that are reported individually."""
_INCOMPLETE = ast.PyCF_ONLY_AST | codeop.PyCF_ALLOW_INCOMPLETE_INPUT  # type: ignore[attr-defined]  # typeshed lacks it
_WHOLE = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_BLANKS = {**dict.fromkeys([0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " "),
           **dict.fromkeys([0, 0x1A, 0xAD, *range(0x200B, 0x2010), 0x2060, 0xFEFF], "")}  # fmt: skip
"""Characters that look like a blank or are invisible, and that Python refuses."""
_PROMPT = re.compile(r"(?:>>>|\.\.\.)(?: |$)|In ?\[\d+\]: ?|[ \t]*\.\.\.+: ?")
_MARKER = re.compile(r"(?:<{7}|\|{7}|={7}|>{7})(?: |$)")
_GOES_ON = re.compile(r"[\s)\]}#]|(?:else|elif|except|finally)\b|$")
"""Start of a line that does not begin a statement."""

Transform = Callable[[str], str]


@dataclass(frozen=True)
class Problem:
    """A syntax error: the line, from 1, its text, and Python's message."""

    line: int
    text: str
    why: str


@dataclass(frozen=True)
class Statement:
    """A top-level statement: its first line, from 0, and the line after its last; its Python code; its problems."""

    first: int
    end: int
    code: str
    problems: tuple[Problem, ...] = ()


def _ignore(what: str) -> None:
    """Discard a note."""


def python_of(source: str, transform: Transform, note: Note = _ignore) -> tuple[str, tuple[Problem, ...]]:
    """Return Python code for a cell, and the problems in the lines left out; ``note`` gets a sentence for each
    adaptation."""
    session = without_outputs(source)
    whole = _python(session, transform)
    plain = session if whole is not None else session.translate(_BLANKS)
    if session != source:
        note("a session was pasted with its prompts; what stands between them are outputs, which were left out")
    if plain != session:
        note("signs that look like a blank or like nothing, as web pages have them, were read as blanks or left out")
        whole = _python(plain, transform)
    if whole is not None:
        return whole, ()
    plain = re.sub(r"\r\n?", "\n", plain)
    found = statements(plain, transform)
    return (source, ()) if found is None else _joined(found, plain.split("\n"))


def _joined(found: list[Statement], lines: list[str]) -> tuple[str, tuple[Problem, ...]]:
    """Return the statements as one piece of code, without those that compile only on their own."""
    for _ in range(MOST_LEFT_OUT):
        error = _error_of("\n".join(statement.code for statement in found))
        if error is None:
            break
        line = getattr(error, "lineno", None) or 1
        ends = itertools.accumulate(statement.code.count("\n") + 1 for statement in found)
        at = next((at for at, end in enumerate(ends) if line <= end), len(found) - 1)
        out = found[at]
        problem = Problem(out.first + 1, lines[out.first].strip()[:120], _said(error, lines[out.first]))
        found[at] = Statement(out.first, out.end, "\n" * (out.end - out.first - 1), (*out.problems, problem))
    return "\n".join(statement.code for statement in found), tuple(p for statement in found for p in statement.problems)


def _python(source: str, transform: Transform) -> str | None:
    """Return code if it compiles, or else as IPython translates it; None if neither compiles."""
    return source if can_parse(source) else _transformed(source, transform)


def without_outputs(source: str) -> str:
    """Return a pasted interactive session without its prompts and outputs."""
    lines = source.split("\n")
    if can_parse(source) or not next((_PROMPT.match(line) for line in lines if line.strip()), None):
        return source
    return "\n".join(line[match.end() :] if (match := _PROMPT.match(line)) else "" for line in lines)


def visible(source: str) -> str:
    """Return code; if it does not compile, without invisible characters."""
    return source if can_parse(source) else source.translate(_BLANKS)


def can_parse(source: str) -> bool:
    """Whether the source compiles unchanged."""
    return _error_of(source) is None


def statements(source: str, transform: Transform) -> list[Statement] | None:
    """Return the statements of code with syntax errors; None if finding them takes too long."""
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
    """Return the line after a statement, and how many characters were parsed to find it."""
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
    code = _python(source, transform)
    if code is not None:
        return Statement(first, end, code)
    left, at_fault = _without_faults(block)
    problems = tuple(Problem(first + at + 1, block[at].strip()[:120], why) for at, why in at_fault)
    return Statement(first, end, "\n".join(left), problems)


def _without_faults(block: list[str]) -> tuple[list[str], list[tuple[int, str]]]:
    """Return a statement without its faulty lines, or with all lines empty, and the faulty lines with the reasons."""
    kept, at_fault = list(block), list[tuple[int, str]]()
    for _ in range(MOST_LEFT_OUT):
        error = _error_of("\n".join(kept))
        if error is None:
            return kept, at_fault
        at = min(max((getattr(error, "lineno", None) or 1) - 1, 0), len(block) - 1)
        why = _said(error, block[at])
        mended, how = _mended(kept, at)
        if how:
            kept[at] = mended
            at_fault.append((at, f"{why}; {how}"))
            continue
        is_stray = at > 0 and why.startswith("unexpected indent") and at not in dict(at_fault)
        is_inside = at > 0 and not isinstance(error, IndentationError) and at not in dict(at_fault)
        at_fault = [*at_fault, (at, why)] if is_stray or is_inside or not at_fault else at_fault
        if not is_stray and not is_inside:
            break
        kept[at] = "" if is_stray else f"{block[at][: len(block[at]) - len(block[at].lstrip())]}pass"
    return [""] * len(block), at_fault[:1]


def _mended(lines: list[str], at: int) -> tuple[str, str]:
    """Return a faulty line that can have only one meaning, as valid Python, and a sentence on the repair; empty if
    there is none."""
    if clause := re.match(r"(\s*except\s[^:,]+),\s*(\w+)\s*(:.*)", lines[at]):
        return f"{clause[1]} as {clause[2]}{clause[3]}", f"it was read as `except … as {clause[2][:40]}`"
    first = at
    while first and lines[first - 1].endswith("\\"):
        first -= 1
    without_comma = re.sub(r",[ \t]*(?:#.*)?$", "", lines[at])
    if lines[first].lstrip().startswith(("import ", "from ")) and without_comma != lines[at]:
        return without_comma, "the names in it were imported all the same"
    return lines[at], ""


def _said(error: Exception, line: str) -> str:
    """Return Python's message about a line."""
    if _MARKER.match(line):
        return "git has left the marker of a conflict: decide between the two versions, and take the markers out"
    return str(getattr(error, "msg", error))[:200]


def _error_of(source: str) -> Exception | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns when the code is run
            compile(source, "<cell>", "exec", _WHOLE, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two for thousands of brackets
        return error
    return None


def _transformed(source: str, transform: Transform) -> str | None:
    """Return IPython's translation of code, if that is valid Python."""
    if len(source) > MOST_PARSED or not re.search(r"[%!?]|^\s|>>>|In \[|^[,;/]", source):
        return None
    try:
        made = transform(source)
    except Exception:  # noqa: BLE001  # the transformer raises many kinds of errors on invalid code
        return None
    return made if can_parse(made) else None


# -- cells of a module -----------------------------------------------------------------------------------


def paragraphs(source: str, transform: Transform) -> Iterator[int]:
    """Yield the first lines, from 0, of further paragraphs in code with syntax errors: after blank lines between
    statements, and at a cell magic."""
    lines = source.split("\n")
    for before, after in itertools.pairwise(statements(source, transform) or ()):
        if not lines[before.end - 1].strip() or lines[after.first].startswith("%%"):
            yield after.first


# -- in the kernel ---------------------------------------------------------------------------------------


class Reader:
    """Replaces a shell's own transformation of cells, and reports the lines left out after each cell.

    ``line_of_cell``: the number of the file's lines before the running cell; None if lines are counted within the cell.
    """

    def __init__(self, shell: Any, note: Note, line_of_cell: Callable[[], int | None]) -> None:
        self.shell, self.note, self.line_of_cell = shell, note, line_of_cell
        self._transform: Transform = shell.transform_cell
        self._problems: list[Problem] = []
        self._cell, self._code = "", ""
        self._is_over = False

    def install(self, hooks: Hooks) -> None:
        """Let the shell transform cells through this reader."""
        hooks.replace(self.shell, "transform_cell", self.read)

    def read(self, source: str) -> str:
        """Return Python for a cell, or for the code that a cell magic such as ``%%time`` runs. A kernel asks twice."""
        if self._is_over:
            return ""
        if self._cell and source == self._cell:
            return self._code
        before = self._lines_before(source)
        if self._is_magic(source):
            code = self._transform(source)
        else:
            code, problems = python_of(source, self._transform, self.note)
            self._problems += [replace(problem, line=problem.line + before) for problem in problems]
        if not self._cell:
            self._cell, self._code = source, code
        return code

    def _lines_before(self, source: str) -> int:
        """Return the number of the running cell's lines before the code that a magic at its top runs."""
        body = source.rstrip("\n")
        is_rest = bool(body) and self._cell.rstrip("\n").endswith("\n" + body)
        return self._cell.rstrip("\n")[: -len(body)].count("\n") if is_rest else 0

    def end(self) -> None:
        """Skip all further cells."""
        self._is_over = True

    def tell(self, result: Any) -> None:
        """Report the lines of the finished cell that were left out; if nothing else failed, show them as the cell's
        error."""
        problems, self._problems, self._cell = self._problems, [], ""
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
        """Whether a cell is only a line magic without its ``%``, such as ``ls -l``, whose name is no variable of the
        student's."""
        words = source.split()
        is_line = bool(words) and "\n" not in source.strip() and words[0].isidentifier()
        return is_line and words[0] not in self.shell.user_ns and self.shell.find_line_magic(words[0]) is not None
