"""The what-if page: an address says it all, nonsense is told, and what came of a change is shown, kept and shared."""

import json
import re
import threading
from dataclasses import replace
from html import unescape
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from desks import Visitor, open_desk, write_results
from reports import a_pass
from trained import stored, trained

from checker.desk.what_if import histories
from checker.records.comparison import SeedScore
from checker.records.training import Epoch
from checker.run.what_ifs import WhatIfs
from checker.whatif.refusal import RefusedError

PAGE = "/student/ada/what-if"


class Instant:
    """A place that gives the original's evidence back, after one epoch of each seed, once it may go."""

    kind = "fake"

    def __init__(self, gathered):
        self.gathered, self.asked, self.go = gathered, [], threading.Event()
        self.go.set()

    def get_ready(self):
        pass

    def train_variant(self, gathered, variant, settings, live):
        self.asked.append(variant)
        for seed in settings.seeds:
            live.tell(Epoch(seed, 1, {"loss": 1.0, "accuracy": 0.4}))
        self.go.wait(30)
        return self.gathered

    def close(self):
        self.go.set()


@pytest.fixture(scope="module")
def evidence(assignment, make, tmp_path_factory):
    """Evidence of a small network with the settings that it was gathered under."""
    return trained(assignment, make, tmp_path_factory.mktemp("in"))


@pytest.fixture
def place(evidence):
    return Instant(evidence[0])


@pytest.fixture
def desk(evidence, place, tmp_path):
    """A desk with Ada's report and evidence."""
    stored(*evidence, write_results(tmp_path, [a_pass("ada")]))
    opened = open_desk(tmp_path)
    made = WhatIfs(tmp_path, evidence[1], place)
    opened.workshop = SimpleNamespace(open=lambda: made)
    yield opened
    made.close()
    opened.log.close()


@pytest.fixture
def ada(desk):
    return Visitor(desk)


def tried(ada, **fields):
    """Return a page's text once what it asks for was trained."""
    return unescape(ada.get(f"{PAGE}?{urlencode(fields | {'wait': '1'}, doseq=True)}").text)


def test_the_page_shows_the_network_as_a_form(ada, place):
    """Without fields the page holds the student's network, recipe and columns, the presets, and trains nothing."""
    page = unescape(ada.get(PAGE).text)
    assert 'name="layer.1.units" value="50"' in page and 'name="layer.2.rate" value="0.2"' in page
    assert 'name="layer.3.units"' not in page  # the last layer's units are the task's
    assert 'name="epochs" value="20"' in page and 'value="longitude"' in page and "learning rate × 10" in page
    assert "“inputs scaled” cannot be tried: The inputs are scaled already." in page
    assert not place.asked


def test_a_change_trains_and_says_what_came_of_it(ada, place):
    """A page that waits tells the change, the score with its difference and what it is worth, each seed's, and which
    rows and loss its curves are of."""
    page = tried(ada, epochs=5)
    assert "5 epochs instead of 20" in page.replace("\n", " ") and "as the original on every seed." in page
    assert page.count("<figure>") >= 1 and '<th scope="row">11</th>' in page
    assert "Development rows. The loss is <code>SparseCategoricalCrossentropy</code>." in page
    again = unescape(ada.get(f"{PAGE}?epochs=5").text)
    assert "as the original on every seed." in again and "data-training" not in again
    assert len(place.asked) == 1


@pytest.mark.parametrize(("bar", "words"), [(0.99, "Below the bar of 99.0%."), (0.01, "Reaches the bar of 1.0%.")])
def test_a_result_says_whether_it_reaches_the_bar(ada, desk, bar, words):
    """A result says on which side of the report's bar its mean lies, if that bar is of the same seeds."""
    report = a_pass("ada")
    assert "the bar of" not in tried(ada, epochs=5)
    scores = tuple(SeedScore(seed, 0.9, 0.9, 0.5) for seed in (11, 23))
    write_results(desk.results.folder, [replace(report, comparison=replace(report.comparison, scores=scores, bar=bar))])
    assert words in tried(ada, epochs=5)


