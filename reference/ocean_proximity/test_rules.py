"""The rules of the ocean proximity assignment, in the order in which a report shows them.

A rule is a pytest function. What it is about, it asks for by name: the network (``architecture``), how it
was trained (``recipe``), which rows it saw (``tracing``), how it did when the checker trained it again
(``comparison``, ``training``), the student's cells (``notebook``). Where that evidence does not exist, the
rule could not be checked, and a required one is then for a human to look at; a rule that does not apply calls
``pytest.skip``. Its docstring is its sentence in the report. When an assertion fails, the first line of the
message says what was found and the other lines explain; ``help`` says what to do about it. A rule that is
``required`` decides about the tick; an ``advisory`` one is something to talk about; ``[rules]`` in ``assignment.toml``
may say otherwise of any of them.

The accuracy is no rule here: the bar stands in ``assignment.toml``.
"""

import re
from collections.abc import Callable
from statistics import fmean, median

import pytest

from checker.assignment.folders import starter_sources
from checker.keras_spec.architectures import (
    describe,
    nonlinear_hidden_layers,
    normalises_inputs,
    output_activation,
    output_units,
)
from checker.records.assignment import Assignment
from checker.records.capture import CellResult, ModelCapture
from checker.records.comparison import Comparison
from checker.records.network import Architecture, Labels, Recipe
from checker.records.tracing import SeenRows, Tracing
from checker.records.training import TrainingRun
from checker.run.rules import unknown

HOUSING_ROWS = 20_640
ENOUGH = 0.4
"""Share of all rows to train on: half of them, less what goes when rows with gaps or a class are dropped."""

FITTING_LOSSES = {
    Labels.INTEGERS: {"SparseCategoricalCrossentropy"},
    Labels.ONE_HOT: {"CategoricalCrossentropy", "CategoricalFocalCrossentropy", "KLDivergence"},
}


# -- the network -----------------------------------------------------------------------------------------


@pytest.mark.required(
    help="Put a hidden layer with an activation, say Dense(50, activation='relu'), before the output layer."
)
def test_nonlinear_hidden_layer(architecture: Architecture) -> None:
    """The network has at least one non-linear hidden layer."""
    assert nonlinear_hidden_layers(architecture), (
        f"The network is linear: {describe(architecture)}.\n"
        "Layers without an activation between them can do no more than logistic regression."
    )


@pytest.mark.required(
    help="End with Dense(5, activation='softmax'), or with Dense(5) and from_logits=True in the loss."
)
def test_output_is_one_distribution(
    assignment: Assignment, architecture: Architecture, recipe: Recipe, note: Callable[[str], None]
) -> None:
    """The output layer has a unit for each class, and together they form one probability distribution."""
    units, activation = output_units(architecture), output_activation(architecture)
    from_logits = recipe.phases[-1].loss.config.get("from_logits") is True
    assert units in {len(assignment.data.classes), None}, f"The output layer has {units} units."
    if activation == "softmax":
        if from_logits:
            note(
                "The output is a softmax, yet the loss was told to expect logits (from_logits=True). Keras "
                "notices and helps itself; where it cannot, softmax is applied twice and training suffers."
            )
        return
    assert activation == "linear", (
        f"The output units use {activation}: they are no distribution over the classes.\n"
        "A house is in exactly one class, so the outputs must compete: softmax makes them sum to one."
    )
    assert from_logits, (
        "The outputs are bare numbers (no activation), but the loss takes them for probabilities.\n"
        "Neither a softmax in the output layer nor from_logits=True in the loss was found."
    )


@pytest.mark.required(
    help="Use sparse_categorical_crossentropy for class numbers, categorical_crossentropy for one-hot labels."
)
def test_loss_fits_labels_and_output(recipe: Recipe) -> None:
    """The loss is a cross-entropy that fits the labels and the output."""
    last = recipe.phases[-1]
    loss = last.loss.class_name
    assert loss != "BinaryCrossentropy", (
        "The loss is binary cross-entropy: it judges each output by itself, as five yes-or-no questions.\n"
        "Each house is in exactly one of five classes, so the outputs must be judged as one distribution."
    )
    assert loss in FITTING_LOSSES[last.labels], (
        f"The loss is {loss}, the labels are {last.labels}.\n"
        "Squared errors belong to regression; each form of labels has its own cross-entropy."
    )


