"""Questions: each suits what a report shows, points to it, and is chosen the same way again."""

import inspect
import re
from collections import Counter
from dataclasses import replace
from types import MappingProxyType

import pytest
from reports import a_fail, a_network, a_pass, a_phase, a_price, a_referral

from checker.judge import questions
from checker.judge.questions import candidates, choose, data, network, plans, results, training
from checker.judge.questions.view import LONGEST, View, short
from checker.judge.suspicion import SUSPECTED
from checker.keras_spec.foreign_weights import ELSEWHERE
from checker.records.capture import CellError, CellResult
from checker.records.comparison import Agreed, Likeness, LossCurves, MissingGroup, MissingRows
from checker.records.evidence import Rejected, Selection
from checker.records.job import Ending
from checker.records.network import KerasObject, Labels, Layer, Recipe
from checker.records.report import Claim, Figure, Observation, StudentCell, Symptom, Topic
from checker.records.tracing import FeatureSource, SeenRows, TargetScale
from checker.records.verdicts import Failure, FailureCause, Stage, Verdict
from checker.report.sentences import topic
from checker.run.question_words import templates
from checker.source import frameworks

CURVES = LossCurves(epochs=5, own_first=1.0, own_lowest=0.1, again_first=1.0, again_lowest=0.6, differs=True)
MODULES = (data, network, training, results, plans)


def asked(report):
    """Return all questions that suit a report, by name."""
    return {candidate.name: candidate.question for candidate in candidates(report, templates())}


def with_recipe(report, **more):
    """Return a report whose answer was trained in one phase that has these settings."""
    return replace(report, recipe=Recipe(phases=(a_phase(**more),), development=True))


def with_layers(report, *layers):
    """Return a report whose answer is a chain of these layers between its input and its output."""
    chain = a_network(100, 5)
    kept = (chain.layers[0], *layers, *chain.layers[1:])
    nodes = tuple(replace(chain.nodes[0], layer=la.name, inputs=(at - 1,) if at else ()) for at, la in enumerate(kept))
    network = replace(chain, layers=kept, nodes=nodes, outputs=(len(kept) - 1,))
    return replace(report, answer=replace(report.answer, architecture=network))


def with_cell(report, source, error=None):
    """Return a report with one more cell of the student's own, cell 20."""
    return replace(
        report,
        cells=(
            *report.cells,
            StudentCell(CellResult(index=20, source=source, outputs=(), error=error, seconds=0.1), True),
        ),
    )


# -- the file of templates -------------------------------------------------------------------------------


def test_each_template_has_its_function_and_each_function_its_template():
    """Every table of the file is looked for by one function of its name, and no function looks for anything else."""
    functions = [
        name
        for module in MODULES
        for name, of in vars(module).items()
        if inspect.isfunction(of) and of.__module__ == module.__name__ and not name.startswith("_")
    ]
    assert Counter(functions) == Counter(list(templates()))


def test_templates_cover_all_topics():
    """Every topic of the lecture has several questions, weighed from 1 to 4."""
    topics = Counter(template.topic for template in templates().values())
    assert set(topics) == set(Topic)
    assert min(topics.values()) >= 3
    assert {template.weight for template in templates().values()} == {1, 2, 3, 4}


def test_words_of_templates_are_sentences():
    """Each question ends with a question mark, each good answer with a full stop, and no line is too long."""
    for name, template in templates().items():
        assert "?" in template.ask, name
        assert template.good.endswith((".", "}", "?")), name
        assert len(template.ask) < 250, name


# -- choosing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make_report", [a_pass, a_fail, a_referral, a_price])
def test_some_are_chosen_and_they_are_about_different_things(make_report):
    """Five to seven questions, of at least five topics, each at a cell or a figure. The weightiest three come first.
    Both parts stand in the order of the topics, after what is wrong."""
    chosen = choose(make_report(), templates())
    assert 5 <= len(chosen) <= questions.MOST
    assert len({question.topic for question in chosen}) >= 5
    assert all((question.cell is None) is (question.figure is not None) for question in chosen)
    weights = {of.question: templates()[of.name].weight for of in candidates(make_report(), templates())}
    first, rest = chosen[: questions.FIRST], chosen[questions.FIRST :]
    assert min(weights[q] for q in first) >= max(weights[q] for q in rest)
    for part in (first, rest):
        order = [(-weights[q] if weights[q] > 2 else 0, list(Topic).index(q.topic)) for q in part]
        assert order == sorted(order)
    assert not any("{" in question.ask + question.good for question in chosen)


