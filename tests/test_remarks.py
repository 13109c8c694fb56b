"""Remarks beside a page's figures: what they are of, and what they show at a glance."""

from dataclasses import replace
from html import escape

import pytest
from reports import a_cell, a_comparison, a_fail, a_network, a_pass, a_price, a_run
from scanner import faults

from checker.records.capture import Adaptation, CellError, CellOutput, Use
from checker.records.comparison import Agreed, Agreement, Baseline, confusions
from checker.records.evidence import OwnResult, OwnScore, Rejected, RowKind, Selection
from checker.records.network import Architecture
from checker.records.report import Cause, CauseKind, Observation, StudentCell, Symptom
from checker.records.tracing import FittedOn, Scaler, ScalerKind, SeenRows, TargetScale
from checker.records.verdicts import HAND_OUT, Importance, Outcome, RuleResult, Verdict
from checker.report import remarks, sentences
from checker.report.html import render_page, render_student_page
from checker.report.leads import SPLIT, lead_of, on_parts
from checker.report.words import probability

SCALE = TargetScale(factor=1e-5, offset=0.0)


def a_rule(name, importance=Importance.ADVISORY, rationale="Missed."):
    """Return a failed rule."""
    return RuleResult(
        name=name,
        sentence="It is met.",
        importance=importance,
        outcome=Outcome.FAILED,
        rationale=rationale,
        help="Mend.",
    )


def own_result(metric, score, model=3):
    """Return an answer's own score on its training rows."""
    of = OwnScore(kinds=(RowKind.TRAINED,), rows=13_209, score=score)
    return OwnResult(model=model, cell=14, metric=metric, scores=(of,))


# -- labels ------------------------------------------------------------------------------------------------


def test_figures_on_other_labels_say_whose_labels():
    """Where a file trained on other labels, each figure says which labels it is of, and the two are not compared."""
    tracing = replace(a_pass().tracing, labels_differ=6_000, labels_compared=13_000)
    compared = Agreement(
        kind=RowKind.TRAINED, rows=13_209, own=0.039, again=0.801, spread=0.006, margin=0.02, differs=True
    )
    report = replace(
        a_pass(), tracing=tracing, own_results=(own_result("accuracy", 0.036),), agreed=Agreed(compared=(compared,))
    )
    value, about = sentences.own_shown(report)
    assert value == "3.6%"
    assert about.endswith(
        f", by the data's labels; cell {report.claim.cell} states "
        f"{sentences.metric(report.claim).unit.value(report.claim.stated)}, by the file's own labels"
    )
    assert "their spread, on the data&#39;s labels" in render_page(report)
    assert "learnt different labels, so they need not agree" in sentences.agreement(report)
    honest = replace(report, tracing=a_pass().tracing)
    assert "labels" not in sentences.own_shown(honest)[1]
    assert "do not agree" in sentences.agreement(honest)


@pytest.mark.parametrize(("own", "is_said"), [(0.036, True), (0.52, False)])
def test_a_score_too_small_for_the_labels_that_agree_is_explained(own, is_said):
    """46% other labels leave more than 3.6% of the rows right, so the page says how class numbers count."""
    tracing = replace(a_pass().tracing, labels_differ=6_000, labels_compared=13_000)
    cause = Cause(CauseKind.LABELS, tracing.labels_in_words(), "Take the labels.")
    report = replace(a_pass(), tracing=tracing, cause=cause, own_results=(own_result("accuracy", own),))
    why = "Why 3.6%, when only 46.2% of the labels differ? The file numbers its classes differently (in the data's "
    assert (why in sentences.hollow(report)) is is_said
    assert ("0 is <1H OCEAN), so almost every prediction counts as wrong." in sentences.hollow(report)) is is_said
    honest = replace(report, tracing=a_pass().tracing)
    assert remarks.numbered_otherwise(honest) == ""


def test_labels_that_are_not_compared_are_told():
    """Two numbers of training rows on a page are explained."""
    tracing = replace(a_pass().tracing, labels_compared=13_207)
    said = "The labels of 13,207 training rows were compared with the data's: rows of very rare classes, and rows"
    assert remarks.labels_compared(replace(a_pass(), tracing=tracing)).startswith(said)
    assert "13,207 training rows were compared" in render_page(replace(a_pass(), tracing=tracing))
    assert remarks.labels_compared(a_pass()) == ""


