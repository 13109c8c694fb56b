"""``%load_ext checker`` and ``%check``, in a real kernel; in place of the self-check runs a short program."""

import json
import os
import re
import sys
import time
from html.parser import HTMLParser

import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.slow

HOSTILE = "<script>parent.document.title = 'stolen'</script><p title='\"></iframe><b>out</b>'>Report</p>"
CHECK = """
import os, signal, sys, time
from pathlib import Path
print("Assignment: tick4.zip, beside <your> file.")
print("Running your file: cell 1 of 2 …", flush=True)
print("Training your network again, on other rows: 1 of 3 …", flush=True)
print("What happened", " ".join(sys.argv[1:]), "in colour" if "FORCE_COLOR" in os.environ else "")
Path(sys.argv[sys.argv.index("--report") + 1]).write_text(PAGE, encoding="utf-8")
THEN
sys.exit(CODE)
"""


@pytest.fixture
def place(tmp_path):
    """A folder with one notebook, saved a while ago."""
    write(tmp_path / "mine.ipynb", "x = 1")
    return tmp_path


def write(path, *sources, age=60):
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in sources]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "utf-8")
    os.utime(path, (time.time() - age,) * 2)


@pytest.fixture
def kernel(place, root):
    """Runs code in a kernel that has loaded the extension, and returns what it showed, in order."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    environment.pop("JPY_SESSION_NAME", None)
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(place), env=environment)
    shown = []

    def hear(message):
        content = message["content"]
        match message["msg_type"]:
            case "display_data" | "update_display_data":
                shown.append(content["data"])
            case "stream":
                shown.append({"text/plain": content["text"]})
            case "error":
                shown.append({"text/plain": "\n".join(content["traceback"])})

    def run(code, silent=False):
        """``silent``: not as a cell of the notebook."""
        shown.clear()
        client.execute_interactive(code, silent=silent, output_hook=hear, timeout=60)
        return list(shown)

    run("%load_ext checker")
    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def stands_in(place, kernel):
    """Lets a short program stand in for the self-check; it does something more and ends with this code."""

    def stand(code=0, then="", page=HOSTILE):
        program = CHECK.replace("PAGE", repr(page)).replace("THEN", then).replace("CODE", str(code))
        (place / "program.py").write_text(program, encoding="utf-8")
        kernel(f"import checker.notebook; checker.notebook.COMMAND = ({sys.executable!r}, 'program.py')", silent=True)

    return stand


def texts(shown):
    return "\n".join(data.get("text/plain", "") for data in shown)


class Frames(HTMLParser):
    """The elements of a piece of HTML."""

    def __init__(self, source):
        super().__init__()
        self.found = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


# -- what is shown ---------------------------------------------------------------------------------------


def test_the_page_stays_in_its_frame(kernel, stands_in):
    """All of the page is in one attribute of an iframe that may do nothing, whatever the page holds."""
    stands_in(code=1)
    shown = kernel("%check")
    (notes, (tag, attributes)) = Frames(shown[-1]["text/html"]).found
    assert (notes, tag) == (("pre", {}), "iframe")
    assert attributes["srcdoc"] == HOSTILE
    assert attributes["sandbox"] == ""
    assert set(attributes) == {"title", "sandbox", "style", "srcdoc"}


def test_links_of_the_page_stay_in_it(kernel, stands_in):
    """A link to a part of the page does not open Jupyter in the frame; the base comes before the page's own policy."""
    stands_in(page="<!doctype html><html><head><meta charset='utf-8'></head><body><a href='#x'>x</a></body></html>")
    *_, (_, attributes) = Frames(kernel("%check")[-1]["text/html"]).found
    assert '<head><base href="about:srcdoc"><meta' in attributes["srcdoc"]


def test_progress_is_shown_while_it_runs(kernel, stands_in):
    """`%check` prints the file and the data that it uses. Each step replaces the last one, and no figure of the
    report stays as text."""
    stands_in()
    shown = kernel("%check")
    assert "Assignment: tick4.zip, beside <your> file." in texts(shown)
    assert "<pre>Assignment: tick4.zip, beside &lt;your&gt; file.\n</pre><iframe" in shown[-1]["text/html"]
    assert "Running your file: cell 1 of 2 …" in texts(shown)
    assert "Training your network again, on other rows: 1 of 3 …" in texts(shown)
    assert "What happened" not in texts(shown)


def test_an_error_is_shown_in_words(kernel, stands_in, place):
    """If no page was written, the check's own words are shown, and no old page."""
    stands_in(code=2)
    (place / "checker-report.html").write_text("old", encoding="utf-8")
    shown = kernel("%check")
    assert "What happened" in texts(shown)
    assert not any("text/html" in data for data in shown)


