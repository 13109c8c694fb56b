"""What Keras's names of quantities mean, and what a student's callback watches when the checker trains again."""

import pytest

from checker.keras_spec import watched
from checker.keras_spec.watched import ABSOLUTE_ERROR, ACCURACY, LOSS
from checker.records.network import Labels


@pytest.mark.parametrize(
    ("labels", "monitor", "here"),
    [
        (Labels.INTEGERS, "val_loss", ("val_loss", "min")),
        (Labels.INTEGERS, "loss", ("loss", "min")),
        (Labels.INTEGERS, "val_sparse_categorical_accuracy", ("val_accuracy", "max")),
        (Labels.ONE_HOT, "acc", ("accuracy", "max")),
        (Labels.ONE_HOT, "val_f1_score", ("val_loss", "min")),
        (Labels.NUMBERS, "val_mean_absolute_error", ("val_mae", "min")),
        (Labels.NUMBERS, "val_accuracy", ("val_loss", "min")),
        (Labels.NUMBERS, "mse", ("loss", "min")),
    ],
)
def test_a_callback_watches_what_is_measured_here(labels, monitor, here):
    """The metric of the task is meant wherever its name is in Keras's; whatever else was watched is the loss."""
    config = watched.as_measured_here({"patience": 3, "monitor": monitor, "mode": "auto"}, watched.metric_of(labels))
    assert (config["monitor"], config["mode"]) == here
    assert config["patience"] == 3


def test_without_a_word_the_development_loss_is_watched():
    """Keras's callbacks watch val_loss by default."""
    assert watched.as_measured_here({}, ACCURACY) == {"monitor": "val_loss", "mode": "min"}


def test_a_mode_that_was_asked_for_counts_where_more_may_be_better():
    """A student's own mode is kept in a classification; in a regression all is an error, and less is better."""
    asked = {"monitor": "val_loss", "mode": "max"}
    assert watched.as_measured_here(asked, ACCURACY)["mode"] == "max"
    assert watched.as_measured_here(asked, ABSOLUTE_ERROR)["mode"] == "min"


def test_a_history_is_read_by_what_its_names_mean():
    """A quantity is found under any of Keras's names, on development rows apart; an empty list is none."""
    history = {"loss": (2.0, 1.0), "val_loss": (), "acc": (0.1, 0.2), "val_acc": (0.3,)}
    assert LOSS.series(history, development=False) == (2.0, 1.0)
    assert LOSS.series(history, development=True) == ()
    assert ACCURACY.series(history, development=False) == (0.1, 0.2)
    assert ACCURACY.series(history, development=True) == (0.3,)
    assert ABSOLUTE_ERROR.series(history, development=False) == ()
