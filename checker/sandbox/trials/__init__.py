"""Trials of a sandbox: it runs small hostile files as students' files, and the host observes their effects.

Theory of operation: a ``Snippet`` is a small Python file with one attack; its header lists its job's allowed endings.
``bait`` puts targets on the host: servers of several address families, a secret in a file and in a process's
environment, a process to kill. Snippets run one after the other in one box. After each, the host checks whether the
bait was touched, whether the secret came out, whether a process or file is left, and whether time, memory and output
stayed in bounds. At the start of each job ``PREAMBLE`` lists the state of the box: anything that the snippet before has
left there counts as a broken promise of that snippet's trial.

A snippet prints REACHED if its attack succeeded, but that is only one observation among others.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

import checker
from checker.records.assignment import Caps, Limits
from checker.records.job import Ending, ExecuteJob, Execution
from checker.sandbox import bubblewrap
from checker.sandbox.boxes import Box, Sandbox
from checker.sandbox.owntime import BY_CLOCK
from checker.sandbox.trials import bait
from checker.sandbox.trials.bait import Bait
from checker.wire import frames
from checker.wire.collector import Collector
from checker.wire.frames import Frame, Kind

PACKAGE = Path(checker.__file__).parent
IN_PACKAGE = PACKAGE / "hostile"
IN_PROJECT = PACKAGE.parent / "fixtures" / "hostile"
FOLDER = IN_PACKAGE if IN_PACKAGE.exists() else IN_PROJECT
"""A wheel carries the hostile files inside the package; a checkout has them in ``fixtures/``."""

CAPS = Caps(100, 100, 100, 10_000)
CSV = b"longitude,latitude\n0,0\n"
LIMITS = Limits(seconds=60, memory_mib=1_500, output_mib=16)
LATE_SECONDS = 30.0
"""Seconds over its limit that a job may take: in own time until it is ended, by the clock until it is cleaned up."""
OVERSHOOT_MIB = 3_072
"""MiB over its limit that a job may reach before the watcher notices."""
PROBE = "PROBE "

PREAMBLE = r"""
# %%
import ctypes, json, os, pathlib, socket, subprocess, sys, types
host = types.SimpleNamespace(**json.loads({bait!r}))
_left = [str(p) for place in ("/tmp", "/tmp/home", "/dev/shm") if {walled!r} for p in pathlib.Path(place).iterdir()]
_left = [p for p in _left if host.token in p or "left" in p]
_others = [p for p in os.listdir("/proc") if p.isdigit()] if {walled!r} else []
import numpy
print("PROBE", json.dumps(dict(left=_left, crowded=len(_others) > 3, mean=float(numpy.mean([0.0, 3.0])),
    cores=len(os.sched_getaffinity(0)), environment="LEFT" in os.environ)))
def attempt(what, action):
    try:
        got = action()
    except BaseException as error:
        print("REFUSED", what, type(error).__name__, str(error)[:100])
    else:
        print("REACHED", what, repr(got)[:200])
def call(name, *arguments):
    import checker.sandbox.seccomp as known
    libc = ctypes.CDLL(None, use_errno=True)
    number = name if isinstance(name, int) else known.MACHINES[os.uname().machine].numbers[name]
    result = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
# %%
"""


@dataclass(frozen=True)
class Snippet:
    """One attack. ``endings``: the allowed endings of its job. ``says``: text that its output must contain. ``plain``:
    a plain process withstands it too."""

    name: str
    does: str
    source: str
    endings: tuple[Ending, ...] = (Ending.FINISHED,)
    says: str = ""
    plain: bool = False
    limits: Limits = LIMITS

    @property
    def group(self) -> str:
        return self.name.split("/")[0]

    @property
    def costs_its_box(self) -> bool:
        """Tell whether its job may be ended early, so that the next one needs a new box."""
        return self.endings != (Ending.FINISHED,)


@dataclass(frozen=True)
class Trial:
    """The result of a snippet. ``broken``: promises that the sandbox broke, in words; there should be none."""

    snippet: Snippet
    execution: Execution
    text: str
    broken: tuple[str, ...] = ()


def load() -> tuple[Snippet, ...]:
    """Return all snippets, by name."""
    return tuple(map(_load, sorted(FOLDER.glob("*/*.py"))))


def _load(path: Path) -> Snippet:
    source = path.read_text(encoding="utf-8")
    does = source.split('"""')[1]
    header = tomllib.loads("\n".join(line[3:] for line in source.splitlines() if line.startswith("#: ")))
    endings = tuple(Ending(name) for name in header.pop("endings", ["finished"]))
    says, plain = header.pop("says", ""), header.pop("plain", False)
    name = path.relative_to(FOLDER).with_suffix("").as_posix()
    return Snippet(name, does, source, endings, says, plain, replace(LIMITS, **header))


