"""Reading notebooks and modules, and what is kept of their cells."""

import contextlib
import json

import nbformat
import pytest

from checker.guest.host import client
from checker.guest.plain import generation
from checker.guest.reading import cells, notebook
from checker.guest.reading.notebook import UnreadableError
from checker.wire import frames


def sources(content):
    return [cell.source for cell in notebook.read_module(content.encode()).cells]


def test_percent_cells_are_cells():
    """A module with ``# %%`` lines is split at these."""
    assert sources("a = 1\n# %% second\nb = 2\n#%%\nc = 3") == ["a = 1", "b = 2", "c = 3"]


def test_a_plain_module_is_split_between_its_statements():
    """Paragraphs of top-level statements are cells; a blank line inside a function or a string does not split."""
    text = 'import os\nimport re\n\ndef f():\n    a = 1\n\n    return a\n\n@str\nclass A:\n    """x\n\n    y"""\n\nf()'
    assert sources(text) == [
        "import os\nimport re",
        "def f():\n    a = 1\n\n    return a",
        '@str\nclass A:\n    """x\n\n    y"""',
        "f()",
    ]


def test_a_module_with_a_syntax_error_is_split_all_the_same():
    """A paragraph that cannot be parsed does not affect the others."""
    assert sources("a = 1\n\nb = (\n\nc = 2") == ["a = 1", "b = (", "c = 2"]


EXPORTS = {
    "VS Code": "# %%\na = 1\n# %% [markdown]\n# words\n#%%\nb = 2",
    "Spyder": "# %% one\na = 1\n\n#%%% two\nb = 2",
    "jupytext percent": "# ---\n# jupyter:\n#   name: x\n# ---\n\n# %%\na = 1\n\n# %% tags=['x']\nb = 2",
    "jupytext light": "# # Title\n\n# +\na = 1\n\n# -\n\n# + tags=['x']\nb = 2",
    "nbconvert": "#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\n\na = 1\n\n\n# In[ ]:\n\n\nb = 2",
    "IPython": "# <codecell>\na = 1\n# <codecell>\nb = 2",
    "Colab": '"""## One"""\n\na = 1\n\n"""## Two"""\n\nb = 2',
    "Colab with magics": "!pip install x\n\n# %matplotlib inline\n%matplotlib inline\n\na = 1\n\nb = 2",
    "marks and Python 2": "# %%\na = 1\n# %%\nprint 'x'\n# %%\nb = 2",
}


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_are_split_into_cells(name):
    """Whichever tool exported a module, code of different cells is in different cells."""
    code = [[line for line in source.split("\n") if line in ("a = 1", "b = 2")] for source in sources(EXPORTS[name])]
    assert [lines for lines in code if lines] == [["a = 1"], ["b = 2"]]


def test_marks_inside_a_statement_are_no_borders():
    """A mark in a string or in a function's body does not split a statement that Python parses."""
    text = 'x = """\n# %%\n"""\ndef f():\n    a = 1\n# %% note\n    return a'
    assert sources(text) == [text]
    assert sources(text + "\n# %%\nf()") == [text, "f()"]


def test_a_cells_magic_begins_a_cell():
    """``%%time`` in a module applies to its paragraph, or to the rest of its marked cell."""
    assert sources("a = 1\n%%time\nb = 2\n\nc = 3") == ["a = 1", "%%time\nb = 2", "c = 3"]
    assert sources("# %%\n# training\n%%time\nb = 2\n\nc = 3\n# %%\nd") == ["# training", "%%time\nb = 2\n\nc = 3", "d"]


def test_cells_of_a_module_know_their_lines():
    """Each cell knows how many lines of the file come before it."""
    cells = notebook.read_module(b"\n\n# %%\n\na = 1\n# %% two\nb = 2\nprint 'x'\n").cells
    assert [(cell.source, cell.metadata.line) for cell in cells] == [("a = 1", 4), ("b = 2\nprint 'x'", 6)]


