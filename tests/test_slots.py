"""How many boxes run at a time over all commands: slots that are locked, kept, and freed by whatever ends."""

import subprocess
import sys
import threading
import time

from checker.run.slots import Slots

HOLD = """
import sys, time
from pathlib import Path
from checker.run.slots import Slots
with Slots(2, place=Path(sys.argv[1])).taken():
    print("held", flush=True)
    time.sleep(60)
"""


def test_no_more_run_than_there_are_slots(tmp_path):
    """Of six that want one of two slots, from two commands, no more than two hold one at a time."""
    commands, running, most = [Slots(2, place=tmp_path), Slots(2, place=tmp_path)], [], []

    def work(slots):
        with slots.taken():
            running.append(1)
            most.append(len(running))
            time.sleep(0.05)
            running.pop()

    threads = [threading.Thread(target=work, args=(commands[at % 2],)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 2


def test_an_open_desk_has_the_first_slot(tmp_path):
    """While a desk is open, a batch that holds all slots gives the first one back to it after its submission, and does
    not take it again before the desk is closed."""
    batch = Slots(2, place=tmp_path)
    last, first = batch.take(), batch.take()
    desk, other = Slots(2, is_desk=True, place=tmp_path), Slots(2, is_desk=True, place=tmp_path)
    assert desk.take() is None
    first.close()
    assert batch.take() is None
    with desk.taken():
        assert batch.take() is None and other.take() is None
    last.close()
    with batch.taken():
        assert batch.take() is None
    desk.close()
    other.close()
    last, first = batch.take(), batch.take()
    assert last is not None and first is not None
    last.close()
    first.close()


def test_one_slot_is_nobodys_own(tmp_path):
    """On a machine with one slot, batch and desk take turns."""
    desk, batch = Slots(1, is_desk=True, place=tmp_path), Slots(1, place=tmp_path)
    with batch.taken():
        assert desk.take() is None
    with desk.taken():
        assert batch.take() is None
    desk.close()


def test_a_killed_process_frees_its_slot(tmp_path):
    """The slots of a process that was killed are free at once."""
    holders = [
        subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for holder in holders:
        assert holder.stdout.readline() == "held\n"
    slots = Slots(2, place=tmp_path)
    assert slots.take() is None
    for holder in holders:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    slot = slots.take()
    assert slot is not None
    slot.close()