@pytest.mark.parametrize(
    ("own", "margin", "differs", "said"),
    [
        (0.93, 0.02, False, "again agree"),
        (0.80, 0.30, False, "do not differ by more than chance allows"),
        (0.80, 0.02, False, "differ, on the same side of the bar"),
        (0.80, 0.02, True, "do not agree"),
    ],
)
def test_results_far_apart_are_not_said_to_agree(own, margin, differs, said):
    """Only close results agree. Far apart, chance may explain it, or both lie on one side of the bar."""
    one = Agreement(kind=RowKind.TRAINED, rows=13_209, own=own, again=0.931, spread=0.1, margin=margin, differs=differs)
    assert said in sentences.agreement(replace(a_pass(), agreed=Agreed(compared=(one,))))


@pytest.mark.parametrize(("mean", "is_said"), [(0.30, True), (0.46, True), (0.48, False)])
def test_a_network_no_better_than_a_guess_is_said_to_have_learnt_hardly_anything(mean, is_said):
    """Beside the score stands what the same answer for every row reaches, if the network is hardly better."""
    guess = Baseline("majority class", 0.441, 0.0)
    report = replace(
        a_fail(), comparison=replace(a_comparison(), mean=mean, baselines=(guess,)), class_rows=(9, 7, 0, 2, 2)
    )
    said = "It has learnt hardly anything: always saying <1H OCEAN reaches 44.1%."
    assert remarks.beside_a_guess(report) == (said if is_said else "")
    assert remarks.beside_a_guess(replace(report, class_rows=())) == ""


def test_a_regression_no_better_than_the_mean_is_told_so():
    """A regression is compared with the error of the mean for every row."""
    price, guess = a_price(), Baseline("mean", 115_000.0, 0.0)
    bad = replace(price, comparison=replace(price.comparison, mean=222_000.0, baselines=(guess,)))
    assert remarks.beside_a_guess(bad) == "It has learnt hardly anything: always predicting the mean gives $115,000."
    assert remarks.beside_a_guess(replace(bad, comparison=replace(bad.comparison, mean=80_000.0))) == ""


# -- predictions -------------------------------------------------------------------------------------------


def test_an_error_says_how_predictions_beyond_the_data_count():
    """Every regression says so beside its score and its curves; no classification does."""
    said = "a prediction outside the data&#39;s range is moved to the nearest end of the range."
    for page in (render_page(a_price()), render_student_page(a_price())):
        assert said in page.partition("What these figures mean")[0]
        assert page.count(said) == 1
    assert remarks.AS_IT_IS in sentences.curves_in_words(a_price())
    assert remarks.beyond_the_data(a_pass()) == ""


BAR = "1/2 ━━━━ 0s - mae: 9.1\r2/2 ━━━━ 0s 1ms/step - loss: 116.5 - mae: 5.76"


def evaluating(report, text):
    """Return a report whose answer is evaluated in the cell that trains it, which prints this text."""
    fit = report.answer.fits[-1]
    answer = replace(report.answer, fits=(replace(fit, history={"loss": (9.0,), "mae": (9.0,)}),))
    answer = replace(answer, uses=(Use(fit.cell, "evaluate", fit.training),))
    cells = (StudentCell(a_cell(fit.cell, "model.evaluate(X, Y)", CellOutput("text", text)), True),)
    own = (own_result("rmse", 268_725.0),)
    return replace(report, answer=answer, cells=cells, own_results=own, tracing=replace(report.tracing, target=SCALE))


@pytest.mark.parametrize("text", ["[116.517, 5.76]", "Epoch 1/1\n2/2 - loss: 170.5 - mae: 9.0\n[1.2e2, 5.76]", BAR])
def test_an_error_that_evaluate_printed_stands_beside_the_score(text):
    """It is given only where it is larger than the score allows, as it is printed and in the data's unit."""
    price = evaluating(a_price(), text)
    cell = price.answer.fits[-1].cell
    said = (
        f"to the nearest end of the range. Keras does not do so: the mean absolute error in cell {cell}, 5.76 (= "
        "$576,000), is therefore larger."
    )
    assert remarks.beyond_the_data(price).endswith(said)
    assert remarks.beyond_the_data(price).startswith("Before both RMSEs here are computed, a prediction")
    assert remarks.beyond_the_data(replace(price, own_results=())).startswith(
        "Before the RMSE here is computed, a prediction"
    )
    usual = replace(price, own_results=(own_result("rmse", 600_000.0),))
    logarithm = replace(price, tracing=replace(price.tracing, target=replace(SCALE, shift=1.0)))
    for report in (usual, logarithm):
        assert remarks.beyond_the_data(report).endswith("to the nearest end of the range.")