def test_the_same_file_is_asked_the_same_and_another_one_something_else():
    """Choice hangs on the report and the file's hash alone; neighbours get other questions."""
    report = replace(a_pass(), claim=None)
    assert choose(report, templates()) == choose(report, templates())
    files = [replace(report, submission=replace(report.submission, sha256=f"{at:064x}")) for at in range(12)]
    assert len({choose(of, templates()) for of in files}) > 6


def test_what_is_wrong_comes_before_what_everybody_can_be_asked():
    """Questions about a mistake are chosen, whatever the file's hash."""
    said = (Observation(Symptom.OVERFITS, "From epoch 9 on it learns by heart."),)
    for at in range(12):
        report = replace(with_recipe(a_pass(), labels=Labels.INTEGERS), observations=said)
        report = replace(report, submission=replace(report.submission, sha256=f"{at:064x}"))
        report = replace(report, recipe=replace(report.recipe, development=True))
        chosen = choose(report, templates())
        assert asked(report)["overfits"] in chosen
        assert asked(report)["a_claim"] in chosen


@pytest.mark.parametrize("itself", [True, False])
def test_how_it_was_watched_and_tested_leads(itself):
    """The first questions are about a test on training rows, and a development set that is missing or holds training
    rows."""
    traced = replace(a_pass().tracing, seen=(SeenRows(15, "evaluate", 4_128, 4_000),))
    said = (Observation(Symptom.OVERFITS, "By heart."), Observation(Symptom.DIVERGED, "It rose."))
    recipe = replace(a_pass().recipe, development=itself, watched_itself=itself)
    for at in range(12):
        report = replace(a_pass(), tracing=traced, recipe=recipe, observations=said)
        report = replace(report, submission=replace(report.submission, sha256=f"{at:064x}"))
        found = asked(report)
        assert choose(report, templates())[:2] == (found["tested_on_trained_rows"], found["no_development_set"])
        assert found["no_development_set"].ask.startswith("Your development set" if itself else "You used no")


# -- what they are about ---------------------------------------------------------------------------------


def test_dropout_is_asked_about_with_its_place_and_rate():
    """The layer before it, its rate, and the cell in which the network is made."""
    report = with_layers(a_pass(), Layer("a", "Dense", {"units": 64, "activation": "relu"}),
                         Layer("b", "Dropout", {"rate": 0.5}))  # fmt: skip
    question = asked(report)["dropout"]
    assert question.ask == "Dropout(0.5) after Dense 64, relu: what does it do while training, and what at test time?"
    assert "probability 0.5" in question.good
    assert question.cell == 13
    assert "no_regularisation" not in asked(report)


def test_weights_are_counted():
    """Units, inputs and the right answer."""
    question = asked(with_layers(a_pass()))["parameters"]
    assert "100 units on 9 inputs" in question.ask
    assert question.good == "9 × 100 weights and 100 biases: 1,000."


def test_steps_of_an_epoch_are_counted():
    """Rows by batch size, rounded up."""
    assert "13,209 / 32, rounded up: 413." in asked(a_pass())["batches"].good


def test_the_most_confused_class_is_found():
    """Of the classes with rows enough, that of which the largest share is taken for another."""
    question = asked(a_pass())["most_confused"]
    assert question.good.startswith("6% of NEAR BAY is predicted as <1H OCEAN (130 of 2,251 rows)")
    assert question.figure is Figure.CONFUSION


def test_a_class_that_is_never_predicted_is_named():
    """Its share of the rows is in the answer."""
    never = tuple(
        tuple(0 if at == 2 else count for at, count in enumerate(row)) for row in a_pass().comparison.confusion
    )
    report = replace(a_pass(), comparison=replace(a_pass().comparison, confusion=never))
    assert asked(report)["never_predicted"].ask.startswith("ISLAND is never predicted.")
    assert "never_predicted" not in asked(a_pass())


