"""Former modules of Keras and TensorFlow's copies of Keras, and where their contents are today."""

import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
from typing import Any

from checker.guest.plain.notes import Note

MOVED = {
    "np_utils": "utils",
    "core": "layers",
    "advanced_activations": "layers",
    "normalization": "layers",
    "noise": "layers",
    "convolutional": "layers",
    "pooling": "layers",
    "embeddings": "layers",
    "recurrent": "layers",
    "merge": "layers",
    "experimental": "layers",
    "preprocessing": "layers",
    "vis_utils": "utils",
    "generic_utils": "utils",
    "topology": "layers",
    "training": "models",
    "engine": "layers",
}
"""Former modules of Keras, and the part of today's Keras that has their contents."""
COPIES = ("tensorflow.python.keras", "tensorflow.contrib.keras")
"""Names under which TensorFlow had copies of Keras, which are gone, or stale and internal."""


def call_by_its_name(node: ast.AST) -> bool:
    """Replace the name of one of TensorFlow's copies of Keras in a node by Keras's; return whether there was one."""
    match node:
        case ast.Import():
            before = [alias.name for alias in node.names]
            for alias in node.names:
                alias.name = todays_module(alias.name)
            return before != [alias.name for alias in node.names]
        case ast.ImportFrom(
            module="tensorflow.python" | "tensorflow.contrib", names=[ast.alias(name="keras")], level=0
        ):
            node.module = "tensorflow"
            return True
        case ast.ImportFrom(module=str(module), level=0) if todays_module(module) != module:
            node.module = todays_module(module)
            return True
        case ast.Attribute(attr="keras", value=ast.Attribute(attr="python" | "contrib", value=below)):
            node.value = below
            return True
    return False


def todays_module(module: str) -> str:
    for copy in COPIES:
        module = module.replace(copy, "tensorflow.keras", 1)
    return module


class FormerModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds former modules of Keras wherever they are imported, in functions and ``try`` too. It comes last, after all
    other finders.

    A former module gets the contents of the part of today's Keras that replaced it.
    """

    def __init__(self, keras: Any, note: Note) -> None:
        self.keras, self.note = keras, note

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the import specification of a former module of Keras; None for anything else."""
        known = name.removeprefix("tensorflow.").startswith("keras.") and self._home(name) is not None
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if known else None

    def _home(self, name: str) -> Any:
        part = MOVED.get(name.rpartition(".")[2])
        return None if part is None else getattr(self.keras, part, None)

    def exec_module(self, module: Any) -> None:
        """Fill a module with the public names of its replacement, and note that."""
        name = module.__name__
        home = self._home(name)
        self.note(f"`{name}` is in `keras.{MOVED[name.rpartition('.')[2]]}` today")
        vars(module).update({key: getattr(home, key) for key in dir(home) if not key.startswith("_")})
