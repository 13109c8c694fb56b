"""Demonstrators' choices of another network as the answer. ``batch.make_answer`` trains the chosen network.

Theory of operation: the choice is stored beside the results with the demonstrator's name. It holds for the same file
only. A later batch respects it as if ``--model`` had named the network; judging again finds it in the evidence. A
network is named by its number in the evidence (``#3``), because several may have been in one variable.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from checker.errors import EvidenceError, UsageError
from checker.formats import files
from checker.formats.text import one_line
from checker.gather import candidates
from checker.gather.selection import NUMBER
from checker.keras_spec import recipes, training_size
from checker.records.capture import ModelCapture
from checker.records.codec import from_json, record, to_json
from checker.records.evidence import Evidence
from checker.records.settings import RunSettings
from checker.records.submission import Submission

FILE = "answers.json"
BY_CODE = (
    "Only the student's own code can train this one. Run the batch again with --model and its variable; the answer is "
    "then replayed behind the wall."
)


@record
@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A network that somebody made the answer. ``sha256``: the file's hash. ``called``: the network in words."""

    sha256: str
    model: int
    called: str
    by: str
    at: str


@record
@dataclass(frozen=True)
class Choices:
    """All choices, by the submission's slug."""

    chosen: Mapping[str, Chosen] = field(default_factory=dict)


_writing = threading.Lock()


def choices(out: Path) -> Mapping[str, Chosen]:
    """Return the choices in a results folder, by slug. Raises UsageError if their file cannot be read."""
    path = out / FILE
    try:
        return from_json(Choices, path.read_bytes()).chosen
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (EvidenceError, OSError) as error:
        raise UsageError(
            f"{path} cannot be read, so nobody knows which networks were made the answer: {error}.",
            "Repair it, or remove it: then the checker chooses again.",
        ) from error


def respected(settings: RunSettings, submission: Submission, out: Path) -> RunSettings:
    """Return the settings with the network that a demonstrator chose for this very file as the answer. A network that
    the command names takes precedence."""
    chosen = choices(out).get(files.slug(submission.name))
    if settings.model or chosen is None or chosen.sha256 not in {of.sha256 for of in (submission, *submission.others)}:
        return settings
    return replace(settings, model=named(chosen.model))


def named(model: int) -> str:
    """Return the name of the network with this number in ``RunSettings.model``."""
    return f"{NUMBER}{model}"


def store_choice(out: Path, slug: str, chosen: Chosen | None) -> None:
    """Note a choice, or that the checker chooses again."""
    with _writing:
        others = {name: one for name, one in choices(out).items() if name != slug}
        files.write(out / FILE, to_json(Choices(others | ({slug: chosen} if chosen else {})), indent=2))


@dataclass(frozen=True)
class Network:
    """A network of a file: number, words, whether it is the answer, and why it cannot be made the answer."""

    number: int
    words: str
    is_answer: bool
    reason: str


def networks(evidence: Evidence, settings: RunSettings) -> Sequence[Network]:
    """Return a file's networks, in the order of their last training."""
    return [
        Network(model.id, in_words(model), model.id == evidence.selection.chosen, why_not(model, settings))
        for model in evidence.models
    ]


def in_words(model: ModelCapture) -> str:
    """Return a network as a demonstrator would call it."""
    return f"{candidates.name(model)} of cell {model.cell}"


def why_not(model: ModelCapture, settings: RunSettings) -> str:
    """Return why a network cannot be made the answer at the desk; "" if it can."""
    enough = training_size.enough_rows(len(settings.dataset.labels))
    if reason := candidates.why_not(model, settings.assignment.data.outputs, enough):
        return f"{reason[0].upper()}{reason[1:]}."
    fits = recipes.trainings(model, enough)
    is_plain = model.architecture is not None and not model.unrebuildable and all(fit.phase for fit in fits)
    return "" if is_plain else BY_CODE


def choice_of(evidence: Evidence, number: int, by: str, settings: RunSettings) -> Chosen:
    """Return a person's choice of a network. Raises UsageError, in words, if it cannot be made the answer."""
    model = next((one for one in evidence.models if one.id == number), None)
    if model is None:
        raise UsageError("There is no such network in this file.")
    if reason := why_not(model, settings):
        raise UsageError(f"{in_words(model)} cannot be made the answer. {reason}")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    called = one_line(in_words(model), 200)
    return Chosen(sha256=evidence.submission.sha256, model=number, called=called, by=one_line(by, 80), at=now)
