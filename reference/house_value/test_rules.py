"""The rules of the house value assignment, in the order in which a report shows them.

What a rule is, and what it may ask for, is said in ``reference/ocean_proximity/test_rules.py``. The error is no rule
here: the bar stands in ``assignment.toml``.
"""

import re
from statistics import fmean, median

import pytest

from checker.assignment.folders import own_cells
from checker.keras_spec.architectures import (
    describe,
    nonlinear_hidden_layers,
    normalises_inputs,
    output_activation,
    output_units,
)
from checker.records.assignment import Assignment
from checker.records.capture import CellResult, ModelCapture
from checker.records.network import Architecture, Recipe
from checker.records.tracing import SeenRows, Tracing
from checker.records.training import TrainingRun
from checker.run.rules import unknown

HOUSING_ROWS = 20_640
ENOUGH = 0.4
"""Share of all rows to train on: half of them, less what goes when capped values or rows with gaps are dropped."""


FITTING_LOSSES = {
    "MeanSquaredError",
    "MeanAbsoluteError",
    "Huber",
    "LogCosh",
    "MeanSquaredLogarithmicError",
    "MeanAbsolutePercentageError",
    "Poisson",
}


# -- the network -----------------------------------------------------------------------------------------


@pytest.mark.required(help="Build and train a network of your own below the hand-out's example.")
def test_network_is_ones_own(assignment: Assignment, answer: ModelCapture, notebook: tuple[CellResult, ...]) -> None:
    """The network is the student's own, not the hand-out's example."""
    cells = {answer.cell, *(fit.cell for fit in answer.fits)}
    own = [cell.index for cell in own_cells(assignment, notebook) if cell.index in cells]
    assert own or not cells & {cell.index for cell in notebook}, (
        "The network that was found is the hand-out's example, unchanged.\n"
        "It shows how a regression is done; the task is to do better."
    )


@pytest.mark.required(
    help="Put a hidden layer with an activation, say Dense(30, activation='relu'), before the output layer."
)
def test_nonlinear_hidden_layer(architecture: Architecture) -> None:
    """The network has at least one non-linear hidden layer."""
    assert nonlinear_hidden_layers(architecture), (
        f"The network is linear: {describe(architecture)}.\n"
        "Layers without an activation between them can do no more than linear regression."
    )


@pytest.mark.required(help="End with Dense(1), without an activation.")
def test_output_is_one_number(architecture: Architecture) -> None:
    """The output layer is one unit that can give any number."""
    units, activation = output_units(architecture), output_activation(architecture)
    assert units in {1, None}, f"The output layer has {units} units; a house value is one number."
    assert activation != "softmax", (
        "The output unit uses softmax, which makes the outputs sum to one: a single one is always exactly one.\n"
        "Softmax belongs to classification. To predict a number, leave the output as it is."
    )
    assert activation in {"linear", "relu", "softplus", "exponential"}, (
        f"The output unit uses {activation}, which has a largest and a smallest value.\n"
        "A number to predict needs an output that can become any number."
    )


@pytest.mark.required(help="Compile with loss='mean_squared_error', or another loss of regression.")
def test_loss_is_one_of_regression(recipe: Recipe) -> None:
    """The loss measures how far a prediction lies from the true number."""
    loss = recipe.phases[-1].loss.class_name
    assert loss in FITTING_LOSSES, (
        f"The loss is {loss}.\nCross-entropies compare distributions over classes; here numbers are compared."
    )


# -- the data --------------------------------------------------------------------------------------------


@pytest.mark.required(help="Train on the whole training part, not on a sample.")
def test_trained_on_enough_data(answer: ModelCapture) -> None:
    """The network was trained on a fair share of the data."""
    rows = max(fit.training.rows + (fit.validation.rows if fit.validation else 0) for fit in answer.fits)
    if not rows:
        unknown("how many rows it was trained on is not known")
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


@pytest.mark.required(help="Take the column median_house_value, and all made from it, out of the features.")
def test_target_is_not_a_feature(assignment: Assignment, tracing: Tracing) -> None:
    """No feature gives the house value away."""
    leaks = [
        f"column {number}{f' ({column.formula})' if column.formula else ''}"
        for number, column in enumerate(tracing.columns, start=1)
        if column.gives_away(assignment.data.is_regression) and column.source not in assignment.data.features
    ]
    assert not leaks, (
        f"Of {len(tracing.columns)} inputs, {' and '.join(leaks)} alone tells the house value.\n"
        "The value itself, or something made from it, is among the features: then there is nothing to learn."
    )


