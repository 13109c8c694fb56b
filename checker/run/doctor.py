"""Check a machine's setup: versions, sandbox, assignment, data, cores and memory. Runs no student's code.

``withstand`` runs our own hostile files behind this machine's wall.
"""

import platform
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path

import psutil

from checker.assignment import dataset, folders
from checker.errors import CheckerError
from checker.records.assignment import Assignment
from checker.records.report import Finding
from checker.run import keys, places
from checker.sandbox import bubblewrap, trials


def examine(folder: Path | None, data: Path | None) -> tuple[Finding, ...]:
    """Return all findings in a fixed order: versions, sandbox, assignment, data, cores and memory."""
    findings = [
        Finding("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}", True),
        *(_package(name) for name in keys.VERSIONED),
        _sandbox(),
    ]
    try:
        assignment = folders.find(folder)
    except CheckerError as error:
        return (*findings, Finding("assignment", error.message, False, error.help))
    old = " ".join(folders.outdated(Path(assignment.folder)))
    findings.append(Finding("assignment", f"{assignment.title} ({assignment.folder})", True, old))
    return (*findings, _data(assignment, data), _room(assignment))


def withstand() -> tuple[Finding, ...]:
    """Run every hostile file behind this machine's wall, in about two minutes; return findings by group."""
    if reason := bubblewrap.why_not():
        return (Finding("hostile files", f"not tried, for there is no wall: {reason}", False, bubblewrap.how_to_get()),)
    ended = trials.run(bubblewrap.Bubblewrap(), trials.load())
    return tuple(finding for _, group in groupby(ended, lambda t: t.snippet.group) for finding in _held(list(group)))


def _held(ended: list[trials.Trial]) -> list[Finding]:
    broken = [trial for trial in ended if trial.broken]
    held = f"{len(ended) - len(broken)} of {len(ended)} hostile files came to nothing"
    return [
        Finding(ended[0].snippet.group, held, not broken),
        *(
            Finding(
                trial.snippet.name,
                f"{trial.snippet.does} It got through: {'; '.join(trial.broken)}.",
                False,
                "Run no batch of untrusted files on this machine.",
            )
            for trial in broken
        ),
    ]


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name), True)
    except PackageNotFoundError:
        return Finding(name, "not installed", False, "Type: pip install checker")


def _sandbox() -> Finding:
    reason = bubblewrap.why_not()
    if not reason:
        return Finding("sandbox", "bubblewrap works, with a filter of system calls", True)
    return Finding("sandbox", f"none: {reason} A self-check needs none; a batch does.", False, bubblewrap.how_to_get())


def _data(assignment: Assignment, given: Path | None) -> Finding:
    try:
        found = dataset.load(assignment.data, given, download=False, folder=Path(assignment.folder))
    except CheckerError as error:
        return Finding("data", error.message, False, error.help)
    return Finding("data", f"{found.note.name}, {len(found.labels):,} rows, sha256 {found.note.sha256[:12]}…", True)


def _room(assignment: Assignment) -> Finding:
    memory = psutil.virtual_memory().total / 2**30
    fit = places.jobs_that_fit(assignment)
    return Finding("room", f"{psutil.cpu_count()} cores, {memory:.0f} GiB: {fit} submissions side by side", True)
