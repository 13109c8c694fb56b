"""Numbers and their nouns."""

import pytest

from checker.formats import text


@pytest.mark.parametrize(
    ("of", "said"),
    [((1, "row"), "1 row"), ((0, "row"), "0 rows"), ((2_000, "row"), "2,000 rows"), ((3, "box", "boxes"), "3 boxes")],
)
def test_a_noun_agrees_with_its_number(of, said):
    """One is singular, all else is plural; large numbers have separators."""
    assert text.counted(*of) == said
