"""The desk as an application: its routes, its walls, errors in words, and the watch."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from checker.desk import class_page, pages, result_files, student, what_if
from checker.desk.desk import Desk, desk_of
from checker.desk.walls import Walls
from checker.errors import CheckerError, UsageError

LOOK = 0.4
"""Interval in seconds between checks for changes by other programs."""
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
STATIC = ("desk.css", "ahead.js", "desk.js", "what_if.js", "vendor/htmx.min.js")


def static(request: Request) -> Response:
    """Return a script or the style sheet."""
    name = request.path_params["name"]
    if name not in STATIC:
        raise HTTPException(404, "There is no such file.")
    kept = {"Cache-Control": "max-age=604800, immutable"} if request.url.query else {}
    return Response(pages.content(name), media_type=TYPES[f".{name.rpartition('.')[2]}"], headers=kept)


async def events(request: Request) -> Response:
    """Return a stream of events about changes."""
    desk = desk_of(request)
    if desk.hub.is_full:
        return Response("Too many pages are open.\n", 503)
    after = request.query_params.get("after", "")
    number = int(after) if after.isascii() and after.isdecimal() and len(after) < 12 else desk.hub.number
    return StreamingResponse(
        desk.hub.stream(number), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _say(request: Request, error: Exception) -> Response:
    """Return a page that describes an error."""
    help = ""
    if isinstance(error, HTTPException):
        status, message = error.status_code, error.detail
    elif isinstance(error, CheckerError):
        message, help = error.message, error.help
        is_typed = isinstance(error, UsageError) and not isinstance(error.__cause__, sqlite3.Error)
        status = 400 if is_typed else 507
    else:
        status, message = 500, "The desk made a mistake; the terminal that it runs in has the details."
        help = "What was saved before stays."
    form = getattr(request.state, "form", None)
    typed = [text for name in ("note", "other") for text in form.all(name) if text.strip()] if form else []
    return pages.render(
        request, "desk/error.html", status, message=message, help=help, typed=typed, field=getattr(error, "field", "")
    )


ROUTES = (
    *class_page.ROUTES,
    *student.ROUTES,
    *what_if.ROUTES,
    *result_files.ROUTES,
    Route("/events", events),
    Route("/static/{name:path}", static),
)


def application(desk: Desk) -> Walls:
    """Return the desk's application, behind its walls."""

    @contextlib.asynccontextmanager
    async def watched(app: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(_watch(desk))
        try:
            yield
        finally:
            desk.hub.close()
            watching.cancel()

    made = Starlette(
        routes=list(ROUTES),
        exception_handlers={HTTPException: _say, CheckerError: _say, 500: _say},
        lifespan=watched,
    )
    made.state.desk = desk
    return Walls(made, desk.address, desk.people)


async def _watch(desk: Desk) -> None:
    problem = ""
    while True:
        try:
            await run_in_threadpool(desk.look)
            problem = ""
        except CheckerError as error:  # the pages show the error, too; the next check may succeed
            if error.message != problem:
                problem = error.message
                desk.hub.publish("class")
        await asyncio.sleep(LOOK)
