"""The what-if page in a real browser, with a network that is trained in a real box."""

import re
from types import SimpleNamespace

import browser
import pytest
from reports import a_pass
from trained import stored, trained

pytest.importorskip("playwright", reason="browsers are driven by playwright (pip install checker[dev])")
pytest.importorskip("uvicorn")

from desks import serve, write_results
from playwright.sync_api import expect

from checker.run import places
from checker.run.what_ifs import WhatIfs

pytestmark = [pytest.mark.browser, pytest.mark.wall]

PATIENCE = 90_000
"""Most milliseconds for anything, also a training, on a machine with much else to do."""


@pytest.fixture(scope="module")
def desk(assignment, make, tmp_path_factory):
    """A desk that is served, with one student, and a box of this machine."""
    gathered, settings = trained(assignment, make, tmp_path_factory.mktemp("in"))
    folder = write_results(tmp_path_factory.mktemp("out"), [a_pass("ada")])
    stored(gathered, settings, folder)
    made = WhatIfs(folder, settings, places.Pool())
    made.get_ready()
    with serve(folder, SimpleNamespace(open=lambda: made)) as served:
        yield served
    made.close()


def wait_until_in_use(page):
    """Wait until the open page has loaded and its keys are keys. What only this page shows must have been seen before:
    the page that is left is in use, too."""
    page.wait_for_load_state(timeout=PATIENCE)
    page.wait_for_function("document.body.classList.contains('scripted')", timeout=PATIENCE)


def wait_for_focus(page, condition):
    """Wait until the element with the focus fits."""
    page.wait_for_function(f"(element => {condition})(document.activeElement)", timeout=PATIENCE)


@pytest.fixture
def visit(desk, chromium):
    """Opens a page of the desk in a browser; returns the page and the errors that it told."""
    contexts = []

    def opened(path, **settings):
        contexts.append(chromium.new_context(**settings))
        contexts[-1].set_default_timeout(PATIENCE)
        page, errors = contexts[-1].new_page(), []
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{desk.address.url}/in/{desk.people.invite('Ada')}")
        page.wait_for_url(f"{desk.address.url}/")
        page.goto(f"{desk.address.url}{path}")
        return page, errors

    yield opened
    for context in contexts:
        context.close()


def test_a_change_is_drawn_as_it_trains(visit, desk):
    """From the student's page a key leads to the network; a preset and then a typed change train at once, are drawn
    over the original's curves, and end in words; Enter leaves the field; undo goes back; nonsense is told; what is
    kept by a key stands on the student's page and leads back."""
    page, errors = visit("/student/ada", viewport={"width": 1280, "height": 900})
    page.keyboard.press("w")
    page.wait_for_url("**/what-if")
    wait_until_in_use(page)
    page.keyboard.press("f")
    wait_for_focus(page, "element.name === 'layer.1.units'")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    wait_for_focus(page, "element.innerText === 'As handed in'")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    wait_for_focus(page, "element.previousElementSibling?.innerText === 'As handed in'")
    page.get_by_role("link", name="learning rate × 10").click()
    page.wait_for_url("**?learning_rate=0.01")
    page.locator("path.after").first.wait_for(state="attached")
    expect(page.locator("#tried .effect")).to_contain_text(re.compile(r"± \d|every seed|one seed"), timeout=PATIENCE)
    wait_until_in_use(page)
    units = page.get_by_label("Units of layer 1", exact=True)
    units.fill("7")
    units.press("Enter")
    wait_for_focus(page, "element === document.body")
    page.get_by_role("heading", name="Layer 1: 7 units instead of 50").wait_for()
    page.locator("#tried .effect").wait_for()
    assert "layer.1.units=7" in page.url and "learning_rate=0.01" in page.url
    page.keyboard.press("k")
    page.get_by_text("✓ Kept with the student").wait_for()
    page.get_by_text("Layer 1: 7 units instead of 50; learning rate 0.01").last.wait_for()
    (kept,) = desk.log.kept_trials("ada")
    assert kept.by == "Ada"
    wait_until_in_use(page)
    page.keyboard.press("c")
    page.locator("#state .tried-before").get_by_text("Ada").wait_for()
    page.locator("#state .tried-before a").click()
    page.locator("#tried .effect").wait_for()
    wait_until_in_use(page)
    page.get_by_label("Epochs", exact=True).evaluate("field => { field.type = 'text'; field.value = 'many'; }")
    page.get_by_label("Epochs", exact=True).dispatch_event("change")
    page.get_by_role("alert").get_by_text("The number of epochs is a whole number").wait_for()
    page.go_back()
    page.get_by_role("heading", name="Layer 1: 7 units instead of 50").wait_for()
    wait_until_in_use(page)
    page.get_by_label("Rows in a batch").fill("64")
    page.get_by_label("Rows in a batch").press("Tab")
    page.get_by_role("heading", name="batches of 64").wait_for()
    page.locator("#tried .effect").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    page.wait_for_url(lambda url: "batch_size" not in url)
    page.get_by_role("heading", name="Layer 1: 7 units instead of 50; learning rate").wait_for()
    assert not errors


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_works_on_a_phone_and_for_everybody(visit, scheme):
    """On a phone, in both themes, nothing hangs over the edge, and axe-core finds nothing serious."""
    page, errors = visit("/student/ada/what-if", viewport={"width": 390, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert browser.faults(page) == []
    assert not errors


def test_it_works_without_scripts(visit):
    """Without scripts a preset's page leads to one that waits for the result and shows it."""
    page, _ = visit("/student/ada/what-if", java_script_enabled=False)
    page.get_by_role("link", name="5 epochs").click()
    page.get_by_role("link", name="Wait for the result").click()
    page.locator("#tried .effect").wait_for()
    assert "wait=1" in page.url
