"""A training that contradicts itself or the clock is referred."""

from dataclasses import replace

import pytest
from reports import a_comparison

from checker.judge import plausibility, verdict
from checker.records.capture import CellResult
from checker.records.comparison import Agreed
from checker.records.verdicts import Verdict
from checker.scoring.metrics import find

LOSSES = (0.8, 0.4, 0.3)


def a_cell(index=5, seconds=20.0):
    return CellResult(index=index, source="model.fit(x, y)", outputs=(), error=None, seconds=seconds)


def a_network(make, losses=LOSSES, epochs=3, steps=600, cell=5):
    history = {"loss": losses, "accuracy": losses} if losses else {}
    fit = replace(make.fit(), how="fit", cell=cell, epochs_done=epochs, steps_done=steps, finished=True)
    return replace(make.model(), cell=cell, fits=(replace(fit, history=history),))


def doubt(network, cells=None, others=()):
    return plausibility.doubt(network, (network, *others), [a_cell()] if cells is None else cells)


@pytest.mark.parametrize("losses", [LOSSES, (*LOSSES, 0.2)])
def test_a_training_with_a_loss_for_each_epoch_is_believed(make, losses):
    """A history with one value for each epoch is believed, also if an interrupted epoch left one more."""
    assert doubt(a_network(make, losses)) == ""


def test_a_training_without_a_history_is_doubted(make):
    """Every call of ``fit`` returns a history, so a training without one was made up, or its loop was replaced."""
    assert "left no history" in doubt(a_network(make, ()))


@pytest.mark.parametrize("epochs", [1, 15])
def test_a_history_of_other_epochs_than_were_run_is_doubted(make, epochs):
    """A history with another number of values than epochs is doubted."""
    assert "holds 3 epochs" in doubt(a_network(make, epochs=epochs))


def test_a_loop_of_the_students_own_needs_no_history(make):
    """Loops of train_on_batch and GradientTape need no history."""
    network = a_network(make, ())
    assert doubt(replace(network, fits=(replace(network.fits[0], how="GradientTape loop"),))) == ""


def test_more_steps_than_any_computer_does_in_the_time_are_doubted(make):
    """Two million steps in one second, counted over all networks, are doubted: a step would take half a microsecond."""
    network = a_network(make, steps=1_500_000)
    assert doubt(network, [a_cell(seconds=2.0)]) == ""
    assert "3,000,000 steps" in doubt(network, [a_cell(seconds=2.0)], others=[replace(network, id=9)])


def test_of_a_cell_that_did_not_end_the_time_is_not_known(make):
    """Steps are not compared with the clock if a cell was killed, because its time is unknown."""
    assert doubt(a_network(make, steps=10**9), []) == ""


def test_a_network_that_no_cell_made_is_doubted(make):
    """A network from before the first cell is doubted, because the student's file did not make it."""
    assert "in no cell of the file" in doubt(a_network(make, cell=0))


def test_what_cannot_have_been_is_never_a_pass(make):
    """A training that contradicts itself is referred, however good the network is trained again."""
    agreed = Agreed(impossible=doubt(a_network(make, ())))
    reached, reasons = verdict.decide([], [], a_comparison(0.95), find("accuracy", "$1"), agreed=agreed)
    assert (reached, reasons) == (Verdict.REFER, (agreed.impossible,))
