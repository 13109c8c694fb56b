"""The lead of a page: one cause, with what to do or to look at, and nothing that only follows from it."""

import os
import re
from dataclasses import replace

import pytest
from reports import a_cell, a_comparison, a_fail, a_pass, a_price, a_referral, a_run
from scanner import faults

from checker.judge import blame
from checker.judge.causes import HELP_BY_SYMPTOM, TOGETHER
from checker.keras_spec import foreign_weights
from checker.keras_spec.foreign_weights import ELSEWHERE
from checker.records.comparison import Agreed, Likeness, LossCurves, MissingRows
from checker.records.evidence import OwnResult, OwnScore, RowKind, Selection
from checker.records.job import Ending
from checker.records.network import KerasObject
from checker.records.report import Cause, CauseKind, Observation, StudentCell, Symptom
from checker.records.tracing import REORDERED
from checker.records.verdicts import Failure, FailureCause, Importance, Outcome, RuleResult, Stage, Verdict
from checker.report import choices, looks, sentences
from checker.report.brief import in_brief
from checker.report.editions import for_students
from checker.report.html import render_page, render_student_page
from checker.report.leads import HELP, THEN, lead_of, other_failed_rules, other_reasons
from checker.report.templating import prose
from checker.report.vocabulary import FAILURES
from checker.report.words import keras_object
from checker.sandbox.process import MAX_PROCESSES
from checker.scoring import targets
from checker.source import frameworks

SMOOTHED = StudentCell(a_cell(4, "class Smoothed(keras.Model):\n    pass"), True)


def a_rule(name, outcome=Outcome.FAILED, importance=Importance.REQUIRED):
    """Return a rule's result with words of its own."""
    return RuleResult(
        name=name,
        sentence=f"{name} is met.",
        importance=importance,
        outcome=outcome,
        rationale=f"Found by {name}.",
        help=f"Mend {name}.",
        short=f"No {name}",
    )


def stopped(cause):
    """Return a report of a submission that was stopped by a failure of this cause in cell 2."""
    failure = Failure(stage=Stage.EXECUTING, cause=cause, rationale="Cell 2 went wrong.", help="Mend it.", cell=2)
    return replace(
        a_fail(), verdict=blame.VERDICTS[cause], failures=(failure,), reasons=("Cell 2 went wrong.",), rules=()
    )


def open_to(**about):
    """Return a report with a score that is referred."""
    return replace(a_pass(), verdict=Verdict.REFER, reasons=("It is open.",), **about)


CURVES = LossCurves(epochs=5, own_first=1.0, own_lowest=0.1, again_first=1.0, again_lowest=0.6, differs=True)
MISSING = MissingRows(rows=4_000, missing=900, likeness=Likeness.UNKNOWN, reference_missing=None, reference_known=None)
BORDERLINE = replace(a_comparison(), band=0.2)
OPEN = {
    "replayed": open_to(replayed="the layer `Smoothed` is not a built-in Keras layer", cells=(SMOOTHED,)),
    "not repeatable": open_to(agreed=Agreed(curves=CURVES, cause="Likely cause: the callback Watch is left out.")),
    "impossible": open_to(agreed=Agreed(impossible="It says that 5 steps took no time.")),
    "borderline": open_to(comparison=BORDERLINE),
    "old scores": open_to(comparison=replace(a_comparison(), missing=MISSING)),
    "suspicious": replace(open_to(), reasons=("It reaches the bar, but its inputs may give the answer away.",)),
    "cut short": open_to(cut_short="Training was cut short by the cap."),
    "broken rule": open_to(rules=(a_rule("depth", Outcome.ERROR),)),
    "open rule": open_to(rules=(a_rule("depth", Outcome.UNKNOWN),)),
    "nothing measured": open_to(comparison=None),
}
OPEN |= {cause.value: stopped(cause) for cause in FailureCause if blame.VERDICTS[cause] is Verdict.REFER}
CLOSED = {cause.value: stopped(cause) for cause in FailureCause if blame.VERDICTS[cause] is Verdict.FAIL}
CLOSED |= {
    "pass": a_pass(),
    "price": a_price(),
    "fail": a_fail(),
    "below the bar": replace(a_pass(mean=0.8), verdict=Verdict.FAIL, reasons=("It is below the bar.",)),
}
REPORTS = OPEN | CLOSED | {"referral": a_referral()}


# -- every kind of page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("render", [render_page, render_student_page])
@pytest.mark.parametrize("name", REPORTS)
def test_no_page_has_faults_of_words_or_empty_parts(name, render):
    """No finding is said as a denial; no stop, count, backtick or default is wrong; no part is empty."""
    assert faults(render(REPORTS[name])) == []


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("<p>It is so. Not so: no.</p>", "a finding said as a denial"),
        ("<p>It ended..</p>", "a double full stop"),
        ("<p>Call `fit.</p>", "a literal backtick"),
        ("<p>1 submissions</p>", "one of many"),
        ("<p>SGD (ema_momentum 0.99)</p>", "a setting that nobody made"),
        ("<section><h2>Rules</h2></section>", "an empty section"),
        ("<details><summary>Rules</summary> </details>", "an empty details"),
    ],
)
def test_the_scanner_finds_each_fault(source, fault):
    """Each kind of fault is found where it is; code, and text of students, may hold anything."""
    assert [found.partition(":")[0] for found in faults(source)] == [fault]
    assert faults("<p>Three … 11 rows<pre>1 rows..`</pre> <bdi>1 rows..</bdi></p>") == []