# -- the data --------------------------------------------------------------------------------------------


@pytest.mark.required(help="Train on the whole training part of the hand-out (13,209 rows), not on a sample.")
def test_trained_on_enough_data(tracing: Tracing) -> None:
    """The network was trained on a fair share of the data."""
    rows = tracing.training_rows + tracing.development_rows
    assert rows >= ENOUGH * HOUSING_ROWS, (
        f"The network was trained on {rows:,} rows, development rows included, of {HOUSING_ROWS:,}.\n"
        "What is learned from a few rows says little about the others."
    )


@pytest.mark.required(help="Keep features and labels in the same order: split, shuffle and drop rows of both together.")
def test_labels_are_the_datas(tracing: Tracing) -> None:
    """Each row was trained on with the label that the data has for it."""
    if not tracing.labels_compared:
        unknown("which labels its rows were trained on with is not known")
    assert not tracing.has_other_labels, (
        f"{tracing.labels_in_words}\nWhat is learned from other labels is no answer to the task."
    )


@pytest.mark.required(help="Take the column ocean_proximity, and all made from it, out of the features.")
def test_target_is_not_a_feature(assignment: Assignment, tracing: Tracing) -> None:
    """No feature gives the class away."""
    leaks = [
        f"column {number}{f' ({column.formula})' if column.formula else ''}"
        for number, column in enumerate(tracing.columns, start=1)
        if column.gives_away(assignment.data.is_regression) and column.source not in assignment.data.features
    ]
    assert not leaks, (
        f"Of {len(tracing.columns)} inputs, {' and '.join(leaks)} alone tells a class from all the others.\n"
        "The class itself, or something made from it, is among the features: then there is nothing to learn."
    )


@pytest.mark.advisory(help="Give fit the development part: validation_data=(X_dev, Y_dev).")
def test_development_set_was_watched(recipe: Recipe) -> None:
    """A development set was watched while the network was trained and tuned."""
    assert recipe.development, (
        "No development set was watched: no validation_data, no validation_split, no second set tested on.\n"
        "Without one there is no way to notice overfitting, or to choose settings without the test part."
    )
    assert not recipe.watched_itself, (
        "The development set that was watched holds only rows that were trained on.\n"
        "That is none: on rows that it was trained on, a network looks good however it does on others."
    )


@pytest.mark.advisory(help="Split before training, and test once at the end on the part kept aside.")
def test_final_test_on_unseen_rows(answer: ModelCapture, tracing: Tracing) -> None:
    """The network was tested on rows that it was not trained on."""
    assert answer.uses or tracing.seen, "It was tested on nothing: neither evaluate nor predict was called on it."
    if not tracing.seen:
        pytest.skip("it was tested on nothing that could be found in the data set")
    assert any(map(is_unseen, tracing.seen)), (
        "Every set of rows that the network was tested on holds rows it was trained on.\n"
        + "\n".join(
            f"Cell {seen.cell}, {seen.how}: {seen.trained_on:,} of {seen.rows:,} rows were trained on."
            for seen in tracing.seen
        )
    )


@pytest.mark.advisory(help="Standardise the features, as the hand-out does, or start with a Normalization layer.")
def test_inputs_are_scaled(architecture: Architecture, tracing: Tracing) -> None:
    """The inputs are of a sensible size."""
    large = [c for c in tracing.columns if abs(c.train_mean) > 10 or c.train_deviation > 10]
    assert not large or normalises_inputs(architecture), (
        f"{len(large)} of {len(tracing.columns)} inputs are large numbers, which make training slow and unsteady.\n"
        + "\n".join(
            f"{c.source or 'A column'}: mean {c.train_mean:,.4g}, deviation {c.train_deviation:,.4g}." for c in large
        )
    )


@pytest.mark.advisory(help="Fit the imputer and the scaler on the training part, then only transform the others.")
def test_preprocessing_fitted_on_training_rows(tracing: Tracing) -> None:
    """The scaling was learned from the training part alone."""
    peeked = [
        c.source or "a column"
        for c in tracing.columns
        if (is_exact(c.all_mean, c.all_deviation - 1) and not is_exact(c.train_mean, c.train_deviation - 1))
        or (is_exact(c.all_low, c.all_high - 1) and not is_exact(c.train_low, c.train_high - 1))
    ]
    assert not peeked, (
        f"The scaling was learned from more than the training part: {', '.join(peeked)}.\n"
        "These columns are scaled exactly over all rows, and not over the rows that were trained on."
    )


