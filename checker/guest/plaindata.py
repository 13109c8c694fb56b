"""Keras objects as plain data, and back: the allow-lists on which the clean guest rests.

Theory of operation: ``describe`` keeps, of an object's own ``get_config()``, the settings listed here for its
class, and refuses every class that is not listed: it may hold a student's code. ``build`` goes the other way:
it looks the class up by name in Keras itself and calls it with those settings. Nothing is deserialised, so a
forged record can at most ask for a listed class with odd numbers. Both directions check the same lists.

Seeds of initialisers and dropout are dropped: the checker's seeds decide.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from checker.records import KerasObject

WEIGHTS = "kernel_initializer bias_initializer kernel_regularizer bias_regularizer kernel_constraint bias_constraint"
NORMS = "axis epsilon center scale beta_initializer gamma_initializer beta_regularizer gamma_regularizer"
OPTIMIZER = "learning_rate weight_decay clipnorm global_clipnorm clipvalue use_ema ema_momentum"
CONVOLUTION = f"filters kernel_size strides padding dilation_rate activation use_bias {WEIGHTS}"

LAYERS = {
    "InputLayer": "shape",
    "Dense": f"units activation use_bias activity_regularizer {WEIGHTS}",
    "Activation": "activation",
    "Dropout": "rate",
    "GaussianDropout": "rate",
    "GaussianNoise": "stddev",
    "AlphaDropout": "rate",
    "ReLU": "max_value negative_slope threshold",
    "LeakyReLU": "negative_slope alpha",
    "PReLU": "alpha_initializer alpha_regularizer alpha_constraint shared_axes",
    "ELU": "alpha",
    "Softmax": "axis",
    "BatchNormalization": f"momentum moving_mean_initializer moving_variance_initializer {NORMS}",
    "LayerNormalization": NORMS,
    "UnitNormalization": "axis",
    "Normalization": "axis",
    "Rescaling": "scale offset",
    "ActivityRegularization": "l1 l2",
    "Embedding": "input_dim output_dim embeddings_initializer embeddings_regularizer embeddings_constraint mask_zero",
    "Flatten": "",
    "Reshape": "target_shape",
    "RepeatVector": "n",
    "Permute": "dims",
    "Conv1D": CONVOLUTION,
    "MaxPooling1D": "pool_size strides padding",
    "AveragePooling1D": "pool_size strides padding",
    "GlobalMaxPooling1D": "",
    "GlobalAveragePooling1D": "",
    "Add": "",
    "Subtract": "",
    "Multiply": "",
    "Average": "",
    "Maximum": "",
    "Minimum": "",
    "Concatenate": "axis",
}
MERGING = frozenset({"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"})
OPERATORS = frozenset({"Add", "Subtract", "Multiply", "Maximum", "Minimum"})
PLAIN_ACTIVATIONS = frozenset("relu sigmoid tanh softmax elu selu softplus softsign swish silu gelu".split())
"""Operators and functions without settings, which students call on symbolic tensors in place of layers."""

INITIALIZERS = {
    "Zeros": "",
    "Ones": "",
    "Constant": "value",
    "RandomNormal": "mean stddev",
    "RandomUniform": "minval maxval",
    "TruncatedNormal": "mean stddev",
    "GlorotNormal": "",
    "GlorotUniform": "",
    "HeNormal": "",
    "HeUniform": "",
    "LecunNormal": "",
    "LecunUniform": "",
    "VarianceScaling": "scale mode distribution",
    "Orthogonal": "gain",
}
REGULARIZERS = {"L1": "l1", "L2": "l2", "L1L2": "l1 l2"}
CONSTRAINTS = {
    "MaxNorm": "max_value axis",
    "NonNeg": "",
    "UnitNorm": "axis",
    "MinMaxNorm": "min_value max_value rate axis",
}
OPTIMIZERS = {
    "SGD": f"momentum nesterov {OPTIMIZER}",
    "Adam": f"beta_1 beta_2 epsilon amsgrad {OPTIMIZER}",
    "AdamW": f"beta_1 beta_2 epsilon amsgrad {OPTIMIZER}",
    "Adamax": f"beta_1 beta_2 epsilon {OPTIMIZER}",
    "Nadam": f"beta_1 beta_2 epsilon {OPTIMIZER}",
    "RMSprop": f"rho momentum epsilon centered {OPTIMIZER}",
    "Adagrad": f"initial_accumulator_value epsilon {OPTIMIZER}",
    "Adadelta": f"rho epsilon {OPTIMIZER}",
    "Ftrl": "learning_rate_power initial_accumulator_value l1_regularization_strength "
    f"l2_regularization_strength l2_shrinkage_regularization_strength beta {OPTIMIZER}",
    "Lion": f"beta_1 beta_2 {OPTIMIZER}",
}
SCHEDULES = {
    "ExponentialDecay": "initial_learning_rate decay_steps decay_rate staircase",
    "InverseTimeDecay": "initial_learning_rate decay_steps decay_rate staircase",
    "PiecewiseConstantDecay": "boundaries values",
    "PolynomialDecay": "initial_learning_rate decay_steps end_learning_rate power cycle",
    "CosineDecay": "initial_learning_rate decay_steps alpha warmup_target warmup_steps",
    "CosineDecayRestarts": "initial_learning_rate first_decay_steps t_mul m_mul alpha",
}
LOSSES = {
    "SparseCategoricalCrossentropy": "from_logits",
    "CategoricalCrossentropy": "from_logits label_smoothing",
    "BinaryCrossentropy": "from_logits label_smoothing",
    "CategoricalFocalCrossentropy": "alpha gamma from_logits label_smoothing",
    "KLDivergence": "",
    "MeanSquaredError": "",
    "MeanAbsoluteError": "",
    "MeanSquaredLogarithmicError": "",
    "MeanAbsolutePercentageError": "",
    "Huber": "delta",
    "LogCosh": "",
    "Poisson": "",
    "Hinge": "",
    "SquaredHinge": "",
    "CategoricalHinge": "",
    "CosineSimilarity": "",
}
LOSS_ALIASES = {"mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "msle": "MeanSquaredLogarithmicError",
                "mape": "MeanAbsolutePercentageError", "logcosh": "LogCosh", "kld": "KLDivergence",
                "kl_divergence": "KLDivergence", "huber_loss": "Huber"}  # fmt: skip
CALLBACKS = {
    "EarlyStopping": "monitor min_delta patience mode baseline restore_best_weights start_from_epoch",
    "ReduceLROnPlateau": "monitor factor patience mode min_delta cooldown min_lr",
}

ACTIVATIONS = frozenset(
    "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear "
    "log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign "
    "sparse_plus sparsemax squareplus swish tanh tanh_shrink threshold".split()
)


class UnrebuildableError(Exception):
    """The object cannot be made again from plain data; the message says why, in words for the report."""


def reason(error: Exception) -> str:
    """Return why a model has no description. Models of the students' own making may raise anything when looked
    at; that must not reach their cell as an error of theirs, and a demonstrator reads it instead."""
    if isinstance(error, UnrebuildableError):
        return str(error)
    return f"it could not be described ({type(error).__name__}: {str(error)[:200]})"


def describe(thing: Any, allowed: Mapping[str, str], config: Mapping[str, Any] | None = None) -> KerasObject:
    """Return an object of a listed class of Keras's own as plain data."""
    if not _is_keras_own(type(thing)):
        raise UnrebuildableError(f"`{type(thing).__name__}` is the student's own class")
    return _plain(type(thing).__name__, thing.get_config() if config is None else config, allowed)


