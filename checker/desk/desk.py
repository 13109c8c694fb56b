"""The running desk: the objects that every page needs, and the watch for changes by others."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request

from checker.desk.events import Hub
from checker.desk.people import People, Session
from checker.desk.presence import Presence
from checker.desk.results import Results
from checker.desk.table import Table
from checker.desk.walls import Address, Form
from checker.gradebooks.decision_log import DecisionLog
from checker.records.decisions import DecisionEntry, Origin
from checker.records.roster import Row
from checker.records.settings import RunSettings
from checker.run.places import Place
from checker.run.what_ifs import Workshop

WHOLE = 3.0
"""Interval in seconds between checks of all decisions."""


@dataclass
class Desk:
    """Everything that pages share. Several threads use it."""

    results: Results
    log: DecisionLog
    address: Address
    people: People = field(default_factory=People)
    presence: Presence = field(default_factory=Presence)
    hub: Hub = field(default_factory=Hub)
    elsewhere: Callable[[RunSettings], Place] | None = None
    workshop: Workshop = field(init=False)
    table: Table = field(init=False)
    _newest: dict[str, DecisionEntry] = field(default_factory=dict)
    _seen: int = 0
    _next_whole: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.table = Table(self.results, self.log)
        self.workshop = Workshop(self.results.folder, self.elsewhere)
        self.table.look(self._seen)
        self.catch_up()

    @property
    def decisions(self) -> dict[str, DecisionEntry]:
        """The decision that counts for each student."""
        return self._newest

    def catch_up(self) -> None:
        """Read the decisions that any program has saved since the last call, and notify all pages."""
        with self._lock:
            new = self.log.since(self._seen)
            if not new:
                return
            counting = {one.student: one for one in new if one.origin is not Origin.STALE}
            self._newest, self._seen = {**self._newest, **counting}, new[-1].id
        rows = self.results.now().by_student
        for student in {one.student for one in new} & rows.keys():
            self.hub.publish("decision", rows[student].slug)

    def _drop_erased(self) -> None:
        """Forget decisions that another program has erased. No newer entry shows that."""
        with self._lock:
            kept = self.log.newest()
            is_erased = bool(self._newest.keys() - kept.keys())
            self._newest = kept
        if is_erased:
            self.hub.publish("all")

    def look(self) -> None:
        """Check for changes by others: index, decisions, the table of decisions, closed pages."""
        if self.results.look():
            self.hub.publish("class")
        self.catch_up()
        if self.table.look(self._seen):
            self.catch_up()
            self.hub.publish("class")
        for slug in self.presence.sweep():
            self.hub.publish("presence", slug)
        if time.monotonic() > self._next_whole:
            self._next_whole = time.monotonic() + WHOLE
            self._drop_erased()


def desk_of(request: Request) -> Desk:
    """Return the desk of a request."""
    desk: Desk = request.app.state.desk
    return desk


def row_of(request: Request) -> Row:
    """Return the student whom a request's address names. Raises HTTPException, in words, if there is none."""
    row = desk_of(request).results.now().by_slug.get(request.path_params["slug"])
    if row is None:
        raise HTTPException(404, "There is no such student in these results, or no longer.")
    return row


def session_of(request: Request) -> Session:
    """Return the session of a request."""
    session: Session = request.state.session
    return session


def form_of(request: Request) -> Form:
    """Return the fields of a POST, whose origin and token were checked."""
    form: Form = request.state.form
    return form
