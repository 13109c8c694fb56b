"""Every parser of what others wrote, as a target for fuzzing: bytes in, nothing out but the documented error.

Theory of operation: a ``Target`` takes any bytes. It returns where they are read or refused in the documented way, and
lets every other exception out; whoever calls it looks at time and memory. ``seeds`` are honest inputs, from which a
fuzzer starts. ``test_parsers`` calls targets with inputs that hypothesis makes, few or, in a soak, many; ``coverage``
does so with atheris, which follows the branches that an input takes.

What is made of records that have been read is tested in ``test_journey``, where a guest may say anything, and all of it
is judged and rendered.
"""

import io
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import nbformat
import numpy as np
from record_types import ALL, every

from checker.assignment import folders
from checker.errors import AssignmentError, EvidenceError, HarnessError, UsageError
from checker.gradebooks import decisions, worksheets
from checker.guest.host import client
from checker.guest.plain import generation
from checker.guest.reading import notebook
from checker.guest.reading.cells import sources
from checker.records.codec import from_json
from checker.records.gathered import Gathered
from checker.report.tables import Results
from checker.run import keys, store
from checker.submissions import choice, naming
from checker.submissions.uploads import File
from checker.wire import frames
from checker.wire.collector import Collector

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "reference" / "ocean_proximity"
MAX_CELLS = 20
KEYS = keys.Keys("run", "key")
RECORDS = [
    *(cls for cls in ALL.values() if isinstance(cls, type) and is_dataclass(cls)),
    Results,
    store.Stored,
]


@dataclass(frozen=True)
class Target:
    """A parser: what it is called, what it does with bytes, and honest inputs for it."""

    name: str
    read: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


# -- frames and records ----------------------------------------------------------------------------------


def read_frames(data: bytes) -> None:
    """A guest's stream, up to the first frame that makes no sense."""
    stream, seen = io.BytesIO(data), Collector(lambda progress: None)
    with suppress(EvidenceError):
        while (frame := frames.read(stream)) is not None:
            seen.receive(frame)


def some_frames() -> list[bytes]:
    stream = io.BytesIO()
    said = [
        every.Environment({"python": "3.11"}, "3", ""),
        every.Progress(1, 2),
        every.CellResult(index=1, source="x = 1", outputs=(every.CellOutput("text", "1"),), error=None, seconds=0.1),
        every.Adaptation(1, "lr is called learning_rate"),
        some_model(),
        every.Failure(stage=every.Stage.READING, cause=every.FailureCause.UNREADABLE_FILE, rationale="a", help="b"),
    ]
    for one in said:
        frames.write(stream, frames.message(one))
    frames.write(stream, frames.array(np.eye(3, dtype=np.float32)))
    return [stream.getvalue()]


def read_array(data: bytes) -> None:
    """An array's bytes."""
    with suppress(EvidenceError):
        values = frames.unpack(data)
        assert np.array_equal(frames.unpack(frames.pack(values)), values, equal_nan=values.dtype.kind == "f")


def some_arrays() -> list[bytes]:
    return [frames.pack(np.zeros(shape, dtype)) for dtype in frames.DTYPES for shape in ((), (0,), (3, 2))]


def read_record(data: bytes) -> None:
    """A record of the kind that the first byte says, which is written and read back the same."""
    kind = RECORDS[data[0] % len(RECORDS)] if data else RECORDS[0]
    with suppress(EvidenceError):
        written = every.to_json(from_json(kind, data[1:]))
        with suppress(EvidenceError):  # what is no number is written as null, which not every field may be
            assert every.to_json(from_json(kind, written)) == written


def some_records() -> list[bytes]:
    known = [some_model(), *some_model().fits, some_model().architecture, every.Progress(1, 2)]
    return [bytes([RECORDS.index(type(one))]) + every.to_json(one) for one in known]


