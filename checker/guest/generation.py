"""Which generation of Keras a submission is written for, and making the legacy one mean it everywhere."""

import re
import sys
from typing import Any

TELLTALES = {
    "an optimizer's `minimize(loss, var_list)`": rb"\.minimize\([^)]*(var_list|,)",
    "the optimizer setting `lr=`": rb"(SGD|Adam|RMSprop|Adagrad|Nadam|Adamax)\([^)]*\blr ?=",
    "a whole number as learning rate": rb"(SGD|Adam|RMSprop)\((learning_rate ?= ?)?\d+[,)]",
    "`predict_classes`": rb"\.predict_classes\(",
    "`tf.layers`": rb"\btf\.layers\.|compat\.v1\.layers",
    "TensorFlow 1's API": rb"tensorflow\.compat\.v1|\btf\.placeholder\(|\btf\.Session\(",
}


def choose(wanted: str, content: bytes) -> tuple[str, str]:
    """Return the generation, "2" or "3", and why; ``auto`` looks for idioms that only legacy Keras runs."""
    if wanted != "auto":
        return wanted, "the assignment says so"
    for what, pattern in TELLTALES.items():
        if re.search(pattern, content):
            return "2", f"the code uses {what}, which only legacy Keras understands"
    return "3", "nothing in the code asks for legacy Keras"


def alias_legacy() -> Any:
    """Make stand-alone ``import keras`` mean legacy Keras too, as it did when such code was written."""
    import tf_keras

    for name in [n for n in sys.modules if n == "tf_keras" or n.startswith("tf_keras.")]:
        sys.modules[name.replace("tf_keras", "keras", 1)] = sys.modules[name]
    return tf_keras
