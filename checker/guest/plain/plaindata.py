"""Keras objects as plain data, and back: the lists of ``allow_list`` are all that the clean guest builds.

Theory of operation: ``describe`` keeps, of an object's own ``get_config()``, the settings listed for its
class, and refuses every class that is not listed: it may hold a student's code. ``build`` goes the other way:
it looks the class up by name in Keras itself and calls it with those settings. Nothing is deserialised, so a
forged record can at most ask for a listed class with odd numbers. Both directions check the same lists.

Seeds of initialisers and dropout are dropped: the checker's seeds decide. A ``Constant`` has one number: an array there
could be trained weights.
"""

import inspect
import sys
from collections.abc import Mapping
from types import FunctionType, MethodType
from typing import Any

import numpy as np
from pydantic import JsonValue

from checker.keras_spec import allow_list
from checker.keras_spec.foreign_weights import ELSEWHERE
from checker.records.network import KerasObject

KERAS = ("keras", "tf_keras")
AT_WORK = (
    "__call__ call get_config train_step compute_loss make_train_function train_function minimize apply "
    "apply_gradients update_step _backend_apply_gradients _backend_update_step _get_current_learning_rate "
    "_clip_gradients compute_gradients _compute_gradients _resource_apply_dense _update_step get_updates get_gradients"
).split()
"""Methods that training uses, or that describe an object; in Keras's own classes they must be Keras's own."""


class UnrebuildableError(Exception):
    """The object cannot be rebuilt from plain data; the message gives the reason, in words for the report."""


def reason(error: Exception) -> str:
    """Return why a model has no description. Students' own classes may raise anything when inspected. Such an error
    must not appear in their cell; a demonstrator reads it instead."""
    if isinstance(error, UnrebuildableError):
        return str(error)
    return f"it could not be described ({type(error).__name__}: {str(error)[:200]})"


def describe(thing: Any, allowed: Mapping[str, str], config: Mapping[str, Any] | None = None) -> KerasObject:
    """Return an object of a listed class of Keras's own as plain data."""
    if not is_keras_own(type(thing)):
        raise UnrebuildableError(f"`{type(thing).__name__}` is the student's own class")
    require_own_methods(thing)
    return _plain(type(thing).__name__, thing.get_config() if config is None else config, allowed)


def _plain(class_name: str, config: Mapping[str, Any], allowed: Mapping[str, str]) -> KerasObject:
    keys = _keys(class_name, allowed)
    if class_name == "Constant":
        return KerasObject(class_name, {"value": _number(config.get("value"))})
    return KerasObject(class_name, {k: _value(k, config[k]) for k in keys if k in config})


def _number(value: Any) -> float | None:
    """Return the one number to which an initialiser sets all weights; None for an array, which could be trained
    weights."""
    if isinstance(value, Mapping):  # an array as Keras 3 writes it
        value = (value.get("config") or {}).get("value")
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return float(array.item()) if array.size == 1 else None


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
        if value.get("registered_name"):  # Keras registers no class of its own
            raise UnrebuildableError(f"`{value.get('class_name')}` is the student's own class")
        inner = _plain(str(value.get("class_name")), value.get("config") or {}, allow_list.nested(key))
        return {"class_name": inner.class_name, "config": dict(inner.config)}
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:
        return _value(key, value.item())
    raise UnrebuildableError(f"the setting `{key}` holds something that is not plain data")


def activation_name(function: Any, keras: Any, tf: Any) -> JsonValue:
    """Return the name of a built-in activation function, or an activation layer as plain data."""
    name = getattr(function, "__name__", "")
    if name in allow_list.ACTIVATIONS and getattr(keras.activations, name, None) is function:
        return str(name)
    for known in sorted(allow_list.ACTIVATIONS):
        if function is getattr(tf.nn, known, ()) or function is getattr(tf.math, known, ()):
            return known
    if isinstance(function, keras.layers.Layer):
        made = describe(function, allow_list.nested("activation"))
        return {"class_name": made.class_name, "config": dict(made.config)}
    raise UnrebuildableError(f"the activation `{name or type(function).__name__}` is the student's own function")