@pytest.mark.parametrize(
    "text", ["", "2/2 - loss: 170.5", "Epoch 1/1\n2/2 - loss: 170.5 - mae: 9.0", "[170.5]", "[1, 2, 9]"]
)
def test_an_error_that_is_not_printed_is_not_stated(text):
    """What fit recorded is no result of evaluate, nor is a list of other results."""
    assert remarks.beyond_the_data(evaluating(a_price(), text)).endswith("to the nearest end of the range.")


def single_softmax():
    """Return the network of a regression that ends with a softmax over one unit."""
    network = a_network(30, 1)
    last = replace(network.layers[-1], config={"units": 1, "activation": "softmax"})
    return Architecture((*network.layers[:-1], last), network.nodes, network.outputs, network.parameters)


def test_a_network_with_one_output_says_which_one():
    """A softmax over one unit always gives one, and the page says what that is in the data's unit."""
    price = replace(a_price(), verdict=Verdict.FAIL, failures=(), cause=None)
    finding = "The output is always exactly one."
    rule = replace(a_rule("test_output_is_one_number", Importance.REQUIRED, finding), detail="Use none.")
    report = replace(
        price,
        rules=(rule,),
        reasons=(finding,),
        tracing=replace(price.tracing, target=SCALE),
        answer=replace(price.answer, architecture=single_softmax()),
    )
    said = "The targets are `value / 100,000`, so every prediction is $100,000. Use none."
    assert lead_of(report).explanation == said
    in_dollars = replace(report.tracing, target=replace(SCALE, factor=1.0))
    assert lead_of(replace(report, tracing=in_dollars)).explanation == "So every prediction is $1. Use none."
    assert lead_of(replace(report, tracing=None)).explanation == "Use none."
    assert remarks.only_prediction(a_price()) == ""
    assert remarks.beyond_the_data(report) == ""
    assert remarks.AS_IT_IS not in sentences.curves_in_words(report)


@pytest.mark.parametrize(
    ("scale", "differ", "words"),
    [
        (TargetScale(1e-5, 4e-16), 0, "`value / 100,000`"),
        (TargetScale(1 / 115_393, -206_856 / 115_393), 0, "`(value - 206,856) / 115,393`"),
        (TargetScale(1e-5, 0.002), 0, "about `value / 100,000`"),
        (TargetScale(9.97222571e-06, 0.003969721), 12_579, "about `value / 100,000`"),
        (TargetScale(0.9972, 398.0), 12_579, "about `value`"),
        (TargetScale(1 / 115_393, -206_856 / 115_393), 12_579, "about `(value - 210,000) / 120,000`"),
        (TargetScale(1.0, 0.002, 0.0), 12_579, "about `log(value)`"),
        (TargetScale(0.0, 1.0), 0, "`0 * value`"),
    ],
)
def test_a_scale_that_was_fitted_is_rounded(scale, differ, words):
    """Of targets that are not their rows' two digits are told, and no shift that is small beside the values' spread."""
    report = a_price()
    tracing = replace(report.tracing, target=scale, labels_compared=12_592, labels_differ=differ)
    assert remarks.targets_in_words(replace(report, tracing=tracing)) == words
    assert remarks.targets_in_words(replace(report, tracing=None)) == ""


def test_compared_rows_are_told_apart_from_all_training_rows():
    """A sentence that counts fewer rows than were trained on says which they are."""
    tracing = replace(a_pass().tracing, training_rows=13_209, labels_compared=12_592, labels_differ=12_579)
    said = "12,579 of the 12,592 training rows that could be compared (99.9%) had another target than in the data."
    assert tracing.labels_in_words("target") == said
    all_of_them = replace(tracing, labels_compared=13_209).labels_in_words()
    assert all_of_them == "12,579 of 13,209 training rows (95.2%) had another label than in the data."


