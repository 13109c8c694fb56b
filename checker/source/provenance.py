"""Which cells an answer comes from, and the first error that a missing one comes from, by names alone. Pure.

Theory of operation: a cell that should have made a name, and failed before it did, takes all later ones with it that
need that name. So errors are followed backwards: from the cell that should have trained the network to the cell that
should have made what it needed, and on to the first. An error that is no ``NameError`` may still be another's
consequence: then all that the failed statement needed is followed, through the statements that it was made by. What is
followed is bounded by ``MOST_STEPS``.
"""

import difflib
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from checker.records.capture import Adaptation, CellResult
from checker.records.submission import Companion
from checker.source import absences, definitions
from checker.source.definitions import Source, Statement

MOST_READ = 1_000_000
"""Characters of all cells together that are read."""
MOST_STEPS = 5_000
"""Names that are followed from one error to another."""
MOST_LINKS = 50
MOST_SHOWN = 2
"""Consequences that are told between the first error and the training."""
LONGEST = 200
"""Characters of an error's message that are told."""

_COLOUR = re.compile(r"\x1b?\[[0-9;]{0,20}m")
_LINE = re.compile(r"Cell\s+In\s*\[\d+\],?\s+line\s+(\d+)|line (\d+)")
_UNKNOWN = re.compile(r"name '(\w+)' is not defined")
_NO_PYTHON = re.compile(
    r"line (\d+)(?: of the cell)? is no valid Python, `(.*)`: (.*); everything else was run", re.DOTALL
)
_GOES_ON = re.compile(r"[\s)\]}#]|(?:else|elif|except|finally)\b|$")
"""How a line begins that begins no statement."""
_NOTHING_RAN = ("SyntaxError", "IndentationError", "TabError")
_SAYS_NOTHING = (
    "Exception encountered when calling",
    "Graph execution error",
    "Detected at node",
    "Arguments received",
)


@dataclass(frozen=True)
class Fault:
    """Something that went wrong in a cell: before the statements from line ``line`` on could run; where ``last`` is
    given, only the lines up to it were left out. ``name`` and ``message`` are the error's. ``lacks``: which file it
    looked for in vain, as a sentence without its end; else ""."""

    cell: int
    line: int
    name: str
    message: str
    last: int | None = None
    lacks: str = ""

    @property
    def unknown(self) -> str:
        """The name that was not defined; "" for any other error."""
        found = _UNKNOWN.search(self.message[:LONGEST]) if self.name in ("NameError", "UnboundLocalError") else None
        return found.group(1) if found else ""

    def stopped(self, statement: Statement) -> bool:
        """Tell whether a statement of its cell did not run, or not to its end."""
        return statement.last >= self.line and (self.last is None or statement.first <= self.last)


@dataclass(frozen=True)
class Link:
    """A fault, and the name that was missing for it, or was not what it should be, because of the fault before."""

    fault: Fault
    name: str = ""


@dataclass(frozen=True)
class FirstError:
    """What a training failed from: faults from the first on, each because of the one before; the last is where the
    network should have been trained."""

    links: tuple[Link, ...]
    rationale: str
    help: str

    @property
    def cell(self) -> int:
        """The cell of the first fault."""
        return self.links[0].fault.cell


