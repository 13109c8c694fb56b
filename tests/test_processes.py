"""Calls shared out among processes."""

import os
from functools import partial

import pytest

from checker.errors import AssignmentError, HarnessError
from checker.run import processes

MANY = range(processes.MANY)


def shared_out(function, arguments):
    """Return all results of spread calls."""
    with processes.spread(function, arguments) as results:
        return list(results)


def plus(number, more):
    """Return a sum, and the process in which it was made."""
    return number + more, os.getpid()


def refuse_three(number):
    """Raise an error of the assignment for 3."""
    if number == 3:
        raise AssignmentError("three", "Take another.")
    return number


def end_itself(number):
    """End the process for 3."""
    if number == 3:
        os._exit(1)
    return number


def test_few_calls_are_made_here():
    """Less than many calls start no process."""
    assert shared_out(partial(plus, more=10), MANY[1:]) == [(number + 10, os.getpid()) for number in MANY[1:]]


@pytest.mark.slow
def test_many_calls_are_made_elsewhere_in_order():
    """Results come in the order of the calls, from other processes."""
    results = shared_out(partial(plus, more=10), MANY)
    assert [result for result, _ in results] == [number + 10 for number in MANY]
    assert os.getpid() not in {process for _, process in results}


@pytest.mark.slow
def test_an_error_of_a_call_is_raised():
    """An error of ours arrives whole; a process that ends is an error of the harness."""
    with pytest.raises(AssignmentError, match="three") as told:
        shared_out(refuse_three, MANY)
    assert told.value.help == "Take another."
    with pytest.raises(HarnessError, match="was ended"):
        shared_out(end_itself, MANY)
