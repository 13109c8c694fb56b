"""Modules that rule files imported before ``checker.assignment.rules`` existed, and advice on replacing them. Pure."""

import ast
from collections.abc import Iterator

from checker.assignment import rules

FORMER = ("checker.architectures", "checker.assignments", "checker.records", "checker.rules")
"""Of ``checker.records`` only the package itself: its modules still exist."""
NOW = "checker.assignment.rules"


def is_missed(error: BaseException | None) -> bool:
    """Tell whether an error is a failed import of, or from, a former module."""
    return isinstance(error, ImportError) and error.name in (*FORMER, "checker")


def advice(source: str) -> tuple[str, ...]:
    """Return a sentence, with line number, about each import of a former module in a rule file; () if the file cannot
    be parsed."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    imports = sorted(_imports(tree), key=lambda found: found[0])
    return tuple(f"line {line}: {_in_words(module, names)}" for line, module, names in imports)


def _imports(tree: ast.Module) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield line, former module and the names imported from it; no names if the module itself is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name, ()) for each in node.names if each.name in FORMER)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = tuple(each.name for each in node.names)
            if node.module in FORMER:
                yield node.lineno, node.module, names
            elif node.module == "checker":
                yield from ((node.lineno, f"checker.{name}", ()) for name in names if f"checker.{name}" in FORMER)


def _in_words(module: str, names: tuple[str, ...]) -> str:
    there = [name for name in names if name in rules.__all__]
    gone = [name for name in names if name not in rules.__all__]
    write = f"from {NOW} import {', '.join(there)}" if there else f"import {NOW}"
    words = f"{module} is called {NOW} now: write `{write}`"
    return f"{words} (which has no {', '.join(gone)})" if gone else words
