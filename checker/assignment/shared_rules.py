"""The rules that assignments share, as pytest functions. Rule files import them from ``checker.assignment.rules``."""

import functools
import re
from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Any, NoReturn

import pytest

from checker.formats.text import counted
from checker.keras_spec.architectures import (
    describe,
    linear_in_words,
    nonlinear_hidden_layers,
    normalises_inputs,
    output_activation,
    output_units,
)
from checker.keras_spec.foreign_weights import is_said_in
from checker.records.assignment import Assignment
from checker.records.capture import ModelCapture
from checker.records.network import Architecture, Labels, Recipe
from checker.records.tracing import SeenRows, Tracing
from checker.records.training import TrainingRun
from checker.records.verdicts import HAND_OUT

Rule = Callable[..., None]

ENOUGH = 0.4
"""Smallest share of all rows to train on: half, minus rows that students may drop (gaps, capped values, a class)."""

CLASSIFICATION_LOSSES = {
    Labels.INTEGERS: {"SparseCategoricalCrossentropy"},
    Labels.ONE_HOT: {"CategoricalCrossentropy", "CategoricalFocalCrossentropy", "KLDivergence"},
}
"""The losses that fit each form of labels."""

REGRESSION_LOSSES = {
    "MeanSquaredError",
    "MeanAbsoluteError",
    "Huber",
    "LogCosh",
    "MeanSquaredLogarithmicError",
    "MeanAbsolutePercentageError",
    "Poisson",
}

CLASSIFIERS = r"\b((?!MLP|Keras)\w+Classifier(CV)?|LogisticRegression(CV)?|\w*SVC|\w+NB)\s*\("
REGRESSORS = r"\b((?!MLP|Keras)\w+Regressor|LinearRegression|Ridge(CV)?|Lasso(CV)?|ElasticNet(CV)?|\w*SVR)\s*\("
"""Patterns of code that makes a traditional model."""

ELSEWHERE = f"\n{HAND_OUT}"
"""The explanation for rules about code that may also be in the hand-out."""

_FORMS = {Labels.INTEGERS: "class numbers", Labels.ONE_HOT: "one-hot", Labels.NUMBERS: "plain numbers"}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class NoEvidenceError(Exception):
    """The evidence that a rule needs does not exist for this submission."""


def unknown(words: str) -> NoReturn:
    """End a rule with missing evidence; ``words`` describe what is missing."""
    raise NoEvidenceError(words)


def require_known_weights(answer: ModelCapture) -> None:
    """End a rule about the rows of a training if these do not account for the network's weights."""
    if answer.origin or is_said_in(answer.unrebuildable):
        unknown("the source of the weights is not known, nor the rows behind them")


def reworded(rule: Rule, *, help: str, sentence: str = "", short: str = "") -> Rule:
    """Return a shared rule with another ``help``, and another sentence and short name if they are given."""

    @functools.wraps(rule)
    def again(**evidence: Any) -> None:
        rule(**evidence)

    (mark,) = again.pytestmark  # type: ignore[attr-defined]
    again.pytestmark = []  # type: ignore[attr-defined]
    again.__doc__ = sentence or rule.__doc__
    words = {**mark.kwargs, "help": help, "short": short or mark.kwargs.get("short", "")}
    return getattr(pytest.mark, mark.name)(**words)(again)  # type: ignore[no-any-return]


# -- the network -----------------------------------------------------------------------------------------


@pytest.mark.required(
    help="Put a hidden layer, say `Dense(50, activation='relu')`, before the output layer.", short="Linear network"
)
def test_nonlinear_hidden_layer(assignment: Assignment, architecture: Architecture) -> None:
    """The network has at least one non-linear hidden layer."""
    assert nonlinear_hidden_layers(architecture), (
        f"{linear_in_words(architecture, assignment.data.is_regression)}\nIts layers: {describe(architecture)}."
    )


