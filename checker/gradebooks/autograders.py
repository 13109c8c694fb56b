"""Results in the formats that platforms take from an autograder. They run the autograder once for each submission.

Gradescope takes a zip with a program that writes ``results.json``. Ours looks up the decision and runs none of the
student's code. Without a decision it fails and writes nothing. GitHub Classroom's reporter takes a runner's result as
base64. It adds up the tests' scores for the gradebook, but older versions count the passed tests for the table. So the
result has a single test, and both counts agree.
"""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from checker.records.verdicts import Outcome

MOST = 20_000
"""Maximum number of characters of an output."""
SETUP = """#!/usr/bin/env bash
command -v python3 || { apt-get update && apt-get install -y python3; }
"""
RUN = """#!/usr/bin/env bash
# Copies the result that a person has decided for this submission.
set -e
number=$(python3 -c 'import json; print(int(json.load(open("/autograder/submission_metadata.json"))["id"]))')
if [ ! -f "/autograder/source/decided/$number.json" ]; then
    echo "Nothing was decided for submission $number."
    exit 1
fi
mkdir -p /autograder/results
cp "/autograder/source/decided/$number.json" /autograder/results/results.json
"""
STATUS = {Outcome.PASSED: "passed", Outcome.FAILED: "failed"}


@dataclass(frozen=True)
class Case:
    """A rule, its outcome, and the text about it."""

    name: str
    outcome: Outcome
    words: str


@dataclass(frozen=True)
class Result:
    """A decision: ``score`` out of ``most`` points, the text for the student, and the rules' outcomes."""

    score: float
    most: float
    is_tick: bool
    words: str
    cases: tuple[Case, ...] = ()


def gradescope(results: Mapping[str, Result]) -> bytes:
    """Return an autograder for Gradescope, as a zip; ``results`` is by submission number."""
    files = {"setup.sh": SETUP, "run_autograder": RUN}
    files |= {f"decided/{number}.json": _results_json(result) for number, result in results.items()}
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = ZipInfo(name)
            info.external_attr = (0o644 if name.endswith(".json") else 0o755) << 16
            archive.writestr(info, content, ZIP_DEFLATED)
    return out.getvalue()


def _results_json(result: Result) -> str:
    tests = [
        {"name": case.name, "output": case.words[:MOST], "visibility": "visible"}
        | ({"status": STATUS[case.outcome]} if case.outcome in STATUS else {})
        for case in result.cases
    ]
    content = {"score": _plain(result.score), "output": result.words[:MOST], "visibility": "visible", "tests": tests}
    texts = dict.fromkeys(("output_format", "test_output_format", "test_name_format"), "text")
    return json.dumps(content | texts, indent=1)


def classroom(result: Result) -> str:
    """Return the value of the output ``result`` of a runner for GitHub Classroom."""
    status = "pass" if result.is_tick else "fail"
    test = {"name": "checker", "status": status, "score": _plain(result.score), "message": result.words[:MOST]}
    content = {"version": 1, "status": status, "max_score": _plain(result.most), "tests": [test]}
    return base64.b64encode(json.dumps(content).encode()).decode()


def _plain(score: float) -> float:
    return int(score) if score == int(score) else score