@pytest.mark.parametrize(
    ("activation", "from_logits", "name"),
    [
        ("softmax", False, "softmax"),
        ("softmax", True, "softmax_and_logits"),
        ("linear", True, "logits"),
        ("linear", False, "bare_output"),
        ("sigmoid", False, "sigmoid_outputs"),
    ],
)
def test_output_and_loss_are_asked_about_together(activation, from_logits, name):
    """One question for each way in which they fit or do not."""
    chain = a_network(100, 5)
    last = replace(chain.layers[-1], config={"units": 5, "activation": activation})
    report = replace(
        a_pass(), answer=replace(a_pass().answer, architecture=replace(chain, layers=(*chain.layers[:-1], last)))
    )
    loss = KerasObject("SparseCategoricalCrossentropy", {"from_logits": from_logits})
    found = set(asked(with_recipe(report, loss=loss)))
    assert found & {"softmax", "softmax_and_logits", "logits", "bare_output", "sigmoid_outputs"} == {name}


@pytest.mark.parametrize(
    ("symptom", "name"),
    [
        (Symptom.OVERFITS, "overfits"),
        (Symptom.UNDERFITS, "underfits"),
        (Symptom.IMPROVING, "still_improving"),
        (Symptom.DIVERGED, "diverged"),
    ],
)
def test_what_trainings_show_is_asked_about_at_the_curves(symptom, name):
    """The sentence of the diagnosis is there for the demonstrator."""
    question = asked(replace(a_pass(), observations=(Observation(symptom, "So it is."),)))[name]
    assert "So it is." in question.ask + question.good
    assert question.figure is Figure.CURVES


def test_a_test_on_trained_rows_is_asked_about_in_its_cell():
    """Unless another test was on unseen rows."""
    seen = (SeenRows(15, "evaluate", 4_128, 4_000),)
    report = replace(a_pass(), tracing=replace(a_pass().tracing, seen=seen))
    question = asked(report)["tested_on_trained_rows"]
    assert question.cell == 15
    assert "4,128 rows" in question.ask
    assert "4,000 of them" in question.ask
    both = replace(report.tracing, seen=(*seen, SeenRows(16, "evaluate", 4_128, 0)))
    assert "tested_on_trained_rows" not in asked(replace(report, tracing=both))


def test_scaling_before_splitting_is_asked_about():
    """Columns that are standard over all rows and not over those trained on."""
    columns = tuple(replace(c, train_mean=0.02, all_mean=0.0, all_deviation=1.0) for c in a_pass().tracing.columns)
    report = replace(a_pass(), tracing=replace(a_pass().tracing, columns=columns))
    assert asked(report)["scaled_before_splitting"].ask.startswith("You scaled before you split: 4 of your columns")
    assert "scaled_before_splitting" not in asked(a_pass())


def test_unscaled_inputs_are_asked_about_with_the_largest():
    """Its name, mean and deviation."""
    columns = (
        replace(a_pass().tracing.columns[3], train_mean=2_634.0, train_deviation=2_180.0),
        *a_pass().tracing.columns,
    )
    report = replace(a_pass(), tracing=replace(a_pass().tracing, columns=columns))
    assert asked(report)["unscaled"].ask.startswith("total_rooms comes in with mean 2,634 and deviation 2,180.")


def test_a_column_that_gives_the_class_away_is_asked_about():
    """And then not what else the scores would say."""
    columns = (*a_pass().tracing.columns, replace(a_pass().tracing.columns[0], source="", label_purity=1.0))
    report = replace(a_pass(), tracing=replace(a_pass().tracing, columns=columns))
    assert asked(report)["leak"].ask.startswith("Column 5 of your inputs alone tells the class.")
    assert not {"above_baseline", "outdone"} & set(asked(report))


def test_several_stretches_of_training_are_told_apart():
    """Epochs and optimisers in order."""
    assert "(58 epochs with Adam, then 30 epochs with SGD)" in asked(a_pass())["two_phases"].ask