@cache
def some_model() -> every.ModelCapture:
    """A network that was trained once."""
    layers = (
        every.Layer("a", "InputLayer", {"shape": [9]}),
        every.Layer("b", "Dense", {"units": 50, "activation": "relu", "kernel_initializer": {"class_name": "Zeros"}}),
        every.Layer("c", "Dense", {"units": 5, "activation": "softmax"}),
    )
    nodes = (every.Node("a", ()), every.Node("b", (0,)), every.Node("c", (1,)))
    adam, loss = every.KerasObject("Adam", {"learning_rate": 0.001}), every.KerasObject("MeanSquaredError")
    phase = every.Phase(
        optimizer=adam,
        loss=loss,
        epochs=20,
        batch_size=32,
        labels=every.Labels.INTEGERS,
        class_weight={"0": 1.5},
        rates=(0.1, 0.01),
    )
    index = frames.reference(np.arange(3))
    seen = every.Fed(
        rows=13_209, x=frames.reference(np.zeros((3, 9))), y=frames.reference(np.zeros(3)), note="", index=index
    )
    fit = every.Fit(
        cell=7,
        how="fit",
        phase=phase,
        unrebuildable="",
        epochs_asked=20,
        epochs_done=20,
        steps_done=8_260,
        finished=True,
        training=seen,
        development=every.Development.SPLIT,
        validation=seen,
        history={"loss": (1.0,)},
    )
    architecture = every.Architecture(layers, nodes, (2,), 755)
    return every.ModelCapture(
        id=1,
        name="sequential",
        variable="model",
        class_name="Sequential",
        cell=6,
        input_width=9,
        output_width=5,
        parameters=755,
        architecture=architecture,
        unrebuildable="",
        fits=(fit,),
        uses=(every.Use(8, "evaluate", seen),),
    )


# -- what students hand in -------------------------------------------------------------------------------


def read_notebook(data: bytes) -> None:
    """A notebook, as the guest reads it: cells of text with a kind."""
    with suppress(notebook.UnreadableError):
        _look_at(notebook.read_notebook(data))


def read_module(data: bytes) -> None:
    """A module, as the guest reads it."""
    with suppress(notebook.UnreadableError):
        _look_at(notebook.read_module(data))


def _look_at(read: Any) -> None:
    code = sources(read)
    generation.choose(code)
    generation.is_tensorflow_1(code)
    for cell in read.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            frames.message(client.cell_result(cell, 1, 0.1))


def some_notebooks() -> list[bytes]:
    cells = [
        nbformat.v4.new_code_cell("import keras\nx = 1"),
        nbformat.v4.new_markdown_cell("# Two"),
        nbformat.v4.new_code_cell("x", metadata={"tags": ["a"]}),
    ]
    kernel = {"language": "python", "name": "python3", "display_name": "Python 3"}
    new = nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})).encode()
    old = {
        "cell_type": "code",
        "input": "x = 1",
        "language": "python",
        "outputs": [],
        "collapsed": False,
        "metadata": {},
        "prompt_number": 1,
    }
    sheet = {"worksheets": [{"cells": [old], "metadata": {}}], "nbformat_minor": 0, "metadata": {"name": ""}}
    made = [json.dumps({**sheet, "nbformat": version}).encode() for version in (3, 2)]
    first = {"nbformat": 1, "cells": [{"cell_type": "code", "code": "x = 1", "prompt_number": 1}]}
    return [new, *made, json.dumps(first).encode()]


def some_modules() -> list[bytes]:
    return [
        b"# %% one\nx = 1\n# %%\ny = 2\n",
        b"import keras\n\n@a\ndef f(x):\n    return x\n\nif 1:\n    f(2)\n",
        b"def",
    ]