def test_a_flat_curve_is_said_to_be_flat():
    """A loss that is the same in every epoch is told in words; one that falls is not."""
    flat = replace(a_run(11), history={"loss": (2.477524, 2.477523, 2.477523)})
    assert "nothing is learnt" in sentences.curves_in_words(replace(a_pass(), runs=(flat,)))
    for runs in ((flat, a_run(23)), (), (replace(flat, history={"loss": (2.4,)}),)):
        assert remarks.flat_curves(replace(a_pass(), runs=runs)) == ""


# -- classes -----------------------------------------------------------------------------------------------


def confused(*rows):
    """Return a report of five seeds with this confusion matrix."""
    of_data = (9_136, 6_551, 5, 2_290, 2_658)
    return replace(a_fail(), comparison=replace(a_comparison(), confusion=rows), class_rows=of_data)


def test_the_confusion_matrix_is_told_in_words():
    """A rare class that is never predicted is said to be rare, and the most frequent confusion is named."""
    report = confused((900, 50, 0, 40, 5), (20, 950, 0, 0, 0), (5, 0, 0, 0, 0), (40, 0, 0, 950, 0), (729, 1, 0, 0, 270))
    assert remarks.confusions(report) == (
        "ISLAND is never predicted: only 5 of the data's 20,640 rows are of this class. "
        "The largest confusion of a common class, by share: 72.9% of NEAR OCEAN is taken for <1H OCEAN."
    )
    assert remarks.confusions(replace(report, class_rows=())).startswith("ISLAND is never predicted. ")
    page = render_page(report)
    assert "5 × 792 held-out rows, over all seeds." in page
    assert "taken for &lt;1H OCEAN" in page
    told = replace(report, observations=(Observation(Symptom.NEVER_PREDICTED, "It is rare."),))
    assert remarks.confusions(told).startswith("The largest confusion")


def test_a_common_class_that_is_never_predicted_is_not_said_to_be_rare():
    """Two classes are named in one sentence, and nothing is added about their number."""
    report = confused((9, 0, 0, 0, 0), (9, 0, 0, 0, 0), (9, 0, 0, 0, 0), (0, 0, 0, 9, 0), (0, 0, 0, 0, 9))
    assert remarks.confusions(report).startswith("INLAND and ISLAND are never predicted. The largest confusion")
    perfect = confused(*((9 * (row == column) for column in range(5)) for row in range(5)))
    assert remarks.confusions(replace(perfect, comparison=None)) == ""


def test_a_class_of_exactly_one_percent_is_common_everywhere():
    """Page and questions share one list of confusions, in which a class with 1% of the rows counts."""
    rows = ((89, 5, 0), (5, 0, 0), (1, 0, 0))
    assert [found[1:] for found in confusions(rows)] == [(0, 1), (1, 0), (2, 0)]
    assert [found[1:] for found in confusions((*rows[:2], (0, 0, 0)))] == [(0, 1), (1, 0)]
    assert [found[1:] for found in confusions(((90, 5, 0), *rows[1:]))] == [(0, 1), (1, 0)]
    assert remarks.confusions(confused(*rows)).endswith("100.0% of ISLAND is taken for <1H OCEAN.")


def test_rows_that_differ_by_seed_are_counted_together():
    """A product is written only if every seed holds out as many rows."""
    one = replace(a_comparison(), confusion=((3, 1), (1, 1)))
    assert remarks.held_out_rows(one) == "6 held-out rows"
    assert remarks.held_out_rows(replace(one, scores=one.scores[:2])) == "2 × 3 held-out rows"
    assert remarks.held_out_rows(replace(one, scores=one.scores[:1])) == "6 held-out rows"


# -- the file ----------------------------------------------------------------------------------------------


def test_a_network_that_was_never_trained_is_named():
    """If no network is the answer, the last one that was never trained is the reason, or else a whole sentence is."""
    idle = Rejected(1, "`model`", 3, "it was never trained")
    report = replace(a_fail(), answer=None, selection=Selection(None, "no model for this task found", (idle,)))
    assert remarks.no_answer(report) == "`model` (cell 3) was never trained."
    assert "<code>model</code> (cell 3) was never trained." in render_page(report)
    none = replace(report, selection=Selection(None, "no model for this task found"))
    assert remarks.no_answer(none) == "No model for this task found."


