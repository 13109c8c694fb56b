"""A self-check's seeds: drawn from a pool by the network, its recipe and its rows, and by nothing else."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from checker.gather import draw
from checker.records.network import KerasObject, Layer, Node
from checker.records.settings import RunSettings

POOL = tuple(range(201, 241))
ROWS = np.arange(16_000, dtype=np.int32)


@pytest.fixture
def settings(assignment, practice):
    """A self-check that trains three seeds of forty."""
    return RunSettings(assignment=assignment, dataset=practice, seeds=POOL, drawn=3)


def answered(model, rows=ROWS, training_rows=13_209):
    """What was found of a submission, as far as a draw looks at it."""
    traced = SimpleNamespace(tracing=SimpleNamespace(training_rows=training_rows), trainable=rows)
    return SimpleNamespace(answer=model, executed=SimpleNamespace(models=(model,)), traced=traced)


def seeds(settings, *of, **more):
    return draw.drawn(answered(*of, **more), settings).seeds


def renamed(architecture):
    """The same network with other names of its layers."""
    layers = tuple(replace(layer, name=f"{layer.name}_7") for layer in architecture.layers)
    return replace(architecture, layers=layers, nodes=tuple(Node(f"{n.layer}_7", n.inputs) for n in architecture.nodes))


def test_three_seeds_of_the_pool_are_trained(settings, make):
    """The settings that come back have these seeds alone, and nothing is left to be drawn."""
    drawn = draw.drawn(answered(make.model()), settings)
    assert len(set(drawn.seeds)) == 3
    assert set(drawn.seeds) <= set(POOL)
    assert draw.drawn(answered(make.model()), drawn) == drawn


def test_a_small_pool_is_trained_whole(settings, make):
    """Assignments of an older version have a pool of three."""
    assert seeds(replace(settings, seeds=(101, 211, 307)), make.model()) == (101, 211, 307)


def test_grading_trains_all_its_seeds(settings, make):
    """Where nothing is to be drawn, the settings stay as they are."""
    grading = replace(settings, seeds=(11, 23, 37, 41, 59), further=(67,), drawn=0)
    assert draw.drawn(answered(make.model()), grading) is grading


def test_what_trains_nothing_else_changes_nothing(settings, make):
    """Another cell, variable or name, notes and outputs change no seed: none of it is trained."""
    model = make.model()
    moved = replace(
        make.model(2, make.fit(cell=12, notes=("said",), history={"loss": (0.5,)})),
        architecture=renamed(model.architecture),
        variable="net",
        cell=11,
    )
    assert seeds(settings, moved) == seeds(settings, model)


def test_another_training_has_other_seeds(settings, make):
    """One more unit, epoch or row, another optimizer, or a development set: each is a new draw."""
    model, architecture = make.model(), make.architecture()
    wider = Layer("hidden", "Dense", {"units": 51, "activation": "relu"})
    first, _, last = architecture.layers
    others = [
        (make.model(architecture=replace(architecture, layers=(first, wider, last))),),
        (make.model(1, make.fit(phase=make.phase(epochs=21))),),
        (make.model(1, make.fit(phase=make.phase(optimizer=KerasObject("Adam", {"learning_rate": 0.002})))),),
        (model, ROWS[:-1]),
    ]
    found = [seeds(settings, *other) for other in [(model,), *others]]
    assert len(set(found)) == len(found)


def test_all_seeds_of_the_pool_get_their_turn(settings, make):
    """Over many trainings each seed is drawn about equally often, so no split is known to be the one that counts."""
    drawn = [seed for rows in range(1, 401) for seed in seeds(settings, make.model(), ROWS[:rows])]
    counts = [drawn.count(seed) for seed in POOL]
    assert min(counts) > 12  # of 30 on average
    assert max(counts) < 52


def test_what_cannot_be_rebuilt_is_drawn_for_too(settings, make):
    """A network of the student's own class has seeds by its rows alone."""
    own = make.model(architecture=None, unrebuildable="its own class")
    assert len(seeds(settings, own)) == 3
    assert seeds(settings, own) != seeds(settings, own, ROWS[:-1])
