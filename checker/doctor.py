"""How a machine is fitted out for checking: versions, sandbox, data, assignment, room. Runs no student's code."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from checker import assignments, batch, dataset, store
from checker.errors import CheckerError
from checker.records import Assignment, Finding
from checker.sandbox import bubblewrap


def examine(folder: Path | None, data: Path | None) -> tuple[Finding, ...]:
    """Return what was found, in the order in which it matters."""
    findings = [
        Finding("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}", True),
        *(_package(name) for name in store.VERSIONED),
        _sandbox(),
    ]
    try:
        assignment = assignments.find(folder)
    except CheckerError as error:
        return (*findings, Finding("assignment", error.message, False, error.help))
    findings.append(Finding("assignment", f"{assignment.title} ({assignment.folder})", True))
    return (*findings, _data(assignment, data), _room(assignment))


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name), True)
    except PackageNotFoundError:
        return Finding(name, "not installed", False, "Type: pip install checker")


def _sandbox() -> Finding:
    reason = bubblewrap.why_not()
    if not reason:
        return Finding("sandbox", "bubblewrap works", True)
    return Finding("sandbox", f"none: {reason} A self-check needs none; a batch does.", False, bubblewrap.how_to_get())


def _data(assignment: Assignment, given: Path | None) -> Finding:
    try:
        found = dataset.load(assignment.data, given, download=False)
    except CheckerError as error:
        return Finding("data", error.message, False, error.help)
    return Finding("data", f"{found.note.name}, {len(found.labels):,} rows, sha256 {found.note.sha256[:12]}…", True)


def _room(assignment: Assignment) -> Finding:
    memory = psutil.virtual_memory().total / 2**30
    fit = batch.jobs_that_fit(assignment)
    return Finding("room", f"{psutil.cpu_count()} cores, {memory:.0f} GiB: {fit} submissions side by side", True)