@pytest.mark.advisory(help="Give fit the development part: validation_data=(X_valid, y_valid).")
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
def test_no_strong_overfitting(training: tuple[TrainingRun, ...]) -> None:
    """The network does not overfit strongly."""
    gaps = [gap for run in training if (gap := gap_at_end(run)) is not None]
    assert not gaps or median(gaps) <= 0.25, (
        f"By the end, the error on the development part was {median(gaps):.0%} above that on the training part."
    )
    rises = [rise for run in training if not run.stopped_early and (rise := late_rise(run)) is not None]
    assert not rises or median(rises) <= 0.15, (
        f"By the end, the loss on the development part was {median(rises):.0%} above its lowest value.\n"
        "From that lowest point on, the network learned the training rows by heart."
    )


@pytest.mark.advisory(help="Train longer, or try other learning rates.")
def test_no_underfitting(training: tuple[TrainingRun, ...]) -> None:
    """Training went on until it no longer helped much."""
    falls = [fall for run in training if not run.stopped_early and (fall := last_fall(run)) is not None]
    if not falls:
        pytest.skip("the losses of the last epochs are not known")
    assert median(falls) <= 0.05, (
        f"The error on the training rows still fell by {median(falls):.0%} in the last epoch: there was more to learn."
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


@pytest.mark.advisory(help="Draw predictions against true values: plt.scatter(y_test, predictions).")
def test_predictions_are_drawn(own_code: str) -> None:
    """A picture shows predicted beside true values."""
    drawn = r"\b(scatter|scatterplot|regplot|residplot|hexbin|hist2d|jointplot)\s*\(|PredictionErrorDisplay"
    assert re.search(drawn, own_code), "The student's own cells draw no predictions against true values."


@pytest.mark.advisory(help="Fit a model of an earlier practical, say a RandomForestRegressor, and compare.")
def test_traditional_model_is_compared(own_code: str) -> None:
    """The network is compared with a traditional model."""
    traditional = r"\b((?!MLP|Keras)\w+Regressor|LinearRegression|Ridge(CV)?|Lasso(CV)?|ElasticNet(CV)?|\w*SVR)\s*\("
    assert re.search(traditional, own_code), "The student's own cells fit no traditional model."


# -- what the rules share --------------------------------------------------------------------------------


@pytest.fixture
def own_code(assignment: Assignment, notebook: tuple[CellResult, ...]) -> str:
    """The code of the cells that are not in the hand-out, without its comments."""
    own = [cell.source for cell in own_cells(assignment, notebook)]
    return re.sub(r"#.*", "", "\n".join(own))


def is_unseen(seen: SeenRows) -> bool:
    """Whether practically none of these rows had been trained on."""
    return seen.trained_on < 0.01 * seen.rows


def is_exact(*errors: float) -> bool:
    """Whether these are all zero but for rounding."""
    return all(abs(error) < 1e-4 for error in errors)


def known(run: TrainingRun, name: str) -> list[float]:
    """The values of a training's history, without gaps."""
    return [value for value in run.history.get(name, ()) if value is not None]


def late_rise(run: TrainingRun) -> float | None:
    """How far the last three development losses lie above the lowest; None where there are too few."""
    losses = known(run, "val_loss")
    return fmean(losses[-3:]) / min(losses) - 1 if len(losses) > 3 and min(losses) > 0 else None


def gap_at_end(run: TrainingRun) -> float | None:
    """How far the last three errors on the development part lie above those on the training part."""
    training, development = known(run, "mae")[-3:], known(run, "val_mae")[-3:]
    return fmean(development) / fmean(training) - 1 if development and training and fmean(training) else None


def last_fall(run: TrainingRun) -> float | None:
    """By what share the error on the training rows fell from the last epoch but one to the last."""
    errors = known(run, "mae")
    return 1 - errors[-1] / errors[-2] if len(errors) > 1 and errors[-2] > 0 else None
