"""Reports for pages, tables and questions: one of each verdict, with something in every field."""

import base64
import math
import struct
import zlib
from dataclasses import replace
from typing import Any

from checker.records.arrays import ArrayRef
from checker.records.assignment import DatasetNote
from checker.records.capture import Adaptation, CellError, CellOutput, CellResult, Environment, Fed, Fit, ModelCapture
from checker.records.codec import SCHEMA_VERSION
from checker.records.comparison import Baseline, Comparison, Measurement, SeedScore
from checker.records.evidence import Rejected, Selection
from checker.records.job import Ending, Execution
from checker.records.network import Architecture, Development, KerasObject, Labels, Layer, Node, Phase, Recipe
from checker.records.report import Claim, Figure, Question, Report, StudentCell, Topic
from checker.records.submission import Submission
from checker.records.tracing import Column, FeatureSource, SeenRows, TargetScale, Tracing
from checker.records.training import TrainingRun
from checker.records.verdicts import Failure, FailureCause, Importance, Outcome, RuleResult, Stage, Verdict

CLASSES = ("<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN")
DATA = DatasetNote("California housing, 20,640 rows", "ab" * 32, practice=False)
HOSTILE = (
    "<script>alert(1)</script></style></title><img src=x onerror=alert(1)>{{7*7}}{% raw %}"
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J \u202egnirts\u202c\u2066 \udc80\x00\x08"
    "[bold]rich[/bold]\" ' onload='x"
)


