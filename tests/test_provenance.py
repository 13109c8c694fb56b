"""Provenance: which cells an answer comes from, and which error first caused a missing one."""

import time

import pytest

from checker.records.capture import Adaptation, CellError, CellResult
from checker.source.first_errors import FirstErrors
from checker.source.provenance import Provenance

READ = "housing = pd.read_csv('housing.csv')\nX, Y = housing.values, housing.ocean"
SPLIT = "X_train, X_test, Y_train, Y_test = train_test_split(X, Y)"
NET = "model = keras.Sequential([layers.Dense(5)])\nmodel.compile('adam', 'mse')"
FIT = "model.fit(X_train, Y_train, epochs=5)"


def cell(index, source, error="", line=1, name="NameError"):
    told = CellError(name, error, f"Cell In[{index}], line {line}\n{error}") if error else None
    return CellResult(index=index, source=source, outputs=(), error=told, seconds=0.1)


def unknown(name):
    return f"name '{name}' is not defined"


def first(*cells, adaptations=()):
    known = Provenance(cells, adaptations)
    error = FirstErrors(known).of(known.trainings()[-1])
    assert error is not None
    return error


def test_errors_are_followed_back_to_the_first():
    """If errors form a chain of missing names, the first error is reported with the names that it took away."""
    error = first(
        cell(1, READ, "'ocean'", line=2, name="KeyError"),
        cell(2, SPLIT, unknown("X")),
        cell(3, NET),
        cell(4, FIT, unknown("X_train")),
    )
    assert error.cell == 1
    assert error.rationale == (
        "Cell 1 failed in line 2: KeyError: 'ocean'. So `X` does not exist in cell 2 and `X_train` does not "
        "exist when cell 4 tries to train the network."
    )


def test_an_error_that_nothing_hangs_on_is_not_blamed():
    """An earlier error is not blamed if the training needs nothing of its cell."""
    error = first(
        cell(1, "toy = tf.constant([1]) + 'a'", "no", name="TypeError"),
        cell(2, READ),
        cell(3, SPLIT),
        cell(4, NET),
        cell(5, FIT, "incompatible with the layer: expected axis -1", name="ValueError"),
    )
    assert error.cell == 5
    assert error.rationale.startswith("The training in cell 5 failed: ValueError: incompatible with the layer")
    assert "as many inputs" in error.help


def test_a_line_that_is_no_python_is_the_first_cause():
    """A statement that was left out for its syntax is the first cause, with its line, before the names that it should
    have made."""
    note = "line 1 of the cell is no valid Python, `X_train = split(X`: '(' was never closed; everything else was run"
    cells = (cell(1, READ), cell(2, "X_train = split(X\nprint(1)"), cell(3, NET), cell(4, FIT, unknown("X_train")))
    error = first(*cells, adaptations=(Adaptation(2, note),))
    assert error.rationale.startswith("Cell 2 is no valid Python: line 1, `X_train = split(X`: '(' was never closed.")


def test_a_name_that_a_later_cell_makes_is_told():
    """If only a later cell makes a name, the help says which cell to move before which."""
    error = first(cell(1, "model.compile('adam')", unknown("model")), cell(2, FIT, unknown("model")), cell(3, NET))
    assert error.rationale.startswith("Cell 1 uses `model`, which only a later cell makes: cell 3.")
    assert "Put what makes `model` before cell 1" in error.help


def test_a_misspelt_name_is_told():
    """If no cell makes a name, a similar one is suggested."""
    error = first(cell(1, "X_train = 1"), cell(2, NET), cell(3, "model.fit(X_trian, epochs=1)", unknown("X_trian")))
    assert "which no cell makes. Is `X_train` meant?" in error.rationale


def test_a_file_that_is_missing_is_told():
    """A file that was not handed in is named."""
    message = "[Errno 2] No such file or directory: '/content/data/train.csv'"
    error = first(
        cell(1, "X_train = pd.read_csv('train.csv')", message, name="FileNotFoundError"),
        cell(2, NET),
        cell(3, FIT, unknown("X_train")),
    )
    assert error.rationale.startswith("Cell 1 reads `/content/data/train.csv`, which was not handed in.")
    assert error.help.startswith(
        "Put the lines that make this file into your file, starting from the data of the assignment (better), or hand "
        "in the file `"
    )
    assert error.links[-1].fault.lacks == ""


def test_a_function_takes_along_what_it_needs():
    """A training inside a function needs the names that the function needs, also through other names."""
    error = first(
        cell(1, "X_train = scale(X)", "no such strategy", name="ValueError"),
        cell(2, "rows = X_train", unknown("X_train")),
        cell(3, "def train():\n    return model.fit(rows, epochs=3)"),
        cell(4, "history = train()", unknown("rows")),
    )
    assert error.cell == 1


def test_what_was_trained_on_other_than_it_should_be_is_found():
    """If a failed cell should have scaled the inputs of a network that was trained all the same, that cell is
    blamed."""
    cells = (cell(1, SPLIT), cell(2, "X_train = scale(X_train)", unknown("scale")), cell(3, NET), cell(4, FIT))
    error = FirstErrors(Provenance(cells)).spoiled_by(4)
    assert error is not None
    assert error.rationale.startswith("Cell 2 uses `scale`, which no cell makes.")
    assert FirstErrors(Provenance([cell(1, SPLIT), cell(3, NET), cell(4, FIT)])).spoiled_by(4) is None


def test_the_cells_that_a_training_needs():
    """Cells that make, change or write something that the training needs are kept; other networks, pictures and
    searches are left out."""
    cells = (
        cell(1, "import numpy as np, pandas as pd, keras\nnp.random.seed(1)"),
        cell(2, READ),
        cell(3, "housing.describe()\nprint(np.mean(X))"),
        cell(4, SPLIT),
        cell(5, "other = build()\nother.fit(X_train, Y_train, epochs=99)"),
        cell(6, "!mkdir logs"),
        cell(7, "def block(x):\n    return x * factor"),
        cell(8, "factor = 2"),
        cell(9, "model = keras.Sequential([block(3)])"),
        cell(10, "X_train[0] = 0"),
        cell(11, FIT),
        cell(12, "model.evaluate(X_test, Y_test)"),
    )
    assert Provenance(cells).cells_for({11}) == (1, 2, 4, 6, 7, 8, 9, 10, 11)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["x = x + y; y = y + x;" * 500, "def f(): return g(f, h)\n" * 500])
def test_no_file_keeps_the_checker_busy(source):
    """Names that were made to be followed for long are followed quickly."""
    cells = [cell(n, source) for n in range(1, 20)] + [cell(20, "x.fit(f(x), y, epochs=1)", "no", name="ValueError")]
    started = time.process_time()
    known = Provenance(cells)
    for at in known.trainings()[-5:]:
        FirstErrors(known).of(at)
    known.cells_for({20})
    assert time.process_time() - started < 5


def test_an_error_of_a_module_that_tells_the_files_line_is_one_of_its_cell():
    """If an error gives a line of the file that its cell does not have, all of the cell counts as not run."""
    training = f"def main():\n    model = keras.Sequential()\n    model.compile('adam')\n    {FIT}"
    ended = "the script ended itself in line 35 (the following arguments are required: --epochs)"
    error = first(cell(1, training), cell(2, "if True:\n    main()", ended, 35, "SystemExit"))
    assert "--epochs" in error.rationale
