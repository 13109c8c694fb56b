"""What the page, the index, the terminal text and the tables promise to those who read them."""

import base64
import csv
import hashlib
import io
import json
import math
import re
import struct
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

import pytest
from reports import (
    DATA,
    FIELD,
    a_cell,
    a_comparison,
    a_fail,
    a_pass,
    a_price,
    a_referral,
    a_run,
    an_error,
    png,
    poisoned,
)
from rich.cells import cell_len
from rich.console import Console

from checker.formats.text import as_printed, one_line, visible
from checker.gradebooks import decisions
from checker.gradebooks.decisions import Decided, Decision
from checker.judge import blame
from checker.records.capture import CellOutput
from checker.records.codec import from_json
from checker.records.comparison import Agreed, Baseline, Comparison
from checker.records.evidence import OwnResult
from checker.records.report import (
    Cause,
    CauseKind,
    Figure,
    Observation,
    Question,
    Report,
    StudentCell,
    Symptom,
    Topic,
    UnderWay,
    Unfinished,
)
from checker.records.submission import Companion, Identity, Platform
from checker.records.tracing import TargetScale
from checker.records.training import Histogram, Loop, Weights
from checker.records.verdicts import Failure, FailureCause, Importance, Outcome, RuleResult, Stage, Verdict
from checker.report.brief import in_brief
from checker.report.cohort import on_the_right
from checker.report.curves import compared, curves
from checker.report.figures import field_figure, seeds_figure
from checker.report.html import (
    HEAVIEST,
    LINKS,
    Entry,
    Neighbours,
    as_earlier,
    neighbours,
    render_index,
    render_page,
    render_student_page,
    with_neighbours,
)
from checker.report.sentences import as_trained, curves_in_words, side_of_the_bar
from checker.report.svg import Scale, fitting
from checker.report.tables import Results, junit_xml, results_csv, results_json
from checker.report.terminal import print_report, print_summary
from checker.report.words import settings, target_scale
from checker.submissions import names

# -- reading what was rendered ---------------------------------------------------------------------------


class Page(HTMLParser):
    """A parsed page: its elements with their attributes, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {"script": "", "style": ""}
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in self.inside:
            self.inside[self.cdata_elem] += data
        else:
            self.text += data

    def values(self, attribute: str, tag: str = "") -> list[str]:
        """Return an attribute's values, of all elements or those of a tag."""
        found = (attrs.get(attribute) for name, attrs in self.elements if tag in ("", name))
        return [value for value in found if value is not None]


def an_index(*reports: Report, unfinished: Sequence[Unfinished] = (), practice: bool = False) -> Page:
    """Return the parsed index of reports."""
    entries = [Entry(report, f"{at}/report.html") for at, report in enumerate(reports)]
    return Page(render_index("Practical 4", entries, unfinished, replace(DATA, practice=practice)))


def printed(report: Report, **console: Any) -> str:
    """Return what the terminal shows of a report."""
    out = io.StringIO()
    print_report(Console(file=out, **console), report, "out/report.html")
    return out.getvalue()


SCALING = replace(a_pass().rules[1], name="test_inputs_are_scaled", importance=Importance.REQUIRED)
UNSCALED = replace(
    a_pass(mean=0.8), verdict=Verdict.FAIL, rules=(), cause=Cause(CauseKind.UNSCALED, "Nine are large.", "Scale them.")
)
REPORTS = {
    "pass": a_pass(),
    "fail": a_fail(),
    "referral": a_referral(),
    "price": a_price(),
    "hostile": poisoned(a_pass()),
    "hostile failure": poisoned(a_fail()),
    "hostile price": poisoned(a_price()),
}
PAGES = {name: Page(render_page(report)) for name, report in REPORTS.items()}
PAGES |= {f"student's {name}": Page(render_student_page(report)) for name, report in REPORTS.items()}
PAGES |= {
    "empty index": an_index(),
    "index": an_index(*list(REPORTS.values())[:3], unfinished=[Unfinished("Kurt", "disk full")]),
    "index of prices": an_index(a_price(), replace(a_fail(), metric="rmse", classes=())),
    "hostile index": an_index(
        *[REPORTS[f"hostile{what}"] for what in ("", " failure")], unfinished=[poisoned(Unfinished("Kurt", "m"))]
    ),
}


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Page:
    """Every kind of page in turn."""
    return PAGES[request.param]


# -- every page ------------------------------------------------------------------------------------------


def test_no_page_holds_an_element_or_attribute_that_acts(page: Page) -> None:
    """Nothing a student writes becomes an element that loads or runs something, or an event handler."""
    tags = {tag for tag, _ in page.elements}
    attributes = {name for _, attrs in page.elements for name in attrs}
    assert not tags & {"iframe", "object", "embed", "link", "base", "form", "foreignobject", "use", "image"}
    assert not {name for name in attributes if name.startswith("on") or name == "style"}
    assert sum(tag == "script" for tag, _ in page.elements) <= 1
    assert sum(tag == "style" for tag, _ in page.elements) == 1


def test_a_page_loads_nothing_and_links_only_beside_itself(page: Page) -> None:
    """Pictures are inside the page, links lead beside it, and the style sheet imports nothing."""
    assert all(src.startswith("data:image/png;base64,") for src in page.values("src"))
    assert all(href.startswith(("#", "./")) for href in page.values("href"))
    assert not re.search(r"url\(|@import", page.inside["style"])


def test_the_policy_allows_only_the_page_s_own_style_and_script(page: Page) -> None:
    """The Content-Security-Policy names the hashes of what is inside the page, and nothing else."""
    policy = next(a["content"] or "" for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    def allowed(content: str) -> str:
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        return f"'sha256-{digest}'" if content else "'none'"

    assert rules["default-src"] == "'none'"
    assert rules["style-src"] == allowed(page.inside["style"])
    assert rules["script-src"] == allowed(page.inside["script"])


def test_no_page_holds_characters_that_act(page: Page) -> None:
    """Controls, bidirectional overrides and lone surrogates never reach the page."""
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page.source)


def test_every_anchor_has_its_target(page: Page) -> None:
    """Links within the page and labels of regions name elements that exist, and no id is used twice."""
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    wanted = {href[1:] for href in page.values("href") if href.startswith("#")}
    wanted |= set(page.values("aria-labelledby"))
    assert wanted - {"cell-4", "cell-9"} <= set(ids)


def test_tables_and_pictures_speak_to_screen_readers(page: Page) -> None:
    """Each table has a caption and scoped headings; each chart has a role and words; one main, one h1."""
    tags = [tag for tag, _ in page.elements]
    assert tags.count("caption") == tags.count("table")
    assert len(page.values("scope", "th")) == tags.count("th")
    charts = [attrs for tag, attrs in page.elements if tag == "svg" and "chart" in (attrs.get("class") or "")]
    roles = {True: "group", False: "img"}  # one that holds links is a group: nothing inside a picture is heard
    assert all(chart["role"] == roles["cohort" in (chart["class"] or "")] and chart["aria-label"] for chart in charts)
    assert tags.count("main") == tags.count("h1") == 1


# -- a report's page -------------------------------------------------------------------------------------


def test_hostile_text_is_shown_as_text() -> None:
    """Markup, template code and style ends that a student wrote are shown letter by letter."""
    text = PAGES["hostile"].text
    assert "<script>alert(1)</script></style></title><img src=x onerror=alert(1)>{{7*7}}{% raw %}" in text
    assert "[bold]rich[/bold]\" ' onload='x" in text
    assert "␛[31mred" in text


def test_the_first_screen_says_who_what_and_why() -> None:
    """Name, file, assignment, verdict in words, and its reasons stand before the rules."""
    first_screen = PAGES["pass"].text.split("Rules")[0]
    for words in (
        "Ada Lovelace",
        "tick4.ipynb",
        "Practical 4",
        "PASS",
        "reaches the bar of 88.9%",
        "reference",
    ):
        assert words in first_screen
    assert "/home/ta" not in PAGES["pass"].text


@pytest.mark.parametrize("practice", [True, False])
def test_practice_data_is_announced(practice: bool) -> None:
    """Pages made with practice data carry a banner; others do not."""
    report = replace(a_pass(), dataset=replace(DATA, practice=practice))
    assert ("not for awarding ticks" in Page(render_page(report)).text) is practice
    assert ("not for awarding ticks" in an_index(report, practice=practice).text) is practice


def test_failed_required_rules_come_first() -> None:
    """Rules stand in the order in which a student should read them."""
    kinds = [
        (Outcome.PASSED, Importance.REQUIRED),
        (Outcome.SKIPPED, Importance.REQUIRED),
        (Outcome.FAILED, Importance.ADVISORY),
        (Outcome.ERROR, Importance.REQUIRED),
        (Outcome.FAILED, Importance.REQUIRED),
    ]
    rules = tuple(
        RuleResult(name=f"r{at}", sentence=f"sentence {outcome} {importance}", importance=importance, outcome=outcome)
        for at, (outcome, importance) in enumerate(kinds)
    )
    found = re.findall(r"sentence (\w+ \w+)", Page(render_page(replace(a_pass(), rules=rules))).text)
    assert found == [
        "failed required",
        "error required",
        "failed advisory",
        "passed required",
        "skipped required",
    ]


