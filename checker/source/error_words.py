"""Errors of cells in words: the fault, its consequences, and advice. Pure."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from checker.source import absences
from checker.source.faults import COLOUR, LONGEST, NOTHING_RAN, Fault
from checker.source.provenance import MOST_LINKS, Provenance

MOST_SHOWN = 2
"""Limit on the consequences that are named between the first error and the training."""
_SAYS_NOTHING = (
    "Exception encountered when calling",
    "Graph execution error",
    "Detected at node",
    "Arguments received",
)
_WHICH_TRAINS = ", which should train the network,"
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


@dataclass(frozen=True)
class Link:
    """A fault, and the name that was missing or wrong because of the fault before."""

    fault: Fault
    name: str = ""


@dataclass(frozen=True)
class FirstError:
    """Why a training failed: a chain of faults, each caused by the one before, ending where the network should have
    been trained; with an explanation and advice."""

    links: tuple[Link, ...]
    rationale: str
    help: str

    @property
    def cell(self) -> int:
        """The cell of the first fault."""
        return self.links[0].fault.cell


def explained(provenance: Provenance, links: tuple[Link, ...]) -> FirstError:
    """Return a chain of faults with its explanation and advice."""
    first, last = links[0].fault, links[-1].fault
    if first.unknown:
        said, help = _unknown(provenance, first, is_training=first is last)
    else:
        said, help = _in_words(first, is_training=first is last)
    if len(links) > 1:
        said = f"{said} {_consequence(links[1:])}"
    return FirstError(links, said, help)


def _unknown(provenance: Provenance, fault: Fault, is_training: bool) -> tuple[str, str]:
    """Explain an undefined name and the place that needed it; give advice."""
    name, again = fault.unknown, "Then restart, and run all from top to bottom."
    places = [
        provenance.statements[at][0]
        for at in provenance.made_at.get(name, ())
        if name in provenance.statements[at][1].makes
    ]
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
    made = {of for _, statement in provenance.statements for of in statement.makes if len(of) <= MOST_LINKS}
    close = difflib.get_close_matches(name[:MOST_LINKS], sorted(made)[:2_000], 1, 0.7)
    hint = f" Is `{close[0]}` meant?" if close else ""
    return (
        f"{cell} uses `{name}`, which no cell makes.{hint}",
        f"Make `{name}`, or write its name as it is. {again}",
    )


def summary(error: Fault) -> str:
    """Return an error's name and the most informative line of its message."""
    lines = [COLOUR.sub("", line).strip() for line in error.message[:5_000].splitlines()]
    telling = [line for line in lines if line and not line.startswith((*_SAYS_NOTHING, "<", "[[", "File "))]
    if any("Graph execution error" in line for line in lines):
        telling = [line for line in telling if "defined at" not in line][::-1]
    line = (telling or [""])[0].replace("\t", " ").rstrip(".").rstrip()
    cut = line if len(line) <= LONGEST else f"{line[:LONGEST]} …"
    return f"{error.name}: {cut}" if cut else error.name


def _in_words(fault: Fault, is_training: bool) -> tuple[str, str]:
    """Return a fault in words, and advice."""
    if fault.lacks:
        named = absences.named_in(fault.lacks)
        is_module = named.startswith("module")
        lines = "Put the lines that make this file into your file, starting from the data of the assignment"
        better = "Put its code into your file" if is_module else lines
        return (
            f"{fault.lacks[0].upper()}{fault.lacks[1:]}.",
            f"{better} (better), or hand {f'in the {named}' if named else 'it in'} beside your file.",
        )
    again = "Then restart, and run all from top to bottom."
    if fault.name in NOTHING_RAN:
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


def _consequence(links: Sequence[Link]) -> str:
    """Name the consequences of the first fault: the names that were missing, and where; the training comes last."""
    last = links[-1]
    shown = [*[link for link in links[:-1] if link.fault.unknown][:MOST_SHOWN], *([last] if last.fault.unknown else [])]
    cells = {name: [link.fault.cell for link in shown if link.name == name] for name in (link.name for link in shown)}
    trains = {last.fault.cell: f"when cell {last.fault.cell} tries to train the network"} if last.fault.unknown else {}
    where = {name: _joined([trains.get(cell, f"in cell {cell}") for cell in of]) for name, of in cells.items()}
    parts = [f"`{name}` does not exist {places}" for name, places in where.items()]
    said = f"So {_joined(parts)}." if parts else ""
    if last.fault.unknown:
        return said
    said = f"{said} " if said else ""
    ended = f", and failed: {summary(last.fault)}." if last.fault.name else "."
    return f"{said}The training in cell {last.fault.cell} needs `{last.name}`, which is not what it should be{ended}"


def _joined(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