def _plain(class_name: str, config: Mapping[str, Any], allowed: Mapping[str, str]) -> KerasObject:
    keys = _keys(class_name, allowed)
    return KerasObject(class_name, {k: _value(k, config[k]) for k in keys if k in config})


def _keys(class_name: str, allowed: Mapping[str, str]) -> list[str]:
    if class_name not in allowed:
        raise UnrebuildableError(f"`{class_name}` is not a built-in Keras class that the checker knows")
    return allowed[class_name].split()


def _value(key: str, value: Any) -> JsonValue:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple) and len(value) <= 1_000:
        return [_value(key, part) for part in value]
    if isinstance(value, Mapping):
        inner = _plain(str(value.get("class_name")), value.get("config") or {}, _nested(key))
        return {"class_name": inner.class_name, "config": dict(inner.config)}
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:
        return _value(key, value.item())
    raise UnrebuildableError(f"the setting `{key}` holds something that is not plain data")


def _nested(key: str) -> Mapping[str, str]:
    """Return the allow-list for objects under a setting of this name."""
    for ending, allowed in _NESTED.items():
        if key.endswith(ending):
            return allowed
    return {}


_NESTED: Mapping[str, Mapping[str, str]] = {
    "_initializer": INITIALIZERS,
    "_regularizer": REGULARIZERS,
    "_constraint": CONSTRAINTS,
    "learning_rate": SCHEDULES,
    "activation": {k: LAYERS[k] for k in ("ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax")},
}


