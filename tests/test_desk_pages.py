"""The desk in a real browser: by keyboard alone, by two people at once, on a phone, without scripts."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import browser
import pytest
from cohort import a_cohort
from reports import DATA, HOSTILE, a_fail, a_pass, a_price, a_referral, poisoned

pytest.importorskip("uvicorn")

from desks import TITLE, serve, write_results

from checker.desk.desk import Desk
from checker.records.decisions import Choice
from checker.records.report import Unfinished
from checker.report.rosters import roster_json
from checker.run import tables

pytestmark = pytest.mark.browser

DESKTOP, PHONE = 1280, 390
PATIENCE = 60_000
"""Most milliseconds for anything that a page does, on a machine with much else to do."""
DARK = ("/", "/student/pass", "/student/fail")
LIGHT = (*DARK, "/student/refer", "/student/price", "/student/zoe", "/student/nobody")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with a student of each verdict, one without, a hostile one, and a class of sixty."""
    price = replace(a_price(), submission=replace(a_price().submission, name="price"))
    known = [a_pass("pass"), a_fail("fail"), a_referral("refer"), price, poisoned(a_pass())]
    folder = tmp_path_factory.mktemp("written")
    return write_results(folder, [*known, Unfinished("zoe", "The sandbox fell over.")], rows=a_cohort(60))