def test_only_a_trained_network_could_be_the_answer_instead():
    """Where each other network was never trained, nobody is told how to choose one."""
    idle = Rejected(1, "`model`", 3, "it was never trained")
    for render, said in ((render_page, "To judge another one"), (render_student_page, "Is another one your answer?")):
        report = replace(a_fail(), selection=Selection(None, "none", (idle,)))
        assert said not in render(report)
        other = replace(idle, model=2, reason="it has 2 inputs")
        assert said in render(replace(report, selection=Selection(None, "none", (idle, other))))


def test_a_traceback_shows_no_frames_of_the_checker():
    """The checker's own wrappers in the sandbox say nothing to a student; the file's and a library's lines stay."""
    own = "\x1b[36mFile \x1b[39m\x1b[32m/checker/checker/guest/data_paths.py:145\x1b[39m, in wrapper\n--> 145 hid()\n"
    parts = ("FileNotFoundError\nCell In[2], line 1\n----> 1 read()\n", own, "File pandas.py:1, in read\n", own)
    error = CellError("FileNotFoundError", "x", "\n".join((*parts, "FileNotFoundError: x")))
    page = render_page(replace(a_pass(), cells=(StudentCell(a_cell(2, "read()", error=error), True),)))
    shown = page.partition('id="cell-2"')[2]
    assert "data_paths" not in shown and "hid()" not in shown
    assert "In[2], line 1" in shown and "pandas.py:1" in shown and "FileNotFoundError: x" in shown


def test_a_scaler_is_fitted_anew_only_where_a_network_is_trained_again():
    """A page of a network that was not trained again says nothing of seeds."""
    tracing = a_pass().tracing
    scaled = replace(tracing.columns[0], scaler=Scaler(ScalerKind.STANDARD, FittedOn.TRAINED))
    report = replace(a_pass(), tracing=replace(tracing, columns=(scaled,)))
    assert "standardised on the training rows; anew for each seed<" in render_page(report)
    assert "standardised on the training rows<" in render_page(replace(report, runs=()))


def test_errors_of_cells_are_part_of_how_the_file_ended():
    """A file that ran to its end with errors is not said to have ended normally."""
    error = CellError("NameError", "x", "")
    cells = tuple(StudentCell(a_cell(at, "x", error=error if at % 2 else None), True) for at in range(1, 6))
    report = replace(a_pass(), cells=cells)
    assert "after its last cell; errors in cells 1, 3 and 5" in render_page(report)
    assert remarks.with_errors(replace(report, cells=cells[:2])) == "; an error in cell 1"
    calm = render_page(replace(report, cells=cells[1:2]))
    assert "<dd>normally" in calm and "after its last cell" not in calm


def test_a_missing_file_is_not_an_adaptation():
    """What a cell lacks has a heading of its own; what was adapted has another."""
    lacks = Adaptation(2, "the cell reads `a.csv`, which was not handed in")
    report = replace(a_pass(), adaptations=(lacks, Adaptation(3, "`lr` is `learning_rate`")))
    page = render_page(report)
    missing, adapted = page.partition("<h3>Missing</h3>")[2].split("<h3>Adapted so that it runs here</h3>")
    assert "a.csv" in missing and "learning_rate" in adapted and "a.csv" not in adapted
    assert "Adapted so that it runs here" not in render_page(replace(report, adaptations=(lacks,)))
    assert faults(page) == []


def test_parts_of_the_data_are_named_beside_a_fail():
    """Advice on development and test rows stands at the top of a FAIL, in both editions, and once; not of a PASS. The
    heading of the other advice then counts what is left."""
    said = "No test on unseen rows: `evaluate` got training rows."
    rules = (a_rule("test_final_test_on_unseen_rows", rationale=said), a_rule("test_other"))
    report = replace(a_pass(mean=0.8), verdict=Verdict.FAIL, rules=rules, reasons=("It is below the bar.",))
    for page in (render_page(report), render_student_page(report)):
        top = " ".join(page.partition("<h2 id")[0].split())
        label = "<strong>Advice (no effect on the verdict):</strong>"
        assert f"{label} <code>evaluate</code> got training rows. Mend." in top
        assert page.count("got training rows") == 1
        assert "More advice</h2> <span" in page
    assert "no effect on the verdict):" not in render_page(replace(a_pass(), rules=rules))
    assert sentences.untitled(a_rule("test_other")) == "Missed."


