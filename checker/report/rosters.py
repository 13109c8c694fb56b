"""The index for other programs: ``index.json``, written whenever ``index.html`` is."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from checker.formats import alphabet, files
from checker.formats.text import one_line
from checker.records.assignment import DatasetNote
from checker.records.codec import SCHEMA_VERSION, to_plain
from checker.records.report import Report, UnderWay, Unfinished
from checker.records.roster import Roster, Row
from checker.records.submission import Identity
from checker.records.verdicts import Importance
from checker.report.brief import in_brief
from checker.report.sentences import failed, identity_words, metric, score_note
from checker.report.tables import sound
from checker.report.templating import NAME
from checker.submissions import names


def roster_json(
    title: str,
    ends: Iterable[Report | Unfinished],
    dataset: DatasetNote,
    under_way: Sequence[UnderWay] = (),
    is_stopped: bool = False,
) -> bytes:
    """Return a ``Roster``: a row for each submission with a result, sorted by name, and those under way."""
    rows = sorted(map(_row, ends), key=lambda row: alphabet.place(row.name))
    waiting = tuple(UnderWay(one_line(one.submission, NAME), one.stage) for one in under_way)
    kind = next((end.metric for end in ends if isinstance(end, Report)), "accuracy")
    roster = Roster(
        schema=SCHEMA_VERSION,
        title=title,
        metric=kind,
        dataset=dataset,
        rows=tuple(rows),
        under_way=waiting,
        is_stopped=is_stopped,
    )
    return json.dumps(sound(to_plain(roster)), allow_nan=False).encode("ascii")


def _row(end: Report | Unfinished) -> Row:
    name = end.submission.name if isinstance(end, Report) else end.submission
    row = Row(slug=files.slug(name), student=names.student(name), name=one_line(name, NAME))
    if isinstance(end, Unfinished):
        return replace(row, who=_who(end.identity), reason=one_line(end.message))
    compared = end.comparison
    return replace(
        row,
        sha256=end.submission.sha256,
        who=_who(end.submission.identity),
        verdict=end.verdict,
        reason=one_line(in_brief(end)),
        score=metric(end).unit.plus_minus(compared.mean, compared.spread) if compared else "",
        score_note=score_note(end),
        required=_short_names(end, Importance.REQUIRED),
        advised=_short_names(end, Importance.ADVISORY),
    )


def _who(identity: Identity) -> str:
    return one_line(identity_words(identity), NAME)


def _short_names(report: Report, importance: Importance) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one_line(rule.short_name, NAME) for rule in failed(report, importance)))
