"""Serve the desk with uvicorn, until it is interrupted."""

import contextlib
import signal
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from checker.desk.application import application
from checker.desk.desk import Desk
from checker.errors import UsageError

PORT = 8400
"""The default port, if it is free."""


@dataclass(frozen=True)
class Keys:
    """The files of a certificate and its private key."""

    certificate: Path
    key: Path


def listening(host: str, port: int | None) -> socket.socket:
    """Return a listening socket; on a free port if ``port`` is None and the default one is in use.

    Raises UsageError if that is not possible.
    """
    name = "127.0.0.1" if host == "localhost" else host
    for wanted in (PORT, 0) if port is None else (port,):
        try:
            family, *_, address = socket.getaddrinfo(name, wanted, type=socket.SOCK_STREAM)[0]
            at = socket.create_server(address[:2], family=family)
            at.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # otherwise an answer waits for an acknowledgement
            return at
        except OSError as error:
            problem = error
            if wanted != PORT:
                break
    raise UsageError(
        f"The desk cannot listen at {host}, port {PORT if port is None else port}: {problem.strerror or problem}.",
        "Name another port with --port, or an address of this machine with --host.",
    ) from problem


def require_valid(keys: Keys) -> None:
    """Raise UsageError if a certificate and its key cannot be used."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(keys.certificate, keys.key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"The certificate {keys.certificate} with the key {keys.key} cannot be used: {error}.",
            "Both are PEM files, and the key belongs to the certificate and has no password.",
        ) from error


class _Server(uvicorn.Server):
    """A server that ends immediately, with its streams, when it is interrupted."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on Ctrl-C or SIGTERM; restore the earlier signal handlers afterwards."""
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        self._desk.hub.close()
        super().handle_exit(sig, frame)


def serve(desk: Desk, at: socket.socket, keys: Keys | None = None) -> None:
    """Serve the desk until the process is interrupted."""
    config = uvicorn.Config(
        application(desk),
        access_log=False,  # the log would contain the secrets of links
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        ws="none",
        ssl_certfile=keys.certificate if keys else None,
        ssl_keyfile=keys.key if keys else None,
    )
    _Server(config, desk).run(sockets=[at])
