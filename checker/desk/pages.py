"""Render the desk's pages, with the filters and sections of the reports' pages."""

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse

from checker.desk import classroom
from checker.records.decisions import Choice, Help
from checker.report.templating import with_templates_of

STATIC = Path(__file__).parent / "static"


@cache
def environment() -> Environment:
    """Return the environment of the desk's templates, which lie beside those of the reports."""
    made = with_templates_of("checker.desk", "checker.report")
    made.filters |= {"clock": clock, "capital": lambda words: words[:1].upper() + words[1:]}
    made.globals |= {"asset": asset, "CHOICES": CHOICES, "HELP": list(Help), "STATES": classroom.STATES}
    return made


CHOICES = {
    Choice.TICK: ("Tick", "t", "✓ ticked"),
    Choice.RESUBMIT: ("Resubmit", "r", "↺ resubmit"),
    Choice.ABSENT: ("Absent", "a", "– absent"),
    Choice.SECOND_OPINION: ("Second opinion", "s", "? second opinion"),
    Choice.OPEN: ("Open", "", "undecided"),
}
"""The choices, each with its button, its key, and the words for the decision."""


def render(request: Request, template: str, status: int = 200, /, **names: Any) -> HTMLResponse:
    """Return a rendered template. Its ``session`` is the person's session; None for somebody unknown."""
    session = request.state.session
    text = environment().get_template(template).render(names | {"session": session})
    return HTMLResponse(text.encode("utf-8", "replace"), status)


def is_part(request: Request, target: str) -> bool:
    """Tell whether a page asks only for a part of itself."""
    return request.headers.get("hx-target") == target


@cache
def asset(name: str) -> str:
    """Return the address of a static file. It changes with the content."""
    return f"/static/{name}?{hashlib.sha256(content(name)).hexdigest()[:12]}"


@cache
def content(name: str) -> bytes:
    """Return a static file. The style sheet begins with that of the reports."""
    own = (STATIC / name).read_bytes()
    return str(environment().globals["style"]).encode() + own if name == "desk.css" else own


def clock(at: str) -> str:
    """Return a time in this machine's time zone: "18:03", "28 Nov 18:03" on another day."""
    try:
        when = datetime.fromisoformat(at).astimezone()
    except ValueError:
        return ""
    today = datetime.now().astimezone().date()
    return f"{when:%H:%M}" if when.date() == today else f"{when.day} {when:%b %H:%M}"
