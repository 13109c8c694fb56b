"""Questions: each suits what a report shows, points to it, and is chosen the same way again."""

import inspect
import re
from collections import Counter
from dataclasses import replace
from types import MappingProxyType

import pytest
from reports import a_fail, a_network, a_pass, a_phase, a_price, a_referral

from checker.assignment import rules
from checker.judge import questions
from checker.judge.questions import candidates, choose, data, network, plans, results, training
from checker.judge.questions.makers import making
from checker.judge.questions.view import LONGEST, View, short
from checker.judge.suspicion import SUSPECTED
from checker.keras_spec.foreign_weights import ELSEWHERE
from checker.records.capture import CellError, CellResult
from checker.records.comparison import Agreed, Baseline, Likeness, LossCurves, Measurement, MissingGroup, MissingRows
from checker.records.evidence import OwnResult, OwnScore, Rejected, RowKind, Selection
from checker.records.job import Ending
from checker.records.network import KerasObject, Labels, Layer, Recipe
from checker.records.report import Cause, CauseKind, Claim, Figure, Observation, StudentCell, Symptom, Topic
from checker.records.tracing import FeatureSource, SeenRows, TargetScale
from checker.records.verdicts import Failure, FailureCause, Importance, Outcome, RuleResult, Stage, Verdict
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
    assert question.ask.startswith("1,000 of the network's 6,000 parameters are in its first Dense layer.")
    assert "9 × 100 + 100 = 1,000. One more input adds 100 weights." in question.good


def test_steps_of_an_epoch_are_counted():
    """Rows by batch size, rounded up."""
    assert "13,209 / 32, rounded up: 413." in asked(a_pass())["batches"].good


def test_the_most_confused_class_is_found():
    """Of the classes with rows enough, that of which the largest share is taken for another."""
    question = asked(a_pass())["most_confused"]
    assert question.ask == "5.8% of NEAR BAY is taken for <1H OCEAN. Why?"
    assert "These are 130 of 2,251 rows; " in question.good
    assert question.figure is Figure.CONFUSION


def test_a_class_that_is_never_predicted_is_named():
    """The page says that it is never predicted, and how rare it is; the question asks what to do about it."""
    never = tuple(
        tuple(0 if at == 2 else count for at, count in enumerate(row)) for row in a_pass().comparison.confusion
    )
    report = replace(a_pass(), comparison=replace(a_pass().comparison, confusion=never))
    said = "What would you change so that ISLAND is found, and what would it cost?"
    assert asked(report)["never_predicted"].ask == said
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
    """The largest column beside the smallest, with their sizes; columns that are alike beside one near 1. Of SGD the
    gradients are compared, of optimizers that fit the steps to each weight what a step does."""
    columns = (
        replace(a_pass().tracing.columns[3], train_mean=2_634.0, train_deviation=2_180.0),
        *a_pass().tracing.columns,
    )
    report = replace(a_pass(), tracing=replace(a_pass().tracing, columns=columns))
    question, small = asked(report)["unscaled"], replace(columns[0], source="median_income", train_mean=3.0)
    assert question.ask.startswith("Why does one learning rate not suit both total_rooms and ")
    assert "the weights of total_rooms (mean 2,634, deviation 2,180) are about" in question.good
    for second, times, beside in (
        (replace(small, train_deviation=4.0), "700", "median_income (mean 3, deviation 4)"),
        (columns[0], "3,000", "a column near 1"),
    ):
        traced = replace(report, tracing=replace(report.tracing, columns=(columns[0], second)))
        for optimizer in ("Adam", "Nadam", "RMSprop", "Adagrad"):
            good = asked(with_recipe(traced, optimizer=optimizer))["unscaled"].good
            assert good.startswith(f"{optimizer} gives all weights steps of about the same size, but a step in the")
            assert f"moves the output about {times} times as far as one in the weight of {beside}. Small" in good
        plain = with_recipe(traced, optimizer="SGD")
        for other in (plain, replace(traced, recipe=None)):
            good = asked(other)["unscaled"].good
            assert f"are about {times} times as large as those of {beside}. With SGD a rate small enough" in good


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (("longitude", "median_house_value"), "Values in the hundreds of thousands"),
        (("population", "households"), "Values in the thousands"),
        (("latitude", "median_income"), "Values in the tens"),
        (("median_income",), None),
    ],
)
def test_scaled_inputs_are_asked_about_with_the_largest_and_its_size(sources, words):
    """The answer has the size of the column's values in the data; without a large column nobody is asked."""
    columns = tuple(
        replace(a_pass().tracing.columns[0], source=of, train_mean=0.0, train_deviation=1.0) for of in sources
    )
    found = asked(replace(a_pass(), tracing=replace(a_pass().tracing, columns=columns)))
    assert found["scaled"].good.startswith(words) if words else "scaled" not in found


