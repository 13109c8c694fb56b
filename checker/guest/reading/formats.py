"""Converts a notebook of any format to today's, with only the parts that a kernel needs."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import nbformat

from checker.guest.plain.notes import Note
from checker.guest.reading.cells import BARE, TEXTS, ignore, notebook_of, sayable, text_of
from checker.guest.reading.content import LINK, UnreadableError
from checker.guest.reading.lenient_json import no_notebook, read_json
from checker.guest.reading.statements import can_parse

MOST_WRAPPERS = 4


def of_today(whole: Any, note: Note) -> Any:
    """Return parsed JSON as a notebook of format 4, with only the parts that a kernel needs."""
    whole = _unwrapped(whole, note)
    if not isinstance(whole, dict):
        raise no_notebook("it is JSON of another kind")
    cells, sheets, version = whole.get("cells"), whole.get("worksheets"), whole.get("nbformat")
    if not cells and isinstance(sheets, list):
        parts = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        cells = [cell for part in parts if isinstance(part, list) for cell in part]
        found = 2 if version == 2 else 3
    elif isinstance(cells, list):
        found = 1 if version == 1 else 4
    else:
        raise _no_json_notebook(whole)
    if version != found:
        note(f"`nbformat`, the number of the notebook's format, is missing or wrong; it was read as {found}")
    metadata = whole.get("metadata")
    if not isinstance(metadata, dict):
        note("the notebook has no metadata; it was read as one in Python")
    elif any(isinstance(of, dict) and "state" not in of for of in _values(metadata.get("widgets"))):
        note(
            "`metadata.widgets` has no `state`, so that GitHub and nbconvert cannot show the notebook; it was left out"
        )
    kept = _whole_cells(cells, note)
    if found == 4:
        _note_gaps(kept, note)
    said = metadata if isinstance(metadata, dict) else {}
    return notebook_of([_made_sound(cell) for cell in kept], nbformat.from_dict(_languages(said)))


def _unwrapped(whole: Any, note: Note) -> Any:
    """Return the notebook without wrappers that programs put around it, or inside a wrapper that they left out."""
    for _ in range(MOST_WRAPPERS):
        inner, what = _inside(whole)
        if inner is None:
            return whole
        note(f"{what}; it was read as a notebook")
        whole = inner
    return whole


def _inside(whole: Any) -> tuple[Any, str]:
    """Return the content of one wrapper, and a sentence on the wrapper; None if there is none."""
    match whole:
        case str() if whole.lstrip()[:1] in ("{", "["):
            return read_json(whole, ignore), "the notebook stands inside a string of JSON"
        case [{"cells": _}]:
            return whole[0], "the notebook stands inside a list"
        case [{"cell_type": _}, *_]:
            return {**BARE, "cells": whole}, "the file has a list of cells and nothing around it"
        case {"cells": dict() as cells}:
            return {**whole, "cells": list(cells.values())}, "the cells of the file are no list"
        case {"cells": _} | {"worksheets": _}:
            return None, ""
        case {"cell_type": _}:
            return {**BARE, "cells": [whole]}, "the file has one cell and nothing around it"
        case {"content": dict() | str() as content}:
            return content, "the notebook stands inside an answer of Jupyter's server"
    return None, ""


def _no_json_notebook(whole: dict[str, Any]) -> Exception:
    """Return the error for JSON without cells, which names the file's kind if that is recognised."""
    if any(isinstance(whole.get(key), str) for key in ("url", "doc_id", "resource_key")):
        return UnreadableError(*LINK)
    if isinstance(whole.get("message"), str):
        return UnreadableError(
            f"The file is not a notebook but what a server answered: {sayable(whole['message'][:100])!r}.",
            "Download the notebook again, open it to see that it is whole, and upload that.",
        )
    return no_notebook("it has no list of cells")


def _whole_cells(cells: list[Any], note: Note) -> list[dict[str, Any]]:
    """Return the cells, each with a type and text; note those that lacked one."""
    kept: list[dict[str, Any]] = []
    odd: dict[str, list[int]] = {}
    for at, cell in enumerate(cells, 1):
        if not isinstance(cell, dict):
            odd.setdefault("are none, but other values, and were left out", []).append(at)
            continue
        kind, text = cell.get("cell_type"), next((cell[key] for key in TEXTS if cell.get(key) is not None), None)
        if not isinstance(kind, str):
            kind = "code" if can_parse(text_of(text) or "") else "markdown"
            odd.setdefault("have no `cell_type`; they were read as code where they are Python", []).append(at)
        if text_of(text) is None:
            lines = text if isinstance(text, list) else []
            text = "".join(line for line in lines if isinstance(line, str))
            odd.setdefault("have no text, or text of another kind, in place of which they were left empty", []).append(
                at
            )
        elif isinstance(text, list) and len(text) > 1 and not any(line.endswith("\n") for line in text[:-1]):
            text = "\n".join(text)
            odd.setdefault("have lines without an end; each was read as a line", []).append(at)
        kept.append({**cell, "cell_type": kind.lower(), "source": text})
    if cells and not any(text_of(cell["source"]) for cell in kept) and odd:
        raise no_notebook("its cells have no kind or no text")
    for what, places in odd.items():
        note(f"{len(places)} of {len(cells)} cells {what}; cell {places[0]} first")
    return kept


def _values(of: Any) -> Iterable[Any]:
    return of.values() if isinstance(of, dict) else ()


def _languages(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: metadata[key] for key in ("kernelspec", "language_info") if key in metadata}


def _note_gaps(cells: list[Any], note: Note) -> None:
    """Note required fields that cells lack, and duplicate ids."""
    for key in ("metadata", "outputs"):
        owing = [(at, cell) for at, cell in enumerate(cells, 1) if key == "metadata" or cell["cell_type"] == "code"]
        gaps = [at for at, cell in owing if cell.get(key) is None]
        if gaps:
            note(f"{len(gaps)} of {len(cells)} cells have no `{key}`, cell {gaps[0]} first; they were run without")
    ids = Counter(cell["id"] for cell in cells if isinstance(cell.get("id"), str))
    twice = [name for name, times in ids.items() if times > 1]
    if twice:
        note(f"{len(twice)} `id`s of cells stand more than once ({sayable(twice[0][:40])!r} first); ids were left out")


def _made_sound(cell: Any) -> Any:
    """Return a cell with its code, its tags, and the text of its outputs."""
    said, outputs = cell.get("metadata"), cell.get("outputs")
    tags = said.get("tags") if isinstance(said, dict) else None
    kept = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    source = sayable(text_of(cell["source"]) or "")
    made = nbformat.NotebookNode(cell_type=cell["cell_type"], metadata=nbformat.NotebookNode(tags=kept), source=source)
    if made.cell_type == "code":
        made.execution_count = None
        made.outputs = [_shown(of) for of in outputs if isinstance(of, dict)] if isinstance(outputs, list) else []
    return made


def _shown(output: Any) -> Any:
    data = output.get("data")
    plain = text_of(data.get("text/plain")) if isinstance(data, dict) else None
    return nbformat.NotebookNode(text=text_of(output.get("text")), data={"text/plain": plain})