def test_each_page_lists_its_own_keys(ada):
    """The list of keys holds what works on the page that it is on."""
    keys = {path: ada.get(path).text.partition('<dialog id="keys"')[2] for path in ("/", "/student/ada", PAGE)}
    assert all("these keys" in found for found in keys.values())
    assert [path for path, found in keys.items() if "undo the change" in found] == [PAGE]
    assert [path for path, found in keys.items() if "absent, second opinion" in found] == ["/student/ada"]
    assert all("/</kbd></dt><dd>search the class" in found for found in keys.values())
    assert [path for path, found in keys.items() if "opens the first one found" in found] == ["/"]


def test_a_part_has_the_address_that_can_be_shared(ada, place):
    """A form's request gets the part alone, and the short address of its variant, which is the same page for others."""
    fields = {"layer.1.units": "50", "layer.2.rate": "0.2", "epochs": "5", "learning_rate": "0.001", "optimizer": ""}
    part = ada.get(f"{PAGE}?{urlencode(fields)}", HX_Target="tried")
    assert part.headers["hx-push-url"] == f"{PAGE}?epochs=5"
    assert part.text.strip().startswith('<div id="tried">')
    there = ada.get(f"{PAGE}?epochs=5", HX_Target="tried", HX_Current_URL=f"http://127.0.0.1:8400{PAGE}?epochs=5")
    assert there.headers["hx-push-url"] == "false"


def test_epochs_come_as_events(ada, place):
    """The stream tells charts and how far the training is, and then its end."""
    place.go.clear()
    threading.Timer(0.5, place.go.set).start()
    lines = [line[6:] for line in ada.get(f"{PAGE}/live?epochs=5").text.splitlines() if line.startswith("data: ")]
    first, *_, last = map(json.loads, lines)
    assert first["said"] == "Training 2 of 2: seed 23, epoch 1 of 5." and "<svg" in first["charts"]
    assert last == {"end": True, "error": ""}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"epochs": "1000000000"}, "whole number from 1 to 5,000"),
        ({"layer.1.units": "0"}, "whole number from 1 to 10,000"),
        ({"learning_rate": "<script>alert(1)</script>"}, "The learning rate is a number"),
        ({"colour": "red"}, "no field “colour”"),
        ({"layer.9.units": "5"}, "There is no layer 9"),
        ({"without": ["longitude", "latitude", "median_income"]}, "No input would be left"),
    ],
)
def test_nonsense_is_told_on_the_page(ada, place, fields, words):
    """What makes no sense is told in words, as text, on a page whose form still works; nothing trains."""
    answer = ada.get(f"{PAGE}?{urlencode(fields, doseq=True)}")
    assert answer.status == 200 and words in unescape(answer.text) and "<script>alert" not in answer.text
    assert 'name="epochs"' in answer.text and not place.asked
    live = ada.get(f"{PAGE}/live?{urlencode(fields, doseq=True)}").text
    assert json.loads(live.strip()[6:])["end"] and words in json.loads(live.strip()[6:])["error"]


def test_what_cannot_be_tried_at_all_says_why(desk, ada, evidence):
    """Where nothing can be tried, as with a replayed answer, the page gives the reason and no form."""
    gathered, settings = evidence
    replayed = replace(gathered, evidence=replace(gathered.evidence, replayed="a `Lambda` layer holds own code"))
    stored(replayed, settings, desk.results.folder)
    page = unescape(ada.get(PAGE).text)
    assert "trained by the student's own code" in page and 'name="epochs"' not in page

    def broken():
        raise RefusedError("The data is gone.")

    desk.workshop = SimpleNamespace(open=broken)
    assert "The data is gone." in ada.get(PAGE).text


def test_up_to_three_stand_beside(ada):
    """A variant that was tried can be set beside others; the address keeps the newest three, and nothing else of it."""
    for epochs in (5, 6, 7, 8):
        tried(ada, epochs=epochs)
    pages = tried(ada, epochs=5, beside=["epochs=6", "epochs=7", "epochs=8", "nonsense=1", "epochs=9"])
    assert re.findall(r'<section aria-label="([^"]*)"', pages) == ["8 epochs instead of 20"]
    pages = tried(ada, epochs=5, beside=["epochs=6", "epochs=7", "epochs=8"])
    assert len(re.findall(r'<section aria-label="\d epochs instead of 20"', pages)) == 3


