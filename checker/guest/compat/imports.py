"""Imports that fail: the rest of the cell runs all the same, and the report names the missing packages.

Theory of operation: a cell that imports ten things and fails at the fourth would take the whole notebook with it. So
every import at the top level of a cell is wrapped, by an AST transformer in IPython. If the import fails, its names
are imported one by one. A name that has only moved in Keras comes from its new place (``former_keras``). A package that
only decorates becomes a stand-in that does nothing. Any other becomes a stand-in that raises when it is used
(``absent``): an unused import does no harm. Imports inside ``try`` are left alone, because the student handles those.
"""

import ast
import builtins
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

from checker.guest.compat.absent import COURSE, DECORATION, WELL_KNOWN, Decoration, Missing, is_there, offered
from checker.guest.compat.companions import Own
from checker.guest.compat.former_keras import MOVED, call_by_its_name
from checker.guest.plain.hooks import Hooks
from checker.guest.plain.notes import Note

HOOK = "__checker_import__"


class Imports:
    """The AST transformer, and the function that wrapped imports call when they fail."""

    def __init__(
        self,
        keras: Any,
        variables: dict[str, Any],
        note: Note,
        tensorflow_1: bool = False,
        own: Own | None = None,
    ) -> None:
        self.keras, self.variables, self.note = keras, variables, note
        self.tensorflow_1, self.own = tensorflow_1, own
        self._loaded: dict[str, types.ModuleType] = {}

    def install(self, hooks: Hooks) -> None:
        """Make this object's fallback available to the wrapped imports."""
        hooks.replace(builtins, HOOK, self._one_by_one)

    def visit(self, tree: Any, is_module: bool = False) -> Any:
        """Wrap the imports at the top level of a cell or module; replace any of TensorFlow's copies of Keras by Keras
        itself."""
        if sum(call_by_its_name(node) for node in ast.walk(tree)):
            self.note(
                "TensorFlow's own copy of Keras (`tensorflow.python.keras`) is stale or gone: Keras itself was meant"
            )
        body = getattr(tree, "body", [])
        for node in filter(_can_wrap, body):
            self._tell_shadowed(node)
        tree.body = [_wrapped(node, self.tensorflow_1, is_module) if _can_wrap(node) else node for node in body]
        return tree

    def of_module(self, source: bytes, path: str) -> Any:
        """Return a student's module as a syntax tree with its imports wrapped."""
        return self.visit(ast.parse(source, path), is_module=True)

    def _tell_shadowed(self, node: Any) -> None:
        """Note each module of the student's that is not imported because an installed module has its name."""
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        for top in {module.partition(".")[0] for module in modules}:
            path = self._shadowed(top)
            if path is not None and self.own is not None:
                self.note(f"`{self.own.shown(path)}` has the name of an installed module, which goes before it here")

    def _shadowed(self, top: str) -> Path | None:
        """Return the student's module of this name, if another module of this name is already imported."""
        path = self.own.module(top) if self.own is not None and top in sys.modules else None
        where = getattr(sys.modules.get(top), "__file__", None)
        is_theirs = path is not None and where is not None and Path(where).resolve() == path
        return None if is_theirs else path

    def _own_name(self, module: str, name: str) -> Any:
        """Return a name from the student's module if an imported module of the same name lacks it; else None."""
        path = self._shadowed(module)
        if path is None:
            return None
        if module not in self._loaded:
            spec = importlib.util.spec_from_file_location(module, path)
            assert spec is not None and spec.loader is not None
            made = self._loaded[module] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(made)
        found = getattr(self._loaded[module], name, None)
        if found is not None:
            self.note(f"`{name}` was imported from `{path.name}`, which was handed in")
        return found

    def _reach(self, top: str) -> bool:
        """Make a student's module from another folder importable; return whether there is one."""
        path = self.own.elsewhere(top) if self.own is not None else None
        if path is None or self.own is None:
            return False
        sys.path.append(str(path.parent if path.stem == top else path.parent.parent))
        importlib.invalidate_caches()
        self.note(f"`{top}` was imported from `{self.own.shown(path)}`, which was handed in")
        return True

    def salvage(self, result: Any) -> None:
        """Run the imports of a cell that failed or is not valid Python; ``result`` is IPython's result of the cell."""
        statements = _import_statements(str(result.info.raw_cell))
        if statements and isinstance(result.error_before_exec, SyntaxError):
            self.note("a cell is no valid Python; the imports in it were run all the same")
        for statement in statements:
            self._one_by_one(ast.unparse(statement))

    def _one_by_one(self, source: str, variables: dict[str, Any] | None = None) -> None:
        """Import the names one by one, into a module's ``variables`` or else into the cells'."""
        before, self.variables = self.variables, self.variables if variables is None else variables
        try:
            for statement in ast.parse(source).body:
                for alias in getattr(statement, "names", []):
                    if isinstance(statement, ast.ImportFrom):
                        self._from(statement.module or "", alias)
                    else:
                        self._whole(alias)
        finally:
            self.variables = before

    def _whole(self, alias: ast.alias) -> None:
        top = alias.name.partition(".")[0]
        if alias.name == "tensorflow" and self.tensorflow_1:
            self.variables[alias.asname or top] = self._tensorflow_1()
            return
        try:
            module = self._imported(alias.name)
            self.variables[alias.asname or top] = module if alias.asname else importlib.import_module(top)
        except Exception as error:  # noqa: BLE001  # packages raise anything while they are imported
            found = self._moved(alias.name)
            self.variables[alias.asname or top] = self._stand_in(alias.name, error) if found is None else found

    def _imported(self, name: str) -> Any:
        top = name.partition(".")[0]
        if not is_there(top):
            self._reach(top)
        return importlib.import_module(name)

    def _tensorflow_1(self) -> Any:
        """Return TensorFlow with version 1's behaviour."""
        self.note(
            "`import tensorflow` means TensorFlow 1 in this file: `tensorflow.compat.v1` without version 2's behaviour"
        )
        found = importlib.import_module("tensorflow.compat.v1")
        found.disable_v2_behavior()
        return found

    def _from(self, module: str, alias: ast.alias) -> None:
        if alias.name == "*":
            self._all(module)
            return
        try:
            found = getattr(self._imported(module), alias.name, None)
            found = self._own_name(module, alias.name) if found is None else found
            found = importlib.import_module(f"{module}.{alias.name}") if found is None else found
        except Exception as error:  # noqa: BLE001  # packages raise anything while they are imported
            found = self._moved(f"{module}.{alias.name}")
            found = self._stand_in(f"{module}.{alias.name}", error) if found is None else found
        self.variables[alias.asname or alias.name] = found

    def _all(self, module: str) -> None:
        try:
            found = self._imported(module)
        except Exception as error:  # noqa: BLE001  # packages raise anything while they are imported
            self._stand_in(module, error)
            return
        names = getattr(found, "__all__", [name for name in vars(found) if not name.startswith("_")])
        self.variables.update({name: getattr(found, name) for name in names})

    def _moved(self, path: str) -> Any:
        """Return a former part of Keras from its place today; None if the path is not Keras's."""
        parts = path.split(".")
        if parts[:2] == ["tensorflow", "keras"]:
            parts = parts[1:]
        if parts[0] != "keras" or len(parts) < 2:
            return None
        places = [MOVED[part] for part in parts[1:] if part in MOVED] + [parts[1]]
        for place in places:
            home = getattr(self.keras, place, None)
            found = home if parts[-1] in MOVED else getattr(home, parts[-1], None)
            if found is not None:
                self.note(f"`{path}` is in `keras.{place}` today")
                return found
        return None

    def _stand_in(self, path: str, error: Exception) -> Any:
        top = path.partition(".")[0]
        if top in DECORATION or ".".join(path.split(".")[:2]) in DECORATION:
            self.note(f"`{top}` is not part of the course environment; it only decorates: nothing was drawn")
            return Decoration()
        if not is_there(top):
            words = f"`{top}` is not part of the course environment, which has {offered()}"
            if top not in (*WELL_KNOWN, *COURSE, "kerastuner"):
                words += f"; and no `{top[:60]}.py` was handed in"
            if top in (*COURSE, "kerastuner"):
                words += " (the optional `course` packages bring it)"
        else:
            words = f"`{path}` could not be imported: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        self.note(words)
        return Missing(words)


