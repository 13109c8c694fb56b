"""Templates of questions. Lecturers can read and change them in ``judge/questions/templates.toml``."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from pydantic import TypeAdapter

from checker.judge.questions import Template


@cache
def templates() -> Mapping[str, Template]:
    """Return all templates by name."""
    read = tomllib.loads(files("checker.judge.questions").joinpath("templates.toml").read_text(encoding="utf-8"))
    return MappingProxyType(TypeAdapter(dict[str, Template]).validate_python(read, strict=False))