def test_a_column_that_gives_the_class_away_is_asked_about():
    """It is asked which line makes the inputs, unless the page names it, and not what else the scores would say. Of an
    implausible score, which the column explains, it is asked what it would be without the column."""
    columns = (*a_pass().tracing.columns, replace(a_pass().tracing.columns[0], source="", label_purity=1.0))
    report = replace(a_pass(), tracing=replace(a_pass().tracing, columns=columns))
    assert asked(report)["leak"].ask.startswith("Which line puts column 5 among your inputs? Would you")
    assert asked(report)["leak"].figure is Figure.FEATURES
    question = asked(replace(report, cells=fitted_cells("X = df.values")))["leak"]
    assert question.cell == 12
    assert question.ask.startswith("Would you have column 5 of your inputs for a new house, and how would you have")
    assert question.good.startswith("No: the column is what the network is to predict")
    assert question.good.endswith(" A list of the columns of X shows it, or each column's plot against the target.")
    perfect = replace(report, comparison=replace(report.comparison, mean=0.999))
    assert asked(perfect)["leak"].ask.endswith("inputs? What accuracy would you expect without column 5, and why?")
    assert asked(perfect)["leak"].good.startswith("About 80.7%, as logistic regression has, or better: only")
    named = asked(replace(perfect, cells=fitted_cells("X = df.values")))["leak"]
    assert named.ask == "What accuracy would you expect without column 5, and why?"
    assert not {"above_baseline", "outdone"} & set(asked(report))


def fitted_cells(made, split="X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2)"):
    """Return cells that make a table, split and scale it, and train on it in cell 14."""
    sources = (
        "!pip install x\ndf = read()",
        f"{made}\n{split}",
        "s = StandardScaler()\nX_train, X_test = (s.transform(imputer.transform(part)) for part in (X_train, X_test))",
        "model.fit(X_train, y=Y_train, epochs=3)\nX = Y = None",
    )
    results = (
        CellResult(index=at, source=of, outputs=(), error=None, seconds=0.1) for at, of in enumerate(sources, 11)
    )
    return tuple(StudentCell(cell, True) for cell in results)


@pytest.mark.parametrize(
    ("made", "table", "code"),
    [
        ("Y = df.pop('a')", "labels", "Y = df.pop('a')"),
        ("X = df[['a', 'b']]  # both", "inputs", "X = df[['a', 'b']]"),
        ("X, Y = load(\n    df)", "labels", "X, Y = load("),
        ("X: int = 1", "inputs", None),
        ("for X in df: pass", "inputs", None),
        ("X = (", "inputs", None),
        ("X = " + "(" * 5_000, "inputs", None),
        ("X = X", "inputs", None),
    ],
)
def test_the_line_that_makes_a_table_is_found_behind_splits_and_scalers(made, table, code):
    """From the arguments of ``fit`` the names are followed backwards; without such a line there is none."""
    found = making(View(replace(a_pass(), cells=fitted_cells(made))), table)
    assert (found.code if found else None) == code


def test_a_table_that_is_made_nowhere_is_not_found():
    """Arguments that are no names, a file without ``fit``, and names that lead in a circle end the search."""
    assert making(View(a_pass()), "inputs") is None
    circle = "\n".join(f"X{at} = scaler.transform(X{at + 1})" for at in reversed(range(50)))
    cells = fitted_cells(f"{circle}\nX = scaler.transform(X0)")
    assert making(View(replace(a_pass(), cells=cells)), "inputs") is None


# -- what leads the page -----------------------------------------------------------------------------------


def test_a_question_is_about_causes_and_rules_that_there_are():
    """What a question is said to be about is a cause of a report or a rule that assignments share."""
    there = {*CauseKind, *(name for name in dir(rules) if name.startswith("test_"))}
    about = {name: {*template.about, *template.unless} - there for name, template in templates().items()}
    assert not any(about.values())
    assert {*CauseKind} - {of for template in templates().values() for of in template.about} == {
        CauseKind.FILE_CUT,
        CauseKind.TRAINING_CUT,
    }


def a_failed_rule(name):
    """Return a required rule that failed."""
    words = {"sentence": "So.", "rationale": "The output is bent."}
    return RuleResult(name=name, importance=Importance.REQUIRED, outcome=Outcome.FAILED, **words)


def a_leading(kind="", rule=""):
    """Return a failing report that begins with a cause or with a failed rule, on a network tested on training rows."""
    columns = (
        replace(a_pass().tracing.columns[3], train_mean=2_634.0, train_deviation=2_180.0),
        *a_pass().tracing.columns,
    )
    traced = replace(
        a_pass().tracing,
        columns=columns,
        training_rows=900,
        development_rows=100,
        seen=(SeenRows(15, "evaluate", 4_128, 4_128),),
    )
    failed = a_failed_rule(rule)
    return replace(
        a_pass(),
        verdict=Verdict.FAIL,
        tracing=traced,
        recipe=replace(a_pass().recipe, development=False),
        cause=Cause(kind, "Large numbers.", "Scale them.") if kind else None,
        rules=(failed,) if rule else (),
    )