def test_options_are_passed_on(kernel, stands_in, place):
    """Whatever follows the file's name is the self-check's."""
    stands_in(code=2)
    write(place / "other one.ipynb")
    kernel("import os; os.environ['FORCE_COLOR'] = '1'", silent=True)  # as newer kernels do
    said = texts(kernel('%check "other one.ipynb" --assignment tick4.zip'))
    assert "in colour" not in said
    assert re.search(r"What happened other one\.ipynb --assignment tick4\.zip --report .*checker-report\.html", said)


def test_a_students_modules_are_not_taken_for_libraries(kernel, place):
    """A file `random.py` beside the notebook does not break the check; here the real one ends for want of a zip."""
    (place / "random.py").write_text("raise SystemExit('mine')", encoding="utf-8")
    said = texts(kernel("%check"))
    assert "Put the zip that your course gave you beside your notebook" in said
    assert "mine'" not in said


def test_an_interrupt_ends_the_check(kernel, stands_in):
    """The square button ends the process too, not only the cell: the cell waits for the process, which would run for
    ten minutes. The program itself presses the button, so that it comes while it runs."""
    stands_in(then="os.kill(os.getppid(), signal.SIGINT); time.sleep(600)")
    assert "KeyboardInterrupt" in texts(kernel("%check"))


# -- which file, and is it saved -------------------------------------------------------------------------


def test_what_was_run_and_not_saved_is_noticed(kernel, stands_in, place):
    """The file on disk is what is checked: a cell that is newer must be saved first."""
    stands_in()
    kernel("y = 2")
    assert "Save your notebook first" in texts(kernel("%check"))
    write(place / "mine.ipynb", "x = 1", "y = 2\n", "%check", age=60)
    assert "Save your notebook first" not in texts(kernel("%check"))


def test_a_cell_that_was_deleted_needs_no_saving(kernel, stands_in, place):
    """What was tried and thrown away before the last save is not asked for."""
    stands_in()
    kernel("scratch = 1")
    time.sleep(0.1)
    write(place / "mine.ipynb", "x = 1", age=0)
    assert "Save your notebook first" not in texts(kernel("%check"))


def test_of_two_notebooks_one_must_be_named(kernel, stands_in, place):
    """Where nothing tells which notebook this is, the student does."""
    stands_in()
    write(place / "other.ipynb")
    assert "Type its name: %check my_solution.ipynb" in texts(kernel("%check"))
    assert "iframe" in kernel("%check mine.ipynb")[-1]["text/html"]


@pytest.mark.parametrize("front_end", ["os.environ['JPY_SESSION_NAME'] =", "__vsc_ipynb_file__ ="])
def test_the_front_end_tells_which_notebook_it_is(kernel, stands_in, place, front_end):
    """Jupyter's server tells it in the environment, VS Code in a variable."""
    stands_in(code=2)
    write(place / "other.ipynb")
    kernel(f"import os; {front_end} {str(place / 'other.ipynb')!r}", silent=True)
    assert f"What happened {place / 'other.ipynb'} " in texts(kernel("%check"))


def test_another_notebook_need_not_hold_what_was_run_here(kernel, stands_in, place):
    """A notebook that is named and is not this one is checked as it lies on disk, at once."""
    stands_in(code=2)
    write(place / "other.ipynb", "z = 3")
    kernel(f"__vsc_ipynb_file__ = {str(place / 'mine.ipynb')!r}", silent=True)
    kernel("y = 2")
    assert "Save your notebook first" in texts(kernel("%check mine.ipynb"))
    assert "What happened other.ipynb" in texts(kernel("%check other.ipynb"))


def test_a_file_that_is_not_there_is_named(kernel):
    """As a sentence, without a traceback."""
    said = texts(kernel("%check nowhere.ipynb"))
    assert "There is no file nowhere.ipynb." in said
    assert "Traceback" not in said


# -- inside the checker ----------------------------------------------------------------------------------


def test_the_checker_passes_over_its_own_magic(kernel, stands_in):
    """A notebook that is handed in with `%check` in it does not check itself while it is checked."""
    stands_in()
    kernel("import checker.guest", silent=True)
    assert kernel("%check") == []


def test_loading_it_imports_no_other_part(kernel):
    """`%load_ext checker` takes no time, and brings no library into the student's kernel."""
    said = texts(kernel("import sys; print(sorted(name for name in sys.modules if name.startswith('checker')))"))
    assert "['checker', 'checker.notebook']" in said