@pytest.fixture
def desk(written: Path, tmp_path: Path) -> Iterator[Desk]:
    """A desk that is served, on a copy of the results."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    with serve(tmp_path) as served:
        yield served


class Seat:
    """A demonstrator at a browser, and the errors that its pages told."""

    def __init__(self, chromium, desk: Desk, name: str, width: int = DESKTOP, **settings: object) -> None:
        self.context = chromium.new_context(viewport={"width": width, "height": 800}, **settings)
        self.page, self.errors, self.url = self.context.new_page(), [], desk.address.url
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{self.url}/in/{desk.people.invite(name)}")
        self.page.wait_for_url(f"{self.url}/", timeout=PATIENCE)

    def go(self, path: str) -> None:
        """Open a page of the desk."""
        self.page.goto(f"{self.url}{path}")

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def comes_to(self, where: str | Callable[[str], bool]) -> None:
        """Wait for a page that the open one leads to, until its keys are keys."""
        self.page.wait_for_url(where, timeout=PATIENCE)
        self.finds("document.body.classList.contains('scripted')")

    def finds(self, condition: str, arg: object = None) -> None:
        """Wait until a condition holds in the page. Keys wait for what is under way, and the desk replaces elements, so
        what a page shows right after a key may be old."""
        self.page.wait_for_function(condition, arg=arg, timeout=PATIENCE)

    def sees(self, selector: str, words: str | re.Pattern[str]) -> None:
        """Wait until an element says something."""
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_contain_text(words, timeout=PATIENCE)

    def shows(self, selector: str, is_shown: bool = True) -> None:
        """Wait until an element is shown, or is not."""
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_be_visible(visible=is_shown, timeout=PATIENCE)

    def holds(self, selector: str, value: str) -> None:
        """Wait until a field has a value."""
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_have_value(value, timeout=PATIENCE)

    def counts(self, selector: str, number: int) -> None:
        """Wait until there are so many of these."""
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_have_count(number, timeout=PATIENCE)

    @contextmanager
    def hold_up(self, addresses: re.Pattern[str]) -> Iterator[None]:
        """Let no page of these addresses come before the end of the block; then the last one that was asked for
        comes."""
        asked: list[Any] = []
        self.page.route(addresses, lambda route: asked.append(route))
        yield
        while not asked:
            self.page.wait_for_timeout(20)
        asked[-1].continue_()
        self.page.unroute(addresses)


@pytest.fixture
def seat(chromium, desk: Desk) -> Iterator:
    """Seats somebody at a browser of their own."""
    seats: list[Seat] = []

    def seated(name: str = "Ada", width: int = DESKTOP, **settings: object) -> Seat:
        seats.append(Seat(chromium, desk, name, width, **settings))
        return seats[-1]

    yield seated
    for one in seats:
        one.page.wait_for_load_state()
        one.page.goto("about:blank")  # the browser closes it at the end: alone, Chromium once never closed one


# -- by keyboard -----------------------------------------------------------------------------------------------


def test_a_student_is_ticked_by_keyboard_alone(seat, desk: Desk) -> None:
    """Search, open, ask, mark, write a note, tick, undo and go on to the next one, without a mouse."""
    ada = seat()
    ada.press("/")
    ada.page.keyboard.type("pas")
    ada.sees("#list [role=status]", "1 of ")
    ada.press("Enter")
    ada.comes_to("**/student/pass")
    ada.press("1")
    ada.shows("#question-1 .answer p")
    ada.press("1")
    ada.sees("#mark-1 [aria-pressed=true]", "answered")
    ada.press("2", "2")
    ada.sees("#mark-2 [aria-pressed=true]", "answered")
    ada.press("2")
    ada.sees("#mark-2 [aria-pressed=true]", "with help")
    ada.press("m")
    ada.page.keyboard.type("to tick or not: r u sure? 1")
    assert desk.log.history("pass") == ()
    ada.press("Escape", "t")
    ada.sees("#state .now", "ticked")
    entry = desk.log.newest()["pass"]
    assert (entry.choice, entry.note, entry.by) == (Choice.TICK, "to tick or not: r u sure? 1", "Ada")
    assert {one.help for one in desk.log.answers("pass").values()} == {"answered", "with help"}
    ada.press("u")
    ada.sees("#state .now", "Undecided")
    ada.holds("[name=note]", "")
    ada.press("t")
    ada.sees("#state .now", "ticked")
    ada.press("n")
    ada.comes_to(lambda url: "/student/" in url and "/pass" not in url)
    assert ada.errors == []


def test_the_end_of_a_list_leads_to_the_whole_class(seat) -> None:
    """Where nobody in a filtered list waits, the same key looks in the whole class; another filter ends
    the sentence."""
    ada = seat()
    ada.go("/student/pass?verdict=PASS&text=pass")
    ada.press("n")
    ada.comes_to(lambda url: "/student/" not in url)
    ada.sees("#content", "Nobody in this list is waiting")
    ada.page.get_by_label("Search").fill("")
    ada.counts("[data-nobody]", 0)
    ada.go("/student/pass?text=pass")
    ada.press("n")
    ada.comes_to(lambda url: "/student/" not in url)
    ada.sees("#content", "Nobody in this list is waiting")
    ada.press("n")
    ada.comes_to(lambda url: "/student/" in url and "text" not in url)


def test_a_note_stays_with_later_decisions(seat, desk: Desk) -> None:
    """The note that counts stands in its box: a new decision keeps it until it is edited; Ctrl and Enter save the note
    alone; a decision that counts already is not stored again, and the page says so."""
    ada = seat()
    ada.go("/student/pass")
    ada.press("m")
    ada.page.keyboard.type("Good on the loss.")
    ada.press("Control+Enter")
    ada.sees("#earlier", "Good on the loss.")
    ada.press("t")
    ada.sees("#state .now", "ticked")
    ada.press("t")
    ada.sees("[data-said]", "This counts already")
    ada.press("a")
    ada.sees("#state .now", "absent")
    ada.shows("[data-said]", False)
    assert [(one.choice, one.note) for one in desk.log.history("pass")] == [
        (choice, "Good on the loss.") for choice in ("open", "tick", "absent")
    ]
    ada.page.reload()
    ada.holds("[name=note]", "Good on the loss.")
    ada.press("m", "Control+a", "Delete", "Control+Enter")
    ada.counts("#state[data-note='']", 1)
    assert desk.log.newest()["pass"].note == ""


def test_an_update_leaves_the_selection_in_the_note(seat, desk: Desk) -> None:
    """What is selected in the note stays selected when the page follows what somebody else decided."""
    ada, grace = seat("Ada"), seat("Grace")
    ada.go("/student/pass")
    grace.go("/student/pass")
    ada.press("m")
    ada.page.keyboard.type("Good on the loss.")
    ada.press("Control+Enter")
    ada.sees("#earlier", "Good on the loss.")
    ada.page.reload()
    ada.press("m", "Control+a")
    grace.press("t")
    ada.sees("#state .now", "ticked")
    ada.page.keyboard.type("Better")
    ada.holds("[name=note]", "Better")


def test_the_form_follows_other_people(seat, desk: Desk) -> None:
    """A note that another demonstrator saves comes into the box, and what is typed there already stays."""
    ada, grace = seat("Ada"), seat("Grace")
    ada.go("/student/pass")
    grace.go("/student/pass")
    ada.press("m")
    ada.page.keyboard.type("first")
    ada.press("Control+Enter")
    grace.holds("[name=note]", "first")
    grace.press("m", "End")
    grace.page.keyboard.type(" and")
    ada.press("m", "End")
    ada.page.keyboard.type(" last")
    ada.press("Control+Enter")
    grace.sees("#earlier", "first last")
    grace.page.keyboard.type(" half")
    grace.holds("[name=note]", "first and half")
    assert desk.log.newest()["pass"].note == "first last"


CLASS, ELSEWHERE = re.compile(r":\d+/(\?.*)?$"), re.compile(r":\d+/(next)?(\?.*)?$")
"""The addresses of the class, and of whatever the keys lead to there."""


def slow_down(seat: Seat, milliseconds: int) -> None:
    """Let each answer of the desk take so long."""
    network = seat.context.new_cdp_session(seat.page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)


@pytest.mark.parametrize("path", ["/student/fail?verdict=FAIL", "/student/fail/what-if", "/student/nobody"])
@pytest.mark.parametrize("is_late", [False, True])
def test_the_search_is_reached_from_anywhere(seat, desk: Desk, path: str, is_late: bool) -> None:
    """The key for the search opens the class with the cursor in the field. What is typed until the page comes stands
    in the field; what a browser drops between two pages is missing there. None of it is a command."""
    ada = seat()
    ada.go(path)
    with ada.hold_up(CLASS) if is_late else nullcontext():
        ada.press("/", "f", "a", "t", "Backspace", "i")
    ada.comes_to(lambda url: "/student/" not in url)
    ada.finds("document.activeElement.name === 'text'")
    if is_late:
        ada.holds("[name=text]", "fai")
    ada.press(*(["l"] if is_late else ["Control+a", *"fail"]))
    ada.sees("#list [role=status]", "1 of ")
    ada.press("Enter")
    ada.comes_to("**/student/fail*")
    assert desk.log.since(0) == ()


def test_a_search_in_one_breath_opens_the_student(seat, desk: Desk) -> None:
    """A search that is typed and ended before the class is there opens the one found, also after a key that was about
    to lead elsewhere; nobody is decided about."""
    ada = seat()
    ada.go("/student/fail")
    with ada.hold_up(ELSEWHERE):
        ada.press("n", "/", "p", "a", "s", "Enter", "t")
    ada.comes_to("**/student/pass")
    ada.sees("h1", "pass")
    assert desk.log.since(0) == ()


def test_letters_stop_at_the_last_condition(seat, desk: Desk) -> None:
    """However often j is pressed, it types nothing; an arrow reaches the field. A condition that says nothing is
    refused beside the decision, with the cursor in its field, and is no draft."""
    ada = seat()
    ada.go("/student/fail")
    boxes = ada.page.locator("[name=condition]").count()
    ada.press("r", *["j"] * (boxes + 3))
    assert ada.page.evaluate("document.activeElement.id") == f"condition-{boxes}"
    ada.press(*["k"] * (boxes + 3))
    assert ada.page.evaluate("document.activeElement.id") == "condition-1"
    ada.press(*["ArrowDown"] * boxes, "x", "Enter")
    ada.sees("#decide [data-said]", "“x” is no condition")
    assert ada.page.evaluate("document.activeElement.name") == "other"
    assert desk.log.history("fail") == ()
    ada.go("/")
    ada.go("/student/fail")
    ada.holds("[name=other]", "")
    assert ada.page.evaluate("localStorage.length") == 0


def test_what_a_failure_asks_is_chosen_already(seat, desk: Desk) -> None:
    """Where nobody has decided on a FAIL, the first condition is ticked: two presses save it. A note or a second
    opinion does not keep it, because nobody has chosen it."""
    ada = seat()
    ada.go("/student/fail")
    ada.counts("[name=condition]:checked", 1)
    ada.press("m", "x", "y", "Control+Enter")
    ada.sees("#earlier", "xy")
    ada.press("s")
    ada.sees("#state .now", "second opinion")
    ada.press("u")
    ada.sees("#state .now", "Undecided")
    assert {one.conditions for one in desk.log.history("fail")} == {()}
    ada.press("r", "r")
    ada.sees("#state .now", "resubmit")
    assert desk.log.newest()["fail"].conditions == ("It runs to its end.",)


@pytest.mark.parametrize("keys", [("r", "r"), ("r", "Enter"), ()])
def test_a_resubmission_without_a_word_is_asked_once(seat, desk: Desk, keys: tuple[str, ...]) -> None:
    """Without condition and note the first try to resubmit is told, and the second is saved, by key and by button."""
    ada = seat("Ada", DESKTOP if keys else PHONE)
    ada.go("/student/fail")
    ada.page.locator("[name=condition]:checked").uncheck()
    ada.page.evaluate("document.activeElement.blur()")
    resubmit = ada.page.locator("#choices").get_by_role("button", name="Resubmit")

    def again() -> None:
        ada.press(keys[-1]) if keys else resubmit.click()

    ada.press(*keys[:-1])
    again()
    ada.sees("#decide [data-said]", "No condition chosen: again to save.")
    from playwright.sync_api import expect

    expect(ada.page.locator("#decide [data-said]")).to_be_in_viewport(timeout=PATIENCE)
    assert desk.log.history("fail") == ()
    again()
    ada.sees("#state .now", "resubmit")
    assert [one.choice for one in desk.log.history("fail")] == ["resubmit"]


def test_keys_that_can_do_nothing_say_why(seat, desk: Desk) -> None:
    """Undo names the student of the newest decision; a page without a network says that there is none to try."""
    ada = seat()
    ada.go("/student/zoe")
    ada.press("u")
    ada.sees("#decide [data-said]", "Nothing to undo here.")
    ada.press("w")
    ada.sees("#decide [data-said]", "No what-if: there is no report.")
    ada.press("a")
    ada.sees("#state .now", "absent")
    ada.go("/student/pass")
    ada.press("u")
    ada.sees("#decide [data-said]", "Nothing to undo here: your newest decision is about zoe.")


def test_a_condition_of_this_file_is_not_judged_yet(seat, desk: Desk) -> None:
    """Beside a condition stands whether it is met once another file was judged than the one that it was set for."""
    row = next(row for row in desk.results.now().roster.rows if row.slug == "fail")
    ada = seat()
    for file, states in ((row.sha256, 0), ("0" * 64, 1)):
        desk.log.decide("fail", Choice.RESUBMIT, "", ["It runs to its end."], "Ada", 0, file)
        desk.catch_up()
        ada.go("/student/fail")
        ada.counts("#earlier li", 1)
        ada.counts("#earlier .state", states)


def test_the_list_goes_on_from_the_student_one_came_from(seat) -> None:
    """Back in the class, the key for the next row begins at the student whose page was open."""
    ada = seat()
    ada.go("/student/fail")
    ada.press("c")
    ada.comes_to(f"{ada.url}/")
    ada.press("j")
    ada.counts("#row-fail:focus", 1)


def test_a_phone_has_no_hints_for_keys(seat) -> None:
    """On a phone no key is named, and each mark is high enough for a thumb."""
    ada = seat("Ada", PHONE)
    ada.go("/student/pass")
    ada.page.get_by_role("button", name="Absent").click()
    ada.sees("#state .now", "absent")
    ada.counts("kbd:visible", 0)
    ada.shows(".mark button >> nth=0")
    heights = "marks => marks.filter(mark => mark.checkVisibility()).map(mark => mark.getBoundingClientRect().height)"
    assert min(ada.page.locator(".mark button").evaluate_all(heights)) >= 40


def test_conditions_are_chosen_by_keyboard(seat, desk: Desk) -> None:
    """The key for resubmitting leads to the conditions first; Space chooses one, Enter saves."""
    ada = seat()
    ada.go("/student/fail")
    ada.press("r")
    assert ada.page.evaluate("document.activeElement.name") == "condition"
    ada.press("Space", "Space", "j", "k", "ArrowDown", "Space", "Enter")
    ada.sees("#state .now", "resubmit")
    (entry,) = desk.log.history("fail")
    assert entry.choice is Choice.RESUBMIT and len(entry.conditions) == 2
    assert entry.conditions[0] == "It runs to its end."
    ada.sees("#earlier", "It runs to its end.")
    ada.press("t")
    ada.sees("#state .now", "ticked")
    ada.counts("[name=condition]:checked", 0)
    ada.press("u")
    ada.sees("#state .now", "resubmit")
    ada.counts("[name=condition]:checked", 2)


def test_a_typed_condition_leaves_its_field(seat, desk: Desk) -> None:
    """With no condition to choose, the key leads to the text; once it is saved, the next keys are keys again, and the
    condition can be unticked."""
    ada = seat()
    ada.go("/student/pass")
    ada.page.locator("[name=condition]").evaluate_all("boxes => boxes.forEach(box => box.closest('label').remove())")
    ada.press("r")
    assert ada.page.evaluate("document.activeElement.name") == "other"
    ada.page.keyboard.type("n")
    ada.press("Enter")
    ada.sees("#decide [data-said]", "“n” is no condition; nothing was saved.")
    ada.page.locator("[name=other]").fill("Explain the loss.")
    ada.press("Enter")
    ada.sees("#earlier", "Explain the loss.")
    ada.finds("document.activeElement === document.body")
    ada.holds("[name=other]", "")
    ada.counts("#conditions label:has-text('Explain the loss.') :checked", 1)
    ada.page.get_by_label("Explain the loss.").uncheck()
    ada.press("r", "r")
    ada.counts("#earlier li", 0)
    assert [one.conditions for one in desk.log.history("pass")] == [("Explain the loss.",), ()]


def test_the_first_press_saves_no_resubmission(seat, desk: Desk) -> None:
    """On a page whose conditions are chosen already, the key leads to them first, and saves with the second press.
    The next key leads to another student."""
    ada = seat()
    ada.go("/student/fail")
    ada.page.locator("[name=condition]").nth(1).check()
    ada.go("/")
    ada.sees("tr:has(#row-fail)", "draft")
    ada.go("/student/fail")
    ada.counts("#condition-1:checked", 1)
    ada.press("r")
    assert ada.page.evaluate("document.activeElement.name") == "condition"
    assert desk.log.history("fail") == ()
    ada.press("r")
    ada.sees("#state .now", "resubmit")
    ada.press("k")
    ada.comes_to(lambda url: "/fail" not in url)


def test_keys_wait_for_what_is_under_way(seat, desk: Desk) -> None:
    """On a slow connection every key counts, in the order in which they were pressed: marks go on, a decision is taken
    back, and the next student is opened last; no key reaches a student who is left."""
    ada = seat()
    ada.go("/student/pass")
    ada.press("1")
    slow_down(ada, 150)
    ada.press("1", "1", "1")
    ada.sees("#mark-1 [aria-pressed=true]", "not")
    ada.press("a", "u", "t", "u", "a", "u", "n", "a")
    ada.comes_to(lambda url: "/student/" in url and "/pass" not in url)
    words = [one.choice for one in desk.log.history("pass")]
    assert words == ["absent", "open", "tick", "open", "absent", "open"]
    assert {one.help for one in desk.log.answers("pass").values()} == {"not"}
    assert {one.student for one in desk.log.since(0)} == {"pass"}


def test_a_phone_shows_the_decision_where_it_is_taken(seat) -> None:
    """The bar at the bottom of a phone shows the decision as a pressed button with its word."""
    ada = seat("Ada", PHONE)
    ada.go("/student/pass")
    pressed = "#choices [aria-pressed=true]"
    ada.counts(pressed, 0)
    ada.page.get_by_role("button", name="Absent").click()
    ada.sees(pressed, "– absent")
    ada.finds("([found]) => document.querySelector(found)?.getBoundingClientRect().top > 700", [pressed])
    assert browser.faults(ada.page) == []


def test_the_list_is_walked_by_keyboard(seat) -> None:
    """The keys j, k and arrows go through the list, Enter opens, ? shows all keys, and c leads back."""
    ada = seat()
    rows = ada.page.locator("[data-row]").all_inner_texts()
    ada.press("j", "ArrowDown", "j", "k")
    ada.finds("name => document.activeElement.innerText === name", rows[1])
    ada.press("Enter")
    ada.comes_to("**/student/**")
    ada.sees("h1", rows[1])
    first = ada.page.url
    ada.press("j")
    ada.comes_to(lambda url: "/student/" in url and url != first)
    ada.sees("h1", rows[2])
    ada.press("?")
    ada.shows("#keys")
    ada.press("t", "Escape")
    ada.shows("#keys", False)
    ada.sees("#state .now", "Undecided")
    ada.press("c")
    ada.comes_to(f"{ada.url}/")
    assert ada.errors == []


def test_whoever_is_quick_loses_nothing(seat, desk: Desk) -> None:
    """Ten students are marked and decided as fast as keys can be pressed; every mark and decision is stored."""
    ada, seen = seat(), ""
    ada.press("n")
    for _ in range(10):
        ada.finds("seen => document.body.matches('.scripted[data-slug]') && document.body.dataset.slug !== seen", seen)
        seen = ada.page.evaluate("document.body.dataset.slug")
        ada.press("1", "1", "t", "n")
    ada.finds("seen => document.body.dataset.slug !== seen", seen)
    assert [one.choice for one in desk.log.since(0)] == ["tick"] * 10
    assert len({one.student for one in desk.log.since(0)}) == 10


# -- by two people ---------------------------------------------------------------------------------------------


def test_a_mark_shows_in_another_browser(seat) -> None:
    """What one demonstrator decides and marks, the other sees in class and on the student's page, with what they are
    just typing left alone."""
    ada, grace = seat("Ada"), seat("Grace")
    ada.go("/student/pass")
    grace.go("/student/pass")
    grace.sees("#state .others", "Ada")
    ada.sees("#state .others", "Grace")
    grace.page.locator("[name=note]").fill("half a sen")
    ada.press("t")
    grace.sees("#state .now", "ticked")
    ada.press("1", "1")
    grace.sees("#mark-1 [aria-pressed=true]", "answered")
    grace.holds("[name=note]", "half a sen")
    grace.go("/")
    ada.press("a")
    grace.sees("tr:has(#row-pass) .decision", "absent")
    grace.sees("tr:has(#row-pass)", "● Ada")
    grace.sees("#list .counted", "1 of ")
    assert ada.errors == grace.errors == []


def test_an_edit_war_keeps_both(seat, desk: Desk) -> None:
    """A decision that was taken without seeing the other's is kept beside it, and both people are told."""
    ada, grace = seat("Ada"), seat("Grace", java_script_enabled=False)
    ada.go("/student/pass")
    grace.go("/student/pass")
    ada.press("t")
    ada.sees("#state .now", "ticked")
    grace.page.locator("[name=note]").fill("copied from a neighbour")
    grace.page.get_by_role("button", name="Second opinion").click()
    for one in (ada, grace):
        one.sees("#state [role=alert]", "Grace had not seen the decision of Ada")
    assert [(one.by, one.choice) for one in desk.log.history("pass")] == [("Ada", "tick"), ("Grace", "second opinion")]


