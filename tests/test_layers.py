"""The contracts about imports in ``pyproject.toml`` hold, and each one breaks where it is meant to.

A contract that names a package wrongly is kept whatever is imported. So each is shown to fail: a copy of the sources
gets one import that the contract forbids.
"""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("importlinter")

ROOT = Path(__file__).parent.parent
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
]

# For each contract a module, an import that it must not have, and the module that the report then names.
FORBIDDEN = {
    "Imports run one way, from package to package": (
        "submissions/deadlines.py",
        "from checker.report import words",
        "checker.report.words",
    ),
    "The host never imports the guest": (
        "report/words.py",
        "from checker.guest.plain import plaindata",
        "checker.guest.plain.plaindata",
    ),
    "The host never imports TensorFlow": ("gather/ranking.py", "import tensorflow as tf", "tensorflow"),
    "Comparing and deciding are pure": ("judge/verdict.py", "import socket", "socket"),
    "What trains in the clean guest never imports what watches students' code": (
        "guest/train/updates.py",
        "from checker.guest.watch import tape",
        "checker.guest.watch.tape",
    ),
}


@pytest.fixture
def lint(tmp_path):
    """Check all contracts on a copy of the sources; return which are kept, and all that was said."""
    shutil.copytree(ROOT / "checker", tmp_path / "checker", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    def run():
        code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
        command = [sys.executable, "-c", code, "--no-cache"]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        said = ran.stdout + ran.stderr
        kept = {name: end == "KEPT" for name, end in re.findall(r"^(.+) (KEPT|BROKEN)$", said, re.MULTILINE)}
        assert list(kept) == CONTRACTS, said
        return kept, said

    return run


def test_all_contracts_are_kept(lint):
    """The sources as they are keep every contract."""
    kept, said = lint()
    assert all(kept.values()), said


def test_each_contract_has_a_case():
    """A new contract comes with an import that breaks it."""
    assert set(FORBIDDEN) == set(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_forbidden_import_breaks_its_contract(lint, tmp_path, contract):
    """One import more breaks the contract that forbids it, and no other; the report names both modules."""
    path, line, imported = FORBIDDEN[contract]
    module = tmp_path / "checker" / path
    module.write_text(f"{module.read_text('utf-8')}\n\n{line}\n", encoding="utf-8")
    kept, said = lint()
    assert [name for name, is_kept in kept.items() if not is_kept] == [contract], said
    importer = f"checker.{path.removesuffix('.py').replace('/', '.')}"
    assert re.search(rf"{re.escape(importer)} -> {re.escape(imported)} ", said), said


METHODS = {"open", "read", "read_text", "read_bytes", "readlines", "write", "write_text", "write_bytes"}
"""Methods of paths and files; import-linter sees imports only, and neither these nor ``open`` need one."""


def test_judging_touches_no_file():
    """Nothing under judge/ opens, reads or writes a file: what it needs are its arguments."""
    paths = sorted((ROOT / "checker" / "judge").rglob("*.py"))
    assert len(paths) > 10
    assert {path.name: found for path in paths if (found := calls_of_files(path.read_text("utf-8")))} == {}


def test_a_call_that_touches_a_file_is_found():
    """``open`` and the methods of a path are seen, wherever they stand."""
    source = "def f(path):\n    with open(path) as file:\n        return [file.read(), path.read_text()]\n"
    assert calls_of_files(source) == ["line 2: open", "line 3: read", "line 3: read_text"]
    assert calls_of_files("write = unit.value\nwords = write(open_question)") == []


def calls_of_files(source):
    """Calls that open, read or write, with their lines."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    functions = [(call.lineno, call.func.id) for call in calls if isinstance(call.func, ast.Name)]
    methods = [(call.lineno, call.func.attr) for call in calls if isinstance(call.func, ast.Attribute)]
    found = [of for of in functions if of[1] == "open"] + [of for of in methods if of[1] in METHODS]
    return [f"line {line}: {name}" for line, name in sorted(found)]