def test_what_leads_a_failing_page_is_asked_about_first():
    """The question about the cause, or the failed rule, on top of the page comes before weightier ones."""
    by_cause = a_leading(CauseKind.UNSCALED)
    assert choose(by_cause, templates())[0] == asked(by_cause)["unscaled"]
    by_rule = a_leading(rule="test_trained_on_enough_data")
    assert choose(by_rule, templates())[0] == asked(by_rule)["few_rows"]
    for other in (replace(by_cause, verdict=Verdict.PASS), a_leading(), a_leading(rule="test_x")):
        assert choose(other, templates())[0] == asked(other)["tested_on_trained_rows"]


def test_what_the_box_of_a_fail_says_is_not_asked():
    """A FAIL's box says that nothing was tested or watched, so it is asked why rows may not serve twice and what one
    would see."""
    report = a_leading(CauseKind.UNSCALED)
    split, watched = (asked(report)[name] for name in ("tested_on_trained_rows", "no_development_set"))
    assert split.ask == (
        "Why does a score on rows that were trained on say little, and why is a development set no test either?"
    )
    assert split.good.endswith("`evaluate` in cell 15 was given 4,128 rows, and all of them were trained on.")
    assert watched.ask.startswith("If your network overfitted, what would you see")
    for name in ("tested_on_trained_rows", "no_development_set"):
        assert asked(replace(report, verdict=Verdict.PASS))[name].ask != asked(report)[name].ask


def test_rows_that_a_fail_left_out_are_asked_about_first():
    """The line that drops them is named, and no question asks for the difference that they explain."""
    report = with_cell(a_pass(), 'housing = housing[housing["median_income"] < 5]')
    cause = Cause(CauseKind.ROWS, "The training left out rows.", "Keep them.")
    failing = replace(report, verdict=Verdict.FAIL, cause=cause)
    question = choose(failing, templates())[0]
    assert (question, question.cell) == (asked(failing)["kinds_left_out"], 20)
    said = '`housing = housing[housing["median_income"] < 5]` in cell 20 seems to leave them out. It gives them'
    assert question.good.startswith(said)
    assert "a_claim" in asked(report)
    assert not {"a_claim", "own_differs", "underfits"} & set(asked(failing))
    assert "kinds_left_out" not in asked(report)


@pytest.mark.parametrize(
    ("look", "good"),
    [
        ("made from another column, longitude", "A cross table of labels and the target's column"),
        ("merged: A and B are one class", "two classes have one label together."),
        ("shifted by 1 row", "must be done to X and Y together."),
        ("in another order than the rows", "must be done to X and Y together."),
        ("", "beside the same rows of the file."),
    ],
)
def test_other_labels_are_asked_about_by_their_look(look, good):
    """How to check them is asked first of all, and where they come from only if the page does not name the line."""
    traced = replace(a_pass().tracing, labels_differ=6_000, labels_look=look)
    report = replace(a_pass(), tracing=traced, cells=fitted_cells("Y = cut(df)"), verdict=Verdict.FAIL)
    report = replace(report, cause=Cause(CauseKind.LABELS, "Other labels.", "Take them."))
    question = choose(report, templates())[0]
    assert question.ask == "How would you check your labels against the data?"
    assert good in question.good
    assert question.cell == 12
    assert "Y = cut(df)" not in question.good
    unknown = asked(replace(report, cells=()))["labels_differ"]
    assert unknown.ask == "Where do your labels come from, and how would you check them against the data?"


def test_other_labels_explain_a_difference_and_nobody_is_accused():
    """If the file's labels are not the data's, a retraining differs for that reason alone."""
    report = REASONS["not_repeatable"]
    assert "not_repeatable" in asked(report)
    traced = replace(a_pass().tracing, labels_differ=6_000)
    assert "not_repeatable" not in asked(replace(report, tracing=traced))


# -- what would be false here ------------------------------------------------------------------------------