def test_old_notebooks_are_upgraded():
    """A notebook of format 3 is read as one of format 4."""
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell(input="x = 1")])]
    )
    read = notebook.read_notebook(json.dumps(old).encode())
    assert read.nbformat == 4
    assert read.cells[0].source == "x = 1"


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}", b"\xff\xfe\x00", b'{"cells": 3, "nbformat": 4}', b"[1]"])
def test_a_broken_file_is_told_in_words(content):
    """A file that is not a notebook raises one error, with help."""
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
    """Idioms that only legacy Keras runs select it."""
    assert generation.choose(code)[0] == keras


# -- odd but honest, and hostile -------------------------------------------------------------------------

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def a_notebook(*cells, **metadata):
    """Return a notebook's bytes, with the cells as they stand in the file."""
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
@pytest.mark.parametrize("source", ["x <- 1", "using Flux\nx = 1", "f <- function(x) {\n  x\n}", ""])
def test_kernels_of_other_languages(metadata, source):
    """A notebook in R or Julia is recognised, wherever the file names the language."""
    with pytest.raises(UnreadableError, match=r"written in (r|julia), not in Python"):
        notebook.read_notebook(a_notebook(a_cell(source), **metadata))


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}},
        {"kernelspec": {"name": "julia-1.9", "language": "julia"}, "language_info": {"name": "python"}},
        {"language_info": {"name": "julia", "version": "1.9.3"}},
    ],
)
@pytest.mark.parametrize("source", ["x = 1", "!pip install keras\nx = 1", "%%time\nx = 1"])
def test_kernelspecs_that_are_stale(metadata, source):
    """A notebook whose cells are Python is run, whatever kernel it names, and a note says so."""
    said = []
    read = notebook.read_notebook(a_notebook(a_cell(source), a_cell("y = x"), **metadata), said.append)
    assert read.cells[0].source == source
    assert len(said) == 1
    assert "its cells are Python" in said[0]


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
    """A notebook is run if it names a Python kernel in any form, or no kernel."""
    assert cells.sources(notebook.read_notebook(a_notebook(a_cell(), **metadata))) == "x = 1"


@pytest.mark.parametrize("content", [a_notebook(), a_notebook(a_cell("")), a_notebook(a_cell(" \n"))])
def test_an_empty_notebook_is_a_notebook(content):
    """A notebook without cells, or without text, is read; a later stage reports what is missing."""
    assert not cells.sources(notebook.read_notebook(content)).strip()


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf", b"# nothing\n"])
def test_an_empty_module_is_a_module(content):
    """A module without a statement is read."""
    assert len(notebook.read_module(content).cells) <= 1


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_notebook_saved_half_way(share):
    """A notebook whose end is missing raises an error that says so."""
    whole = a_notebook(*[a_cell(f"x = {at}") for at in range(50)], **PYTHON)
    with pytest.raises(UnreadableError, match="not a notebook that Jupyter can open"):
        notebook.read_notebook(whole[: int(share * len(whole))])


def test_a_page_that_is_called_a_notebook():
    """A saved GitHub page about a notebook is recognised as a web page."""
    page = b"<!DOCTYPE html>\n<html><head><title>tick.ipynb</title></head></html>"
    with pytest.raises(UnreadableError, match="not a notebook that Jupyter can open"):
        notebook.read_notebook(page)


@pytest.mark.parametrize(
    ("cell", "ran", "words"),
    [
        (None, [], "are none"),
        (3, [], "are none"),
        ({}, [""], "no `cell_type`"),
        ({"cell_type": "code"}, [""], "no text"),
        (a_cell(source=3), [""], "no text"),
        (a_cell(source=None), [""], "no text"),
        (a_cell("y = 2", cell_type=None), ["y = 2"], "no `cell_type`"),
        (a_cell("Some words.", cell_type=None), [], "no `cell_type`"),
        (a_cell("y = 2", cell_type="Code"), ["y = 2"], ""),
        (a_cell(source=["y = 2", 3]), ["y = 2"], "no text"),
        (a_cell(source=["y = 2", "z = 3"]), ["y = 2\nz = 3"], "lines without an end"),
        ({"cell_type": "code", "metadata": {}, "outputs": [], "input": ["y = 2"]}, ["y = 2"], ""),
    ],
)
def test_cells_with_gaps(cell, ran, words):
    """A cell without a kind or a text does not affect the other cells, and a note says so."""
    said = []
    cells = notebook.read_notebook(a_notebook(a_cell(), cell, **PYTHON), said.append).cells
    assert [cell.source for cell in cells if cell.cell_type == "code"] == ["x = 1", *ran]
    assert words in " ".join(said)
    assert bool(words) <= bool(said)


