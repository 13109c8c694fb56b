"""How fast the desk is with a class of 50 and of 2,500, and what an hour of clicking does to its memory.

Each class is served by a process of its own, as `checker desk` does, and asked over one connection, as a browser does.
Half of each class is decided. The figures are milliseconds: the median, and what 95 of 100 requests stay under. A mark
is timed from the key in one browser until another browser shows it.
"""

import http.client
import itertools
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, urlencode

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

import browser as browsers  # the project's folder has to be known first
import measuring
import psutil
from cohort import a_cohort
from desks import Served, write_results

from checker.formats import files
from checker.gradebooks.decision_log import DecisionLog
from checker.records.codec import to_json
from checker.records.decisions import Choice
from checker.report import paths
from checker.submissions import names

SIZES = (50, 2_500)
TIMES = 100
PRESSED = "() => document.querySelector('#mark-1 [aria-pressed=true]')?.textContent || ''"
HOUR = 5_000
"""Requests in an hour of clicking."""


class Browser:
    """A connection to a desk that lets it in."""

    def __init__(self, link: str) -> None:
        self.origin, _, secret = link.partition("/in/")
        self._connection = http.client.HTTPConnection(self.origin.removeprefix("http://"))
        self._cookie, self.token = "", ""
        self._cookie = self._ask("GET", f"/in/{secret}")[2].partition(";")[0]
        self.token = re.search('desk-token" content="([^"]+)', self.get("/")[1])[1]

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
        headers = {"Cookie": self._cookie, "Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        where = answer.headers["location"] or answer.headers["set-cookie"] or ""
        return answer.status, text, where

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page, wherever it leads."""
        status, text, where = self._ask("GET", path)
        return self.get(where) if status == 303 else (status, text)

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        """Send a form and return the page that it leads to."""
        status, text, where = self._ask("POST", path, urlencode({"token": self.token} | fields))
        return self.get(where) if status == 303 else (status, text)


def main() -> None:
    """Measure and print."""
    print(f"{'':34}" + "".join(f"{size:>14,} students" for size in SIZES))
    with tempfile.TemporaryDirectory() as place:
        found = [_measured(Path(place) / str(size), size) for size in SIZES]
    for kind in found[0]:
        print(f"{kind:34}" + "".join(f"{one[kind]:>23}" for one in found))
    measuring.write_json(dict(zip(map(str, SIZES), found, strict=True)))


def _measured(folder: Path, size: int) -> dict[str, str]:
    slugs = _write(folder, size)
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "checker", "desk", str(folder)], stdout=subprocess.PIPE, text=True
    ) as served:
        link = next(found[0] for line in served.stdout if (found := re.search(r"http\S+", line)))
        browser, drawn = Browser(link), random.Random(0)
        some = itertools.cycle(drawn.sample(slugs, len(slugs)))
        kinds = {
            "class page": lambda: browser.get("/"),
            "last page of the class": lambda: browser.get(f"/?from={size}"),
            "search for three letters": lambda: browser.get(f"/?text={quote('zoë')}"),
            "filter: needs a decision": lambda: browser.get("/?state=needed"),
            "student page": lambda: browser.get(f"/student/{next(some)}"),
            "next student, with its page": lambda: browser.get(f"/next?after={next(some)}"),
            "decision, on disk, with its page": lambda: browser.post(
                f"/student/{next(some)}/decision", choice="tick", note="good", based_on="0"
            ),
        }
        figures = {kind: _times(ask) for kind, ask in kinds.items()}
        process = psutil.Process(served.pid)
        before = process.memory_info().rss
        for _ in range(HOUR):
            status, _ = drawn.choice(list(kinds.values()))()
            assert status == 200
        after = process.memory_info().rss
        figures[f"memory, MiB; after {HOUR:,} more"] = f"{before / 2**20:.0f}; {after / 2**20:.0f}"
        served.terminate()
    return figures | {"mark, seen by another browser": _seen_by_another(folder, slugs[0])}


def _seen_by_another(folder: Path, slug: str) -> str:
    from playwright.sync_api import sync_playwright

    served = Served(folder, "--demonstrator", "Ada", "--demonstrator", "Grace")
    with sync_playwright() as playwright:
        chromium = browsers.launch(playwright)
        pages = []
        for link in served.links:
            pages.append(chromium.new_context().new_page())
            pages[-1].goto(link)
            pages[-1].goto(f"{link.partition('/in/')[0]}/student/{slug}")
        ada, grace = pages
        ada.keyboard.press("1")  # it opens the question; from now on each 1 sets the next mark
        taken = []
        for _ in range(TIMES):
            before, began = ada.evaluate(f"({PRESSED})()"), time.perf_counter()
            ada.keyboard.press("1")
            mark = ada.wait_for_function(
                f"before => ({PRESSED})() !== before && [({PRESSED})()]", arg=before
            ).json_value()[0]
            grace.wait_for_function(f"mark => ({PRESSED})() === mark", arg=mark)
            taken.append(1000 * (time.perf_counter() - began))
        chromium.close()
    served.end()
    return _in_words(taken)


def _write(folder: Path, size: int) -> list[str]:
    """Write a class of made-up reports, half of it decided; return the names of its files."""
    reports = a_cohort(size)
    write_results(folder, [], rows=reports)
    for report in reports:
        files.write(folder / paths.record_of(report.submission), to_json(report))
    with DecisionLog.open(folder) as log, log.writing():
        for report in reports[::2]:
            log.decide(names.student(report.submission.name), Choice.TICK, "good", [], "Ada", 0)
    return [files.slug(report.submission.name) for report in reports]


def _times(ask) -> str:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        status, _ = ask()
        taken.append(1000 * (time.perf_counter() - began))
        assert status == 200
    return _in_words(taken)


def _in_words(taken: list[float]) -> str:
    return f"{statistics.median(taken):.1f}; {statistics.quantiles(taken, n=20)[-1]:.1f}"


if __name__ == "__main__":
    main()