def test_results_that_are_equal_as_written_are_not_asked_apart():
    """Nobody is asked why two results differ that the page writes alike, or that say nothing."""
    unseen = OwnScore(kinds=(RowKind.UNUSED,), rows=4_128, score=0.921)
    own = OwnResult(model=3, cell=14, metric="accuracy", unseen=unseen)
    report = replace(a_pass(), own_results=(own,))
    measured = (Measurement("accuracy", 0.913, 0.0036),)
    report = replace(report, comparison=replace(report.comparison, measures=measured))
    assert "Trained again from other seeds it reaches 91.3% ± 0.4." in asked(report)["own_result"].ask
    leads = Cause(CauseKind.LEAK, "Column 10 is the class.", "Take it out.")
    assert {"own_result", "spread", "no_seeds", "majority"} <= set(asked(report))
    assert not {"own_result", "spread", "no_seeds", "majority"} & set(asked(replace(report, cause=leads)))
    equal = replace(own, unseen=replace(unseen, score=0.9132))
    assert "own_result" not in asked(replace(report, own_results=(equal,)))
    alone = replace(report.comparison, scores=report.comparison.scores[:1])
    alone = asked(replace(report, comparison=alone))["own_result"]
    assert "it reaches 91.3%. Why" in alone.ask
    assert alone.good.endswith("other held-out rows. One more training says little: the spread over several tells.")


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (0.9192, "lie about two spreads away (here ± 0.8), so 0.6 points mean nothing."),
        (0.9232, "lies more than two spreads away (here ± 0.8). 1.0 points are more: asks whether"),
    ],
)
def test_how_far_two_results_may_lie_apart_is_in_spreads(own, words):
    """A single training is beside a mean; within two spreads, as the page writes them, the distance means nothing."""
    unseen = OwnScore(kinds=(RowKind.UNUSED,), rows=4_128, score=own)
    report = replace(a_pass(), own_results=(OwnResult(model=3, cell=14, metric="accuracy", unseen=unseen),))
    measured = (Measurement("accuracy", 0.913, 0.0036),)
    report = replace(report, comparison=replace(report.comparison, measures=measured))
    assert words in asked(report)["own_result"].good


def test_a_network_that_cannot_learn_is_asked_why_and_not_how_it_learned():
    """With a softmax over one unit no rate, seed or number of epochs changes anything, and the gradient is asked for:
    the loss's, or the output's if a penalty has a gradient of its own."""
    report = replace(a_price(), recipe=Recipe(phases=(a_phase(epochs=3, labels=Labels.NUMBERS),), development=True))
    chain = a_network(100, 1)
    last = replace(chain.layers[-1], config={"units": 1, "activation": "softmax"})
    constant = replace(report.answer, architecture=replace(chain, layers=(*chain.layers[:-1], last)))
    constant = replace(report, answer=constant, comparison=replace(report.comparison, mean=157_000.0))
    gone = {"learning_rate", "few_epochs", "curves", "spread", "no_seeds", "own_result"}
    assert gone - {"own_result"} <= set(asked(report))
    assert not gone & set(asked(constant))
    assert asked(constant)["one_softmax"].figure is Figure.CURVES
    assert asked(constant)["one_softmax"].ask.startswith("What is the gradient of the loss by each weight here, and")
    assert asked(constant)["one_softmax"].good.endswith("by each weight is 0, and no optimiser moves the output.")
    config = {**chain.layers[1].config, "kernel_regularizer": {"class_name": "L2"}}
    layers = (chain.layers[0], replace(chain.layers[1], config=config), last)
    penalised = replace(constant.answer, architecture=replace(chain, layers=layers))
    penalised = asked(replace(constant, answer=penalised))["one_softmax"]
    assert penalised.ask.startswith("What is the gradient of the output by each weight here, and what can")
    assert penalised.good.endswith("no optimiser moves the output. Only the penalty moves weights.")
    assert not {"below_baseline", "outdone", "constant_prediction"} & set(asked(constant))
    mean = Baseline("mean", 115_328.0, 0.0)
    measured = replace(constant, comparison=replace(constant.comparison, baselines=(mean,)))
    question = asked(measured)["constant_prediction"]
    assert question.ask.startswith("Your network says $100,000 for every house. Which single price would have the")
    assert question.good.endswith("$115,328 among the traditional models. Your network has $157,000.")
    assert question.figure is Figure.FIELD


def test_a_network_below_a_linear_model_is_asked_why_unless_the_box_says_it():
    """The question is skipped where a wrong output or loss leads."""
    report = replace(a_price(), verdict=Verdict.FAIL, comparison=replace(a_price().comparison, mean=157_000.0))
    assert asked(report)["below_baseline"].ask.endswith("Why could a network do at least as well?")
    failed = replace(report, rules=(a_failed_rule("test_loss_is_one_of_regression"),))
    assert "below_baseline" not in asked(failed)


@pytest.mark.parametrize(
    ("activation", "words"),
    [
        (
            "sigmoid",
            "sigmoid gives numbers between 0 and 1. With these targets that is prices between $0 and $100,000.",
        ),
        ("relu", "relu gives numbers above 0. With these targets that is prices above $0."),
        ("elu", "Says which numbers elu never gives, and how the targets are scaled."),
    ],
)
def test_the_prices_that_a_bent_output_can_be_are_named(activation, words):
    """The range of the activation is in dollars; of other activations the student says it."""
    price = ending_in(activation)
    traced = replace(price.tracing, target=TargetScale(1e-5, 0.0))
    assert asked(replace(price, tracing=traced))["bent_number"].good.startswith(words)


