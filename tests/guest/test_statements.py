"""Python as notebooks mean it: which lines of a cell are run, and which are reported as not Python."""

import time

import pytest
from IPython.core.interactiveshell import InteractiveShell

from checker.guest.plain.hooks import Hooks
from checker.guest.reading import statements


def read(source):
    """Return the lines that are run, and the lines that are reported."""
    code, problems = statements.python_of(source, InteractiveShell.instance().transform_cell)
    return [line for line in code.split("\n") if line.strip()], [problem.line for problem in problems]


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\ny = 2",
        "",
        's = """\n!ls\n%time\n"""',
        "In [1]: x = 3",
        "x = 5 \\\n%y",
        "\n\nx = 1\n\n",
        "(a\n%b)",
        "# !pip install keras\n# %%time",
    ],
)
def test_what_python_parses_is_never_transformed(source):
    """Code that Python parses stays unchanged to the last blank."""
    assert statements.python_of(source, lambda text: "transformed") == (source, ())


@pytest.mark.parametrize(
    ("source", "ran"),
    [
        ("!pip install x\nx = 1", ["get_ipython().system('pip install x')", "x = 1"]),
        ("%matplotlib inline", ["get_ipython().run_line_magic('matplotlib', 'inline')"]),
        ("%%time\nx = 1", ["get_ipython().run_cell_magic('time', '', 'x = 1\\n')"]),
        ("    x = 1\n    y = 2", ["x = 1", "y = 2"]),
        (">>> x = 1\n>>> y = 2", ["x = 1", "y = 2"]),
    ],
)
def test_else_ipython_transforms(source, ran):
    """Magics, shell commands and prompts work as in a notebook."""
    assert read(source) == (ran, [])


@pytest.mark.parametrize(
    ("source", "ran", "told"),
    [
        ('x = 1\nprint "x", x\ny = 2', ["x = 1", "y = 2"], [2]),
        ('print "only"', [], [1]),
        ("from a import b, \nfrom c import d,  # both\nx = 1", ["from a import b", "from c import d", "x = 1"], [1, 2]),
        ("if x:\n\ty = 1\n        z = 2\nw = 3", ["w = 3"], [3]),
        ("x = 1\n y = 2\nz = 3", ["x = 1", "z = 3"], [2]),
        ("x = 1\nelse:\n    y = 2\nz = 3", ["x = 1", "pass", "z = 3"], [2, 3]),
        ("x = (1,\ny = 2\nz = 3", ["y = 2", "z = 3"], [1]),
        ("def f():\n    print 1\n    return 2\nf()", ["def f():", "    pass", "    return 2", "f()"], [2]),
        ("for i in x:\n    print i\n    print i\nz = 1", ["for i in x:", "    pass", "    pass", "z = 1"], [2, 3]),
        ("for i in x\n    y = 1\nz = 2", ["z = 2"], [1]),
        ("try:\n    x = 1\nexcept E, e:\n    y = 1\nz = 2",
         ["try:", "    x = 1", "except E as e:", "    y = 1", "z = 2"], [3]),
        ("def f():\n    from a import b,\n    return b", ["def f():", "    from a import b", "    return b"], [2]),
        ("from a import b, \\\n    c,\nz = 1", ["from a import b, \\", "    c", "z = 1"], [2]),
        ("x = 1\nreturn x\ny = 2", ["x = 1", "y = 2"], [2]),
        ("f(a=1, a=2)\ny = 2", ["y = 2"], [1]),
        ("x = 1\nif x:\n    break\ny = 2", ["x = 1", "if x:", "    pass", "y = 2"], [3]),
        ("x = 1\nfrom __future__ import division\ny = 2", ["x = 1", "y = 2"], [2]),
        ("x = 1\n<<<<<<< HEAD\ny = 2\n=======\ny = 3\n>>>>>>> main", ["x = 1", "y = 2", "y = 3"], [2, 4, 6]),
        ("await f()\nprint 'x'\ny = 2", ["await f()", "y = 2"], [2]),
        ("@f\ndef g():\n    exec 'x'\nz = 1", ["@f", "def g():", "    pass", "z = 1"], [3]),
        ("if a:\n    b\nelse:\n    print 'c'\nz = 1", ["if a:", "    b", "else:", "    pass", "z = 1"], [4]),
        ('s = """\nprint "x"\n"""\nprint "y"\nz = 1', ['s = """', 'print "x"', '"""', "z = 1"], [4]),
        ("!ls\nprint 'x'\nz = 1", ["get_ipython().system('ls')", "z = 1"], [2]),
        ("x = [\n1,\n]\nprint 'x'\n", ["x = [", "1,", "]"], [4]),
        ("x = 1\n\nThis is the network:\n\ny = 2", ["x = 1", "y = 2"], [3]),
        ("x = 0777\ny = 2", ["y = 2"], [1]),
        ("raise E, 'x'\ny = 2", ["y = 2"], [1]),
    ],
)  # fmt: skip
def test_else_statement_by_statement(source, ran, told):
    """A statement that is not Python is reported with its line, and everything else is run."""
    assert read(source) == (ran, told)


