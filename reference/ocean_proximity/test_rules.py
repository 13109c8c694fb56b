"""The rules of the ocean proximity assignment, in the order in which a report shows them.

Most are shared by all assignments: ``checker/assignment/rules.py`` says what a rule is, what it may ask for, and how a
shared one is picked, reworded or replaced. ``[rules]`` in ``assignment.toml`` may give any rule another weight.

The accuracy is no rule here: the bar stands in ``assignment.toml``.
"""

import re

import pytest

from checker.assignment import rules as shared
from checker.assignment.rules import Assignment, CellResult, Comparison, TrainingRun, starter_sources

# -- the network -----------------------------------------------------------------------------------------

test_nonlinear_hidden_layer = shared.reworded(
    shared.test_nonlinear_hidden_layer,
    help="Put a hidden layer with an activation, say `Dense(50, activation='relu')`, before the output layer.",
)
test_output_is_one_distribution = shared.output_is_one_distribution(
    help="End with `Dense(5, activation='softmax')`, or with `Dense(5)` and `from_logits=True` in the loss.",
    row="house",
)
test_loss_fits_labels_and_output = shared.loss_fits_labels_and_output(row="house")

# -- the data --------------------------------------------------------------------------------------------

test_trained_on_enough_data = shared.reworded(
    shared.test_trained_on_enough_data,
    help="Train on the whole training part of the hand-out (13,209 rows), not on a sample.",
)
test_labels_are_the_datas = shared.test_labels_are_the_datas
test_target_is_not_a_feature = shared.target_is_not_a_feature(
    help="Take the column `ocean_proximity`, and everything computed from it, out of the features.",
    target="the class",
)
test_development_set_was_watched = shared.reworded(
    shared.test_development_set_was_watched,
    help="Give `fit` the development part: `validation_data=(X_dev, Y_dev)`.",
)
test_final_test_on_unseen_rows = shared.test_final_test_on_unseen_rows
test_inputs_are_scaled = shared.test_inputs_are_scaled
test_preprocessing_fitted_on_training_rows = shared.test_preprocessing_fitted_on_training_rows

# -- the training ----------------------------------------------------------------------------------------


@pytest.mark.advisory(
    help="Stop earlier, make the network smaller, or add dropout; watch the development loss.", short="Overfitting"
)
def test_no_strong_overfitting(comparison: Comparison, training: tuple[TrainingRun, ...]) -> None:
    """The network does not overfit strongly."""
    if comparison.training_mean is not None:
        gap = comparison.training_mean - comparison.mean
        assert gap <= 0.05, (
            f"Overfitting: it is right about {comparison.training_mean:.1%} of the training rows, "
            f"but {comparison.mean:.1%} of unseen ones."
        )
    shared.assert_no_late_rise(training)


@pytest.mark.advisory(help="Train longer, try other learning rates, or make the layers larger.", short="Underfitting")
def test_no_underfitting(comparison: Comparison) -> None:
    """The network learns its own training rows well."""
    if comparison.training_mean is None:
        pytest.skip("the accuracy on the training rows is not known")
    assert comparison.training_mean >= comparison.bar, (
        f"Underfitting: it is right about only {comparison.training_mean:.1%} of its training rows. "
        f"The bar for unseen rows is {comparison.bar:.1%}."
    )


# -- further than asked ----------------------------------------------------------------------------------

test_random_seeds_are_set = shared.test_random_seeds_are_set
test_tensorboard_is_used = shared.test_tensorboard_is_used
test_confusion_matrix_is_made = shared.test_confusion_matrix_is_made
test_traditional_model_is_compared = shared.traditional_model_is_compared(
    help="Fit a classifier of an earlier practical, say a `RandomForestClassifier`, and compare.",
    pattern=shared.CLASSIFIERS,
    kind="classifier",
)


@pytest.fixture
def own_code(assignment: Assignment, notebook: tuple[CellResult, ...]) -> str:
    """The code of the cells that are not in the hand-out, without its comments.

    A cell of the hand-out counts as the student's own if anything in it was changed, be it white space within lines.
    """
    handed_out = {source.strip() for source in starter_sources(assignment)}
    own = [cell.source for cell in notebook if cell.source.strip() not in handed_out]
    return re.sub(r"#.*", "", "\n".join(own))