def is_keras_own(made: Any) -> bool:
    """Tell whether a class or function claims to be defined in Keras; a class must also be found at the place that it
    claims."""
    module = str(getattr(made, "__module__", ""))
    if module.partition(".")[0] not in KERAS:
        return False
    if not isinstance(made, type):
        return True
    found: Any = sys.modules.get(module)
    for name in made.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is made


def require_own_methods(thing: Any) -> None:
    """Raise UnrebuildableError if a method of a Keras object was replaced, in its class or in the object alone."""
    kind = type(thing)
    for name in AT_WORK:
        for found in (vars(thing).get(name), inspect.getattr_static(kind, name, None)):
            module = str(getattr(found, "__module__", None) or "keras")
            if isinstance(found, FunctionType | MethodType) and module.partition(".")[0] not in KERAS:
                raise UnrebuildableError(f"`{name}` of its `{kind.__name__}` is the student's own function")


def optimizer_object(optimizer: Any) -> KerasObject:
    """Return a compiled optimizer as plain data, without the wrapper that scales the loss for 16-bit numbers."""
    kind = type(optimizer)
    if kind.__name__.startswith("LossScaleOptimizer") and is_keras_own(kind):
        return optimizer_object(optimizer.inner_optimizer)
    return describe(optimizer, allow_list.OPTIMIZERS)


def loss_object(loss: Any) -> KerasObject:
    """Return a compiled loss (a name, a function, an object, or one of these in a list or dictionary) as plain data."""
    if isinstance(loss, list | tuple | Mapping):
        listed = list(loss.values() if isinstance(loss, Mapping) else loss)
        if len(listed) != 1:
            raise UnrebuildableError(f"the model was compiled with {len(listed)} losses, and the task is about one")
        return loss_object(listed[0])
    if isinstance(loss, str) or (callable(loss) and not hasattr(loss, "get_config")):
        name = loss if isinstance(loss, str) else getattr(loss, "__name__", "")
        if not isinstance(loss, str) and not is_keras_own(loss):
            raise UnrebuildableError(f"the loss `{name or type(loss).__name__}` is the student's own function")
        squeezed = name.replace("_", "").lower()
        known = allow_list.LOSS_ALIASES.get(name.lower()) or next(
            (k for k in allow_list.LOSSES if k.lower() == squeezed), name
        )
        _keys(known, allow_list.LOSSES)
        return KerasObject(known)
    return describe(loss, allow_list.LOSSES)


def build(thing: KerasObject, allowed: Mapping[str, str], module: Any, keras: Any) -> Any:
    """Rebuild a described object from the class of its name in ``module``."""
    keys = _keys(thing.class_name, allowed)
    unknown = set(thing.config) - set(keys)
    if unknown:
        raise UnrebuildableError(f"`{thing.class_name}` has no settings {sorted(unknown)}")
    if thing.class_name == "Constant" and not isinstance(thing.config.get("value"), int | float):
        raise UnrebuildableError(f"an initialiser holds an array of numbers, and {ELSEWHERE}")
    settings = {key: _built_value(key, value, keras) for key, value in thing.config.items()}
    return getattr(module, thing.class_name)(**settings)


def _built_value(key: str, value: JsonValue, keras: Any) -> Any:
    if key == "activation" and isinstance(value, str) and value not in allow_list.ACTIVATIONS:
        raise UnrebuildableError(f"`{value}` is not a built-in activation")
    if isinstance(value, dict):
        inner = KerasObject(str(value.get("class_name")), dict(value.get("config") or {}))  # type: ignore[arg-type]  # checked by build
        return build(inner, allow_list.nested(key), _home(key, keras), keras)
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
