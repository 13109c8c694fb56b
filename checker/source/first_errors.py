"""The first error that a missing answer comes from, by names alone. Pure.

Theory of operation: a cell that should have made a name, and failed before it did, makes all later cells fail that need
that name. So errors are followed backwards: from the cell that should have trained the network to the cell that should
have made what it needed, and on to the first. An error other than a ``NameError`` may still be the consequence of
another. Then every name that the failed statement needed is followed, through the statements that made it. The search
stops after ``MOST_STEPS``.
"""

from bisect import bisect_left
from dataclasses import replace

from checker.source.error_words import FirstError, Link, explained
from checker.source.faults import NOTHING_RAN, Fault
from checker.source.provenance import MOST_LINKS, Provenance

MOST_STEPS = 5_000
"""Limit on the statements that one search visits."""


class FirstErrors:
    """The errors of a file's cells, each followed back to the first."""

    def __init__(self, provenance: Provenance) -> None:
        self._file = provenance

    def failed_in(self, cell: int) -> int | None:
        """Return the number of the statement that failed in a cell; None where none did."""
        fault = next((of for of in self._file.faults.get(cell, ()) if of.last is None), None)
        return None if fault is None or cell not in self._file.begins else self._failed_at(fault)

    def of(self, at: int) -> FirstError | None:
        """Return the first error behind a training, the statement with this number; None where the training did not
        fail."""
        fault = self._file.fault_of(at)
        return None if fault is None else explained(self._file, self._back_from(Link(fault), at))

    def spoiled_by(self, cell: int) -> FirstError | None:
        """Return the first error that left a cell's training data wrong, although the training itself ran; None where
        there is none."""
        for at in reversed(self._file.trainings()):
            if self._file.statements[at][0] == cell and self._file.fault_of(at) is None:
                found = self._blamed(at)
                if found is not None:
                    cause, name, place = found
                    none = Fault(cell, 0, "", "")
                    return explained(self._file, (*self._back_from(Link(cause), place), Link(none, name)))
        return None

    def _back_from(self, link: Link, position: int) -> tuple[Link, ...]:
        """Return the chain of faults that leads to the statement at ``position``, the first fault first."""
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
        """Return the fault behind a fault in the statement at ``position``, the name that links them, and the earlier
        statement."""
        if fault.name in NOTHING_RAN:
            return None
        stopped = self._failed_at(fault) if fault.line else position
        if fault.unknown:
            found = self._culprit(fault.unknown, stopped, [MOST_STEPS], follow=False)
            return None if found is None else (found[0], fault.unknown, found[1])
        return self._blamed(stopped)

    def _blamed(self, at: int) -> tuple[Fault, str, int] | None:
        """Return the earliest fault that affects any name that a statement needs."""
        steps = [MOST_STEPS]
        found_by = [
            (name, self._culprit(name, at, steps)) for name in sorted(self._file.needs(self._file.statements[at][1]))
        ]
        known = [
            (found[1], "train" not in name.lower(), name, found[0]) for name, found in found_by if found is not None
        ]
        if not known:
            return None
        place, _, name, cause = min(known, key=lambda of: of[:3])
        return cause, name, place

    def _failed_at(self, fault: Fault) -> int:
        """Return the number of a fault's statement: the last in its cell that does not begin after the fault's line."""
        begin = self._file.begins[fault.cell]
        later = range(begin + 1, len(self._file.statements))
        inside = (at for at in later if self._file.statements[at][0] == fault.cell)
        return max([begin, *(at for at in inside if self._file.statements[at][1].first <= fault.line)])

    def _culprit(self, name: str, before: int, steps: list[int], follow: bool = True) -> tuple[Fault, int] | None:
        """Return the earliest fault that left a name wrong before a statement, and the number of the faulty statement.

        ``follow``: also search the names that the name was made from, within ``steps``.
        """
        waiting, seen = [(name, before)], set[tuple[str, int]]()
        found: tuple[Fault, int] | None = None
        while waiting and steps[0] > 0:
            wanted, end = waiting.pop()
            places = self._file.made_at.get(wanted, [])
            for at in reversed(places[: bisect_left(places, end)]):
                steps[0] -= 1
                if (wanted, at) in seen or steps[0] <= 0:
                    break
                seen.add((wanted, at))
                fault, statement = self._file.fault_of(at), self._file.statements[at][1]
                if fault is not None:
                    found = (fault, at) if found is None or at < found[1] else found
                    if not follow:
                        return found
                    continue
                if follow:
                    waiting += [(need, at) for need in self._file.needs(statement) if need in self._file.made_at]
                if wanted in statement.makes and statement.certainly:
                    break
        return found
