"""A lock that gives an output folder to one command at a time, and a folder of temporary files to each process.

Theory of operation: a command holds an operating system lock on a file in its output folder, which records the owner's
process, and one on a file in its folder of temporary files. The system frees a lock when the process ends, however it
ends. So the next process on this machine recognises the folders that killed processes left behind, and removes them.
"""

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
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
        os.lseek(descriptor, 2**30, os.SEEK_SET)  # a locked byte cannot be read, so lock one that is never written
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # Windows only
else:
    import fcntl

    def _try(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_taken(stream: IO[str]) -> bool:
    """Lock an open file for this process, unless another has locked it; tell whether this process now holds the lock.
    Closing the file frees it. Raises HarnessError if files cannot be locked."""
    try:
        _try(stream.fileno())
        return True
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise HarnessError(f"{stream.name} cannot be locked: {error.strerror}.") from error


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is created if missing. Meanwhile temporary files go to a folder of their own.

    Raises UsageError, which names the owner, if another process holds the lock, and HarnessError if the folder cannot
    be written to.
    """
    with _opened(folder) as stream:
        _take(stream, folder)
        with scratch():
            _say(stream, folder)
            try:
                yield
            finally:
                stream.truncate(0)


def user_of(folder: Path) -> str:
    """Return the process that uses a folder, in words; "" if none does."""
    with suppress(OSError, ValueError), (folder / FILE).open(encoding="utf-8") as stream:
        holder = _holder(stream)
        if holder and psutil.pid_exists(int(holder["pid"])):
            return f"process {holder['pid']}, since {holder['since']}"
    return ""


@contextmanager
def scratch() -> Iterator[None]:
    """Put temporary files into a folder of this process's own, and remove it at the end. First remove the folders that
    killed processes of this user left."""
    for left in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        _remove_if_left(left)
    with ExitStack() as stack:
        own = _own_scratch(stack)
        before, tempfile.tempdir = tempfile.tempdir, str(own)
        try:
            yield
        finally:
            tempfile.tempdir = before


def restore_scratch() -> None:
    """Create the folder of temporary files again if it was removed during the run.

    Raises HarnessError if that fails, or if another user has put a file or folder there.
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
        who = f"process {holder['pid']}, since {holder['since']}" if holder else "another process"
        raise UsageError(
            f"{folder} is in use by {who}.", "Wait until that has ended, or choose another folder (--out)."
        ) from None
    except OSError as error:
        raise HarnessError(f"{folder} cannot be locked: {error.strerror}.", "Choose another folder.") from error


def _holder(stream: IO[str]) -> dict[str, str]:
    """Parse the lock file's record of its present owner, or of a killed one; empty if it is missing or truncated."""
    stream.seek(0)
    with suppress(ValueError):
        said = json.loads(stream.read(4_096))
        if isinstance(said, dict) and said.keys() >= {"pid", "since"}:
            return {key: str(value) for key, value in said.items()}
    return {}


def _say(stream: IO[str], folder: Path) -> None:
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    try:
        stream.truncate(0)
        stream.write(json.dumps({"pid": str(os.getpid()), "since": now}))
        stream.flush()
    except OSError as error:
        with suppress(OSError):
            stream.truncate(0)
        raise HarnessError(f"{folder} cannot be written to: {error.strerror}.", "Make room.") from error


# -- temporary files -------------------------------------------------------------------------------------


def _own_scratch(stack: ExitStack) -> Path:
    """Return a new folder whose lock is held until the stack is closed."""
    while True:
        own = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=SCRATCH, ignore_cleanup_errors=True)))
        stream = stack.enter_context((own / FILE).open("a", encoding="utf-8"))
        try:
            _try(stream.fileno())
        except (BlockingIOError, PermissionError):  # somebody looks whether we are dead: take another folder
            continue
        except OSError as error:
            raise HarnessError(f"{own} cannot be locked: {error.strerror}.", "Set TMPDIR to another folder.") from error
        if (own / FILE).exists():  # otherwise another process removed it before it was locked
            own.chmod(0o711)  # a box's user must be able to traverse it
            return own


def _remove_if_left(scratch: Path) -> None:
    """Remove a folder of temporary files that no living process holds, if it belongs to our user."""
    with suppress(OSError):  # another process holds it, or removes it at this moment
        found = scratch.lstat()
        is_ours = stat.S_ISDIR(found.st_mode) and (os.name == "nt" or found.st_uid == os.geteuid())
        if is_ours:
            with (scratch / FILE).open("r+", encoding="utf-8") as stream:
                _try(stream.fileno())
                shutil.rmtree(scratch, ignore_errors=True)
