"""Evidence keeps the newest message on everything, within limits, and refuses messages that a guest may not send."""

from dataclasses import replace

import numpy as np
import pytest

from checker.errors import EvidenceError
from checker.records.capture import AsTrained, Environment, TableOutputs
from checker.records.job import ExecuteJob, Progress
from checker.records.training import Histogram, Weights
from checker.records.verdicts import Failure, FailureCause, Stage
from checker.wire import collector as collecting
from checker.wire import frames
from checker.wire.collector import Collector
from checker.wire.frames import END, Frame, Kind


@pytest.fixture
def steps():
    return []


@pytest.fixture
def collector(steps):
    return Collector(steps.append)


def say(collector, *records):
    for record in records:
        collector.receive(frames.message(record))


def test_the_newest_word_counts(collector, make):
    """A new record of a cell or model replaces the old one."""
    first, again = make.cell(3), make.cell(3, error="late")
    environment = Environment({}, "3", "")
    say(collector, environment, first, again, replace(environment, keras="2"))
    assert collector.cells == (again,)
    assert collector.environment.keras == "2"


def test_a_cell_that_began_is_known_until_it_ends(collector, make):
    """Of a run that is ended, the source of the cell that ran last is known; a cell that began is no cell that ran."""
    ran, begun = make.cell(1), replace(make.cell(2), ended=False)
    say(collector, ran, begun)
    assert (collector.cells, collector.begun) == ((ran,), begun)
    say(collector, make.cell(2))
    assert (len(collector.cells), collector.begun) == (2, None)


def test_cells_are_in_the_notebooks_order(collector, make):
    """Cells are in the notebook's order, in whatever order they arrived."""
    say(collector, make.cell(10), make.cell(2), make.cell(7))
    assert [cell.index for cell in collector.cells] == [2, 7, 10]


def test_models_are_in_the_order_of_their_last_training(collector, make):
    """A model that is trained again moves behind the others; one that is only used stays in its place."""
    one, two, three = (make.model(number) for number in (1, 2, 3))
    say(collector, one, two, three)
    assert [m.id for m in collector.models] == [1, 2, 3]
    trained = replace(one, fits=(*one.fits, make.fit(cell=20)))
    say(collector, trained)
    assert collector.models == (two, three, trained)
    used = replace(two, uses=(make.use("predict", make.fit().training),))
    say(collector, used)
    assert collector.models == (used, three, trained)


def test_a_model_counts_from_its_training_not_from_its_making(collector, make):
    """A model that was made first and trained last is the last one."""
    early = make.model(1, variable="early")
    say(collector, replace(early, fits=()), make.model(2), early)
    assert [m.id for m in collector.models] == [2, 1]


def test_progress_is_passed_on(collector, steps):
    """Each step of progress is passed on as it arrives."""
    say(collector, Progress(1, 25), Progress(2, 25))
    assert steps == [Progress(1, 25), Progress(2, 25)]


def test_arrays_are_named_by_their_content(collector):
    """An array is stored under the hash of its content, which the host computes itself."""
    values = np.arange(6.0).reshape(2, 3)
    collector.receive(frames.array(values))
    collector.receive(frames.array(values.copy()))
    assert list(collector.arrays) == [frames.reference(values).sha256]


def test_runs_and_failures_are_kept_in_order(collector, make):
    """Runs and failures are kept in the order in which they arrived."""
    runs = [make.run(seed, np.zeros((2, 5))) for seed in (11, 23)]
    failures = [
        Failure(stage=Stage.EXECUTING, cause=FailureCause.CUT_SHORT, rationale=f"{n}", help="") for n in range(3)
    ]
    say(collector, *runs, *failures)
    assert (collector.runs, collector.failures) == (runs, failures)


# -- bounds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("MAX_MODELS", lambda make, n: frames.message(make.model(n))),
        ("MAX_CELLS", lambda make, n: frames.message(make.cell(n))),
        ("MAX_ARRAYS", lambda make, n: frames.array(np.array([n]))),
    ],
)
def test_there_are_only_so_many(collector, make, monkeypatch, name, one):
    """Models, cells and arrays are accepted up to their limits; one more ends the box."""
    monkeypatch.setattr(collecting, name, 5)
    for number in range(5):
        collector.receive(one(make, number))
    with pytest.raises(EvidenceError, match="more models, cells or arrays"):
        collector.receive(one(make, 5))