# -- REFER -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPEN)
def test_a_demonstrator_reads_what_to_look_at(name):
    """Each kind of REFER has a title of its own and something to look at or to do; students read what to expect."""
    lead = lead_of(OPEN[name])
    assert lead.title
    assert re.match("Start |Look |Read |Let |Open |Check |The (score|rule|network|reference)", lead.advice), lead.advice
    theirs = lead_of(OPEN[name], is_for_students=True)
    assert theirs.advice != lead.advice
    assert "demonstrator" in theirs.advice.lower()
    assert "tick" not in theirs.advice


BY_EYE = "The checker could not check this."
OF_LAYER = (
    "Cell 4: does `Smoothed` compute only from its input and from weights trained in this file (no file, no labels, no "
    "ready-made weights)?"
)
ANYTHING_ELSE = "Anything else (another library, a file, any development or test row): decide `resubmit`."


def test_a_replay_leads_to_the_code_that_is_replayed():
    """The cell that defines what could not be rebuilt is named and linked."""
    lead = lead_of(OPEN["replayed"])
    assert lead.steps[0] == "Look at cell 4, and answer yes or no."
    assert lead.asks == (OF_LAYER,)
    page = render_page(OPEN["replayed"])
    assert '<li><a href="#cell-4">Cell 4</a>: does <code>Smoothed</code>' in page
    assert "open><summary>Cell 4</summary>" in page


@pytest.mark.parametrize(
    ("replayed", "words", "without"),
    [
        (
            "the model is of the student's own class `Smoothed`",
            "does `Smoothed` predict from its inputs alone",
            "no other labels, no ready-made weights",
        ),
        (
            "the layer `Smoothed` is not a built-in Keras layer",
            "does `Smoothed` compute only from its input and",
            "no labels, no ready",
        ),
        (
            "the activation `swish` is the student's own function",
            "does `swish` compute only from its input and",
            "no labels, no ready",
        ),
        (
            "a `Lambda` layer holds the student's own code",
            "does the `Lambda` layer compute only from its input",
            "no labels, no",
        ),
        (
            "the loss `far` is the student's own function",
            "does `far` compute only from the labels and the out",
            "(no file, no ready",
        ),
        ("it was trained in parts", "does it train on nothing but the data", "(no other file, no ready"),
    ],
)
def test_each_kind_of_own_code_has_its_question(replayed, words, without):
    """A loss reads labels by its nature; of everything else it is asked whether it reads them. All that a yes promises
    is in the question, so a no decides."""
    lead = lead_of(open_to(replayed=replayed, cells=(SMOOTHED,)))
    assert words in lead.asks[0]
    assert without in lead.asks[0]
    assert lead.steps[1:] == ["Yes: ask the questions below and tick as usual.", "No: decide `resubmit`."]


def test_a_difference_leads_to_what_the_retraining_leaves_out():
    """A callback that is not part of the retraining is asked about by name."""
    assert "what does the callback `Watch` change?" in lead_of(OPEN["not repeatable"]).advice


@pytest.mark.parametrize("ending", list(looks.STOPS))
def test_a_stopped_run_shows_the_cell_and_names_the_limit(ending):
    """Both editions name the limit, show the cell in which the run ended, and say what to do."""
    begun = StudentCell(replace(a_cell(2, "while True:\n    pass"), ended=False, seconds=0.0, outputs=()), True)
    report = stopped(FailureCause.CUT_SHORT)
    report = replace(report, execution=replace(report.execution, ending=ending), cells=(begun,))
    assert in_brief(report) == f"{looks.STOPS[ending][0]} (cell 2)"
    for page in (render_page(report), render_student_page(report)):
        first = page.partition('id="questions"')[0].partition('class="part')[0]
        assert looks.STOPS[ending][0] in first
        assert "Cell 2, where the run ended" in first
        assert re.search(r"while.+True", first)
        assert "the run ended here" in page
    theirs = lead_of(report, is_for_students=True)
    assert theirs.label == "What to do first"
    assert theirs.advice.startswith("Look at cell 2: ")
    assert "top to bottom" in theirs.advice


def test_a_self_check_asks_for_a_change_before_the_first_hand_in():
    """Nothing was handed in yet, so nothing can be handed in again."""
    again, before = "change it and hand it in again", "change it before you hand it in"
    for report in (CLOSED["below the bar"], replace(stopped(FailureCause.CUT_SHORT), answer=None)):
        assert again in render_student_page(report)
        page = render_student_page(report, is_self_check=True)
        assert before in page
        assert "hand it in again" not in page


