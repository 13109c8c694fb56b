"""How the index grows: five hundred submissions against fifty, written on the host, opened and used in Chromium.

The browser's times are by the clock from the call until the page has been painted; its CPU is what the page's own
thread worked, its memory the script's. Loading is from disk, so nothing of a network is in it.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import measuring
from measuring import Cost, Figure, cost_of

sys.path.insert(0, str(Path(__file__).parent.parent))

import browser
from cohort import a_cohort, an_index

COUNTS = (500, 50)
ROUNDS = 7
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
USES = {
    "sort": "() => document.querySelector('thead button').click()",
    "filter": "() => document.querySelector('.tools [aria-pressed=false]').click()",
    "search": "() => { const field = document.querySelector('.tools input'); field.value = field.value ? '' : 'ada'; "
    "field.dispatchEvent(new Event('input')); }",
}


def written() -> Figure:
    """Compare how long the two indexes take to be rendered."""
    ways = {f"{count} rows": _rendering(count) for count in COUNTS}
    return measuring.compare("index written", ways, ROUNDS)


def _rendering(count: int) -> Callable[[], Cost]:
    reports = a_cohort(count)
    an_index(reports)
    return lambda: cost_of(lambda: an_index(reports))


def in_browser(chromium, place: Path) -> list[Figure]:
    """Compare how long the two indexes take to be opened, sorted, filtered and searched."""
    pages = {f"{count} rows": _opened(chromium, place, count) for count in COUNTS}
    openings = {name: lambda p=page: _cost(p, lambda: p.goto(p.url)) for name, page in pages.items()}
    figures = [measuring.compare("index opened", openings, ROUNDS)]
    for use, script in USES.items():
        ways = {name: lambda p=page, s=script: _cost(p, lambda: p.evaluate(s)) for name, page in pages.items()}
        figures.append(measuring.compare(f"index: {use}", ways, ROUNDS))
    return figures


def _opened(chromium, place: Path, count: int):
    path = place / f"{count}.html"
    path.write_text(an_index(a_cohort(count)), encoding="utf-8")
    print(f"The index of {count} submissions weighs {path.stat().st_size / 1000:,.0f} kB.")
    page = chromium.new_page()
    page.goto(path.as_uri())
    return page


def _cost(page, act: Callable[[], object]) -> Cost:
    watch = page.context.new_cdp_session(page)
    watch.send("Performance.enable")

    def used() -> dict[str, float]:
        return {one["name"]: one["value"] for one in watch.send("Performance.getMetrics")["metrics"]}

    def act_and_paint() -> None:
        act()
        page.evaluate(PAINTED)

    before = used()
    wall = cost_of(act_and_paint).wall
    after = used()
    watch.detach()
    return Cost(wall, after["TaskDuration"] - before["TaskDuration"], after["JSHeapUsedSize"] / measuring.MIB)


def main() -> None:
    from playwright.sync_api import sync_playwright

    figures = [written()]
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        chromium = browser.launch(playwright)
        figures += in_browser(chromium, Path(place))
        chromium.close()
    measuring.publish("The index", figures)


if __name__ == "__main__":
    main()
