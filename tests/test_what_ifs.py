"""What people try: one thing at a time for each, few that wait, none twice, and none on evidence that is not ours."""

import shutil
import threading
from dataclasses import replace

import pytest
from trained import stored, trained

from checker.errors import HarnessError, StoppedError
from checker.records.training import Epoch
from checker.records.variants import Effect, Variant
from checker.run import what_ifs
from checker.run.what_ifs import WhatIfs
from checker.whatif.refusal import RefusedError


class Waiting:
    """A place that tells one epoch, and trains until it is let go or not wanted any more."""

    kind = "fake"

    def __init__(self, gathered):
        self.gathered, self.go, self.began, self.asked = gathered, threading.Event(), threading.Semaphore(0), []
        self.error = None

    def get_ready(self):
        pass

    def train_variant(self, gathered, variant, settings, live):
        self.asked.append(variant)
        live.tell(Epoch(11, 1, {"loss": 1.0}))
        self.began.release()
        while not self.go.wait(0.005):
            if not live.is_wanted():
                raise StoppedError("stopped")
        if self.error:
            raise self.error
        return self.gathered

    def close(self):
        self.go.set()


@pytest.fixture(scope="module")
def ada(assignment, make, tmp_path_factory):
    """Evidence, and the settings that it was gathered under."""
    return trained(assignment, make, tmp_path_factory.mktemp("in"))


@pytest.fixture
def place(ada):
    return Waiting(ada[0])


@pytest.fixture
def out(ada, tmp_path):
    """A results folder with Ada's evidence."""
    stored(*ada, tmp_path)
    return tmp_path


@pytest.fixture
def desk(ada, place, out):
    """What-ifs on that folder."""
    made = WhatIfs(out, ada[1], place)
    yield made
    made.close()


def test_epochs_come_before_the_result(desk, place):
    """A request tells each epoch as it ends, and then what came of it."""
    trying = desk.ask("ada", Variant(epochs=5), "Bo")
    assert place.began.acquire(timeout=10)
    assert [of.at for of in trying.look()] == [1] and not trying.has_ended
    assert desk.ask("ada", Variant(epochs=5), "Bo") is trying  # a page that is loaded again
    place.go.set()
    assert trying.wait(10)
    assert trying.result.change == "5 epochs instead of 20" and trying.error == ""
    assert trying.result.effect is Effect.NOISE and "as the original on every seed." in trying.result.sentence


def test_equal_requests_are_answered_from_the_cache(desk, place, ada, out):
    """The same variant, also written with values that the student has anyway, trains once, also after a new start; on
    other evidence it trains anew."""
    place.go.set()
    first = desk.ask("ada", Variant(epochs=5), "Bo")
    assert first.wait(10)
    again = desk.ask("ada", Variant(epochs=5, batch_size=32, optimizer="Adam"), "Cy")
    assert again.has_ended and again.result == first.result
    assert WhatIfs(out, ada[1], place).ask("ada", Variant(epochs=5), "Bo").result == first.result
    assert len(place.asked) == 1
    gathered, settings = ada
    stored(replace(gathered, evidence=replace(gathered.evidence, cut_short="Cut.")), settings, out)
    assert desk.ask("ada", Variant(epochs=5), "Bo").wait(10)
    assert len(place.asked) == 2


def test_nothing_is_written_of_a_submission_that_was_erased(desk, place, out):
    """A what-if that ends after its submission was erased leaves no file behind."""
    trying = desk.ask("ada", Variant(epochs=5), "Bo")
    assert place.began.acquire(timeout=10)
    shutil.rmtree(out / "evidence" / "ada")
    place.go.set()
    assert trying.wait(10) and trying.result is not None
    assert not (out / "evidence" / "ada").exists()


def test_a_persons_newer_request_ends_the_older(desk, place):
    """The older request of one person ends with a word on why; another person's goes on waiting."""
    older = desk.ask("ada", Variant(epochs=5), "Bo")
    assert place.began.acquire(timeout=10)
    other = desk.ask("ada", Variant(epochs=6), "Cy")
    newer = desk.ask("ada", Variant(epochs=7), "Bo")
    assert older.wait(10) and older.result is None and "newer one of yours" in older.error
    assert not other.has_ended and not newer.has_ended
    place.go.set()
    assert other.wait(10) and newer.wait(10) and newer.result is not None


def test_a_training_that_nobody_looks_at_ends(desk, place, monkeypatch):
    """A training ends once nobody has looked at it for a while, as after a page was closed."""
    trying = desk.ask("ada", Variant(epochs=5), "Bo")
    assert place.began.acquire(timeout=10)
    monkeypatch.setattr(what_ifs, "UNWANTED_SECONDS", 0.0)
    assert trying._ended.wait(10) and trying.result is None and "nobody waited" in trying.error


def test_only_so_many_wait(desk, monkeypatch):
    """Beyond the most that may wait, a request is refused in words."""
    monkeypatch.setattr(what_ifs, "MOST_WAITING", 2)
    for number in range(2):
        desk.ask("ada", Variant(epochs=5 + number), f"person {number}")
    with pytest.raises(RefusedError, match="Too many what-ifs are waiting"):
        desk.ask("ada", Variant(epochs=9), "one more")


def test_an_error_of_the_harness_is_told(desk, place):
    """Where a box does not start, whoever waits is told, and nothing is kept."""
    place.error = HarnessError("A box did not get ready.")
    place.go.set()
    trying = desk.ask("ada", Variant(epochs=5), "Bo")
    assert trying.wait(10) and trying.error == "A box did not get ready."
    assert not desk.ask("ada", Variant(epochs=5), "Bo").result


@pytest.mark.parametrize("damage", ["changed", "gone", "of other circumstances"])
def test_evidence_that_is_not_ours_is_not_tried(desk, ada, out, damage):
    """Evidence that was edited, is missing, or was gathered for other seeds is refused in words."""
    path = out / "evidence" / "ada" / "evidence.json"
    if damage == "changed":
        path.write_text(path.read_text().replace("Adam", "Adax"))
    elif damage == "gone":
        path.unlink()
    else:
        gathered, settings = ada
        stored(gathered, replace(settings, seeds=(11,)), out)
    with pytest.raises(RefusedError, match=r"not as a batch stored it|no evidence|another version"):
        desk.ask("ada", Variant(), "Bo")


def test_what_cannot_be_tried_is_refused_before_it_waits(desk, place):
    """A variant that does not fit is refused at once, and nothing trains."""
    with pytest.raises(RefusedError, match="no seed of this assignment"):
        desk.ask("ada", Variant(seeds=(12,)), "Bo")
    assert not place.asked
