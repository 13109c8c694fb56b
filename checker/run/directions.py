"""Directions for submissions below the bar, stored with the evidence so that judging again needs no training."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from checker.errors import EvidenceError
from checker.formats import files
from checker.records.codec import from_json, record, to_json
from checker.records.gathered import Gathered
from checker.records.report import Report
from checker.records.settings import Live, RunSettings
from checker.records.variants import Direction, Tried, Variant
from checker.run import store
from checker.run.places import Place
from checker.whatif import directions, results
from checker.whatif.originals import original_of
from checker.whatif.refusal import RefusedError

FILE = "direction.json"


@record
@dataclass(frozen=True)
class StoredDirection:
    """A direction, and the hash of its evidence. The direction is None if there was nothing to try."""

    evidence: str
    direction: Direction | None


def read(place: Path) -> Direction | None:
    """Return the direction in a submission's folder of evidence; None if there is none for this evidence."""
    stored = _stored(place)
    return stored.direction if stored else None


def is_known(place: Path) -> bool:
    """Tell whether changes were already tried for this evidence."""
    return _stored(place) is not None


def _stored(place: Path) -> StoredDirection | None:
    try:
        stored = from_json(StoredDirection, (place / FILE).read_bytes())
        return stored if stored.evidence == _digest(place) else None
    except (OSError, EvidenceError):
        return None


def _digest(place: Path) -> str:
    return hashlib.sha256((place / store.RECORD).read_bytes()).hexdigest()


def find(
    place: Path, gathered: Gathered, report: Report, settings: RunSettings, train: Callable[[Variant], Tried]
) -> Direction | None:
    """Find a submission's direction and store it in its folder of evidence. None if there is nothing to try.

    Raises RefusedError if the submission was erased meanwhile.
    """
    try:
        direction = directions.find(report, original_of(gathered, settings), train, time.monotonic)
    except RefusedError:
        direction = None
    if not store.holds(place):
        raise RefusedError("The evidence of this submission was removed meanwhile.")
    files.write(place / FILE, to_json(StoredDirection(_digest(place), direction)))
    return direction


def trained_in(boxes: Place, gathered: Gathered, settings: RunSettings) -> Callable[[Variant], Tried]:
    """Return a function that trains a variant in the boxes of a place."""
    live = Live(lambda epoch: None, lambda: True)

    def train(variant: Variant) -> Tried:
        changed = boxes.train_variant(gathered, variant, settings, live)
        return results.tried(gathered, changed, variant, settings)

    return train