def test_own_code_leaves_rules_to_look_at():
    """Required rules that own code left unchecked are numbered questions, each with the cells that it is about. Both
    cells are shown open and on paper; students see the cells without the questions."""
    network, output = (
        a_rule(f"test_{of}", Outcome.UNKNOWN) for of in ("nonlinear_hidden_layer", "output_is_one_number")
    )
    met, own = a_rule("test_met", Outcome.PASSED), a_rule("test_depth", Outcome.UNKNOWN)
    report = open_to(replayed="the layer `Smoothed` is not a built-in Keras layer", rules=(met, network, output, own))
    made = report.answer.cell
    report = replace(report, cells=(SMOOTHED, StudentCell(a_cell(made, "model = Sequential()"), True)))
    lead, page = lead_of(report), render_page(report)
    assert lead.asks == (
        OF_LAYER,
        f"Cell 4 and cell {made}: is there a non-linear hidden layer? {BY_EYE}",
        f"Cell {made}: one output unit, which can give any number? {BY_EYE}",
        f"Cell 4 and cell {made}: is it so? {own.sentence} {BY_EYE}",
    )
    assert lead.steps == [
        f"Look at cell 4 and cell {made}, and answer yes or no.",
        "All yes: ask the questions below and tick as usual.",
        "Any no: decide `resubmit`.",
    ]
    assert "<ol>\n<li><a" in page
    assert f"<span>Read cell 4 and cell {made}: 4 yes/no questions</span>" in page
    theirs = lead_of(report, is_for_students=True)
    assert (theirs.asks, theirs.beside) == ((), made)
    assert f"A demonstrator looks at cell 4 and cell {made} with you" in theirs.advice
    for shown in (page, render_student_page(report)):
        first = shown.partition('id="questions"')[0].partition('class="part')[0]
        assert re.findall(r'<details class="printed" open><summary>(Cell \d+)<', first) == ["Cell 4", f"Cell {made}"]
    assert "non-linear hidden layer?" not in render_student_page(report)
    model = lead_of(replace(report, replayed="the model is of the student's own class `Smoothed`"))
    assert model.asks[2].startswith(f"Cell 4 and cell {made}: one output unit")
    alone = lead_of(replace(report, rules=(met,)))
    assert (len(alone.asks), alone.beside) == (1, None)


def test_own_code_in_the_cell_of_the_network_is_shown_once():
    """If one cell holds both, it is named and shown once."""
    made = a_pass().answer.cell
    cell = StudentCell(a_cell(made, "class Smoothed(keras.Model):\n    pass\nm = Smoothed()"), True)
    left = a_rule("test_nonlinear_hidden_layer", Outcome.UNKNOWN)
    lead = lead_of(open_to(replayed="the model is of the student's own class `Smoothed`", rules=(left,), cells=(cell,)))
    assert lead.asks[1] == f"Cell {made}: is there a non-linear hidden layer? {BY_EYE}"
    assert (lead.cell, lead.beside) == (made, None)


def test_a_limit_on_processes_is_the_sandboxs_and_a_loop_with_an_end_may_be_honest():
    """The page states the limit that the sandbox has; endless loops and loops with an end are told apart."""
    report = stopped(FailureCause.CUT_SHORT)
    lead = lead_of(replace(report, execution=replace(report.execution, ending=Ending.PROCESSES)))
    assert f"allows {MAX_PROCESSES - (os.cpu_count() or 1)} at a time, plus the number of processors." in lead.steps[0]
    assert lead.steps[1].startswith("Perhaps honest (their number has an end")
    assert lead.steps[1].endswith("ask for the same work one after another.")
    assert lead.steps[2].startswith("Perhaps deliberate (no end, processes that start others")
    assert choices.choices(replace(report, answer=None)) == ("resubmit",)


def test_a_run_that_ended_after_the_answer_leads_to_its_cell():
    """If an answer was trained before the run ended, a demonstrator looks at the rest."""
    cause = Cause(CauseKind.FILE_CUT, "The file used more memory than allowed and was stopped in cell 8.", "Use less.")
    report = open_to(cut_short=cause.sentence, cause=cause)
    assert lead_of(report).advice.startswith("Read cell 8, where the run ended")


@pytest.mark.parametrize("name", sorted(set(OPEN) - {"old scores"}))
def test_both_ways_to_decide_are_said(name):
    """What a demonstrator looks at ends with how to decide, whichever way the answer goes."""
    assert "`resubmit`" in lead_of(OPEN[name]).advice


def strange(*cells):
    """Return a report on a network whose first weights nobody knows, with these cells of the student's own."""
    told = foreign_weights.in_sentences(f"before training, layer `d` already held weights, and {ELSEWHERE}")
    report = stopped(FailureCause.NOT_RETRAINED)
    failure = replace(report.failures[0], rationale=f"{told} A demonstrator decides.", cell=3)
    shown = tuple(StudentCell(a_cell(at, source), True) for at, source in enumerate(cells, start=1))
    return replace(report, failures=(failure,), reasons=(failure.rationale,), cells=shown, comparison=None)


