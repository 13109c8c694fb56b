"""What-ifs that people request: one at a time for each person, a limited queue, and none trained twice.

Theory of operation: a request is answered from a cache beside the student's evidence if the same variant was tried
before, with the same evidence and the same code. Otherwise it waits for a box of the place, and its epochs arrive one
by one. A person's newer request ends the older one. Threads here live as long as the desk: a box ends with the thread
that started it.
"""

import contextlib
import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from checker.errors import CheckerError, EvidenceError, StoppedError, UsageError
from checker.formats import files
from checker.records.codec import from_json, to_json
from checker.records.gathered import Gathered
from checker.records.report import Report
from checker.records.settings import Live, RunSettings, unwatched
from checker.records.training import Epoch
from checker.records.variants import Direction, Tried, Variant
from checker.run import answers, directions, keys, places, remembered, session, store
from checker.run.batch import EVIDENCE, make_answer
from checker.run.places import Place
from checker.run.session import Request
from checker.run.slots import Slots
from checker.run.store import Origin
from checker.sandbox import bubblewrap, kinds
from checker.whatif import changes, results
from checker.whatif.originals import Original, original_of
from checker.whatif.refusal import RefusedError

_logger = logging.getLogger(__name__)

TRIED = "tried"
"""The folder of cached results in a submission's evidence."""
CODE = (*keys.VARIANTS, "checker.whatif")
MOST_WAITING = 12
MOST_KEPT, MOST_OPEN = 60, 6
"""Maximum numbers of cached results of a submission, and of submissions whose evidence is held in memory."""
ADVICE_SECONDS = 300.0
"""Time limit for one training of an advice, including the wait for a box."""
UNWANTED_SECONDS = 10.0
"""A training that nobody has looked at for this long is no longer wanted."""
STOPPED = "This training was stopped: a newer one of yours took its place, or nobody waited for it."
OTHER_VERSION = (
    "The evidence of this submission was gathered by another version of the checker, or for another assignment. Run "
    "that batch again; what has not changed does not run again."
)
FULL = "Too many what-ifs are waiting. Try again in a moment."


class Trying:
    """A request: its epochs so far, and its end. Its methods are called from any thread.

    It is wanted as long as somebody looks at it now and then, and nobody stops it.
    """

    def __init__(self, variant: Variant, key: str = "", result: Tried | None = None) -> None:
        self.variant, self.key = variant, key
        self._epochs: list[Epoch] = []
        self._result, self._error = result, ""
        self._ended, self._stopped = threading.Event(), threading.Event()
        self._looked = time.monotonic()
        if result is not None:
            self._ended.set()

    @property
    def has_ended(self) -> bool:
        """Whether there will be no more epochs."""
        return self._ended.is_set()

    @property
    def result(self) -> Tried | None:
        """The result; None before the end, and after an end without one."""
        return self._result

    @property
    def error(self) -> str:
        """Why there is no result, as a sentence; "" if there is one, or may be one yet."""
        return self._error

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for the result."""
        return not self._stopped.is_set() and time.monotonic() - self._looked < UNWANTED_SECONDS

    def look(self) -> tuple[Epoch, ...]:
        """Return the epochs so far."""
        self._looked = time.monotonic()
        return tuple(self._epochs)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; tell whether the request has ended."""
        until = time.monotonic() + seconds
        while not self._ended.wait(min(1.0, max(0.0, until - time.monotonic()))) and time.monotonic() < until:
            self.look()
        return self.has_ended

    def stop(self) -> None:
        """End the request: nobody waits for the result any more."""
        self._stopped.set()

    @property
    def live(self) -> Live:
        """The callbacks with which the training reports to this request."""
        return Live(self._epochs.append, lambda: self.is_wanted)

    def end(self, result: Tried | None, error: str = "") -> None:
        """Note the end."""
        self._result, self._error = result, error
        self._ended.set()


@dataclass(frozen=True)
class _Opened:
    """A submission's evidence and network. ``digest``: the evidence's hash."""

    digest: str
    gathered: Gathered
    original: Original