def test_next_avoids_those_whom_others_look_at(seat, desk: Desk) -> None:
    """Two people who ask for the next one at once get two students."""
    ada, grace = seat("Ada"), seat("Grace")
    ada.press("n")
    ada.comes_to("**/student/**")
    grace.press("n")
    grace.comes_to("**/student/**")
    assert ada.page.url != grace.page.url


# -- nothing typed is lost -------------------------------------------------------------------------------------


def test_what_is_typed_is_not_lost(seat, desk: Desk) -> None:
    """A note survives a reload, a look at another student, a store that cannot be written, and a desk that was started
    again."""
    ada = seat()
    ada.go("/student/pass")
    ada.page.locator("[name=note]").fill("explains backpropagation well")
    ada.page.reload()
    ada.holds("[name=note]", "explains backpropagation well")
    ada.go("/student/fail")
    ada.holds("[name=note]", "")
    ada.go("/student/pass")
    ada.holds("[name=note]", "explains backpropagation well")
    ada.page.evaluate("document.querySelector('#decide [name=token]').value = 'of the old desk'")
    ada.page.get_by_role("button", name="Tick").click()
    ada.sees("[data-lost]", "This was not saved")
    assert desk.log.history("pass") == ()
    ada.page.reload()
    ada.holds("[name=note]", "explains backpropagation well")
    ada.page.get_by_role("button", name="Tick").click()
    ada.sees("#state .now", "ticked")
    ada.page.reload()
    ada.holds("[name=note]", "explains backpropagation well")
    assert ada.page.evaluate("localStorage.length") == 0
    assert desk.log.newest()["pass"].note == "explains backpropagation well"