@pytest.mark.parametrize("cells", [[None], [3, {}], [{"cell_type": "code"}], [a_cell(source={})]])
def test_cells_that_are_none(cells):
    """A notebook with cells but without any text raises an error that says so, and does not crash the guest."""
    with pytest.raises(UnreadableError, match="not a notebook that Jupyter can open"):
        notebook.read_notebook(a_notebook(*cells, **PYTHON))


@pytest.mark.parametrize(
    ("wrap", "words"),
    [
        (lambda whole: json.dumps(whole), "inside a string"),
        (lambda whole: [whole], "inside a list"),
        (lambda whole: whole["cells"], "nothing around it"),
        (lambda whole: {"name": "a.ipynb", "type": "notebook", "content": whole}, "Jupyter's server"),
        (lambda whole: {**whole, "cells": dict(enumerate(whole["cells"]))}, "no list"),
    ],
)
def test_a_notebook_inside_something_else(wrap, words):
    """Text around a notebook, and missing structure around its cells, are repaired with a note."""
    code, said = repaired(json.dumps(wrap(json.loads(WHOLE))).encode())
    assert code == "x = 'ü'\ny = 2"
    assert words in said


def test_a_single_cell_is_a_notebook():
    """A file with one cell's JSON is read as a notebook of that cell."""
    assert repaired(json.dumps(a_cell("y = 2")).encode())[0] == "y = 2"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Words.\n\n```python\nimport a\nx = 1\n```\n\nMore, if any:\n```\ny = 2\n```\n", "import a\nx = 1\ny = 2"),
        (">>> import a\n>>> x = 1\n>>> x\n1\n", "import a\nx = 1\nx"),
        ("import a\nprint 'x'\n", "import a\nprint 'x'"),
    ],
)
def test_text_with_code_in_it_is_a_module(text, code):
    """The code in Markdown fences and pasted sessions is read, whatever the file's ending."""
    for read in (notebook.read_notebook, notebook.read_module):
        assert cells.sources(read(text.encode())) == code


@pytest.mark.parametrize(
    "mark", ["#%% md", "# %% [markdown]", "# %% A title [markdown]", "# <markdowncell>", "# + [markdown]"]
)
def test_prose_under_a_mark_for_markdown_is_no_code(mark):
    """A cell that is marked as Markdown is left out if it is not Python, and run if it is."""
    assert sources(f"# %%\nimport a\n{mark}\nSome words, of mine.\n# %%\ny = (2\n") == ["import a", "y = (2"]
    assert sources(f"# %%\na = 1\n{mark}\nb = 2\n") == ["a = 1", "b = 2"]


@pytest.mark.parametrize("metadata", [{"tags": 3}, {"tags": [3, "checker: answer"]}, {"tags": None}])
def test_a_cells_metadata_may_be_anything(metadata):
    """A cell is run whatever its metadata is; tags count if they are strings."""
    (cell,) = notebook.read_notebook(a_notebook(a_cell(metadata=metadata), **PYTHON)).cells
    cell.outputs = []
    assert set(client.cell_result(cell, 1, 0.1).tags) <= {"checker: answer"}


def test_halves_of_characters_are_replaced():
    """A lone surrogate, which JSON can hold and a message cannot, is replaced by one character."""
    (cell,) = notebook.read_notebook(a_notebook(a_cell("x = '\ud800'"), **PYTHON)).cells
    cell.outputs = [nbformat.v4.new_output("stream", text="\udfff"),
                    nbformat.v4.new_output("error", ename="\ud800", evalue="\ud800", traceback=["\ud800"])]  # fmt: skip
    frames.message(client.cell_result(cell, 1, 0.1))
    assert cell.source == "x = '?'"


