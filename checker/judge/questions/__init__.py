"""Questions for the ticking session, from a report, by rules. Pure.

Theory of operation: ``templates.toml`` has the words, one table for each question. Beside it, for each table, a
function of the same name looks whether a report has what the question is about; it returns what stands in the words'
braces, and the cell or the figure that the question points to. Of the questions that suit a report some are chosen:
topic after topic in turns, in each the weightiest first, so that what is particular to a submission comes before what
everybody can be asked, and no topic is asked to death; only for what is wrong a topic has two turns at once. Among
equals the hash of the file decides: neighbours get different ones, and the same file gets the same ones again. Those
that were chosen are asked in the order in which a solution is walked through, what is wrong before all else.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from checker.judge.questions import data, network, plans, results, training
from checker.judge.questions.view import Details, View
from checker.records.codec import record
from checker.records.report import CauseKind, Question, Report, Topic

MOST = 7
"""Questions for one submission."""
WRONG = 3
"""The weight from which on something is wrong with a submission."""

Finder = Callable[[View], Details | None]


@record
@dataclass(frozen=True)
class Template:
    """A question's words, how much it is to the point, and the causes from which its answer follows: where one of them
    leads the report, it is not asked."""

    topic: Topic
    weight: int
    ask: str
    good: str
    unless: tuple[CauseKind, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A question that suits a report; ``rank`` orders those of a topic, the best first."""

    name: str
    rank: tuple[int, str]
    question: Question


def finder(name: str) -> Finder:
    """Return the function that looks whether a report has what a template is about."""
    for module in (data, network, training, results, plans):
        if name in vars(module):
            found: Finder = vars(module)[name]
            return found
    raise LookupError(name)


def choose(report: Report, templates: Mapping[str, Template]) -> tuple[Question, ...]:
    """Return the questions for a submission, in the order in which they are asked.

    ``templates``: their words, by name.
    """
    found = sorted(candidates(report, templates), key=lambda candidate: (_place(candidate), candidate.rank))
    by_topic = [list(of) for _, of in groupby(found, _place)]
    chosen = sorted(_in_turns(by_topic)[:MOST], key=_order)
    return tuple(candidate.question for candidate in chosen)


def candidates(report: Report, templates: Mapping[str, Template]) -> Iterator[Candidate]:
    """Yield all questions that suit a report."""
    view = View(report)
    for name, template in templates.items():
        is_silent = report.cause is not None and report.cause.kind in template.unless
        found = None if is_silent else finder(name)(view)
        if found is not None:
            lot = hashlib.sha256(f"{report.submission.sha256} {name}".encode()).hexdigest()
            ask, good = (words.format_map(found.values) for words in (template.ask, template.good))
            question = Question(topic=template.topic, ask=ask, good=good, cell=found.cell, figure=found.figure)
            yield Candidate(name, (-template.weight, lot), question)


def _order(candidate: Candidate) -> tuple[int, int, tuple[int, str]]:
    weight = -candidate.rank[0]
    return -weight if weight >= WRONG else 0, _place(candidate), candidate.rank


def _place(candidate: Candidate) -> int:
    return list(Topic).index(candidate.question.topic)


def _in_turns(by_topic: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """Return the best of each topic, then each topic's second, and so on; within a turn the weightiest first."""
    turns = {candidate: turn for of in by_topic for turn, candidate in enumerate(of)}
    return sorted(turns, key=lambda candidate: (_turn(candidate, turns[candidate]), candidate.rank))


def _turn(candidate: Candidate, turn: int) -> int:
    return 0 if turn == 1 and candidate.rank[0] <= -WRONG else turn