# -- the training ----------------------------------------------------------------------------------------


@pytest.mark.advisory(help="Stop earlier, make the network smaller, or add dropout; watch the development loss.")
def test_no_strong_overfitting(comparison: Comparison, training: tuple[TrainingRun, ...]) -> None:
    """The network does not overfit strongly."""
    if comparison.training_mean is not None:
        gap = comparison.training_mean - comparison.mean
        assert gap <= 0.05, (
            f"It is right about {comparison.training_mean:.1%} of the training rows "
            f"but {comparison.mean:.1%} of unseen ones."
        )
    rises = [rise for run in training if not run.stopped_early and (rise := late_rise(run)) is not None]
    assert not rises or median(rises) <= 0.15, (
        f"By the end, the loss on the development part was {median(rises):.0%} above its lowest value.\n"
        "From that lowest point on, the network learned the training rows by heart."
    )


@pytest.mark.advisory(help="Train longer, try other learning rates, or make the layers larger.")
def test_no_underfitting(comparison: Comparison) -> None:
    """The network learns its own training rows well."""
    if comparison.training_mean is None:
        pytest.skip("the accuracy on the training rows is not known")
    assert comparison.training_mean >= comparison.bar, (
        f"It is right about only {comparison.training_mean:.1%} of the rows it was trained on; "
        f"the bar for unseen rows is {comparison.bar:.1%}."
    )


# -- further than asked ----------------------------------------------------------------------------------


@pytest.mark.advisory(help="Start with keras.utils.set_random_seed(...), and a random_state in every split.")
def test_random_seeds_are_set(own_code: str) -> None:
    """Random seeds are set, so that results can be repeated."""
    assert re.search(r"\b(set_random_seed|set_seed|random\.seed|default_rng)\s*\(\s*\w", own_code), (
        "No random seed is set in the student's own cells."
    )


@pytest.mark.advisory(help="Give fit a callback: keras.callbacks.TensorBoard(log_dir=...).")
def test_tensorboard_is_used(own_code: str) -> None:
    """TensorBoard follows the training."""
    assert re.search(r"\bTensorBoard\s*\(", own_code), "The student's own cells do not use TensorBoard."


@pytest.mark.advisory(help="See which classes are confused: sklearn.metrics.confusion_matrix.")
def test_confusion_matrix_is_made(own_code: str) -> None:
    """A confusion matrix shows which classes are taken for which."""
    made = r"\b(confusion_matrix|ConfusionMatrixDisplay(\.from_\w+)?|crosstab)\s*\("
    assert re.search(made, own_code), "The student's own cells make no confusion matrix."


@pytest.mark.advisory(help="Fit a classifier of an earlier practical, say a RandomForestClassifier, and compare.")
def test_traditional_model_is_compared(own_code: str) -> None:
    """The network is compared with a traditional classifier."""
    traditional = r"\b((?!MLP|Keras)\w+Classifier(CV)?|LogisticRegression(CV)?|\w*SVC|\w+NB)\s*\("
    assert re.search(traditional, own_code), "The student's own cells fit no traditional classifier."


# -- what the rules share --------------------------------------------------------------------------------


@pytest.fixture
def own_code(assignment: Assignment, notebook: tuple[CellResult, ...]) -> str:
    """The code of the cells that are not in the hand-out, without its comments."""
    handed_out = {source.strip() for source in starter_sources(assignment)}
    own = [cell.source for cell in notebook if cell.source.strip() not in handed_out]
    return re.sub(r"#.*", "", "\n".join(own))


def is_unseen(seen: SeenRows) -> bool:
    """Whether practically none of these rows had been trained on."""
    return seen.trained_on < 0.01 * seen.rows


def is_exact(*errors: float) -> bool:
    """Whether these are all zero but for rounding."""
    return all(abs(error) < 1e-4 for error in errors)


def late_rise(run: TrainingRun) -> float | None:
    """How far the last three development losses lie above the lowest; None where there are too few."""
    losses = [loss for loss in run.history.get("val_loss", ()) if loss is not None]
    return fmean(losses[-3:]) / min(losses) - 1 if len(losses) > 3 and min(losses) > 0 else None