def activation_name(function: Any, keras: Any, tf: Any) -> JsonValue:
    """Return the name of a built-in activation function, or an activation layer as plain data."""
    name = getattr(function, "__name__", "")
    if name in ACTIVATIONS and getattr(keras.activations, name, None) is function:
        return str(name)
    for known in sorted(ACTIVATIONS):
        if function is getattr(tf.nn, known, ()) or function is getattr(tf.math, known, ()):
            return known
    if isinstance(function, keras.layers.Layer):
        return _value("activation", {"class_name": type(function).__name__, "config": function.get_config()})
    raise UnrebuildableError(f"the activation `{name or type(function).__name__}` is the student's own function")


def _is_keras_own(made: Any) -> bool:
    """Tell whether a class or function was defined in Keras itself, as far as it says."""
    return str(getattr(made, "__module__", "")).partition(".")[0] in ("keras", "tf_keras")


def loss_object(loss: Any) -> KerasObject:
    """Return a compiled loss (a name, a function or an object) as plain data."""
    if isinstance(loss, str) or (callable(loss) and not hasattr(loss, "get_config")):
        name = loss if isinstance(loss, str) else getattr(loss, "__name__", "")
        if not isinstance(loss, str) and not _is_keras_own(loss):
            raise UnrebuildableError(f"the loss `{name or type(loss).__name__}` is the student's own function")
        squeezed = name.replace("_", "").lower()
        known = LOSS_ALIASES.get(name.lower()) or next((k for k in LOSSES if k.lower() == squeezed), name)
        _keys(known, LOSSES)
        return KerasObject(known)
    return describe(loss, LOSSES)


def build(thing: KerasObject, allowed: Mapping[str, str], module: Any, keras: Any) -> Any:
    """Make a described object again, from the class of its name in ``module``."""
    keys = _keys(thing.class_name, allowed)
    unknown = set(thing.config) - set(keys)
    if unknown:
        raise UnrebuildableError(f"`{thing.class_name}` has no settings {sorted(unknown)}")
    settings = {key: _built_value(key, value, keras) for key, value in thing.config.items()}
    return getattr(module, thing.class_name)(**settings)


def _built_value(key: str, value: JsonValue, keras: Any) -> Any:
    if key == "activation" and isinstance(value, str) and value not in ACTIVATIONS:
        raise UnrebuildableError(f"`{value}` is not a built-in activation")
    if isinstance(value, dict):
        inner = KerasObject(str(value.get("class_name")), dict(value.get("config") or {}))  # type: ignore[arg-type]  # checked by build
        return build(inner, _nested(key), _home(key, keras), keras)
    if isinstance(value, list):
        return [_built_value(key, part, keras) for part in value]
    return value


def _home(key: str, keras: Any) -> Any:
    if key.endswith("_initializer"):
        return keras.initializers
    if key.endswith("_regularizer"):
        return keras.regularizers
    if key.endswith("_constraint"):
        return keras.constraints
    return keras.layers if key == "activation" else keras.optimizers.schedules
