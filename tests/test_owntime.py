"""A job's own time, from made-up readings; ``test_busy.py`` has real processes."""

import pytest

from checker.sandbox import owntime
from checker.sandbox.owntime import Counter, Reading, Spent, Turns

SHELL, WORKER = (1, 0.0), (2, 0.0)


def counted(*readings):
    """Return a counter that has seen these readings."""
    counter = Counter(readings[0])
    for reading in readings[1:]:
        counter.add(reading)
    return counter


def one(at, ran=0.0, waited=0.0, wants=False):
    """Return a reading of one process with one thread."""
    return Reading(at, {WORKER: Spent(ran)}, {2: Turns(ran, waited)}, wants)


@pytest.mark.parametrize(
    ("readings", "own"),
    [
        ([one(0), one(0.5), one(1)], 1.0),  # it sleeps
        ([one(0), one(0.5, 0.5, wants=True), one(1, 1.0, wants=True)], 1.0),  # it computes, alone
        ([one(0), one(0.5, 0.1, 0.4, True), one(1, 0.2, 0.8, True)], 0.2),  # beside four others
        ([one(0), one(0.5, 0.0, 0.0, True), one(1, 0.1, 0.9, True)], 0.1),  # no turn for the whole of a reading
        ([one(0), one(1, 0.2, 0.3)], 0.7),  # it computes, waits, and sleeps for the rest
        ([one(0), one(1, 0.01, 0.02)], 0.98),  # it sleeps, and looks up now and then
        ([one(0), one(60, 12.0, 48.0, True)], 12.0),  # a reading comes late
        ([one(0), one(60, 0.5, 0.1)], 59.9),  # the same of one that sleeps
        ([one(0), one(0.5, 2.0, wants=True)], 2.0),  # on several processors
    ],
    ids=["asleep", "alone", "beside others", "starved", "mixed", "ticking", "late", "late asleep", "parallel"],
)
def test_what_counts(readings, own):
    """Processor time counts, and so does time in which no processor was wanted; time spent waiting for one does not."""
    assert counted(*readings).counted == pytest.approx(own)


def two(at, shell, worker=None, wants=True):
    """Return a reading of a parent and its child."""
    processes = {SHELL: shell} if worker is None else {SHELL: shell, WORKER: worker}
    return Reading(at, processes, {}, wants)


def test_what_an_ended_process_has_used_is_counted_once():
    """A child's time counts while it lives; what it used after its last reading counts once its parent has reaped
    it."""
    readings = [two(0, Spent(0)), two(1, Spent(0), Spent(0.5)), two(2, Spent(0), Spent(1.5)), two(3, Spent(0, 1.8))]
    assert counted(*readings).used == pytest.approx(1.8)


def test_what_never_was_seen_is_counted():
    """Processes that start and end between two readings count through the time that their parent inherits."""
    assert counted(two(0, Spent(0.1)), two(1, Spent(0.2, 0.7))).used == pytest.approx(0.8)


def test_a_child_that_nobody_buries_hides_nothing():
    """If a parent ignores the end of its children, the time that a child used is kept, and other processes count as
    before."""
    readings = [two(0, Spent(0)), two(1, Spent(0), Spent(1.0)), two(2, Spent(0.0)), two(3, Spent(1.0))]
    assert counted(*readings).used == pytest.approx(2.0)


def test_a_child_is_missed_for_a_moment():
    """A child that was reaped, or lost its parent, while the tree was read does not count twice."""
    buried = [two(0, Spent(0)), two(1, Spent(0), Spent(1)), two(2, Spent(0)), two(3, Spent(0, 1.2))]
    assert counted(*buried).used == pytest.approx(1.2)
    orphaned = [two(0, Spent(0)), two(1, Spent(0), Spent(1)), two(2, Spent(0)), two(3, Spent(0), Spent(1.2))]
    assert counted(*orphaned).used == pytest.approx(1.2)
    later = [*orphaned, two(4, Spent(0, 1.3))]
    assert counted(*later).used == pytest.approx(1.3)


def test_a_number_that_is_given_again_is_another_process():
    """A process is identified by its id and its start time, so a reused id is another process."""
    first, second = Reading(0, {(2, 1.0): Spent(5.0)}), Reading(1, {(2, 9.0): Spent(0.5)}, {}, True)
    assert counted(first, second).used == pytest.approx(0.5)


def test_whose_queueing_nobody_knows_counts_by_its_processor_time():
    """The waiting time of threads and processes that have ended is unknown, so the interval does not count as sleep."""
    assert counted(two(0, Spent(0)), two(1, Spent(0, 0.2), wants=False)).counted == pytest.approx(0.2)
    ended_thread = Reading(1, {WORKER: Spent(0.3)}, {2: Turns(0.01)})
    assert counted(one(0), ended_thread).counted == pytest.approx(0.3)


def test_where_nothing_is_known_of_threads_processor_time_decides(monkeypatch):
    """Outside Linux, a process that used more than a little processor time is assumed to have wanted more."""
    monkeypatch.setattr(owntime, "MUCH", 0.02)
    assert counted(Reading(0, {WORKER: Spent(0)}), Reading(1, {WORKER: Spent(0.1)})).counted == pytest.approx(0.1)
    assert counted(Reading(0, {WORKER: Spent(0)}), Reading(1, {WORKER: Spent(0.01)})).counted == pytest.approx(1.0)


def test_what_was_before_the_first_reading_does_not_count():
    """A counter without a start begins at the first reading."""
    counter = Counter()
    counter.add(one(5, 3.0))
    assert (counter.counted, counter.used) == (0.0, 0.0)
    counter.add(one(6, 3.0))
    assert counter.counted == pytest.approx(1.0)
