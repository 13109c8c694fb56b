"""The command with which a demonstrator repeats a check."""

import shlex
from collections.abc import Iterator, Sequence

from checker.records.evidence import Evidence
from checker.records.settings import RunSettings


def command(evidence: Evidence, settings: RunSettings) -> str:
    """Return the batch's command as typed, limited to this submission and without its stored evidence; "" if nobody
    typed one. The student's name is quoted, so the command is safe to paste."""
    if not settings.typed or "--" in settings.typed:  # after "--" no option can be added
        return ""
    words = ("checker", *_for_all(settings.typed), "--only", evidence.submission.name, "--fresh")
    return shlex.join(words)


def _for_all(words: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command without ``--only`` and its values, and without ``--fresh``."""
    before = ""
    for word in words:
        if before != "--only" and word not in ("--only", "--fresh") and not word.startswith("--only="):
            yield word
        before = "" if before == "--only" else word
