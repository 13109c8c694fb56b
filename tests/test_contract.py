"""Hostile files behind every kind of sandbox, and the watch that is kept over them."""

import json
import socket
import subprocess
import sys

import pytest
from sandbox_contract import SNIPPETS, Contract

from checker.records.job import Ending, Execution
from checker.sandbox import trials
from checker.sandbox.trials import bait


@pytest.mark.tensorflow
@pytest.mark.wall
@pytest.mark.parametrize("name", list(SNIPPETS))
class TestBubblewrap(Contract):
    kind = "bubblewrap"


@pytest.mark.tensorflow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the bait is laid out for Linux")
@pytest.mark.parametrize("name", [name for name, snippet in SNIPPETS.items() if snippet.plain])
class TestPlainProcess(Contract):
    """A plain process promises an end to everything, and limits of time, memory and output; it is no wall, so nothing
    else is tried on the user's own machine."""

    kind = "none"


def test_there_are_snippets_of_every_group():
    """Each group has several, and each says in a sentence what it does."""
    groups = [snippet.group for snippet in SNIPPETS.values()]
    assert set(groups) == {"network", "files", "processes", "memory", "output", "kernel", "warm", "frames"}
    assert min(map(groups.count, groups)) >= 6
    assert all(snippet.does.endswith(".") for snippet in SNIPPETS.values())


def test_the_matrix_in_the_docs_is_complete(root):
    """docs/security.md has a row for every snippet."""
    page = (root / "docs" / "security.md").read_text()
    assert [name for name in SNIPPETS if f"| `{name}` |" not in page] == []


def found(words, snippet=SNIPPETS["network/tcp"], **of_execution):
    """Return what the host makes of a job that said these words."""
    execution = {"ending": Ending.FINISHED, "wall_seconds": 1.0, "peak_memory_mib": 100.0} | of_execution
    return list(trials.judged(snippet, an_execution(**execution), words, size=1_000))


def an_execution(**of_execution):
    usual = {"exit_code": 0, "cpu_seconds": 1.0, "output_tail": "", "sandbox": "fake"}
    return Execution(**(usual | of_execution))


def test_a_snippet_that_gets_through_is_found_out():
    """Its own word, an unexpected end, and a limit that did not hold are each a broken promise."""
    assert found("REFUSED tcp") == []
    assert "reached" in found("REACHED tcp")[0]
    assert "ended by" in found("", ending=Ending.CRASHED)[0]
    assert "of its own" in found("", counted_seconds=500.0)[0]
    assert "by the clock" in found("", wall_seconds=5_000.0)[0]
    assert found("", wall_seconds=500.0) == []
    assert "MiB" in found("", peak_memory_mib=9_000.0)[0]
    assert "did not say" in found("", SNIPPETS["processes/threads"])[0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sockets without a place are Linux's")
def test_bait_that_was_touched_tells_it():
    """A connection, the secret in an output, a changed file, and the end of a bystander are seen from outside."""
    with bait.laid_out() as lure:
        assert list(lure.touched("quiet")) == []
        socket.create_connection(lure.servers["tcp"].getsockname()).close()
        assert "tcp" in next(lure.touched(""))
        assert list(lure.touched(f"I found {lure.secret}")) == ["the secret came out"]
        lure.file.write_text("mine")
        assert list(lure.touched("")) == ["wrote to the host's folder"]
        lure.file.write_text(lure.secret)
        waits = [sys.executable, "-c", "print('here', flush=True); input()", lure.token]
        with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as left:
            left.stdout.readline()  # a process that has just begun has no command line yet
            assert "left 1 processes" in list(lure.touched(""))
            left.kill()
        lure.bystander.kill()
        lure.bystander.wait()
        assert list(lure.touched("")) == ["ended a process of the host"]


def test_what_was_left_for_the_next_job_is_told():
    """A job that meets files, patches or processes of another says so; one that does not begin says how it ended."""

    def trial(words, ending=Ending.FINISHED):
        execution = an_execution(ending=ending, wall_seconds=1.0, peak_memory_mib=100.0)
        return trials.Trial(SNIPPETS["network/tcp"], execution, words)

    def met(**unusual):
        return trials.odd(trial(trials.PROBE + json.dumps(trials.usual() | unusual)))

    assert met() == ""
    assert "left-x" in met(left=["/tmp/left-x"])
    assert "crowded" in met(crowded=True)
    assert "mean" in met(mean=42.0)
    assert "crashed" in trials.odd(trial("", Ending.CRASHED))