def test_weights_of_unknown_source_lead_to_the_line_that_sets_them():
    """Both editions show the cell with that line; the student reads that it need not be a fault."""
    report = strange("import keras", "weights = [1]\nm.set_weights(weights)  # the best", "m.fit(x, y)")
    report = replace(report, bar_on_all_rows=0.876)
    lead, theirs = lead_of(report), lead_of(report, is_for_students=True)
    assert (lead.title, in_brief(report)) == ("Weights of unknown source", "Weights of unknown source (cell 3)")
    assert lead.sentence == (
        "Before training, layer `d` already held weights. The checker cannot tell where they come from, so it did not "
        "train the network again."
    )
    assert lead.steps == [
        "Start at `m.set_weights(weights)` in cell 2, and go up: what made `weights`, and on which rows?",
        "Keras, in this file and on training rows only: the file's own result counts. If it reaches the bar of 87.6%, "
        "ask the questions and tick; else decide `resubmit`.",
        ANYTHING_ELSE,
    ]
    assert "any development or test row): decide <code>resubmit</code>.</li>" in render_page(report)
    assert "<span>Find what made the weights: cell 2</span>" in render_page(report)
    assert theirs.advice.startswith("The weights must come from training your own Keras network")
    assert "show a demonstrator `m.set_weights(weights)` in cell 2 and explain it" in theirs.advice
    assert lead.cell == theirs.cell == 2
    for page in (render_page(report), render_student_page(report)):
        assert '<details class="printed" open><summary>Cell 2</summary>' in page
        assert re.search(r"<mark>[^\n]*set_weights[^\n]*</mark>\n", page)
        assert page.count("<mark>") == 1
    assert (
        lead_of(strange("m.fit(x, y)")).steps[0]
        == "Start at cell 3, and go up: what made these weights, and on which rows?"
    )


def test_the_rows_behind_weights_are_looked_for_where_they_are_made():
    """What the weights are made from in earlier cells is named with its cell, which is shown too; what the cell makes
    itself, imports, and what other variables are made from are not."""
    made = "import lib\nx, y = load()\nz = 1"
    sets = "other = lib.Net(z)\nnet = lib.Net()\nnet.fit(x, y)\nweights = net.all()\nm.set_weights(weights)"
    lead = lead_of(strange(made, sets, "m.fit(x, y)"))
    assert lead.steps[0].endswith("on which rows? Look at cell 1 for `x`, `y`.")
    assert (lead.cell, lead.beside) == (2, 1)
    far = lead_of(strange("x = load()", "y = load()", sets))
    assert far.steps[0].endswith("on which rows? Look at cell 1 for `x`, and at cell 2 for `y`.")
    assert (far.cell, far.beside) == (3, 2)
    assert lead_of(strange("x = load()", "m.load_weights('best.h5')")).beside is None


def test_a_score_of_unknown_weights_is_not_said_to_be_of_unseen_rows():
    """Whoever's weights they are may have seen the rows of the file's own test, so nothing is promised of these."""
    score = OwnScore(kinds=(RowKind.TESTED,), rows=4_128, score=0.926)
    answer = replace(a_pass().answer, origin=f"layer `d` already held weights, and {ELSEWHERE}")
    own = OwnResult(model=answer.id, cell=3, metric="accuracy", scores=(score,), unseen=score)
    report = replace(strange("m.fit(x, y)"), answer=answer, own_results=(own,), bar_on_all_rows=0.876)
    for page in (render_page(report), render_student_page(report)):
        assert "92.6% <small>accuracy on 4,128 rows, as the file computes it; whether the weights have seen" in page
        assert "outside its training" not in page
        assert "in this file and on training rows only. It must then reach the bar of 87.6%." in page
    assert sentences.NOT_KNOWN in sentences.as_trained(report)
    assert "had not seen" in sentences.as_trained(replace(report, failures=(), answer=a_pass().answer))


def test_rules_that_unknown_weights_leave_open_are_listed():
    """What could not be checked is listed below the rules that are met, the label counts both, and rows count for this
    file's training."""
    met, left = a_rule("depth", Outcome.PASSED), replace(a_rule("tested", Outcome.UNKNOWN), rationale="not known.")
    report = replace(strange("m.fit(x, y)"), rules=(met, left), tracing=a_pass().tracing)
    for page in (render_page(report), render_student_page(report)):
        assert '<h2>Rules:</h2> <span class="muted">1 met, 1 not checked</span>' in page
        assert "tested is met" in page.partition("<h3>Not checked</h3>")[2]
        assert "4,128 rows, none of them in this file&#39;s Keras training." in page
    assert sentences.unchecked(replace(stopped(FailureCause.NO_ANSWER), rules=(met, left))) == []


def test_targets_that_are_not_recognised_lead_to_the_line_that_makes_them():
    """The cell to judge is that which makes what `fit` gets as targets, and not a later one."""
    said = f"{targets.UNKNOWN} in cell 3. They are not the prices. A demonstrator decides."
    report = strange("y = load()", "x, y = x / 2, y ** 0.5", "m.fit(x, y, epochs=3)", "y = y ** 2")
    failure = replace(report.failures[0], rationale=said)
    report = replace(report, failures=(failure,), reasons=(said,))
    lead = lead_of(report)
    assert (lead.title, lead.cell) == ("Targets not recognised", 2)
    assert lead.advice.startswith("Look at `x, y = x / 2, y ** 0.5` in cell 2: can the student say")
    other = replace(report, cells=report.cells[2:3])
    assert (lead_of(other).cell, lead_of(other).advice[:15]) == (3, "Look at cell 3:")