def ending_in(activation):
    """Return a regression whose output unit has this activation."""
    chain, price = a_network(100, 1), a_price()
    last = replace(chain.layers[-1], config={"units": 1, "activation": activation})
    return replace(price, answer=replace(price.answer, architecture=replace(chain, layers=(*chain.layers[:-1], last))))


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (TargetScale(1e-5, 0.0), "The targets are all above zero, so ReLU could give them, but a unit whose sum"),
        (TargetScale(1e-5, -2.0), "ReLU could give none of them (a target of 0 is about $200,000), and sigmoid"),
        (TargetScale(1.9e-6, 0.0), "The targets lie between 0 and 1, so both could give them."),
        (None, "Any target can be reached without one. ReLU gives nothing below zero"),
    ],
)
def test_what_relu_and_sigmoid_would_do_to_the_output_follows_from_the_targets(scale, words):
    """Whether ReLU could give all targets, and which price sigmoid ends at, is told from the scale of the targets."""
    price = ending_in("linear")
    compared = replace(price.comparison, sample=((15_000.0, 20_000.0), (500_001.0, 450_000.0)))
    report = replace(price, comparison=compared, tracing=replace(price.tracing, target=scale))
    assert words in asked(report)["one_number"].good


def test_a_callback_that_was_left_out_is_asked_about_by_name():
    """The page names it as the likely cause, so the question is what it does."""
    cause = "Likely cause: the callback Warmup is not part of the retraining."
    report = replace(REFERRED, agreed=Agreed(curves=CURVES, cause=cause))
    assert asked(report)["not_repeatable"].ask.startswith("What does `Warmup` do in each epoch, and what would")


def test_the_end_of_the_training_loss_is_named():
    """Whether more epochs would help follows from the loss over the last fifth of them."""
    said = (Observation(Symptom.UNDERFITS, "It is weak."),)
    for losses, words in (
        ((3.0, 2.0), "Here it went from 3 to 2 in the last epoch of 2. It is weak."),
        (tuple(map(float, range(20, 0, -1))), "Here it went from 5 to 1 over the last 4 epochs of 20. It is weak."),
        ((3.0,), "if it has levelled off. It is weak."),
    ):
        runs = (replace(a_pass().runs[0], history={"loss": losses}),)
        assert asked(replace(a_pass(), observations=said, runs=runs))["underfits"].good.endswith(words)


def test_weights_beside_rows_are_not_asked_about_after_overfitting():
    """A network that learns by heart is not asked why it does anything else."""
    report = replace(with_layers(a_pass()), tracing=a_pass().tracing)
    few = replace(
        report.answer, fits=tuple(replace(f, training=replace(f.training, rows=90)) for f in report.answer.fits)
    )
    report = replace(report, answer=few)
    assert "more_weights_than_rows" in asked(report)
    said = (Observation(Symptom.OVERFITS, "By heart."),)
    assert "more_weights_than_rows" not in asked(replace(report, observations=said))


@pytest.mark.parametrize(
    ("loss", "words"),
    [("BinaryCrossentropy", "a target of 0.7"), ("CategoricalCrossentropy", "measure, and why is a price")],
)
def test_a_cross_entropy_of_prices_is_asked_about(loss, words):
    """A binary one is computed for an exact prediction; others are explained."""
    report = with_recipe(a_price(), loss=KerasObject(loss, {}))
    assert words in asked(report)["cross_entropy_of_numbers"].ask


def test_set_weights_are_asked_what_the_training_changed():
    """A network with weights from elsewhere is not asked whether its epochs were enough."""
    answer = replace(a_pass().answer, origin=f"layer `dense` already held weights, and {ELSEWHERE}")
    phase = a_phase(epochs=2, batch_size=256, optimizer="Adam")
    report = replace(a_referral(), recipe=Recipe(phases=(phase,), development=True))
    assert "few_epochs" in asked(report)
    found = asked(replace(report, answer=answer))
    assert found["small_training"].ask.endswith("What did 2 epochs at a learning rate of 0.001 change in them?")
    assert found["small_training"].good.endswith("2 epochs × 52 batches = 104 steps, × 0.001 = 0.104 in all.")
    assert not {"few_epochs", "learning_rate"} & set(found)
    plain = replace(phase, optimizer=KerasObject("SGD", {}))
    found = asked(replace(report, answer=answer, recipe=Recipe(phases=(plain,), development=True)))
    assert found["small_training"].ask.endswith("What did 2 epochs change in them?")
    assert found["small_training"].good.endswith("only the difference comes from this training.")


