"""An output folder is one command's at a time, and so are the temporary files of that command.

Theory of operation: who works in a folder holds a lock of the operating system on a file in it, which is freed
whenever the process ends, however it ends. In the file stands who holds it, and where its temporary files lie. So
whoever takes the lock next knows what a killed process has left behind, and clears it away.
"""

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

import psutil

from checker.errors import HarnessError, UsageError

FILE = ".lock"
SCRATCH = "checker-run-"

if os.name == "nt":
    import msvcrt

    def _try(descriptor: int) -> None:
        os.lseek(descriptor, 2**30, os.SEEK_SET)  # a locked byte cannot be read, so it is one that is never written
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # Windows only
else:
    import fcntl

    def _try(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made where there is none; temporary files lie in a place of their own meanwhile.

    Raises UsageError, with who holds it, where another process does, and HarnessError where it cannot be written to.
    """
    with _opened(folder) as stream:
        _take(stream, folder)
        _clear_away(_holder(stream))
        with tempfile.TemporaryDirectory(prefix=SCRATCH, ignore_cleanup_errors=True) as scratch:
            Path(scratch).chmod(0o711)  # a box's user walks through it
            _say(stream, folder, scratch)
            before, tempfile.tempdir = tempfile.tempdir, scratch
            try:
                yield
            finally:
                tempfile.tempdir = before
                stream.truncate(0)


def restore_scratch() -> None:
    """Make the place for temporary files again where somebody has removed it while its holder was at work.

    Raises HarnessError where that is not possible, or somebody else has put something there.
    """
    scratch = Path(tempfile.gettempdir())
    if not scratch.name.startswith(SCRATCH):
        return
    try:
        scratch.mkdir(mode=0o700, parents=True)
        scratch.chmod(0o711)
    except FileExistsError:
        found = scratch.lstat()
        is_ours = stat.S_ISDIR(found.st_mode) and (os.name == "nt" or found.st_uid == os.geteuid())
        if not is_ours:
            raise HarnessError(f"Somebody has put something of their own at {scratch}.", "Run it again.") from None
    except OSError as error:
        raise HarnessError(
            f"The folder for temporary files, {scratch}, was removed, and cannot be made again: {error.strerror}.",
            "Leave it alone while a batch runs, and run that again.",
        ) from error


def _opened(folder: Path) -> IO[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / FILE).open("a+", encoding="utf-8")
    except OSError as error:
        raise HarnessError(
            f"{folder} cannot be written to: {error.strerror}.", "Make it writable, or choose another folder."
        ) from error


def _take(stream: IO[str], folder: Path) -> None:
    try:
        _try(stream.fileno())
    except (BlockingIOError, PermissionError):
        holder = _holder(stream)
        who = f"by process {holder['pid']}, since {holder['since']}" if holder else "by another process"
        raise UsageError(
            f"{folder} is in use {who}.", "Wait until that has ended, or choose another folder (--out)."
        ) from None
    except OSError as error:
        raise HarnessError(f"{folder} cannot be locked: {error.strerror}.", "Choose another folder.") from error


def _holder(stream: IO[str]) -> dict[str, str]:
    """Return what the holder, or the last one that was killed, said of itself; nothing where that is not whole."""
    stream.seek(0)
    with suppress(ValueError):
        said = json.loads(stream.read(4_096))
        if isinstance(said, dict) and said.keys() == {"pid", "since", "scratch"}:
            return {key: str(value) for key, value in said.items()}
    return {}


def _say(stream: IO[str], folder: Path, scratch: str) -> None:
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    try:
        stream.truncate(0)
        stream.write(json.dumps({"pid": str(os.getpid()), "since": now, "scratch": scratch}))
        stream.flush()
    except OSError as error:
        with suppress(OSError):
            stream.truncate(0)
        raise HarnessError(f"{folder} cannot be written to: {error.strerror}.", "Make room.") from error


# -- what the killed leave behind ------------------------------------------------------------------------


def _clear_away(said: dict[str, str]) -> None:
    """Remove the temporary files of a holder that was killed, if they lie in a folder as one is made here, our own."""
    scratch = Path(said.get("scratch", ""))
    if scratch.parent != Path(tempfile.gettempdir()) or not scratch.name.startswith(SCRATCH):
        return
    with suppress(OSError, ValueError):
        is_ours = os.name == "nt" or scratch.lstat().st_uid == os.geteuid()
        if is_ours and not scratch.is_symlink() and not psutil.pid_exists(int(said["pid"])):
            shutil.rmtree(scratch, ignore_errors=True)
