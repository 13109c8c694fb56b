"""A student: the evidence, the questions, and the decision with its history."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from checker.desk import classroom, pages, what_if
from checker.desk.desk import Desk, desk_of, form_of, row_of, session_of
from checker.desk.results import Class
from checker.desk.walls import Form
from checker.errors import UsageError
from checker.formats.text import one_line
from checker.gradebooks import conditions, decision_log
from checker.records.decisions import Choice, DecisionEntry, Help, Origin
from checker.records.report import Report
from checker.records.roster import Row
from checker.records.verdicts import Verdict
from checker.report import changes, html
from checker.run import earlier

USED = 100
"""Number of earlier conditions among which to find those to offer again."""
UNCONDITIONAL = frozenset({Choice.TICK, Choice.ABSENT})
"""Decisions that have no conditions."""
CELLS = 1_000_000
"""Maximum number of bytes of a student's cells on a page."""


class FieldError(HTTPException):
    """A form cannot be saved because of one of its fields."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(400, detail)
        self.field = field


@dataclass(frozen=True)
class Event:
    """A decision in a student's history. ``unseen``: the authors of earlier decisions that its author had not seen."""

    entry: DecisionEntry
    unseen: tuple[str, ...]


def history(entries: Sequence[DecisionEntry]) -> list[Event]:
    """Return a student's decisions, the newest first."""
    return [
        Event(one, tuple(other.by for other in entries[:at] if other.id > one.based_on))
        for at, one in reversed(list(enumerate(entries)))
    ]


def counting(entries: Sequence[DecisionEntry]) -> DecisionEntry | None:
    """Return the decision that counts: the newest that is not stale."""
    return next((one for one in reversed(entries) if one.origin is not Origin.STALE), None)


def standing(entries: Sequence[DecisionEntry]) -> list[DecisionEntry]:
    """Return the decisions that were not taken back. The last one has the content of the decision that counts."""
    found: list[DecisionEntry] = []
    for one in entries:
        if one.origin is Origin.UNDO:
            found = found[:-1]
        elif one.origin is not Origin.STALE:
            found.append(one)
    return found


def undoes(entries: Sequence[DecisionEntry], me: str) -> str:
    """Return what undo takes back, in a word; "" if the decision that counts is not one of mine."""
    mine = standing(entries)
    if not mine or mine[-1].by != me:
        return ""
    before = mine[-2].choice if len(mine) > 1 else Choice.OPEN
    return "note" if mine[-1].choice is before else pages.CHOICES[mine[-1].choice][2].lstrip("✓↺–? ")


# -- reading -----------------------------------------------------------------------------------------------


def show(request: Request) -> Response:
    """Return a student's page, or only the part that other people may change."""
    return _page(request)


def _page(request: Request, told: str = "") -> Response:
    desk, session, row = desk_of(request), session_of(request), row_of(request)
    for slug in desk.presence.look(session, row.slug):
        desk.hub.publish("presence", slug)
    event, (report, problem) = desk.hub.number, _report(desk, row)
    names = _state(desk, request, row, report)
    if pages.is_part(request, "state"):
        return pages.render(request, "desk/state.html", is_part=True, **names)
    evidence = (_evidence(report, row) | _since(desk, report)) if report else {}
    return pages.render(
        request, "desk/student.html", is_part=False, event=event, problem=problem, told=told, **names, **evidence
    )


def _state(desk: Desk, request: Request, row: Row, report: Report | None) -> dict[str, Any]:
    """Return the template variables for the parts that change while a page is open."""
    session, want = session_of(request), classroom.wanted(request.query_params)
    of, decisions = desk.results.now(), desk.decisions
    rows = classroom.shown(of, decisions, want, session.name)
    before, after = classroom.neighbours(rows, row.slug)
    entries = desk.log.history(row.student)
    newest = counting(entries)
    standings = conditions.standings(newest, report)
    offered = conditions.offered(report, desk.log.conditions_used(USED)) if report else ()
    is_open = newest is None or (newest.choice is Choice.OPEN and not newest.conditions)
    suggested = conditions.offered(report)[:1] if report and report.verdict is Verdict.FAIL and is_open else ()
    return {
        "row": row,
        "of": of,
        "report": report,
        "want": want,
        "before": before,
        "after": after,
        "counts": classroom.counts(of, decisions),
        "newest": newest,
        "seen": entries[-1].id if entries else 0,
        "history": history(entries),
        "is_resubmitted": classroom.is_resubmitted(row, newest),
        "answers": desk.log.answers(row.student),
        "others": desk.presence.others(session).get(row.slug, ()),
        "standings": standings,
        "suggested": suggested,
        "kept": what_if.kept(desk, row),
        "latest": _latest(of, decisions, session.name),
        "is_of_this_file": newest is not None and newest.submission == row.sha256 != "",
        "offered": tuple(dict.fromkeys([*offered, *(one.condition for one in standings)])),
        "chosen": [*suggested, *(one.condition for one in standings if one.state is not conditions.State.MET)],
        "undoes": undoes(entries, session.name),
        "words": conditions.words,
    }


def _latest(of: Class, decisions: classroom.Decisions, me: str) -> str:
    """Return the name of the student of my newest decision that counts; "" for none."""
    mine = [one for one in decisions.values() if one.by == me and one.choice is not Choice.OPEN]
    newest = max(mine, key=lambda one: one.id, default=None)
    row = of.by_student.get(newest.student) if newest else None
    return row.name if row else ""


def _report(desk: Desk, row: Row) -> tuple[Report | None, UsageError | None]:
    """Return the report, or why there is none."""
    if row.verdict is None:
        return None, None
    try:
        return desk.results.report(row.slug), None
    except UsageError as error:
        return None, error


