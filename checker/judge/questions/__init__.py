"""Questions for the ticking session, chosen from a report by rules. Pure.

Theory of operation: ``templates.toml`` holds the words, one table for each question. For each table a function of the
same name checks whether the question suits a report. It returns the values for the braces, and the cell or figure that
the question points to. From the questions that suit a report, some are chosen: topics take turns, and within a topic
the weightiest question comes first. So questions particular to a submission come before those that suit everybody, and
no topic gets too many. Only a topic with a mistake has two turns in one round. Ties are broken by the hash of the file,
so that neighbours get different questions, and the same file gets the same ones again. The weightiest ``FIRST`` come
before the others, for a session with no time for more. Within both parts mistakes come first, before all the one that
leads the page of a FAIL; the rest follows the order of a walk through a solution.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from checker.judge.questions import data, network, plans, results, training
from checker.judge.questions.view import Details, View
from checker.records.codec import record
from checker.records.report import Question, Report, Topic

MOST = 7
"""Limit on the questions for one submission."""
FIRST = 3
"""Number of questions that a page shows unfolded."""
WRONG = 3
"""A question with at least this weight is about a mistake."""
LEADING = 5
"""The weight of a question about what leads the page."""

Finder = Callable[[View], Details | None]


@record
@dataclass(frozen=True)
class Template:
    """A question's words and its weight. ``unless``: causes, or names of rules, from which its answer follows; if one
    of them leads the report, the question is not asked. ``about``: causes, or names of rules, that it asks about; if
    one of them leads the page, the question comes first."""

    topic: Topic
    weight: int
    ask: str
    good: str
    unless: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A question that suits a report; ``rank`` orders the questions of a topic, the best first."""

    name: str
    rank: tuple[int, str]
    question: Question


def finder(name: str) -> Finder:
    """Return the function that checks whether a template suits a report."""
    for module in (data, network, training, results, plans):
        if name in vars(module):
            found: Finder = vars(module)[name]
            return found
    raise LookupError(name)


def choose(report: Report, templates: Mapping[str, Template]) -> tuple[Question, ...]:
    """Return the questions for a submission, in the order in which they are asked.

    ``templates``: the words of all questions, by name.
    """
    found = sorted(candidates(report, templates), key=lambda candidate: (_place(candidate), candidate.rank))
    by_topic = [list(of) for _, of in groupby(found, _place)]
    chosen = _in_turns(by_topic)[:MOST]
    weighty = sorted(chosen, key=lambda candidate: (candidate.rank[0], _order(candidate)))
    in_turn = [*sorted(weighty[:FIRST], key=_order), *sorted(weighty[FIRST:], key=_order)]
    return tuple(candidate.question for candidate in in_turn)


def candidates(report: Report, templates: Mapping[str, Template]) -> Iterator[Candidate]:
    """Yield all questions that suit a report."""
    view = View(report)
    for name, template in templates.items():
        leading = {view.leading, report.cause.kind if report.cause else ""}
        found = None if leading & set(template.unless) else finder(name)(view)
        if found is not None:
            lot = hashlib.sha256(f"{report.submission.sha256} {name}".encode()).hexdigest()
            ask, good = (words.format_map(found.values) for words in (template.ask, template.good))
            question = Question(topic=template.topic, ask=ask, good=good, cell=found.cell, figure=found.figure)
            weight = LEADING if view.leading in template.about else template.weight
            yield Candidate(name, (-weight, lot), question)


def _order(candidate: Candidate) -> tuple[int, int, tuple[int, str]]:
    weight = -candidate.rank[0]
    return -weight if weight >= WRONG else 0, _place(candidate), candidate.rank


def _place(candidate: Candidate) -> int:
    return list(Topic).index(candidate.question.topic)


def _in_turns(by_topic: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """Return the best question of each topic, then the second of each, and so on; within a turn the weightiest
    first."""
    turns = {candidate: turn for of in by_topic for turn, candidate in enumerate(of)}
    return sorted(turns, key=lambda candidate: (_turn(candidate, turns[candidate]), candidate.rank))


def _turn(candidate: Candidate, turn: int) -> int:
    return 0 if turn == 1 and candidate.rank[0] <= -WRONG else turn
