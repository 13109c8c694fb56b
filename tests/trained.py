"""Evidence of a small network, trained by a fake guest, for what-ifs without TensorFlow."""

import numpy as np
from fakes import FakeSandbox
from practical import SEEDS, Practical

from checker.assignment import dataset
from checker.records.network import Architecture, Layer, Node
from checker.records.settings import RunSettings, unwatched
from checker.run import keys, places, store
from checker.submissions import choice

ROWS = 1_000


def small_data(assignment):
    """A small part of the practice data."""
    head, *lines = dataset.PRACTICE.read_bytes().splitlines(keepends=True)
    chosen = [lines[row] for row in np.random.default_rng(0).permutation(len(lines))[:ROWS]]
    return dataset.parse(assignment.data, b"".join([head, *chosen]), "a small part", practice=True)


def with_dropout(make):
    """Three inputs, fifty hidden units, dropout, five outputs."""
    plain = make.architecture(3)
    layers = (*plain.layers[:2], Layer("dropout", "Dropout", {"rate": 0.2}), plain.layers[2])
    nodes = (*plain.nodes[:2], Node("dropout", (1,)), Node("output", (2,)))
    return Architecture(layers, nodes, (3,), plain.parameters)


def trained(assignment, make, folder):
    """Return the evidence of a network of three scaled columns, with the settings it was gathered under."""
    data = small_data(assignment)
    practical = Practical(data, make)
    model = practical.model(architecture=with_dropout(make))
    (folder / "ada.ipynb").write_text("good")
    (ada,) = choice.find(folder)
    settings = RunSettings(assignment=assignment, dataset=data, seeds=SEEDS)
    pool = places.Pool(FakeSandbox(practical.guest({"good": lambda: practical.hand_in(model)})))
    return pool.gather(ada, settings, unwatched), settings


def stored(gathered, settings, out):
    """Store evidence in a results folder as a batch does; return its folder there."""
    submission = gathered.evidence.submission
    under, place = keys.evidence_keys(submission, settings, "fake"), out / "evidence"
    store.save(place, submission.name, under, gathered, keys.circumstances(settings))
    store.note_digest(place, submission.name)
    return place / submission.name
