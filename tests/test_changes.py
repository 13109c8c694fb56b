"""What changed from one file of a student to the next, as a person reads it."""

from dataclasses import replace
from typing import Any

from reports import HOSTILE, a_fail, a_pass, a_phase, an_answer

from checker.records.changes import Change, Part
from checker.records.network import Architecture, KerasObject, Layer, Node, Recipe
from checker.records.report import Report
from checker.records.tracing import FittedOn, Scaler, ScalerKind
from checker.records.verdicts import Outcome, Verdict
from checker.report import changes
from checker.report.changes import between


def sentences(part: Part, before: Report, after: Report) -> list[str]:
    return [one.sentence for one in between(before, after) if one.part is part]


def with_network(*layers: Layer, prefix: str = "") -> Report:
    layers = tuple(replace(layer, name=f"{prefix}{at}") for at, layer in enumerate(layers))
    nodes = tuple(Node(layer.name, (at - 1,) if at else ()) for at, layer in enumerate(layers))
    return replace(a_pass(), answer=an_answer(Architecture(layers, nodes, (len(layers) - 1,), 1)))


def dense(units: int) -> Layer:
    return Layer("", "Dense", {"units": units, "activation": "relu"})


def test_the_same_work() -> None:
    """Two reports on the same work have no changes; names of layers and students are none."""
    assert between(a_pass(), a_pass("Grace")) == ()
    assert between(with_network(dense(8)), with_network(dense(8), prefix="another")) == ()


def test_verdict_and_score() -> None:
    """Verdict and score are given before and now, also where there was no score."""
    before, after = a_pass(), replace(a_pass(mean=0.8), verdict=Verdict.FAIL)
    assert between(before, after) == (
        Change(Part.VERDICT, "PASS before, FAIL now."),
        Change(Part.SCORE, "Accuracy 91.3% ± 0.4 before, accuracy 80.0% ± 0.4 now."),
    )
    without = replace(before, comparison=None)
    assert sentences(Part.SCORE, without, before) == ["No score before, accuracy 91.3% ± 0.4 now."]
    assert sentences(Part.SCORE, without, without) == []


def test_rules() -> None:
    """A rule that is met now, or is not any more, is told with what it found; one that only one report has is not."""
    before = a_pass()
    met, failed, *rest = before.rules
    now_failed = replace(met, outcome=Outcome.FAILED, rationale="Column 3 is not scaled.")
    now_met = replace(failed, outcome=Outcome.PASSED, rationale="")
    after = replace(before, rules=(now_failed, now_met, replace(rest[0], name="test_another")))
    assert sentences(Part.RULES, before, after) == [
        "Not met now: Column 3 is not scaled.",
        "Met now: A development set is watched during training",
    ]


def test_the_network() -> None:
    """Layers that came, went or changed are told in their order."""
    drop = Layer("dropout", "Dropout", {"rate": 0.5})
    before = with_network(dense(64), dense(32), dense(5))
    after = with_network(dense(128), drop, dense(32))
    assert sentences(Part.NETWORK, before, after) == [
        "Dense 64, relu became Dense 128, relu - Dropout 0.5.",
        "Without Dense 5, relu.",
    ]
    assert sentences(Part.NETWORK, before, with_network(dense(64), dense(16), dense(5), drop)) == [
        "Dense 32, relu became Dense 16, relu.",
        "New: Dropout 0.5.",
    ]
    nothing = replace(before, answer=None)
    assert sentences(Part.NETWORK, nothing, after) == ["No network that can be rebuilt before, one now."]
    assert sentences(Part.NETWORK, after, nothing) == ["No network that can be rebuilt now."]


def trained(*phases: Any, development: bool = True) -> Report:
    return replace(a_pass(), recipe=Recipe(phases=phases, development=development))


def test_the_training() -> None:
    """Each setting that changed is told with both values, also of later phases."""
    before = trained(a_phase(epochs=20), a_phase("SGD"))
    stopping = KerasObject("EarlyStopping", {"patience": 3})
    after = trained(a_phase(epochs=50, early_stopping=stopping), development=False)
    assert sentences(Part.TRAINING, before, after) == [
        "Epochs: 20 before, 50 now.",
        "Optimizer, phase 2: SGD (learning_rate 0.001) before, none now.",
        "Loss, phase 2: SparseCategoricalCrossentropy before, none now.",
        "Epochs, phase 2: 20 before, none now.",
        "Batch size, phase 2: 32 before, none now.",
        "Labels, phase 2: as integers before, none now.",
        "Phases: 2 before, 1 now.",
        "Development set: yes before, none now.",
        "Early stopping: none before, patience 3 now.",
    ]


def test_the_inputs() -> None:
    """Inputs that came or went are named, and so is another scaling."""
    before = a_pass()
    assert before.tracing is not None
    first, second, third, _ = before.tracing.columns
    scaled = replace(second, scaler=Scaler(ScalerKind.STANDARD, FittedOn.TRAINED))
    columns = (first, scaled, third, replace(third, source="", formula="total_rooms / households"))
    after = replace(before, tracing=replace(before.tracing, columns=columns))
    assert sentences(Part.INPUTS, before, after) == [
        "Without the input total_rooms.",
        "New input: total_rooms / households.",
        "latitude: as it is before, standardised on the training rows; anew for each seed now.",
    ]


def test_hostile_words_are_cut_and_shown() -> None:
    """Names of classes and settings come from students: in sentences they are cut, on one line, and show; of many
    changes the first are told."""
    before = with_network(*(dense(at) for at in range(200)))
    after = with_network(*(Layer("", f"{at}{HOSTILE * 20}") for at in range(200)))
    found = [one.sentence for one in between(before, after)]
    assert len(found) == changes.MOST + 1
    assert found[-1] == "… and 170 more changes."
    assert all(len(one) <= changes.LONGEST and one.isprintable() for one in found)


def test_a_failure_has_neither_network_nor_training() -> None:
    """A report without an answer compares with any other."""
    assert between(a_fail(), a_pass())[0].sentence == "FAIL before, PASS now."