@pytest.mark.parametrize(
    ("tested", "said"),
    [(13_209, "The same 13,209 rows were trained on and tested on."), (9, "`fit` got none. `evaluate` got training")],
)
def test_both_parts_of_the_data_are_one_piece_of_advice(tested, said):
    """Without development and test rows the split comes first: one line says so, and which rows took both places."""
    dev = a_rule("test_development_set_was_watched", rationale="No development set: `fit` got none.")
    test = a_rule("test_final_test_on_unseen_rows", rationale="No test on unseen rows: `evaluate` got training rows.")
    seen = SeenRows(cell=5, how="evaluate", rows=tested, trained_on=tested)
    tracing = replace(a_pass().tracing, training_rows=13_209, seen=(seen,))
    recipe = replace(a_pass().recipe, development=None)
    report = replace(a_pass(mean=0.8), verdict=Verdict.FAIL, rules=(dev, test), tracing=tracing, recipe=recipe)
    ((text, _),) = on_parts((dev, test), report)
    assert text.startswith(said)
    assert text.endswith(SPLIT)
    page = render_page(replace(report, reasons=("It is below the bar.",)))
    assert page.count("Advice (no effect on the verdict):") == 1


def test_rules_are_counted_by_result():
    """Missed rules, which stand above or under the advice, are counted beside those that are met or not checked."""
    met, open = (replace(a_rule("a"), outcome=of) for of in (Outcome.PASSED, Outcome.SKIPPED))
    rules = (replace(a_rule("b"), importance=Importance.REQUIRED), a_rule("c"), met, met, open)
    report = replace(a_pass(), verdict=Verdict.FAIL, rules=rules)
    assert sentences.rules_in_words(report) == "1 required missed (above), 1 missed as advice, 2 met, 1 not checked"
    assert 'Rules:</h2> <span class="muted">1 required missed (above), 1 missed as advice, 2 met' in render_page(report)
    stopped = replace(a_fail(), rules=(met, open, open), answer=None)
    assert sentences.rules_in_words(stopped) == "1 met, 2 not checked (no network could be checked)"
    assert sentences.rules_in_words(replace(report, rules=(met,))) == "1 met"


@pytest.mark.parametrize("is_new", [True, False])
def test_the_hand_out_is_named_only_if_there_is_one(is_new):
    """That cells of the hand-out do not count is said only beside a file with such cells."""
    cells = tuple(replace(shown, is_new=is_new) for shown in a_pass().cells)
    report = replace(a_pass(), cells=cells, rules=(replace(a_rule("a"), detail=HAND_OUT),))
    assert (HAND_OUT in render_page(report)) is not is_new


@pytest.mark.parametrize("render", [render_page, render_student_page])
def test_the_explanation_of_advice_is_folded_beneath_it(render):
    """The further lines of an advisory rule's message are shown escaped, in both editions: in the list of advice and
    beside a FAIL. Advice without them has nothing to unfold."""
    why = "A second one can <b>combine</b> what the first finds."
    listed, beside = (replace(a_rule(name), detail=why) for name in ("test_other", "test_final_test_on_unseen_rows"))
    folded = "<details><summary>Details</summary>" + f'<pre tabindex="0">{escape(why)}</pre>'
    page = render(replace(a_pass(), rules=(listed,)))
    assert folded in page.partition(">Advice</h2>")[2].partition("</li>")[0]
    assert faults(page) == []
    failing = replace(a_pass(mean=0.8), verdict=Verdict.FAIL, rules=(listed, beside), reasons=("It is below the bar.",))
    page = render(failing)
    assert page.count(folded) == 2 and folded in page.partition("<h2 id")[0]
    assert faults(page) == []
    assert "Details</summary>" not in render(replace(a_pass(), rules=(a_rule("test_other"),)))


@pytest.mark.parametrize(
    ("p", "said"), [(1.0, "of more than 99.9%"), (0.034, "of 3.4%"), (0.997, "of 99.7%"), (0.0, "of less than 0.1%")]
)
def test_a_probability_is_never_certain(p, said):
    """A probability near none or one is told by its limit."""
    assert probability(p) == said
