"""Which generation of Keras a submission is written for, and making the legacy one mean it everywhere."""

import re
import sys
from typing import Any

TELLTALES = {
    "an optimizer's `minimize(loss, var_list)`": r"\.minimize\([^)]*(var_list|,)",
    "`tf.layers`": r"\btf\.layers\.|compat\.v1\.layers",
    "TensorFlow 1's API": r"tensorflow\.compat\.v1|tensorflow\.compat import v1|\bdisable_v2_behavior\("
    r"|\b(tf|compat\.v1)\.(placeholder|(Interactive)?Session|get_variable|disable_eager_execution)\(",
    "`keras.optimizers.legacy`": r"\boptimizers\.legacy\b",
    "the optimizer setting `lr=`": r"(SGD|Adam|RMSprop|Adagrad|Nadam|Adamax)\([^)]*\blr ?=",
    "a whole number as learning rate": r"(SGD|Adam|RMSprop)\((learning_rate ?= ?)?\d+[,)]",
    "`predict_classes`": r"\.predict_classes\(",
}


def is_tensorflow_1(code: str) -> bool:
    """Tell whether a file was written for TensorFlow 1 itself, when ``import tensorflow`` meant that."""
    return bool(re.search(r"\btf\.(placeholder|(Interactive)?Session)\(", code)) and "compat" not in code


def choose(code: str) -> tuple[str, str]:
    """Return the generation, "2" or "3", and why, from idioms that only legacy Keras runs."""
    for what, pattern in TELLTALES.items():
        if re.search(pattern, code):
            return "2", f"the code uses {what}, an idiom of legacy Keras"
    return "3", "nothing in the code asks for legacy Keras"


def is_legacy(keras: Any) -> bool:
    """Tell whether what a notebook knows as ``tf.keras`` is legacy Keras."""
    return str(keras.Model.__module__).startswith("tf_keras.")


def alias_legacy() -> Any:
    """Make stand-alone ``import keras`` mean legacy Keras too, as it did when such code was written."""
    import tf_keras

    for name in [n for n in sys.modules if n == "tf_keras" or n.startswith("tf_keras.")]:
        sys.modules[name.replace("tf_keras", "keras", 1)] = sys.modules[name]
    return tf_keras