def test_rows_that_were_left_out_are_asked_about():
    """Which rows have no inputs, and why, unless they are a sample of all rows."""
    groups = (MissingGroup("NEAR BAY rows", 1_310, 1_310), MissingGroup("ISLAND rows", 5, 5))

    def left_out(likeness):
        missing = MissingRows(likeness=likeness, missing=1_315, rows=18_432, groups=groups)
        return asked(replace(a_pass(), comparison=replace(a_pass().comparison, missing=missing))).get("left_out")

    said = "Your network was never fed 1,310 of 1,310 NEAR BAY rows and 5 of 5 ISLAND rows."
    assert left_out(Likeness.UNLIKE).ask.startswith(said)
    assert (left_out(Likeness.ALIKE), left_out(Likeness.FEW)) == (None, None)


def test_a_claim_is_asked_about_in_its_cell():
    """Only where it is clearly different."""
    assert asked(a_pass())["a_claim"].ask.startswith(
        "Your output says 97.1%; trained again on other splits it is 91.3%."
    )
    agrees = Claim(cell=14, metric="accuracy", stated=0.912, measured=0.913, saved=False)
    assert "a_claim" not in asked(replace(a_pass(), claim=agrees))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import tensorflow.keras\ntf.keras.callbacks.TensorBoard('logs')", "tensorboard"),
        ("with tf.GradientTape() as tape:", "tape"),
        ("a = tf.placeholder(tf.float32)\nwith tf.Session() as s: pass", "sessions"),
        ("model.train_on_batch(x, y)", "own_loop"),
        ("tuner = keras_tuner.GridSearch(build)", "tuner"),
        ("model.load_weights('best.h5')", "checkpoint"),
        ("np.random.seed(1)", "seeds_set"),
        ("model.summary()", "none_in_summary"),
        ("h = h.dropna()", "dropped_rows"),
        ("h.fillna(h.median())", "missing_values"),
    ],
)
def test_what_is_in_the_student_s_own_code_is_asked_about_there(source, name):
    """In the cell that has it; comments and the hand-out do not count."""
    assert asked(with_cell(a_pass(), source))[name].cell == 20
    commented = "\n".join(f"# {line}" for line in source.split("\n"))
    assert name not in asked(with_cell(a_pass(), commented))


def test_of_a_regression_errors_are_in_dollars():
    """MAE beside RMSE, scales of targets, the output of one number."""
    found = asked(a_price())
    assert found["errors"].ask.startswith("The mean absolute error is $40,100, the RMSE $58,148.")
    assert not {"softmax", "cross_entropy", "most_confused", "majority", "argmax"} & set(found)
    scaled = replace(a_price(), tracing=replace(a_price().tracing, target=TargetScale(1.0, 0.0, 0.0)))
    assert "the logarithm of the price" in asked(scaled)["scaled_target"].ask
    assert "scaled_target" not in found


# -- whoever has not come so far -------------------------------------------------------------------------


def test_without_a_network_it_is_asked_how_it_would_be_done():
    """What went wrong comes first, then a plan; nothing is asked about what is not there."""
    chosen = choose(a_fail(), templates())
    assert chosen[0].ask.startswith("The cell that makes the model raised an error.")
    assert chosen[0].cell == 2
    assert {q.topic for q in chosen[1:]} >= {Topic.DATA, Topic.NETWORK, Topic.LOSS, Topic.FITTING, Topic.EVALUATION}
    assert not {"softmax", "batches", "no_seeds", "spread"} & set(asked(a_fail()))


def test_of_an_unread_file_a_plan_is_asked_about():
    """A student without a notebook is asked how one is made."""
    failure = Failure(
        stage=Stage.READING, cause=FailureCause.UNREADABLE_FILE, rationale="There is no notebook.", help="Hand one in."
    )
    report = replace(a_fail(), failures=(failure,), cells=(), rules=())
    assert set(asked(report)) == {"plan_data", "plan_network", "plan_loss", "plan_training", "plan_evaluation"}


def test_a_limit_is_asked_about_where_it_was_reached():
    """Which cell takes so much."""
    failure = Failure(
        stage=Stage.EXECUTING,
        cause=FailureCause.CUT_SHORT,
        rationale="It ran longer than the time allowed.",
        help="",
        cell=14,
    )
    report = replace(a_fail(), failures=(failure,), execution=replace(a_fail().execution, ending=Ending.TIME))
    assert asked(report)["a_limit"].cell == 14
    assert "a_failure" not in asked(report)