def test_a_failure_leads_to_its_cell() -> None:
    """The cell that a failure's words name is linked, and shown open although it belongs to the hand-out."""
    said = replace(a_fail().failures[0], rationale="Cell 2 makes the model, and raised an error.")
    page = Page(render_page(replace(a_fail(), failures=(said,))))
    assert "#cell-2" in page.values("href")
    assert "Spell it learning_rate, not lr." in page.text
    assert "1 unchanged cell" in page.text


def test_unchanged_cells_are_folded_away() -> None:
    """The student's cells stand open; the hand-out's are behind a line that counts them and their errors."""
    page = PAGES["pass"]
    assert "2 unchanged cells of the hand-out, 1 error" in page.text
    folded = page.source.split('class="unchanged"')[1].split("</details>")[0]
    assert "import</span> tensorflow" in folded
    assert "Sequential" not in folded


def test_outputs_are_shown_as_a_terminal_would_have() -> None:
    """Progress bars show their last state, without colours."""
    text = PAGES["pass"].text
    assert " 413/413 ━━━━ loss: 0.9" in text
    assert "1/413\n" not in text


@pytest.mark.parametrize(
    "content",
    [
        "not base64!",
        base64.b64encode(b"<svg onload=alert(1)>").decode(),
        base64.b64encode(base64.b64decode(png())[:20]).decode(),
        base64.b64encode(base64.b64decode(png())[:16] + struct.pack(">II", 60_000, 60_000) + bytes(9)).decode(),
        base64.b64encode(base64.b64decode(png()) + bytes(500_000)).decode(),
    ],
    ids=["not base64", "not a PNG", "cut off", "too many pixels", "too long"],
)
def test_only_modest_pngs_become_pictures(content: str) -> None:
    """Whatever is not a PNG of modest size is left out, with a note."""
    cell = StudentCell(a_cell(1, "plot()", CellOutput("png", content)), True)
    page = Page(render_page(replace(a_pass(), cells=(cell,))))
    assert not page.values("src", "img")
    assert "was left out" in page.text


def test_a_png_is_shown_with_its_size() -> None:
    """A good picture is there, described, with the size its header gives."""
    attrs = next(attrs for tag, attrs in PAGES["pass"].elements if tag == "img")
    assert (attrs["width"], attrs["height"]) == ("320", "120")
    assert attrs["alt"] == "Picture that cell 14 drew"


@pytest.mark.slow
def test_a_page_stays_light_and_keeps_the_student_s_own_cells() -> None:
    """A page stays within its size, however long the notebook; the hand-out's cells are cut first."""
    heavy = CellOutput("text", "\"'<>&" * 900)
    handout = [StudentCell(a_cell(at, "x = '<'\n" * 900, *[heavy] * 20), False) for at in range(1, 120)]
    own = StudentCell(a_cell(120, "my_own_answer = 42", heavy), True)
    failure = Failure(
        stage=Stage.EXECUTING,
        cause=FailureCause.CUT_SHORT,
        rationale="&" * 9_000,
        help="&" * 9_000,
        detail="&" * 90_000,
        cell=1,
    )
    source = render_page(replace(a_fail(), cells=(*handout, own), failures=(failure,) * 200))
    assert len(source.encode()) <= HEAVIEST
    text = Page(source).text
    assert "my_own_answer = 42" in text
    assert "left out to keep this page small" in text.lower()
    assert "… and 180 more" in text


def test_long_output_is_cut_with_a_note() -> None:
    """Of a long output beginning and end stay, and a note says how much is missing."""
    cell = StudentCell(a_cell(1, "", CellOutput("text", "begin" + "." * 20_000 + "end")), True)
    text = Page(render_page(replace(a_pass(), cells=(cell,)))).text
    assert re.search(r"begin\.+ \[…16,008 characters left out…\] \.+end", text)


def test_the_recipe_says_what_was_cut() -> None:
    """Both phases, class weights by name, and the epochs beyond the cap are told."""
    text = " ".join(PAGES["pass"].text.split())
    assert "Adam (learning_rate 0.001)" in text
    assert "SGD (learning_rate 0.001)" in text
    assert "ISLAND 5" in text
    assert "142 epochs beyond the checker's cap did not run" in text
    assert "12 of 13,209 training rows (0.1%) had another label than in the data." in text


def test_the_reference_is_only_shown_beside_an_answer() -> None:
    """A page without a network does not show the solution. With one, both are shown side by side."""
    assert "Reference" not in PAGES["fail"].text
    drawings = [words for words in PAGES["pass"].values("aria-label", "svg") if "Input" in words]
    assert drawings == [
        "This submission: Input 9 → Dense 100, relu → Dense 50, relu → Dense 5, softmax",
        "Reference: Input 9 → Dense 64, relu → Dense 32, relu → Dense 5, softmax",
    ]


def test_a_page_without_an_index_links_to_none() -> None:
    """A self-check's page stands alone."""
    assert "All submissions" not in PAGES["pass"].text
    assert "./../index.html" in Page(render_page(a_pass(), "../index.html")).values("href")


# -- figures ---------------------------------------------------------------------------------------------


def test_the_page_says_where_each_seed_decided() -> None:
    """If the mean is closer to the bar than the test can tell, the page says so, and that each seed decided if it
    did."""
    close = replace(a_comparison(), band=0.2, further=5)
    assert "borderline" in Page(render_page(replace(a_pass(), comparison=close))).text
    text = Page(render_page(replace(a_pass(), comparison=replace(close, unanimous=True)))).text
    assert "Each of the 5 seeds lies on the same side of its own bar" in text
    assert "borderline" not in text


def test_the_seeds_figure_shows_every_seed_and_the_bar() -> None:
    """Student, reference and baseline have a mark for each seed and for the mean; the bar has its line."""
    drawing = Page(seeds_figure(a_comparison()))
    classes = drawing.values("class", "g")
    assert [classes.count(f"mark {kind}") for kind in ("student", "reference", "baseline")] == [6, 6, 6]
    assert "upright bar" in drawing.values("class", "line")


def test_a_score_beyond_the_scale_is_an_arrow_with_its_value() -> None:
    """A score far beyond the baseline's has an arrow, its value and a note instead of a dot at a wrong place."""
    near, far = (Page(seeds_figure(an_error(mean))) for mean in (60_000.0, 250_000.0))
    assert "beyond the scale" not in near.text
    assert "mark student beyond" not in near.values("class", "g")
    assert "beyond the scale" in far.text
    legends = [unescape(render_page(replace(a_price(), comparison=an_error(mean)))) for mean in (60_000.0, 250_000.0)]
    assert ["this network, beyond the scale" in page for page in legends] == [False, True]
    assert "$250,000" in far.text
    assert set(far.values("class", "g")) == {"mark student beyond", "mark reference", "mark baseline"}
    field = field_figure(replace(an_error(9e8), baselines=(Baseline("mean", 115_000.0, 900.0),)))
    assert Page(field).values("class", "g").count("mark student beyond") == 1


def test_one_seed_has_no_mean() -> None:
    """With one seed nothing speaks of a mean or of several seeds, and figures of that seed are named as such."""
    alone = replace(a_comparison(), scores=a_comparison().scores[:1], spread=0.0)
    page = Page(render_page(replace(a_pass(), comparison=alone, runs=a_pass().runs[:1])))
    text = " ".join(page.text.split())
    assert "88.9% (this seed)" in text
    assert not [
        words for words in ("all seeds", "bold: their mean", "± their spread", "reference's mean") if words in text
    ]
    assert Page(seeds_figure(alone)).values("class", "g").count("mark student") == 1
    assert "91.3% 1 seed" in " ".join(an_index(replace(a_pass(), comparison=alone)).text.split())


def test_one_seed_has_no_spread() -> None:
    """Of a single seed no figure has a spread, and a replay's training, which is not timed, has no time."""
    alone = a_comparison()
    alone = replace(alone, scores=alone.scores[:1], spread=0.0)
    report = replace(a_referral(), comparison=alone, runs=(replace(a_run(11), seconds=0.0),))
    page = Page(render_page(report))
    assert "±" not in page.text
    assert "over 1 seed: this submission 91.3%" in page.values("aria-label", "svg")[0]
    assert "0.0 s" not in page.text.partition("Stopped early")[2].partition("Versions")[0]


