"""``checker batch`` against nbgrader, as in ``peers``, on notebooks that train in batches of Keras's default size.

Eleven of the twelve examples of ``peers`` ask for batches of 128 rows or more. Here six of these are copied without
that argument, and otherwise unchanged; ``unscaled-inputs`` is none of them, for nbgrader's graded cell scales. What the
copies' recipes are is looked at first: an example whose copy still trains in other batches is left out, by name.
"""

import re
import tempfile
from pathlib import Path
from typing import Any

import measuring
import nbformat
import peers

NAMES = (
    "bare-logits",
    "linear-layers",
    "no-hidden-layer",
    "plain-sequential",
    "softmax-from-logits",
    "tested-on-training-rows",
)
ARGUMENT = re.compile(r", batch_size=\w+")
DEFAULT_BATCH = 32


def copy(name: str, to: Path) -> None:
    """Copy an example's notebook into a folder of submissions, without the sizes of its batches."""
    (file,) = (peers.SUBMISSIONS / name).glob("*.ipynb")
    notebook = nbformat.read(file, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = ARGUMENT.sub("", cell.source)
    (to / name).mkdir(parents=True)
    nbformat.write(notebook, to / name / file.name)


def in_default_batches(report: Any) -> bool:
    """Return whether the whole recipe is in batches of Keras's default size."""
    return all(phase["batch_size"] == DEFAULT_BATCH for phase in report["recipe"]["phases"])


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "submissions")
        for name in NAMES:
            copy(name, folder)
        _, reports = peers.by_checker(folder, NAMES, Path(place, "results"), measuring.data_arguments(), 2)
        kept = [report["submission"]["name"] for report in reports if in_default_batches(report)]
        print(f"Not in batches of {DEFAULT_BATCH}, so left out: {', '.join(sorted({*NAMES} - {*kept})) or 'none'}.")
        peers.measure(f"A batch against nbgrader, in batches of {DEFAULT_BATCH}", folder, kept)


if __name__ == "__main__":
    main()
