"""Python as notebooks mean it: what of a cell can be parsed is run, and what cannot is told with its line.

Theory of operation: what Python compiles stays as it is. Else IPython's transformer makes Python of magics and shell
commands. Where that does not compile either, the cell is read statement by statement: one grows by whole lines until it
is complete; each goes through the same two steps; and what still is no Python is left out, a line of it where that is
enough, so that line numbers stay. Before that, what was pasted with the code is taken out of it: signs that nobody
sees, and the prompts and outputs of a session. Time is bounded: a cell that takes more is left as it is, for Python to
refuse.
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
"""Characters, each counted as often as it is parsed, after which a cell is left as it is."""
MOST_LINES = 500
"""Lines, without those that are indented, that one statement may have where others are no Python."""
MOST_LEFT_OUT = 20
"""Lines of one statement that may be left out of it; beyond, it is left out whole."""
MOST_TOLD = 5
"""Lines of one cell that are told each by itself."""
_INCOMPLETE = ast.PyCF_ONLY_AST | codeop.PyCF_ALLOW_INCOMPLETE_INPUT  # type: ignore[attr-defined]  # typeshed lacks it
_WHOLE = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_BLANKS = {**dict.fromkeys([0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " "),
           **dict.fromkeys([0, 0x1A, 0xAD, *range(0x200B, 0x2010), 0x2060, 0xFEFF], "")}  # fmt: skip
"""Characters that look like a blank or like nothing, and that Python refuses."""
_PROMPT = re.compile(r"(?:>>>|\.\.\.)(?: |$)|In ?\[\d+\]: ?|[ \t]*\.\.\.+: ?")
_MARKER = re.compile(r"(?:<{7}|\|{7}|={7}|>{7})(?: |$)")
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


def _ignore(what: str) -> None:
    """Take no note."""


def python_of(source: str, transform: Transform, note: Note = _ignore) -> tuple[str, tuple[Problem, ...]]:
    """Return Python for a cell, and what of the cell that leaves out; ``note`` is told what was adapted."""
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
    """Return the statements as one code, without those that are Python only by themselves."""
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
    """Return code if it is Python as it is, or else as IPython reads it; None where it is neither."""
    return source if can_parse(source) else _transformed(source, transform)


def without_outputs(source: str) -> str:
    """Return a session that was pasted with its prompts without what stood between them, which are outputs."""
    lines = source.split("\n")
    if can_parse(source) or not next((_PROMPT.match(line) for line in lines if line.strip()), None):
        return source
    return "\n".join(line[match.end() :] if (match := _PROMPT.match(line)) else "" for line in lines)


def visible(source: str) -> str:
    """Return code without signs that cannot be seen, where it is no Python with them."""
    return source if can_parse(source) else source.translate(_BLANKS)


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
    code = _python(source, transform)
    if code is not None:
        return Statement(first, end, code)
    left, at_fault = _without_faults(block)
    problems = tuple(Problem(first + at + 1, block[at].strip()[:120], why) for at, why in at_fault)
    return Statement(first, end, "\n".join(left), problems)


def _without_faults(block: list[str]) -> tuple[list[str], list[tuple[int, str]]]:
    """Return a statement without the lines that are no Python, or without all of its lines, and what they were."""
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
    """Return a line of which only one meaning is possible as Python, and what was done; "" where it is no such line."""
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
    """Return what Python says about a line."""
    if _MARKER.match(line):
        return "git has left the marker of a conflict: decide between the two versions, and take the markers out"
    return str(getattr(error, "msg", error))[:200]


def _error_of(source: str) -> Exception | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python will tell when the code is run
            compile(source, "<cell>", "exec", _WHOLE, dont_inherit=True)
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
        self._cell, self._code = "", ""
        self._is_over = False

    def install(self, hooks: Hooks) -> None:
        """Let the shell transform cells by this reader."""
        hooks.replace(self.shell, "transform_cell", self.read)

    def read(self, source: str) -> str:
        """Return Python for a cell, or for what a cell's magic, as ``%%time``, runs of it; a kernel asks twice."""
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
        """Return how many lines of the running cell stand before code that a magic at its top was given."""
        body = source.rstrip("\n")
        is_rest = bool(body) and self._cell.rstrip("\n").endswith("\n" + body)
        return self._cell.rstrip("\n")[: -len(body)].count("\n") if is_rest else 0

    def end(self) -> None:
        """Read no further cell."""
        self._is_over = True

    def tell(self, result: Any) -> None:
        """Tell what of the cell that has ended was left out; where nothing else failed, as the cell's error."""
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
        """Whether a cell is a magic's name, and what belongs to it, as ``ls -l``, and the name is not the student's."""
        words = source.split()
        is_line = bool(words) and "\n" not in source.strip() and words[0].isidentifier()
        return is_line and words[0] not in self.shell.user_ns and self.shell.find_line_magic(words[0]) is not None
