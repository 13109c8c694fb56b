"""Reading notebooks and modules, and what is kept of their cells."""

import json

import nbformat
import pytest

from checker import frames
from checker.guest import client, generation, notebook
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


# -- odd but honest, and hostile -------------------------------------------------------------------------

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def a_notebook(*cells, **metadata):
    """A notebook's bytes, of cells as they stand in the file."""
    whole = {"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": list(cells)}
    return json.dumps(whole).encode()


def a_cell(source="x = 1", **more):
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source, **more}


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}},
        {"kernelspec": {"name": "ir", "display_name": "R"}, "language_info": {"name": "R"}},
        {"kernelspec": {"name": "julia-1.9", "display_name": "Julia 1.9.3", "language": "julia"}},
        {"language_info": {"name": "julia", "version": "1.9.3"}},
    ],
)
def test_kernels_of_other_languages(metadata):
    """A notebook in R or Julia is told to be one, wherever the file says it."""
    with pytest.raises(UnreadableError, match=r"written in (r|julia), not in Python"):
        notebook.read_notebook(a_notebook(a_cell(), **metadata))


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        PYTHON,
        {"kernelspec": None, "language_info": []},
        {"kernelspec": {"language": ""}},
        {"kernelspec": {"name": "tf", "display_name": "TensorFlow"}, "language_info": {"name": "python"}},
        {"kernelspec": {"name": "x", "language": "Python3"}},
    ],
)
def test_kernels_of_python(metadata):
    """Whatever a Python kernel is called, and where nothing is said, the notebook is run."""
    assert notebook.sources(notebook.read_notebook(a_notebook(a_cell(), **metadata))) == "x = 1"


@pytest.mark.parametrize("content", [a_notebook(), a_notebook(a_cell("")), a_notebook(a_cell(" \n"))])
def test_an_empty_notebook_is_a_notebook(content):
    """A notebook without a cell, or without a word, is read: what is missing from it is said later."""
    assert not notebook.sources(notebook.read_notebook(content)).strip()


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf", b"# nothing\n"])
def test_an_empty_module_is_a_module(content):
    """A module without a statement is read."""
    assert len(notebook.read_module(content).cells) <= 1


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_notebook_saved_half_way(share):
    """A notebook whose end is missing is told in words."""
    whole = a_notebook(*[a_cell(f"x = {at}") for at in range(50)], **PYTHON)
    with pytest.raises(UnreadableError, match="not a notebook that Jupyter can open"):
        notebook.read_notebook(whole[: int(share * len(whole))])


def test_a_page_that_is_called_a_notebook():
    """What a browser saved of GitHub's page about a notebook is told to be none."""
    page = b"<!DOCTYPE html>\n<html><head><title>tick.ipynb</title></head></html>"
    with pytest.raises(UnreadableError, match="not a notebook that Jupyter can open"):
        notebook.read_notebook(page)


@pytest.mark.parametrize(
    "cell",
    [
        None,
        3,
        {},
        {"cell_type": "code"},
        a_cell(source=3),
        a_cell(source=None),
        a_cell(cell_type=None),
        a_cell(source=["x", 3]),
        a_cell(metadata=None),
    ],
)
def test_cells_that_are_none(cell):
    """A notebook with a cell that has no kind or no text is told in words, and ends no guest."""
    with pytest.raises(UnreadableError, match="not a notebook that Jupyter can open"):
        notebook.read_notebook(a_notebook(a_cell(), cell, **PYTHON))


@pytest.mark.parametrize("metadata", [{"tags": 3}, {"tags": [3, "checker: answer"]}, {"tags": None}])
def test_a_cells_metadata_may_be_anything(metadata):
    """Whatever a cell's metadata is, the cell is run; of its tags those count that are words."""
    (cell,) = notebook.read_notebook(a_notebook(a_cell(metadata=metadata), **PYTHON)).cells
    cell.outputs = []
    assert set(client.cell_result(cell, 1, 0.1).tags) <= {"checker: answer"}


def test_halves_of_characters_are_replaced():
    """A lone surrogate, which JSON can hold and no message can, costs one character and not the notebook."""
    (cell,) = notebook.read_notebook(a_notebook(a_cell("x = '\ud800'"), **PYTHON)).cells
    cell.outputs = [nbformat.v4.new_output("stream", text="\udfff"),
                    nbformat.v4.new_output("error", ename="\ud800", evalue="\ud800", traceback=["\ud800"])]  # fmt: skip
    frames.message(client.cell_result(cell, 1, 0.1))
    assert cell.source == "x = '?'"


def test_a_cell_keeps_so_much_and_no_more(monkeypatch):
    """Outputs that are too much for one message are left out from the first on that is."""
    monkeypatch.setattr(client, "MAX_KEPT", 10)
    (cell,) = notebook.read_notebook(a_notebook(a_cell(), **PYTHON)).cells
    cell.outputs = [nbformat.v4.new_output("stream", text=text) for text in ("12345", "12345", "1", "")]
    assert [output.content for output in client.cell_result(cell, 1, 0.1).outputs] == ["12345", "12345"]


@pytest.mark.parametrize("text", ["a = 1\rb = 2", "a = 1\r\rb = 2\r\r\rc = 3", "a = 1\r\n\r\nb = 2\n\rc = 3"])
def test_lines_may_end_in_any_way(text):
    """Ends of lines as old Macs and Windows have them, mixed too, are those that Python counts."""
    assert "\n".join(sources(text)).replace("\n", "") == text.replace("\r", "").replace("\n", "")


@pytest.mark.parametrize("text", ["-" * 200_000 + "1", "(" * 9_000, "[" * 9_000 + "]" * 9_000, "lambda:" * 9_000 + "1"])
def test_code_beyond_the_parsers_depth_stays_whole(text):
    """Code that Python's own parser gives up on is one cell, whose error Python tells."""
    assert sources(text) == [text]


def test_very_many_cells_are_read():
    """A notebook of very many cells is read in a time that its cells explain."""
    read = notebook.read_notebook(a_notebook(*[a_cell("x")] * 20_000, **PYTHON))
    assert len(read.cells) == 20_000