def test_another_number_of_outputs_is_asked_about():
    """With what selection has found."""
    failure = Failure(
        stage=Stage.SELECTING,
        cause=FailureCause.NO_ANSWER,
        rationale="The network `m` ends in 4 outputs; the task has 5 classes.",
        help="",
        cell=13,
    )
    assert asked(replace(a_fail(), failures=(failure,)))["another_width"].ask.startswith(
        "Your network ends in 4 outputs."
    )


def test_an_idle_network_and_an_error_are_asked_about():
    """A model that was made and never trained; a cell of the student's own that raises."""
    selection = Selection(None, "none", (Rejected(1, "`net`", 20, "it was never trained"),))
    error = CellError("NameError", "name 'X' is not defined", "")
    found = asked(replace(with_cell(a_fail(), "net = Sequential()", error), selection=selection))
    assert found["never_finished"].ask.startswith("`net` was never trained")
    assert found["an_error"].ask.startswith("This cell raises NameError: name 'X' is not defined.")
    stopped = CellError("NameError", "name 'X' is not defined.", "")
    assert ".." not in asked(with_cell(a_fail(), "net = 1", stopped))["an_error"].ask
    assert found["an_error"].cell == 20


def a_first_error(rationale, source="x = 1", error="FileNotFoundError"):
    """Return a report on a file whose cell 20 raises this error, before a network of cell 21 could be trained."""
    failure = Failure(
        stage=Stage.SELECTING, cause=FailureCause.NO_ANSWER, rationale=rationale, help="Mend it.", cell=20
    )
    selection = Selection(None, "none", (Rejected(1, "`net`", 20, "it was never trained"),))
    report = with_cell(a_fail(), source, CellError(error, "No such thing.", ""))
    return replace(report, failures=(failure,), selection=selection)


def test_an_earlier_error_is_asked_about_and_not_the_idle_network():
    """If an earlier cell broke, nobody is told that a network was never trained."""
    found = asked(a_first_error("Cell 20 failed: KeyError: 'x'.", error="KeyError"))
    assert "never_finished" not in found
    assert found["an_error"].cell == 20


@pytest.mark.parametrize(
    ("lacks", "name", "words"),
    [
        ("reads `train.csv`, which was not handed in", "missing_data", "Your file reads `train.csv`, which"),
        ("reads `best.keras`, which was not handed in", "missing_part", "Your file reads `best.keras`, which"),
        (
            "imports `utils`, which is not installed here and was not handed in",
            "missing_part",
            "imports `utils`, which",
        ),
    ],
)
def test_what_was_not_handed_in_is_asked_about(lacks, name, words):
    """Data is asked for its rows and scaling, anything else for what it holds, in the cell that needs it, and first."""
    report = a_first_error(f"Cell 20 {lacks}. So `x` does not exist in cell 21.")
    found = asked(report)
    assert words in found[name].ask
    assert found[name].cell == 20
    assert ("rows and scaling" in found[name].ask) is (name == "missing_data")
    assert choose(report, templates())[0] == found[name]
    assert not {"missing_data", "missing_part", "never_finished", "an_error"} - {name} & set(found)


def test_another_library_is_asked_about_and_not_its_errors():
    """Who used another library is asked about that, in its cell; that it is not installed is no further question."""
    report = a_first_error(frameworks.instead_of_keras("PyTorch", ()), "import torch", "ModuleNotFoundError")
    found = asked(report)
    assert "your file uses PyTorch" in found["other_library"].ask
    assert found["other_library"].cell == 20
    assert "an_error" not in found
    assert "other_library" not in asked(with_cell(a_fail(), "import torch"))


def test_a_quote_is_cut_between_words():
    """A message that is too long loses whole words, and what the checker itself has installed is not listed."""
    assert short("one two three", 12) == "one two …"
    assert short("one" * 10, 12) == "oneoneoneon…"
    assert short("one two", 12) == "one two"
    error = CellError("ModuleNotFoundError", "`h2o` is not part of the course environment, which has keras, numpy", "")
    question = asked(with_cell(a_fail(), "h2o.init()", error))["an_error"]
    assert question.ask.startswith("This cell raises ModuleNotFoundError: `h2o` is not part of the course environment.")