def test_failures_beyond_the_cap_are_dropped(collector):
    """The first failures are kept, and thousands more are dropped."""
    say(
        collector,
        *(
            Failure(stage=Stage.EXECUTING, cause=FailureCause.CUT_SHORT, rationale=f"{n}", help="")
            for n in range(collecting.MAX_FAILURES + 5)
        ),
    )
    assert [f.rationale for f in collector.failures] == [str(n) for n in range(collecting.MAX_FAILURES)]


# -- what a guest may not say ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.JOB, Kind.BYTES, Kind.END])
def test_a_guest_sends_messages_and_arrays_only(collector, kind):
    """A frame of a kind that only the host sends ends the box."""
    with pytest.raises(EvidenceError, match=kind.name):
        collector.receive(Frame(kind, b""))
    assert END.kind is Kind.END


@pytest.mark.parametrize(
    "payload",
    [
        b'Report {"verdict": "PASS"}',
        b'Comparison {"mean": 1.0}',
        b'Selection {"chosen": 1, "reason": "I say so"}',
        b'Execution {"ending": "finished"}',
        b'Verdict "PASS"',
        b"Progress {",
    ],
)
def test_a_forged_message_ends_the_box(collector, payload):
    """A record that only the host may make, or with impossible values, ends the box."""
    with pytest.raises(EvidenceError):
        collector.receive(Frame(Kind.MESSAGE, payload))


def test_a_job_is_no_message(collector, assignment):
    """A guest that sends a job back ends its box."""
    job = frames.job(
        ExecuteJob(is_notebook=True, keras="3", reason="", caps=assignment.caps, classes=assignment.data.classes)
    )
    with pytest.raises(EvidenceError):
        collector.receive(Frame(Kind.MESSAGE, job.payload))


@pytest.mark.parametrize("step", [Progress(-1, 5), Progress(6, 5), Progress(10**400, 10**400)])
def test_senseless_progress_ends_the_box(collector, steps, step):
    """A step outside its scale ends the box and does not reach the progress bar, which would fail on it."""
    with pytest.raises(EvidenceError):
        say(collector, step)
    assert steps == []


@pytest.mark.parametrize(
    "forged",
    [
        Histogram(0.0, 1.0, (1,) * (collecting.MAX_BINS + 1)),
        Histogram(0.0, 1.0, (10**400,)),
        Histogram(0.0, 1.0, (5, -1)),
        Histogram(0.0, 1.0, (5,), -1),
        Histogram(1.0, 0.0, (5,)),
        Histogram(-1e308, 1e308, (5,)),
    ],
)
def test_a_histogram_of_no_weights_ends_the_box(collector, make, forged):
    """Impossible bins, counts or ranges end the box, before training and after it."""
    sound = Histogram(-1.0, 1.0, (0,) * (collecting.MAX_BINS - 1) + (5,), 1)
    run = make.run(11, np.zeros((2, 5)))
    for before, after in ((forged, sound), (sound, forged)):
        with pytest.raises(EvidenceError, match="weights"):
            say(collector, replace(run, weights=(Weights("1_Dense/kernel", before, after),)))
    assert collector.runs == []


def test_so_many_variables_are_taken(collector, make):
    """As many variables are accepted as the clean guest describes; one more ends the box."""
    spread = Histogram(-1.0, 1.0, (2, 3))
    described = tuple(Weights(f"{n}_Dense/kernel", spread, spread) for n in range(collecting.MAX_VARIABLES))
    run = make.run(11, np.zeros((2, 5)), weights=described)
    say(collector, run)
    assert collector.runs == [run]
    with pytest.raises(EvidenceError, match="weights"):
        say(collector, replace(run, weights=(*described, described[0])))


def test_a_pickle_is_no_array(collector):
    """An array frame that holds pickled objects ends the box."""
    with pytest.raises(EvidenceError):
        collector.receive(Frame(Kind.ARRAY, b"\x80\x04]\x94."))
    assert collector.arrays == {}


# -- bounds ----------------------------------------------------------------------------------------------


def test_messages_are_bounded_together(collector, make, monkeypatch):
    """Neither one long message nor many values in many messages can fill the host's memory."""
    monkeypatch.setattr(collecting, "MAX_MESSAGE_BYTES", 2_000)
    say(collector, make.cell(1, "x" * 1_000))
    with pytest.raises(EvidenceError, match="more words"):
        say(collector, make.cell(2, "x" * 2_000))
    monkeypatch.setattr(collecting, "MAX_VALUES", 1_000)
    with pytest.raises(EvidenceError, match="more words"):
        say(collector, *(make.cell(3, "[" * 100) for _ in range(10)))


