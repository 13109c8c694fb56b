"""The command that opens the desk for a ticking session."""

import contextlib
import getpass
import importlib.util
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checker.commands import consoles, schedulers
from checker.commands.options import ResultsFolder
from checker.errors import UsageError
from checker.formats.text import counted
from checker.gradebooks.decision_log import DecisionLog

if TYPE_CHECKING:
    from checker.desk.results import Results
    from checker.desk.serving import Keys
    from checker.records.settings import RunSettings
    from checker.run.places import Place

NEEDED = ("starlette", "uvicorn")


def command(
    out: ResultsFolder = Path("results"),
    demonstrator: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Make a link for this person. Repeat it for several."),
    ] = None,
    port: Annotated[int | None, typer.Option(help="The port. Default: 8400, or a free one.", min=1, max=65535)] = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The name or address of this machine that browsers will type. Beyond this machine it needs "
            "--certificate, --key and --demonstrator.",
        ),
    ] = "127.0.0.1",
    certificate: Annotated[Path | None, typer.Option(metavar="PEM", help="The certificate of that name.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="PEM", help="Its private key.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Train what-ifs on the workers of this Dask scheduler: address or file."),
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Open the page of a ticking session: find a student, ask, decide.

    It prints a link that lets one browser in, once. Ctrl-C ends it. A batch may run meanwhile.

    Example: checker desk results
    """
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise UsageError("The desk needs packages that are not installed.", "Type: pip install 'checker[desk]'")
    from checker.desk import serving  # not earlier: now its packages are known to be installed
    from checker.desk.desk import Desk
    from checker.desk.results import Results
    from checker.desk.walls import Address, is_loopback

    people = demonstrator or []
    keys = _keys(certificate, key)
    if not is_loopback(host) and (keys is None or not people):
        raise UsageError(
            f"{host} can be reached from other machines, so the desk needs a certificate and a link for each person.",
            "Add --certificate, --key and --demonstrator NAME; or leave out --host and let others come by ssh -L.",
        )
    results = Results(out)
    with contextlib.ExitStack() as stack, serving.listening(host, port) as at, DecisionLog.open(out) as log:
        address = Address("127.0.0.1" if host == "localhost" else host, at.getsockname()[1], keys is not None)
        desk = Desk(results, log, address, elsewhere=_elsewhere(stack, scheduler))
        desk.workshop.get_ready()
        links = [(name, desk.people.invite(name, is_named=True)) for name in people]
        links = links or [("", desk.people.invite(getpass.getuser()))]
        _announce(results, log, [(name, f"{address.url}/in/{secret}") for name, secret in links])
        if open:
            webbrowser.open(f"{address.url}/in/{links[0][1]}")
        try:
            serving.serve(desk, at, keys)
        finally:
            desk.workshop.close()
    consoles.output.print("The desk is closed; all decisions are kept.")


def _elsewhere(stack: contextlib.ExitStack, scheduler: str | None) -> "Callable[[RunSettings], Place] | None":
    """Return a function that opens the boxes of a scheduler's workers; None if there is no scheduler."""
    if scheduler is None:
        return None
    cluster, address = schedulers.reach(scheduler)
    client = stack.enter_context(contextlib.closing(cluster.connect(address)))
    return lambda settings: cluster.Cluster(client, settings, consoles.warn)


def _keys(certificate: Path | None, key: Path | None) -> "Keys | None":
    from checker.desk import serving

    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise UsageError("A certificate and its key belong together.", "Name both, with --certificate and --key.")
    keys = serving.Keys(certificate, key)
    serving.require_valid(keys)
    return keys


def _announce(results: "Results", log: DecisionLog, links: list[tuple[str, str]]) -> None:
    say = consoles.output.print
    roster = results.now().roster
    say(f"The desk of {roster.title}: {counted(len(roster.rows), 'submission')}.", markup=False)
    if log.note:
        consoles.warn(log.note)
    for name, link in links:
        say(f"{name}: " if name else "Open ", link, sep="", markup=False, soft_wrap=True)
    say("Each link lets one browser in, once. Ctrl-C closes the desk.")
