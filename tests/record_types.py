"""All public names of the modules of ``checker.records``."""

import importlib
import pkgutil
from types import SimpleNamespace

from checker import records

MODULES = [
    importlib.import_module(f"checker.records.{module.name}") for module in pkgutil.iter_modules(records.__path__)
]
ALL = {name: value for module in MODULES for name, value in vars(module).items() if not name.startswith("_")}
every = SimpleNamespace(**ALL)
STATISTICS = ("mean", "deviation", "low", "high")
NO_STATISTICS = {f"{of}_{name}": 0.0 for of in ("train", "all") for name in STATISTICS} | {"label_purity": 0.0}
"""The numeric fields of a ``Column``, for tests in which they do not matter."""