def test_arrays_beyond_all_rows_are_not_kept(collector, monkeypatch):
    """Arrays are kept up to the limit on all rows that can be searched; a repeated array counts once, and later arrays
    are dropped."""
    monkeypatch.setattr(collecting, "MAX_ROWS", 25)
    arrays = [np.full((10, 2), at, np.float32) for at in (0, 0, 1, 2)]
    for values in arrays:
        collector.receive(frames.array(values))
    assert set(collector.arrays) == {frames.reference(values).sha256 for values in arrays[:3]}


def test_an_array_beyond_all_sizes_ends_the_box(collector, monkeypatch):
    """An array larger than any honest guest sends is refused before it is read."""
    monkeypatch.setattr(collecting, "MAX_ARRAY_BYTES", 500)
    with pytest.raises(EvidenceError, match="larger than any"):
        collector.receive(frames.array(np.zeros(100)))


def test_a_description_of_no_network_is_dropped(collector, make):
    """A description that refers to missing layers, inputs or outputs is dropped, and the network cannot be rebuilt."""
    whole = make.architecture()
    broken = [
        replace(whole, outputs=()),
        replace(whole, outputs=(3,)),
        replace(whole, layers=whole.layers[1:]),
        replace(whole, nodes=(replace(whole.nodes[0], inputs=(1,)), *whole.nodes[1:])),
    ]
    say(collector, *(make.model(at, architecture=one) for at, one in enumerate([whole, *broken])))
    assert [model.architecture for model in collector.models] == [whole, None, None, None, None]
    assert all(model.unrebuildable for model in collector.models[1:])


# -- what networks gave ----------------------------------------------------------------------------------


def answer(collector, number, *given, note=""):
    """Send a network's predictions as a guest does: arrays first."""
    for classes in given:
        collector.receive(Frame(Kind.OUTPUTS, frames.pack(classes)))
    outputs = tuple(TableOutputs(f"{at}" * 64, frames.reference(classes)) for at, classes in enumerate(given))
    say(collector, AsTrained(number, 3, outputs, note))


def test_only_a_networks_newest_answers_are_kept(collector):
    """New predictions of a network replace its old ones, unless they are the same; those of other networks stay."""
    zeros, ones, twos = (np.full(5, number, np.uint8) for number in range(3))
    answer(collector, 1, zeros, ones)
    answer(collector, 2, twos)
    answer(collector, 1, ones)
    assert sorted(values[0] for values in collector.answers.values()) == [1, 2]
    assert [(of.model, len(of.outputs)) for of in collector.as_trained] == [(1, 1), (2, 1)]
    assert collector.arrays == {}, "they take no room of what networks were given"


def test_answers_beyond_their_budget_are_not_kept(collector, monkeypatch):
    """Predictions that exceed the budget are dropped with a note, and cost the other networks nothing."""
    monkeypatch.setattr(collecting, "MAX_OUTPUT_BYTES", 1_000)
    answer(collector, 1, np.zeros(400, np.uint8))
    answer(collector, 2, np.ones(900, np.uint8))
    one, two = collector.as_trained
    assert (len(one.outputs), len(two.outputs), two.note) == (1, 0, "its answers were too large to be kept")


@pytest.mark.parametrize("values", [np.zeros((2, 2), np.uint8), np.zeros(3), np.zeros(3, np.int64)])
def test_answers_that_are_none_end_the_box(collector, values):
    """Predictions that are neither class numbers nor values of rows end the box."""
    with pytest.raises(EvidenceError):
        answer(collector, 1, values)


def test_there_are_only_so_many_answers(collector, monkeypatch):
    """The numbers of networks and of tables with predictions are limited."""
    monkeypatch.setattr(collecting, "MAX_ANSWERED", 1)
    with pytest.raises(EvidenceError):
        answer(collector, 1, np.zeros(3, np.uint8), np.ones(3, np.uint8))
    monkeypatch.setattr(collecting, "MAX_MODELS", 2)
    for number in range(2):
        answer(collector, number)
    with pytest.raises(EvidenceError):
        answer(collector, 2)