class Workshop:
    """What-ifs on a results folder, opened on the first request: then data and settings are read, and a box starts.

    They run on the workers of a scheduler if ``elsewhere`` returns its boxes for some settings, else on this machine.
    They run no code of a student, so a machine without a wall may run them, too.
    """

    def __init__(self, out: Path, elsewhere: Callable[[RunSettings], Place] | None = None) -> None:
        self._out, self._elsewhere = out, elsewhere
        self._lock = threading.Lock()
        self._what_ifs: WhatIfs | None = None
        self._closed = False

    def open(self) -> "WhatIfs":
        """Return the what-ifs. Raises a CheckerError, in words, while they cannot be opened."""
        with self._lock:
            if self._closed:
                raise RefusedError("The desk is closing.")
            if self._what_ifs is None:
                settings = settings_of(self._out)
                self._what_ifs = WhatIfs(self._out, settings, self._place(settings))
            return self._what_ifs

    def _place(self, settings: RunSettings) -> Place:
        if self._elsewhere is not None:
            return self._elsewhere(settings)
        slots = Slots(places.jobs_that_fit(settings.assignment), is_desk=True)
        return places.Pool(kinds.choose("none" if bubblewrap.why_not() else kinds.KINDS[0]), slots)

    def get_ready(self) -> None:
        """Open the what-ifs in the background. An error is raised on the next request."""

        def ready() -> None:
            with contextlib.suppress(CheckerError):
                self.open().get_ready()

        threading.Thread(target=ready, daemon=True).start()

    def close(self) -> None:
        """End all trainings."""
        with self._lock:
            self._closed = True
            if self._what_ifs is not None:
                self._what_ifs.close()


def settings_of(out: Path) -> RunSettings:
    """Return the settings of the batch that wrote a results folder. Raises UsageError if it has none."""
    if remembered.read(out) is None:
        raise UsageError(f"{out} does not say what it was checked with.", "Run `checker batch` on it again.")
    return session.settings(remembered.completed(Request(out=out), out))