def test_a_cell_keeps_so_much_and_no_more(monkeypatch):
    """If a cell's outputs are too large for a message, they are left out from the first one that exceeds the limit."""
    monkeypatch.setattr(client, "MAX_KEPT", 10)
    (cell,) = notebook.read_notebook(a_notebook(a_cell(), **PYTHON)).cells
    cell.outputs = [nbformat.v4.new_output("stream", text=text) for text in ("12345", "12345", "1", "")]
    assert [output.content for output in client.cell_result(cell, 1, 0.1).outputs] == ["12345", "12345"]


@pytest.mark.parametrize("text", ["a = 1\rb = 2", "a = 1\r\rb = 2\r\r\rc = 3", "a = 1\r\n\r\nb = 2\n\rc = 3"])
def test_lines_may_end_in_any_way(text):
    """Line ends of old Macs and Windows, also mixed, count as Python counts them."""
    assert "\n".join(sources(text)).replace("\n", "") == text.replace("\r", "").replace("\n", "")


@pytest.mark.parametrize("text", ["-" * 200_000 + "1", "(" * 9_000, "[" * 9_000 + "]" * 9_000, "lambda:" * 9_000 + "1"])
def test_code_beyond_the_parsers_depth_stays_whole(text):
    """Code that is too deep for Python's parser is one cell, and Python reports the error."""
    assert sources(text) == [text]


@pytest.mark.slow
def test_very_many_cells_are_read():
    """The time to read very many cells grows with their number only."""
    read = notebook.read_notebook(a_notebook(*[a_cell("x")] * 20_000, **PYTHON))
    assert len(read.cells) == 20_000


# -- repaired ----------------------------------------------------------------------------------------------


def repaired(content):
    """Return a notebook's code, and the notes about its repair."""
    said = []
    return cells.sources(notebook.read_notebook(content, said.append)), " | ".join(said)


WHOLE = a_notebook(a_cell("x = 'ü'"), a_cell("y = 2"), **PYTHON)


def without(key, of=WHOLE):
    """Return a notebook's bytes without one of its keys."""
    whole = json.loads(of)
    del whole[key]
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (WHOLE, ""),
        (without("nbformat"), "`nbformat`"),
        (without("nbformat_minor"), ""),
        (without("nbformat", without("metadata")), "no metadata"),
        (WHOLE.replace(b'"nbformat": 4', b'"nbformat": "4"'), "`nbformat`"),
        (WHOLE.replace(b'"nbformat": 4', b'"nbformat": 3'), "read as 4"),
        (WHOLE.replace(b'"outputs": [], ', b""), "no `outputs`, cell 1 first"),
        (WHOLE.replace(b'"metadata": {}, ', b"", 1), "1 of 2 cells have no `metadata`"),
        (WHOLE.replace(b'"metadata": {}', b'"metadata": null', 1), "1 of 2 cells have no `metadata`"),
        (WHOLE.replace(b'"metadata": {}', b'"id": "a", "metadata": {}'), "'a' first"),
        (WHOLE + b"\n}]}\n", "brackets after the end of the notebook, in line 2"),
        (WHOLE + b"  ,}", "brackets after the end"),
        (WHOLE + b'\n\n "x": 3}', "text after the end of the notebook, in line 3"),
        (WHOLE + WHOLE, "text after the end of the notebook, in line 1"),
        (WHOLE + bytes(4096), "zeros after the end"),
        (b"\xef\xbb\xbf" + WHOLE, "byte order mark"),
        (WHOLE.decode().encode("utf-16"), "UTF-16"),
        (WHOLE.decode().encode("utf-16-le"), "UTF-16"),
        (WHOLE.decode().encode("utf-16-be"), "UTF-16"),
        (WHOLE.decode().encode("utf-32"), "UTF-32"),
        (json.dumps(json.loads(WHOLE), ensure_ascii=False).encode("cp1252"), "cp1252"),
        (
            WHOLE.replace(b"}]", b"},]").replace(b"[]", b"[ , ]").replace(b"[ , ]", b"[]"),
            "commas before closing brackets",
        ),
        (WHOLE.replace(b"}, {", b"} {"), "commas were missing"),
        (WHOLE.replace(b"null", b"None").replace(b"}]", b"},]"), "Python's words"),
        (WHOLE.replace(b"[]", b"[ ,]").replace(b"[ ,]", b"[\xc2\xa0]"), "blanks of the file"),
        (b"```json\n" + WHOLE + b"\n```", "text before the notebook, which begins in line 2"),
        (b"// saved by a tool\n" + WHOLE, "text before"),
        (b"\xef\xbb\xbf\xef\xbb\xbf" + WHOLE, "byte order mark"),
        (WHOLE.decode().encode("utf-16-le") + b"\0", "UTF-16"),
        (
            json.dumps(json.loads(WHOLE), ensure_ascii=False)
            .encode()
            .replace(b"x = ", b"x = ")
            .replace(b'"python3"', '"üü'.encode() + b'\xff"'),
            "a few bytes",
        ),
        (WHOLE.replace(b'"y = 2"', b'"y = \\\n2"').replace(b"\\\n", b"\n"), "line breaks or tabs"),
        (WHOLE.replace(b'"metadata": {"k', b'"metadata": {"widgets": {"application/x": {"1": {}}}, "k'), "`state`"),
    ],
)
def test_a_damaged_notebook_is_repaired(content, words):
    """Missing, doubled and extra signs around cells are repaired, with a note for each repair."""
    code, said = repaired(content)
    assert code.replace("\n2", "2") == "x = 'ü'\ny = 2"
    assert bool(said) == bool(words)
    assert words in said