def png(width: int = 4, height: int = 3) -> str:
    """Return a grey picture as base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(width)) * height
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(data).decode()


def a_network(*units: int) -> Architecture:
    """Return a chain of dense layers on nine inputs."""
    dense = [
        Layer(f"dense_{at}", "Dense", {"units": n, "activation": "softmax" if n == 5 else "relu"})
        for at, n in enumerate(units)
    ]
    layers = (Layer("input", "InputLayer", {"shape": [9]}), *dense)
    nodes = tuple(Node(layer.name, (at - 1,) if at else ()) for at, layer in enumerate(layers))
    return Architecture(layers, nodes, (len(layers) - 1,), 6_000)


def a_phase(optimizer: str = "Adam", epochs: int = 20, **more: Any) -> Phase:
    """Return a phase of twenty epochs with Adam; the arguments replace its fields."""
    settings = KerasObject(optimizer, {"learning_rate": 0.0010000000474974513, "name": optimizer.lower()})
    loss = KerasObject("SparseCategoricalCrossentropy", {"from_logits": False})
    return replace(Phase(optimizer=settings, loss=loss, epochs=epochs, batch_size=32, labels=Labels.INTEGERS), **more)


def a_run(seed: int, epochs: int = 20) -> TrainingRun:
    """Return a training whose loss falls, with one value missing at its end."""
    falling = [1.2 * math.exp(-at / 6) + 0.25 + 0.01 * math.sin(at * seed) for at in range(epochs)]
    history = {
        "loss": tuple(falling),
        "accuracy": tuple(0.96 - 0.35 * value for value in falling),
        "val_loss": tuple(value + 0.03 for value in falling),
        "val_accuracy": (*(0.95 - 0.35 * value for value in falling[:-1]), None),
    }
    return TrainingRun(
        seed=seed,
        history=history,
        epochs=epochs,
        steps=epochs * 413,
        seconds=3.2,
        stopped_early=False,
        predictions=ArrayRef("0" * 64, (4128, 5), "float32"),
    )


FIELD = (
    Baseline("majority class", 0.441, 0.0),
    Baseline("logistic regression", 0.807, 0.004),
    Baseline("random forest", 0.974, 0.002),
)


def a_comparison(mean: float = 0.913) -> Comparison:
    """Return a comparison over five seeds."""
    seeds = (11, 23, 37, 41, 59)
    noise = (-0.004, 0.002, 0.005, -0.001, -0.002)
    scores = tuple(SeedScore(s, mean + n, 0.919 + n / 2, 0.807 - n / 9) for s, n in zip(seeds, noise, strict=True))
    confusion = (
        (8700, 240, 0, 120, 80),
        (300, 6200, 0, 10, 40),
        (2, 0, 18, 0, 5),
        (130, 9, 0, 2100, 12),
        (90, 30, 3, 8, 2500),
    )
    recalls = (0.952, 0.947, 0.72, 0.933, None)
    return Comparison(
        metric="accuracy",
        scores=scores,
        mean=mean,
        spread=0.0036,
        reference_mean=0.919,
        reference_spread=0.0018,
        baseline_mean=0.807,
        bar=0.889,
        band=0.0021,
        training_mean=0.934,
        confusion=confusion,
        recalls=recalls,
        baseline="logistic regression",
        higher_is_better=True,
        level=0.1,
        standard_error=0.0014,
        p_value=0.00004,
        baselines=FIELD,
    )


def an_error(mean: float = 58_148.0) -> Comparison:
    """Return the comparison of a regression over five seeds."""
    seeds = (11, 23, 37, 41, 59)
    noise = (-400.0, 200.0, 500.0, -100.0, -200.0)
    scores = tuple(SeedScore(s, mean + n, 53_410 + n / 2, 69_448 - n / 9) for s, n in zip(seeds, noise, strict=True))
    measures = (Measurement("rmse", mean, 356.0), Measurement("mae", 40_100.0, 210.0), Measurement("r2", 0.7456, 0.004))
    sample = tuple((15_000.0 + 5_000 * at, 20_000.0 + 4_800 * at) for at in range(98))
    return Comparison(
        metric="rmse",
        scores=scores,
        mean=mean,
        spread=356.0,
        reference_mean=53_410.0,
        reference_spread=178.0,
        baseline_mean=69_448.0,
        bar=63_410.0,
        band=160.0,
        training_mean=None,
        confusion=(),
        recalls=(),
        baseline="linear regression",
        higher_is_better=False,
        measures=measures,
        sample=sample,
    )


def a_cell(index: int, source: str, *outputs: CellOutput, error: CellError | None = None) -> CellResult:
    """Return a cell with its outputs."""
    return CellResult(index=index, source=source, outputs=outputs, error=error, seconds=0.3)


def an_answer(architecture: Architecture | None = None) -> ModelCapture:
    """Return the model that is the answer, fitted once."""
    fed = Fed(rows=13_209)
    fit = Fit(
        cell=14,
        how="fit",
        phase=a_phase(),
        unrebuildable="",
        epochs_asked=200,
        epochs_done=58,
        steps_done=23_954,
        finished=True,
        training=fed,
        development=Development.DATA,
        validation=Fed(rows=3_303),
        history={"loss": (0.9, 0.21), "val_accuracy": (0.7, 0.921)},
        notes=("Epochs were capped.",),
    )
    return ModelCapture(
        id=3,
        name="sequential_2",
        variable="model",
        class_name="Sequential",
        cell=13,
        input_width=9,
        output_width=5,
        parameters=6_305,
        architecture=architecture or a_network(100, 50, 5),
        unrebuildable="",
        fits=(fit,),
    )


def a_pass(name: str = "Ada Lovelace", mean: float = 0.913) -> Report:
    """Return a report that passes, with something in every field."""
    rules = (
        RuleResult(
            name="test_scaled",
            sentence="The inputs are scaled with numbers from the training part only",
            importance=Importance.REQUIRED,
            outcome=Outcome.PASSED,
        ),
        RuleResult(
            name="test_watched",
            sentence="A development set is watched during training",
            importance=Importance.ADVISORY,
            outcome=Outcome.FAILED,
            rationale="No validation_data or validation_split was given to fit.",
            help="Pass validation_data=(X_dev, Y_dev) to fit and look at val_loss.",
            detail="",
            notes=("cell 14: fit(X, Y, epochs=200)",),
            short="No development set",
        ),
        RuleResult(
            name="test_relu",
            sentence="Hidden layers bend their outputs",
            importance=Importance.REQUIRED,
            outcome=Outcome.PASSED,
        ),
        RuleResult(
            name="test_tensorboard",
            sentence="TensorBoard was used",
            importance=Importance.ADVISORY,
            outcome=Outcome.SKIPPED,
            rationale="Optional.",
        ),
    )
    columns = tuple(
        Column(
            source=source,
            train_mean=0.0,
            train_deviation=1.0,
            train_low=-3.1,
            train_high=5.2,
            all_mean=0.01,
            all_deviation=1.02,
            all_low=-3.4,
            all_high=6.1,
            label_purity=0.41,
        )
        for source in ("longitude", "latitude", "housing_median_age", "total_rooms")
    )
    cells = (
        StudentCell(a_cell(1, "import tensorflow as tf"), False),
        StudentCell(
            a_cell(
                2,
                "opt.minimize(loss, [x])",
                error=CellError("AttributeError", "no minimize", "\x1b[0;31mAttributeError\x1b[0m: no minimize"),
            ),
            False,
        ),
        StudentCell(
            a_cell(
                13,
                "model = Sequential([\n    Dense(100, 'relu'),  # wide\n    Dense(5, 'softmax'),\n])",
            ),
            True,
        ),
        StudentCell(
            a_cell(
                14,
                "def train(model):\n    return model.fit(X, Y, epochs=200)\n\nhistory = train(model)",
                CellOutput("text", "Epoch 1/200\n  1/413\r 413/413\x1b[32m ━━━━\x1b[0m loss: 0.9"),
                CellOutput("png", png(320, 120)),
            ),
            True,
        ),
    )
    recipe = Recipe(
        phases=(a_phase(epochs=58), a_phase("SGD", 30, class_weight={"2": 5.0})),
        development=True,
        capped_epochs=142,
        notes=("Early stopping was kept.",),
    )
    return Report(
        replayed="",
        adaptations=(Adaptation(3, "`lr` is <b>`learning_rate`</b> today"),),
        schema=SCHEMA_VERSION,
        submission=Submission(
            name=name,
            path=f"/home/ta/{name}_123_assignsubmission_file/tick4.ipynb",
            is_notebook=True,
            sha256="c0ffee" * 10,
        ),
        assignment="ocean_proximity",
        title="Practical 4: ocean proximity",
        metric="accuracy",
        classes=CLASSES,
        verdict=Verdict.PASS,
        reasons=("The mean accuracy of 91.3% reaches the bar of 88.9%.", "All required rules hold."),
        failures=(),
        rules=rules,
        comparison=a_comparison(mean),
        selection=Selection(
            3,
            "It is the last model with 9 inputs and 5 outputs that was fitted on the assignment's data.",
            (
                Rejected(1, "xor", 4, "It has 2 inputs; the assignment has 9."),
                Rejected(2, "model", 9, "It was never fitted."),
            ),
        ),
        tracing=Tracing(
            source=FeatureSource.TRACED,
            reason="Every column is an affine image of one of the data's.",
            columns=columns,
            training_rows=13_209,
            development_rows=3_303,
            all_rows=20_640,
            labels_differ=12,
            seen=(SeenRows(15, "evaluate", 4_128, 0),),
            labels_compared=13_209,
        ),
        recipe=recipe,
        answer=an_answer(),
        reference_architecture=a_network(64, 32, 5),
        reference_recipe=Recipe(phases=(a_phase(),), development=True),
        runs=tuple(a_run(seed) for seed in (11, 23, 37)),
        cells=cells,
        environment=Environment(
            {"python": "3.11.4", "tensorflow": "2.21.0", "tf_keras": "2.21.0"},
            "legacy",
            "The notebook uses opt.minimize.",
        ),
        execution=Execution(
            ending=Ending.FINISHED,
            exit_code=0,
            wall_seconds=48.2,
            cpu_seconds=61.0,
            peak_memory_mib=912.4,
            output_tail="WARNING: oneDNN",
            sandbox="bubblewrap",
        ),
        retraining=Execution(
            ending=Ending.FINISHED,
            exit_code=0,
            wall_seconds=31.0,
            cpu_seconds=30.4,
            peak_memory_mib=700.0,
            output_tail="",
            sandbox="bubblewrap",
        ),
        dataset=DATA,
        reproduce=f"checker check '{name}/tick4.ipynb' --assignment ocean_proximity",
        claim=Claim(
            cell=14,
            metric="accuracy",
            stated=0.971,
            measured=0.913,
            saved=True,
            sentence="The output saved under cell 14 states 97.1%.",
        ),
        questions=(
            Question(topic=Topic.NETWORK, ask="Why is <b>ReLU</b> there?", good="It bends.", cell=13, figure=None),
            Question(
                topic=Topic.EVALUATION,
                ask="Which class is confused most?",
                good="ISLAND.",
                cell=None,
                figure=Figure.CONFUSION,
            ),
        ),
    )


def a_price(name: str = "Mary Somerville", mean: float = 58_148.0) -> Report:
    """Return a passing report of a regression."""
    histories = [{k.replace("accuracy", "mae"): v for k, v in run.history.items()} for run in a_pass().runs]
    phase = a_phase(labels=Labels.NUMBERS)
    traced = Tracing(source=FeatureSource.TRACED, reason="All rows were found.", target=TargetScale(1e-5, 0.0))
    answer = an_answer()
    return replace(
        a_pass(name),
        title="Practical 4: predict the median house value",
        metric="rmse",
        classes=(),
        reasons=("RMSE $58,148 is below the bar of $63,410 (lower is better).",),
        comparison=an_error(mean),
        tracing=traced,
        recipe=Recipe(phases=(phase,), development=True),
        reference_recipe=Recipe(phases=(phase,), development=True),
        answer=replace(answer, fits=tuple(replace(fit, history={"mae": (0.4,)}) for fit in answer.fits)),
        claim=Claim(cell=14, metric="rmse", stated=58_000.0, measured=mean, saved=False),
        questions=(
            Question(topic=Topic.EVALUATION, ask="What is R²?", good="A share.", cell=None, figure=Figure.RESIDUALS),
        ),
        runs=tuple(replace(run, history=history) for run, history in zip(a_pass().runs, histories, strict=True)),
    )


def a_fail(name: str = "Charles Babbage") -> Report:
    """Return a failing report of a submission without a model, for which nothing was trained."""
    failure = Failure(
        stage=Stage.EXECUTING,
        cause=FailureCause.CUT_SHORT,
        rationale="The cell that makes the model raised an error.",
        help="Spell it learning_rate, not lr.",
        detail="ValueError: Argument(s) not recognized: {'lr': 0.01}",
        cell=2,
    )
    rule = RuleResult(
        name="test_model",
        sentence="There is a model for the task",
        importance=Importance.REQUIRED,
        outcome=Outcome.FAILED,
        rationale="None was found.",
        help="Fit one.",
        detail="assert None",
        short="No model for the task",
    )
    return replace(
        a_pass(name),
        verdict=Verdict.FAIL,
        reasons=("No model for this task was found.",),
        failures=(failure,),
        rules=(rule,),
        comparison=None,
        selection=Selection(None, "No model has 9 inputs and 5 outputs."),
        tracing=None,
        recipe=None,
        answer=None,
        runs=(),
        retraining=None,
        environment=None,
        claim=None,
        questions=(
            Question(topic=Topic.TROUBLE, ask="What is the cause?", good="A typing error.", cell=2, figure=None),
        ),
    )


def a_referral(name: str = "Grace Hopper") -> Report:
    """Return a referred report, with a broken rule and an accuracy too close to the bar."""
    broken = RuleResult(
        name="test_odd",
        sentence="The rows are the data's",
        importance=Importance.REQUIRED,
        outcome=Outcome.ERROR,
        rationale="The rule broke.",
        help="",
        detail="KeyError: 'x'",
    )
    return replace(
        a_pass(name, 0.889),
        verdict=Verdict.REFER,
        reasons=("Too close to the bar to tell.",),
        rules=(broken,),
        comparison=a_comparison(0.8885),
    )


def poisoned(value: Any) -> Any:
    """Return a record with hostile text in every text field except ``metric`` and ``unit``, whose values never come
    from a student: a metric's name is from the checker's own table, and a unit from the assignment's settings."""
    if type(value) is str:
        return value + HOSTILE
    if isinstance(value, tuple):
        return tuple(poisoned(item) for item in value)
    if isinstance(value, dict):
        return {key + HOSTILE: poisoned(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        texts = (name for name in value.__dataclass_fields__ if name not in ("metric", "unit"))
        return replace(value, **{name: poisoned(getattr(value, name)) for name in texts})
    return value
