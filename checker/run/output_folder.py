"""The permitted contents of an output folder before a batch writes into it.

A batch overwrites files by name, and takes old files for results. So the folder must be empty, or an earlier batch must
have written it.
"""

from pathlib import Path

from checker.errors import UsageError
from checker.formats.files import PARTIAL
from checker.gradebooks import decision_log, decisions
from checker.run import answers, batch, earlier, lock, remembered, store, tables
from checker.submissions import extensions
from checker.submissions.uploads import IGNORED

MARKS = {remembered.FILE, store.DIGESTS}
"""Files that only a batch writes: a folder with one of them is ours, whatever else it holds."""
OURS = {
    *MARKS,
    *(batch.EVIDENCE, "reports", "students", "reproduce", "tensorboard", earlier.FOLDER),
    *("index.html", "results.json", "results.csv", "junit.xml", decisions.FILE, extensions.FILE, lock.FILE),
    *(f"{decision_log.FILE}{ending}" for ending in ("", "-wal", "-shm", "-journal")),
    tables.ROSTER,
    answers.FILE,
}
LEFT_BY_SYSTEMS = {*IGNORED, "Thumbs.db", "desktop.ini"}
NAMED = 3


def require_ours(out: Path) -> None:
    """Raise UsageError if a batch must not write into a folder, because it is a file or holds something else."""
    try:
        names = {path.name for path in out.iterdir()} if out.exists() else set()
    except OSError as error:
        raise UsageError(
            f"{out} cannot be used as a folder for results: {error.strerror}.", "Choose another one with --out."
        ) from error
    others = sorted(name for name in names - OURS - LEFT_BY_SYSTEMS if not name.startswith(PARTIAL))
    if others and not names & MARKS:
        more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        raise UsageError(
            f"{out} holds something else than results: {', '.join(others[:NAMED])}{more}.",
            "Choose an empty or a new folder with --out.",
        )