def test_a_stated_score_is_known() -> None:
    """What a cell states stands beside the training again, once, and why the checker has no figure of its own; a figure
    that has a warning is not repeated."""
    note = "the layer `Block` is not a built-in Keras layer, so only its own code could say"
    own = OwnResult(model=3, cell=14, metric="accuracy", note=note)
    claim = replace(a_pass().claim, cell=6, stated=0.913, measured=0.913, sentence="")
    alone = replace(a_comparison(), scores=a_comparison().scores[:1])
    report = replace(a_pass(), own_results=(own,), claim=claim, comparison=alone)
    why = "The checker cannot recompute the file's own score: the layer `Block` is not a built-in Keras layer."
    assert as_trained(report) == f"Cell 6 states 91.3%; trained again it is also 91.3%. {why}"
    apart = replace(report, claim=replace(claim, stated=0.92))
    assert as_trained(apart).startswith("Cell 6 states 92.0%; trained again it is 91.3%.")
    assert as_trained(replace(report, claim=None)) == why
    assert as_trained(replace(report, claim=replace(claim, sentence="Other."))) == why
    mean = replace(report, comparison=a_comparison())
    assert as_trained(mean).startswith("Cell 6 states 91.3%; trained again the mean is also 91.3%.")
    shown = StudentCell(a_cell(4, "class Block(Layer):\n    pass"), True)
    defined = replace(report, cells=(shown,), agreed=Agreed(compared=(), note=note))
    assert as_trained(defined).endswith("recompute the file's own score, because `Block` is the file's own code.")
    text = Page(render_page(defined)).text
    assert text.count("is the file's own code") == 1
    assert "Not compared" not in text


def test_the_legend_has_no_curve_that_is_not_drawn() -> None:
    """Without development rows the legend names none; a logarithmic axis is named."""
    runs = tuple(replace(run, history={"loss": (90.0, 1.0, 0.1)}) for run in a_pass().runs)
    page = Page(render_page(replace(a_pass(), runs=runs)))
    assert "key development" not in page.values("class", "svg")
    assert "Loss by epoch (log scale)" in page.text
    assert "key development" in PAGES["pass"].values("class", "svg")


@pytest.mark.parametrize(("is_running", "end"), [(False, 2), (True, 1)])
def test_a_changed_networks_mean_is_of_all_seeds(is_running: bool, end: int) -> None:
    """The mean of a changed network ends with the seed that stopped first; one that still runs does not count yet."""
    changed = [{"loss": (4.0, 1.0)}, {"loss": (5.0, 3.0, 9.0)}]
    ((heading, drawing),) = compared([{"loss": (3.0, 2.5, 2.25)}], changed, 3, is_running)
    assert heading == "Loss by epoch" and f"original ends at 2.25, changed ends at {end}" in drawing


def test_the_network_stands_among_traditional_models() -> None:
    """The submission, the reference and each traditional model have a row, the best on top, with mean and mark."""
    drawing = Page(field_figure(a_comparison()))
    words = (
        "random forest 97.4%, reference 91.9%, this submission 91.3%, logistic regression 80.7%, majority class 44.1%"
    )
    assert drawing.values("aria-label", "svg") == [f"Mean accuracy, the best first: {words}"]
    assert drawing.values("class", "g") == ["mark baseline", "mark reference", "mark student", *["mark baseline"] * 2]
    assert "Among traditional models" in PAGES["pass"].text


def test_of_errors_the_smallest_is_on_top() -> None:
    """An error beyond all others lies at the edge, and the others stay apart."""
    field = (Baseline("mean", 115_000.0, 900.0), Baseline("linear regression", 69_000.0, 900.0))
    (words,) = Page(field_figure(replace(an_error(9e8), baselines=field))).values("aria-label", "svg")[:1]
    assert words.endswith(
        "reference $53,410, linear regression $69,000, always the mean $115,000, this submission $900,000,000"
    )


def test_without_other_models_no_field_is_drawn() -> None:
    """A self-check, which has committed scores alone, shows no traditional models but the one that decides."""
    alone = replace(a_pass(), comparison=replace(a_comparison(), baselines=()))
    assert "Among traditional models" not in render_page(alone)


def test_the_test_is_told_in_figures() -> None:
    """Beside the bar stand the level, what these seeds can tell, the standard error, and how sure they are."""
    text = " ".join(PAGES["pass"].text.split())
    assert "A mean within 0.21 points of the bar cannot be decided with these seeds (level 0.1" in text
    assert "standard error 0.14 points" in text
    assert "Clearly better than the bar: 91.3%, and a PASS needs 88.9% or more." in text
    assert "does as well as this one, or better, is less than 0.1%" in text


@pytest.mark.parametrize(
    ("compared", "said"),
    [
        (a_comparison(0.7), "Clearly worse than the bar: 70.0%, and a PASS needs 88.9% or more."),
        (an_error(222_168.0), "Clearly worse than the bar: $222,168, and a PASS needs $63,410 or less."),
        (an_error(58_148.0), "Clearly better than the bar: $58,148, and a PASS needs $63,410 or less."),
    ],
)
def test_the_side_of_the_bar_is_told_as_better_or_worse(compared: Comparison, said: str) -> None:
    """Above the bar is worse for an error, so the words do not say above or below."""
    assert side_of_the_bar(compared) == said


def test_what_the_trainings_show_is_told() -> None:
    """Each observation is a sentence near the learning curves, made safe."""
    said = (Observation(Symptom.OVERFITS, "From epoch 12 on <b>it</b> overfits."),)
    page = render_page(replace(a_pass(), observations=said))
    assert "From epoch 12 on &lt;b&gt;it&lt;/b&gt; overfits." in page
    assert page.index("Learning curves") < page.index("From epoch 12") < page.index("Loss by epoch")


def test_missing_values_interrupt_a_curve() -> None:
    """The line has a gap where a history has no value."""
    run = replace(a_run(11), history={"loss": (1.0, 0.8, None, 0.5, 0.4)})
    ((heading, drawing),) = curves([run]).charts
    (path,) = Page(drawing).values("d", "path")
    assert heading == "Loss by epoch"
    assert re.sub(r"[\d ]+", "", path) == "MLML"


def test_a_value_alone_between_gaps_is_still_seen() -> None:
    """A single value is drawn as a dot."""
    ((_, drawing),) = curves([replace(a_run(11), history={"accuracy": (None, 0.8, None)})]).charts
    assert Page(drawing).values("d", "path")[0].endswith("h0")


def test_histories_without_values_are_not_drawn() -> None:
    """Nothing is drawn of trainings that kept no history, or only gaps."""
    assert not curves([replace(a_run(11), history={})]).charts
    assert not curves([replace(a_run(11), history={"loss": (None, None)})]).charts


@pytest.mark.parametrize(("loop", "said"), [(Loop.GRAPH, "bit for bit"), (Loop.XLA, "XLA"), (Loop.FIT, "run again")])
def test_how_it_was_trained_again_is_said(loop: Loop, said: str) -> None:
    """The page says which of the three loops took the steps."""
    report = replace(a_pass(), runs=tuple(replace(run, loop=loop) for run in a_pass().runs))
    (caption,) = re.findall(r"Each training: [^<]*", render_page(report))
    assert said in caption


def test_long_trainings_are_thinned() -> None:
    """Ten thousand epochs make a page no heavier than a few hundred."""
    assert sum(len(drawing) for _, drawing in curves([a_run(seed, 10_000) for seed in range(5)]).charts) < 80_000


@pytest.mark.parametrize(
    "values", [[0.9], [0.0, 1.0], [0.9118, 0.9121], [-3.0, 40.0], [1e20, 1e20], [2.0, 2.0 + 1e-12]]
)
def test_scales_hold_their_values_and_name_round_numbers(values: list[float]) -> None:
    """Every value has its place inside the chart, in order, and ticks lie on the scale."""
    scale = fitting(values)
    places = [scale.place(value) for value in values]
    assert all(0 < place < 1 for place in places)
    assert places == sorted(places)
    assert len(scale.ticks()) <= 8
    assert all(scale.low <= tick <= scale.high for tick in scale.ticks())


def test_a_loss_that_falls_far_is_drawn_on_a_logarithmic_scale() -> None:
    """Equal factors are equal distances."""
    scale = Scale(0.001, 10, logarithmic=True)
    assert scale.place(0.1) - scale.place(0.01) == pytest.approx(scale.place(10) - scale.place(1))
    assert scale.ticks() == pytest.approx([0.001, 0.01, 0.1, 1, 10])


@pytest.mark.parametrize(("low", "factor"), [(0.3, 31), (1.02, 98), (0.011, 31), (9.0, 99), (2e-7, 32)])
def test_a_logarithmic_scale_has_two_labels(low: float, factor: float) -> None:
    """Where fewer than two powers of ten lie on the scale, their doubles and fives are labelled, too."""
    scale = Scale(low, low * factor, logarithmic=True)
    assert 2 <= len(scale.ticks()) <= 6
    assert all(scale.low <= tick <= scale.high for tick in scale.ticks())


# -- the index -------------------------------------------------------------------------------------------


def test_the_index_can_be_sorted_and_filtered() -> None:
    """Each row carries its verdict and decision, and a value to sort by in every column but the reason."""
    page = an_index(a_pass(mean=0.9), a_fail("Kurt"))
    assert page.values("data-verdict", "tr") == ["FAIL", "PASS"]
    assert page.values("data-decision", "tr") == ["none", "none"]
    keys = page.values("data-sort")
    assert (keys[0], keys[4]) == ("kurt", "ada lovelace")
    assert [float(key) for key in keys[1:4]] == [1, 0, -9]
    assert [float(key) for key in keys[5:8]] == [2, 0, 0.9]


