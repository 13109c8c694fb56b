"""Notebooks from text. A code cell begins with ``# %%``. A Markdown cell begins with ``# %% [markdown]``, and its lines
begin with #."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

TEMPLATES = Path(__file__).parent / "templates"
CELL = re.compile(r"^# %%( \[markdown\])?\n", re.MULTILINE)


class Cell(NamedTuple):
    """A cell of a notebook."""

    is_code: bool
    source: str


def filled(template: str, blanks: Mapping[str, str]) -> str:
    """Return a template's text with each ``@NAME@`` replaced."""
    text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    return re.sub(r"@([A-Z_0-9]+)@", lambda found: blanks[found[1]], text)


def cells(text: str) -> tuple[Cell, ...]:
    """Return the cells of a text."""
    _, *parts = CELL.split(text)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return tuple(Cell(True, of.strip()) if not mark else Cell(False, _bare(of)) for mark, of in pairs)


def _bare(text: str) -> str:
    return re.sub(r"^# ?", "", text.strip(), flags=re.MULTILINE)


def notebook(cells: Sequence[Cell]) -> str:
    """Return the JSON of a notebook without outputs."""
    content = {
        "cells": [_as_json(number, cell) for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _as_json(number: int, cell: Cell) -> dict[str, object]:
    kind = "code" if cell.is_code else "markdown"
    source = cell.source.splitlines(keepends=True)
    common: dict[str, object] = {"id": f"cell-{number}", "cell_type": kind, "metadata": {}, "source": source}
    return common | {"execution_count": None, "outputs": []} if cell.is_code else common
