"""Reading notebooks and modules."""

import json

import nbformat
import pytest

from checker.guest import generation, notebook
from checker.guest.notebook import UnreadableError


def sources(content):
    return [cell.source for cell in notebook.read_module(content.encode()).cells]


def test_percent_cells_are_cells():
    """A module with ``# %%`` lines is split there."""
    assert sources("a = 1\n# %% second\nb = 2\n#%%\nc = 3") == ["a = 1", "b = 2", "c = 3"]


def test_a_plain_module_is_split_between_its_statements():
    """Paragraphs of top-level statements are cells; a blank line inside a function or a string is no border."""
    text = 'import os\nimport re\n\ndef f():\n    a = 1\n\n    return a\n\n@str\nclass A:\n    """x\n\n    y"""\n\nf()'
    assert sources(text) == [
        "import os\nimport re",
        "def f():\n    a = 1\n\n    return a",
        '@str\nclass A:\n    """x\n\n    y"""',
        "f()",
    ]


def test_a_module_with_a_syntax_error_stays_whole():
    """What cannot be parsed is one cell, whose error tells the line."""
    assert sources("a = 1\n\nb = (\n\nc = 2") == ["a = 1\n\nb = (\n\nc = 2"]


def test_old_notebooks_are_upgraded():
    """A notebook of format 3 is read as one of format 4."""
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell(input="x = 1")])]
    )
    read = notebook.read_notebook(json.dumps(old).encode())
    assert read.nbformat == 4
    assert read.cells[0].source == "x = 1"


@pytest.mark.parametrize("content", [b"", "<html>", b"{}", b"\xff\xfe\x00", b'{"cells": 3, "nbformat": 4}', b"[1]"])
def test_a_broken_file_is_told_in_words(content):
    """What is no notebook raises one error, with what to do."""
    with pytest.raises(UnreadableError) as caught:
        notebook.read_notebook(content)
    rationale, help = caught.value.args
    assert "not a notebook" in rationale
    assert "save" in help


def test_another_language_is_named():
    """A notebook in R is not run."""
    other = nbformat.v4.new_notebook(metadata={"kernelspec": {"language": "R", "name": "ir", "display_name": "R"}})
    with pytest.raises(UnreadableError, match="written in r"):
        notebook.read_notebook(nbformat.writes(other).encode())


@pytest.mark.parametrize(
    ("code", "keras"),
    [
        ("opt.minimize(loss, var_list=[w])", "2"),
        ("keras.optimizers.Adam(lr=0.01)", "2"),
        ("SGD(learning_rate=1)", "2"),
        ("model.predict_classes(X)", "2"),
        ("x = tf.placeholder(tf.float32)", "2"),
        ("keras.optimizers.Adam(learning_rate=0.001)", "3"),
        ("model.compile('adam')", "3"),
    ],
)
def test_the_generation_is_read_from_the_code(code, keras):
    """Idioms that only legacy Keras runs ask for it."""
    assert generation.choose(code)[0] == keras