class Provenance:
    """The statements of a file's cells in order, and what went wrong in them."""

    def __init__(
        self,
        cells: Sequence[CellResult],
        adaptations: Sequence[Adaptation] = (),
        companions: Sequence[Companion] = (),
    ) -> None:
        self.cells = sorted(cells, key=lambda cell: cell.index)
        room = MOST_READ
        self.sources: dict[int, Source] = {}
        for cell in self.cells:
            room -= len(cell.source)
            self.sources[cell.index] = definitions.read(cell.source) if room >= 0 else Source(())
        self.faults: dict[int, list[Fault]] = {}
        for fault in _left_out(self.cells, adaptations):
            self.faults.setdefault(fault.cell, []).append(fault)
        for fault in tuple(_errors(self.cells, frozenset(self.faults), companions)):
            self.faults.setdefault(fault.cell, []).append(fault)

    @cached_property
    def statements(self) -> list[tuple[int, Statement]]:
        """All statements in order, each with its cell."""
        return [(cell, statement) for cell, source in self.sources.items() for statement in source.statements]

    @cached_property
    def begins(self) -> dict[int, int]:
        """By cell, the number of its first statement."""
        found: dict[int, int] = {}
        for at, (cell, _) in enumerate(self.statements):
            found.setdefault(cell, at)
        return found

    @cached_property
    def imported(self) -> frozenset[str]:
        """Names of what is imported: calling something of it does not change it."""
        return frozenset(name for _, statement in self.statements for name in statement.imports)

    @cached_property
    def made_at(self) -> dict[str, list[int]]:
        """By name, the numbers of the statements that make it or change it."""
        found: dict[str, list[int]] = {}
        for at, (_, statement) in enumerate(self.statements):
            for name in statement.makes | (statement.changes - self.imported):
                found.setdefault(name, []).append(at)
        return found

    @cached_property
    def later(self) -> Mapping[str, frozenset[str]]:
        """By name, what functions and classes of this name need when they are called."""
        found: dict[str, frozenset[str]] = {}
        for _, statement in self.statements:
            for name in statement.makes if statement.later else ():
                found[name] = found.get(name, frozenset()) | statement.later
        return found

    def needs(self, statement: Statement) -> set[str]:
        """Return all names that a statement needs, those of the functions that it calls among them."""
        found, waiting = set[str](), set(statement.needs)
        while waiting:
            name = waiting.pop()
            found.add(name)
            waiting |= self.later.get(name, frozenset()) - found
        return found

    def fault_of(self, at: int) -> Fault | None:
        """Return what kept a statement from its end; None where nothing did."""
        cell, statement = self.statements[at]
        return next((fault for fault in self.faults.get(cell, ()) if fault.stopped(statement)), None)

    # -- which cells ---------------------------------------------------------------------------------------

    def cells_for(self, trained_in: Collection[int]) -> tuple[int, ...]:
        """Return the cells that those in which a network is trained need, and these; in doubt, more.

        A cell that runs commands may have written anything, so it is needed, too.
        """
        last = max(trained_in, default=0)
        wanted, lasting, kept = {definitions.EVERYTHING}, set[str](), list[int]()
        for cell in reversed([index for index in self.sources if index <= last]):
            source = self.sources[cell]
            names = {name for of in source.statements for name in of.makes | of.runs | (of.touches - self.imported)}
            if not (cell in trained_in or source.runs_commands or names & wanted or names & lasting):
                continue
            kept.append(cell)
            for statement in reversed(source.statements):
                if statement.certainly and cell not in self.faults:
                    wanted -= statement.makes - statement.needs - {definitions.EVERYTHING}
                needs = self.needs(statement)
                wanted |= statement.needs
                lasting |= needs - statement.needs
        return tuple(reversed(kept))

    # -- the first error -----------------------------------------------------------------------------------

    def trainings(self) -> list[int]:
        """Return the numbers of the statements that should train a network: those that call its ``fit``, or a function
        that does."""
        compiled = {name for _, of in self.statements for name in of.compiles}
        direct = [bool(of.trains or of.fits & compiled) for _, of in self.statements]
        functions = {
            name
            for (_, of), trains in zip(self.statements, direct, strict=True)
            if of.later and trains
            for name in of.makes
        }
        for _ in range(MOST_LINKS):  # functions that call such functions
            more = {name for name, needs in self.later.items() if needs & functions} - functions
            functions |= more
            if not more:
                break
        numbered = enumerate(zip(self.statements, direct, strict=True))
        return [at for at, ((_, of), trains) in numbered if (trains and not of.later) or of.needs & functions]

    def failed_in(self, cell: int) -> int | None:
        """Return the number of the statement of a cell that failed; None where none did."""
        fault = next((of for of in self.faults.get(cell, ()) if of.last is None), None)
        return None if fault is None or cell not in self.begins else self._failed_at(fault)

    def first_error(self, at: int) -> FirstError | None:
        """Return the first fault that a training, the statement of this number, failed from; None where it did not."""
        fault = self.fault_of(at)
        return None if fault is None else self._told(self._back_from(Link(fault), at))

    def spoiled_by(self, cell: int) -> FirstError | None:
        """Return the first fault by which what a cell trained a network on is not what it should be, although it was
        trained; None where there is none."""
        for at in reversed(self.trainings()):
            if self.statements[at][0] == cell and self.fault_of(at) is None:
                found = self._blamed(at)
                if found is not None:
                    cause, name, place = found
                    none = Fault(cell, 0, "", "")
                    return self._told((*self._back_from(Link(cause), place), Link(none, name)))
        return None

    def _back_from(self, link: Link, position: int) -> tuple[Link, ...]:
        """Return a fault, that of the statement at ``position``, and those before it, from the first on."""
        links, seen = [link], {link.fault}
        while len(links) < MOST_LINKS:
            before = self._before(links[-1].fault, position)
            if before is None or before[0] in seen:
                break
            cause, name, position = before
            seen.add(cause)
            links[-1] = replace(links[-1], name=name)
            links.append(Link(cause))
        return tuple(reversed(links))

    def _before(self, fault: Fault, position: int) -> tuple[Fault, str, int] | None:
        """Return the fault before a fault in the statement at ``position``, by which name, and at which statement."""
        if fault.name in _NOTHING_RAN:
            return None
        stopped = self._failed_at(fault) if fault.line else position
        if fault.unknown:
            found = self._culprit(fault.unknown, stopped, [MOST_STEPS], follow=False)
            return None if found is None else (found[0], fault.unknown, found[1])
        return self._blamed(stopped)

    def _blamed(self, at: int) -> tuple[Fault, str, int] | None:
        """Return the earliest fault by which anything that a statement needs is not what it should be."""
        steps = [MOST_STEPS]
        found_by = [(name, self._culprit(name, at, steps)) for name in sorted(self.needs(self.statements[at][1]))]
        known = [
            (found[1], "train" not in name.lower(), name, found[0]) for name, found in found_by if found is not None
        ]
        if not known:
            return None
        place, _, name, cause = min(known, key=lambda of: of[:3])
        return cause, name, place

    def _failed_at(self, fault: Fault) -> int:
        """Return the number of the statement in which a fault arose: the last of its cell before the line's end."""
        begin = self.begins[fault.cell]
        later = range(begin + 1, len(self.statements))
        inside = (at for at in later if self.statements[at][0] == fault.cell)
        return max([begin, *(at for at in inside if self.statements[at][1].first <= fault.line)])

    def _culprit(self, name: str, before: int, steps: list[int], follow: bool = True) -> tuple[Fault, int] | None:
        """Return the earliest fault by which a name is not what it should be before a statement, and where it struck.

        ``follow``: also through what the name was made from, so many ``steps`` far.
        """
        waiting, seen = [(name, before)], set[tuple[str, int]]()
        found: tuple[Fault, int] | None = None
        while waiting and steps[0] > 0:
            wanted, end = waiting.pop()
            places = self.made_at.get(wanted, [])
            for at in reversed(places[: bisect_left(places, end)]):
                steps[0] -= 1
                if (wanted, at) in seen or steps[0] <= 0:
                    break
                seen.add((wanted, at))
                fault, statement = self.fault_of(at), self.statements[at][1]
                if fault is not None:
                    found = (fault, at) if found is None or at < found[1] else found
                    if not follow:
                        return found
                    continue
                if follow:
                    waiting += [(need, at) for need in self.needs(statement) if need in self.made_at]
                if wanted in statement.makes and statement.certainly:
                    break
        return found

    # -- in words --------------------------------------------------------------------------------------------

    def _told(self, links: tuple[Link, ...]) -> FirstError:
        first, last = links[0].fault, links[-1].fault
        if first.unknown:
            said, help = self._unknown(first, is_training=first is last)
        else:
            said, help = _in_words(first, is_training=first is last)
        if len(links) > 1:
            said = f"{said} {_consequence(links[1:])}"
        return FirstError(links, said, help)

    def _unknown(self, fault: Fault, is_training: bool) -> tuple[str, str]:
        """Say which name was not defined where it was needed, and what to do."""
        name, again = fault.unknown, "Then restart, and run all from top to bottom."
        places = [self.statements[at][0] for at in self.made_at.get(name, ()) if name in self.statements[at][1].makes]
        cell = f"Cell {fault.cell}{_WHICH_TRAINS * is_training}"
        later = [place for place in places if place > fault.cell]
        if later and len(later) == len(places):
            return (
                f"{cell} uses `{name}`, which only a later cell makes: cell {later[0]}.",
                f"Put what makes `{name}` before cell {fault.cell}. {again}",
            )
        if places:
            return (
                f"{cell} uses `{name}`, which was not there, although cell {places[-1]} makes it.",
                f"See whether `{name}` is made in every case, and not deleted again. {again}",
            )
        made = {of for _, statement in self.statements for of in statement.makes if len(of) <= MOST_LINKS}
        close = difflib.get_close_matches(name[:MOST_LINKS], sorted(made)[:2_000], 1, 0.7)
        hint = f" Is `{close[0]}` meant?" if close else ""
        return (
            f"{cell} uses `{name}`, which no cell makes.{hint}",
            f"Make `{name}`, or write its name as it is. {again}",
        )


