"""What the pages do in a real browser: quiet, within themselves, readable in every light and at every width."""

import io
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import browser
import pytest
from cohort import CHINESE, GERMAN, a_cohort, an_index, an_order
from PIL import Image
from reports import HOSTILE, a_fail, a_pass, a_price, a_referral, poisoned

from checker.records.report import UnderWay, Unfinished
from checker.report.html import HEAVIEST, Entry, render_index, render_page

pytestmark = pytest.mark.browser

COHORT = 60
PAGES = ("index", "live", "pass", "fail", "refer", "price", "hostile", "hostile-index")
DESKTOP, PHONE, NARROWEST, PAPER = 1280, 360, 320, 718
PATIENCE = 60_000
"""Most milliseconds for what a page does, on a machine with much else to do."""
DECIDED = {3: "tick", 7: "resubmit"}
UNDER_WAY = [UnderWay("Ada Lovelace", "training its network again"), *(UnderWay(f"Student {at}") for at in range(40))]
A_LOSS = Unfinished(GERMAN, "The folder for temporary files, `/tmp/checker-run-12345678`, was removed while it ran.")
ACTIVE = "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)><a href='javascript:alert(4)'>x</a>"
"""What HOSTILE tries, in a form that does run where nothing stops it."""


@dataclass
class Visit:
    """A page in a browser, and what it did: errors it told, URLs it asked for, dialogs that its scripts opened."""

    page: object
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", self._close)

    def _close(self, dialog) -> None:
        self.ran.append(dialog.message)
        dialog.dismiss()

    def shown(self) -> list[str]:
        """Return the names in the index's rows that are shown, in their order."""
        return self.page.locator("table.cohort tbody tr:visible th a").all_inner_texts()

    def tab_to(self, wanted) -> None:
        """Press Tab until an element has the focus."""
        for _ in range(200):
            if wanted.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        pytest.fail(f"Tab never comes to {wanted}.")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index and pages of every verdict, with the longest names, and with hostile text everywhere."""
    place = tmp_path_factory.mktemp("site")
    hostile = [poisoned(a_pass()), poisoned(a_fail())]
    written = {
        "index": an_index(a_cohort(COHORT), DECIDED),
        "live": render_index("Practical 4", [Entry(a_pass(), "pass.html")], [A_LOSS], hostile[0].dataset, UNDER_WAY),
        "pass": render_page(a_pass(), "index.html"),
        "fail": render_page(a_fail(GERMAN), "index.html"),
        "refer": render_page(a_referral(CHINESE), "index.html"),
        "price": render_page(a_price(), "index.html"),
        "hostile": render_page(hostile[0], "index.html"),
        "hostile-index": render_index(HOSTILE, [Entry(one, "hostile.html") for one in hostile], [], hostile[0].dataset),
    }
    assert tuple(written) == PAGES
    for name, source in written.items():
        (place / f"{name}.html").write_text(source, encoding="utf-8")
    return place


@pytest.fixture
def visit(chromium, site: Path) -> Iterator:
    """Open a page of the site by name, under settings of the browser."""
    contexts = []

    def opened(name: str, width: int = DESKTOP, clock: bool = False, **settings: object) -> Visit:
        contexts.append(chromium.new_context(viewport={"width": width, "height": 800}, **settings))
        if clock:
            contexts[-1].clock.install()
        visit = Visit(contexts[-1].new_page())
        visit.page.goto((site / f"{name}.html").as_uri())
        return visit

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots and prints are left, for people to look at."""
    return tmp_path_factory.mktemp("pictures")