def test_an_old_notebook_with_gaps_is_repaired():
    """A notebook of format 3 that lacks its format and the outputs of cells is upgraded."""
    cell = {"cell_type": "code", "input": ["x = 1\n", "y = 2"]}
    code, said = repaired(json.dumps({"worksheets": [{"cells": [cell]}]}).encode())
    assert code == "x = 1\ny = 2"
    assert "read as 3" in said


def test_a_module_called_a_notebook_and_the_reverse():
    """The file's content decides whether it is a notebook or a module, not its ending."""
    assert repaired(b"import os\n\nx = 1\n") == (
        "import os\nx = 1", "the file is a Python module with the ending of a notebook; it was read as a module",
    )  # fmt: skip
    assert cells.is_module(notebook.read_notebook(b"import os\n"))
    assert not cells.is_module(notebook.read_module(WHOLE))
    assert not cells.is_module(notebook.read_notebook(a_notebook(a_cell("x = 1\n\ny = 2"))))
    said = []
    assert cells.sources(notebook.read_module(WHOLE, said.append)) == "x = 'ü'\ny = 2"
    assert "with the ending of a module" in said[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("# -*- coding: latin-1 -*-\nx = 'ü'".encode("latin-1"), "iso8859-1"),
        ("#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = 'ü'".encode("cp1252"), "cp1252"),
        ("# coding: koi8-r\nx = 'ж'".encode("koi8-r"), "koi8-r"),
        ("# coding: utf-8\nx = 'ü'".encode("cp1252"), "cp1252"),
        ("x = 'ü'".encode("cp1252"), "cp1252"),
        ("x = 'ü'".encode("utf-16"), "UTF-16"),
        ("\ufeffx = 'ü'".encode(), "byte order mark"),
        ("# coding: utf-8\nx = 'ü'".encode(), ""),
        ("# coding: nonsense\nx = 'ü'".encode(), ""),
        ("# coding: rot13\nx = 'ü'".encode(), ""),
        ("# coding: zip\nx = 'ü'".encode(), ""),
        ("# coding: punycode\nx = 'ü'".encode(), ""),
    ],
)
def test_code_pages_of_modules(content, words):
    """A module is decoded as its bytes or its first lines say (PEP 263), but never by a codec that is not for text."""
    said = []
    code = cells.sources(notebook.read_module(content, said.append))
    assert code.endswith(("x = 'ü'", "x = 'ж'"))
    assert bool(said) == bool(words)
    assert words in " ".join(said)


CONFLICT = b"<<<<<<< HEAD\n%s\n=======\n%s\n>>>>>>> main\n"


