"""Hostile records: a guest may say anything that its language allows, and its submission has a verdict all the same.

What an honest guest says is changed in some places, at any depth, into any other value of the same type.
"""

import dataclasses
import typing
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from amounts import times
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from checker.records.assignment import DatasetNote
from checker.records.capture import Adaptation, CellOutput, Environment
from checker.records.dataset import Dataset
from checker.records.job import Progress, RetrainJob
from checker.records.network import Development
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.verdicts import Failure, FailureCause, Stage
from checker.run import batch, places
from checker.submissions import choice
from checker.wire import frames

ROWS = 400
SEEDS = (1, 2)
COLUMNS = [0, 1, 7]

numbers = st.integers(-3, 10) | st.sampled_from([2**31, 2**63, 10**30, 10**400, -(10**400)]) | st.integers()
words = st.text(max_size=8) | st.sampled_from(
    ["relu", "softmax", "units", "\0", "\u202e", "\x1b[2J", "<b>", "&", "]]>"]
)
plain = st.recursive(
    st.none() | st.booleans() | numbers | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
st.register_type_strategy(int, numbers)
st.register_type_strategy(str, words)
settings = st.dictionaries(words | st.sampled_from(["shape", "activation", "rate"]), plain, max_size=4)


def any_of(hint):
    """Any value of a type."""
    parts = typing.get_args(hint)
    if hint is JsonValue:
        return plain
    if dataclasses.is_dataclass(hint):
        return st.builds(hint, **{name: any_of(of) for name, of in typing.get_type_hints(hint).items()})
    if typing.get_origin(hint) is tuple:
        return st.lists(any_of(parts[0]), max_size=3).map(tuple)
    if typing.get_origin(hint) is Mapping:
        return settings if parts[1] is JsonValue else st.dictionaries(words, any_of(parts[1]), max_size=3)
    if parts:
        return st.one_of([any_of(part) for part in parts])
    return st.floats(allow_nan=False, allow_infinity=False) if hint is float else st.from_type(hint)


@st.composite
def changed(draw, value, chance=4):
    """A record of which some places hold other values of the same type."""
    if dataclasses.is_dataclass(value):
        more = {}
        for name, hint in typing.get_type_hints(type(value)).items():
            odd = draw(st.integers(0, 3 * chance)) == 0
            more[name] = draw(any_of(hint) if odd else changed(getattr(value, name), chance))
        return dataclasses.replace(value, **more)
    if isinstance(value, tuple):
        kept = [draw(changed(one, chance)) for one in value if draw(st.integers(0, 3 * chance))]
        return tuple(kept * draw(st.sampled_from([1] * 3 * chance + [2])))
    return value


@pytest.fixture(scope="module")
def data(practice):
    """A very small part of the practice data."""
    rows = np.random.default_rng(0).permutation(len(practice.labels))[:ROWS]
    return Dataset(
        note=DatasetNote("a part", "ab" * 32, True),
        csv=b"",
        features=practice.features[rows],
        labels=practice.labels[rows],
    )


@pytest.fixture(scope="module")
def arrays(data):
    """Inputs that a student's network was fed."""
    known = data.features[:, COLUMNS]
    x = ((known - known.mean(axis=0)) / known.std(axis=0)).astype(np.float32)
    return {"x": x[:240], "y": data.labels[:240].astype(np.int64), "watched": x[240:320], "tested": x[320:]}


@pytest.fixture(scope="module")
def said(arrays, make):
    """All that an honest guest says."""
    fit = make.fit(
        training=make.fed(arrays["x"], arrays["y"]),
        development=Development.DATA,
        validation=make.fed(arrays["watched"]),
        history={"loss": (0.5, None)},
    )
    uses = (make.use("evaluate", make.fed(arrays["tested"])),)
    model = make.model(1, fit, input_width=3, uses=uses, architecture=make.architecture(3))
    cell = dataclasses.replace(make.cell(2, "x", "no"), outputs=(CellOutput("text", "1"), CellOutput("png", "QQ==")))
    failure = Failure(
        stage=Stage.EXECUTING, cause=FailureCause.CUT_SHORT, rationale="It broke.", help="Mend it.", cell=2
    )
    return (Environment({"python": "3"}, "3", ""), Progress(1, 2), model, cell, Adaptation(1, "lr"), failure)


def clean_guest(job, beside, run):
    """Say that every row is of the first class; ``run`` is what else is said of each seed."""
    rows = [frames.unpack(frame.payload) for frame in beside][4::5]
    for seed, held_out in zip(job.seeds, rows, strict=True):
        outputs = np.eye(5, dtype=np.float32)[np.zeros(len(held_out), int)]
        yield frames.array(outputs)
        yield frames.message(dataclasses.replace(run, seed=seed, predictions=frames.reference(outputs)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a submission."""
    place = tmp_path_factory.mktemp("journey")
    (place / "in").mkdir()
    (place / "in" / "ada.ipynb").write_text("{}")
    return place


@pytest.mark.slow
@times(few=12)
@given(draws=st.data())
def test_every_guest_has_a_verdict(draws, said, arrays, assignment, data, folder, make, fake_sandbox):
    """Whatever a guest says, its submission is judged, its page is written, and judging again comes to the same."""
    heard = [draws.draw(changed(one)) for one in said]
    run = draws.draw(changed(make.run(1, arrays["x"], history={"loss": (0.5, 0.4), "val_accuracy": (None, 0.1)})))

    def guest(job, beside):
        if isinstance(job, RetrainJob):
            yield from clean_guest(job, beside, run)
        else:
            yield frames.message(Progress(1, 1))
            yield from map(frames.array, arrays.values())
            yield from map(frames.message, heard)

    settings = RunSettings(assignment=assignment, dataset=data, seeds=SEEDS)
    reference = ReferenceResults(scores=dict.fromkeys(SEEDS, 0.6), baselines=dict.fromkeys(SEEDS, 0.5))
    with ThreadPoolExecutor(1) as executor:
        result = batch.run(choice.find(folder / "in"), settings, reference, folder / "out", executor,
                           lambda submission: lambda stage, step: None, lambda name, end: None,
                           places.Pool(fake_sandbox(guest)), True)  # fmt: skip
    assert not result.unfinished
    again = batch.judge_again(settings, reference, folder / "out", lambda name, end: None)
    assert [report.verdict for report in again.reports] == [report.verdict for report in result.reports]
