"""Names the student's own file that a failed cell needed and that was not handed in."""

import pytest

from checker.records.capture import CellError, CellResult
from checker.records.submission import Companion
from checker.source import absences


def failed(name, message, line=""):
    """Return cell 3, which raised this error at a line of its own."""
    traceback = f"\x1b[32m----> 2\x1b[39m {line}\n{name}: {message}"
    return CellResult(index=3, source=line, outputs=(), error=CellError(name, message, traceback), seconds=0.1)


@pytest.mark.parametrize(
    ("name", "message", "path"),
    [
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'train.csv'", "train.csv"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'C:\\\\Users\\\\ada\\\\train.csv'", "train.csv"),
        (
            "FileNotFoundError",
            "[Errno 2] No such file or directory: '/tmp/c-1/notebooks/practical/a/t.csv'",
            "`a/t.csv`",
        ),
        ("FileNotFoundError", "data/w.txt not found.", "data/w.txt"),
        ("ValueError", "File not found: filepath=old.keras. Please ensure the file is an accessible", "old.keras"),
        ("OSError", "No file or directory found at best.h5", "best.h5"),
        ("OSError", "Unable to open file (unable to open file: name = 'm.h5', errno = 2, error message =", "m.h5"),
        ("Exception", "File `'other.ipynb'` not found.", "other.ipynb"),
        ("OSError", "File `'other.py'` not found.", "other.py"),
        (
            "NotFoundError",
            "{{function_node __wrapped__ReadFile}} t.csv; No such file or directory [Op:ReadFile]",
            "t.csv",
        ),
    ],
)
def test_a_missing_file_is_named(name, message, path):
    """The file is named in whatever words Python and its packages report it."""
    said = absences.lacks(failed(name, message, "read(x)"))
    assert said.startswith("cell 3 reads `")
    assert path in said
    assert said.endswith("which was not handed in")


@pytest.mark.parametrize(
    ("name", "message", "line"),
    [
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'dot'", "plot()"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: '/content/drive/My Drive'", "os.chdir(x)"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'out/x.txt'", "open('out/x.txt', 'w')"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'out/x.png'", "plt.savefig('out/x.png')"),
        ("ValueError", "shapes do not match", "fit(x)"),
        ("KeyError", "'train.csv'", "files['train.csv']"),
    ],
)
def test_what_nobody_could_hand_in_is_not_missed(name, message, line):
    """Programs, folders, output files and other errors name no missing file."""
    assert absences.lacks(failed(name, message, line)) == ""


def test_a_missing_module_is_named():
    """The errors of a stand-in and of Python itself both name the missing module."""
    stand_in = "`utils` is not part of the course environment, which has keras; and no `utils.py` was handed in"
    for message in (stand_in, "No module named 'utils'"):
        words = "cell 3 imports `utils`, which is not installed here and was not handed in"
        assert absences.lacks(failed("ModuleNotFoundError", message)) == words


def test_a_file_that_was_handed_in_is_told_apart():
    """A file that was left out, or that lies elsewhere in the upload, is not called missing."""
    cell = failed("FileNotFoundError", "[Errno 2] No such file or directory: 'x/Train.csv'")
    large = Companion(name="train.csv", size=9, left_out="it has 90 MiB, more than 32")
    assert absences.lacks(cell, [large]).endswith("was handed in but left out: it has 90 MiB, more than 32")
    assert absences.lacks(cell, [Companion(name="data/train.csv", size=9, sha256="ab")]).endswith(
        "`data/train.csv` was handed in"
    )


def test_a_hostile_message_takes_no_time_and_no_room():
    """A message or name of any length is searched quickly and cut."""
    for message in ("No such file or directory: '" + "a" * 10**6, "x" * 10**6 + ".csv not found.", "; No such" * 10**5):
        assert len(absences.lacks(failed("FileNotFoundError", message))) < 300
    long = failed("FileNotFoundError", f"No such file or directory: '{'a/`' * 500}x.csv'")
    assert len(absences.lacks(long)) < 200


def test_an_error_in_a_companion_is_placed_there():
    """Beside the cell, the error names the last line of the student's own files that was called."""
    cell = failed("NameError", "name 'x' is not defined")
    assert absences.place(cell) == "cell 3"
    frames = [f"File \x1b[32m/tmp/c/notebooks/practical/{of}\x1b[39m, in f()" for of in ("a.py:3", "src/model.py:12")]
    trace = "\n".join([*frames, "File /lib/keras/x.py:7, in g()"])
    assert absences.place(
        CellResult(index=3, source="", outputs=(), error=CellError("NameError", "x", trace), seconds=0.1)
    ) == ("cell 3 (`src/model.py`, line 12)")
    assert len(absences.place(failed("E", "File /notebooks/practical/" * 10**5))) < 300