def test_a_refusal_is_told_until_something_is_saved(seat, desk: Desk) -> None:
    """A decision that could not be saved is told, and no longer once it was; so is a student who was erased while the
    page was open."""
    ada = seat()
    ada.go("/student/pass")
    desk.log._connection.execute("PRAGMA query_only = ON")
    ada.press("t")
    ada.sees("[data-lost]", "cannot be written")
    desk.log._connection.execute("PRAGMA query_only = OFF")
    ada.press("t")
    ada.sees("#state .now", "ticked")
    ada.shows("[data-lost]", False)
    (desk.results.folder / tables.ROSTER).write_bytes(roster_json(TITLE, [a_fail("fail")], DATA))
    desk.log.erase("pass")
    desk.results.look()
    desk.hub.publish("all")
    ada.sees("[data-lost]", "no such student in these results, or no longer")
    ada.page.locator("[data-lost]").evaluate("told => { told.textContent = ''; }")
    ada.press("t")
    ada.sees("[data-lost]", "no such student in these results, or no longer")
    assert desk.log.history("pass") == ()


# -- for everybody ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "paths"), [("light", LIGHT), ("dark", DARK)])
def test_every_page_can_be_used_by_everyone(seat, desk: Desk, scheme: str, paths: tuple[str, ...]) -> None:
    """axe-core finds nothing serious on any page; none asks elsewhere, tells an error, or is wider than a phone."""
    desk.log.decide("fail", Choice.RESUBMIT, "Fix the loss.", ["The loss fits. [test_loss]", HOSTILE], "Grace", 0)
    desk.log.decide("fail", Choice.SECOND_OPINION, HOSTILE, [], HOSTILE, 0)
    desk.catch_up()
    ada, asked = seat("Ada", PHONE, color_scheme=scheme), []
    ada.page.on("request", lambda request: asked.append(request.url))
    hostile = next(row.slug for row in desk.results.now().roster.rows if "script" in row.slug)
    for path in (*paths, f"/student/{hostile}"):
        ada.go(path)
        ada.page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
        assert browser.faults(ada.page) == [], path
        assert ada.page.evaluate("document.documentElement.scrollWidth") <= PHONE, path
    assert [url for url in asked if not url.startswith((ada.url, "data:image/png"))] == []
    assert [said for said in ada.errors if "404" not in said] == []


