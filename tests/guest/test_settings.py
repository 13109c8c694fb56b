"""Settings of a kernel cross to it as one argument of a command."""

import pytest

from checker.errors import EvidenceError
from checker.guest.host.settings import KernelSettings, as_argument, of_argument
from checker.records.assignment import Caps
from checker.records.job import ReplayPlan
from checker.records.network import Labels

CAPS = Caps(100, 150, 1_000, 10_000)
PLAN = ReplayPlan(
    cell=1, rank=0, fits=1, enough=100, outputs=5, labels=Labels.ONE_HOT, batch_size=32, seed=7, cells=(1, 3)
)


@pytest.mark.parametrize("replay", [None, PLAN])
def test_a_kernel_reads_what_the_client_wrote(replay: ReplayPlan | None) -> None:
    """All fields come back, and the argument is ASCII whatever the paths are."""
    places = ("/content/drive/MyDrive/Übung/ö 😀.csv",)
    settings = KernelSettings(
        cells=(1, 4), caps=CAPS, outputs=5, csv="häuser.csv", places=places, root="/tmp/x", replay=replay
    )
    argument = as_argument(settings)
    assert argument.isascii()
    assert of_argument(argument) == settings


def test_a_wrong_setting_is_refused() -> None:
    """A misspelt or missing key names itself, instead of being passed over."""
    with pytest.raises(EvidenceError, match="KernelSettings: cells"):
        of_argument('{"caps": null}')