class WhatIfs:
    """What-ifs on the submissions of a results folder. Its methods are called from many threads."""

    def __init__(self, out: Path, settings: RunSettings, place: Place, at_a_time: int = 1) -> None:
        self._out, self._settings, self._place = out, settings, place
        self._executor = ThreadPoolExecutor(at_a_time, thread_name_prefix="what-if")
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, _Opened] = OrderedDict()
        self._newest: OrderedDict[str, Tried] = OrderedDict()
        self._of: dict[str, Trying] = {}

    def get_ready(self) -> None:
        """Warm up a box of the place, in a thread that lives as long as the desk."""
        self._executor.submit(self._place.get_ready)

    def original(self, slug: str) -> Original:
        """Return a student's network. Raises RefusedError, in words, if nothing can be tried with it."""
        return self._open(slug).original

    def gathered(self, slug: str) -> Gathered:
        """Return a student's evidence; raises the errors of ``original``."""
        return self._open(slug).gathered

    def make_answer(self, slug: str, number: int, by: str) -> None:
        """Make another network of a student's file the answer; wait until it is trained, judged and in the tables.

        Raises UsageError, in words, if it cannot be made the answer, or while another command works in the folder.
        """
        self._executor.submit(self._make_answer, slug, number, by).result()

    def _make_answer(self, slug: str, number: int, by: str) -> None:
        _, _, gathered = store.load_at(self._out / EVIDENCE / slug, keys.circumstances(self._settings))
        if gathered is None:
            raise RefusedError(OTHER_VERSION)
        answers.choice_of(gathered.evidence, number, by, self._settings)
        request = remembered.completed(Request(out=self._out), self._out)
        settings = session.prepare(request, [gathered.evidence.submission]).settings
        reference = session.open(settings, lambda name: unwatched, lambda name, report: None).reference
        make_answer(self._out, slug, number, by, settings, reference, self._place)

    def advise(self, slug: str, report: Report, person: str) -> Direction | None:
        """Find the direction of a submission below the bar, and store it with the evidence; None if there is nothing to
        try.

        Each change is a what-if of ``person``. Raises RefusedError, in words, if they cannot be tried.
        """
        opened = self._open(slug)

        def train(variant: Variant) -> Tried:
            trying = self.ask(slug, variant, f"advice {person}")
            trying.wait(ADVICE_SECONDS)
            if trying.result is None:
                raise RefusedError(trying.error or STOPPED)
            return trying.result

        return directions.find(self._out / EVIDENCE / slug, opened.gathered, report, self._settings, train)

    def direction(self, slug: str) -> Direction | None:
        """Return a submission's direction; None if there is none."""
        return directions.read(self._out / EVIDENCE / slug)

    def networks(self, slug: str) -> Sequence[answers.Network]:
        """Return the networks of a student's file; () if their evidence cannot be used."""
        place = self._out / EVIDENCE / slug
        _, _, gathered = store.load_at(place, keys.circumstances(self._settings))
        return answers.networks(gathered.evidence, self._settings) if gathered else ()

    def known(self, slug: str, variant: Variant) -> Tried | None:
        """Return the result of a variant that was tried before; None if it was not. Raises the errors of ``ask``."""
        opened, variant = self._reduced(slug, variant)
        return self._find(self._cached(slug, opened, variant))

    def reduced(self, slug: str, variant: Variant) -> Variant:
        """Return a variant without the settings that equal the student's. Raises RefusedError if it cannot be tried."""
        return self._reduced(slug, variant)[1]

    def ask(self, slug: str, variant: Variant, person: str) -> Trying:
        """Try a variant for a person. The person's earlier request ends unless it is the same.

        Raises RefusedError, in words, if it cannot be tried, or if too many wait.
        """
        opened, variant = self._reduced(slug, variant)
        path = self._cached(slug, opened, variant)
        if (known := self._find(path)) is not None:
            return Trying(variant, path.stem, known)
        with self._lock:
            before = self._of.get(person)
            if before is not None and before.key == path.stem and before.is_wanted and not before.has_ended:
                before.look()
                return before
            if before is not None:
                before.stop()
            self._of = {who: one for who, one in self._of.items() if not one.has_ended and who != person}
            if len(self._of) >= MOST_WAITING:
                raise RefusedError(FULL)
            trying = self._of[person] = Trying(variant, path.stem)
        self._executor.submit(self._try, opened, path, trying)
        return trying

    def _reduced(self, slug: str, variant: Variant) -> tuple[_Opened, Variant]:
        opened = self._open(slug)
        variant = changes.reduced(opened.original, variant)
        changes.apply(opened.original, variant)
        return opened, variant

    def _find(self, path: Path) -> Tried | None:
        with self._lock:
            found = self._newest.get(path.stem)
        return found or _read(path)

    def _try(self, opened: _Opened, path: Path, trying: Trying) -> None:
        try:
            changed = self._place.train_variant(opened.gathered, trying.variant, self._settings, trying.live)
            result = results.tried(opened.gathered, changed, trying.variant, self._settings)
            with self._lock:
                self._newest[path.stem] = result
                while len(self._newest) > MOST_KEPT:
                    self._newest.popitem(last=False)
            _write(path, result)
            trying.end(result)
        except StoppedError:
            trying.end(None, STOPPED)
        except CheckerError as error:
            trying.end(None, error.message)
        except Exception as error:  # our own failure: people who wait must see it
            _logger.exception("a what-if failed")
            trying.end(None, f"The checker failed: {type(error).__name__}.")

    def _open(self, slug: str) -> _Opened:
        place = self._out / EVIDENCE / slug
        try:
            digest = hashlib.sha256((place / store.RECORD).read_bytes()).hexdigest()
        except OSError as error:
            raise RefusedError("There is no evidence of this submission here, so nothing can be tried.") from error
        with self._lock:
            opened = self._opened.get(slug)
        if opened is None or opened.digest != digest:
            opened = self._load(place, digest)
        with self._lock:
            self._opened[slug] = opened
            self._opened.move_to_end(slug)
            while len(self._opened) > MOST_OPEN:
                self._opened.popitem(last=False)
        return opened

    def _load(self, place: Path, digest: str) -> _Opened:
        _, _, gathered = store.load_at(place, keys.circumstances(self._settings))
        if store.origin(place) is not Origin.OURS:
            raise RefusedError("The evidence of this submission is not as a batch stored it. Run that batch again.")
        if gathered is None:
            raise RefusedError(OTHER_VERSION)
        return _Opened(digest, gathered, original_of(gathered, self._settings))

    def _cached(self, slug: str, opened: _Opened, variant: Variant) -> Path:
        judged = repr((self._settings.assignment.bar, self._settings.seeds))
        key = keys.key(CODE, opened.digest, to_json(variant).decode(), judged, keys.circumstances(self._settings))
        return self._out / EVIDENCE / slug / TRIED / f"{key[:32]}.json"

    def close(self) -> None:
        """End all trainings."""
        with self._lock:
            for trying in self._of.values():
                trying.stop()
        self._place.close()  # first: a box that is still warming up ends with its place
        self._executor.shutdown(wait=True, cancel_futures=True)


def _read(path: Path) -> Tried | None:
    with contextlib.suppress(OSError, EvidenceError):
        return from_json(Tried, path.read_bytes())
    return None


def _write(path: Path, result: Tried) -> None:
    """Store a result, and keep the submission's newest others. A cache that cannot be written is ignored.

    If the submission was erased meanwhile, nothing of it is written again.
    """
    if not store.holds(path.parent.parent):
        return
    with contextlib.suppress(OSError, UsageError, CheckerError):
        files.write(path, to_json(result))
        kept = sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in kept[MOST_KEPT:]:
            old.unlink()
