"""What makes a frozen dataclass a record, and JSON in and out.

Theory of operation: a record is a frozen dataclass of plain values. It crosses every border (host to guest, guest to
host, memory to disk, program to ``results.json``) as JSON. ``to_json`` writes it and ``from_json`` reads it, strictly:
a wrong type or an unknown key is refused. An array never travels inside a record: an ``ArrayRef`` names it by the hash
of its content, and it travels beside the record.
"""

from functools import cache
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from checker.errors import EvidenceError

SCHEMA_VERSION = 7
"""Version of everything that is written to disk as JSON; raised when a reader must change."""

R = TypeVar("R")

record = with_config(ConfigDict(extra="forbid", strict=True, allow_inf_nan=False))


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def prepare(cls: Any) -> None:
    """Make what reads and writes a kind of record, which takes longer than to read or write it."""
    _adapter(cls)


def _adapter_of(value: object) -> TypeAdapter[Any]:
    cls: Any = type(value)
    return _adapter(cls)


def to_json(value: object, indent: int | None = None) -> bytes:
    """Return a record as JSON bytes; NaN and infinity become null."""
    return _adapter_of(value).dump_json(value, indent=indent)


def from_json(cls: type[R], data: bytes | str) -> R:
    """Read a record back; EvidenceError names the first key that is wrong."""
    try:
        kind: Any = cls
        found: R = _adapter(kind).validate_json(data)
        return found
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        raise EvidenceError(f"not a {cls.__name__}: {where}: {first['msg']}") from error


def to_plain(value: object) -> Any:
    """Return a record as plain Python values (dicts, lists, strings, numbers)."""
    return _adapter_of(value).dump_python(value, mode="json")