# -- every page ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_and_fits(visit, pictures: Path, name: str) -> None:
    """No page tells an error, asks for anything but itself, or is wider than the window; light is light, dark dark."""
    seen = visit(name)
    for scheme, width in (("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE)):
        seen.page.emulate_media(color_scheme=scheme)
        seen.page.set_viewport_size({"width": width, "height": 800})
        picture = seen.page.screenshot(path=pictures / f"{name}-{scheme}-{width}.png")
        brightness = sum(Image.open(io.BytesIO(picture)).convert("RGB").getpixel((2, 2))) / 3
        assert brightness > 240 if scheme == "light" else brightness < 40
    for width in (DESKTOP, PHONE, NARROWEST):
        seen.page.set_viewport_size({"width": width, "height": 800})
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.errors == []
    assert [url for url in seen.asked if not url.startswith("data:image/png;")] == [seen.page.url]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_used_by_everyone(visit, name: str) -> None:
    """axe-core finds nothing serious or critical on any page in either theme, with all that is folded away unfolded."""
    seen = visit(name, PHONE)
    seen.page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
    for scheme in ("light", "dark"):
        seen.page.emulate_media(color_scheme=scheme)
        assert browser.faults(seen.page) == [], scheme


def test_axe_would_find_faults(chromium) -> None:
    """The same look at a page with faults of both degrees finds them."""
    page = chromium.new_page()
    page.set_content("<p style='color: #bbb; background: #fff'>pale</p><img src='data:,'><button></button>")
    assert {fault.split(":")[0] for fault in browser.faults(page)} >= {"color-contrast", "image-alt", "button-name"}
    page.close()


POINTS = "parseFloat(getComputedStyle(one).fontSize) * 0.75 * (one.closest('.tiles') ? 0.75 : 1)"
"""The size of an element's text on paper, where tiles are drawn at three quarters of their size."""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_whole_and_on_white(visit, pictures: Path, name: str) -> None:
    """On paper nothing is cut off that a screen would scroll, also for those who read on a dark screen. The text beside
    scores has 8 points at least. A submission takes two sheets at most, with the good answers on them."""
    seen = visit(name, PAPER, color_scheme="dark")
    seen.page.emulate_media(media="print")
    wide = "[...document.querySelectorAll('.scroll, pre')].filter(one => one.scrollWidth > one.clientWidth + 1)"
    assert seen.page.evaluate(f"{wide}.map(one => one.outerHTML.slice(0, 200))") == []
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    beside = seen.page.locator(".tile small, .tile dt, .confusion small, .confusion th")
    assert min([8.0, *beside.evaluate_all(f"all => all.map(one => {POINTS})")]) >= 7.99
    printed = seen.page.pdf(path=pictures / f"{name}.pdf", format="A4")
    sheets = len(re.findall(rb"/Type\s*/Page\b", printed))
    if name == "live":
        assert sheets >= 1
    elif "index" in name:
        assert sheets >= 2
    elif name != "hostile":
        assert sheets <= 2
        assert all(answer.is_visible() for answer in seen.page.locator(".answer p").all())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light(site: Path, name: str) -> None:
    """No page weighs more than one and a half megabytes."""
    assert (site / f"{name}.html").stat().st_size <= HEAVIEST == 1_500_000


def test_answers_are_folded_on_a_screen(visit) -> None:
    """Until it is asked for, no good answer is seen; the key that opens it is Enter."""
    seen = visit("pass")
    answer = seen.page.locator(".answer p").first
    assert not answer.is_visible()
    seen.tab_to(seen.page.locator(".answer summary").first)
    seen.page.keyboard.press("Enter")
    assert answer.is_visible()


def test_a_link_opens_the_part_it_leads_to(visit) -> None:
    """A question's cell is folded away with the code, and shown when its link is followed."""
    seen = visit("pass")
    cell = seen.page.locator("#cell-13")
    assert not cell.is_visible()
    seen.page.locator(".where a[href='#cell-13']").first.click()
    assert cell.is_visible()


@pytest.mark.parametrize("name", ["pass", "fail", "refer", "price"])
def test_nothing_is_off_the_screen_of_a_phone(visit, name: str) -> None:
    """At the width of a phone no table or figure above the folded parts is wider than the screen."""
    seen = visit(name, 390)
    wide = "[...document.querySelectorAll('section *')].filter(one => one.checkVisibility() && "
    wide += "!one.closest('pre, .unseen, .skip') && one.getBoundingClientRect().right > innerWidth + 1)"
    assert seen.page.evaluate(f"{wide}.map(one => one.outerHTML.slice(0, 120))") == []


# -- hostile text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hostile", "hostile-index"])
def test_hostile_text_does_not_run_even_without_the_policy(visit, name: str) -> None:
    """With the Content-Security-Policy switched off, what students wrote is still text alone, and changes no title."""
    seen = visit(name, bypass_csp=True)
    seen.page.mouse.move(300, 300)
    seen.page.wait_for_timeout(100)
    assert (seen.ran, seen.errors) == ([], [])
    assert seen.page.locator("img[src=x], a[href^=javascript]").count() == 0


@pytest.mark.parametrize(("bypass", "ran"), [(False, []), (True, ["1", "2", "3"])], ids=["policy", "no policy"])
@pytest.mark.parametrize("name", ["pass", "index"])
def test_the_policy_alone_stops_scripts(visit, site: Path, name: str, bypass: bool, ran: list[str]) -> None:
    """Markup that came through unescaped would not run under the policy; without it, it would."""
    source = (site / f"{name}.html").read_text(encoding="utf-8")
    (site / "broken.html").write_text(source.replace("</main>", f"{ACTIVE}</main>"), encoding="utf-8")
    seen = visit("broken", bypass_csp=bypass)
    began = time.monotonic()
    while len(seen.ran) < len(ran) and time.monotonic() < began + PATIENCE / 1_000:
        seen.page.wait_for_timeout(50)
    seen.page.wait_for_timeout(200)
    assert sorted(seen.ran) == ran


# -- the index -------------------------------------------------------------------------------------------


def names(verdict: str = "", numbers: Iterable[int] = range(COHORT)) -> list[str]:
    """Return the cohort's names in the index's order, of those with a verdict, or of some."""
    ordered = [(number, report) for number, report in an_order(COHORT, DECIDED) if number in numbers]
    return [report.submission.name for _, report in ordered if verdict in ("", report.verdict)]


def test_the_index_is_filtered_by_keyboard(visit) -> None:
    """Tab reaches the verdicts and the rules; Enter and arrows choose; what is shown is counted aloud."""
    seen = visit("index")
    button = seen.page.get_by_role("button", name=re.compile("^FAIL"), pressed=False)
    seen.tab_to(button)
    seen.page.keyboard.press("Enter")
    assert seen.shown() == names("FAIL")
    assert seen.page.get_by_role("button", pressed=True).inner_text().startswith("FAIL")
    assert seen.page.get_by_role("status").inner_text() == f"{len(names('FAIL'))} of {COHORT} shown"
    seen.tab_to(seen.page.get_by_label("Missed rule"))
    seen.page.keyboard.press("ArrowDown")  # the required rule that all of them failed
    assert seen.shown() == names("FAIL")
    seen.page.keyboard.press("ArrowDown")  # advice that none of them failed
    assert seen.page.get_by_role("status").inner_text() == f"0 of {COHORT} shown"


def test_the_index_is_searched_by_keyboard(visit) -> None:
    """A part of a name finds it, whatever its accents and capitals; so does an address; an empty search finds all."""
    seen = visit("index")
    seen.tab_to(seen.page.get_by_role("searchbox", name="Name"))
    seen.page.keyboard.type("JOSE nun")
    assert seen.shown() == [name for name in names() if name.startswith("José Núñez")]
    seen.page.keyboard.press("Escape")
    assert seen.shown() == names()
    seen.page.keyboard.type("student7@")
    assert seen.shown() == names(numbers=[7])


def test_the_index_is_filtered_by_decision(visit) -> None:
    """One comes to those who are still to be decided, and to those who were ticked."""
    seen = visit("index")
    choice = seen.page.get_by_label("Decision")
    choice.select_option("tick")
    assert seen.shown() == names(numbers=[3])
    choice.select_option("none")
    assert seen.shown() == [name for name in names() if name not in names(numbers=DECIDED)]


@pytest.mark.parametrize("chosen", [False, True])
def test_a_live_index_reloads_itself(visit, chosen: bool) -> None:
    """While a batch runs the page reloads every ten seconds, but not under the hands of someone who has chosen."""
    seen = visit("live", clock=True)
    if chosen:
        seen.page.get_by_role("button", name=re.compile("^PASS")).click()
    seen.page.evaluate("window.isOld = true")
    seen.page.clock.run_for(11_000)
    if chosen:
        seen.page.wait_for_timeout(200)
        assert seen.page.evaluate("window.isOld")
    else:
        seen.page.wait_for_function("!window.isOld", timeout=PATIENCE)


def test_the_phone_shows_a_submission_in_three_lines(visit) -> None:
    """On a phone a row is its name with verdict, in at most two lines, and its reason with the score below."""
    seen = visit("index", PHONE)
    heights = seen.page.locator("table.cohort tbody tr").evaluate_all("rows => rows.map(row => row.offsetHeight)")
    assert max(heights) < 100


@pytest.mark.parametrize("mean", [None, 20_000, 58_000, 400_000])
def test_every_label_of_the_figure_can_be_read(visit, site: Path, mean: float | None) -> None:
    """In the cohort's figure no line crosses a text, and no text leaves the window, wherever bar and reference lie."""
    if mean:
        compared = a_price().comparison
        reports = [replace(a_price(), comparison=replace(compared, mean=at * mean)) for at in (0.9, 1, 1.1)]
        page = render_index("Prices", [Entry(one, "price.html") for one in reports], [], reports[0].dataset)
        (site / "prices.html").write_text(page, encoding="utf-8")
    seen = visit("prices" if mean else "index")
    for width in (DESKTOP, PHONE):
        seen.page.set_viewport_size({"width": width, "height": 800})
        unread = seen.page.evaluate("""() => {
            const all = kind => [...document.querySelectorAll(`.chart.cohort ${kind}`)];
            const box = element => element.getBoundingClientRect();
            const meet = (a, b) => a.right >= b.left && b.right >= a.left && a.bottom >= b.top && b.bottom >= a.top;
            const lines = [...all("line.upright"), ...all("line.grid")].map(box);
            const isInside = text => text.left >= 0 && text.right <= innerWidth;
            const isRead = text => isInside(text) && !lines.some(line => meet(line, text));
            return all("text").filter(text => !isRead(box(text))).map(text => text.textContent);
        }""")
        assert unread == []


def test_the_index_is_sorted_by_keyboard(visit) -> None:
    """A heading's button sorts by its column, once more the other way; the order is told to those who listen."""
    seen = visit("index")
    scores = {one.submission.name: one.comparison.mean if one.comparison else -9 for one in a_cohort(COHORT)}
    heading = seen.page.get_by_role("columnheader", name="Accuracy")
    seen.tab_to(heading.get_by_role("button"))
    seen.page.keyboard.press("Enter")
    assert [scores[name] for name in seen.shown()] == sorted(scores.values())
    assert heading.get_attribute("aria-sort") == "ascending"
    seen.page.keyboard.press("Space")
    assert [scores[name] for name in seen.shown()] == sorted(scores.values(), reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    assert seen.page.get_by_role("status").inner_text().endswith("shown, by accuracy, descending")


def test_a_rule_leads_to_those_who_failed_it(visit) -> None:
    """From the table of rules one comes to the submissions that failed one, whatever was chosen before."""
    seen = visit("index")
    seen.page.get_by_role("button", name=re.compile("^REFER")).click()
    link = seen.page.get_by_role("link", name="No development set")
    link.focus()
    seen.page.keyboard.press("Enter")
    assert seen.shown() == names("PASS")
    assert seen.page.url.endswith("#submissions")


def test_without_scripts_the_index_is_a_plain_table(visit) -> None:
    """Where scripts are off, all rows are shown in order, and nothing is offered that would not work."""
    seen = visit("index", java_script_enabled=False)
    assert seen.page.locator("table.cohort tbody tr:visible").count() == COHORT
    assert not seen.page.locator(".tools").is_visible()
    assert seen.page.locator("thead button").count() == 0


def test_a_block_leads_to_its_page(visit) -> None:
    """A click on a block of the cohort's figure opens the submission's page."""
    seen = visit("index")
    block = seen.page.locator(".chart a").first
    wanted = block.get_attribute("href")
    with seen.page.expect_request(lambda request: request.url.endswith(wanted.lstrip("."))):
        block.click(no_wait_after=True)
