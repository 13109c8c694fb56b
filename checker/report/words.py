"""Numbers and settings in words, the same on the page and in the terminal."""

import json
import math
from collections.abc import Mapping, Sequence

from checker.formats.text import counted
from checker.records.network import KerasObject, Labels, Phase
from checker.records.tracing import FittedOn, Scaler, TargetScale
from checker.report.vocabulary import ANEW, FITTED_ON, LABELS, SCALERS
from checker.scoring import metrics
from checker.scoring.metrics import NONE, PERCENT

USUAL: Mapping[str, object] = {
    "ema_momentum": 0.99,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-7,
    "rho": 0.9,
    "momentum": 0.0,
    "initial_accumulator_value": 0.1,
    "reduction": "sum_over_batch_size",
    "axis": -1,
    "label_smoothing": 0.0,
    "monitor": "val_loss",
    "mode": "auto",
    "min_delta": 0,
    "start_from_epoch": 0,
    "weight_decay": 0.0,
}
"""Keras's defaults: a setting with its default is not listed. False and None are left out as well."""
USUAL_OF: Mapping[str, Mapping[str, object]] = {
    "AdamW": {"weight_decay": 0.004},
    "Adadelta": {"rho": 0.95},
    "Lion": {"beta_2": 0.99},
    "Huber": {"delta": 1.0},
    "ReduceLROnPlateau": {"min_delta": 1e-4, "cooldown": 0, "min_lr": 0.0},
}
"""Defaults of single classes."""


GUESSES = frozenset(name.replace("_", " ") for name in metrics.GUESSES.values())
"""Names of traditional models that give the same answer for every row."""


def scaler(one: Scaler, is_retrained: bool = True) -> str:
    """Return "standardised on the training rows; anew for each seed", without the seeds where none was trained."""
    anew = ANEW if is_retrained and one.fitted_on is not FittedOn.ALL else ""
    return f"{SCALERS[one.kind]} {FITTED_ON[one.fitted_on]}{anew}"


def model_name(name: str) -> str:
    """Return a traditional model's name for a chart: the bare "mean" does not say that it is a guess."""
    return "always the mean" if name == "mean" else name


def percent(fraction: float | None) -> str:
    """Return 0.9132 as "91.3%"."""
    return PERCENT.value(fraction)


def duration(seconds: float) -> str:
    """Return seconds in everyday units: "0.4 s", "48 s", "3 min 20 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def number(value: float | None) -> str:
    """Return a number with four significant digits, for tables; rounding errors are 0."""
    if value is None or not math.isfinite(value):
        return NONE
    return "0" if abs(value) < 1e-9 else f"{value:.4g}"


def probability(p: float) -> str:
    """Return a probability for a sentence: "of 3.4%", "of less than 0.1%"."""
    if 0.001 <= p <= 0.999:
        return f"of {p:.1%}"
    return "of less than 0.1%" if p < 0.5 else "of more than 99.9%"


def size(count: int) -> str:
    """Return a number of bytes in readable units."""
    if count < 1_000:
        return counted(count, "byte")
    return f"{count / 1e3:,.0f} KB" if count < 1_000_000 else f"{count / 1e6:,.1f} MB"


def memory(mib: float) -> str:
    """Return an amount of memory in the unit of the limits on it."""
    return f"{mib / 1024:,.1f} GiB" if mib >= 1024 else f"{mib:,.0f} MiB"


def setting(value: object) -> str:
    """Return a setting's value without the noise of 32-bit floats: 0.0010000000474974513 is "0.001"."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "class_name" in value:
        inner = value.get("config")
        inside = settings(inner, str(value["class_name"])) if isinstance(inner, dict) else ""
        return f"{value['class_name']}({inside})"
    return json.dumps(value, ensure_ascii=False)


def settings(config: Mapping[str, object], class_name: str = "") -> str:
    """Return the settings that are not at their defaults, as "learning_rate 0.001, beta_1 0.8"."""
    usual = {**USUAL, **USUAL_OF.get(class_name, {})}
    said = {key: value for key, value in config.items() if not _is_usual(value, usual.get(key, False))}
    return ", ".join(f"{key} {setting(value)}" for key, value in said.items() if key != "name")


def _is_usual(value: object, usual: object) -> bool:
    if value is None or value is False:
        return True
    if isinstance(value, float) and isinstance(usual, float):
        return math.isclose(value, usual, rel_tol=1e-5)  # settings come in 32 bits
    return value == usual


def keras_object(thing: KerasObject) -> str:
    """Return a Keras object with its settings: "SGD (learning_rate 0.01)"."""
    inside = settings(thing.config, thing.class_name)
    return f"{thing.class_name} ({inside})" if inside else thing.class_name


def phase_rows(phase: Phase, classes: Sequence[str]) -> list[tuple[str, str]]:
    """Return the settings of a phase of training, as pairs of name and value."""
    rows = [
        ("Optimizer", keras_object(phase.optimizer)),
        ("Loss", keras_object(phase.loss)),
        ("Epochs", f"{phase.epochs:,}"),
        ("Batch size", f"{phase.batch_size:,}"),
        ("Targets" if phase.labels is Labels.NUMBERS else "Labels", LABELS[phase.labels]),
    ]
    if phase.steps:
        rows.append(("Steps an epoch", f"{phase.steps:,}, which is not once through the rows"))
    if phase.class_weight:
        weights = (f"{_class_name(key, classes)} {value:.4g}" for key, value in phase.class_weight.items())
        rows.append(("Class weights", ", ".join(weights)))
    if phase.early_stopping:
        rows.append(("Early stopping", settings(phase.early_stopping.config, "EarlyStopping") or "yes"))
    if phase.plateau:
        rows.append(("Slower on a plateau", settings(phase.plateau.config, "ReduceLROnPlateau") or "yes"))
    if phase.checkpoint:
        rows.append(("Best epoch taken back", settings(phase.checkpoint.config, "ModelCheckpoint") or "yes"))
    if phase.rates:
        rows.append(("Learning rate by epoch", f"from {phase.rates[0]:.4g} to {phase.rates[-1]:.4g}"))
    return rows


def _class_name(key: str, classes: Sequence[str]) -> str:
    return classes[int(key)] if key.isdecimal() and int(key) < len(classes) else key


def target_scale(scale: TargetScale, name: str) -> str:
    """Return the formula of a student's targets from the data's: "log(median_house_value + 1)", "(price - 2) / 5"."""
    bent = name if scale.shift is None else f"log({name}{f' + {scale.shift:,.0f}' if scale.shift else ''})"
    middle = -scale.offset / scale.factor if scale.factor else 0.0
    if abs(middle) > 1e-6 * abs(1 / scale.factor if scale.factor else 1):
        bent = f"({bent} {'-' if middle > 0 else '+'} {abs(middle):,.6g})"
    if abs(scale.factor - 1) < 1e-6:
        return bent
    return f"{bent} / {1 / scale.factor:,.6g}" if 0 < abs(scale.factor) < 1 else f"{scale.factor:,.6g} * {bent}"