@pytest.mark.parametrize(
    ("development", "training", "words"),
    [
        ((3.0, 2.0, 1.0), (3.0, 2.0, 1.0), "Not yet here: it is lowest at the end, 1 after epoch 3 of 3."),
        ((3.0, 1.0, 2.0), (3.0, 2.0, 1.0), "Here: 1 after epoch 2 of 3; afterwards only the training loss goes on"),
        ((3.0, 1.0, 2.0), (3.0, 1.0, 2.0), "afterwards the training loss does not fall any more either."),
        ((3.0, 1.0, 2.0, 2.0), (3.0, 2.0, 1.0, 2.1), "afterwards the training loss does not fall any more either."),
        ((3.0, 1.0, 2.0), (3.0, 1.0, 0.99), "afterwards the training loss hardly falls either."),
        ((3.0, 1.0, 2.0), (), "Here: 1 after epoch 2 of 3."),
    ],
)
def test_where_to_stop_follows_the_curves(development, training, words):
    """A loss that is lowest at the end has no afterwards, and what the training loss does there is as it was."""
    run = replace(a_pass().runs[0], history={"loss": training, "val_loss": development})
    good = asked(replace(a_pass(), runs=(run,)))["curves"].good
    assert good.startswith("Where the development loss is lowest. ")
    assert words in good


def test_curves_that_do_not_settle_have_no_place_to_stop():
    """Where both losses jump up and down, the lowest point is chance; the cause says what to do first. A loss that
    overfits or diverges steadily, or a development loss that jumps alone, has its lowest point."""
    jumping, falling = (9.0, 5.0, 7.0, 4.0, 6.0, 5.0), (9.0, 5.0, 4.0, 3.0, 2.0, 1.0)

    def good(training, development, **more):
        run = replace(a_pass().runs[0], history={"loss": training, "val_loss": development})
        return asked(replace(a_pass(), runs=(run,), **more))["curves"].good

    nowhere = "Nowhere: neither curve settles, so the lowest point (4, epoch 4) is chance."
    assert good(jumping, jumping) == nowhere
    unscaled = Cause(CauseKind.UNSCALED, "Large numbers.", "Scale them.")
    assert good(jumping, jumping, cause=unscaled) == f"{nowhere} Scale the inputs first."
    assert "Nowhere" not in good(falling, jumping)
    assert "Nowhere" not in good(falling[::-1], falling[::-1])


def test_a_network_without_hidden_layers_is_asked_why_not_what():
    """The page says which model it is; the question asks for the reason, of borders or of slopes."""
    straight = replace(a_pass().answer, architecture=a_network(5))
    assert "draw only straight borders" in asked(replace(a_pass(), answer=straight))["no_hidden_layer"].ask
    assert "give each input only one slope" in asked(replace(a_price(), answer=straight))["no_hidden_layer"].ask


def confused(*rows):
    """Return a report with this confusion matrix."""
    return replace(a_pass(), comparison=replace(a_pass().comparison, confusion=rows))


def test_a_large_class_that_is_lost_comes_before_a_rare_one():
    """A class of which most rows are taken for another is asked about, and no rare class that is never predicted."""
    found = asked(confused((900, 100, 0), (100, 900, 0), (5, 0, 0)))
    assert {"never_predicted", "most_confused"} <= set(found)
    assert found["never_predicted"].good.startswith("Of 5 × 401 held-out rows 5 are ISLAND. Class weights")
    report = confused((900, 100, 0), (720, 280, 0), (5, 0, 0))
    found = asked(report)
    assert found["mostly_confused"].ask == "72.0% of INLAND is taken for <1H OCEAN. Why?"
    assert (
        "These are 720 of 1,000 rows; 280 are right, so the recall of INLAND is 28.0%." in found["mostly_confused"].good
    )
    assert not {"never_predicted", "most_confused"} & set(found)
    linear = replace(report, answer=replace(report.answer, architecture=a_network(5)))
    assert "only straight borders" in asked(linear)["mostly_confused"].good


def test_a_class_that_is_hardly_ever_right_is_asked_about_by_name():
    """The page names it, so the question asks for the reason, and the answer has its recall."""
    lost = asked(confused((900, 100, 0), (930, 70, 0), (5, 0, 0)))["mostly_confused"]
    assert lost.ask == "93.0% of INLAND is taken for <1H OCEAN. Why?"
    assert lost.good.endswith("70 are right, so the recall of INLAND is 7.0%.")


@pytest.mark.parametrize(
    ("sizes", "use", "place"), [((64,), "layer uses", "layer"), ((64, 64), "layers use", "layers")]
)
def test_one_hidden_layer_is_not_called_several(sizes, use, place):
    """The number of hidden layers decides between the singular and the plural."""
    for activation, name, words in (
        ("tanh", "hidden_saturating", f"Your hidden {use} tanh."),
        ("relu", "hidden_relu", f"Why is there an activation (ReLU) in the hidden {place}?"),
    ):
        chain = a_network(*sizes, 5)
        hidden = [replace(la, config={**la.config, "activation": activation}) for la in chain.layers[1:-1]]
        network = replace(chain, layers=(chain.layers[0], *hidden, chain.layers[-1]))
        report = replace(a_pass(), answer=replace(a_pass().answer, architecture=network))
        assert asked(report)[name].ask.startswith(words)