_WHICH_TRAINS = ", which should train the network,"


def summary(error: Fault) -> str:
    """Return an error's name and the line of its message that says most."""
    lines = [_COLOUR.sub("", line).strip() for line in error.message[:5_000].splitlines()]
    telling = [line for line in lines if line and not line.startswith((*_SAYS_NOTHING, "<", "[[", "File "))]
    if any("Graph execution error" in line for line in lines):
        telling = [line for line in telling if "defined at" not in line][::-1]
    line = (telling or [""])[0].replace("\t", " ").rstrip(".").rstrip()
    cut = line if len(line) <= LONGEST else f"{line[:LONGEST]} …"
    return f"{error.name}: {cut}" if cut else error.name


def _in_words(fault: Fault, is_training: bool) -> tuple[str, str]:
    """Return what went wrong, and what to do."""
    if fault.lacks:
        return (
            f"{fault.lacks[0].upper()}{fault.lacks[1:]}.",
            "Hand it in beside your file, or make it in your file from the data that the assignment names.",
        )
    again = "Then restart, and run all from top to bottom."
    if fault.name in _NOTHING_RAN:
        said = fault.message if fault.last is not None else summary(fault)
        return f"Cell {fault.cell} is no valid Python: {said}.", f"Correct it there. {again}"
    where = f" in line {fault.line}" if fault.line > 1 else ""
    if not is_training:
        return f"Cell {fault.cell} failed{where}: {summary(fault)}.", f"Correct cell {fault.cell}. {again}"
    help = next((words for pattern, words in _HELP if re.search(pattern, fault.message[:5_000], re.IGNORECASE)), "")
    return (
        f"The training in cell {fault.cell} failed: {summary(fault)}.",
        f"{help or f'Correct cell {fault.cell}.'} {again}",
    )


