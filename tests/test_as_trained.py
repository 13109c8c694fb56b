"""Networks' results as the student trained them, by the data's labels."""

from dataclasses import replace

import numpy as np
import pytest

from checker.gather import own_results
from checker.gather.own_results import Own
from checker.gather.rows.matches import MatchedTables
from checker.records.capture import AsTrained, TableOutputs
from checker.records.evidence import RowKind
from checker.records.tracing import TargetScale
from checker.wire import frames

TRAINED, _, TESTED, UNUSED = (own_results.KINDS.index(kind) for kind in RowKind)


@pytest.fixture
def practical(make):
    """A network that was trained on four rows and tested on two, and its predictions for these and two other rows."""
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    tables = [np.arange(8.0).reshape(4, 2), np.ones((2, 2)), np.full((2, 2), 7.0)]
    rows = [np.array([0, 1, 2, 3]), np.array([4, -1]), np.array([6, 7])]
    given = [np.array([0, 1, 2, 2], np.uint8), np.array([1, 1], np.uint8), np.array([0, 255], np.uint8)]
    model = make.model(1, make.fit(training=make.fed(tables[0])), uses=(make.use("evaluate", make.fed(tables[1])),))
    names = [frames.reference(table).sha256 for table in tables]
    outputs = tuple(TableOutputs(n, frames.reference(g)) for n, g in zip(names, given, strict=True))
    answers = {frames.reference(g).sha256: g for g in given}
    matched = MatchedTables(dict(zip(names[:2], tables[:2], strict=True)), dict(zip(names[:2], rows[:2], strict=True)))
    return model, AsTrained(1, 5, outputs), answers, matched, {names[2]: rows[2]}, labels


def test_answers_are_held_against_the_datas_labels(practical):
    """Each matched row is right or wrong by the data's label, and has the kind of use that the run made of it."""
    model, answered, answers, matched, others, labels = practical
    own = own_results.own_of(model, answered, answers, matched, others, labels, {0: 0, 1: 1, 2: 2}, None)
    assert own.losses[[0, 1, 2, 3, 4, 6, 7]].tolist() == [0, 0, 0, 1, 0, 0, 1]
    assert np.isnan(own.losses[5])
    assert own.kinds.tolist() == [TRAINED] * 4 + [TESTED, own_results.UNKNOWN, UNUSED, UNUSED]
    result = own_results.result_of(own, answered, "accuracy")
    assert [(of.kinds[0], of.rows, of.score) for of in result.scores] == [
        (RowKind.TRAINED, 4, 0.75),
        (RowKind.TESTED, 1, 1.0),
        (RowKind.UNUSED, 2, 0.5),
    ]
    assert (result.trained.rows, result.unseen.rows, result.cell) == (4, 3, 5)


def test_rows_are_unseen_only_where_all_that_was_trained_on_is_known(practical, make):
    """If a training table was not found, any row may have been trained on, so no score is of unseen rows."""
    model, answered, answers, matched, others, labels = practical
    more = make.fit(training=make.fed(np.full((9, 2), 3.0)))
    model = replace(model, fits=(more, *model.fits))
    own = own_results.own_of(model, answered, answers, matched, others, labels, {0: 0, 1: 1, 2: 2}, None)
    assert own.kinds.tolist() == [TRAINED] * 4 + [own_results.UNKNOWN] * 4
    result = own_results.result_of(own, answered, "accuracy")
    assert (result.trained.rows, result.unseen) == (4, None)


def test_a_students_own_numbers_of_classes_are_understood(practical):
    """If the student numbers classes differently, the labels of the training rows show the mapping."""
    *_, matched, _, labels = practical
    (rows, _) = matched.rows.values()
    theirs = np.array([2, 0, 1, 2])
    assert own_results.class_names((theirs, rows), labels, 3) == {2: 0, 0: 1, 1: 2}
    assert own_results.class_names((np.eye(3)[theirs], rows), labels, 3) == {2: 0, 0: 1, 1: 2}
    same = {0: 0, 1: 1, 2: 2}
    assert own_results.class_names(None, labels, 3) == same
    assert own_results.class_names((np.array([0, 1, 1, 1]), np.array([0, 0, 3, 3])), labels, 3) == same


def test_values_of_a_regression_come_back_in_the_datas_unit(practical):
    """Values in the student's unit are mapped back and cut to the range of the data; a loss is a squared error."""
    model, answered, answers, matched, others, _ = practical
    labels = np.array([1e5, 2e5, 3e5, 4e5, 1e5, 2e5, 3e5, 5e5])
    values = {name: np.array([1, 2, 3.5, 9][: len(given)], np.float32) for name, given in answers.items()}
    own = own_results.own_of(model, answered, values, matched, others, labels, {}, TargetScale(1e-5, 0.0))
    assert own.losses[:4].tolist() == pytest.approx([0, 0, 0.25e10, 1e10])
    unknown = own_results.own_of(model, answered, values, matched, others, labels, {}, None)
    assert not np.isfinite(unknown.losses).any()


def test_why_nothing_is_known_is_said(practical):
    """Without predictions, with a note instead, or with unmatched rows, the result has no score and says why."""
    model, answered, *_ = practical
    lost = Own(model, np.full(8, own_results.UNKNOWN), np.full(8, np.nan))
    assert own_results.result_of(lost, None, "accuracy").note == "its answers did not arrive"
    assert own_results.result_of(lost, AsTrained(1, 5, (), "it is so"), "accuracy").note == "it is so"
    assert "not found in the data set" in own_results.result_of(lost, answered, "accuracy").note
    assert "targets" in own_results.result_of(replace(lost, kinds=np.full(8, TRAINED)), answered, "rmse").note
    wild = replace(model, fits=(replace(model.fits[0], history={"loss": (0.7, None)}),))
    assert "NaN" in own_results.result_of(replace(lost, model=wild), answered, "rmse").note
