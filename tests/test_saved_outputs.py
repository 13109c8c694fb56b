"""Outputs saved in a notebook are kept beside those of its cells here."""

from contextlib import closing

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from checker.guest.reading.cells import MAX_SAVED, saved_text
from checker.guest.reading.notebook import read_notebook
from checker.records.assignment import Limits
from checker.records.job import ExecuteJob
from checker.sandbox import kinds
from checker.wire import frames
from checker.wire.collector import Collector
from checker.wire.frames import Frame, Kind


def a_cell(*outputs):
    """Return a cell with these outputs as it is read from a file."""
    file = nbformat.writes(new_notebook(cells=[new_code_cell("x = 1", outputs=list(outputs)), new_code_cell("x")]))
    return read_notebook(file.encode()).cells[0]


def test_streams_and_results_are_kept():
    """What was printed and what the last line gave, in order; pictures and errors are not text."""
    cell = a_cell(
        new_output("stream", name="stdout", text="Test accuracy: 0.93\n"),
        new_output("display_data", {"image/png": "AAAA"}),
        new_output("error", ename="E", evalue="v", traceback=["t"]),
        new_output("execute_result", {"text/plain": "[0.2, 0.93]", "text/html": "<b>0.99</b>"}),
    )
    assert saved_text(cell) == "Test accuracy: 0.93\n\n[0.2, 0.93]"
    assert saved_text(new_markdown_cell("# accuracy: 0.99")) == ""


def test_of_long_outputs_the_end_is_kept():
    """The end of a long saved output is kept."""
    saved = saved_text(a_cell(new_output("stream", name="stdout", text="x" * 10**6 + "end")))
    assert len(saved) == MAX_SAVED
    assert saved.endswith("end")


@pytest.mark.parametrize(
    "outputs", [None, 3, "text", {}, [3], [None], [{}], [{"text": 3}], [{"data": 3}], [{"data": {"text/plain": [1]}}]]
)
def test_odd_outputs_are_no_text(outputs):
    """A file may hold anything where outputs should be."""
    cell = new_code_cell("x = 1")
    cell["outputs"] = outputs
    assert saved_text(cell) == ""


@pytest.mark.tensorflow
def test_saved_outputs_come_with_the_cells(assignment, practice):
    """A notebook runs, and each cell has what it shows now and what it showed before."""
    cells = [
        new_code_cell("print('now')", outputs=[new_output("stream", name="stdout", text="before")]),
        new_markdown_cell("between"),
        new_code_cell("print('new')"),
    ]
    seen = Collector(lambda progress: None)
    job = ExecuteJob(is_notebook=True, keras="3", reason="", caps=assignment.caps, classes=assignment.data.classes)
    file = nbformat.writes(new_notebook(cells=cells)).encode()
    said = [frames.job(job), Frame(Kind.BYTES, file), Frame(Kind.BYTES, practice.csv), frames.END]
    with closing(kinds.choose("none").open()) as boxes:
        boxes.students.run(said, Limits(seconds=120, memory_mib=2_048, output_mib=16), seen.receive)
    found = [(cell.index, cell.saved, "".join(output.content for output in cell.outputs)) for cell in seen.cells]
    assert found == [(1, "before", "now\n"), (3, "", "new\n")]
