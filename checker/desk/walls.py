"""The checks between the network and the desk's pages. Every request passes through them first.

Theory of operation: a page on another site can make this browser send requests to this machine, and a name that
resolves to this machine (DNS rebinding) can make them look same-origin. So the Host header must be on a list. A cookie
that other sites' requests do not carry identifies the person. A request that changes something must come from our own
pages, and must contain a token that only these have. Answers forbid everything inline, frames and storage.
"""

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from checker.desk import pages
from checker.desk.people import People, Session

LARGEST, MOST_FIELDS = 500_000, 500
"""Maximum numbers of bytes and fields of a form."""
OPEN = ("/static/", "/in/")
"""Paths that need no session."""
_SLASHES = "/\\"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with a stricter policy a form's Origin would be "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Form:
    """The fields of a POST, in order."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

    def first(self, name: str) -> str:
        """Return a field's first value, "" if it is missing."""
        return next((value for key, value in self._fields if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a field."""
        return tuple(value for key, value in self._fields if key == name)


@dataclass(frozen=True)
class Address:
    """Where the desk is reached: ``host`` as browsers name it, and its port."""

    host: str
    port: int
    is_secure: bool = False

    @property
    def origins(self) -> Mapping[str, str]:
        """The allowed Host headers, each with the origin that belongs to it."""
        scheme, usual = ("https", 443) if self.is_secure else ("http", 80)
        names = {self.host, "localhost", "127.0.0.1", "[::1]"} if is_loopback(self.host) else {self.host}
        shown = {f"[{name}]" if ":" in name and not name.startswith("[") else name.lower() for name in names}
        hosts = {f"{name}:{self.port}" for name in shown} | (shown if self.port == usual else set())
        return {host: f"{scheme}://{host}" for host in hosts}

    @property
    def url(self) -> str:
        """The address of the class, without a slash at its end."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_secure else 'http'}://{name}:{self.port}"

    @property
    def cookie(self) -> str:
        """The cookie's name. Cookies do not know ports, and two desks may run on one machine."""
        return f"checker-desk-{self.port}"


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address means this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Walls:
    """The application behind these walls."""

    def __init__(self, app: ASGIApp, address: Address, people: People) -> None:
        self._app, self._address, self._people = app, address, people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may not pass; let the application answer all others."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        request.state.session = None
        refusal = await self._refusal(request)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await (refusal or self._app)(scope, receive, guarded)

    async def _refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that may not pass, None if it may. Store session and form in its state."""
        hosts = request.headers.getlist("host")
        origin = self._address.origins.get(hosts[0].lower()) if len(hosts) == 1 else None
        if origin is None:
            return PlainTextResponse("The desk is not known by this name.\n", 421)
        session = self._people.of(_cookie(request.headers, self._address.cookie))
        request.state.session = session
        if request.method == "POST":
            return await self._refused_change(request, origin, session)
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("The desk knows no such request.\n", 405)
        if session is None and not request.url.path.startswith(OPEN):
            return _unknown(request)
        return None

    async def _refused_change(self, request: Request, origin: str, session: Session | None) -> Response | None:
        if not _is_own(request.headers, origin):
            return PlainTextResponse("This came from another site.\n", 403)
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
            return PlainTextResponse("The desk takes forms alone.\n", 415)
        form = await _form(request)
        if form is None:
            return PlainTextResponse("This form is too large.\n", 413)
        if session is None or not hmac.compare_digest(form.first("token").encode(), session.token.encode()):
            return pages.render(request, "desk/refused.html", 403, typed=_typed(form))
        request.state.form = form
        return None


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _is_own(headers: Headers, origin: str) -> bool:
    """Tell whether a page of ours sent a request. If the browser names the site that sent it, that alone counts."""
    if (site := headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    return headers.get("origin") == origin


async def _form(request: Request) -> Form | None:
    """Return the fields of a form; None if it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return None
    try:
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return None
    return Form(fields)


def _typed(form: Form) -> list[str]:
    return [text for name in ("note", "condition", "other") for text in form.all(name) if text.strip()]


def _unknown(request: Request) -> Response:
    """Return the answer to a request without a session.

    A link on another site, in a mail or on a sandboxed report page leads here without the cookie, although the browser
    has it. Our own page then sends the request once more, with the cookie.
    """
    is_from_elsewhere = request.headers.get("sec-fetch-site") == "cross-site"
    is_page = request.headers.get("sec-fetch-dest") == "document"
    template = "desk/again.html" if is_from_elsewhere and is_page else "desk/unknown.html"
    path = request.scope.get("raw_path", b"/").decode("ascii", "replace")
    where = f"/{path.lstrip(_SLASHES)}{'?' if request.url.query else ''}{request.url.query}"  # never another host
    return pages.render(request, template, 200 if template == "desk/again.html" else 403, where=where)
