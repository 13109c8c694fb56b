"""Folders of made-up results with a desk on them, for tests and benchmarks of the desk."""

import asyncio
import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlencode

import uvicorn
from reports import DATA

from checker.desk import serving
from checker.desk.application import application
from checker.desk.desk import Desk
from checker.desk.results import Results
from checker.desk.walls import Address
from checker.formats import files
from checker.gradebooks.decision_log import DecisionLog
from checker.records.codec import to_plain
from checker.records.report import Report, Unfinished
from checker.report import html, paths
from checker.report.rosters import roster_json
from checker.report.tables import sound
from checker.run import tables

TITLE = "Practical 4"
PORT = 8400
ORIGIN = f"http://127.0.0.1:{PORT}"


def write_results(
    folder: Path, ends: Iterable[Report | Unfinished], rows: Iterable[Report] = (), **under_way: object
) -> Path:
    """Write what the desk reads of these results. Those in ``rows`` stand in the index alone."""
    ends = tuple(ends)
    files.write(folder / tables.ROSTER, roster_json(TITLE, [*ends, *rows], DATA, **under_way))
    for end in ends:
        if isinstance(end, Report):
            files.write(folder / paths.record_of(end.submission), json.dumps(sound(to_plain(end))))
            files.write(folder / paths.page_of(end.submission), html.render_page(end, "../index.html"))
            files.write(folder / paths.student_page_of(end.submission), html.render_student_page(end))
    return folder


def open_desk(folder: Path, log: DecisionLog | None = None) -> Desk:
    """Return the desk of a folder, at its usual address."""
    return Desk(Results(folder), log or DecisionLog.open(folder), Address("127.0.0.1", PORT))


@dataclass(frozen=True)
class Answer:
    """What the desk answered. Names of headers are in small letters."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode()


def ask(app, method: str, target: str, headers: list[tuple[str, str]], body: bytes = b"") -> Answer:
    """Send a request as it is: no client tidies its path or its headers. An error that the application lets through
    after it has answered is the server's to print."""
    raw, _, query = target.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw),
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("utf-8")) for name, value in headers],
    }
    sent: list[dict] = []

    asked = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict:
        return next(asked, None) or await asyncio.Future()  # no visitor leaves before the end

    async def send(message: dict) -> None:
        sent.append(message)

    async def run() -> None:
        with contextlib.suppress(AttributeError):
            await app(scope, receive, send)

    asyncio.run(run())
    start = sent[0]
    found = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


class Visitor:
    """A person's browser without a window. ``token`` is what its forms name."""

    def __init__(self, desk: Desk, name: str = "Ada", is_in: bool = True) -> None:
        self.app, self.cookies, self.token = application(desk), dict[str, str](), ""
        if is_in:
            cookie, session = desk.people.enter(desk.people.invite(name))
            self.cookies[desk.address.cookie] = cookie
            self.token = session.token

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str | None) -> Answer:
        """Send any request. Headers are named with underscores; None leaves one out."""
        given = {"Host": f"127.0.0.1:{PORT}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = ask(self.app, method, target, [(k, v) for k, v in given.items() if v is not None], body)
        if set_cookie := answer.headers.get("set-cookie"):
            self.cookies |= dict([set_cookie.partition(";")[0].split("=", 1)])
        return answer

    def get(self, target: str, **headers: str | None) -> Answer:
        """Ask for a page."""
        return self.ask("GET", target, **headers)

    def post(self, target: str, fields: dict | None = None, **headers: str | None) -> Answer:
        """Send a form as our own pages do."""
        body = urlencode({"token": self.token} | (fields or {}), doseq=True, errors="surrogatepass").encode()
        usual = {"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", target, body, **{k.replace("-", "_"): v for k, v in (usual | headers).items()})


class _Server(uvicorn.Server):
    """A server that leaves no connection open, even one that a browser opens while the server ends."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, then cut the connections that are left."""
        await super().shutdown(sockets)
        while left := list(self.server_state.connections):
            for connection in left:
                connection.transport.abort()
            await asyncio.sleep(0)


@contextlib.contextmanager
def serve(folder: Path, workshop: object = None) -> Iterator[Desk]:
    """Serve a desk on a folder of results, as its command does; ``workshop`` opens other what-ifs than its own."""
    with serving.listening("127.0.0.1", None) as at, DecisionLog.open(folder) as log:
        served = Desk(Results(folder), log, Address("127.0.0.1", at.getsockname()[1]))
        if workshop is not None:
            served.workshop = workshop
        server = _Server(uvicorn.Config(application(served), log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [at]})
        thread.start()
        yield served
        served.hub.close()
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


class Served:
    """A desk as a process."""

    def __init__(self, folder: Path, *options: str) -> None:
        words = [sys.executable, "-u", "-m", "checker", "desk", str(folder), *options]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said, self.links = "", list[str]()
        for line in self.process.stdout:
            self.said += line
            self.links += re.findall(r"https?://\S+", line)
            if line.startswith("Each link"):
                break

    def end(self) -> tuple[int, str]:
        """Interrupt it; return its exit code and what else it said."""
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=30)[0]
        return self.process.returncode, said


def enter(link: str, **more: object) -> tuple[http.client.HTTPConnection, str]:
    """Open a desk's link; return the connection and the cookie that it set."""
    kind = http.client.HTTPSConnection if link.startswith("https") else http.client.HTTPConnection
    connection = kind(link.split("/")[2], timeout=10, **more)
    connection.request("GET", f"/in/{link.rpartition('/')[2]}")
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    return connection, answer.headers["set-cookie"]