@pytest.mark.parametrize(
    ("source", "ran", "words"),
    [
        (">>> x = 1\n>>> x\narray([1])\n>>> for i in x:\n...     y = 2\n...\n1",
         ["x = 1", "x", "for i in x:", "    y = 2"], "session"),
        ("In [1]: x = 1\n\nIn [2]: x\nOut[2]: array([1])\n\nIn [3]: if x:\n   ...:     y = 2\n   ...:",
         ["x = 1", "x", "if x:", "    y = 2"], "session"),
        ("def f():\n\u00a0\u00a0\u00a0\u00a0return 1\ny\u00a0= 2", ["def f():", "    return 1", "y = 2"], "blank"),
        ("\ufeffx = 1\u200b\ny = 2\x1a", ["x = 1", "y = 2"], "blank"),
        ("s = '\u00a0'", ["s = '\u00a0'"], ""),
    ],
)  # fmt: skip
def test_what_was_pasted_with_code_is_taken_out(source, ran, words):
    """Invisible characters, and a session's prompts and outputs, are removed without removing a line, and reported."""
    said = []
    code, problems = statements.python_of(source, InteractiveShell.instance().transform_cell, said.append)
    assert [line for line in code.split("\n") if line.strip()] == ran
    assert problems == ()
    assert bool(said) == bool(words)
    assert all(words in what for what in said)


def test_lines_stay_where_they_are():
    """Statements that are left out keep their lines, so that errors elsewhere have the right line."""
    code, _ = statements.python_of("print 'x'\n\nx = (1,\n2)\nprint 'y'\nz", str)
    assert code.split("\n") == ["", "", "x = (1,", "2)", "", "z"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "source", ["(\n" * 20_000, "print 1\n" * 5_000, "@a\n" * 5_000 + "print 1", 'x = """\n' + "print 1\n" * 5_000,
               "if x:\n" + "    print 1\n" * 5_000, "x = (\na\n" * 3_000, "-" * 200_000, "\0\n" * 1_000],
)  # fmt: skip
def test_hostile_cells_are_read_in_bounded_time(source):
    """The time to read a cell is limited by its size."""
    started = time.process_time()
    statements.python_of(source, str)
    assert time.process_time() - started < 60


def reading(shell, note, line_of_cell):
    """Return a reader in a shell of its own, which needs no undoing."""
    reader = statements.Reader(shell, note, line_of_cell)
    reader.install(Hooks())
    return reader


class Shell:
    """The parts of a shell that a reader touches."""

    def __init__(self):
        self.user_ns, self.shown = {}, []
        self._showtraceback = lambda kind, error, lines: self.shown.append((kind, str(error)))

    def transform_cell(self, source):
        return source + "  # transformed"

    def find_line_magic(self, name):
        return name if name == "pwd" else None


class Result:
    def __init__(self, success=True):
        self.success = success


@pytest.mark.parametrize(("before", "words"), [(36, "line 38 is no"), (None, "line 2 of the cell is no")])
def test_what_was_left_out_is_told_with_its_line(before, words):
    """A left-out statement has its line of the module's file or of the notebook's cell; it is the cell's error if
    nothing else failed."""
    shell, said = Shell(), []
    reader = reading(shell, said.append, lambda: before)
    assert shell.transform_cell('x = 1\nprint "x"') == "x = 1\n"
    reader.tell(Result())
    assert words in said[0]
    (shown,) = shell.shown
    assert shown[0] is SyntaxError
    assert f"line {(before or 0) + 2}" in shown[1]
    shell.transform_cell('print "x"')
    reader.tell(Result(success=False))
    reader.tell(Result())
    assert len(shell.shown) == 1


def test_a_line_inside_a_cells_magic_is_told_once_with_its_place():
    """A line inside a magic is read twice but reported once, counted in the cell."""
    shell, said = Shell(), []
    shell.transform_cell = InteractiveShell.instance().transform_cell
    reader = reading(shell, said.append, lambda: 10)
    cell = "%%time\n\nx = 1\nprint 'x'\n"
    for source in (cell, cell, "\nx = 1\nprint 'x'\n"):
        shell.transform_cell(source)
    reader.tell(Result())
    assert [words.partition(" is")[0] for words in said] == ["line 14"]
    assert shell.shown[0][1].count("line 14") == 1


def test_only_so_many_lines_are_told():
    """The number of reported lines is limited, so prose in a code cell does not fill the report."""
    shell, said = Shell(), []
    reader = reading(shell, said.append, lambda: None)
    shell.transform_cell("these are words\n" * 100)
    reader.tell(Result())
    assert len(said) == statements.MOST_TOLD + 1
    assert said[-1].startswith("95 more lines")


def test_a_word_that_is_a_magic():
    """A cell of one line that begins with a magic's name is that magic, unless the student uses the name."""
    shell = Shell()
    reader = reading(shell, print, lambda: None)
    assert shell.transform_cell("pwd") == "pwd  # transformed"
    reader.tell(Result())
    shell.user_ns["pwd"] = 1
    assert shell.transform_cell("pwd") == "pwd"


def test_a_reader_that_has_ended_gives_nothing():
    """After a replay's training no cell is run."""
    shell = Shell()
    reader = reading(shell, print, lambda: None)
    reader.end()
    assert shell.transform_cell("x = 1") == ""
