"""Questions about the answer's network: its layers, its output, and its other parts."""

import numpy as np

from checker.judge.questions.view import Details, View, about, short
from checker.keras_spec.architectures import (
    LINEAR,
    describe_layer,
    nonlinear_hidden_layers,
    output_activation,
    own_activation,
)
from checker.records.report import Figure, Symptom
from checker.scoring import targets

SATURATING = ("sigmoid", "tanh", "hard_sigmoid", "softsign")
RANGES = {
    "sigmoid": (0, 1),
    "hard_sigmoid": (0, 1),
    "tanh": (-1, 1),
    "softsign": (-1, 1),
    "relu": (0, None),
    "softplus": (0, None),
    "exponential": (0, None),
}
"""The least and the largest value of activations; None for no largest."""

BRANCHES = {
    "Add": "The outputs of two layers are added: a short cut by which gradients get to early layers.",
    "Average": "The mean of several layers' outputs.",
    "Concatenate": "The outputs of several layers are put beside each other.",
    "Multiply": "The outputs of two layers are multiplied: one opens and closes the other.",
}


# -- the layers ------------------------------------------------------------------------------------------


def parameters(view: View) -> Details | None:
    """The first layer with units is a Dense layer on the inputs."""
    units, inputs = _first_dense(view), view.report.answer.input_width if view.report.answer else None
    if view.architecture is None or units is None or not inputs or len(view.architecture.outputs) != 1:
        return None
    answer = f"{inputs * units + units:,}"
    return about(view.made, units=units, inputs=inputs, parameters=view.architecture.parameters, answer=answer)


def _first_dense(view: View) -> int | None:
    """Return the units of the first layer if it is a Dense layer with biases directly on the inputs."""
    first = view.layers[1] if len(view.layers) > 1 and view.layers[0].class_name == "InputLayer" else None
    units = first.config.get("units") if first and first.class_name == "Dense" else None
    return units if first and isinstance(units, int) and first.config.get("use_bias", True) else None


def more_weights_than_rows(view: View) -> Details | None:
    """The network has more weights than rows to learn from, and no overfitting shows."""
    if any(seen.symptom is Symptom.OVERFITS for seen in view.report.observations):
        return None
    if view.architecture is None or not 0 < view.rows < view.architecture.parameters:
        return None
    return about(view.made, parameters=view.architecture.parameters, rows=view.rows)


def no_hidden_layer(view: View) -> Details | None:
    """The network has no hidden layer."""
    if view.architecture is None or view.hidden:
        return None
    borders = (
        "draw only straight borders",
        "Each output is one weighted sum of the inputs; where two of them are equal, the border between their classes "
        "is a straight line or a plane.",
    )
    slopes = (
        "give each input only one slope",
        "Its output is one weighted sum of the inputs: one more of an input adds the same everywhere.",
    )
    does, why = borders if view.classes else slopes
    return about(view.made, does=does, why=why)


def linear_layers(view: View) -> Details | None:
    """The network has hidden layers, all of them linear."""
    if view.architecture is None or not view.hidden or nonlinear_hidden_layers(view.architecture):
        return None
    return about(view.made, layers=len(view.hidden) + 1)


def hidden_relu(view: View) -> Details | None:
    """The hidden layers use ReLU."""
    if "relu" not in _hidden_activations(view):
        return None
    return about(view.made, activation="ReLU", layers="layers" if len(view.hidden) > 1 else "layer")


def hidden_saturating(view: View) -> Details | None:
    """Hidden layers use an activation that saturates."""
    found = [name for name in _hidden_activations(view) if name in SATURATING]
    use = "layers use" if len(view.hidden) > 1 else "layer uses"
    return about(view.made, activation=found[0], use=use) if found else None


def _hidden_activations(view: View) -> list[str]:
    """Return the nonlinear activations of the hidden layers, each once, in order."""
    layers = view.layers[:-1]
    return list(dict.fromkeys(own_activation(layer) for layer in layers if own_activation(layer) != LINEAR))