def output_is_one_distribution(
    *,
    help: str = "End with a unit for each class and `activation='softmax'`, "
    "or without an activation and with `from_logits=True` in the loss.",
    row: str = "row",
) -> Rule:
    """Return the rule about a classification's output layer; ``row``: a noun for a row of the data."""

    @pytest.mark.required(help=help, short="Wrong output layer")
    def rule(assignment: Assignment, architecture: Architecture, recipe: Recipe, note: Callable[[str], None]) -> None:
        """The output layer has a unit for each class, and together they form one probability distribution."""
        units, activation = output_units(architecture), output_activation(architecture)
        from_logits = recipe.phases[-1].loss.config.get("from_logits") is True
        classes = len(assignment.data.classes)
        assert units in {classes, None}, f"The output layer has {counted(units or 0, 'unit')} for {classes} classes."
        if activation == "softmax":
            if from_logits:
                note(
                    "The output is a softmax, but the loss expects logits (`from_logits=True`). Keras notices this "
                    "here and applies softmax once. Where it cannot notice, softmax is applied twice, and training "
                    "suffers."
                )
            return
        assert activation == "linear", (
            f"The output units use {activation}, so they form no distribution over the classes.\n"
            f"A {row} is in exactly one class, so the outputs must compete: softmax makes them sum to one."
        )
        assert from_logits, (
            "The outputs have no activation, but the loss takes them for probabilities.\n"
            "There is neither a softmax in the output layer nor `from_logits=True` in the loss."
        )

    return rule


test_output_is_one_distribution = output_is_one_distribution()


def output_is_one_number(
    *,
    help: str = "End with `Dense(1)`, without an activation. A sigmoid would not do either: it has a largest value.",
    number: str = "the prediction",
) -> Rule:
    """Return the rule about a regression's output layer; ``number``: a noun for the target."""

    @pytest.mark.required(help=help, short="Wrong output layer")
    def rule(architecture: Architecture) -> None:
        """The output layer is one unit that can give any number."""
        units, activation = output_units(architecture), output_activation(architecture)
        assert units in {1, None}, f"The output layer has {counted(units or 0, 'unit')}, but {number} is one number."
        assert activation != "softmax", (
            "The output unit uses softmax, so its output is always exactly one.\nSoftmax belongs to classification."
        )
        assert activation in {"linear", "relu", "softplus", "exponential"}, (
            f"The output unit uses {activation}, which has a largest and a smallest value.\n"
            "The output must be able to become any number."
        )

    return rule


test_output_is_one_number = output_is_one_number()


def loss_fits_labels_and_output(
    *,
    help: str = "Use `sparse_categorical_crossentropy` for class numbers, `categorical_crossentropy` for one-hot "
    "labels.",
    row: str = "row",
) -> Rule:
    """Return the rule about a classification's loss; ``row``: a noun for a row of the data."""

    @pytest.mark.required(help=help, short="Wrong loss")
    def rule(assignment: Assignment, recipe: Recipe) -> None:
        """The loss is a cross-entropy that fits the labels and the output."""
        last, classes = recipe.phases[-1], len(assignment.data.classes)
        loss, count = last.loss.class_name, _NUMBERS[classes] if classes < len(_NUMBERS) else str(classes)
        assert loss != "BinaryCrossentropy", (
            f"The loss is binary cross-entropy, which judges each output alone, as {count} yes-or-no questions.\n"
            f"Each {row} is in exactly one of {count} classes, so the outputs must be judged as one distribution."
        )
        assert loss in CLASSIFICATION_LOSSES.get(last.labels, set()), (
            f"The loss `{loss}` does not fit the labels, which are {_FORMS[last.labels]}.\n"
            "Squared errors belong to regression; each form of labels has its own cross-entropy."
        )

    return rule


test_loss_fits_labels_and_output = loss_fits_labels_and_output()


@pytest.mark.required(
    help="Compile with `loss='mean_squared_error'`, or another loss of regression.", short="Wrong loss"
)
def test_loss_is_one_of_regression(recipe: Recipe) -> None:
    """The loss measures how far a prediction lies from the true number."""
    loss = recipe.phases[-1].loss.class_name
    assert loss in REGRESSION_LOSSES, (
        f"The loss `{loss}` is not one of regression.\n"
        "Cross-entropies compare distributions over classes. This task predicts a number."
    )


# -- the data --------------------------------------------------------------------------------------------


@pytest.mark.required(help="Train on the whole training part, not on a sample.", short="Too few rows")
def test_trained_on_enough_data(tracing: Tracing, data_rows: int, answer: ModelCapture) -> None:
    """The network was trained on a fair share of the data."""
    assert_enough_rows(tracing.training_rows + tracing.development_rows, data_rows)
    require_known_weights(answer)


def assert_enough_rows(rows: int, data_rows: int) -> None:
    """Fail if training and development rows together are less than ``ENOUGH`` of the data's rows."""
    assert rows >= ENOUGH * data_rows, (
        f"Too few rows: training and development used {rows:,} of {data_rows:,}.\n"
        "A network that sees few rows learns little about the others."
    )


