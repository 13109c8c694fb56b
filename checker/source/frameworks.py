"""Recognises libraries that a file uses in place of Keras, and names them in sentences. Pure."""

import re
from collections.abc import Sequence

from checker.records.capture import CellResult

GRAPH = "a TensorFlow 1 graph"
PATTERNS = {
    "PyTorch": r"^[ \t]*(import torch|from torch)\b",
    "JAX": r"^[ \t]*(import (jax|flax)|from (jax|flax))\b",
    "XGBoost": r"^[ \t]*(import xgboost|from xgboost)\b",
    GRAPH: r"\b(tf1?|v1)\.(placeholder|(Interactive)?Session)\(",
    "a TensorFlow estimator": r"\btf\.estimator\.",
    "scikit-learn": r"\b(\w+Classifier|\w+Regressor|LogisticRegression|LinearRegression|SV[CR])\(",
}
"""Patterns in code that uses a library. Libraries for networks come first."""
_OF_NETWORKS = ("PyTorch", "JAX")
_PACKAGES = {"PyTorch": "torch", "JAX": "jax|flax", "XGBoost": "xgboost"}
_ABSENT = frozenset({"ModuleNotFoundError", "ImportError"})
_SAID = re.compile(
    r"^(?:The|Your) (?:network is written in|model is made with) (?P<library>[^.]+)\. The task asks for Keras"
)


def used_in(code: str) -> list[str]:
    """Return the libraries that code uses."""
    return [library for library, pattern in PATTERNS.items() if re.search(pattern, code, re.MULTILINE)]


def _is_absent(library: str, cell: CellResult) -> bool:
    """Tell whether a cell failed because a library is not installed."""
    if cell.error is None or cell.error.name not in _ABSENT or library not in _PACKAGES:
        return False
    return re.search(rf"[`'](?:{_PACKAGES[library]})\b", cell.error.message[:2_000]) is not None


def instead_of_keras(library: str, cells: Sequence[CellResult]) -> str:
    """Return sentences that a file uses a library in place of Keras, and that it could not run if this is missing."""
    what = "network is written in" if library in _OF_NETWORKS else "model is made with"
    is_lacking = any(_is_absent(library, cell) for cell in cells)
    ran = f", and {library} is not installed here, so it could not run" if is_lacking else ""
    return f"The {what} {library}. The task asks for Keras{ran}."


def named_in(words: str) -> str:
    """Return the library that a sentence from ``instead_of_keras`` names; "" for none."""
    found = _SAID.search(words)
    return found["library"] if found else ""