def a_decided_index(**decisions: str) -> Page:
    """Return the index of submissions of these names; the first letter of a name is its verdict's."""
    kinds = {"p": a_pass, "f": a_fail, "r": a_referral}
    entries = [Entry(kinds[name[0]](name), f"{name}.html", decision) for name, decision in decisions.items()]
    return Page(render_index("Practical 4", entries, [], DATA))


def test_what_a_demonstrator_has_to_decide_comes_first() -> None:
    """REFER stands above FAIL and FAIL above PASS; in each the undecided come first, then the names decide, without
    capitals and accents."""
    page = a_decided_index(
        pb="", pä="", pA="tick", fb="", fa="resubmit", fc="", r="tick"
    )  # fmt: skip
    rows = [attrs["href"] for tag, attrs in page.elements if tag == "a" and (attrs["href"] or "").endswith(".html")]
    assert list(dict.fromkeys(rows))[:7] == ["./r.html", "./fb.html", "./fc.html", "./fa.html", "./p%C3%A4.html",
                                             "./pb.html", "./pA.html"]  # fmt: skip


def test_the_index_counts_decisions() -> None:
    """How many are decided stands at the top, and each choice of the filter says how many it leaves."""
    text = " ".join(a_decided_index(p="tick", pb="tick", fa="resubmit", r="").text.split())
    assert "3 of 4 decided" in text
    assert "undecided (1) resubmit (1) tick (2)" in text


def test_a_page_on_an_earlier_file() -> None:
    """A page on an earlier file says so, leads to the index, and to nothing on the newer file; all else stays."""
    made = render_page(a_pass(), "../index.html", "../students/ada.html", "../reproduce/ada.py")
    page = as_earlier(with_neighbours(made, Neighbours(2, 3, "../reports/grace.html", "../reports/linus.html")))
    hrefs = [attrs["href"] for tag, attrs in Page(page).elements if tag == "a" and not attrs["href"].startswith("#")]
    assert hrefs == ["./../../index.html"]
    assert page.count("On an earlier file of this submission.") == 1
    lost = set(made.splitlines()) - set(page.splitlines())
    assert len(lost) == 3
    assert all("../" in line for line in lost)


def test_an_absence_decides_nothing() -> None:
    """Who was absent, or waits for a second opinion, is still to be decided, and stands with those."""
    page = a_decided_index(pa="tick", pb="absent", pc="second opinion", pd="")
    text = " ".join(page.text.split())
    assert "1 of 4 decided" in text
    assert "undecided (1) absent (1) second opinion (1) tick (1)" in text
    assert page.values("data-decision", "tr") == ["absent", "second opinion", "none", "tick"]


def test_the_index_counts_verdicts_and_tells_where_the_class_stumbled() -> None:
    """Counts stand beside verdicts; rules that failed are counted over the class."""
    page = an_index(a_pass("A"), a_pass("B"), a_fail())
    text = " ".join(page.text.split())
    assert "3 submissions: 1 FAIL, 2 PASS" in text
    assert "All 3 REFER 0 FAIL 1 PASS 2" in text
    assert "No development set advice 2" in text


def test_a_rule_counts_those_it_was_checked_on() -> None:
    """A submission that a rule could not be checked on is no part of the number that missed it."""
    unknown = replace(a_pass().rules[1], outcome=Outcome.UNKNOWN)
    page = an_index(a_pass("A"), a_pass("B"), replace(a_pass("C"), rules=(unknown,)))
    assert "No development set advice 2 of 2" in " ".join(page.text.split())


def test_a_fail_without_a_missed_rule_is_counted_apart() -> None:
    """The table of rules says how many FAIL it does not explain, and nothing if there are none."""
    below = replace(a_pass("A", mean=0.8), verdict=Verdict.FAIL)
    assert "1 FAIL missed no required rule" in an_index(below, a_fail()).text
    assert "missed no required rule" not in an_index(a_pass(), a_fail()).text


def test_the_traditional_model_that_decides_is_named() -> None:
    """No figure, table or index calls it a baseline, which no page explains; the index draws and tells it once."""
    index, page = an_index(a_pass(), a_fail()), Page(render_page(a_pass()))
    for shown in (index, page):
        assert "baseline" not in shown.text.lower()
        assert not [words for words in shown.values("aria-label", "svg") if "baseline" in words]
    assert index.text.count("logistic regression 80.7%") == 2


@pytest.mark.parametrize(
    ("lines", "right"),
    [
        ([(0.3, 15), (0.5, 10), (0.9, 15)], 0),
        ([(0.2, 24), (0.8, 10), (0.9, 15)], 1),
        ([(0.02, 15), (0.3, 10), (0.5, 15)], 3),
    ],
)
def test_a_long_name_stands_on_the_side_with_room(lines: list[tuple[float, int]], right: int) -> None:
    """A guide's name has room on a phone's screen, however long it is."""
    assert on_the_right(lines) == right


def test_unfinished_submissions_stand_apart() -> None:
    """A harness's failure is named as one, and is no row of the table."""
    page = PAGES["index"]
    assert "Kurt disk full" in page.text
    assert "None of this is the student's fault." in page.text
    assert len(page.values("data-verdict", "tr")) == 3


def is_live(page: Page) -> bool:
    """Tell whether a page reloads itself, with a script and without."""
    refreshes = "refresh" in page.values("http-equiv")
    assert refreshes is any("data-live" in attrs for _, attrs in page.elements)
    return refreshes


def test_the_index_tells_what_is_under_way() -> None:
    """While a batch runs, the index names what runs, in which stage, and what waits, and reloads itself; later not."""
    under_way = [UnderWay("Ada", "running its cells"), UnderWay("Grace"), UnderWay("Kurt")]
    page = Page(render_index("Practical 4", [Entry(a_pass(), "a.html")], [], DATA, under_way))
    text = " ".join(page.text.split())
    assert "1 submission so far: 1 PASS" in text
    assert "Under way: 1 running, 2 waiting" in text
    assert "Ada running its cells" in text
    assert "Grace, Kurt" in text
    assert is_live(page)
    assert not is_live(an_index(a_pass()))


def test_an_interrupted_batch_leaves_an_index_that_says_so() -> None:
    """What an interrupted batch has not ended still has to be checked, and no page reloads in vain."""
    under_way = [UnderWay("Ada", "running its cells")]
    page = Page(render_index("Practical 4", [Entry(a_pass(), "a.html")], [], DATA, under_way, is_stopped=True))
    assert "Interrupted: 1 submission is still to be checked" in page.text
    assert not is_live(page)


def test_a_page_leads_to_its_neighbours() -> None:
    """The first page leads to the next, the last to the one before, and each says its place; a second writing of the
    links replaces the first, and the students' edition has none."""
    entries = [Entry(a_pass(name), f"reports/{name}.html") for name in ("ä b", "c", "d")]
    page = render_page(a_pass("c"), "../index.html")
    first, second, third = (Page(with_neighbours(page, of)) for of in neighbours(entries, "../"))
    links = ["./../reports/%C3%A4%20b.html", "./../reports/d.html"]
    assert [link for link in second.values("href") if link in links] == links
    assert all(f"{at} of 3" in page.text for at, page in enumerate((first, second, third), start=1))
    assert (first.values("rel", "a"), third.values("rel", "a")) == (["next"], ["prev"])
    assert with_neighbours(second.source, Neighbours(1, 1)) == with_neighbours(page, Neighbours(1, 1))
    assert with_neighbours(render_student_page(a_pass()), Neighbours(1, 2, "", "b")) == render_student_page(a_pass())


def test_a_page_says_what_is_decided_or_how_to_decide() -> None:
    """A decision stands below the box. Without one, rows for the table of decisions do, which it reads as they are."""
    student = "Zoë, <b>"
    page = render_page(a_pass(student), "../index.html")
    entries = [Entry(a_pass("Ada"), "a.html", "tick"), Entry(a_pass(student), "b.html")]
    decided, open_ = (with_neighbours(page, of) for of in neighbours(entries, "../"))
    assert "Decided: <strong>✓ tick</strong>" in decided
    for one, words in ((decided, "Decided: "), (open_, "Record your decision: tick / resubmit")):
        assert one.index('class="lead"') < one.index(words) < one.index('id="questions"')
    assert "decisions.csv" not in decided
    (rows,) = re.findall(r'<details class="decide">.*?<pre tabindex="0">(.*?)</pre>', open_, re.DOTALL)
    for row, decision in zip(unescape(rows).splitlines(), (Decision.TICK, Decision.RESUBMIT), strict=True):
        table = f"{','.join(decisions.COLUMNS)}\n{row}\n"
        assert decisions.read(table.encode()) == {names.student(student): Decided(decision)}
    assert "Decided" not in open_


def test_the_index_has_room_for_a_decision_on_paper() -> None:
    """Whoever is undecided has boxes to mark with a pen, and whoever is decided has none."""
    page = a_decided_index(p="tick", r="")
    assert page.text.count("☐ tick ☐ resubmit") == 1
    assert render_page(a_pass()).count("☐ tick ☐ resubmit") == 1
    assert "☐" not in render_student_page(a_pass())