def test_a_run_that_measured_nothing_has_steps():
    """The banner, the steps and the code agree on what to do. Nothing is said of cells that did not run."""
    begun = StudentCell(replace(a_cell(2, "a = [0] * 10 ** 12"), ended=False), True)
    report = replace(stopped(FailureCause.CUT_SHORT), selection=Selection(None, "none", ()), answer=None)
    report = replace(report, cells=(begun,), execution=replace(report.execution, ending=Ending.MEMORY))
    lead, page = lead_of(report), render_page(report)
    assert lead.steps[0].startswith("Read cell 2, and do not run it: which array")
    assert lead.steps[0].endswith(" Decide `resubmit` either way: nothing was measured. Also judge which it is:")
    assert [step.partition(" (")[0] for step in lead.steps[1:]] == ["Perhaps honest", "Perhaps deliberate"]
    assert lead.steps[1].endswith("ask for a version that needs less memory.")
    assert "Read cell 2, then decide resubmit: nothing was measured" in page
    assert "watch that the file stays under the limit. " in lead_of(report, is_for_students=True).advice
    named = replace(report.failures[0], rationale="Your file used more memory than the 4 GiB allowed.")
    named = lead_of(replace(report, failures=(named,)), is_for_students=True)
    assert "watch that the file stays under 4 GiB. Run the whole file" in named.advice
    for shown in (page, render_student_page(report)):
        assert "Cells after the one in which the run ended did not run." in shown
        assert "makes a network" not in shown
    assert "did not run. They are not shown" not in render_page(a_fail())


def test_an_own_figure_is_shown_without_a_retraining():
    """If nothing was trained again, the notebook's own score is shown, whoever tells it, and said to be its own."""
    report = replace(OPEN["not retrained"], comparison=None, answer=a_pass().answer)
    score = OwnScore(kinds=(RowKind.TESTED,), rows=4_128, score=0.926)
    scored = OwnResult(model=report.answer.id, cell=3, metric="accuracy", scores=(score,), unseen=score)
    claimed = replace(report, claim=a_pass().claim, own_results=())
    assert "92.6% <small>accuracy on 4,128 rows outside its training" in render_page(
        replace(report, own_results=(scored,))
    )
    assert f"as cell {claimed.claim.cell} states" in render_page(claimed)
    fit = replace(report.answer.fits[-1], history={"accuracy": (0.8, 0.9), "val_accuracy": (0.7, 0.883)})
    noted = replace(claimed, claim=None, answer=replace(report.answer, fits=(fit,)))
    page = render_page(noted)
    assert "88.3% <small>accuracy on development rows, by Keras in cell" in page
    assert "This is the file's own result." in page
    silent = replace(noted, answer=replace(report.answer, fits=(replace(fit, history={}),)))
    assert "What the file says" not in render_page(silent)


# -- FAIL ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rationale", "name"),
    [
        ("Cell 2 reads `train.csv`, which was not handed in. So there is no `x`.", "Missing file: train.csv"),
        ("Cell 2 imports `utils`, which is not installed here and was not handed in.", "Missing module: utils"),
        ("Cell 2 reads no file.", "No trained network"),
    ],
)
def test_a_missing_file_is_named(rationale, name):
    """What was not handed in is named at the top of the page and in the index."""
    report = stopped(FailureCause.NO_ANSWER)
    report = replace(report, failures=(replace(report.failures[0], rationale=rationale),), reasons=(rationale,))
    assert lead_of(report).title == name
    assert in_brief(report) == f"{name} (cell 2)"


@pytest.mark.parametrize("library", ["PyTorch", "a TensorFlow estimator"])
def test_another_library_is_named(library):
    """What was used in place of Keras is the title and the reason in the index, and the student's own network."""
    said = frameworks.instead_of_keras(library, ())
    report = stopped(FailureCause.NO_ANSWER)
    failure = replace(report.failures[0], rationale=said, cell=None)
    report = replace(report, failures=(failure,), reasons=(said,))
    title = f"{library[0].upper()}{library[1:]} instead of Keras"
    assert (
        lead_of(report).title == lead_of(for_students(report), is_for_students=True).title == in_brief(report) == title
    )
    assert re.search(r"Your (network|model) is", render_student_page(report))
    assert not re.search(r"Your (network|model) is", render_page(report))


def test_nothing_handed_in_is_called_that():
    """A student who handed in nothing is not told to change it."""
    failure = replace(
        stopped(FailureCause.NOTHING_TO_RUN).failures[0], rationale="Nothing was handed in: no file.", cell=None
    )
    report = replace(stopped(FailureCause.NOTHING_TO_RUN), failures=(failure,))
    assert (lead_of(report).title, in_brief(report)) == ("Nothing handed in", "Nothing handed in")
    assert "change it" not in render_student_page(report)


@pytest.mark.parametrize("kind", [CauseKind.LEAK, CauseKind.LABELS])
def test_a_score_that_means_nothing_is_folded(kind):
    """If the network learned something else, no figure is shown until it is asked for, and the page says why."""
    cause = Cause(kind, "It learned something else.", "Mend it.")
    report = replace(a_pass(), verdict=Verdict.FAIL, cause=cause, reasons=(cause.sentence,))
    for page in (render_page(report), render_student_page(report)):
        before, _, folded = page.partition('<details class="part"><summary><h2 id="accuracy">')
        assert 'class="tiles"' in folded
        assert 'class="tiles"' not in before
        assert sentences.hollow(report) in folded.replace("&#39;", "'")
    assert sentences.hollow(a_pass()) == ""


def test_a_rule_that_outweighs_the_score_is_said_to():
    """Who fails for a rule alone reads that the score is good enough, and why that does not help."""
    rule = a_rule("depth")
    report = replace(a_pass(), verdict=Verdict.FAIL, rules=(rule,), reasons=(rule.finding,))
    words = "The accuracy reaches the bar, but the rule above is required too."
    assert words in render_student_page(report)
    assert words not in render_page(replace(report, comparison=a_comparison(0.8)))


