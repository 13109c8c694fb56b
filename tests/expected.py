"""Compare reports with the expected.toml beside each example. It needs the standard library alone.

``python tests/expected.py EXAMPLES RESULTS [KEY …]`` prints a line for each entry that does not hold, for the reports
that are in RESULTS, and ends with exit code 1 if there is any, or if there is no such report. If keys are given, only
their entries are compared.
"""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def expectations(examples: Path) -> dict[str, dict[str, Any]]:
    """Return what each example's expected.toml holds, by the example's name."""
    paths = sorted(examples.glob("*/expected.toml"))
    return {path.parent.name: tomllib.loads(path.read_text(encoding="utf-8")) for path in paths}


def reports_in(out: Path) -> dict[str, Any]:
    """Return the reports of a batch by the submission's name."""
    reports = json.loads((out / "results.json").read_bytes())["reports"]
    return {report["submission"]["name"]: report for report in reports}


def failed_rules(report: Any, importance: str = "required") -> set[str]:
    """Return the names of the rules of an importance that a submission fails."""
    return {r["name"] for r in report["rules"] if r["outcome"] == "failed" and r["importance"] == importance}


def differences(report: Any, wanted: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each entry of an expected.toml that does not hold for the report."""
    stages = {failure["stage"] for failure in report["failures"]}
    said = " ".join(report["reasons"] + [n for r in report["rules"] for n in r["notes"]]).lower()
    adapted = " ".join(adaptation["what"] for adaptation in report["adaptations"])
    keras, why = (report["environment"] or {}).get("keras"), (report["environment"] or {}).get("reason", "")
    holds = {
        "verdict": lambda verdict: report["verdict"] == verdict,
        "rule": lambda rule: rule in failed_rules(report),
        "advice": lambda rule: rule in failed_rules(report, "advisory"),
        "failure": lambda stage: stage in stages,
        "words": lambda words: words.lower() in said,
        "adapted": lambda words: all(word in adapted for word in words),
        "keras": lambda generation: keras == generation,
        "why": lambda words: words in why,
        "choice": lambda words: words in report["selection"]["reason"],
        "replayed": lambda replayed: bool(report["replayed"]) == replayed,
    }
    for key, value in wanted.items():
        if not holds[key](value):
            seen = f"{said[:200]}; {sorted(failed_rules(report))}; {why}; {adapted[:200]}"
            yield f"{key} is not {value!r} ({seen})"


def surprises(examples: Path, reports: dict[str, Any], *keys: str) -> list[str]:
    """Return a line for each report that differs from its expected.toml; of the keys alone, if any are given."""
    wanted = expectations(examples)
    return [
        f"{name}: {report['verdict']} {report['reasons']}: {what}"
        for name, report in reports.items()
        if name in wanted
        for what in differences(report, {k: v for k, v in wanted[name].items() if not keys or k in keys})
    ]


def compare(examples: Path, out: Path, *keys: str) -> str:
    """Compare a batch's reports with the expected.toml files; return what is wrong. If all is well, print so."""
    if not (out / "results.json").is_file():
        return f"{out} holds no results.json. First run: checker batch {examples} --out {out}"
    reports = reports_in(out)
    compared = len(reports.keys() & expectations(examples).keys())
    if not compared:
        return f"{out} holds a report of none of the examples in {examples}."
    if lines := surprises(examples, reports, *keys):
        return "\n".join(lines)
    print(f"{compared} example{'s' if compared > 1 else ''} compared, all as expected.")
    return ""


if __name__ == "__main__":
    sys.exit(compare(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]) or None)