def test_the_page_says_what_its_curves_are_of() -> None:
    """The loss has its name, a regression's its targets; where trainings stopped at different epochs that is said."""
    assert "The loss is <code>SparseCategoricalCrossentropy</code>." in render_page(a_pass())
    scaled = replace(a_price().tracing, target=TargetScale(1e-5, 0.0))
    assert "in scaled units, value / 100,000, not in dollars." in curves_in_words(
        replace(a_price(), tracing=scaled)
    ).replace("`", "")
    plain = replace(a_price().tracing, target=TargetScale(1.0, 0.0))
    assert "in dollars." in curves_in_words(replace(a_price(), tracing=plain))
    assert "stopped" not in curves_in_words(a_pass())
    runs = (a_run(11, epochs=5), a_run(23, epochs=8))
    assert "A bold line ends where the first" in curves_in_words(replace(a_pass(), runs=runs))


def test_the_figures_are_explained_where_they_stand() -> None:
    """The bar, the reference, the baseline and ± have a line each, on every page with a score, and on the index."""
    for name in ("pass", "price", "student's pass"):
        text = " ".join(PAGES[name].text.split())
        for words in (
            "or less, for a PASS" if name == "price" else "needed for a PASS",
            "the lecturer's solution",
            "a traditional model",
            "trainings ± their spread",
        ):
            assert words in text
        assert "± is the standard deviation between the trainings" in text
    assert re.search(r"The bar \(\d\d\.\d%\) is what a PASS needs", PAGES["index"].text)


def test_a_student_cannot_move_the_links() -> None:
    """Marks of the links in a student's text are text."""
    report = a_pass("".join(LINKS))
    page = render_page(report, "../index.html")
    assert with_neighbours(page, Neighbours(1, 2, "", "b.html")).count('rel="next"') == 1
    assert page.count(LINKS[0]) == 1


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (a_pass(), "Reaches the bar of 88.9%"),
        (replace(a_fail(), failures=(), cause=None, comparison=a_comparison(0.85)), "No model for the task"),
        (replace(a_fail(), failures=(), rules=(), comparison=a_comparison(0.85)), "Misses the bar of 88.9%"),
        (replace(a_fail(), failures=(), rules=(), comparison=a_comparison(0.75)), "Worse than logistic regression"),
        (replace(a_referral(), rules=(), replayed="own layer"), "Own code in the network"),
        (UNSCALED, "Misses the bar: inputs not scaled?"),
        (replace(UNSCALED, rules=(SCALING,)), "Inputs not scaled"),
    ],
)
def test_the_index_has_one_short_reason(report: Report, reason: str) -> None:
    """What led to the verdict stands in a few words that fit a phone's line."""
    assert in_brief(report) == reason
    assert len(reason) <= 36  # as much as stands beside a score
    assert reason in an_index(report).text


@pytest.mark.parametrize("cause", FailureCause)
def test_every_failure_has_a_short_reason(cause: FailureCause) -> None:
    """Whatever stopped a submission is said in a line, with its cell."""
    failure = Failure(stage=Stage.EXECUTING, cause=cause, rationale="Long.", help="", cell=12)
    reason = in_brief(replace(a_fail(), verdict=blame.VERDICTS[cause], failures=(failure,), cause=None))
    assert reason.endswith(" (cell 12)")
    assert len(reason) <= 48


def test_code_in_a_sentence_is_shown_as_code() -> None:
    """No backtick reaches a reader, and what stands between two is escaped."""
    page = render_index("P", [], [Unfinished("Kurt", "run `checker <b>` again")], DATA)
    assert "run <code>checker &lt;b&gt;</code> again" in page


def test_links_of_the_index_stay_beside_it() -> None:
    """A page's path is quoted, whatever a student called the file, and is never another scheme or host."""
    paths = ["javascript:alert(1)", "//evil.example/x", "Zoë #1?/100%.html", "\ud800"]
    page = Page(render_index("t", [Entry(a_pass(), path) for path in paths], [], DATA))
    links = list(dict.fromkeys(href for href in page.values("href") if not href.startswith("#")))
    assert links == [
        "./javascript%3Aalert%281%29",
        ".///evil.example/x",
        "./Zo%C3%AB%20%231%3F/100%25.html",
        "./%3F",
    ]


def test_each_accuracy_is_a_block_on_the_lane_of_its_verdict() -> None:
    """The cohort's figure has a block for every accuracy, which leads to its page, beside the bar and other models."""
    page = an_index(a_pass("A"), a_pass("B"), a_referral(), a_fail())
    blocks = [attrs for tag, attrs in page.elements if tag == "a" and attrs.get("tabindex") == "-1"]
    found = [(attrs["class"], attrs["href"]) for attrs in blocks]
    assert found == [("pass", "./0/report.html"), ("pass", "./1/report.html"), ("refer", "./2/report.html")]
    uprights = [name for name in page.values("class", "line") if name.startswith("upright")]
    assert sorted(uprights) == ["upright bar", "upright baseline", "upright reference"]
    assert "A: 91.3%, PASS" in page.text
    for model in FIELD:
        assert f"{model.name} " in page.text


def test_the_cohort_s_figure_is_told_in_words() -> None:
    """The figure's text alternative says how the accuracies of each verdict are spread, and what they are compared
    with."""
    (words,) = an_index(a_pass(mean=0.91), a_pass(mean=0.95), a_referral()).values("aria-label", "svg")
    assert words == (
        "Mean accuracy of 3 submissions: PASS 2, from 91.0% to 95.0%, median 93.0%; "
        "REFER 1, from 88.8% to 88.8%, median 88.8%. Beside them: bar 88.9%, reference 91.9%, "
        "logistic regression 80.7%, majority class 44.1%, random forest 97.4%"
    )


def test_a_void_score_does_not_look_like_a_score() -> None:
    """A score that says nothing about the network is grey and named in the table, hollow and not counted in the
    figure; without one, nothing is said of it."""
    cause = Cause(CauseKind.LEAK, "Column 3 gives the class away.", "Take it out.")
    leak = replace(a_pass("Leaky", 1.0), verdict=Verdict.FAIL, cause=cause)
    index = render_index("Practical 4", [Entry(a_pass(), "reports/a.html"), Entry(leak, "reports/b.html")], [], DATA)
    assert '<td class="figure void" data-sort="1.0">100.0%<small class="single"> void</small></td>' in index
    assert 'class="void"' in index.partition("<figure>")[2]
    assert "FAIL, void" in index
    assert "Mean accuracy of 2 submissions: PASS 1, from 91.3% to 91.3%, median 91.3%; 1 void." in index
    assert "A void score" in index
    plain = render_index("Practical 4", [Entry(a_pass(), "reports/a.html")], [], DATA)
    assert "void" not in Page(plain).text


def test_a_score_with_the_data_s_labels_is_called_that_in_the_index() -> None:
    """The page of a file with other labels gives the score with the data's; the index calls it the same, not void."""
    cause = Cause(CauseKind.LABELS, "Half of the labels differ.", "Take the data's.")
    other = replace(a_pass("Other"), verdict=Verdict.FAIL, cause=cause)
    index = render_index("Practical 4", [Entry(a_pass(), "reports/a.html"), Entry(other, "reports/b.html")], [], DATA)
    assert '91.3%<small class="single"> with the data&#39;s labels</small></td>' in index
    assert "FAIL, with the data&#39;s labels" in index.partition("<figure>")[2]
    assert "“With the data's labels”: the file trained on others." in Page(index).text
    assert "void" not in Page(index).text


def test_the_cohort_s_bar_is_of_the_most_seeds() -> None:
    """The figure's bar is that of a whole set of seeds, not of a single one, nor of one with further seeds."""
    whole = a_comparison()
    alone = replace(whole, scores=whole.scores[:1], bar=0.5)
    further = replace(whole, scores=whole.scores * 2, further=len(whole.scores), bar=0.6)
    page = an_index(*(replace(a_pass(), comparison=compared) for compared in (alone, further, whole)))
    assert "Beside them: bar 88.9%" in page.values("aria-label", "svg")[0]


def test_a_class_that_is_never_predicted_is_named() -> None:
    """It is named at the confusion matrix where no observation says it."""
    confusion = tuple((0, *row[1:]) for row in a_comparison().confusion)
    report = replace(a_fail(), comparison=replace(a_comparison(0.8), confusion=confusion))
    words = f"{report.classes[0]} is never predicted."
    assert words in Page(render_page(report)).text
    told = replace(report, observations=(Observation(Symptom.NEVER_PREDICTED, "One is rare."),))
    assert words not in Page(render_page(told)).text


@pytest.mark.parametrize(("report", "far"), [(a_pass, 0.2), (a_price, 9e8)], ids=["accuracy", "error"])
def test_who_is_far_off_does_not_squeeze_the_others(report: Any, far: float) -> None:
    """The worst tenth lie at the edge of the axis, and are counted above the figure; the others keep their room."""
    near = report().comparison
    means = [near.baseline_mean + at * (near.reference_mean - near.baseline_mean) / 20 for at in range(19)]
    reports = [replace(report(f"{at}"), comparison=replace(near, mean=mean)) for at, mean in enumerate([*means, far])]
    page = an_index(*reports)
    assert "1 submission lies beyond the scale" in page.text
    assert len(set(page.values("x", "rect")[: len(reports)])) > 15