def test_everything_but_live_updates_works_without_scripts(seat, desk: Desk) -> None:
    """Search, filters, paging, next, marks, decisions, conditions and undo are plain links and forms."""
    ada = seat(java_script_enabled=False)
    page = ada.page
    page.get_by_role("link", name=re.compile("→$")).click()
    page.wait_for_url("**from=50**", timeout=PATIENCE)
    page.get_by_label("Search").fill("PAS")
    page.get_by_label("Verdict").select_option("PASS")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**text=PAS**", timeout=PATIENCE)
    page.get_by_role("link", name="pass", exact=True).click()
    page.locator("#mark-1").get_by_role("button", name="with help").click()
    ada.sees("#mark-1 [aria-pressed=true]", "with help")
    page.get_by_label("Another one").fill("Explain the loss.")
    page.get_by_role("button", name="Resubmit").click()
    ada.sees("#earlier", "Explain the loss.")
    page.get_by_role("button", name="Undo").click()
    ada.sees("#state .now", "Undecided")
    assert desk.log.history("pass")[0].conditions == ("Explain the loss.",)
    page.get_by_role("button", name="Tick").click()
    ada.sees("#state .now", "ticked")
    page.get_by_role("link", name="Next").click()
    ada.sees("#content", "Nobody in this list is waiting")


def test_a_report_page_leads_back_to_the_desk(seat) -> None:
    """From the sandboxed report one comes back to the student's page, with the session."""
    ada = seat()
    ada.go("/student/pass")
    with ada.context.expect_page() as opened:
        ada.page.get_by_role("link", name="Report page").click()
    report = opened.value
    report.get_by_role("link", name="At the desk").click()
    report.locator("#decide").wait_for(timeout=PATIENCE)
    assert report.url == f"{ada.url}/student/pass"