def read_zip(data: bytes) -> None:
    """A zip of submissions: each is found and read, or has words for why not; no file is made."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "course.zip")
        path.write_bytes(data)
        with suppress(UsageError):
            for submission in choice.find(path):
                every.to_json(submission)
                if submission.failure is None:
                    with suppress(HarnessError):
                        choice.read(submission)
        assert [entry.name for entry in Path(folder).iterdir()] == ["course.zip"]


def some_zips() -> list[bytes]:
    return [
        a_zip({"Ada_1_assignsubmission_file/tick.ipynb": b"{}", "Ada_1_assignsubmission_file/a/b.py": b"x"}),
        a_zip({"export/submission_1/tick.ipynb": b"{}", "export/submission_metadata.yml": some_metadata()[0]}),
        a_zip({"submitted/ada/tick/tick.ipynb": b"{}", "submitted/ada/tick/timestamp.txt": b"2026-01-01"}),
        a_zip({"a/tick.ipynb": b"{}" * 999, "../b.py": b"", "/c.py": b"", "C:d.py": b"", "a/TICK.ipynb": b"x"}),
    ]


def a_zip(members: dict[str, bytes]) -> bytes:
    """A zip of these members."""
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def read_names(data: bytes) -> None:
    """Names of files, a line each: whatever they look like, every upload has a name, and files of its own."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    split = [tuple(part for part in line.split("/") if part not in ("", ".", "..")) for line in lines]
    files = [File(parts, float(at), 1, Path("course.zip"), "/".join(parts)) for at, parts in enumerate(split) if parts]
    files = [file for file in files if file.name != naming.METADATA and file.name != naming.TIMESTAMP]
    for zip_name in ("", "course"):
        found = naming.sort_out(files, zip_name) if files else []
        assert all(upload.files and file.parts for upload in found for file in upload.files)


def some_names() -> list[bytes]:
    return [
        b"Ada Lovelace_12345_assignsubmission_file/tick.ipynb\nGroup A_77_assignsubmission_onlinetext/a.html",
        b"lovelaceada_LATE_1234_98765_tick.ipynb\nanon_Xy3kP_98766_tick.ipynb",
        b"submitted/ada/tick4/tick.ipynb\nsubmission_77/tick.ipynb",
    ]


def read_metadata(data: bytes) -> None:
    """Gradescope's metadata."""
    every.to_json(tuple(naming._submitters(data.decode("utf-8", "replace")).values()))


def some_metadata() -> list[bytes]:
    return [b"---\nsubmission_1:\n  :submitters:\n  - :name: Ada\n    :email: a@b.c\n  :created_at: 2026-01-01\n"]


# -- what people at the keyboard give --------------------------------------------------------------------


def read_assignment(data: bytes) -> None:
    """An assignment's settings."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, folders.FILE).write_bytes(data)
        for name in (folders.STARTER, folders.RULES):
            Path(folder, name).touch()
        with suppress(AssignmentError):
            folders.load(Path(folder))


def some_assignments() -> list[bytes]:
    return [path.read_bytes() for path in sorted(ROOT.glob("reference/*/assignment.toml"))]


def read_scores(data: bytes) -> None:
    """Committed scores, and a hand-out, of an assignment."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (folders.SCORES, folders.STARTER):
            Path(folder, name).write_bytes(data)
        assignment = an_assignment(folder)
        with suppress(AssignmentError):
            folders.scores(assignment)
        with suppress(AssignmentError):
            folders.starter_sources(assignment)


@cache
def an_assignment(folder: str) -> every.Assignment:
    """Our assignment, as if it lay in a folder."""
    known = folders.load(REFERENCE)
    return every.Assignment(**{f.name: getattr(known, f.name) for f in fields(known)} | {"folder": folder})


def some_scores() -> list[bytes]:
    known = [REFERENCE / folders.SCORES, REFERENCE / folders.STARTER]
    return [path.read_bytes() for path in known if path.exists()]


def read_decisions(data: bytes) -> None:
    """What demonstrators have decided: what can be read is read the same with another student below."""
    with suppress(UsageError):
        found = decisions.read(data)
        more = decisions.read(decisions.extended(data, ["somebody new"]))
        assert found.items() <= more.items() and "somebody new" in more


def some_decisions() -> list[bytes]:
    head = b"student,decision,note,by\n"
    return [
        head + b'ada,tick,"well,\nargued",T\ngrace,resubmit,,\n',
        b"\xef\xbb\xbf" + head.replace(b",", b";") + b"ada;tick;;\r\n",
        "decision\tstudent\ntick\tM\xfcller\n".encode("cp1252"),
    ]