def test_a_large_cohort_s_figure_is_no_higher() -> None:
    """Five hundred submissions of one accuracy make a figure as high as fifty do."""

    def height(count: int) -> float:
        (chart,) = (
            attrs for tag, attrs in an_index(*[a_pass()] * count).elements if attrs.get("class") == "chart cohort"
        )
        return float(chart["height"] or "")

    assert height(2) < height(50) == height(500)


def test_rows_carry_the_rules_they_failed() -> None:
    """A row names the rules its submission failed by their places among the choices, required rules first."""
    page = an_index(a_pass("A"), a_pass("B"), a_fail())
    assert page.values("data-rules") == ["0", "1", "1"]
    assert page.values("value", "option") == ["", "none", "", "0", "1"]
    assert "No development set (2)" in page.text
    assert page.values("data-rule", "a") == ["0", "1"]


def test_without_a_script_the_index_is_a_plain_table() -> None:
    """What only a script can do is hidden until it has run; counts are said above."""
    page = an_index(a_pass("A"), a_pass("B"), a_fail())
    tools = next(attrs for tag, attrs in page.elements if attrs.get("class") == "tools")
    assert "hidden" in tools
    assert "1 FAIL, 2 PASS" in " ".join(page.text.split())
    assert not [attrs for tag, attrs in page.elements if tag == "tr" and "hidden" in attrs]


# -- contrast --------------------------------------------------------------------------------------------


def _themes() -> list[dict[str, tuple[float, ...]]]:
    """Return the style sheet's colours in the light and in the dark theme."""
    css = files("checker.report").joinpath("templates/style.css").read_text("utf-8")
    light, dark = (re.findall(r"--([\w-]+): (#\w{6}|\d+ \d+ \d+);", block) for block in css.split("@media")[:2])
    return [{name: _colour(value) for name, value in theme} for theme in (light, dark)]


def _colour(value: str) -> tuple[float, ...]:
    parts = re.findall("..", value[1:]) if value.startswith("#") else value.split()
    return tuple(int(part, 16 if value.startswith("#") else 10) / 255 for part in parts)


