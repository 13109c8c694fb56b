"""The Keras generation that a submission is written for, and a way to make every import mean the legacy one."""

import re
import sys
from typing import Any

V1_CALLS = r"placeholder|(Interactive)?Session|get_variable|disable_eager_execution|train\.\w+Optimizer"
BEFORE_KERAS_3 = r"(1|2\.(\d|1[0-5]))(\.[\w*.]+)?(?!\d)"
"""Versions of TensorFlow and Keras that brought legacy Keras."""

TELLTALES = {
    "an optimizer's `minimize(loss, var_list)`": r"\.minimize\([^)]*\b(var_list|variables|trainable_\w+)\b",
    "`tf.layers`": r"\btf\.layers\.|compat\.v1\.layers",
    "TensorFlow 1's API": r"tensorflow\.compat\.v1|tensorflow\.compat import v1|\bdisable_v2_behavior\("
    rf"|\b(tf|compat\.v1)\.({V1_CALLS})\(",
    "`keras.optimizers.legacy`": r"\boptimizers\.legacy\b",
    "the optimizer setting `lr=`": r"(SGD|Adam|RMSprop|Adagrad|Nadam|Adamax)\([^)]*\blr ?=",
    "a whole number as learning rate": r"(SGD|Adam|RMSprop)\((learning_rate ?= ?)?\d+[,)]",
    "`predict_classes`": r"\.predict_classes\(",
    "`Sequential` with a layer and no list around it": r"\bSequential\(\s*(layers\s*=\s*)?([\w.]+\.)?"
    r"(Dense|DenseFeatures|Flatten|Dropout|InputLayer|Normalization|BatchNormalization)\(",
    "`adapt` on a column of a table": r"\.adapt\(\s*[\w.]+\[\s*\[?\s*[\"']",
    "feature columns": r"\bDenseFeatures\b|\bfeature_column\.",
    "a loss by its short name in `keras.losses`": r"\bkeras\.losses\.(mse|mae|mape|msle|kld|logcosh)\b",
    "`keras.wrappers.scikit_learn`": r"\bwrappers\.scikit_learn\b|\bwrappers import scikit_learn\b",
    "TensorFlow's copy of Keras": r"\b(tensorflow|tf)\.(python|contrib)(\.| import )keras\b",
    "a session of Keras's backend": r"\b[gs]et_session\b",
    "an older TensorFlow, by pip": r"\b(tensorflow(-cpu|-gpu|-macos)?|keras)(\[[\w,-]*\])?[\"']?\s*"
    rf"([=~<]=\s*{BEFORE_KERAS_3}|<\s*(2\.16|3)\b)",
    "`tf_keras`": r"\b(import|from)\s+tf_keras\b|\bTF_USE_LEGACY_KERAS\W+(1|[Tt]rue)",
}


def is_tensorflow_1(code: str) -> bool:
    """Tell whether a file was written for TensorFlow 1, when ``import tensorflow`` meant that version."""
    return "compat" not in code and bool(
        re.search(r"\btf\.((placeholder|(Interactive)?Session|get_default_graph)\(|train\.\w+Optimizer\b)", code)
    )


def is_graph_by_itself(code: str) -> bool:
    """Tell whether a file makes placeholders through ``tf.compat.v1``, but no graph for them.

    TensorFlow 1.15 accepted that; later versions require eager execution to be disabled first.
    """
    makes = re.search(r"\bcompat\.v1\.placeholder\(", code)
    return makes is not None and not re.search(r"\.as_default\(|\bdisable_(eager_execution|v2_behavior)\(", code)


def choose(code: str) -> tuple[str, str]:
    """Return the generation, "2" or "3", and why, from idioms that only legacy Keras runs."""
    for what, pattern in TELLTALES.items():
        if re.search(pattern, code):
            return "2", f"the code uses {what}, an idiom of legacy Keras"
    return "3", "nothing in the code asks for legacy Keras"


def is_legacy(keras: Any) -> bool:
    """Tell whether a notebook's ``tf.keras`` is legacy Keras."""
    return str(keras.Model.__module__).startswith("tf_keras.")


def alias_legacy() -> Any:
    """Make stand-alone ``import keras`` mean legacy Keras too, as it did when such code was written."""
    import tf_keras

    for name in [n for n in sys.modules if n == "tf_keras" or n.startswith("tf_keras.")]:
        sys.modules[name.replace("tf_keras", "keras", 1)] = sys.modules[name]
    return tf_keras
