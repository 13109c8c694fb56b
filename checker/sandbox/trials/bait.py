"""Bait: targets for hostile files on the host while they run, and checks whether it was touched."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from checker.sandbox import bubblewrap

OUTSIDE = ("/", "/usr", "/usr/local", "/tmp", "/var/tmp", "/dev/shm", "/run")
"""Folders of the host in which no new file may appear."""


@dataclass(frozen=True)
class Bait:
    """``token`` marks the files and processes that hostile files make; ``secret`` must not appear in their output."""

    token: str
    secret: str
    file: Path
    servers: dict[str, socket.socket]
    bystander: subprocess.Popen[bytes]

    def described(self) -> str:
        """Return the addresses of all targets as JSON, without the secret."""
        ports = {name: self.servers[name].getsockname()[1] for name in ("tcp", "udp", "tcp6") if name in self.servers}
        places = {"folder": str(self.file.parent), "secret": str(self.file), "unix": str(self.file.parent / "server")}
        about = {"token": self.token, "pid": self.bystander.pid, "home": str(Path.home()), "python": sys.prefix}
        return json.dumps({"tcp6": 1} | ports | places | about)

    def touched(self, text: str) -> Iterator[str]:
        """Yield, in words, the targets that a job reached; ``text`` is the job's output."""
        yield from (f"connected to the host's server ({name})" for name, s in self.servers.items() if _was_reached(s))
        if self.secret in text:
            yield "the secret came out"
        folder = {path.name for path in self.file.parent.iterdir()}
        if self.file.read_text() != self.secret or folder != {"secret.txt", "server"}:
            yield "wrote to the host's folder"
        if self.bystander.poll() is not None:
            yield "ended a process of the host"
        if found := [place for place in OUTSIDE if os.path.lexists(f"{place}/{self.token}")]:
            yield f"left a file on the host in {' and '.join(found)}"
        if left := [p.pid for p in psutil.process_iter(["cmdline"]) if self.token in " ".join(p.info["cmdline"] or ())]:
            yield f"left {len(left)} processes"


def _was_reached(server: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        if server.type == socket.SOCK_STREAM:
            server.accept()[0].close()
        else:
            server.recv(1)
        return True
    return False


@contextlib.contextmanager
def laid_out() -> Iterator[Bait]:
    """Create new bait, and remove it at the end."""
    token, secret = f"left-{secrets.token_hex(8)}", f"swordfish-{secrets.token_hex(8)}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="checker-bait-")))
        folder.chmod(0o777)
        file = folder / "secret.txt"
        file.write_text(secret)
        file.chmod(0o666)
        servers = {name: stack.enter_context(server) for name, server in _listen(folder, token)}
        bystander = stack.enter_context(_start_bystander(secret))
        stack.callback(bystander.kill)
        yield Bait(token, secret, file, servers, bystander)


def _listen(folder: Path, token: str) -> Iterator[tuple[str, socket.socket]]:
    places: list[tuple[str, int, int, Any]] = [
        ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        ("tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
        ("unix", socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "server")),
        ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{token}"),
    ]
    for name, family, kind, address in places:
        server = socket.socket(family, kind)
        try:
            server.bind(address)
        except OSError:  # a machine without IPv6
            server.close()
            continue
        if kind == socket.SOCK_STREAM:
            server.listen(16)
        server.setblocking(False)
        yield name, server
    (folder / "server").chmod(0o777)


def _start_bystander(secret: str) -> subprocess.Popen[bytes]:
    """Start a process with the secret in its environment, as the user that owns the boxes."""
    user: dict[str, Any] = {"user": bubblewrap.FREE_UID} if os.geteuid() == 0 else {}
    environment = {"PATH": "/usr/bin:/bin", "SECRET": secret}
    return subprocess.Popen(["sleep", "3600"], env=environment, **user)
