"""Definitions: names that cells make, change and need."""

import time

import pytest

from checker.source import definitions
from checker.source.definitions import FILES


def only(source):
    (statement,) = definitions.read(source).statements
    return statement


@pytest.mark.parametrize(
    ("source", "makes", "needs"),
    [
        ("X = housing.drop('a', axis=1)", {"X"}, {"housing"}),
        ("a, (b, *c) = f(d)", {"a", "b", "c"}, {"f", "d"}),
        ("import numpy as np, os.path", {"np", "os"}, set()),
        ("from keras import layers as L", {"L"}, set()),
        ("for i in rows: total += i", {"i", "total"}, {"rows", "total", "i"}),
        ("with open(f) as g: pass", {"g"}, {"open", "f", FILES}),
        ("parts = [scale(p) for p in (X, Y)]", {"parts"}, {"scale", "X", "Y"}),
        ("%time model = build(9)", {"model"}, {"build"}),
        ("files = !ls", {"files"}, set()),
    ],
)
def test_what_a_statement_makes_and_needs(source, makes, needs):
    """Assignments, imports and loops make names; all other names are needed, except a comprehension's own."""
    found = only(source)
    assert (found.makes, found.needs) == (makes, needs)


def test_what_a_function_needs_is_kept_for_its_call():
    """A definition needs only its defaults; the names in its body are needed by its calls."""
    found = only("def train(net, epochs=most):\n    rows = X_train\n    net.fit(rows, Y_train, epochs=epochs)")
    assert (found.makes, found.needs, found.later) == ({"train"}, {"most"}, {"X_train", "Y_train"})
    assert found.trains == {"net"}


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("model.compile('adam')", {"model"}),
        ("table['a'] = 1", {"table"}),
        ("net.layers[0].trainable = False", {"net"}),
        ("table.dropna(inplace=True)", {"table"}),
        ("StandardScaler().fit(X)", set()),
        ("table.describe()", set()),
    ],
)
def test_what_a_statement_changes(source, changes):
    """Assigned items and attributes, and methods called for their effect, change the object that they belong to."""
    assert only(source).changes == changes


def test_a_network_s_fit_is_told_from_a_scaler_s():
    """Only a network's ``fit`` has epochs or batches."""
    assert only("h = model.fit(X, Y, epochs=3)").trains == {"model"}
    assert not only("scaler.fit(X)").trains
    assert only("scaler.fit(X)").fits == {"scaler"}


def test_what_does_not_parse_is_read_by_its_lines():
    """A line that is not Python does not affect the other lines."""
    found = definitions.read("X_train = split(X\nmodel.fit(X_train, epochs=3)\nprint 'done'").statements
    assert [(of.first, set(of.makes)) for of in found[:1]] == [(1, {"X_train"})]
    assert found[1].trains == {"model"}


@pytest.mark.parametrize(
    "source", ["!python prepare.py", "%%writefile net.py\nx = 1", "%run prepare.ipynb", "%%bash\nls"]
)
def test_cells_that_run_commands_are_known(source):
    """Cells that run commands are recognised, because nobody sees what a command writes."""
    assert definitions.read(source).runs_commands


def test_code_is_told_from_comments_and_texts():
    """Names in comments and strings do not count."""
    assert definitions.code_of("x = 'tf.placeholder('  # tf.Session(") == "x=''"


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    ["(" * 200_000, "-" * 200_000 + "1", "a" + ".b()" * 50_000, "x=1;" * 50_000, "\n" * 200_000, "f'{" * 70_000],
)
def test_no_source_keeps_the_reader_busy(source):
    """Code that was made to take long is read quickly."""
    started = time.process_time()
    definitions.read(source)
    definitions.code_of(source)
    assert time.process_time() - started < 5
