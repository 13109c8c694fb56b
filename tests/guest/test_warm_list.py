"""The list of what the warm process imports holds all of the guest."""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import checker.guest
from checker.guest.host import warm

PACKAGE = Path(str(checker.guest.__file__)).parent
ITSELF = {"checker.guest.__main__", "checker.guest.host.warm"}


def modules() -> set[str]:
    """All modules of the guest, by name."""
    paths = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    return {".".join(("checker.guest", *path.with_suffix("").parts)) for path in paths}


def imports(module: str) -> Iterator[str]:
    """The modules that a module imports at its top level."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    for node in ast.parse(Path(spec.origin).read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def test_no_job_imports_a_module_of_the_guest_itself() -> None:
    """Whatever a student's job needs of the guest is imported by the warm process, and a job does not do it again."""
    everything, found = modules(), set[str]()
    waiting = [name for name in warm.STUDENTS if name in everything]
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting += [other for other in imports(name) if other in everything - found]
    assert everything - found <= ITSELF
