"""The bar that most submissions of a cohort share, and the submissions with a bar of their own.

Theory of operation: all submissions are compared on the same seeds and held-out rows, except those that were trained
from fewer or more seeds, and those without inputs for some held-out rows. These rows are left out for the reference
too, so its score there is another one, and with it the bar.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checker.formats.text import counted
from checker.records.comparison import Comparison
from checker.records.verdicts import Verdict
from checker.report.sentences import metric


@dataclass(frozen=True)
class Scored:
    """A submission in the figure; ``href`` is a URL. ``note``: why its score does not count as it stands."""

    name: str
    href: str
    verdict: Verdict
    comparison: Comparison
    note: str = ""


@dataclass(frozen=True)
class OwnBars:
    """Submissions with bars of their own for one reason, each with its bar and the reference's score; ``why`` ends the
    sentence about them."""

    scored: tuple[tuple[Scored, str, str], ...]
    why: str


def usual(compared: Iterable[Comparison]) -> Comparison:
    """Return a comparison with the bar, reference and baseline that most submissions share. Of equally many, it is one
    with the most seeds. Further seeds do not count: few submissions have them."""
    listed = list(compared)
    shared = Counter(map(_guides, listed))
    return max(listed, key=lambda c: (shared[_guides(c)], len(c.scores) - c.further, -c.further))


def _guides(compared: Comparison) -> tuple[object, ...]:
    return compared.metric, compared.bar, compared.reference_mean, compared.baseline, compared.baseline_mean


def usual_bar(scored: Sequence[Scored]) -> str:
    """Return the bar that most submissions share, with its unit; "" if none has a score."""
    return _bar(usual(one.comparison for one in scored)) if scored else ""


def own_bars(scored: Sequence[Scored]) -> list[OwnBars]:
    """Return the submissions whose bar is written otherwise than the usual one, by the reason for it."""
    if not scored:
        return []
    common = usual(one.comparison for one in scored)
    drawn, found = _bar(common), dict[str, list[Scored]]()
    for one in scored:
        if _bar(one.comparison) != drawn:
            found.setdefault(_reason(one.comparison, common), []).append(one)
    return [
        OwnBars(tuple((one, _bar(one.comparison), _reference(one.comparison)) for one in of), _why(of, why))
        for why, of in found.items()
    ]


def _reference(compared: Comparison) -> str:
    return metric(compared).unit.value(compared.reference_mean)


def _bar(compared: Comparison) -> str:
    return metric(compared).unit.value(compared.bar)


def _reason(own: Comparison, common: Comparison) -> str:
    """Return the reason for a bar of its own, to follow "it" or "they"."""
    if own.metric != common.metric:
        return f"{{is}} scored by the {metric(own).name}"
    if len(own.scores) != len(common.scores):
        return f"{{was}} trained from {counted(len(own.scores), 'seed')}, not from {len(common.scores)}"
    if own.missing is not None:
        return "left out some held-out rows; on the remaining rows every model is scored anew"
    if common.missing is not None:
        return "{has} inputs for held-out rows that the others leave out"
    return "{was} compared on other held-out rows"


def _why(of: Sequence[Scored], reason: str) -> str:
    is_one = len(of) == 1
    verbs = {"is": "is", "was": "was", "has": "has"} if is_one else {"is": "are", "was": "were", "has": "have"}
    return f"because {'it' if is_one else 'they'} {reason.format(**verbs)}."
