"""Declares frozen dataclasses as records, and reads and writes them as JSON.

Theory of operation: a record is a frozen dataclass of plain values. It crosses every border (host to guest, guest to
host, memory to disk, program to ``results.json``) as JSON. ``to_json`` writes it and ``from_json`` reads it, strictly:
a wrong type or an unknown key is an error. An array never travels inside a record: an ``ArrayRef`` holds the hash of
its content, and the array travels beside the record.
"""

from functools import cache
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from checker.errors import EvidenceError

SCHEMA_VERSION = 8
"""Version of all JSON on disk; raise it when a reader must change."""

R = TypeVar("R")

record = with_config(ConfigDict(extra="forbid", strict=True, allow_inf_nan=False))


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def prepare(cls: Any) -> None:
    """Build the JSON adapter of a record class, which takes longer than reading or writing a record."""
    _adapter(cls)


def _adapter_of(value: object) -> TypeAdapter[Any]:
    cls: Any = type(value)
    return _adapter(cls)


def to_json(value: object, indent: int | None = None) -> bytes:
    """Return a record as JSON bytes; NaN and infinity become null."""
    return _adapter_of(value).dump_json(value, indent=indent)


def from_json(cls: type[R], data: bytes | str) -> R:
    """Return the record in JSON; EvidenceError names the first wrong key."""
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