_HELP = (
    (
        r"expected (axis|shape|min_ndim)|incompatible with the layer",
        "Give the network as many inputs as your table has columns.",
    ),
    (r"(must|call|before).{0,40}compile", "Call compile on the network before fit."),
    (
        r"cast string|dtype.*(object|string)|could not convert string|invalid dtype",
        "Turn all text in inputs and labels into numbers.",
    ),
    (
        r"logits and labels|same shape|label value|target.*shape|shapes? .*incompatible",
        "Let labels, loss and the last layer fit together: class numbers go with a sparse loss, one-hot rows with one "
        "that is not.",
    ),
    (r"cardinality|inconsistent number|same number of", "Give fit as many labels as rows."),
    (r"allocate|memory", "Take less memory: smaller batches, or a smaller network."),
)


def _consequence(links: Sequence[Link]) -> str:
    """Say what the later faults are: what was missing where, the training last."""
    last = links[-1]
    shown = [*[link for link in links[:-1] if link.fault.unknown][:MOST_SHOWN], *([last] if last.fault.unknown else [])]
    cells = {name: [link.fault.cell for link in shown if link.name == name] for name in (link.name for link in shown)}
    parts = [f"no `{name}` in {_joined([f'cell {cell}' for cell in of])}" for name, of in cells.items()]
    said = f"So there is {_joined(parts)}" if parts else ""
    if last.fault.unknown:
        return f"{said}{_WHICH_TRAINS.rstrip(',')}."
    said = f"{said}. " if said else ""
    ended = f", and failed: {summary(last.fault)}." if last.fault.name else "."
    return f"{said}The training in cell {last.fault.cell} needs `{last.name}`, which is not what it should be{ended}"


def _joined(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


# -- what went wrong ---------------------------------------------------------------------------------------


def _left_out(cells: Sequence[CellResult], adaptations: Sequence[Adaptation]) -> Iterator[Fault]:
    """Yield what is no valid Python and was left out: the statement around the line that is told, which of a module is
    one of the file's."""
    sources = {cell.index: cell.source.split("\n") for cell in cells}
    for note in adaptations:
        found = _NO_PYTHON.match(note.what)
        if found is not None:
            number, text, why = found.groups()
            lines = sources.get(note.cell, [])
            at = next((at for at, line in enumerate(lines) if line.strip()[:120] == text), len(lines) - 1)
            first = next((of for of in range(at, -1, -1) if not _GOES_ON.match(lines[of])), 0)
            last = next((of for of in range(at + 1, len(lines)) if not _GOES_ON.match(lines[of])), len(lines))
            yield Fault(note.cell, first + 1, "SyntaxError", f"line {number}, `{text[:80]}`: {why}", last)


def _errors(cells: Sequence[CellResult], left_out: Collection[int], companions: Sequence[Companion]) -> Iterator[Fault]:
    """Yield the errors of cells, each with its line among those of the cell, 0 where that is not known."""
    for cell in cells:
        error = cell.error
        if error is None or (error.name == "SyntaxError" and cell.index in left_out):
            continue
        found = _LINE.search(_COLOUR.sub("", error.traceback[:3_000]))
        line = int((found.group(1) or found.group(2))[:6]) if found and error.name not in _NOTHING_RAN else 0
        if line > cell.source.count("\n") + 1:  # a module's errors tell lines of the file
            line = 0
        yield Fault(cell.index, line, error.name[:100], error.message, lacks=absences.lacks(cell, companions))