def test_an_error_is_too_large_and_a_score_too_low():
    """What lies on the wrong side of the bar is said in the metric's own direction."""
    price = replace(a_price(), verdict=Verdict.FAIL, reasons=("It is above the bar.",))
    assert lead_of(price).title == "Error too large"
    assert lead_of(CLOSED["below the bar"]).title == "Score too low"


def test_the_first_failed_rule_leads_and_is_not_said_again():
    """Its finding, explanation and help stand on top; the rules below are the others."""
    first, second = a_rule("depth"), a_rule("scale")
    report = replace(a_pass(), verdict=Verdict.FAIL, rules=(first, second), reasons=(first.finding, second.finding))
    lead = lead_of(report)
    assert (lead.title, lead.sentence, lead.advice, lead.then) == ("No depth", "Found by depth.", "Mend depth.", THEN)
    assert other_failed_rules(report, lead) == [second]
    assert [render_page(report).count(words) for words in ("Found by depth.", "Found by scale.")] == [1, 1]


def test_a_cause_leads_and_its_rule_is_not_said_again():
    """A rule that says the same as the cause gives its explanation, and has no place of its own."""
    rule = replace(a_rule("test_labels_are_the_datas"), detail="Other labels answer nothing.")
    cause = Cause(CauseKind.LABELS, "8 of 9 rows had another label.", "Keep the order.")
    report = replace(a_pass(), verdict=Verdict.FAIL, rules=(rule,), cause=cause, reasons=(cause.sentence,))
    lead = lead_of(report)
    assert (lead.sentence, lead.explanation) == (cause.sentence, rule.detail)
    assert lead.advice == cause.help
    assert rule.rationale not in render_page(report)


def test_a_failure_shows_its_cell():
    """The cell that a FAIL is about stands at the top of both editions, and on paper."""
    report = replace(stopped(FailureCause.NO_ANSWER), cells=(StudentCell(a_cell(2, "x = read('a.csv')"), True),))
    for page in (render_page(report), render_student_page(report)):
        assert '<details class="printed" open><summary>Cell 2</summary>' in page.partition("<h2 id")[0]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (CauseKind.LABELS, "`Y = housing['longitude']` in cell 1 makes these labels."),
        (CauseKind.LEAK, "`X = housing.values` in cell 1 makes these inputs."),
        (CauseKind.UNSCALED, ""),
    ],
)
def test_labels_and_leaks_name_the_line_that_makes_them(kind, said):
    """The line stands at the top of both editions, with a link to its cell; other causes have none."""
    cells = (
        StudentCell(a_cell(1, "X = housing.values\nY = housing['longitude']"), True),
        StudentCell(a_cell(14, "model.fit(X, Y)"), True),
    )
    cause = Cause(kind, "It is wrong.", "Mend it.")
    report = replace(a_pass(), verdict=Verdict.FAIL, rules=(), cause=cause, reasons=(cause.sentence,), cells=cells)
    assert lead_of(report).explanation == lead_of(report, is_for_students=True).explanation == said
    for page in (render_page(report), render_student_page(report)):
        link = '</code> in <a href="#cell-1">cell 1</a> makes these'
        assert (link in page.partition("<h2 id")[0]) is bool(said)


def test_a_score_below_the_bar_leads_where_its_cause_is_no_required_rule():
    """The verdict's own reason comes first, and its cause once, as what is likely."""
    cause = Cause(CauseKind.UNSCALED, "The 9 inputs are large.", "Scale them.")
    below = "The accuracy of 80.0% is too low."
    advice = a_rule("test_inputs_are_scaled", importance=Importance.ADVISORY)
    report = replace(CLOSED["below the bar"], cause=cause, reasons=(cause.sentence, below), rules=(advice,))
    lead = lead_of(report)
    assert (lead.title, lead.sentence) == ("Misses the bar; probable cause: inputs not scaled", below)
    assert (lead.explanation, lead.rule) == ("Likely cause: the 9 inputs are large.", advice.name)
    assert other_reasons(report, lead) == []
    required = replace(report, rules=(a_rule("test_inputs_are_scaled"),))
    assert lead_of(required).title == "Inputs not scaled"
    assert other_reasons(required, lead_of(required)) == [below]


def few_epochs(report, epochs, **changes):
    """Return a report whose trainings had this many epochs."""
    return replace(report, runs=tuple(replace(run, epochs=epochs, **changes) for run in report.runs))


def test_a_short_training_is_said_beside_another_cause():
    """Whoever trains for a few epochs reads that these may be too few, also where the inputs come first; not if early
    stopping ended the training, or if the answer is among the inputs."""
    then = " Then look whether the loss still falls at the last epoch: 3 epochs may be too few."
    cause = Cause(CauseKind.UNSCALED, "The 9 inputs are large.", "Scale them.")
    report = replace(CLOSED["below the bar"], cause=cause, rules=(), recipe=None)
    for is_for_students in (False, True):
        assert lead_of(few_epochs(report, 3), is_for_students).advice == f"Scale them.{then}"
        assert lead_of(few_epochs(report, 3, stopped_early=True), is_for_students).advice == "Scale them."
        assert lead_of(few_epochs(report, 80), is_for_students).advice == "Scale them."
    leak = replace(report, cause=replace(cause, kind=CauseKind.LEAK))
    assert lead_of(few_epochs(leak, 3)).advice == "Scale them."
    output = a_rule("test_output_is_one_distribution")
    assert lead_of(few_epochs(replace(report, cause=None, rules=(output,)), 3)).advice.endswith(then)