def _evidence(report: Report, row: Row) -> dict[str, Any]:
    """Return the report's own sections: its lead, and the rest."""
    script = f"../results/reproduce/{row.slug}.py" if report.reproduce else ""
    edition = {"index_href": "", "student_href": "", "script_href": script}
    names = html.around_cells(report, edition | {"is_for_students": False, "is_self_check": False})
    lead, rest = (pages.environment().get_template(f"desk/{name}.html") for name in ("lead", "evidence"))
    groups = html.cells_of(report, CELLS)
    return {
        "lead": Markup(lead.render(names)),  # noqa: S704  # rendered with escaping, as is the next line
        "rest": Markup(rest.render(names, groups=groups)),  # noqa: S704
        "cell_indices": names["cell_indices"],
    }


def _since(desk: Desk, report: Report) -> dict[str, Any]:
    """Return the changes since the report on the previous file, and the path of its page; neither if there was none."""
    files = earlier.of(desk.results.folder, report.submission.name)
    if not files or files[-1].report.submission.sha256 == report.submission.sha256:
        return {"changed": (), "earlier_page": ""}
    return {"changed": changes.between(files[-1].report, report), "earlier_page": files[-1].page}


# -- writing -----------------------------------------------------------------------------------------------


def decide(request: Request) -> Response:
    """Save a decision with the note and the conditions of the form. Without a decision, the one that counts stays with
    its conditions. If all of it counts already, nothing is stored, and the page says so."""
    desk, session, form, row = desk_of(request), session_of(request), form_of(request), row_of(request)
    before = counting(desk.log.history(row.student))
    choice, file, asked = _choice(form.first("choice")), row.sha256, form.all("condition")
    if choice is None:
        choice, file = (before.choice, before.submission) if before else (Choice.OPEN, file)
        asked = (*(before.conditions if before else ()), *asked)
    if choice is not Choice.RESUBMIT:  # the page ticked it, no person
        asked = tuple(one for one in asked if one != form.first("suggested"))
    note = decision_log.cleaned_note(form.first("note"))
    asked = () if choice in UNCONDITIONAL else decision_log.cleaned_conditions((*asked, *_typed(form)))
    now = (before.choice, before.note, before.conditions, before.submission) if before else (Choice.OPEN, "", (), file)
    if (choice, note, asked, file) == now:
        return _page(request, _already(before))
    desk.log.decide(row.student, choice, note, asked, session.name, _based_on(form), file)
    desk.catch_up()
    return _back(request, row)


def _typed(form: Form) -> list[str]:
    """Return the conditions that were typed. Raises FieldError for one that says nothing."""
    typed = [line for line in form.first("other").splitlines() if line.strip()]
    for line in typed:
        if not conditions.says_something(line):
            raise FieldError("other", f"“{line.strip()}” is no condition; nothing was saved. Say it in words.")
    return typed


def _already(before: DecisionEntry | None) -> str:
    if before is None:
        return "There is no note to keep; nothing was stored."
    said = pages.CHOICES[before.choice][2]
    return f"This counts already ({said}, by {one_line(before.by) or 'somebody'}); nothing new was stored."


def _choice(word: str) -> Choice | None:
    """Return the choice in a form; None if it has none."""
    try:
        return Choice(word) if word else None
    except ValueError as error:
        raise HTTPException(400, f"“{word[:40]}” is no decision; nothing was saved.") from error


def _based_on(form: Form) -> int:
    text = form.first("based_on")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


def undo(request: Request) -> Response:
    """Take back one's own decision that counts, if it is the one that the page showed. The one before it counts again,
    as a new entry: nothing is removed from the history."""
    desk, session, row = desk_of(request), session_of(request), row_of(request)
    entries, seen = desk.log.history(row.student), _based_on(form_of(request))
    if undoes(entries, session.name) and entries[-1].id == seen:
        *before, last = standing(entries)
        back = before[-1] if before else replace(last, choice=Choice.OPEN, note="", conditions=())
        content = (back.choice, back.note, back.conditions, session.name, seen, back.submission)
        desk.log.decide(row.student, *content, Origin.UNDO)
        desk.catch_up()
    return _back(request, row)


def answer(request: Request) -> Response:
    """Save the mark for the student's answer to a question; a form without a mark takes the earlier one back."""
    desk, session, form, row = desk_of(request), session_of(request), form_of(request), row_of(request)
    question, help = form.first("question"), None
    with suppress(ValueError):
        help = Help(form.first("help"))
    if not question.strip():
        raise HTTPException(400, "This names no question; nothing was saved.")
    desk.log.answer(row.student, question, help, session.name)
    desk.hub.publish("answer", row.slug)
    return _back(request, row)


def here(request: Request) -> Response:
    """Note that a page is open, or that it was closed."""
    desk, session, row = desk_of(request), session_of(request), row_of(request)
    if form_of(request).first("away"):
        changed = {row.slug} if desk.presence.leave(session, row.slug) else set()
    else:
        changed = desk.presence.look(session, row.slug)
    for slug in changed:
        desk.hub.publish("presence", slug)
    return Response(status_code=204)


def _back(request: Request, row: Row) -> Response:
    want = classroom.wanted(request.query_params)
    return RedirectResponse(f"/student/{row.slug}{want.query}", 303)


ROUTES = (
    Route("/student/{slug}", show),
    Route("/student/{slug}/decision", decide, methods=["POST"]),
    Route("/student/{slug}/undo", undo, methods=["POST"]),
    Route("/student/{slug}/answer", answer, methods=["POST"]),
    Route("/student/{slug}/here", here, methods=["POST"]),
)
