"""What people try with students' networks: one thing at a time for each person, few that wait, and none twice.

Theory of operation: a request is answered from a cache beside the student's evidence if the same was tried before, with
the same evidence and the same code. Else it waits for a box of the place, and its epochs arrive one by one. A person's
newer request ends the older one. Threads here live as long as the desk: a box ends with the thread that started it.
"""

import contextlib
import hashlib
import logging
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from checker.errors import CheckerError, EvidenceError, StoppedError, UsageError
from checker.formats import files
from checker.records.codec import from_json, to_json
from checker.records.gathered import Gathered
from checker.records.settings import Live, RunSettings
from checker.records.training import Epoch
from checker.records.variants import Tried, Variant
from checker.run import keys, remembered, session, store
from checker.run.batch import EVIDENCE
from checker.run.places import Place
from checker.run.session import Request
from checker.run.store import Origin
from checker.whatif import changes, results
from checker.whatif.originals import Original, original_of
from checker.whatif.refusal import RefusedError

_logger = logging.getLogger(__name__)

TRIED = "tried"
"""The folder of cached results in a submission's evidence."""
CODE = (*keys.VARIANTS, "checker.whatif")
MOST_WAITING = 12
MOST_KEPT, MOST_OPEN = 60, 6
"""Cached results of a submission, and submissions whose evidence is held in memory."""
FULL = "Too many what-ifs are waiting. Try again in a moment."


class Trying:
    """A request: its epochs so far, and its end. Its methods are called from any thread."""

    def __init__(self, variant: Variant, result: Tried | None = None) -> None:
        self.variant = variant
        self._epochs: list[Epoch] = []
        self._result, self._error = result, ""
        self._ended, self._stopped = threading.Event(), threading.Event()
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

    def since(self, seen: int) -> list[Epoch]:
        """Return the epochs after the first ``seen``."""
        return self._epochs[seen:]

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; tell whether it has come."""
        return self._ended.wait(seconds)

    def stop(self) -> None:
        """End it: nobody waits for it any more."""
        self._stopped.set()

    @property
    def live(self) -> Live:
        """What the training is watched by."""
        return Live(self._epochs.append, lambda: not self._stopped.is_set())

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


def settings_of(out: Path) -> RunSettings:
    """Return the settings of the batch that wrote a results folder."""
    return session.settings(remembered.completed(Request(out=out), out))


class WhatIfs:
    """What-ifs on the submissions of a results folder. Its methods are called from many threads."""

    def __init__(self, out: Path, settings: RunSettings, place: Place, at_a_time: int = 1) -> None:
        self._out, self._settings, self._place = out, settings, place
        self._executor = ThreadPoolExecutor(at_a_time, thread_name_prefix="what-if")
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, _Opened] = OrderedDict()
        self._of: dict[str, Trying] = {}

    def get_ready(self) -> None:
        """Warm up a box of the place, in a thread that stays."""
        self._executor.submit(self._place.get_ready)

    def original(self, slug: str) -> Original:
        """Return a student's network. Raises RefusedError, in words, if nothing can be tried with it."""
        return self._open(slug).original

    def gathered(self, slug: str) -> Gathered:
        """Return a student's evidence; raises the errors of ``original``."""
        return self._open(slug).gathered

    def ask(self, slug: str, variant: Variant, person: str) -> Trying:
        """Try a variant for a person, whose earlier request is ended.

        Raises RefusedError, in words, if it cannot be tried, or if too many wait.
        """
        opened = self._open(slug)
        variant = changes.reduced(opened.original, variant)
        changes.apply(opened.original, variant)
        path = self._cached(slug, opened, variant)
        if (known := _read(path)) is not None:
            self._replace(person, None)
            return Trying(variant, known)
        trying = Trying(variant)
        self._replace(person, trying)
        self._executor.submit(self._try, opened, path, trying)
        return trying

    def _replace(self, person: str, trying: Trying | None) -> None:
        with self._lock:
            if (before := self._of.pop(person, None)) is not None:
                before.stop()
            self._of = {who: one for who, one in self._of.items() if not one.has_ended}
            if trying is None:
                return
            if len(self._of) >= MOST_WAITING:
                raise RefusedError(FULL)
            self._of[person] = trying

    def _try(self, opened: _Opened, path: Path, trying: Trying) -> None:
        try:
            changed = self._place.train_variant(opened.gathered, trying.variant, self._settings, trying.live)
            result = results.tried(opened.gathered, changed, trying.variant, self._settings)
            _write(path, result)
            trying.end(result)
        except StoppedError:
            trying.end(None, "A newer what-if of yours took its place.")
        except CheckerError as error:
            trying.end(None, error.message)
        except Exception as error:  # our own failure: whoever waits must hear of it
            _logger.exception("a what-if failed")
            trying.end(None, f"The checker failed: {type(error).__name__}.")

    def _open(self, slug: str) -> _Opened:
        place = self._out / EVIDENCE / slug
        try:
            digest = hashlib.sha256((place / "evidence.json").read_bytes()).hexdigest()
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
            raise RefusedError(
                "The evidence of this submission was gathered by another version of the checker, or for another "
                "assignment. Run that batch again; what has not changed does not run again."
            )
        return _Opened(digest, gathered, original_of(gathered, self._settings))

    def _cached(self, slug: str, opened: _Opened, variant: Variant) -> Path:
        judged = repr((self._settings.assignment.bar, self._settings.seeds))
        key = keys.key(CODE, opened.digest, to_json(variant).decode(), judged, keys.circumstances(self._settings))
        return self._out / EVIDENCE / slug / TRIED / f"{key[:32]}.json"

    def close(self) -> None:
        """End all that is tried."""
        with self._lock:
            for trying in self._of.values():
                trying.stop()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._place.close()


def _read(path: Path) -> Tried | None:
    with contextlib.suppress(OSError, EvidenceError):
        return from_json(Tried, path.read_bytes())
    return None


def _write(path: Path, result: Tried) -> None:
    """Keep a result, and the newest others of the submission. A cache that cannot be written to is none."""
    with contextlib.suppress(OSError, UsageError, CheckerError):
        files.write(path, to_json(result))
        kept = sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in kept[MOST_KEPT:]:
            old.unlink()