def test_a_score_that_follows_from_the_cause_is_its_result():
    """A bad score beside a required rule that explains it is said as the result; beside any other rule it is not."""
    for name, said in (("test_output_is_one_distribution", "As a result, the"), ("test_enough_rows", "Also: the")):
        rule, below = a_rule(name), "The accuracy of 80.0% is too low."
        report = replace(CLOSED["below the bar"], cause=None, rules=(rule,), reasons=(rule.finding, below))
        assert f"<p>{said} accuracy of 80.0% is too low.</p>" in render_page(report)


@pytest.mark.parametrize(
    ("mean", "said"),
    [
        (
            -0.01,
            "<p>The accuracy, {own}, is close to logistic regression&#39;s {theirs}, as expected of a linear model; a",
        ),
        (-0.1, "<p>Also: the accuracy is too low.</p>"),
    ],
)
def test_a_linear_network_is_as_good_as_a_linear_model(mean, said):
    """A linear network near logistic regression is as expected; being linear is never why it is worse than that."""
    rule, below = a_rule("test_nonlinear_hidden_layer"), "The accuracy is too low."
    of = CLOSED["below the bar"].comparison
    of = replace(of, mean=of.baseline_mean + mean, baseline="logistic regression")
    cause = Cause(CauseKind.LINEAR, "It is linear.", "Bend it.")
    report = replace(CLOSED["below the bar"], comparison=of, cause=cause, rules=(rule,), reasons=(rule.finding, below))
    page = render_page(report)
    assert said.format(own=f"{of.mean:.1%}", theirs=f"{of.baseline_mean:.1%}") in page
    assert "As a result" not in page


def test_labels_whose_line_is_found_are_no_guess():
    """What labels seem to be is certain once the line that makes them stands beside it; without it, it is not."""
    seem = "6 of 9 training rows had another label. The labels seem to be made from another column, longitude."
    report = replace(a_pass(), verdict=Verdict.FAIL, cause=Cause(CauseKind.LABELS, seem, "Take them."), reasons=(seem,))
    made = a_cell(13, "Y = pd.qcut(housing['longitude'], 5)"), a_cell(14, "model.fit(X, Y)")
    found = replace(report, cells=tuple(StudentCell(cell, True) for cell in made))
    for one, said in ((report, "The labels seem to be made from"), (found, "The labels are made from")):
        lead = lead_of(one)
        assert said in lead.sentence
        assert other_reasons(one, lead) == []
    assert "makes these labels" in lead_of(found).explanation


def test_a_sort_that_reorders_labels_is_named():
    """If the line that makes labels in another order sorts them, the page says so, and the advice names the call."""
    said = f"6 of 9 training rows had another label. The labels seem to be {REORDERED}."
    help = f"{TOGETHER.format(label='label')} With the data's labels it reaches 92.0%."
    tracing = replace(a_pass().tracing, labels_compared=9, labels_differ=6, labels_look=REORDERED)
    report = replace(a_pass(), verdict=Verdict.FAIL, cause=Cause(CauseKind.LABELS, said, help), tracing=tracing)
    assert (lead_of(report).sentence, lead_of(report).advice) == (said, help)
    for line, what, advice in (
        ("Y = np.sort(Y)", "sorted", "Take out `np.sort` in cell 13: it sorts the labels but not the rows. With"),
        ("Y = rng.permutation(Y)", "shuffled", "Take out `rng.permutation` in cell 13: it shuffles the labels"),
        ("Y = reordered(Y)", "", TOGETHER.format(label="label")),
    ):
        made = a_cell(13, line), a_cell(14, "model.fit(X, Y)")
        lead = lead_of(replace(report, cells=tuple(StudentCell(cell, True) for cell in made)))
        assert lead.sentence.endswith(f"The labels are {what}, the rows are not." if what else said)
        assert lead.advice.startswith(advice)


def test_a_single_step_is_not_the_first():
    """Students read what to do first only if there is more to do."""
    report = replace(CLOSED["below the bar"], rules=(a_rule("depth"),), cause=None)
    assert lead_of(report, is_for_students=True).label == "What to do"
    two = replace(report, rules=(a_rule("depth"), a_rule("loss")))
    assert lead_of(two, is_for_students=True).label == "What to do first"


def test_a_score_by_the_right_labels_is_told_from_no_evidence():
    """Above the figures stands what they are: by the data's labels, or void."""
    for kind, said in (
        (CauseKind.LABELS, "with the data&#39;s labels, 91.3%"),
        (CauseKind.LEAK, "void, the answer is in the inputs"),
    ):
        report = replace(a_pass(), verdict=Verdict.FAIL, cause=Cause(kind, "It is wrong.", "Mend it."))
        page = render_page(report)
        assert f'Accuracy</h2><span class="muted">: {said}</span>' in page
        assert ("Clearly better than the bar" in page) is (kind is CauseKind.LABELS)


