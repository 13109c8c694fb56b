"""Commands' access to a Dask scheduler. Dask is an extra, so it is imported here, and only if needed."""

from types import ModuleType

from checker.commands import consoles
from checker.errors import UsageError


def reach(scheduler: str) -> tuple[ModuleType, str]:
    """Return the module that needs Dask, and the address of a scheduler. Warn if others can reach that scheduler.

    Raises UsageError if Dask is not installed or the scheduler has no address.
    """
    try:
        from checker.run import cluster, scheduler_addresses
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed.", "Type: pip install 'checker[cluster]'.") from error
    address = scheduler_addresses.address_of(scheduler)
    if scheduler_addresses.is_exposed(address):
        words = f"{address} has no TLS: whoever reaches it can run programs on its workers and on this machine."
        consoles.warn(words, style="bold red")
    return cluster, address