def test_a_rare_class_is_counted_in_the_data():
    """If the page says how many of the data's rows are of the class, the answer says the same; one row is one."""
    seen = "ISLAND is never predicted: only 5 of the data's 20,640 rows are of this class."
    report = confused((900, 100, 0), (100, 900, 0), (1, 0, 0))
    assert asked(report)["never_predicted"].good.startswith("Of 2,001 held-out rows 1 is ISLAND. Class weights")
    for said, words in ((seen, f"{seen} Class weights"), (seen.replace("ISLAND", "INLAND"), "Of 2,001")):
        observed = replace(report, observations=(Observation(Symptom.NEVER_PREDICTED, said),))
        assert asked(observed)["never_predicted"].good.startswith(words)


@pytest.mark.parametrize(
    ("rows", "name", "words"),
    [
        (
            ((460, 420, 20), (240, 240, 20), (45, 45, 10)),
            "most_confused",
            "spreads all classes over <1H OCEAN and INLAND.",
        ),
        (((900, 0, 0), (290, 10, 0), (90, 10, 0)), "mostly_confused", "takes nearly all rows for <1H OCEAN."),
        (((900, 0, 0), (200, 100, 0), (40, 0, 60)), "mostly_confused", "They are neighbours on the map: houses on"),
    ],
)
def test_a_network_that_has_hardly_learnt_is_not_explained_by_the_map(rows, name, words):
    """A network near the majority class confuses classes because it has hardly learnt, whichever they are."""
    assert words in asked(confused(*rows))[name].good


def test_a_class_that_is_not_rare_is_not_called_rare():
    """Of a large class that is never predicted the cause is asked for, and nothing that helps rare classes."""
    question = asked(confused((900, 0), (300, 0)))["never_predicted"]
    assert question.ask == "INLAND is never predicted, and it is not rare. Where would you look for the cause?"
    assert question.good.endswith("25% of the held-out rows are INLAND, and all of them are lost.")


def test_only_the_imputer_is_quoted():
    """Of a line with several objects the call that fills gaps is quoted, and the answer names what it fills in."""
    for call, filled in (
        ('SimpleImputer(strategy="median")', "the median"),
        ("SimpleImputer()", "the mean"),
        ("fillna(h[f(1)].mean())", "the mean"),
        ("KNNImputer(3)", "a value for each gap"),
        ('fillna(h["median_income"])', "a value for each gap"),
    ):
        question = asked(with_cell(a_pass(), f"a, b = {call}, StandardScaler()"))["missing_values"]
        assert f"What does `{call}` do about that" in question.ask
        assert question.good.startswith(f"Fills in {filled}; ")
    assert asked(with_cell(a_pass(), "h.fillna("))["missing_values"].ask.count("`fillna(`") == 1


def test_all_rows_of_a_test_are_called_all():
    """A test on nothing but training rows names no number twice."""
    question = asked(replace(a_leading(), verdict=Verdict.PASS))["tested_on_trained_rows"]
    assert "given 4,128 rows, and the network was trained on all of them." in question.ask


def test_a_network_that_was_built_is_asked_about_instead_of_a_sketch():
    """Who built and compiled a network that could not be trained is asked about that one, in its cells."""
    report = a_first_error("Cell 20 failed: KeyError: 'x'.", "net = Sequential()", "KeyError")
    found = asked(report)
    assert (found["built_network"].cell, "plan_network" in found) == (20, False)
    assert "does `net` have" in found["built_network"].ask
    assert "plan_loss" in found
    compiled = asked(a_first_error("Cell 20 failed: KeyError: 'x'.", "net.compile('sgd', 'mse')", "KeyError"))
    assert (compiled["built_loss"].cell, "plan_loss" in compiled) == (20, False)
    assert not {"built_network", "built_loss"} & set(asked(a_fail()) | asked(a_pass()))


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


def test_the_unit_of_targets_is_asked_for_in_the_data_s():
    """Of targets in a larger unit an error is to be said in dollars; their scaling is not asked about."""
    tracing = replace(a_price().tracing, source=FeatureSource.TRACED)
    tracing = replace(tracing, target=TargetScale(1e-5, 4e-16), labels_differ=0)
    found = asked(replace(a_price(), tracing=tracing))
    said = "Your targets are in units of $100,000. What does an error of 0.5 mean in dollars?"
    assert found["target_unit"].ask == said
    assert found["target_unit"].good.startswith("$50,000, if it is an RMSE or a mean absolute error.")
    assert found["target_unit"].good.endswith("that of 0.5 is $70,711.")
    assert "scaled_target" not in found


@pytest.mark.parametrize("scale", [TargetScale(9.97e-6, 0.00397), TargetScale(8.7e-6, -1.79), TargetScale(1, 0, 1.0)])
def test_a_scale_that_was_only_fitted_is_not_asked_about(scale):
    """The scale of targets that are not their rows' is the checker's guess, and so is that of unknown rows."""
    tracing = replace(a_price().tracing, source=FeatureSource.TRACED, target=scale, labels_compared=9_000)
    known = replace(tracing, labels_differ=0)
    assert {"scaled_target", "target_unit"} & set(asked(replace(a_price(), tracing=known)))
    others = replace(tracing, labels_differ=8_990)
    for unknown in (others, replace(known, source=FeatureSource.NOWHERE)):
        assert not {"scaled_target", "target_unit"} & set(asked(replace(a_price(), tracing=unknown)))


