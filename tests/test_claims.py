"""Claims: scores stated in outputs are found if they are about the answer's test, and only then."""

import time
from dataclasses import replace

import numpy as np
import pytest

from checker.judge.claims import claim_of
from checker.records.capture import CellOutput, Use
from checker.records.comparison import Comparison, Measurement, SeedScore
from checker.records.report import StudentCell
from checker.records.tracing import FeatureSource, TargetScale, Tracing

SEEDS = (11, 23, 37)


def a_comparison(mean=0.913, spread=0.004):
    """The measured comparison of a classification."""
    scores = tuple(SeedScore(seed, mean, 0.919, 0.807) for seed in SEEDS)
    return Comparison(
        metric="accuracy",
        scores=scores,
        mean=mean,
        spread=spread,
        reference_mean=0.919,
        reference_spread=0.002,
        baseline_mean=0.807,
        bar=0.889,
        band=0.002,
        training_mean=0.93,
        confusion=(),
        recalls=(),
        baseline="logistic regression",
        higher_is_better=True,
        measures=(Measurement("accuracy", mean, spread),),
    )


def errors(rmse=58_000.0):
    """The measured comparison of a regression."""
    measures = (Measurement("rmse", rmse, 500.0), Measurement("mae", 40_000.0, 400.0), Measurement("r2", 0.74, 0.005))
    scores = tuple(SeedScore(seed, rmse, 53_000.0, 69_000.0) for seed in SEEDS)
    return Comparison(
        metric="rmse",
        scores=scores,
        mean=rmse,
        spread=500.0,
        reference_mean=53_000.0,
        reference_spread=200.0,
        baseline_mean=69_000.0,
        bar=63_000.0,
        band=300.0,
        training_mean=None,
        confusion=(),
        recalls=(),
        baseline="linear regression",
        higher_is_better=False,
        measures=measures,
    )


@pytest.fixture
def claim(make):
    """Return the claim of cells with these outputs; the answer is trained in cell 7 and used in cell 9."""

    def of(*outputs, at=9, comparison=None, saved="", source="model.evaluate(X, Y)", scale=None, is_new=True):
        shown = tuple(CellOutput("text", text) for text in outputs)
        cell = replace(make.cell(at, source), outputs=shown, saved=saved)
        uses = (Use(9, "evaluate", make.fed(np.zeros((1, 9)))),)
        answer = replace(make.model(1, make.fit(cell=7)), uses=uses, variable="model")
        tracing = Tracing(source=FeatureSource.TRACED, reason="", target=scale) if scale else None
        return claim_of([StudentCell(cell, is_new)], answer, tracing, comparison or a_comparison())

    return of


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("accuracy: 0.9312", 0.9312),
        ("Test accuracy: 93 %", 0.93),
        ("Test accuracy: 93.1%", 0.931),
        ("Test Accuracy (%): 93.10", 0.931),
        ("Accuracy of the network on the test set is 93.12", 0.9312),
        ("accuracy = 0,931", 0.931),
        ("acc 0.931", 0.931),
        ("    accuracy                           0.92      4128", 0.92),
        ("{'accuracy': 0.9282945990562439, 'loss': 0.187}", 0.9282945990562439),
        ("[0.2131, 0.9173933863639832]", 0.9173933863639832),
        ("Test loss: 0.17 | Test accuracy: 0.93", 0.93),
        ("129/129 [=====] - 0s 2ms/step - loss: 0.22 - accuracy: 0.9111", 0.9111),
        ("129/129 - 0s - loss: 0.22 - accuracy: 0.9111 - 150ms/epoch - 1ms/step", 0.9111),
        (
            "\x1b[1m  1/129\x1b[0m \x1b[37m━━\x1b[0m \x1b[1m3s\x1b[0m 29ms/step - accuracy: 0.7188 - loss: 1.1\r"
            "\x1b[1m129/129\x1b[0m \x1b[32m━━\x1b[0m \x1b[1m0s\x1b[0m 2ms/step - accuracy: 0.9111 - loss: 0.2\n",
            0.9111,
        ),
        ("accuracy: 0.91\nTest accuracy: 0.92\naccuracy: 0.90", 0.92),
        ("accuracy: 0.91\naccuracy: 0.92", 0.92),
    ],
)
def test_a_stated_accuracy_is_read(claim, text, stated):
    """An accuracy is read in any form, as a fraction or in per cent; the last one about the test counts."""
    assert claim(text).stated == pytest.approx(stated)


@pytest.mark.parametrize(
    "text",
    [
        *("Training accuracy: 0.99", "Dev accuracy: 0.99", "val_accuracy: 0.99", "epoch 3: accuracy 0.99"),
        *("Random forest accuracy: 0.974", "Logistic regression: accuracy 0.81", "batch accuracy: 0.99"),
        *("binary_accuracy: 0.96", "accuracy_score(Y, P)", "accuracy: 4128", "accuracy: 187.5", "accuracy: -3.5e-05"),
        *("accuracy", "accuracy: [0.5, 0.9]", "loss, accuracy: 0.2131", "the accuracy should be 0.9 or more"),
        *("0.93", "[0.2131]", "accuracy: 0.93abc", "accuracy: 1.2.3", "inaccuracy: 0.93", "accuracy: 93"),
        "Epoch 1/20\n129/129 [=====] - 0s 2ms/step - loss: 0.22 - accuracy: 0.9111",
        "129/129 [=====] - 0s 2ms/step - loss: 0.22 - accuracy: 0.9111 - val_accuracy: 0.9",
        " 64/129 [==>..] - 0s 2ms/step - loss: 0.22 - accuracy: 0.9111",
    ],
)
def test_what_is_no_claim_about_the_test_is_none(claim, text):
    """Scores on training or development rows, scores of other models, and other numbers are not claims."""
    assert claim(text) is None