def layer_sizes(view: View) -> Details | None:
    """The network has hidden layers with units."""
    sizes = [str(layer.config["units"]) for layer in view.hidden if isinstance(layer.config.get("units"), int)]
    if not sizes or len(sizes) > 8:
        return None
    return about(view.made, sizes=" and ".join(filter(None, (", ".join(sizes[:-1]), sizes[-1]))))


def branches(view: View) -> Details | None:
    """The layers of the network form no chain."""
    joint = next((layer for layer in view.layers if layer.class_name in BRANCHES), None)
    if joint is None:
        return None
    article = "an" if joint.class_name[0] in "AEIOU" else "a"
    return about(view.made, layer=f"{article} {joint.class_name} layer", good=BRANCHES[joint.class_name])


def embedding(view: View) -> Details | None:
    """The network has an embedding layer."""
    return about(view.made) if any(layer.class_name == "Embedding" for layer in view.layers) else None


def own_code(view: View) -> Details | None:
    """The network has parts that the student wrote, and it was not replayed because of them."""
    if view.report.answer is None or not view.report.answer.unrebuildable or view.report.replayed:
        return None
    if match := view.find(r"^class\s+\w+\s*\(.*(Model|Layer|Sequential)\b"):
        return about(match.cell, kind=f"`{match.code.rstrip(' :')}`")
    match = view.find(r"\bLambda\s*\(")
    return about(match.cell, kind="Your Lambda layer") if match else None


def why_this_model(view: View) -> Details | None:
    """The student's own cells make several networks that might be the answer."""
    answer, own = view.report.answer, {cell.index for cell in view.own}
    rejected = [model for model in view.report.selection.rejected if model.cell in own]
    rivals = [model for model in rejected if "fits the task" in model.reason]
    if answer is None or not rivals:
        return None
    name = short(answer.variable or answer.name)
    return about(answer.cell, models=len(rivals) + 1, variable=name, reason=short(view.report.selection.reason, 300))


# -- the output ------------------------------------------------------------------------------------------


def _output(view: View) -> str:
    """Return the output's activation; "" if it is unknown."""
    return output_activation(view.architecture) if view.architecture else ""


def _takes_logits(view: View) -> bool:
    return view.phase is not None and view.phase.loss.config.get("from_logits") is True


def softmax(view: View) -> Details | None:
    """The output is a softmax, and the loss expects probabilities."""
    is_one = view.classes and _output(view) == "softmax" and not _takes_logits(view)
    return about(view.made, classes=view.classes) if is_one else None


def logits(view: View) -> Details | None:
    """The output has no activation, and the loss expects logits."""
    is_so = view.classes and _output(view) == LINEAR and _takes_logits(view)
    return about(view.made) if is_so else None


def softmax_and_logits(view: View) -> Details | None:
    """The output is a softmax, but the loss expects logits."""
    is_so = view.classes and _output(view) == "softmax" and _takes_logits(view)
    return about(view.trained) if is_so else None


def bare_output(view: View) -> Details | None:
    """The output has no activation, but the loss expects probabilities."""
    is_entropy = view.phase is not None and "entropy" in view.phase.loss.class_name.lower()
    is_so = view.classes and is_entropy and _output(view) == LINEAR and not _takes_logits(view)
    return about(view.made) if is_so else None


def sigmoid_outputs(view: View) -> Details | None:
    """Each output has a sigmoid."""
    return about(view.made, classes=view.classes) if view.classes and _output(view) == "sigmoid" else None


def argmax(view: View) -> Details | None:
    """The network classifies, and the student takes the largest output."""
    match = view.find(r"\bargmax\s*\(")
    place = match.cell if match else view.made
    return about(place, classes=view.classes) if view.classes and view.report.answer else None


def one_number(view: View) -> Details | None:
    """The output of a regression has no activation."""
    return about(view.made, good=_of_no_activation(view)) if not view.classes and _output(view) == LINEAR else None


