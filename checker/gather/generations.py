"""Recognises errors that point to the other generation of Keras, which is then tried too. Pure."""

import re
from collections.abc import Mapping, Sequence

from checker.records.capture import Adaptation, CellResult

ONLY_KERAS_2_RUNS = (
    r"object has no attribute 'minimize'",
    r"learning_rate` should be float",
    r"not recognized: \{'(lr|decay)'",
    r"tf\.layers|'layers'|tf_layers|not available with Keras 3",
    r"keras\.optimizers\.legacy",
    r"module 'keras[\w.]*\.(losses|metrics|layers|backend|models|utils)' has no attribute",
    r"'(Dense|DenseFeatures|Flatten|Dropout|InputLayer|\w*Normalization)' object is not iterable",
    r"adapt\(\) expects an iterable|isn't able to automatically\s+determine|[Aa]rity mismatch",
    r"Could not interpret optimizer identifier: <tensorflow\.",
    r"Unrecognized keyword arguments passed to \w+: \{'(input|output|nb_epoch)'",
    r"(No module named|cannot import name|has no attribute).*(np_utils|wrappers|experimental|feature_column|estimator)",
    r"KerasTensor cannot be used as input to a TensorFlow function",
    r"has no attribute '(lr|_distribution_strategy|metrics_names|get_updates|reset_states|input_spec)'",
    r"Only instances of `?keras\.Layer|Unrecognized keyword arguments passed to \w+: \{'(weights|input_length)",
    r"(Functional|Sequential) model cannot.*tf\.function|has not yet been built.*TensorFlow 1",
    r"Invalid filepath extension for saving|File format not supported: filepath=",
)
"""Messages of Keras 3 about features that only legacy Keras has."""

ONLY_KERAS_3_RUNS = (
    r"module '(tf_keras|keras)[\w.]*' has no attribute '(ops|random|Variable|distribution|saving|PyDataset|tree)'",
    r"cannot import name '(ops|random|Variable|distribution|PyDataset)' from '(tf_keras|keras)",
    r"No module named '(tf_keras|keras)\.(ops|random|distribution|tree)",
    r"(unexpected keyword argument|argument not understood:',) '(negative_slope|show_trainable|loss_scale_factor)'",
    r"Unknown (loss|metric|activation|optimizer).*(r2_score|silu|mish|glu|lion|muon)",
    r"Unable to (create|synchronously create) dataset|extension for saving.*\.keras",
)
"""Messages of legacy Keras about features that only Keras 3 has."""

LONGEST = 2_500
"""Only this many characters of a message are searched: the patterns' run time is quadratic in its length."""

_PATTERNS: Mapping[str, Sequence[str]] = {"3": ONLY_KERAS_2_RUNS, "2": ONLY_KERAS_3_RUNS}


USES_KERAS = r"\b(keras|tensorflow|tf)\b"


def other(keras: str) -> str:
    """Return the other generation."""
    return "2" if keras == "3" else "3"


def explained_by(keras: str, cells: Sequence[CellResult], adaptations: Sequence[Adaptation]) -> str:
    """Return, in words, the first error of a run that the generation ``keras`` explains; "" if there is none."""
    said = [(cell.index, f"{cell.error.name}: {cell.error.message}") for cell in cells if cell.error is not None]
    said += [
        (adaptation.cell, adaptation.what) for adaptation in adaptations if "could not be imported" in adaptation.what
    ]
    for index, words in said:
        if any(re.search(pattern, words[:LONGEST]) for pattern in _PATTERNS.get(keras, ())):
            return f"cell {index} failed with “{words[:160]}”"
    return ""


def may_explain(cells: Sequence[CellResult]) -> str:
    """Return, in words, the first error of a run without an answer, which the generation may explain.

    Return "" if no cell failed, or if the file does not use Keras.
    """
    failed = next((cell for cell in cells if cell.error is not None), None)
    if failed is None or failed.error is None or not any(re.search(USES_KERAS, cell.source) for cell in cells):
        return ""
    words = f"{failed.error.name}: {failed.error.message}"[:160]
    return f"there was no network for the task, and cell {failed.index} failed with “{words}”"
