"""The class: search, filters, counts, the next student; and the session of this browser."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from checker.desk import classroom, pages
from checker.desk.desk import desk_of, form_of, session_of


def show(request: Request) -> Response:
    """Return the page of the class, or its list alone."""
    desk, session = desk_of(request), session_of(request)
    event, of, decisions = desk.hub.number, desk.results.now(), desk.decisions
    want = classroom.wanted(request.query_params)
    rows = classroom.shown(of, decisions, want, session.name)
    start = _number(request.query_params.get("from", "")) // classroom.PAGE * classroom.PAGE
    start = min(start, max(len(rows) - 1, 0) // classroom.PAGE * classroom.PAGE)
    return pages.render(
        request,
        "desk/list.html" if pages.is_part(request, "list") else "desk/class.html",
        event=event,
        of=of,
        want=want,
        rows=rows[start : start + classroom.PAGE],
        found=len(rows),
        start=start,
        page=classroom.PAGE,
        counts=classroom.counts(of, decisions),
        decisions=decisions,
        others=desk.presence.others(session),
        is_resubmitted=classroom.is_resubmitted,
        is_nobody_left="nobody" in request.query_params,
        told=[*filter(None, (desk.log.note,)), *desk.table.told],
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


def go_on(request: Request) -> Response:
    """Redirect to the next student who waits for this demonstrator."""
    desk, session = desk_of(request), session_of(request)
    want = classroom.wanted(request.query_params)
    rows = classroom.shown(desk.results.now(), desk.decisions, want, session.name)
    looked_at = desk.presence.others(session)
    after = request.query_params.get("after", "")
    row = classroom.next_after(rows, after, desk.decisions, session.name, looked_at)
    if row is None:
        return RedirectResponse(f"/{want.query}{'&' if want.query else '?'}nobody", 303)
    return RedirectResponse(f"/student/{row.slug}{want.query}", 303)


def enter(request: Request) -> Response:
    """Let a browser in by a one-time link."""
    desk = desk_of(request)
    if request.state.session is not None:
        return RedirectResponse("/", 303)
    entered = desk.people.enter(request.path_params["secret"])
    if entered is None:
        return pages.render(request, "desk/unknown.html", 403, where="")
    cookie, request.state.session = entered
    answer = pages.render(request, "desk/again.html", where="/")
    answer.set_cookie(desk.address.cookie, cookie, httponly=True, samesite="strict", secure=desk.address.is_secure)
    return answer


def rename(request: Request) -> Response:
    """Change the name under which this browser decides."""
    desk_of(request).people.rename(session_of(request), form_of(request).first("name"))
    return RedirectResponse("/", 303)


def invite(request: Request) -> Response:
    """Show a link that lets another browser of the same person in."""
    desk, session = desk_of(request), session_of(request)
    secret = desk.people.invite(session.name, session.is_named)
    origin = desk.address.origins[request.headers["host"].lower()]
    return pages.render(request, "desk/link.html", link=f"{origin}/in/{secret}")


ROUTES = (
    Route("/", show),
    Route("/next", go_on),
    Route("/in/{secret}", enter, methods=["GET"]),
    Route("/me", rename, methods=["POST"]),
    Route("/me/link", invite, methods=["POST"]),
)