def _of_no_activation(view: View) -> str:
    """Return a good answer to what ReLU and sigmoid would do to the output, by the targets that they would have to
    give; without figures if the targets' scale or the data's values are not known."""
    scale = view.report.tracing.target if view.report.tracing else None
    values = [true for true, _ in view.report.comparison.sample] if view.report.comparison else []
    if scale is None or not scale.factor or not values:
        return (
            "Any target can be reached without one. ReLU gives nothing below zero, sigmoid nothing below zero or above "
            "one: looks at the lowest and the highest target."
        )
    ends = targets.apply(scale, np.array([min(values), max(values)]))
    low, high = sorted(float(end) for end in ends)
    zero, one = (view.unit.value(float(f"{price:.2g}")) for price in targets.undo(scale, np.array([0.0, 1.0])))
    if low < 0:
        return (
            "Any target can be reached without one. Here some targets are below zero: ReLU could give none of them (a "
            f"target of 0 is about {zero}), and sigmoid neither these nor any above 1 (about {one})."
        )
    stuck = "a unit whose sum is below zero for all rows gets no gradient, and stays at 0"
    if high <= 1:
        return (
            f"The targets lie between 0 and 1, so both could give them. But with ReLU {stuck}; sigmoid is nearly flat "
            "at its ends, so the lowest and the highest prices are learnt slowly."
        )
    return (
        f"The targets are all above zero, so ReLU could give them, but {stuck}. Sigmoid gives nothing above 1, which "
        f"is about {one} here."
    )


def one_softmax(view: View) -> Details | None:
    """The output of a regression is a softmax over one unit."""
    if view.classes or not view.is_constant:
        return None
    of, besides = "the loss", ""
    if weight_penalty(view):  # which has a gradient of its own
        of, besides = "the output", " Only the penalty moves weights."
    ask = f"What is the gradient of {of} by each weight here, and what can the optimiser do with it"
    return about(Figure.CURVES if view.losses("loss") else view.made, ask=ask, besides=besides)


def bent_number(view: View) -> Details | None:
    """The output of a regression has a nonlinear activation."""
    activation = _output(view)
    is_so = not view.classes and activation not in ("", LINEAR, "softmax")
    return about(view.made, activation=activation, range=_range(view, activation)) if is_so else None


def _range(view: View, activation: str) -> str:
    """Return a sentence on the prices that an output can be; without figures if the targets' scale is not known."""
    scale = view.report.tracing.target if view.report.tracing else None
    low, high = RANGES.get(activation, (None, None))
    if scale is None or not scale.factor or low is None:
        return f"Says which numbers {activation} never gives, and how the targets are scaled."
    ends = [view.unit.value(float(targets.undo(scale, np.array([end]))[0])) for end in (low, high) if end is not None]
    reached = f"prices between {ends[0]} and {ends[1]}" if len(ends) > 1 else f"prices above {ends[0]}"
    numbers = f"between {low} and {high}" if high is not None else f"above {low}"
    return f"{activation} gives numbers {numbers}. With these targets that is {reached}."


# -- what keeps it from learning by heart ----------------------------------------------------------------


def dropout(view: View) -> Details | None:
    """The network has a Dropout layer."""
    for before, layer in zip(view.layers, view.layers[1:], strict=False):
        if layer.class_name == "Dropout" and isinstance(rate := layer.config.get("rate"), float):
            named = "the inputs" if before.class_name == "InputLayer" else describe_layer(before)
            return about(view.made, layer=f"Dropout({rate:g})", before=named, rate=f"{rate:g}")
    return None


def batch_normalisation(view: View) -> Details | None:
    """The network has a BatchNormalization layer."""
    return about(view.made) if any(layer.class_name == "BatchNormalization" for layer in view.layers) else None


def weight_penalty(view: View) -> Details | None:
    """A layer has a penalty on its weights."""
    for layer in view.layers:
        penalty = layer.config.get("kernel_regularizer")
        if isinstance(penalty, dict):
            return about(view.made, penalty=f"the {penalty.get('class_name', 'penalty')} penalty on the weights")
    return None


def no_regularisation(view: View) -> Details | None:
    """The network has neither dropout, nor batch normalisation, nor a penalty on weights."""
    regularised = any(layer.class_name.endswith(("Dropout", "Normalization", "Noise")) for layer in view.layers)
    return None if regularised or weight_penalty(view) or not view.hidden else about(view.made)