def labels_are_the_datas(*, label: str = "label") -> Rule:
    """Return the rule against labels other than the data's; ``label``: a noun for one of them, "target" for a
    regression."""

    @pytest.mark.required(
        help="Whatever reorders or drops rows (sorting, shuffling, splitting) must do it to features and "
        f"{label}s together.",
        short=f"{label.capitalize()}s differ from the data's",
    )
    def rule(tracing: Tracing, answer: ModelCapture) -> None:
        if not tracing.labels_compared:
            unknown(f"the {label}s of its training rows are not known")
        assert not tracing.has_other_labels, (
            f"{tracing.labels_in_words(label)}\nA network that learns other {label}s does not answer the task."
        )
        require_known_weights(answer)

    rule.__doc__ = f"Each row was trained on with the {label} that the data has for it."
    return rule


test_labels_are_the_datas = labels_are_the_datas()


def target_is_not_a_feature(
    *, help: str = "Take the target, and everything computed from it, out of the features.", target: str = "the target"
) -> Rule:
    """Return the rule against features that give the target away; ``target``: a noun for the target."""

    @pytest.mark.required(help=help, short="Target among the inputs")
    def rule(assignment: Assignment, tracing: Tracing) -> None:
        leaks = tracing.leaks_in_words(assignment.data.features, assignment.data.target, assignment.data.is_regression)
        assert not leaks, leaks

    rule.__doc__ = f"No feature gives {target} away."
    return rule


test_target_is_not_a_feature = target_is_not_a_feature()


@pytest.mark.advisory(
    help="Give `fit` the development part: `validation_data=(X_dev, y_dev)`.", short="No development set"
)
def test_development_set_was_watched(recipe: Recipe) -> None:
    """A development set was watched while the network was trained and tuned."""
    assert recipe.development, (
        "No development set: `fit` got no validation data.\n"
        "Without a development set you cannot see overfitting, and you would have to choose settings on the test part."
    )
    assert not recipe.watched_itself, (
        "No real development set: all of its rows are training rows.\n"
        "A network does well on its training rows, however it does on others."
    )


@pytest.mark.advisory(
    help="Split before training, and test once at the end on the part kept aside.", short="No test on unseen rows"
)
def test_final_test_on_unseen_rows(answer: ModelCapture, tracing: Tracing) -> None:
    """The network was tested on rows that it was not trained on."""
    assert answer.uses or tracing.seen, "No test: neither `evaluate` nor `predict` was called on the network."
    if not tracing.seen:
        pytest.skip("the rows of its test were not found in the data set")
    calls = " and ".join(f"`{how}`" for how in dict.fromkeys(seen.how for seen in tracing.seen))
    is_all = all(seen.trained_on == seen.rows for seen in tracing.seen)
    rows = "only training rows" if is_all else "training rows too"
    assert any(map(is_unseen, tracing.seen)), (
        f"No test on unseen rows: {calls} got {rows}, so nothing was tested on unseen ones.\n"
        + "\n".join(
            f"Cell {seen.cell}: {seen.trained_on:,} of the {seen.rows:,} rows given to {seen.how} were training rows."
            for seen in tracing.seen
        )
    )
    require_known_weights(answer)


def is_unseen(seen: SeenRows) -> bool:
    """Tell whether fewer than 1% of these rows were trained on."""
    return seen.trained_on < 0.01 * seen.rows


@pytest.mark.advisory(
    help="Standardise the features, as the hand-out does, or start with a `Normalization` layer that was adapted to "
    "the training rows.",
    short="Inputs not scaled",
)
def test_inputs_are_scaled(answer: ModelCapture, tracing: Tracing) -> None:
    """The inputs are scaled."""
    large = [c for c in tracing.columns if abs(c.train_mean) > 10 or c.train_deviation > 10]
    if large and answer.architecture is None:
        unknown("its layers are its own code, which may scale the inputs")
    assert not large or (answer.architecture and normalises_inputs(answer.architecture)), (
        f"Inputs not scaled: {len(large)} of {len(tracing.columns)} hold large numbers.\n"
        "Large numbers make training slow and unsteady.\n"
        + "\n".join(
            f"{c.source or 'A column'}: mean {c.train_mean:,.4g}, deviation {c.train_deviation:,.4g}." for c in large
        )
    )