def _contrast(one: Sequence[float], other: Sequence[float]) -> float:
    def luminance(colour: Sequence[float]) -> float:
        linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_in_both_themes(theme: int) -> None:
    """Every pair of text and ground that the style sheet uses has the contrast that WCAG AA asks for."""
    colours = _themes()[theme]
    grounds = ("paper", "surface", "sunk")
    inks = (
        "ink",
        "muted",
        "link",
        "pass",
        "fail",
        "refer",
        "word",
        "text",
        "number",
        "name",
        "comment",
        "reference",
    )
    pairs = [(ink, ground) for ink in inks for ground in grounds]
    pairs += [("on-verdict", v) for v in ("pass", "fail", "refer")]
    pairs += [(v, f"{v}-soft") for v in ("pass", "fail", "refer")] + [
        ("ink", "filling"),
        ("ink", "refer-soft"),
    ]
    weak = {pair: _contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
    assert min(_contrast(colours["edge"], colours[ground]) for ground in grounds) >= 3


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_the_hottest_cells_can_be_read_in_both_themes(theme: int) -> None:
    """The strongest heat of the confusion matrix leaves its numbers readable."""
    colours = _themes()[theme]
    for heat, strength in (("right", 0.50), ("wrong", 0.55)):
        ground = [strength * c + (1 - strength) * p for c, p in zip(colours[heat], colours["paper"], strict=True)]
        assert _contrast(colours["ink"], ground) >= 4.5


# -- the terminal ----------------------------------------------------------------------------------------


def test_the_terminal_tells_a_student_what_to_do() -> None:
    """Verdict, reasons, what failed and where, what to do, advice, and where the page lies."""
    text = printed(a_fail(), width=80)
    for words in (
        "FAIL",
        "No model for this task was found.",
        "while executing, cell 2",
        "'lr': 0.01",
        "What to do: Spell it learning_rate, not lr.",
        "None was found.",
        "out/report.html",
    ):
        assert words in text
    text = printed(a_pass(), width=80)
    for words in (
        "PASS",
        "No validation_data or validation_split was given to fit.",
        "What to do: Pass validation_data",
        "91.3% ± 0.4",
        "2 of 4 rules passed",
    ):
        assert words in text


@pytest.mark.parametrize("report", [a_pass(), a_fail(), a_referral()], ids=["pass", "fail", "refer"])
def test_a_pipe_gets_plain_text(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal, under NO_COLOR, no escape is written, hostile or ours, and 80 columns are kept."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    text = printed(poisoned(report))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert "[bold]rich[/bold]" in text


def test_no_color_leaves_a_terminal_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR takes the colours away that a terminal would otherwise get."""
    colour = re.compile(r"\x1b\[(?:[\d;]*;)?[34][0-7][;m]")
    assert colour.search(printed(a_pass(), force_terminal=True, color_system="standard"))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour.search(printed(poisoned(a_pass()), force_terminal=True, color_system="standard"))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_without_unicode_is_no_obstacle(encoding: str) -> None:
    """What an encoding lacks becomes a question mark; nothing is raised."""
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding=encoding), width=80)
    print_report(console, poisoned(a_pass("王小明")), "out")
    print_summary(console, [a_pass("王小明"), a_fail()], [Unfinished("王", "小")], "out")
    console.file.flush()
    assert "???" in raw.getvalue().decode(encoding)


def test_the_summary_has_a_line_for_each_submission_and_counts() -> None:
    """Names, verdicts, accuracies, reasons, counts, what was not finished and why that is nobody's fault, and
    last the page to open."""
    out = io.StringIO()
    reports = [a_pass(), a_fail(), a_referral(), poisoned(a_pass())]
    print_summary(Console(file=out, width=100), reports, [Unfinished("Kurt", "disk full")], "out/")
    text = out.getvalue()
    assert text.splitlines()[-1] == "Open out/index.html"
    for words in (
        "Ada Lovelace",
        "91.3%",
        "88.8%",
        "No model for the task",
        "4 submissions: 2 PASS, 1 FAIL, 1 REFER",
        "Not finished: Kurt: disk full",
        "Not the students' fault",
    ):
        assert words in text
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_summary_keeps_to_its_columns(width: int) -> None:
    """Each submission has one line, which the terminal is wide enough for; of a long name both ends are there, and a
    narrow terminal leaves reasons out."""
    names = ["Ada Lovelace", "Wolfeschlegelsteinhausenbergerdorff, Hubert Blaine 12345", "王小明" * 20]
    reports = [a_fail(name) for name in names]
    out = io.StringIO()
    print_summary(Console(file=out, width=width), reports, [], "a/folder/with/a/long/path" * 6)
    *lines, last = out.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    assert lines[1].startswith("Ada Lovelace ")
    assert lines[2].startswith("Wolfes") and "…" in lines[2] and "12345" in lines[2]
    assert ("Reason" in lines[0]) == (width > 60)
    assert last.endswith("/index.html")


# -- tables ----------------------------------------------------------------------------------------------


def test_results_json_is_read_back_as_records() -> None:
    """The schema comes first; reports are whole but for cells, histories and histograms."""
    spread = Histogram(-0.5, 0.5, (3, 4))
    runs = tuple(replace(run, weights=(Weights("1_Dense/kernel", spread, spread),)) for run in a_pass().runs)
    written = results_json([replace(a_pass(), runs=runs), a_fail()], [Unfinished("Kurt", "disk full")], DATA)
    assert next(iter(json.loads(written))) == "schema"
    results = from_json(Results, written)
    assert [report.verdict for report in results.reports] == [Verdict.PASS, Verdict.FAIL]
    assert results.reports[0].rules == a_pass().rules
    assert results.reports[0].cells == ()
    assert (results.reports[0].runs[0].history, results.reports[0].runs[0].weights) == ({}, ())
    assert results.unfinished == (Unfinished("Kurt", "disk full"),)


def test_results_json_bears_hostile_text_and_numbers() -> None:
    """Everything is ASCII, lone surrogates are replaced, and what is not a number is null."""
    report = replace(poisoned(a_pass()), comparison=replace(a_comparison(), band=math.nan))
    plain = json.loads(results_json([report], [], DATA).decode("ascii"))["reports"][0]
    assert plain["comparison"]["band"] is None
    assert plain["submission"]["name"].startswith("Ada Lovelace<script>")


def test_who_handed_in_is_on_page_index_and_csv() -> None:
    """What an upload tells of a student is shown everywhere, and nothing in it acts."""
    who = Identity(
        platform=Platform.GRADESCOPE,
        number="77",
        name="=Ada",
        email="<b>@x",
        submitted_at="2026\u202e-01-31",
        is_late=True,
    )
    report = a_pass()
    report = replace(report, submission=replace(report.submission, identity=who))
    shown = "Gradescope number 77 · &lt;b&gt;@x · handed in 2026\N{REPLACEMENT CHARACTER}-01-31 · late"
    assert shown in render_page(report)
    assert shown in render_index("Tick", [Entry(report, "a.html")], [], DATA)
    row = next(csv.DictReader(io.StringIO(results_csv([report]))))
    assert [row[key] for key in ("platform", "number", "student", "late")] == ["Gradescope", "77", "'=Ada", "yes"]


def test_questions_point_to_a_cell_or_a_figure() -> None:
    """Each question has its topic, a link to what it is about, and its answer folded away."""
    page = PAGES["pass"].source.partition('id="questions"')[2].partition("</section>")[0]
    assert "Why is &lt;b&gt;ReLU&lt;/b&gt; there?" in page
    assert re.findall(r'<p class="where">([^<:]*)(?:<span>)?: <a href="(#[^"]*)">', page) == [
        ("the network", "#cell-13"),
        ("the evaluation", "#confusion"),
    ]
    assert re.findall(r'<details class="[^"]*"><summary>A good answer</summary><p>([^<]*) <span', page) == [
        "It bends.",
        "ISLAND.",
    ]


def test_on_paper_questions_point_to_nothing_that_is_not_printed() -> None:
    """The figure that a question is about is named on paper only if it is printed: not the inputs, and no figure of
    scores that mean nothing."""

    def is_printed(report: Report, figure: Figure) -> bool:
        asked = Question(topic=Topic.DATA, ask="Why?", good="So.", cell=None, figure=figure)
        page = render_page(replace(report, questions=(asked,)))
        return '<p class="where">the data<span>: <a href' in page

    cause = Cause(CauseKind.LEAK, "Column 3 gives the class away.", "Take it out.")
    leak = replace(a_pass(), verdict=Verdict.FAIL, cause=cause)
    assert is_printed(a_pass(), Figure.CONFUSION) and not is_printed(a_pass(), Figure.FEATURES)
    assert not is_printed(leak, Figure.CONFUSION)


def test_a_claim_is_told_beside_the_scores() -> None:
    """What differs is a warning on the page and in the terminal; what agrees is a note on the page."""
    assert "Other figure in the file: The output saved under cell 14 states 97.1%." in PAGES["pass"].text
    assert "Stated otherwise: The output saved under cell 14 states 97.1%." in printed(a_pass(), width=100)
    assert "states $58,000; trained again the mean is " in " ".join(PAGES["price"].text.split())
    assert "Other figure" not in PAGES["price"].text
    assert "Stated otherwise" not in printed(a_price())


@pytest.mark.parametrize("start", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1"])
def test_no_cell_of_the_csv_is_a_formula(start: str) -> None:
    """A cell that a spreadsheet would compute gets an apostrophe before it."""
    report = replace(a_fail(start), reasons=(start,))
    row = next(csv.DictReader(io.StringIO(results_csv([report]))))
    assert row["submission"].startswith("'")
    assert row["reasons"].startswith("'")
    assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_the_csv_keeps_numbers_as_numbers() -> None:
    """Accuracies can be computed with, also where they are negative; missing ones are empty."""
    rows = list(csv.DictReader(io.StringIO(results_csv([a_pass(), a_fail("Line\nbreak")]))))
    assert float(rows[0]["difference"]) == pytest.approx(-0.006)
    assert rows[1]["accuracy"] == ""
    assert rows[1]["submission"] == "Line break"
    assert rows[1]["failed_required"] == "test_model"
    assert rows[0]["failed_advisory"] == "test_watched"


def test_junit_maps_outcomes_as_other_tools_expect() -> None:
    """Failed required is a failure, broken or referred an error, skipped skipped, failed advice passes."""
    reports = [a_pass(), a_fail(), a_referral()]
    root = ElementTree.fromstring(junit_xml(reports, [Unfinished("Kurt", "disk full")]))
    counts = [[suite.get(key) for key in ("tests", "failures", "errors", "skipped")] for suite in root]
    assert counts == [["5", "0", "0", "1"], ["2", "2", "0", "0"], ["2", "0", "2", "0"], ["1", "0", "1", "0"]]
    assert [root.get(key) for key in ("tests", "failures", "errors")] == ["10", "2", "3"]
    advice = root.find(".//testcase[@name='test_watched']/system-out")
    assert advice is not None
    assert "validation_data" in (advice.text or "")
    verdict = root.find("testsuite[@name='Charles Babbage']/testcase[@name='verdict']/failure")
    assert verdict is not None
    assert verdict.get("message") == "No model for this task was found."
    assert "'lr': 0.01" in (verdict.text or "")


MARK = ({"type", "message"}, set(), set())
JUNIT = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package",
         "file", "log", "url"},
        {"name", "tests", "failures", "errors"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name", "time", "classname", "group"},
        {"name"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": MARK, "error": MARK, "skipped": MARK, "system-out": (set(), set(), set()),
}  # fmt: skip
"""Of each element that we write, what the schema of Jenkins's xUnit plugin (junit-10.xsd) says: the attributes that it
may have, those that it must have, and the elements that it may hold."""


def test_junit_is_valid_for_ci_servers() -> None:
    """Every element has attributes and children that Jenkins's schema allows, and all that it requires; times are
    numbers; and no two cases have the same names, which GitLab would take for one."""
    reports = [a_pass(), a_fail(), a_referral()]
    root = ElementTree.fromstring(junit_xml(reports, [Unfinished("Kurt", "disk full")]))
    for element in root.iter():
        allowed, needed, children = JUNIT[element.tag]
        assert needed <= set(element.attrib) <= allowed
        assert {child.tag for child in element} <= children
        assert re.fullmatch(r"\d+(\.\d*)?", element.get("time", "0"))
    assert root.tag == "testsuites"
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(cases)) == len(cases) == 10


def test_junit_holds_no_character_that_xml_forbids() -> None:
    """Hostile reports parse; their names are still recognised."""
    root = ElementTree.fromstring(junit_xml([poisoned(a_fail())], [poisoned(Unfinished("Kurt", "x"))]))
    assert (root[0].get("name") or "").startswith("Charles Babbage<script>")
    assert root[0].get("tests") == "2"


# -- text ------------------------------------------------------------------------------------------------


def test_characters_that_act_become_marks() -> None:
    """Controls become their pictures, the rest a replacement character; lines and tabs stay."""
    assert visible("a\x1b[31m\x00\x7f\x85\u202e\u2066\udc80\ta\r\nb") == "a␛[31m␀␡\ufffd\ufffd\ufffd\ufffd\ta\nb"
    assert visible("naïve 王 🎉") == "naïve 王 🎉"


def test_escapes_of_every_kind_leave_printed_text() -> None:
    """Colours, titles, links and cursor movements vanish; an unfinished escape shows."""
    assert (
        as_printed("\x1b[1;31mred\x1b[0m \x9b2Jx \x1b]8;;http://e\x07link\x1b]8;;\x1b\\ \x1b(B\x1b7.") == "red x link ."
    )
    assert as_printed("1/9\r2/9\r\nnext\x08\x08") == "2/9\nnext"
    assert as_printed("\x1b]never ends") == "␛]never ends"


def test_one_line_is_one_line() -> None:
    """Breaks and runs of space become single spaces; what is too long ends with an ellipsis."""
    assert one_line(" a\n\n b\t c ") == "a b c"
    assert one_line("x" * 500, 10) == "x" * 9 + "…"
    assert one_line("a" + " " * 500 + "b", 10) == "a…"


def test_settings_are_said_without_noise() -> None:
    """Names, nulls and the digits of 32-bit floats are not said; nested objects are."""
    config = {
        "name": "adam",
        "learning_rate": 0.0010000000474974513,
        "clipnorm": None,
        "amsgrad": False,
        "units": 3,
    }
    assert settings(config) == "learning_rate 0.001, units 3"
    schedule = {"learning_rate": {"class_name": "ExponentialDecay", "config": {"decay_steps": 100}}}
    assert settings(schedule) == "learning_rate ExponentialDecay(decay_steps 100)"


# -- regression ------------------------------------------------------------------------------------------


def test_a_regression_speaks_of_errors_in_dollars() -> None:
    """Page, index and terminal of a regression show dollars and the other metrics, and speak of no accuracy."""
    shown = PAGES["price"].text, PAGES["index of prices"].text, printed(a_price(), width=120)
    for text in shown:
        assert "$58,148 ± $356" in text
        assert "ccurac" not in text
        assert "class" not in text.replace("Where the class stumbled", "")
    for text in (shown[0], shown[2]):
        assert "$63,410" in text
        assert "MAE $40,100 ± $210" in text
        assert "R² 0.746 ± 0.004" in text
    assert "lower is better" in shown[0]
    assert "lower is better" in shown[1]
    assert "$10,000 above the reference's mean" in shown[0]


def test_a_regression_s_rows_are_drawn() -> None:
    """Predicted against true values and residuals are drawn as a dot for each row, with words for those who listen."""
    labels = PAGES["price"].values("aria-label", "svg")
    assert any(words.startswith("Predicted against true values of 98 rows") for words in labels)
    assert any(words.startswith("Residuals of 98 rows") for words in labels)
    dots = [d for d in PAGES["price"].values("d", "path") if d.count("h0") == 98]
    assert len(dots) == 2
    assert not any("h0" * 2 in d or d.count("h0") == 98 for d in PAGES["pass"].values("d", "path"))
    assert "Which classes are confused" not in PAGES["price"].text


def test_predictions_at_an_edge_are_said_only_if_there_are_such() -> None:
    """That predictions were moved to the data's edge is said beside the dots if several lie there; the dashed
    line is always explained."""
    said, true = "are drawn at its edge", (100_000.0, 200_000.0, 300_000.0)
    for predicted, is_said in (((1e5, 2.1e5, 2.9e5), False), ((5e5, 5e5, 2.9e5), True), ((1e5,) * 3, False)):
        sample = tuple(zip(true, predicted, strict=True))
        page = render_page(replace(a_price(), comparison=replace(an_error(), sample=sample)))
        assert (said in page) is is_said
        assert page.count("; dashed: a perfect prediction.") == 1


def test_submissions_without_a_score_are_told_by_verdict() -> None:
    """The note above the figure says what a lane's "1 of 2" is, and which verdict has no lane."""
    stopped = a_fail()
    scored = replace(a_pass("a"), verdict=Verdict.FAIL)
    assert stopped.comparison is None
    assert "FAIL, 1 of 2: the other one has no accuracy." in an_index(scored, stopped).text
    assert "2 submissions (FAIL) have no accuracy." in an_index(a_pass("a"), stopped, stopped).text
    assert "no accuracy" not in an_index(scored, a_pass("b")).text


def test_rules_that_equally_many_missed_are_sorted_by_share() -> None:
    """Of two rules that one submission missed, the one that could be checked on fewer stands first; the caption's
    example is of the table."""
    missed, other = (a_missed(name) for name in ("often", "seldom"))
    met = replace(missed, outcome=Outcome.PASSED)
    index = an_index(replace(a_pass("a"), rules=(missed, other)), replace(a_pass("b"), rules=(met,)))
    table = index.text.partition("Where the class stumbled")[2]
    assert table.rindex("seldom") < table.rindex("often")
    assert "“1 of 1” counts only submissions where the rule could be checked" in index.text
    both = an_index(replace(a_pass("a"), rules=(missed,)), replace(a_pass("b"), rules=(met,)))
    assert "counts only" not in both.text


def a_missed(name: str) -> RuleResult:
    """Return a required rule that was missed."""
    return RuleResult(
        name=name,
        sentence="It holds.",
        importance=Importance.REQUIRED,
        outcome=Outcome.FAILED,
        rationale="No.",
        help="Do.",
        short=name,
    )


def test_a_perfect_regression_is_drawn() -> None:
    """Where nothing is left between predicted and true values there is a picture all the same."""
    perfect = replace(an_error(), sample=((200_000.0, 200_000.0),) * 3)
    assert "Residuals of 3 rows" in render_page(replace(a_price(), comparison=perfect))


def test_the_index_sorts_missing_errors_with_the_worst() -> None:
    """Sorted by error, what has none comes after the largest; sorted by accuracy, before the smallest."""

    def keys(*reports: Report) -> list[float]:
        source = render_index("P", [Entry(report, "x.html") for report in reports], (), DATA)
        return [float(cell) for cell in re.findall(r'<td class="figure[^"]*" data-sort="([^"]+)">', source)]

    missing = replace(a_fail(), metric="rmse")
    worst, good = keys(a_price(), missing)
    assert good == 58_148 < worst
    worst, good = keys(a_pass(), a_fail())
    assert good == 0.913 > worst


def test_the_table_of_a_regression_has_its_metrics() -> None:
    """The CSV's columns are named after what was measured; results.json holds all metrics and no samples."""
    row = next(csv.DictReader(io.StringIO(results_csv([a_price()]))))
    assert (row["rmse"], row["mae"], row["r2"], row["bar"]) == ("58148", "40100", "0.7456", "63410")
    assert "accuracy" not in row
    assert row["difference"] == "4738"
    read = from_json(Results, results_json([a_price()], (), DATA)).reports[0].comparison
    assert read is not None
    assert read == replace(an_error(), sample=())


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (TargetScale(1, 0), "t"),
        (TargetScale(1e-5, 0), "t / 100,000"),
        (TargetScale(1 / 115_000, -2.0), "(t - 230,000) / 115,000"),
        (TargetScale(1, 0, 1.0), "log(t + 1)"),
        (TargetScale(1, 0, 0.0), "log(t)"),
        (TargetScale(2, 1, 0.0), "2 * (log(t) + 0.5)"),
        (TargetScale(0, 1), "0 * t"),
    ],
)
def test_a_target_s_scale_in_words(scale: TargetScale, words: str) -> None:
    """How a student's targets come from the data's is said as a formula."""
    assert target_scale(scale, "t") == words