def test_only_the_student_s_own_cells_about_the_answer_count(claim):
    """Cells of the hand-out, cells before the answer's training, and cells that use something else are ignored."""
    assert claim("accuracy: 0.99", is_new=False) is None
    assert claim("accuracy: 0.99", at=6) is None
    assert claim("accuracy: 0.99", at=11, source="print('accuracy:', other.score(X, Y))") is None
    assert claim("accuracy: 0.99", at=11, source="f = RandomForestClassifier()") is None
    assert claim("accuracy: 0.99", at=11, source="print('accuracy:', saved)").stated == 0.99
    assert claim("accuracy: 0.99", at=11, source="print(accuracy_score(Y, model.predict(X)))").stated == 0.99


@pytest.mark.parametrize(
    ("stated", "differs"), [(0.905, False), (0.935, False), (0.96, True), (0.8, True), (1.0, True)]
)
def test_only_what_is_clearly_different_is_said(claim, stated, differs):
    """A few points come from another split and other initial weights; a larger difference is reported with its cell."""
    found = claim(f"Test accuracy: {stated}")
    assert bool(found.sentence) is differs
    if differs:
        assert found.sentence == (
            f"Cell 9 states an accuracy of {stated:.1%}; trained again on other splits it is 91.3% ± 0.4."
        )


def test_where_seeds_differ_much_a_claim_may_too(claim):
    """If seeds vary much, a claim far from their mean is not clearly different."""
    assert claim("accuracy: 0.80", comparison=a_comparison(0.913, 0.04)).sentence == ""


def test_what_was_saved_counts_before_what_was_printed(claim):
    """The output saved in the file counts; a cell's output here counts only if the file has none."""
    found = claim("Test accuracy: 0.91", saved="Test accuracy: 0.99")
    assert found.saved
    assert found.sentence.startswith("The output saved under cell 9 states an accuracy of 99.0%;")
    assert not claim("Test accuracy: 0.91", saved="nothing").saved


@pytest.mark.parametrize(
    ("text", "metric", "stated"),
    [
        ("RMSE: 57983.21", "rmse", 57_983.21),
        ("Test RMSE: $57,983", "rmse", 57_983),
        ("RMSE 0.58", "rmse", 58_000),
        ("mean squared error on the test part: 0.3364", "rmse", 58_000),
        ("mean absolute error: 0.41", "mae", 41_000),
        ("Test MAE = 41000", "mae", 41_000),
        ("R2 score: 0.74", "r2", 0.74),
        ("R²: -0.5", "r2", -0.5),
    ],
)
def test_errors_are_read_in_dollars_or_in_the_targets_unit(claim, text, metric, stated):
    """Errors of targets in hundreds of thousands become dollars, and the root of a squared error is taken."""
    found = claim(text, comparison=errors(), scale=TargetScale(1e-5, 0.0))
    assert (found.metric, found.stated) == (metric, pytest.approx(stated))
    assert bool(found.sentence) is (stated == -0.5)


def test_an_error_in_no_known_unit_is_no_claim(claim):
    """Errors of logarithms have no known unit and are not compared; neither are absurd errors."""
    assert claim("RMSE: 0.24", comparison=errors(), scale=TargetScale(1.0, 0.0, 0.0)) is None
    assert claim("RMSE: 999999999", comparison=errors(), scale=TargetScale(1e-5, 0.0)) is None
    assert claim("RMSE: 0.0", comparison=errors(), scale=TargetScale(1e-5, 0.0)) is None
    assert claim("RMSE: 90000.5", comparison=errors()).sentence == (
        "Cell 9 states an RMSE of $90,000; trained again on other splits it is $58,000 ± $500."
    )


@pytest.mark.parametrize(
    "text",
    [
        "accuracy " * 20_000,
        "accuracy: " + "9" * 100_000,
        "accuracy" + " of the test set" * 5_000 + " x",
        "accuracy: 0." + "1" * 100_000,
        "\x1b[" + "0;" * 50_000,
        "[" + "1" * 50_000 + ", 0.9]",
        "loss, " * 30_000 + "accuracy: 0.9",
        "\r" * 100_000 + "\b" * 100_000,
        "\ud800\x00\u202e accuracy: 0.9\u0663\u0664",
        "accuracy: " + "0.9," * 50_000,
        "\n".join(["accuracy: 0.9"] * 20_000),
    ],
)
def test_hostile_outputs_cost_little_and_raise_nothing(claim, text):
    """Long and odd outputs take little processor time and raise nothing."""
    began = time.process_time()
    claim(text, saved=text)
    assert time.process_time() - began < 1


def test_without_an_answer_or_a_measurement_there_is_no_claim(make):
    """Without an answer or a measured score there is no claim."""
    cells = [StudentCell(make.cell(9), True)]
    assert claim_of(cells, None, None, a_comparison()) is None
    assert claim_of(cells, make.model(1), None, None) is None
