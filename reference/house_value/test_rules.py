"""The rules of the house value assignment, in the order in which a report shows them.

Most are shared by all assignments: ``checker/assignment/rules.py`` says what a rule is, what it may ask for, and how a
shared one is picked, reworded or replaced. ``[rules]`` in ``assignment.toml`` may give any rule another weight.

The error is no rule here: the bar stands in ``assignment.toml``.
"""

from statistics import fmean, median

import pytest

from checker.assignment import rules as shared
from checker.assignment.rules import (
    Assignment,
    CellResult,
    ModelCapture,
    TrainingRun,
    own_cells,
    unknown,
    values_in_history,
)

# -- the network -----------------------------------------------------------------------------------------


@pytest.mark.required(
    help="Build and train a network of your own below the hand-out's example.", short="Hand-out network unchanged"
)
def test_network_is_ones_own(assignment: Assignment, answer: ModelCapture, notebook: tuple[CellResult, ...]) -> None:
    """The network is the student's own, not the hand-out's example."""
    cells = {answer.cell, *(fit.cell for fit in answer.fits)}
    own = [cell.index for cell in own_cells(assignment, notebook) if cell.index in cells]
    assert own or not cells & {cell.index for cell in notebook}, (
        "The network is the hand-out's example, unchanged.\n"
        "It shows how a regression is done; the task is to do better."
    )


test_nonlinear_hidden_layer = shared.reworded(
    shared.test_nonlinear_hidden_layer,
    help="Put a hidden layer with an activation, say `Dense(30, activation='relu')`, before the output layer.",
)
test_output_is_one_number = shared.output_is_one_number(number="a house value")
test_loss_is_one_of_regression = shared.test_loss_is_one_of_regression

# -- the data --------------------------------------------------------------------------------------------


@pytest.mark.required(help="Train on the whole training part, not on a sample.", short="Too few rows")
def test_trained_on_enough_data(answer: ModelCapture, data_rows: int) -> None:
    """The network was trained on a fair share of the data."""
    rows = max(fit.training.rows + (fit.validation.rows if fit.validation else 0) for fit in answer.fits)
    if not rows:
        unknown("how many rows it was trained on is not known")
    shared.assert_enough_rows(rows, data_rows)
    shared.require_known_weights(answer)


test_labels_are_the_datas = shared.labels_are_the_datas(label="target")
test_target_is_not_a_feature = shared.target_is_not_a_feature(
    help="Take the column `median_house_value`, and everything computed from it, out of the features.",
    target="the house value",
)
test_development_set_was_watched = shared.reworded(
    shared.test_development_set_was_watched,
    help="Give `fit` the development part: `validation_data=(X_valid, y_valid)`.",
)
test_final_test_on_unseen_rows = shared.test_final_test_on_unseen_rows
test_inputs_are_scaled = shared.test_inputs_are_scaled
test_preprocessing_fitted_on_training_rows = shared.test_preprocessing_fitted_on_training_rows

# -- the training ----------------------------------------------------------------------------------------


@pytest.mark.advisory(
    help="Stop earlier, make the network smaller, or add dropout; watch the development loss.", short="Overfitting"
)
def test_no_strong_overfitting(training: tuple[TrainingRun, ...]) -> None:
    """The network does not overfit strongly."""
    gaps = [gap for run in training if (gap := gap_at_end(run)) is not None]
    assert not gaps or median(gaps) <= 0.25, (
        f"Overfitting: the error on the development part ended {median(gaps):.0%} above that on the training part."
    )
    shared.assert_no_late_rise(training)


@pytest.mark.advisory(help="Train longer, or try other learning rates.", short="Stopped too early")
def test_no_underfitting(training: tuple[TrainingRun, ...]) -> None:
    """The error on the training rows had nearly stopped falling when training ended."""
    falls = [fall for run in training if not run.stopped_early and (fall := last_fall(run)) is not None]
    if not falls:
        pytest.skip("the losses of the last epochs are not known")
    if not any(map(fell, training)):
        pytest.skip("the error on the training rows never fell")
    assert median(falls) <= 0.05, (
        f"Stopped too early: the error on the training rows still fell by {median(falls):.0%} in the last epoch."
    )


def gap_at_end(run: TrainingRun) -> float | None:
    """How far the last three errors on the development part lie above those on the training part."""
    training, development = values_in_history(run, "mae")[-3:], values_in_history(run, "val_mae")[-3:]
    return fmean(development) / fmean(training) - 1 if development and training and fmean(training) else None


def fell(run: TrainingRun) -> bool:
    """Whether the error on the training rows ever fell below that of the first epoch, by more than rounding."""
    errors = values_in_history(run, "mae")
    return min(errors) < 0.999 * errors[0] if errors else False


def last_fall(run: TrainingRun) -> float | None:
    """By what share the error on the training rows fell from the last epoch but one to the last."""
    errors = values_in_history(run, "mae")
    return 1 - errors[-1] / errors[-2] if len(errors) > 1 and errors[-2] > 0 else None


# -- further than asked ----------------------------------------------------------------------------------

test_random_seeds_are_set = shared.test_random_seeds_are_set
test_tensorboard_is_used = shared.test_tensorboard_is_used
test_predictions_are_drawn = shared.test_predictions_are_drawn
test_traditional_model_is_compared = shared.traditional_model_is_compared(
    help="Fit a model of an earlier practical, say a `RandomForestRegressor`, and compare.",
    pattern=shared.REGRESSORS,
)
