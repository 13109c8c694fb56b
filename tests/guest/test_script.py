"""A module runs as a script: its arguments, its loop, and its ways to end."""

import argparse
import asyncio
import sys
from types import SimpleNamespace

import pytest

from checker.guest.host import script


class Shell:
    """The parts of a shell that a script changes."""

    def __init__(self):
        self.user_ns, self.shown = {}, []

    def showtraceback(self, given=None, **how):
        self.shown.append(str((given or sys.exc_info())[1]))

    def should_run_async(self, raw_cell, *, transformed_cell):
        return "await" in raw_cell


class Run:
    """A script in a shell, with what is known of its run."""

    def __init__(self, trained=False, last=False):
        self.shell, self.said, self.trained, self.ended = Shell(), [], trained, False
        self.script = script.Script(
            self.shell,
            self.said.append,
            lambda: 10,
            lambda: last,
            lambda: trained,
            lambda: setattr(self, "ended", True),
        )

    def cell(self, source):
        """Run a cell as a shell would."""
        info = SimpleNamespace(raw_cell=source, transformed_cell=source)
        result = SimpleNamespace(error_in_exec=None)
        self.script.leave_loop(info)
        try:
            exec(source, self.shell.user_ns)
        except BaseException as error:
            result.error_in_exec = error
            self.shell.showtraceback(exception_only=True)
        self.script.go_on(result)
        return result


@pytest.fixture
def installed(hooks, monkeypatch, tmp_path):
    """Installing a script changes this process until the test has ended, and its loops are closed then."""
    loops = []
    new = asyncio.new_event_loop
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: loops.append(new()) or loops[-1])
    yield hooks, tmp_path / "submission.py"
    for loop in loops:
        loop.close()


@pytest.mark.parametrize(
    ("trained", "last", "source", "shown", "said", "ended"),
    [
        (True, False, "x = 1\nexit()", "", "line 12; what comes after it was not run", True),
        (True, True, "import sys; sys.exit()", "", "", True),
        (True, False, "raise SystemExit(3)", "line 11 (exit status 3)", "line 11", True),
        (True, False, "raise SystemExit('no rows')", "(no rows)", "line 11", True),
        (False, False, "\n\nquit()", "line 13 (exit status 0); nothing was trained yet", "", False),
        (False, False, "raise SystemExit(1)", "(exit status 1); nothing was trained yet", "", False),
        (False, True, "raise SystemExit(0)", "", "", False),
        (False, True, "raise SystemExit(1)", "(exit status 1)", "", False),
        (True, False, "1 / 0", "division by zero", "", False),
    ],
)
def test_a_script_may_end_itself(installed, trained, last, source, shown, said, ended):
    """After a training ``SystemExit`` ends a script, and is an error where its status says so; before it, it is an
    error after which the script goes on."""
    run = Run(trained, last)
    run.script.install(*installed)
    run.cell(source)
    assert (shown in "".join(run.shell.shown), bool(run.shell.shown)) == (True, bool(shown))
    assert (said in "".join(run.said), bool(run.said)) == (True, bool(said))
    assert run.ended == ended


def test_a_good_end_is_no_failed_cell(installed):
    """A cell that ends its script with status 0 after a training has not failed."""
    run = Run(trained=True)
    run.script.install(*installed)
    assert run.cell("exit(0)").error_in_exec is None
    assert run.cell("exit(2)").error_in_exec is not None


def test_a_script_has_its_own_arguments(installed):
    """A script's only argument is its name, and whoever asks for more is told why there is none."""
    Run().script.install(*installed)
    assert sys.argv == [str(installed[1])]
    assert argparse.ArgumentParser(prog="x").parse_args() == argparse.Namespace()
    with pytest.raises(IndexError, match=r"sys\.argv has no argument 1\. A script is run without arguments"):
        sys.argv[1]
    with pytest.raises(IndexError, match="A script is run without arguments"):
        sys.argv.pop(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    with pytest.raises(SystemExit, match=r"required: data\. A script is run without arguments"):
        parser.parse_args()


def test_a_script_finds_no_loop_that_runs(installed):
    """``asyncio.run`` and an old loop's ``run_until_complete`` work in a kernel whose own loop runs."""
    run = Run()
    run.script.install(*installed)
    sources = (
        "import asyncio\nasync def f():\n    return asyncio.get_running_loop()\nloop = asyncio.run(f())",
        "old = asyncio.get_event_loop().run_until_complete(f())",
        "1 / 0",
    )

    async def kernel():
        for source in sources:
            run.cell(source)
            assert asyncio.get_running_loop() is own
            assert asyncio.get_event_loop() is own
        run.script.leave_loop(SimpleNamespace(raw_cell="await x", transformed_cell="await x"))
        assert asyncio.get_running_loop() is own

    own = asyncio.new_event_loop()
    own.run_until_complete(kernel())
    assert run.shell.shown == ["division by zero"]
    assert own not in (run.shell.user_ns["loop"], run.shell.user_ns["old"])


def test_a_script_that_starts_itself_again_goes_on(installed):
    """``os.execv`` with the script itself, as for ``PYTHONHASHSEED``, is passed over and told."""
    run = Run()
    run.script.install(*installed)
    run.cell("import os, sys\nos.execv(sys.executable, [sys.executable, *sys.argv])\nx = 1")
    assert run.shell.user_ns["x"] == 1
    assert "starts itself again" in run.said[0]