@pytest.mark.advisory(
    help="Fit the imputer and the scaler on the training part, then only transform the other parts.",
    short="Scaled before splitting",
)
def test_preprocessing_fitted_on_training_rows(tracing: Tracing) -> None:
    """The scaler was fitted on the training part alone."""
    peeked = [
        c.source or "a column"
        for c in tracing.columns
        if (_is_exact(c.all_mean, c.all_deviation - 1) and not _is_exact(c.train_mean, c.train_deviation - 1))
        or (_is_exact(c.all_low, c.all_high - 1) and not _is_exact(c.train_low, c.train_high - 1))
    ]
    assert not peeked, (
        f"The scaler was fitted on more than the training part, for {counted(len(peeked), 'column')}.\n"
        f"Scaled exactly over all rows, and not over the training rows: {', '.join(peeked)}."
    )
    if not any(column.scaler for column in tracing.columns):
        pytest.skip("no scaler was found")


def _is_exact(*errors: float) -> bool:
    """Tell whether these are all zero, apart from rounding."""
    return all(abs(error) < 1e-4 for error in errors)


# -- the training ----------------------------------------------------------------------------------------


def assert_no_late_rise(training: Sequence[TrainingRun]) -> None:
    """Fail if the final development loss is more than 15% above its lowest value, in the median of the runs."""
    rises = [rise for run in training if not run.stopped_early and (rise := _late_rise(run)) is not None]
    assert not rises or median(rises) <= 0.15, (
        f"Overfitting: the loss on the development part ended {median(rises):.0%} above its lowest value.\n"
        "From that lowest point on, the network learned the training rows by heart."
    )


def _late_rise(run: TrainingRun) -> float | None:
    """Return the share by which the mean of the last three development losses exceeds the lowest; None if there are too
    few."""
    losses = values_in_history(run, "val_loss")
    return fmean(losses[-3:]) / min(losses) - 1 if len(losses) > 3 and min(losses) > 0 else None


def values_in_history(run: TrainingRun, name: str) -> list[float]:
    """Return a metric's values in a training's history, epoch by epoch, without missing ones."""
    return [value for value in run.history.get(name, ()) if value is not None]


# -- beyond the task -------------------------------------------------------------------------------------


@pytest.mark.advisory(
    help="Start with `keras.utils.set_random_seed(...)`, and if a split has no `random_state`, give it one.",
    short="No random seed",
)
def test_random_seeds_are_set(own_code: str) -> None:
    """Random seeds are set, so that results can be repeated."""
    assert re.search(r"\b(set_random_seed|set_seed|random\.seed|default_rng)\s*\(\s*\w", own_code), (
        f"No random seed is set.{ELSEWHERE}"
    )


@pytest.mark.advisory(help="Give `fit` a callback: `keras.callbacks.TensorBoard(log_dir=...)`.", short="No TensorBoard")
def test_tensorboard_is_used(own_code: str) -> None:
    """TensorBoard follows the training."""
    assert re.search(r"\bTensorBoard\s*\(", own_code), f"TensorBoard is not used.{ELSEWHERE}"


@pytest.mark.advisory(
    help="See which classes are confused: `sklearn.metrics.confusion_matrix`.", short="No confusion matrix"
)
def test_confusion_matrix_is_made(own_code: str) -> None:
    """A confusion matrix shows which classes are taken for which."""
    made = r"\b(confusion_matrix|ConfusionMatrixDisplay(\.from_\w+)?|crosstab)\s*\("
    assert re.search(made, own_code), f"No confusion matrix is made.{ELSEWHERE}"


@pytest.mark.advisory(
    help="Draw predictions against true values: `plt.scatter(y_test, predictions)`.", short="Predictions not drawn"
)
def test_predictions_are_drawn(own_code: str) -> None:
    """A picture shows predicted beside true values."""
    drawn = r"\b(scatter|scatterplot|regplot|residplot|hexbin|hist2d|jointplot)\s*\(|PredictionErrorDisplay"
    assert re.search(drawn, own_code), f"Predictions are not drawn against true values.{ELSEWHERE}"


def traditional_model_is_compared(
    *,
    help: str = "Fit a model of an earlier practical, and compare.",
    pattern: str = f"{CLASSIFIERS}|{REGRESSORS}",
    kind: str = "model",
) -> Rule:
    """Return the rule about a comparison with a traditional model; code that matches ``pattern`` makes one."""

    @pytest.mark.advisory(help=help, short="No traditional model")
    def rule(own_code: str) -> None:
        assert re.search(pattern, own_code), f"No traditional {kind} is fitted for comparison.{ELSEWHERE}"

    rule.__doc__ = f"The network is compared with a traditional {kind}."
    return rule


test_traditional_model_is_compared = traditional_model_is_compared()