def run(sandbox: Sandbox, snippets: Sequence[Snippet]) -> list[Trial]:
    """Run snippets in a kind of sandbox and return the trials by name; snippets that cost their box run in parallel to
    the others."""
    costly = [snippet for snippet in snippets if snippet.costs_its_box]
    lanes = [lane for lane in ([s for s in snippets if not s.costs_its_box], costly[::2], costly[1::2]) if lane]
    with ThreadPoolExecutor(len(lanes)) as pool:
        trials = [trial for lane in pool.map(lambda lane: list(trials_of(sandbox, lane)), lanes) for trial in lane]
    return sorted(trials, key=lambda trial: trial.snippet.name)


def trials_of(sandbox: Sandbox, snippets: Iterable[Snippet]) -> Iterator[Trial]:
    """Run snippets in one box, one after the other; a trial is complete only after the next job's probe."""
    boxes, last = sandbox.open(), None
    nothing = Snippet("nothing", "Does nothing.", "")
    try:
        with bait.laid_out() as lure:
            for snippet in (*snippets, nothing):
                trial = _try(snippet, boxes.students, lure, sandbox.name == bubblewrap.Bubblewrap.name)
                if last is not None:
                    met = odd(trial)
                    yield replace(last, broken=(*last.broken, met)) if met else last
                last = trial
    finally:
        boxes.close()


def _try(snippet: Snippet, box: Box, lure: Bait, walled: bool) -> Trial:
    seen, size = Collector(lambda progress: None), [0]

    def receive(frame: Frame) -> None:
        size[0] += frame.size
        seen.receive(frame)

    source = PREAMBLE.format(bait=lure.described(), walled=walled).lstrip() + snippet.source
    job = ExecuteJob(is_notebook=False, keras="3", reason="", caps=CAPS, classes=())
    beside = [Frame(Kind.BYTES, source.encode()), Frame(Kind.BYTES, CSV)]
    execution = box.run([frames.job(job), *beside, frames.END], snippet.limits, receive)
    text = "".join(output.content for cell in seen.cells for output in cell.outputs if output.kind == "text")
    text += "".join(f"\n{cell.error.name}: {cell.error.message}" for cell in seen.cells if cell.error)
    text += "".join(f"\n{failure.rationale}" for failure in seen.failures) + "\n" + execution.output_tail
    broken = [*judged(snippet, execution, text, size[0]), *lure.touched(text)]
    return Trial(snippet, execution, text, tuple(broken))


def judged(snippet: Snippet, execution: Execution, text: str, size: int) -> Iterator[str]:
    """Yield the broken promises about one job, in words."""
    limits = snippet.limits
    if execution.ending not in snippet.endings:
        yield f"ended by {execution.ending}, not by {' or '.join(snippet.endings)}"
    if "REACHED" in text:
        yield "reached: " + next(line for line in text.splitlines() if "REACHED" in line)[:200]
    if snippet.says not in text:
        yield f"did not say {snippet.says!r}"
    if execution.counted_seconds > limits.seconds + LATE_SECONDS:
        yield f"took {execution.counted_seconds:.0f} s of its own"
    if execution.wall_seconds > BY_CLOCK * limits.seconds + LATE_SECONDS:
        yield f"took {execution.wall_seconds:.0f} s by the clock"
    if execution.peak_memory_mib > limits.memory_mib + OVERSHOOT_MIB:
        yield f"took {execution.peak_memory_mib:,.0f} MiB"
    if size > (limits.output_mib + 1) * 2**20:
        yield f"sent {size:,} bytes"


def odd(next_trial: Trial) -> str:
    """Return a snippet's effect on the next job in the box, in words; "" if the box was like new."""
    lines = [line for line in next_trial.text.splitlines() if line.startswith(PROBE)]
    if not lines:
        return f"harmed the next job, which ended by {next_trial.execution.ending}: {next_trial.text[-300:].strip()}"
    found: dict[str, Any] = json.loads(lines[0].removeprefix(PROBE))
    unusual = {name: found[name] for name, value in usual().items() if found[name] != value}
    return f"left for the next job: {unusual}" if unusual else ""


def usual() -> dict[str, Any]:
    """Return the probe's values in a new box."""
    cores = len(psutil.Process().cpu_affinity())
    return {"left": [], "crowded": False, "mean": 1.5, "cores": cores, "environment": False}