def test_a_kept_one_stays_with_the_student(desk, ada):
    """Keeping a variant notes it and what came of it with the person's name; it leads back to its address."""
    refused = ada.post(f"{PAGE}/keep", {"variant": "epochs=5"})
    assert refused.status == 409 and "try it again" in unescape(refused.text)
    tried(ada, epochs=5)
    kept = ada.post(f"{PAGE}/keep", {"variant": "epochs=5"})
    assert kept.status == 303 and kept.headers["location"] == f"{PAGE}?epochs=5"
    (one,) = desk.log.kept_trials("ada")
    assert one.by == "Ada" and json.loads(one.variant)["epochs"] == 5
    assert f'href="{PAGE}?epochs=5">5 epochs instead of 20</a>: Accuracy' in ada.get(PAGE).text
    assert ada.post(f"{PAGE}/keep", {"variant": "epochs=many"}).status == 400


def test_keeping_needs_a_form_of_ours(desk, ada):
    """A foreign page can keep nothing."""
    tried(ada, epochs=5)
    assert ada.post(f"{PAGE}/keep", {"variant": "epochs=5", "token": "wrong"}).status == 403
    assert ada.post(f"{PAGE}/keep", {"variant": "epochs=5"}, Origin="https://evil.example").status == 403
    assert not desk.log.kept_trials("ada")


def test_an_epoch_that_is_told_again_replaces_the_first(make):
    """The look ahead at the first epoch gives way to the epoch itself."""
    told = [Epoch(11, 1, {"loss": 1.0}), Epoch(11, 1, {"loss": 0.9}), Epoch(11, 2, {"loss": 0.8})]
    assert histories(told) == {11: {"loss": [0.9, 0.8]}}


def test_the_student_page_leads_to_it(ada):
    """The student's page has a link to the what-if page, which a key opens."""
    assert re.search(rf'<a href="{PAGE}" data-key="w">', ada.get("/student/ada").text)


class Remembering:
    """Stands where what-ifs are opened; it notes which network was made the answer, or says that it cannot be."""

    def __init__(self, what_ifs, refusal=""):
        self._what_ifs, self.refusal, self.made = what_ifs, refusal, []

    def make_answer(self, slug, number, by):
        if self.refusal:
            raise RefusedError(self.refusal)
        self.made.append((slug, number, by))

    def __getattr__(self, name):
        return getattr(self._what_ifs, name)


def test_a_click_makes_another_network_the_answer(desk, ada, evidence):
    """The page lists the file's networks; a click passes the number on with the person's name, and leads back to the
    student. A refusal is told; a foreign form and nonsense change nothing."""
    gathered, settings = evidence
    other = replace(gathered.evidence.models[0], id=9, variable="wide")
    both = replace(gathered, evidence=replace(gathered.evidence, models=(*gathered.evidence.models, other)))
    stored(both, settings, desk.results.folder)
    workshop = Remembering(desk.workshop.open())
    desk.workshop = SimpleNamespace(open=lambda: workshop)
    page = unescape(ada.get(PAGE).text)
    assert "<strong>the answer</strong>" in page and '<input type="hidden" name="network" value="9">' in page
    answer = ada.post(f"{PAGE}/answer", {"network": "9"})
    assert (answer.status, answer.headers["location"]) == (303, "/student/ada")
    assert workshop.made == [("ada", 9, "Ada")]
    assert ada.post(f"{PAGE}/answer", {"network": "-1"}).status == 400
    assert ada.post(f"{PAGE}/answer", {"network": "9", "token": "wrong"}).status == 403
    workshop.refusal = "The folder is in use."
    refused = ada.post(f"{PAGE}/answer", {"network": "9"})
    assert refused.status == 409 and "The folder is in use." in refused.text
    assert len(workshop.made) == 1


def test_a_button_finds_one_step(desk, ada, place):
    """For a student below the bar, a button tries changes on one seed, and the page then shows what came of them."""
    assert "Find one step that helps" not in ada.get(PAGE).text  # this one passes
    below = a_pass("ada")
    below = replace(below, comparison=replace(below.comparison, mean=0.7, bar=0.9))
    write_results(desk.results.folder, [below])
    assert "Find one step that helps" in ada.get(PAGE).text
    assert ada.post(f"{PAGE}/advice").status == 303
    page = unescape(ada.get(PAGE).text)
    assert "none of these helps clearly" in page and "Find one step that helps" not in page
    assert 0 < len(place.asked) <= 6 and {of.seeds for of in place.asked} == {(11,)}
