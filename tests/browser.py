"""A Chromium for tests and benchmarks of pages: the machine's own, or playwright's download."""

import shutil
from functools import cache

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")


def launch(playwright):
    """Start the first Chromium that works. If none does, raises playwright's Error about the last one."""
    found = [{"executable_path": path} for path in map(shutil.which, NAMES) if path]
    *first, last = [*found, {"channel": "chrome"}, {"channel": "msedge"}, {}]
    for way in first:
        try:
            return playwright.chromium.launch(**way)
        except playwright_error():
            continue
    return playwright.chromium.launch(**last)


def playwright_error() -> type[Exception]:
    """Return the exception that playwright raises."""
    from playwright.sync_api import Error

    return Error


@cache
def why_not() -> str:
    """Return why no browser can show pages on this machine; "" if one can."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return "playwright is not installed (pip install checker[dev])"
    try:
        with sync_playwright() as playwright:
            launch(playwright).close()
    except playwright_error() as error:
        return f"no Chromium starts (apt-get install chromium, or playwright install chromium): {str(error)[:200]}"
    return ""


def faults(page) -> list[str]:
    """Return the serious faults that axe finds on a page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response
    assert found["passes"], "axe looked at nothing"
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
