"""The statements of a file's cells, the names that each needs, and the cells that a training needs. Pure."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from checker.records.capture import Adaptation, CellResult
from checker.records.submission import Companion
from checker.source import definitions
from checker.source.definitions import Source, Statement
from checker.source.faults import Fault, cell_errors, invalid_statements

MOST_READ = 1_000_000
"""Limit on the characters of all cells together."""
MOST_LINKS = 50


class Provenance:
    """The statements of a file's cells in order, and the faults of each cell."""

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
        for fault in invalid_statements(self.cells, adaptations):
            self.faults.setdefault(fault.cell, []).append(fault)
        for fault in tuple(cell_errors(self.cells, frozenset(self.faults), companions)):
            self.faults.setdefault(fault.cell, []).append(fault)

    @cached_property
    def statements(self) -> list[tuple[int, Statement]]:
        """All statements in order, each with its cell."""
        return [(cell, statement) for cell, source in self.sources.items() for statement in source.statements]

    @cached_property
    def begins(self) -> dict[int, int]:
        """The number of the first statement, by cell."""
        found: dict[int, int] = {}
        for at, (cell, _) in enumerate(self.statements):
            found.setdefault(cell, at)
        return found

    @cached_property
    def imported(self) -> frozenset[str]:
        """Names of imports. A call on one of them does not change it."""
        return frozenset(name for _, statement in self.statements for name in statement.imports)

    @cached_property
    def made_at(self) -> dict[str, list[int]]:
        """The numbers of the statements that define or change a name, by name."""
        found: dict[str, list[int]] = {}
        for at, (_, statement) in enumerate(self.statements):
            for name in statement.makes | (statement.changes - self.imported):
                found.setdefault(name, []).append(at)
        return found

    @cached_property
    def later(self) -> Mapping[str, frozenset[str]]:
        """The names that functions and classes need when they are called, by their name."""
        found: dict[str, frozenset[str]] = {}
        for _, statement in self.statements:
            for name in statement.makes if statement.later else ():
                found[name] = found.get(name, frozenset()) | statement.later
        return found

    def needs(self, statement: Statement) -> set[str]:
        """Return all names that a statement needs, including those of the functions that it calls."""
        found, waiting = set[str](), set(statement.needs)
        while waiting:
            name = waiting.pop()
            found.add(name)
            waiting |= self.later.get(name, frozenset()) - found
        return found

    def fault_of(self, at: int) -> Fault | None:
        """Return the fault that stopped a statement; None where it finished."""
        cell, statement = self.statements[at]
        return next((fault for fault in self.faults.get(cell, ()) if fault.stopped(statement)), None)

    # -- which cells ---------------------------------------------------------------------------------------

    def cells_for(self, trained_in: Collection[int]) -> tuple[int, ...]:
        """Return the cells in which a network is trained and the cells that these need; in doubt, more.

        A cell that runs commands may have written anything, so it counts as needed.
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
        """Return the numbers of the statements that should train a network: they call its ``fit``, or a function that
        does."""
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
