"""How soon a what-if shows: the practical's network, 20 epochs, changed in ways that nobody has tried, in a warm box.

Seconds from the request to its first epoch, to the end of the first seed, and to the result of all seeds; and of an
equal request, which is answered from the cache. Type: python tests/benchmarks/what_if.py
"""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from checker.assignment import folders
from checker.records.settings import unwatched
from checker.records.variants import LayerChange, NewLayer, Variant
from checker.run import keys, places, session, store
from checker.run.session import Request
from checker.run.what_ifs import WhatIfs
from checker.submissions import choice

ROOT = Path(__file__).parent.parent.parent
ASSIGNMENT = ROOT / "reference" / "ocean_proximity"
VARIANTS = {
    "120 units": Variant(layers=(LayerChange(at=1, units=120),)),
    "a layer less": Variant(layers=(LayerChange(at=2, drop=True),)),
    "another rate": Variant(learning_rate=0.002),
    "without longitude": Variant(without=("longitude",)),
    "dropout": Variant(added=(NewLayer(after=1, kind="Dropout", rate=0.5),)),
    "tanh": Variant(layers=(LayerChange(at=1, activation="tanh"),)),
}
PAUSE = 0.005
EPOCHS = 20
"""Of the practical's training."""


def timed(what_ifs: WhatIfs, variant: Variant, seeds: int) -> tuple[float, float, float]:
    """Return the seconds to the first epoch, to the last one of the first seed, and to the result."""
    began, first, whole = time.perf_counter(), 0.0, 0.0
    trying = what_ifs.ask("practical", variant, "Ada")
    while not trying.has_ended:
        epochs = trying.look()
        now = time.perf_counter() - began
        first = first or (now if epochs else 0.0)
        whole = whole or (now if any(epoch.at == EPOCHS for epoch in epochs) else 0.0)
        time.sleep(PAUSE)
    assert trying.result is not None, trying.error
    assert len(trying.result.seeds) == seeds
    return first, whole, time.perf_counter() - began


def main() -> None:
    """Train the practical's own network once, then try the variants, and print a table."""
    settings = session.settings(Request(assignment=ASSIGNMENT))
    out = Path(tempfile.mkdtemp(prefix="checker-what-if-"))
    try:
        (out / "in").mkdir()
        shutil.copy(ASSIGNMENT / folders.SOLUTION, out / "in" / "practical.ipynb")
        (submission,) = choice.find(out / "in")
        pool = places.Pool()
        gathered = pool.gather(submission, settings, unwatched)
        under = keys.evidence_keys(submission, settings, pool.kind)
        store.save(out / "evidence", submission.name, under, gathered, keys.circumstances(settings))
        store.note_digest(out / "evidence", submission.name)
        what_ifs = WhatIfs(out, settings, pool)
        what_ifs.get_ready()
        seeds = len(settings.seeds)
        timed(what_ifs, Variant(epochs=1), seeds)  # the evidence is in memory from here on
        table = Table("what if", "first epoch, s", "first seed, s", "all seeds, s", "cached, ms")
        rows = []
        for name, variant in VARIANTS.items():
            first, one, whole = timed(what_ifs, variant, seeds)
            began = time.perf_counter()
            assert what_ifs.ask("practical", variant, "Ada").has_ended
            rows.append((first, one, whole, 1000 * (time.perf_counter() - began)))
            table.add_row(name, *(f"{value:.2f}" for value in rows[-1]))
        table.add_row("median", *(f"{statistics.median(of):.2f}" for of in zip(*rows, strict=True)))
        Console().print(table)
        what_ifs.close()
    finally:
        shutil.rmtree(out)


if __name__ == "__main__":
    main()