def read_worksheet(data: bytes) -> None:
    """Moodle's worksheet: filled with nothing it is the same to the byte, and a grade is read back."""
    with suppress(UsageError):
        sheet = worksheets.read(data)
        assert worksheets.fill(sheet, {}, {}) == data
        again = worksheets.read(worksheets.fill(sheet, {row.line: 'a "1"' for row in sheet.rows}, {}))
        assert [row.grade for row in again.rows] == ['a "1"'] * len(sheet.rows)


def some_worksheets() -> list[bytes]:
    text = "Identifier,Full name,Grade,Maximum grade,Grade can be changed,Last modified (grade)\r\n"
    text += 'Participant 1,"Ada ""A"" L",,10,Yes,-\nParticipant 2,G,"1,5",10,No,-'
    german = 'ID;Vollständiger Name;Bewertung;Zuletzt geändert (Bewertung)\n"Teilnehmer/in1";A;;-\n'
    return [text.encode(), b"\xff\xfe" + text.encode("utf-16-le"), german.encode("latin-1")]


def read_stored(data: bytes) -> None:
    """Stored evidence of which one file is these bytes: it is whole, or there is none."""
    which, content = data[:1], data[1:]
    with tempfile.TemporaryDirectory() as folder:
        store.save(Path(folder), "ada", KEYS, some_gathered())
        files = sorted(Path(folder, "ada").iterdir())
        files[which[0] % len(files) if which else 0].write_bytes(content)
        whole = store.load(Path(folder), "ada", KEYS)
        assert whole is None or set(whole.arrays) == {ref.sha256 for ref in store._references(whole.evidence)}
        for place in store.places(Path(folder)):
            store.load_at(place, "")


@cache
def some_gathered() -> Gathered:
    """Evidence with an array."""
    outputs = np.eye(5, dtype=np.float32)
    finished = every.Execution(
        ending=every.Ending.FINISHED,
        exit_code=0,
        wall_seconds=1.0,
        cpu_seconds=1.0,
        peak_memory_mib=1.0,
        output_tail="",
        sandbox="fake",
    )
    spread = every.Histogram(-0.5, 0.5, (3, 2))
    weights = (every.Weights("1_Dense/kernel", spread, spread),)
    evidence = every.Evidence(
        submission=every.Submission(name="ada", path="/ada.ipynb", is_notebook=True, sha256="c0ffee"),
        environment=None,
        execution=finished,
        cells=(),
        models=(some_model(),),
        failures=(),
        selection=every.Selection(1, "the only one"),
        tracing=None,
        recipe=None,
        seeds=(1,),
        retraining=finished,
        runs=(
            every.TrainingRun(
                seed=1,
                history={"loss": (0.5, None)},
                epochs=2,
                steps=3,
                seconds=0.1,
                stopped_early=False,
                predictions=frames.reference(outputs),
                weights=weights,
            ),
        ),
    )
    return Gathered(evidence, {frames.reference(outputs).sha256: outputs})


def some_stored() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        store.save(Path(folder), "ada", KEYS, some_gathered())
        return [bytes([at]) + p.read_bytes() for at, p in enumerate(sorted(Path(folder, "ada").iterdir()))]


TARGETS = (
    Target("frames", read_frames, some_frames),
    Target("array", read_array, some_arrays),
    Target("record", read_record, some_records),
    Target("notebook", read_notebook, some_notebooks),
    Target("module", read_module, some_modules),
    Target("zip", read_zip, some_zips),
    Target("names", read_names, some_names),
    Target("metadata", read_metadata, some_metadata),
    Target("assignment", read_assignment, some_assignments),
    Target("scores", read_scores, some_scores),
    Target("decisions", read_decisions, some_decisions),
    Target("worksheet", read_worksheet, some_worksheets),
    Target("stored", read_stored, some_stored),
)