def test_answers_speak_of_what_this_file_has():
    """Of a loss without development rows nothing is said that only their loss shows; the curves are those of the
    page."""
    leads = Cause(CauseKind.LEAK, "Column 10 is the class.", "Take it out.")
    failed = replace(a_pass(), verdict=Verdict.FAIL, cause=leads)
    for itself, had in ((True, "had only training rows to watch"), (False, "had no development rows")):
        recipe = replace(failed.recipe, development=itself, watched_itself=itself)
        good = asked(replace(failed, recipe=recipe))["no_development_set"].good
        assert good.endswith(f"`fit` here {had}, so its loss alone cannot show overfitting.")
    assert "in the learning curves on this page" in asked(a_pass())["curves"].ask
    assert asked(a_pass())["learning_rate"].good.endswith("still falling at the end.")


def test_no_question_to_a_regression_speaks_of_accuracy():
    """What is measured has the task's own name in questions and answers, and no classes are weighted."""
    weighted = Recipe(phases=(a_phase(epochs=3, labels=Labels.NUMBERS, class_weight={"0": 2.0}),), development=True)
    report = replace(a_price(), recipe=weighted)
    for code, name in (("RandomSearch(build)", "tuner"), ("callbacks.TensorBoard(log_dir)", "tensorboard")):
        found = asked(with_cell(report, code))
        assert name in found
        assert "class_weights" not in found
        assert found["no_seeds"].ask.startswith("Of two networks, one has the better RMSE.")
        assert not [name for name, one in found.items() if "accuracy" in f"{one.ask} {one.good}".lower()]


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
    assert asked(report)["a_limit"].ask.startswith("Which line takes so long, and how could you have known")
    assert "a_failure" not in asked(report)
    report = replace(report, execution=replace(a_fail().execution, ending=Ending.PROCESSES))
    assert "The sandbox allows 128 at a time, plus the number of processors" in asked(report)["a_limit"].good


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
        ("reads `train.csv`, which was not handed in", "missing_data", "Your notebook reads `train.csv`, which"),
        ("reads `best.keras`, which was not handed in", "missing_part", "Your notebook reads `best.keras`, which"),
        (
            "imports `utils`, which is not installed here and was not handed in",
            "missing_part",
            "imports `utils`, which",
        ),
    ],
)
def test_what_was_not_handed_in_is_asked_about(lacks, name, words):
    """Data is asked for its rows and scaling, anything else for what it holds, in the cell that needs it, and first.
    The student's own file is called a notebook or a module."""
    report = a_first_error(f"Cell 20 {lacks}. So `x` does not exist in cell 21.")
    found = asked(report)
    assert words in found[name].ask
    assert found[name].cell == 20
    assert ("rows and scaling" in found[name].ask) is (name == "missing_data")
    module = replace(report, submission=replace(report.submission, is_notebook=False))
    assert asked(module)[name].ask.startswith("Your module ")
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
    """The part is named without the page's headline, and the question leads to the cell that defines it."""
    found = asked(with_cell(REASONS["replayed_code"], "def far(a, b):\n    return a - b"))
    assert found["replayed_code"].ask == "What does `far` compute, and when is it zero?"
    assert found["replayed_code"].cell == 20
    assert "Shows that it reads nothing but the labels" in found["replayed_code"].good
    for why, words in (
        ("the layer `Block` is not a built-in Keras layer", "What does `Block` compute, and what in it is learnt?"),
        ("a `Lambda` layer holds the student's own code", "What does your `Lambda` layer compute, and what in it"),
        ("it was trained in parts", "What does your own code here compute, and what in it is learnt?"),
    ):
        assert asked(replace(REFERRED, replayed=why))["replayed_code"].ask.startswith(words)


def test_weights_that_no_training_gave_are_asked_about_first():
    """If a training was not seen or cannot be true, the first question is where the weights come from; its answer does
    not repeat the page's reason."""
    forged = replace(a_pass(), verdict=Verdict.REFER, agreed=Agreed(impossible="More steps than one a microsecond."))
    found = asked(forged)["weights_from_elsewhere"]
    assert "Where do the weights of `" in found.ask
    assert "More steps" not in found.good
    assert choose(forged, templates())[0] == found
    assert "weights_from_elsewhere" not in asked(a_pass())
    unbuilt = Failure(
        stage=Stage.RETRAINING,
        cause=FailureCause.NOT_RETRAINED,
        rationale=f"Layer `dense` already held other weights, and {ELSEWHERE}.",
        help="",
    )
    assert "`dense`" not in asked(replace(a_referral(), failures=(unbuilt,)))["weights_from_elsewhere"].good


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
