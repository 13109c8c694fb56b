"""Addresses of Dask schedulers."""

import ipaddress
import json
from pathlib import Path
from urllib.parse import urlsplit

import dask

from checker.errors import UsageError


def address_of(scheduler: str) -> str:
    """Return a scheduler's address. ``scheduler`` is an address or the path of a scheduler file.

    Raises UsageError if it is neither.
    """
    if "://" in scheduler:
        return scheduler
    try:
        return str(json.loads(Path(scheduler).read_bytes())["address"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"{scheduler} is no scheduler.", "Give its address, as tcp://HOST:8786 or tls://HOST:8786, or its file."
        ) from error


def is_exposed(address: str) -> bool:
    """Tell whether a scheduler accepts connections from other machines without a certificate."""
    return is_remote(address) and not address.startswith("tls://")


def is_remote(address: str) -> bool:
    """Tell whether a scheduler is, or may be, on another machine."""
    try:
        host = urlsplit(address).hostname or ""
        return host != "localhost" and not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def require_certificate(address: str) -> None:
    """Raise UsageError if the address is behind TLS and no certificates are configured in Dask."""
    if address.startswith("tls://") and not dask.config.get("distributed.comm.tls.ca-file", None):
        raise UsageError(
            f"{address} is behind TLS, and Dask knows no certificates here.",
            "Set DASK_DISTRIBUTED__COMM__TLS__CA_FILE and the others in docs/scaling.md.",
        )


def none_at(address: str) -> UsageError:
    """Return the error for an address without a scheduler."""
    return UsageError(f"There is no scheduler at {address}.", "Type: dask scheduler --host 127.0.0.1 --port 8786.")