@pytest.mark.parametrize(
    ("content", "words", "help"),
    [
        (b"", "it is empty", "more than 0 bytes"),
        (b" \n\0\0", "it is blank", "more than 0 bytes"),
        (b"<!DOCTYPE html><html></html>", "HTML page", "Download raw file"),
        (b"\n<!-- saved --><!-- <!-- -->\n<HTML lang=de>", "HTML page", "Download raw file"),
        ("<html>".encode("utf-16"), "HTML page", "Download raw file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS", "git lfs pull"),
        (b"\xef\xbb\xbfversion https://git-lfs.github.com/spec/v1\r\n", "Git LFS", "git lfs pull"),
        (b"%PDF-1.7\n", "a PDF", ".ipynb file itself"),
        (b"PK\x03\x04", "a zip archive", "Unpack it"),
        (b"\x89PNG\r\n", "a picture", ".ipynb file itself"),
        (b'{\n"cells": [\n' + CONFLICT % (b'"a"', b'"b"') + b"]}", "lines 3, 5, 7", "Decide between"),
        (WHOLE[:-20], "breaks off in line 1", "Compare its size"),
        (json.dumps(json.loads(WHOLE), indent=1).encode()[:200], "breaks off in line 1", "Compare its size"),
        (b"{" * 100, "is no JSON", "save it"),
        (b"[" * 1_000_000, "nested too deeply", "save it"),
        (b'{"cells": [' + b"9" * 10_000 + b"]}", "number is too long", "save it"),
        (b'{"cells": [}', "line 1 is no JSON", "save it"),
        (b"../week4/practical4.ipynb", "a link, or a path", "Open the link"),
        (b"https://colab.research.google.com/drive/1\n", "a link, or a path", "Open the link"),
        (b"[InternetShortcut]\r\nURL=https://x\r\n", "a link, or a path", "Open the link"),
        (b'{"url": "https://x", "doc_id": "1"}', "a link, or a path", "Open the link"),
        (b"404: Not Found", "a server answered: '404: Not Found'", "Download"),
        (b'{"message": "Not Found", "status": "404"}', "a server answered: 'Not Found'", "Download"),
        (b"<div class=x>", "HTML page", "Download raw file"),
        (b"BZh91AY", "a bzip2 archive", "Unpack it"),
        (b"\x80\x04\x95" + bytes(8) + b"x", "binary data", "text file"),
        (b"I could not do it.", "text without any Python", "as Jupyter saved it"),
        (b'{"cells": [\n  ' + CONFLICT.replace(b"\n", b"\n  ") % (b'"a"', b'"b"') + b"]}", "lines 2, 4, 6", "Decide"),
        (b'{"cells": [' + b'{"cell_type": "code"} ' * 3, "breaks off", "Compare its size"),
        (b'{"nbformat": 4}', "no list of cells", "save it"),
    ],
)
def test_what_cannot_be_read_has_a_help_of_its_own(content, words, help):
    """Each kind of file that is not a notebook is named, with its own help."""
    with pytest.raises(UnreadableError) as caught:
        notebook.read_notebook(content)
    assert words in caught.value.args[0]
    assert help in caught.value.args[1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"import os\n\n" + CONFLICT % (b"x = 1", b"x = 2"), "lines 3, 5, 7"),
        (b"%PDF-1.4\n", "a PDF"),
        (b"<!doctype html>", "HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    ],
)
def test_what_is_no_module_has_a_help_of_its_own(content, words):
    """Each kind of file that is not a module is named, with its own help."""
    with pytest.raises(UnreadableError, match=words):
        notebook.read_module(content)


def test_markers_inside_a_string_are_a_students():
    """If Python can parse a file, it is not searched for git's markers."""
    text = 'x = """\n<<<<<<< a\n=======\n>>>>>>> b\n"""'
    assert sources(text) == [text]


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", [b'"', b'\\"', b"\\", b", ", b"<!--", b"<<<<<<<\n", b'{"a": ', b"# coding:", b",]", b"\n"]
)
def test_hostile_repetitions_are_told_quickly(piece):
    """A megabyte of any repeated text is refused or read in a time that its size explains."""
    for content in (piece * (1_000_000 // len(piece)), b'{"cells": [' + piece * (1_000_000 // len(piece))):
        with contextlib.suppress(UnreadableError):
            notebook.read_notebook(content)