def test_companions_are_listed_on_page_and_terminal() -> None:
    """What lay beside the notebook with its size, and what did not with the reason, as text and up to a bound."""
    hostile = Companion(name="<script>x\u202e\x1b[31m.txt", size=12, sha256="ab")
    many = tuple(Companion(name=f"pics/{number}.png", size=2_048, sha256="ab") for number in range(200))
    large = Companion(name="big.bin", size=99_000_000, sha256="", left_out="it has 94 MiB, more than 32")
    of = replace(a_pass().submission, companions=(hostile, *many, large), unlisted=7)
    report = replace(a_pass(), submission=of)
    page, shown = render_page(report), printed(report)
    for text in (page, shown):
        assert "big.bin" in text and "it has 94 MiB, more than 32" in text
        assert "\x1b[31m" not in text and "\u202e" not in text
    assert "<script>x" not in page and "&lt;script&gt;x" in page
    assert "pics/1.png" in page and "pics/99.png" not in page
    assert "201 files beside it in the box, 8 files left out" in page and "99.0 MB" in page
    assert "and 189 more" in shown and "and 7 more" in shown


def test_a_network_of_a_companion_is_placed_there() -> None:
    """The page says which file and line made the network, beside the cell."""
    answer = a_pass().answer
    assert answer is not None
    page = render_page(replace(a_pass(), answer=replace(answer, made_in="model.py, line 12")))
    assert "model.py, line 12" in page


def test_a_list_of_one_is_a_sentence() -> None:
    """One observation, or one piece of advice, stands without a bullet; two are a list."""
    seen = Observation(Symptom.IMPROVING, "It still improves.")
    one, two = (render_page(replace(a_pass(), observations=(seen,) * count)) for count in (1, 2))
    assert "<p>It still improves.</p>" in one and "<li>It still improves.</li>" not in one
    assert two.count("<li>It still improves.</li>") == 2


@pytest.mark.parametrize(("count", "folded"), [(13, 0), (14, 4)])
def test_rules_beyond_the_first_ten_can_be_opened(count: int, folded: int) -> None:
    """The table of rules has the most missed ones, and a part to be opened has the rest if these are more than three,
    each with its filter."""
    rules = tuple(replace(a_pass().rules[1], name=f"test_rule_{at}", short=f"Rule {at}") for at in range(count))
    page = an_index(
        *(replace(a_pass(name), rules=tuple(replace(r, outcome=Outcome.FAILED) for r in rules)) for name in "AB")
    )
    assert page.values("data-rule", "a") == [str(at) for at in range(count)]
    assert (f"{folded} more rules" in page.text) is bool(folded)
    assert ("more rules" in page.text) is bool(folded)


def test_the_legend_says_what_the_thick_line_is() -> None:
    """The spread of the mean has a key, unless there is only one seed and so no mean."""
    said = "mean ± the spread over the seeds"
    assert said in render_page(a_pass())
    alone = replace(a_comparison(), scores=a_comparison().scores[:1])
    assert said not in render_page(replace(a_pass(), comparison=alone))


def test_the_legend_has_no_spread_that_is_not_seen() -> None:
    """A spread that the mean's mark hides, or that lies beyond the scale, has no key."""
    said = "mean ± the spread over the seeds"
    narrow = replace(a_comparison(), spread=1e-6)
    assert said not in render_page(replace(a_pass(), comparison=narrow))


def test_a_lane_says_how_many_of_its_submissions_have_a_score() -> None:
    """A lane counts its blocks; of more submissions with this verdict, some have no score."""
    some = an_index(a_pass("A"), replace(a_pass("B"), comparison=None))
    assert "1 of 2" in some.text
    assert "2 PASS" in an_index(a_pass("A"), a_pass("B")).text.partition("Accuracies")[2]


def test_a_regression_has_targets_and_no_labels() -> None:
    """Its finding on other targets than the data's speaks of targets, on index and page; a classification's of
    labels."""
    for report, word in ((a_price(), "Targets"), (a_pass(), "Labels")):
        cause = Cause(CauseKind.LABELS, "All differ.", "Take the data's.")
        report = replace(report, verdict=Verdict.FAIL, cause=cause, rules=())
        assert in_brief(report) == f"{word} differ from the data's"
        assert f"other {word.lower()} than the data&#39;s" in render_page(report)