REFERRED = replace(a_referral(), observations=(Observation(Symptom.OVERFITS, "By heart."),))
REASONS = {
    "replayed_code": replace(REFERRED, replayed="the loss `far` is the student's own function"),
    "not_repeatable": replace(REFERRED, agreed=Agreed(curves=CURVES, cause="Likely cause: a callback.")),
    "suspicious_inputs": replace(REFERRED, reasons=(f"It reaches the bar, but its {SUSPECTED}.",)),
    "cut_training": replace(REFERRED, cut_short="Training was cut short by the cap on steps."),
}


@pytest.mark.parametrize("name", REASONS)
def test_the_reason_of_a_referral_is_asked_about_first(name):
    """The first question is about what keeps a machine from deciding, and is called the reason."""
    report = REASONS[name]
    chosen = choose(report, templates())
    assert chosen[0] == asked(report)[name]
    report = replace(report, questions=chosen)
    assert [topic(question, report) for question in chosen[:2]] == ["the reason", chosen[1].topic]
    assert topic(chosen[0], replace(report, verdict=Verdict.PASS)) == "what went wrong"
    assert name not in asked(a_pass())


def test_code_that_was_replayed_is_asked_about_where_it_stands():
    """The reason speaks to the student, and leads to the cell that defines the name."""
    found = asked(with_cell(REASONS["replayed_code"], "def far(a, b):\n    return a - b"))
    assert "the loss `far` is your own function." in found["replayed_code"].ask
    assert found["replayed_code"].cell == 20


def test_weights_that_no_training_gave_are_asked_about_first():
    """If a training was not seen or cannot be true, the first question is where the weights come from."""
    forged = replace(a_pass(), verdict=Verdict.REFER, agreed=Agreed(impossible="More steps than one a microsecond."))
    found = asked(forged)["weights_from_elsewhere"]
    assert "Where do the weights of `" in found.ask
    assert found.good.endswith("More steps than one a microsecond.")
    assert choose(forged, templates())[0] == found
    assert "weights_from_elsewhere" not in asked(a_pass())
    unbuilt = Failure(
        stage=Stage.RETRAINING,
        cause=FailureCause.NOT_RETRAINED,
        rationale=f"Layer `dense` already held other weights, and {ELSEWHERE}.",
        help="",
    )
    assert "`dense` already held" in asked(replace(a_referral(), failures=(unbuilt,)))["weights_from_elsewhere"].good


def test_unknown_rows_and_targets_are_asked_about():
    """What the checker could not trace, a demonstrator asks."""
    nowhere = replace(a_referral().tracing, source=FeatureSource.NOWHERE, reason="No row was found.")
    assert "No row was found." in asked(replace(a_referral(), tracing=nowhere))["untraced"].good
    odd = replace(a_price(), tracing=replace(a_price().tracing, target=None), verdict=Verdict.REFER)
    assert asked(odd)["unknown_target"].cell == 14


# -- hostile text ----------------------------------------------------------------------------------------


def test_hostile_text_stays_short_and_is_no_template():
    """Names and code of a student's are cut, and braces in them mean nothing."""
    evil = "{ask.__class__} {0} " * 10_000
    report = replace(a_pass(), answer=replace(a_pass().answer, variable=evil, class_name=evil))
    report = with_cell(report, f"np.random.seed(1); {evil}", CellError(evil, evil, evil))
    report = replace(report, classes=(evil,) * 5)
    for candidate in candidates(report, templates()):
        assert len(candidate.question.ask) < 500
    assert "{ask.__class__}" in asked(report)["an_error"].ask
    assert len(View(report).find("seed").code) <= LONGEST


def test_endless_code_is_searched_in_a_moment():
    """A line of a million characters holds nobody up."""
    report = with_cell(a_pass(), "x" * 1_000_000 + "\n" + "(" * 1_000_000)
    assert asked(report)


def test_questions_are_plain_records():
    """Templates cannot be changed by whoever reads them."""
    assert isinstance(templates(), MappingProxyType)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in templates())
