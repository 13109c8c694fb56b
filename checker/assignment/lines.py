"""The line of a setting in ``assignment.toml``, for sentences about the line to change."""

import os
import re
from pathlib import Path

from checker.assignment.folders import FILE
from checker.records.assignment import Assignment

SECTION = re.compile(r"\s*\[\s*([\w.]+)\s*\]")


def place(assignment: Assignment, section: str, key: str) -> str:
    """Return "flowers/assignment.toml, line 38 (tolerance = 0.05)"; without line and value if the file does not write
    the key under a heading of its own."""
    path = Path(assignment.folder, FILE)
    shown = os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    inside = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        heading = SECTION.match(line)
        inside = heading[1] if heading else inside
        if inside == section and re.match(rf"\s*{key}\s*=", line):
            return f"{shown}, line {number} ({' '.join(line.split('#')[0].split())})"
    return f"{shown} ({section}.{key})"