@pytest.mark.parametrize("symptom", [*HELP_BY_SYMPTOM, None])
def test_a_score_below_the_bar_comes_with_what_helps(symptom):
    """What to do follows from what the trainings show, and is never missing. Only demonstrators read how to decide."""
    seen = (Observation(symptom, "Seen."),) if symptom else ()
    report, help = replace(CLOSED["below the bar"], observations=seen), HELP_BY_SYMPTOM[symptom] if symptom else HELP
    for is_for_students, then in ((False, THEN), (True, "")):
        lead = lead_of(report, is_for_students)
        assert (lead.advice, lead.then) == (help, then)


def test_a_failure_that_does_not_lead_is_still_said():
    """If a rule decides, what stopped the journey stands below it."""
    page = render_page(a_fail())
    assert page.index("None was found.") < page.index("The cell that makes the model raised an error.")


# -- students --------------------------------------------------------------------------------------------


def test_students_read_what_to_do_and_what_a_pass_means():
    """A self-check says that grading uses other splits, and what its PASS means; figures of chance are folded away."""
    page = render_student_page(CLOSED["below the bar"], is_self_check=True)
    assert "What to do:" in page
    assert "Grading uses other seeds and other splits" in page
    assert "A PASS here means" in render_student_page(a_pass(), is_self_check=True)
    assert "A PASS here means" not in page + render_student_page(a_pass())
    unfolded = re.sub(r"<details.*?</details>", "", page.partition('class="part')[0], flags=re.DOTALL)
    assert "Student's t" in page.replace("&#39;", "'")
    assert not re.search("Student.+s t on|standard error|<table", unfolded)


def test_words_of_the_evidence_speak_to_the_student():
    """What demonstrators read of the student is said to the student, once, also where a cause or a rule says it."""
    rule, cause = a_rule("depth"), Cause(CauseKind.LINEAR, "The network is linear.", "Bend it.")
    rule = replace(rule, rationale="The model is small.")
    failing = replace(a_pass(), verdict=Verdict.FAIL, rules=(rule,), cause=cause)
    failing = replace(failing, reasons=(cause.sentence, rule.finding))
    page = render_student_page(failing)
    assert [page.count(words) for words in ("Your network is linear.", "Your model is small.")] == [1, 1]
    report = replace(OPEN["replayed"], reasons=("The class is the student's own class.",))
    assert "your own class" in render_student_page(report)
    assert "the student&#39;s own class" in render_page(report)


def test_a_rule_about_the_student_speaks_to_the_student():
    """A rule that says "the student's own" says "your own" in the student's edition."""
    rule = replace(a_rule("own"), outcome=Outcome.PASSED, sentence="The network is the student's own.")
    report = replace(a_pass(), rules=(rule,))
    assert "The network is your own." in render_student_page(report)
    assert "The network is the student&#39;s own." in render_page(report)


@pytest.mark.parametrize(("is_notebook", "noun"), [(True, "notebook"), (False, "module")])
def test_the_students_own_file_is_told_from_another(is_notebook, noun):
    """Where a file is missing, "your file" would be one of two; a student reads what could not be checked."""
    report = stopped(FailureCause.NO_ANSWER)
    failure = replace(report.failures[0], help="Hand in the file `a.csv` beside your file.")
    submission = replace(report.submission, is_notebook=is_notebook)
    report = replace(report, failures=(failure,), submission=submission, answer=None)
    assert lead_of(report).advice == f"Hand in the file `a.csv` beside your {noun}."
    for is_for_students in (False, True):
        assert lead_of(report, is_for_students).explanation == "Nothing that depends on cell 2 could be checked."


# -- words -----------------------------------------------------------------------------------------------


def test_words_between_backticks_are_code_and_cells_are_links():
    """Code is escaped inside its element; a backtick alone vanishes; only cells that the page shows are linked."""
    assert prose("Cell 4: `a<b>` and `c", {4}) == '<a href="#cell-4">Cell 4</a>: <code>a&lt;b&gt;</code> and c'
    assert prose("cell 5 <i>", {4}) == "cell 5 &lt;i&gt;"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"learning_rate": 0.0010000000474974513, "ema_momentum": 0.99, "beta_1": 0.9, "beta_2": 0.9990000128746033},
         "Adam (learning_rate 0.001)"),
        ({"learning_rate": 0.1, "beta_1": 0.8, "amsgrad": True}, "Adam (learning_rate 0.1, beta_1 0.8, amsgrad true)"),
    ],
)  # fmt: skip
def test_settings_at_their_defaults_are_not_listed(config, words):
    """What Keras sets by itself, or in 32 bits, is no setting of the student's."""
    assert keras_object(KerasObject("Adam", config)) == words


def test_every_failure_has_a_name_of_its_own():
    """Names in tables tell causes apart."""
    assert len(set(FAILURES.values())) == len(FailureCause)


def test_a_training_of_one_epoch_has_no_curve():
    """One point is no curve, so there is no part for it."""
    report = replace(a_pass(), runs=(a_run(11, epochs=1),))
    assert "Learning curves" not in render_page(report)
    assert "Learning curves" in render_page(a_pass())


def test_symptoms_have_help_in_the_order_of_the_judge():
    """Every tendency that may lead has its help."""
    assert set(HELP_BY_SYMPTOM) == set(Symptom) - {Symptom.STOPPED_EARLY}