def _can_wrap(node: Any) -> bool:
    return isinstance(node, ast.Import) or (
        isinstance(node, ast.ImportFrom) and node.module != "__future__" and not node.level
    )


def _wrapped(node: Any, tensorflow_1: bool, is_module: bool = False) -> Any:
    """Return ``try: <the import>; except Exception: <one by one>``."""
    source = ast.unparse(node)
    if tensorflow_1 and "tensorflow" in source:
        return ast.copy_location(_call(source, is_module), node)
    handler = ast.ExceptHandler(type=ast.Name("Exception", ast.Load()), name=None, body=[_call(source, is_module)])
    guarded = ast.Try(body=[node], handlers=[handler], orelse=[], finalbody=[])
    return ast.fix_missing_locations(ast.copy_location(guarded, node))


def _call(source: str, is_module: bool) -> ast.Expr:
    variables = [ast.Call(ast.Name("globals", ast.Load()), [], [])] if is_module else []
    call = ast.Expr(ast.Call(ast.Name(HOOK, ast.Load()), [ast.Constant(source), *variables], []))
    return ast.fix_missing_locations(call)


def _import_statements(source: str) -> list[ast.stmt]:
    """Return a cell's top-level imports; line by line if the cell is not valid Python."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        body = []
        for line in source.splitlines():
            if line.startswith(("import ", "from ")):
                try:
                    body += ast.parse(line).body
                except (SyntaxError, ValueError):
                    continue
    return [node for node in body if _can_wrap(node)]
