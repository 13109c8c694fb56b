"""The bar that most submissions share, and those with a bar of their own."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from reports import DATA, a_comparison, a_pass, a_price

from checker.records.comparison import Comparison, Likeness, MissingRows
from checker.report.html import Entry, render_index

USUAL = a_comparison()
DROPPED = replace(USUAL, bar=0.871, missing=MissingRows(likeness=Likeness.ALIKE, missing=9, rows=90))
ALONE = replace(USUAL, bar=0.86, scores=USUAL.scores[:1])


def index(compared: Sequence[Comparison]) -> str:
    """Return the index of submissions a, b, c … with these comparisons."""
    reports = [replace(a_pass(chr(ord("a") + at)), comparison=one) for at, one in enumerate(compared)]
    return render_index("P", [Entry(one, f"{one.submission.name}.html") for one in reports], (), DATA)


@pytest.mark.parametrize("compared", [[DROPPED, USUAL, USUAL], [USUAL, USUAL, DROPPED], [ALONE, ALONE, USUAL]])
def test_the_bar_is_the_one_that_most_share(compared):
    """The figure's bar is that of most submissions, in whatever order they come."""
    most = max(compared, key=compared.count)
    assert f"Beside them: bar {most.bar:.1%}" in index(compared)


def test_an_own_bar_is_explained_beneath_the_figure():
    """A submission with another bar is named and linked with its bar and the reason."""
    words = "left out some held-out rows; on the remaining rows every model is scored anew."
    there = f"(there the reference reaches {DROPPED.reference_mean:.1%})"
    page = index([USUAL, DROPPED, USUAL])
    assert f'<a href="./b.html"><bdi>b</bdi></a> has a bar of its own, 87.1% {there}, because it {words}' in " ".join(
        page.split()
    )
    others = replace(USUAL, bar=0.85)
    page = index([USUAL, USUAL, USUAL, others])
    assert "because it was compared on other held-out rows." in page


def test_several_own_bars_for_one_reason_are_one_sentence():
    """Submissions with the same reason stand together, each with its own bar."""
    page = " ".join(index([ALONE, replace(ALONE, bar=0.85), *[USUAL] * 3]).split())
    reached = f"reference {ALONE.reference_mean:.1%}"
    assert f"(bar 86.0%, {reached}) and <a" in page
    assert f"(bar 85.0%, {reached}) have bars of their own, because they were trained from 1 seed, not from " in page


def test_further_seeds_are_the_reason_for_an_own_bar():
    """A submission with further seeds is held to the reference's mean over all of them, and the figure says so."""
    again = tuple(replace(score, seed=score.seed + 1_000) for score in USUAL.scores)
    longer = replace(USUAL, scores=(*USUAL.scores, *again), further=len(again), bar=0.872)
    page = " ".join(index([USUAL, longer, USUAL]).split())
    assert "has a bar of its own, 87.2% (there" in page
    assert "), because it was trained from 10 seeds, not from 5." in page


def test_the_missing_rows_of_most_are_the_usual_ones():
    """If most left rows out, the one that has inputs for all rows is the unusual one."""
    assert "because it has inputs for held-out rows that the others leave out." in index([DROPPED, DROPPED, USUAL])


def test_an_own_bar_that_is_written_alike_is_not_mentioned():
    """A difference that no figure of the page shows needs no words."""
    page = index([USUAL, USUAL, replace(DROPPED, bar=USUAL.bar + 1e-5)])
    assert "of its own" not in page and "bars of their own" not in page


def test_many_own_bars_are_folded():
    """More names than fit into a sentence are folded, all of them linked."""
    page = index([*[USUAL] * 30, *[DROPPED] * 25])
    assert "25 submissions have bars of their own, because they left out some" in page
    assert page.partition("have bars of their own")[2].partition("</details>")[0].count("<a ") == 25


def test_a_name_is_escaped_beneath_the_figure():
    """A student's name is text there too."""
    hostile = replace(a_pass("<b>x</b>"), comparison=DROPPED)
    page = render_index("P", [Entry(one, "x.html") for one in (hostile, a_pass("a"), a_pass("b"))], (), DATA)
    assert "has a bar of its own" in page and "<b>x" not in page


def test_errors_have_own_bars_too():
    """In a regression bars are written in the target's unit."""
    one = replace(a_price("a"), comparison=replace(a_price().comparison, bar=65_422.0, missing=DROPPED.missing))
    page = render_index("P", [Entry(r, "x.html") for r in (one, a_price("b"), a_price("c"))], (), DATA)
    assert "has a bar of its own, $65,422 (there the reference reaches $" in page
